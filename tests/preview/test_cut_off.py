"""In a browser: a page that no longer reaches the server says so wherever one is on it, and stands still."""

import re
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import update
from support.axe import findings
from support.installation import source_block
from support.listed import found, studies
from support.serving import served
from support.tcp_proxy import TcpProxy
from test_accessible import SHIFTS

from fetch.records import StudyRow
from preview.records import FetchRow

WIDE, PHONE = (1280, 900), (360, 780)
RECOVERS_MS = 20_000
COVERED = """() => {
    const bar = document.getElementById("unreachable");
    const place = document.activeElement.getBoundingClientRect();
    const seen = document.elementFromPoint((place.left + place.right) / 2, (place.top + place.bottom) / 2);
    return place.bottom < bar.getBoundingClientRect().bottom + 10 && (!seen || bar.contains(seen));
}"""


class Reader:
    """A browser before a site, over a line that can be cut; every study is being fetched."""

    def __init__(self, site, chromium, ends: ExitStack) -> None:
        self.site, self._chromium, self._ends = site, chromium, ends
        self.client = site.app.test_client()
        self.path = self.client.opened(site, ask=False)
        found(site, studies(6))
        self._running()
        ends.enter_context(served(site))
        self._line = ExitStack()
        ends.callback(self._line.close)
        self.proxy = self._line.enter_context(TcpProxy(site.port))
        self.address = f"http://127.0.0.1:{self.proxy.port}"

    def _running(self) -> None:
        now = self.site.parts.now
        counts = {"expected": 480, "arrived": 120, "drawn": 120, "outcome": None, "finished_at": None}
        begun = {"begun_at": now - timedelta(seconds=20), "beat_at": now, "moved_at": now}
        with self.site.parts.records.write() as session:
            session.execute(update(FetchRow).values(active_study=FetchRow.study_row, **counts, **begun))

    def opens(self, size=WIDE, **settings):
        context = self._chromium.new_context(viewport={"width": size[0], "height": size[1]}, **settings)
        self._ends.callback(context.close)
        cookie = self.client.get_cookie("preview").value
        context.add_cookies([{"name": "preview", "value": cookie, "url": self.address}])
        page = context.new_page()
        page.add_init_script(f"({SHIFTS})()")
        page.goto(self.address + self.path)
        expect(page.locator("progress").first).to_be_attached()
        page.wait_for_load_state("networkidle")
        return page

    def kill(self) -> None:
        """Nobody listens there any more."""
        self._line.close()

    def hang(self) -> None:
        self.proxy.set(timeout=True)

    def answer_again(self) -> None:
        self._running()
        self.proxy.set(timeout=False)


@pytest.fixture
def reader(install, chromium):
    with ExitStack() as ends:
        yield Reader(install(source_block("main", 1)), chromium, ends)


def says(page):
    return page.locator("#unreachable")


def scrolled_down(page) -> None:
    page.locator("article.card").nth(3).evaluate("(one) => one.scrollIntoView()")
    page.evaluate("() => { moved.length = 0; }")


def is_on_the_screen(page) -> None:
    expect(says(page)).to_be_visible()
    place = says(page).bounding_box()
    assert place["y"] == 0
    assert place["width"] == page.viewport_size["width"]


@pytest.mark.parametrize("fault", ["offline", "killed", "hung"])
def test_it_is_said_where_the_reader_is_and_nothing_moves(reader, fault):
    page = reader.opens()
    scrolled_down(page)
    {"offline": lambda: page.context.set_offline(True), "killed": reader.kill, "hung": reader.hang}[fault]()
    expect(says(page)).to_be_visible(timeout=30_000)
    is_on_the_screen(page)
    expect(says(page)).to_have_text(re.compile(r"No answer from the server\. What you see is of \d\d:\d\d\."))
    assert page.evaluate("() => scrollY") > 0
    assert page.evaluate("() => moved") == []


@pytest.mark.parametrize(
    ("size", "scheme", "lang"),
    [(WIDE, "dark", "en"), (WIDE, "light", "de"), (PHONE, "dark", "de"), (PHONE, "light", "en")],
)
def test_at_the_top_nothing_moves_either_and_the_patient_can_be_read(reader, size, scheme, lang):
    reader.path += f"&lang={lang}" if "?" in reader.path else f"?lang={lang}"
    page = reader.opens(size, color_scheme=scheme)
    page.evaluate("() => { moved.length = 0; }")
    page.context.set_offline(True)
    is_on_the_screen(page)
    assert page.evaluate("() => moved") == []
    bar, name = says(page).bounding_box(), page.locator("h1").bounding_box()
    assert bar["height"] <= name["y"] + 2
    assert page.evaluate("() => document.documentElement.scrollWidth") <= size[0]
    assert findings(page) == []


