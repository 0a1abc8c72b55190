"""The pages for outages on a narrow screen, by keyboard alone, and without scripts."""

import threading

import pytest
from playwright.sync_api import expect
from support.people import as_person
from werkzeug.serving import make_server

from fetch.reasons import Reason
from preview.entrance import access
from preview.health.journal import Finding, note
from preview.health.records import Condition
from preview.records import Role


@pytest.fixture
def served(site):
    """The site at a real address."""
    server = make_server("127.0.0.1", site.port, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{site.port}"
    server.shutdown()
    thread.join()


def come_in(page, site, served, person="Dr Adams") -> str:
    with site.parts.records.write() as session:
        code = access.prepare(session, role=Role.ADMIN, patient=None, person=person, now=site.parts.now)
    page.goto(f"{served}/open/{code}")
    return page.url.split("/")[4]


def test_nothing_is_wider_than_a_narrow_screen(site, served, chromium):
    page = chromium.new_context(viewport={"width": 320, "height": 700}).new_page()
    key = come_in(page, site, served)
    for path in (f"/admin/{key}/fallback", f"/admin/{key}/fallback/edit", f"/admin/{key}/notices",
                 f"/staff/{key}/downtime", "/fallback", "/fallback#log"):  # fmt: skip
        page.goto(served + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


CUT = """[...document.querySelectorAll(".fields textarea, .fields input")]
    .filter(one => one.scrollHeight > one.clientHeight || one.scrollWidth > one.clientWidth)
    .map(one => one.name)"""


@pytest.mark.parametrize("width", [360, 1280])
def test_what_stands_in_the_blanks_of_the_plan_can_be_read_as_a_whole(site, served, chromium, width):
    page = chromium.new_context(viewport={"width": width, "height": 780}).new_page()
    key = come_in(page, site, served)
    page.goto(f"{served}/admin/{key}/fallback/edit")
    assert page.evaluate(CUT) == []
    units = page.get_by_label("Units, with telephone")
    units.fill("Intensive care 020 7946 0101, " * 10)
    assert page.evaluate(CUT) == []
    units.fill("")
    assert units.bounding_box()["height"] >= 60, "as high as an empty one of two lines"


def test_an_outage_is_read_on_a_narrow_screen_without_scrolling_sideways(site, served, chromium):
    (source,) = site.settings.sources
    with site.parts.records.write() as session:
        down = Finding(Condition.DOWN, Reason.CONNECTION_REFUSED)
        note(session, source, down, site.parts.now, site.settings.app)
    page = chromium.new_context(viewport={"width": 320, "height": 700}).new_page()
    page.goto(f"{served}/status")
    page.locator("#outages-main summary").click()
    table = page.locator("#outages-main .scroll")
    assert table.evaluate("box => box.scrollWidth <= box.clientWidth")
    expect(table.get_by_text("Nothing answers at the archive's address.")).to_be_visible()
    assert table.get_by_text("Nothing answers").bounding_box()["width"] > 150


def test_a_plan_is_written_and_approved_by_keyboard_and_without_scripts(site, served, chromium):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    key = come_in(page, site, served)
    page.goto(f"{served}/admin/{key}/fallback/edit")
    page.get_by_label("PACS administrator: telephone in hours").focus()
    page.keyboard.type("020 7946 0101")
    page.locator("#save").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Version 1 waits for approval")).to_be_visible()
    other = chromium.new_context(java_script_enabled=False).new_page()
    key = come_in(other, site, served, "Dr Brown")
    other.goto(f"{served}/admin/{key}/fallback")
    other.locator("#approve").focus()
    other.keyboard.press("Enter")
    expect(other.get_by_text("Approved. Now print it.")).to_be_visible()
    # a nurse, two clicks from any page: the foot of it, and nothing more
    nurse = chromium.new_context(java_script_enabled=False).new_page()
    nurse.goto(served)
    with nurse.context.expect_page() as opened:
        nurse.get_by_role("link", name="What to do when imaging is down").click()
    expect(opened.value.get_by_text("020 7946 0101")).to_be_visible()


def test_every_field_of_the_form_has_its_own_name(site, client):
    html = client.page(f"/admin/{as_person(site, client, 'Dr Adams')}/fallback/edit")
    fields = html.count('id="field-')
    assert fields == html.count('<label for="field-') > 40
