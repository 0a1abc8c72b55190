"""In a browser: whatever becomes of a fetch, no button of its card moves away from under the pointer."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import update
from support.installation import source_block
from support.listed import found, studies
from support.serving import served

from preview.records import FetchRow, Scope

PLACES = """() => [...document.querySelectorAll("article.card:first-of-type .actions > *")]
    .filter((one) => one.checkVisibility() && one.tagName !== "FORM")
    .map((one) => { const { x, y } = one.getBoundingClientRect(); return [one.textContent.trim(), x, y]; })"""
COURSES = (("peeking", "posters"), ("waiting", "running", "complete"), ("running", "incomplete"))
"""What becomes of a fetch while nobody presses anything."""


@pytest.fixture
def card(install, chromium):
    """``card(size, lang)``: the page, and what sets where the first study's fetch stands."""
    with ExitStack() as ends:
        site = install(source_block("main", 1))
        client = site.app.test_client()
        path = client.opened(site, ask=False)
        found(site, studies(2))
        address = ends.enter_context(served(site))

        def note(status: str) -> None:
            now = site.parts.now
            under_way = {
                "outcome": None,
                "finished_at": None,
                "begun_at": now,
                "beat_at": now,
                "moved_at": now,
            }
            over = {"finished_at": now, "outcome": "COMPLETE", "arrived": 120}
            values = {
                "peeking": {**under_way, "scope": Scope.POSTERS, "arrived": 0},
                "posters": {**over, "scope": Scope.POSTERS, "arrived": 3, "expected": 3},
                "waiting": {**under_way, "begun_at": None, "beat_at": None, "arrived": 0, "expected": 120},
                "running": {**under_way, "arrived": 30},
                "incomplete": {**over, "outcome": "INCOMPLETE", "arrived": 100, "reason": "some-missing"},
                "complete": {**over, "reason": None},
            }[status]
            live = values["outcome"] is None
            with site.parts.records.write() as session:
                active = FetchRow.study_row if live else None
                values = {"scope": Scope.ALL, "wanted_at": now - timedelta(seconds=5), **values}
                session.execute(update(FetchRow).values(active_study=active, **values))

        def stands(page, status: str) -> None:
            note(status)
            said = page.locator("article.card").first.locator(f".status.{status}")
            expect(said).to_be_visible(timeout=20_000)

        def opens(size, lang, first):
            context = chromium.new_context(viewport={"width": size[0], "height": size[1]})
            ends.callback(context.close)
            cookie = client.get_cookie("preview").value
            context.add_cookies([{"name": "preview", "value": cookie, "url": address}])
            page = context.new_page()
            note(first)
            page.goto(f"{address}{path}{'&' if '?' in path else '?'}lang={lang}")
            return page, lambda status: stands(page, status)

        yield opens


@pytest.mark.parametrize("course", COURSES, ids="-".join)
@pytest.mark.parametrize(("size", "lang"), [((1280, 900), "en"), ((360, 780), "de")])
def test_what_can_be_pressed_stays_where_it_is(card, size, lang, course):
    page, stands = card(size, lang, course[0])
    places = {}
    for status in course:
        stands(status)
        places[status] = page.evaluate(PLACES)
    assert places == dict.fromkeys(course, places[course[0]])
