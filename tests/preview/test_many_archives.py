"""Many archives on a phone: one line tells of those that answered, and no word of caution is folded away."""

from contextlib import ExitStack

import pytest
from playwright.sync_api import expect
from sqlalchemy import update
from support.axe import findings
from support.installation import source_block
from support.listed import found, studies
from support.serving import served

from fetch.model import AnswerKind
from preview.records import AnswerRow, AskRow

WIDE, PHONE = (1280, 900), (360, 780)
NAMES = ("main", "north", "south", "east", "west", "harbour")


@pytest.fixture
def reader(install, chromium):
    """``reader(size, north={"kind": …}, east=None)``: None has not answered, all others were searched."""
    with ExitStack() as ends:
        site = install(*(source_block(name, 1) for name in NAMES))
        client = site.app.test_client()
        path = client.opened(site, ask=False)
        found(site, studies(2))
        address = ends.enter_context(served(site))

        def opens(size=PHONE, lang="en", **answers):
            searched = {"kind": AnswerKind.FOUND, "answered_at": site.parts.now}
            with site.parts.records.write() as session:
                (ask,) = session.query(AskRow.id).one()
                for name in NAMES:
                    values = answers.get(name, {})
                    if values is not None:
                        session.merge(AnswerRow(ask=ask, source=name, **{**searched, **values}))
                if None in answers.values():
                    session.execute(update(AskRow).values(finished_at=None))
            context = chromium.new_context(viewport={"width": size[0], "height": size[1]})
            ends.callback(context.close)
            cookie = client.get_cookie("preview").value
            context.add_cookies([{"name": "preview", "value": cookie, "url": address}])
            page = context.new_page()
            page.goto(f"{address}{path}{'&' if '?' in path else '?'}lang={lang}")
            return page

        yield opens


def line(page):
    return page.locator("#answers-quiet summary")


@pytest.mark.parametrize("lang", ["en", "de"])
def test_a_phone_shows_one_line_with_their_number_and_a_click_the_rest(reader, lang):
    page = reader(lang=lang)
    expect(line(page)).to_have_text({"en": "✓ 6 archives searched", "de": "✓ 6 Archive durchsucht"}[lang])
    north = page.locator("#answer-north")
    expect(north).to_be_hidden()
    assert page.locator("article.card .picture").first.bounding_box()["y"] < 640
    assert findings(page) == []
    line(page).click()
    expect(north).to_be_visible()


def test_where_there_is_room_each_is_named(reader):
    page = reader(WIDE)
    expect(line(page)).to_be_hidden()
    for name in NAMES:
        expect(page.locator(f"#answer-{name}")).to_be_visible()
    assert findings(page) == []


def test_what_was_not_searched_is_told_without_a_click(reader):
    by_name = {"kind": AnswerKind.NOT_ASKED, "reason": "name-only"}
    page = reader(
        north={"kind": AnswerKind.OUTAGE, "reason": "no-answer"},
        south={"kind": AnswerKind.TRUNCATED},
        east=by_name,
        west={"kind": AnswerKind.NOT_ASKED},
    )
    expect(page.locator("#not-all-asked")).to_contain_text("Not every archive could be asked.")
    for name in ("north", "south"):
        expect(page.locator(f"#answer-{name}")).to_be_visible()
    said = line(page).inner_text()
    assert "✓ 2 archives searched" in said
    assert "1 searched by name and birth date only: more imaging may exist there" in said
    assert "1 not searched: imaging may exist there" in said


def test_how_many_have_answered_is_counted_while_the_others_are_asked(reader):
    page = reader(north=None)
    expect(line(page)).to_have_text("… 5 of 6 archives have answered")


def test_two_archives_are_both_named(install, chromium):
    site = install(source_block("main", 1), source_block("north", 2))
    client = site.app.test_client()
    html = client.page(client.opened(site, ask=False))
    assert "answers-quiet" not in html