def test_no_fetch_looks_as_if_it_went_on_and_all_is_as_before_once_the_server_answers(reader):
    page = reader.opens()
    scrolled_down(page)
    status = page.locator(".status.running").nth(3)
    words, bar = status.get_by_text("Fetching study, please wait."), status.locator("progress")
    expect(words).to_be_visible()
    reader.hang()
    expect(says(page)).to_be_visible(timeout=30_000)
    expect(words).to_be_hidden()
    known = "From before: 120 of 480 images received."
    assert seen_instead(status) == f"▲ {known} How far it is now is not known."
    expect(page.locator("#panel")).to_have_attribute("aria-busy", "false")
    assert bar.evaluate("(one) => getComputedStyle(one).opacity") < "1"
    assert page.evaluate("() => moved") == []
    reader.answer_again()
    expect(says(page)).to_be_hidden(timeout=RECOVERS_MS)
    expect(words).to_be_visible()
    expect(page.locator("#panel")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#tidings")).to_have_text("The server answers again.")


def seen_instead(status) -> str:
    return status.locator(".alive").evaluate(
        """(one) => {
            const style = getComputedStyle(one, "::after");
            const words = style.content.replaceAll('" "', "").replaceAll('"', "");
            return style.visibility === "visible" ? words : "";
        }"""
    )


def test_a_bar_without_an_end_does_not_go_to_and_fro(reader):
    with reader.site.parts.records.write() as session:
        session.execute(update(FetchRow).values(expected=None))
        session.execute(update(StudyRow).values(instance_count=None))
    page = reader.opens()
    bar = page.locator("progress").first
    expect(bar).to_be_visible()
    page.context.set_offline(True)
    expect(bar).to_be_hidden()


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_what_has_the_focus_is_never_below_it(reader, size):
    page = reader.opens(size)
    page.context.set_offline(True)
    expect(says(page)).to_be_visible()
    for key in ["Tab"] * 30 + ["Shift+Tab"] * 30:
        page.keyboard.press(key)
        if page.evaluate("() => document.activeElement.matches('body, #unreachable *')"):
            continue
        assert not page.evaluate(COVERED), page.evaluate("() => document.activeElement.outerHTML")


def test_what_already_has_the_focus_is_uncovered(reader):
    page = reader.opens()
    link = page.locator("article.card").nth(3).locator("a.button:not(noscript *)").first
    link.focus()
    link.evaluate("(one) => one.scrollIntoView({ block: 'start' })")
    page.context.set_offline(True)
    expect(says(page)).to_be_visible()
    assert not page.evaluate(COVERED)
    assert link.evaluate("(one) => one === document.activeElement")


def test_whoever_is_in_it_is_on_the_page_again_once_the_server_answers(reader):
    page = reader.opens()
    reader.hang()
    expect(says(page)).to_be_visible(timeout=30_000)
    page.locator("#cut-off-plan").focus()
    reader.answer_again()
    expect(says(page)).to_be_hidden(timeout=RECOVERS_MS)
    assert page.evaluate("() => document.activeElement.id") == "content"


def test_a_server_that_answers_with_an_error_is_not_called_silent(reader):
    page = reader.opens()
    page.route("**/*", lambda route: route.fulfill(status=503, body=""))
    expect(says(page)).to_be_visible(timeout=RECOVERS_MS)
    expect(says(page)).to_have_text(re.compile(r"The server could not answer\. What you see is of"))


def test_of_another_day_it_says_the_date(reader):
    page = reader.opens(timezone_id="UTC")
    page.context.set_offline(True)
    expect(says(page)).to_be_visible()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    page.clock.set_fixed_time(tomorrow)
    page.evaluate("() => dispatchEvent(new Event('offline'))")
    expect(says(page)).to_have_text(re.compile(r"What you see is of \d\d-[A-Z][a-z]+-\d{4} \d\d:\d\d\."))


def test_the_plan_for_an_outage_is_one_click_away(reader):
    page = reader.opens()
    page.context.set_offline(True)
    link = says(page).get_by_role("link", name="What to do")
    expect(link).to_be_visible()
    assert link.get_attribute("href").endswith("/fallback")
