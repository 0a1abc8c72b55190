"""`make screenshots`: the demo's pages in their states, both themes, wide and narrow, into var/screens.

Those that the README shows go to static/screenshots. ``python -m screenshots outage study-360-dark``: only
these.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as TookTooLong
from support.browser import launched
from support.installation import BIN, ROOT

SCREENS = ROOT / "var" / "screens"
SHOWN = ROOT / "static" / "screenshots"
DEMO = ROOT / "var" / "screens-demo"
ENVIRONMENT = {**os.environ, "DEMO_FOLDER": str(DEMO)}
SIZES = ((1280, 900), (360, 780))
IN_README = {
    "patient-1280-dark": "patient",
    "patient-1280-light": "patient-light",
    "study-1280-dark": "study",
    "fetching-1280-dark": "fetching",
    "unmatched-1280-light": "unmatched",
    "outage-1280-light": "outage",
}
"""Cut to the window's height there."""
_PATIENCE_MS = 90_000


class Shot(NamedTuple):
    """A page as a demo person sees it."""

    name: str
    person: str = ""
    go: Callable[[Page], None] = lambda _page: None
    path: str = ""
    """Of a page that needs no person."""


def open_report(page: Page) -> None:
    """Its words beside its card."""
    open_study(page)
    page.locator(".strip a", has_text="SR").first.click()
    page.locator("#report").wait_for()


def open_study(page: Page) -> None:
    page.locator("article", has_text="CT").get_by_role("link", name="Open preview").first.click()
    page.locator("#film").or_(page.locator(".empty")).first.wait_for()


def fetch_newest(page: Page) -> None:
    """Taken in the middle, with some of its pictures here."""
    article = page.locator("article").first
    with suppress(TookTooLong):  # it may be on its way, or over, by now
        article.get_by_role("button", name=re.compile("^Fetch")).first.click(timeout=5_000)
    with suppress(TookTooLong):
        page.wait_for_function(IN_THE_MIDDLE, timeout=150_000)


IN_THE_MIDDLE = """() => [...document.querySelectorAll("article")].some((one) => {
    const bar = one.querySelector("progress[value]"), pictures = [...one.querySelectorAll(".picture img")];
    return bar && bar.value >= bar.max / 8 && pictures.some((one) => one.complete && one.naturalWidth);
})"""


def open_while_fetching(page: Page) -> None:
    """The preview of a study that is on its way."""
    fetch_newest(page)
    page.locator("article").first.get_by_role("link", name="Open preview").click()
    page.locator("#large").wait_for()


def first_row(page: Page) -> None:
    page.get_by_role("link", name="Compare and decide").first.click()
    page.locator("#pictures-heading").wait_for()


def to_confirm(page: Page) -> None:
    """What a decision would mean, before it is made."""
    staff_page("Unmatched")(page)
    first_row(page)
    page.locator("#verdict-same").click()


def write_plan(page: Page) -> None:
    staff_page("Fallback plan")(page)
    page.locator("#edit").click()
    page.locator("form textarea").first.wait_for()


def staff_page(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("link", name=re.compile(f"^{name}")).first.click()


WELL = (
    Shot("home", path="/"),
    Shot("nothing-here", path="/nowhere"),
    Shot("status", path="/status"),
    Shot("plan", path="/fallback"),
    Shot("patient", "adams"),
    Shot("study", "adams", open_study),
    Shot("report", "adams", open_report),
    Shot("unmatched", "patel", staff_page("Unmatched")),
    Shot("resolve", "patel", lambda page: (staff_page("Unmatched")(page), first_row(page))),
    Shot("confirm", "patel", to_confirm),
    Shot("archives", "lopez", staff_page("Archives")),
    Shot("notices", "lopez", staff_page("Notices")),
    Shot("after-an-outage", "lopez", staff_page("After an outage")),
    Shot("plan-overview", "lopez", staff_page("Fallback plan")),
    Shot("plan-writing", "lopez", write_plan),
)
SLOW = (Shot("fetching", "chen", fetch_newest), Shot("fetching-study", "chen", open_while_fetching))
DOWN = (Shot("outage", "adams"), Shot("outage-status", path="/status"))


@contextmanager
def demo() -> Iterator[tuple[str, str]]:
    """The addresses of the clinical application and of the preview."""
    shutil.rmtree(DEMO, ignore_errors=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "preview.demo"],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said = ""
    try:
        for line in process.stdout or ():
            said += line
            if "Ctrl-C stops everything" in line:
                break
        clinic = re.search(r"(http://localhost:\d+)/as/adams", said)
        preview = re.search(r"ready on (http://\S+)", said)
        if not clinic or not preview:
            raise SystemExit(said)
        yield clinic[1], preview[1]
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)


def turn(*words: str) -> None:
    subprocess.run([str(BIN / "flask"), "demo", *words], cwd=ROOT, env=ENVIRONMENT, check=True)


def take(browser: Browser, addresses: tuple[str, str], shots: tuple[Shot, ...], names: list[str]) -> None:
    clinic, preview = addresses
    for shot in shots:
        for width, height in SIZES:
            for scheme in ("dark", "light"):
                name = f"{shot.name}-{width}-{scheme}"
                if names and not {name, shot.name} & set(names):
                    continue
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                page = context.new_page()
                page.set_default_timeout(_PATIENCE_MS)
                page.goto(f"{clinic}/as/{shot.person}" if shot.person else preview + shot.path)
                if shot not in SLOW:
                    settled(page)
                    shot.go(page)
                    settled(page)
                else:
                    page.locator("article").first.wait_for()
                    shot.go(page)
                keep(page, name)
                context.close()


def settled(page: Page) -> None:
    """Whatever comes by itself has come, or a long while has passed."""
    page.wait_for_load_state("load")
    with suppress(TookTooLong):
        page.wait_for_function(SETTLED, timeout=60_000)


SETTLED = """() => !document.querySelector("#panel[aria-busy=true]") && [...document.images].every((one) =>
    one.complete || one.getBoundingClientRect().top > innerHeight || one.closest("#film"))"""


def keep(page: Page, name: str) -> None:
    if name in IN_README:
        page.screenshot(path=SHOWN / f"{IN_README[name]}.png")
    page.screenshot(path=SCREENS / f"{name}.png", full_page=True)
    print(SCREENS / f"{name}.png", flush=True)


def fetch_all(browser: Browser, addresses: tuple[str, str]) -> None:
    """The study that is looked at later is fetched whole."""
    page = browser.new_context().new_page()
    page.set_default_timeout(_PATIENCE_MS)
    page.goto(f"{addresses[0]}/as/adams")
    page.locator("article", has_text="CT").get_by_role("button", name="Fetch all").first.click()
    page.get_by_text(re.compile(r"Complete, \d+ of")).first.wait_for()
    page.context.close()


def until_down(browser: Browser, status: str) -> None:
    """The prober needs a moment to believe it."""
    page = browser.new_context().new_page()
    for _ in range(30):
        page.goto(status)
        if page.locator(".standing.down").count():
            break
        page.wait_for_timeout(3_000)
    page.context.close()


def main(names: list[str]) -> None:
    """Take the shots of these names, or all."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    with demo() as addresses, sync_playwright() as playwright:
        browser = launched(playwright)
        fetch_all(browser, addresses)
        take(browser, addresses, WELL, names)
        turn("slow", "main")
        take(browser, addresses, SLOW, names)
        turn("down", "main")
        until_down(browser, addresses[1] + "/status")
        take(browser, addresses, DOWN, names)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
