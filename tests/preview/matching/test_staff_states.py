"""The list with entries, and every step of a decision, on a narrow screen in both themes: axe finds nothing.

``states.md`` in the folder above has them in its table.
"""

import pytest
from playwright.sync_api import expect
from support.axe import findings_in_both_themes, with_axe
from support.inspecting import InspectingClient
from support.installation import Installation, source_block
from support.serving import served
from support.staff_looks import STAFF_LOOKS, Listed, Office

from preview.demo.archive import Archive
from preview.matching.deciding import CHOICES
from preview.matching.records import Verdict
from preview.page.resolving import Stage


@pytest.mark.parametrize("states", [Listed, Stage, CHOICES])
def test_no_state_is_left_out(states):
    assert {look.state for look in STAFF_LOOKS if look.state in set(states)} == set(states)


@pytest.fixture(scope="module")
def office(tmp_path_factory, redis_url):
    with Archive("MAIN").start() as archive, Archive("OUT").start() as outside:
        blocks = [
            source_block("main", archive.port, aet="MAIN"),
            source_block("outside", outside.port, aet="OUT", issuer="RIVERSIDE"),
        ]
        site = Installation(tmp_path_factory.mktemp("office"), blocks, redis_url)
        site.app.test_client_class = InspectingClient
        yield Office(site, archive, outside)
        site.parts.records.engine.dispose()


@pytest.fixture(scope="module")
def page(office, chromium):
    """Sam's, as wide as a telephone."""
    with served(office.clinic.site) as address:
        context = with_axe(chromium.new_context(base_url=address, viewport={"width": 360, "height": 780}))
        cookie = office.sam.client.get_cookie("preview").value
        context.add_cookies([{"name": "preview", "value": cookie, "url": address}])
        yield context.new_page()
        context.close()


@pytest.mark.parametrize("look", STAFF_LOOKS, ids=lambda look: look.id)
def test_axe_finds_nothing_in_any_step_of_a_decision(office, page, look):
    try:
        page.goto(look.arrange(office))
        if look.typed:
            page.locator(look.typed[0]).fill(look.typed[1])
        for one in look.pressed:
            page.locator(one).click()
        expect(page.locator(look.known_by).first).to_be_attached(timeout=15_000)
        assert findings_in_both_themes(page) == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    finally:
        office.two_people(False)


def test_on_a_telephone_no_answer_is_wider_than_another_and_no_date_is_broken(office, page):
    page.goto(office.waits())
    answers = page.locator(".verdicts button")
    assert answers.count() == 4
    assert len({answers.nth(one).bounding_box()["width"] for one in range(4)}) == 1
    assert page.locator(".lead time").evaluate("(time) => time.getClientRects().length") == 1


def test_on_a_telephone_the_filters_leave_room_for_the_list(office, page):
    page.goto(office.sam.list)
    places = [page.locator(f"#{one}").bounding_box() for one in ("state", "source", "owner", "why")]
    assert [place["y"] == places[0]["y"] for place in places] == [True, True, False, False]
    assert page.locator("#words").bounding_box()["y"] == page.locator("#search").bounding_box()["y"]
    heading, first = (page.locator(one).first.bounding_box()["y"] for one in ("h1", "article"))
    assert first - heading < 560  # whatever notice stands above


def test_a_reason_that_is_repeated_at_undo_ends_once(office, page):
    page.goto(office.decided(Verdict.OTHER))
    said = page.locator("#undo").locator("xpath=ancestor::form").inner_text()
    assert "March.”\n" in said
    assert "”." not in said
