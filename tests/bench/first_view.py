"""From the click in the clinical application to the first picture, and what a first view costs."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, sync_playwright
from screenshots.__main__ import demo
from support.browser import launched
from support.installation import Installation, source_block
from support.orthanc import Orthanc

from bench.figures import figure
from bench.hospital import PATIENCE, PATIENT, ct, running

SLICES, SERIES, RUNS = 120, 2, 3
HERE = """() => [...document.querySelectorAll("article .picture img")]
    .some((one) => one.complete && one.naturalWidth)"""
WATCH = """() => {
    window.seen = { lcp: 0, shift: 0, blocked: 0 };
    const watch = (type, see) => new PerformanceObserver((list) => list.getEntries().forEach(see))
        .observe({ type, buffered: true });
    watch("largest-contentful-paint", (one) => { seen.lcp = one.startTime; });
    watch("layout-shift", (one) => { if (!one.hadRecentInput) seen.shift += one.value; });
    watch("longtask", (one) => { seen.blocked += Math.max(0, one.duration - 50); });
}"""


@dataclass
class Loaded:
    """What one page brought over the line."""

    requests: int = 0
    pictures: int = 0
    """How many of them."""
    bytes: int = 0
    """Without pictures, as they were sent."""
    picture_bytes: int = 0
    _kinds: dict[str, str] = field(default_factory=dict)

    def watch(self, page: Page) -> None:
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        line.on(
            "Network.requestWillBeSent", lambda said: self._kinds.update({said["requestId"]: said["type"]})
        )
        line.on("Network.loadingFinished", self._ended)

    def _ended(self, said: dict) -> None:
        is_picture = self._kinds.get(said["requestId"]) == "Image"
        self.requests += 1
        self.pictures += is_picture
        if is_picture:
            self.picture_bytes += int(said["encodedDataLength"])
        else:
            self.bytes += int(said["encodedDataLength"])


def main() -> None:
    with sync_playwright() as playwright:
        browser = launched(playwright)
        with demo() as (clinic, _):
            # the first of the day asks the archive and draws; whoever comes later finds the pictures there
            _launches(browser, "the demo", lambda: f"{clinic}/as/adams")
        with _hospital() as (site, address):
            _launches(browser, "Orthanc", lambda: address + site.launch(PATIENT))
            with _patient(browser, site, address) as page:
                _fetch(page)
                patient = page.url
                study = page.get_by_role("link", name="Open preview").first.get_attribute("href")
                cookies = page.context.cookies()
            for name, path in (("patient's page", patient), ("study preview", address + study)):
                _first_view(browser, cookies, name, path)
        browser.close()


@contextmanager
def _hospital() -> Iterator[tuple[Installation, str]]:
    with (
        tempfile.TemporaryDirectory() as name,
        Orthanc(Path(name) / "orthanc").running() as orthanc,
    ):
        orthanc.store(ct(SLICES, series=SERIES))
        folder = Path(name) / "site"
        folder.mkdir()
        block = source_block("main", orthanc.port, aet=orthanc.aet, **PATIENCE)
        site = Installation(folder, [block], "embedded", app_lines="poster_studies = 5")
        with running(site) as address:
            yield site, address


def _launches(browser: Browser, of: str, link: Callable[[], str]) -> None:
    seconds = [_launched(browser, link()) for _ in range(RUNS)]
    figure(f"launch to the first picture, {of}: the first time", seconds[0])
    figure("the same, once the pictures are here", min(seconds[1:]), goal=2)


def _launched(browser: Browser, link: str) -> float:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    began = time.monotonic()
    page.goto(link, wait_until="commit")
    while not _first_picture(page):
        if time.monotonic() - began > 120:
            raise TimeoutError(link)
    seconds = time.monotonic() - began
    page.context.close()
    return seconds


def _first_picture(page: Page) -> bool:
    """The page may be on its way to the next one meanwhile."""
    try:
        page.wait_for_function(HERE, timeout=2_000)
    except Error:
        return False
    return True


@contextmanager
def _patient(browser: Browser, site: Installation, address: str) -> Iterator[Page]:
    page = browser.new_context().new_page()
    page.goto(address + site.launch(PATIENT))
    yield page
    page.context.close()


def _fetch(page: Page) -> None:
    page.get_by_role("button", name="Fetch").first.click(timeout=60_000)
    page.locator(".status.complete").first.wait_for(timeout=180_000)


def _first_view(browser: Browser, cookies: list, name: str, path: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies(cookies)
    page, loaded = context.new_page(), Loaded()
    loaded.watch(page)
    page.add_init_script(f"({WATCH})()")
    page.goto(path, wait_until="networkidle")
    page.wait_for_timeout(1_000)
    seen = page.evaluate("() => seen")
    print(f"  {name}: {loaded.requests} requests, {loaded.pictures} of them for pictures")
    figure("without pictures", loaded.bytes / 1000, "kB", goal=100)
    figure("pictures", loaded.picture_bytes / 1000, "kB")
    figure("largest contentful paint", seen["lcp"] / 1000, goal=2.5)
    figure("cumulative layout shift", seen["shift"], "", goal=0)
    figure("total blocking time", seen["blocked"], "ms", goal=200)
    again = Loaded()
    again.watch(page)
    page.reload(wait_until="networkidle")
    figure("the second view, everything", (again.bytes + again.picture_bytes) / 1000, "kB")
    context.close()


if __name__ == "__main__":
    main()
