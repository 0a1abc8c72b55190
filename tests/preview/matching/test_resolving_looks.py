"""Staff at work in a real browser: by keyboard, on a narrow screen, without scripts, two at once."""

import re
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
from playwright.sync_api import expect
from support.hospital import SECRET
from support.studies import OKAFOR
from werkzeug.serving import make_server

from preview.entrance import access
from preview.records import Role


@pytest.fixture
def served(clinic):
    """The site at a real address, with something on its list."""
    site = clinic.site
    server = make_server("127.0.0.1", site.port, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{site.port}"
    server.shutdown()
    thread.join()


@contextmanager
def somebody(chromium, clinic, served, person="Sam", role=Role.STAFF, patient=None, **how):
    """Comes in with a browser of their own; nothing that a page does may be complained about."""
    context = chromium.new_context(**how)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    with clinic.parts.records.write() as session:
        code = access.prepare(session, role=role, patient=patient, person=person, now=clinic.parts.now)
    page.goto(f"{served}/open/{code}")
    yield page
    assert [one for one in complaints if "(CONFLICT)" not in one] == []  # whoever came second is told
    context.close()


def tab_to(page, name: str) -> None:
    """Press Tab until what is called so has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText.replace(/\\s+/g, ' ').trim()").startswith(name):
            return
    raise AssertionError(f"{name} is not reached")


def test_nothing_is_wider_than_a_narrow_screen(clinic, served, chromium):
    clinic.hold(AccessionNumber="R" * 16, PatientID="9" * 64)
    clinic.opened()
    with somebody(chromium, clinic, served, viewport={"width": 320, "height": 700}) as page:
        width = "document.documentElement.scrollWidth"
        assert page.evaluate(width) <= 320
        page.get_by_role("link", name="Compare and decide").click()
        expect(page.locator("#verdict-same")).to_be_visible()
        page.wait_for_load_state()
        assert page.evaluate(width) <= 320
        page.get_by_role("button", name="Same person").click()
        expect(page.locator("#reason")).to_be_visible()
        page.wait_for_load_state()
        assert page.evaluate(width) <= 320
        small = page.locator("main").locator("button, a.button, input:not([type=hidden]), textarea")
        for one in small.all():
            box = one.bounding_box()
            assert box["width"] >= 24
            assert box["height"] >= 24


@pytest.mark.parametrize("scripts", [True, False])
def test_it_is_decided_and_undone_by_keyboard_with_and_without_scripts(clinic, served, chromium, scripts):
    clinic.hold()
    clinic.opened()
    with somebody(chromium, clinic, served, java_script_enabled=scripts) as page:
        if not scripts:
            page.get_by_role("link", name="Compare and decide").focus()
            page.keyboard.press("Enter")
            page.locator("#verdict-same").focus()
            page.keyboard.press("Enter")
            page.locator("#reason").focus()
            page.keyboard.type("Rang the patient")
            page.locator("#decide").focus()
        else:
            tab_to(page, "Compare and decide")
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading", level=1)).to_have_text("Whose study is this?")
            tab_to(page, "Same person")
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading", level=1)).to_have_text("Confirm: Same person")
            page.locator("#reason").focus()
            page.keyboard.type("Rang the patient")
            tab_to(page, "Confirm: Same person")
        page.keyboard.press("Enter")
        expect(page.locator("#stands")).to_contain_text("Sam: Same person “Rang the patient”")
        assert clinic.live_links() == 1
        page.locator("#undo").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#verdict-same")).to_be_visible()
        assert clinic.live_links() == 0


def test_pictures_arrive_while_staff_look_and_the_focus_stays(clinic, served, chromium):
    clinic.hold(series=2)
    clinic.opened()
    with somebody(chromium, clinic, served) as page:
        page.get_by_role("link", name="Compare and decide").click()
        page.locator("#verdict-other").focus()
        before = page.locator("#verdict-other").bounding_box()["y"]
        clinic.site.fetch_all()
        expect(page.locator("#panel img")).to_have_count(2, timeout=40_000)
        expect(page.locator("#not-confirmed")).to_contain_text("Identity not confirmed.")
        expect(page.locator("#verdict-other")).to_be_focused()
        page.wait_for_function(
            "() => [...document.querySelectorAll('#panel img')].every(i => i.complete && i.naturalWidth)"
        )
        assert abs(page.locator("#verdict-other").bounding_box()["y"] - before) < 60  # no button jumps away


def test_in_tabs_that_are_open_it_appears_and_vanishes_by_itself(clinic, served, chromium):
    clinic.hold()
    clinic.opened()
    with (
        somebody(chromium, clinic, served, "Dr Adams", Role.REFERRER, OKAFOR) as theirs,
        somebody(chromium, clinic, served) as page,
    ):
        clinic.site.ask_all()
        expect(theirs.get_by_text("Staff are checking.")).to_be_visible(timeout=40_000)
        page.get_by_role("link", name="Compare and decide").click()
        clinic.site.fetch_all()
        page.locator("#verdict-same").click()
        page.locator("#decide").click()
        expect(theirs.get_by_role("article").get_by_text(SECRET)).to_be_visible(timeout=40_000)
        expect(theirs.locator("#live")).to_have_count(1)
        expect(theirs.locator("#panel img")).to_have_count(1)
        page.locator("#undo").click()
        expect(theirs.get_by_text("Staff are checking.")).to_be_visible(timeout=40_000)
        expect(theirs.locator("#panel img")).to_have_count(0)
        expect(theirs.get_by_text(SECRET)).to_have_count(0)


def test_of_two_at_once_the_second_is_told(clinic, served, chromium):
    clinic.hold()
    clinic.opened()
    with (
        somebody(chromium, clinic, served, "Sam") as sam,
        somebody(chromium, clinic, served, "Pat") as pat,
    ):
        for page in (sam, pat):
            page.get_by_role("link", name="Compare and decide").click()
            page.locator("#verdict-other").click()
        sam.locator("#decide").click()
        expect(sam.locator("#stands")).to_be_visible()
        pat.locator("#decide").click()
        expect(pat.get_by_role("alert").filter(has_text="Nothing was changed.")).to_be_visible()
        expect(pat.locator("#stands")).to_contain_text("Sam: Another person")
        assert len(clinic.decisions()) == 1


PICTURES_ARE_HERE = """() => {
    const pictures = [...document.querySelectorAll("#panel img")];
    return pictures.length && pictures.every((one) => one.complete && one.naturalWidth);
}"""


def test_a_page_that_is_open_says_by_itself_that_somebody_decided(clinic, served, chromium):
    clinic.hold()
    clinic.opened()
    with (
        somebody(chromium, clinic, served, "Sam") as sam,
        somebody(chromium, clinic, served, "Pat") as pat,
    ):
        for page in (sam, pat):
            page.get_by_role("link", name="Compare and decide").click()
        clinic.site.fetch_all()
        pat.wait_for_function(PICTURES_ARE_HERE)  # one that is asked for after the decision is not found
        sam.locator("#verdict-other").click()
        sam.locator("#decide").click()
        expect(pat.locator("#meanwhile")).to_contain_text("Meanwhile: Sam, Another person", timeout=40_000)
        expect(pat.locator("#live")).to_have_text(
            re.compile("Meanwhile: Sam, Another person")
        )  # one, said once
        expect(pat.locator("#panel img")).to_have_count(0)
        pat.locator("#anew").click()
        expect(pat.locator("#stands")).to_contain_text("Sam: Another person")


def test_filters_stand_in_the_address_and_the_focus_stays_in_them(clinic, served, chromium):
    clinic.hold()
    clinic.hold(replace(OKAFOR, sex="M"), clinic.archive)
    clinic.opened()
    with somebody(chromium, clinic, served) as page:
        expect(page.get_by_role("article")).to_have_count(2)
        page.locator("#source").focus()
        page.locator("#source").select_option(label="Main archive")
        expect(page.get_by_role("article")).to_have_count(1)
        expect(page).to_have_url(re.compile(r"source=main"))
        expect(page.locator("#source")).to_be_focused()
        page.get_by_role("button", name="Assign to me").click()
        expect(page).to_have_url(re.compile(r"source=main"))
        expect(page.get_by_role("article")).to_contain_text("taken on by Sam")
        page.locator("#all").click()
        expect(page.get_by_role("article")).to_have_count(2)
        with page.expect_download() as downloaded:
            page.locator("#csv").click()
        assert downloaded.value.suggested_filename.startswith("unmatched-")
        page.locator("#words").fill("okafor 1975-07-14")
        page.locator("#search").click()
        expect(page.get_by_text("2 studies found")).to_be_visible()
        assert "okafor" not in page.url.lower()


def test_a_search_answers_below_the_form_and_leaves_everything_else(clinic, served, chromium):
    clinic.hold()
    clinic.opened()
    with somebody(chromium, clinic, served) as page:
        page.get_by_role("link", name="Compare and decide").click()
        address = page.url
        page.locator("#search-name").fill("okaf")
        page.keyboard.press("Enter")
        expect(page.locator("#found")).to_contain_text("OKAFOR, Adaeze")
        expect(page.locator("#search-name")).to_be_focused()
        assert page.url == address
        page.locator("#search-name").fill("nobody")
        page.keyboard.press("Enter")
        expect(page.locator("#found")).to_contain_text("No patient whom we know fits.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_in_both_themes(clinic, served, chromium, scheme):
    """Contrast of every text of the pages (WCAG 2.2, 1.4.3)."""
    clinic.hold(PatientSex="M")
    clinic.opened()
    with somebody(chromium, clinic, served, color_scheme=scheme) as page:
        faint = page.evaluate(FAINT)
        for press, there in (("article a.button", "#verdict-same"), ("#verdict-same", "#reason")):
            page.locator(press).click()
            expect(page.locator(there)).to_be_visible()
            page.wait_for_load_state()
            faint += page.evaluate(FAINT)
    assert faint == []


FAINT = """() => {
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$|transparent/.test(c)) return c; } return 'rgb(255, 255, 255)'; };
  const faint = [];
  for (const e of document.querySelectorAll('main *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility() || e.closest('.hidden')) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) faint.push(e.outerHTML.slice(0, 120));
  }
  return faint;
}"""
