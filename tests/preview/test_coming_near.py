"""In a browser: the rest of a page of studies comes before the reader has scrolled to where it stands."""

import pytest
from playwright.sync_api import expect
from support.installation import source_block
from support.listed import found, studies
from support.serving import served
from test_accessible import SHIFTS


@pytest.fixture
def page(install, chromium):
    """A patient's page with forty studies of many pictures, all at rest."""
    site = install(source_block("main", 1))
    client = site.app.test_client()
    path = client.opened(site, ask=False)
    found(site, studies(40))
    with served(site) as address:
        context = chromium.new_context(viewport={"width": 1280, "height": 800})
        cookie = client.get_cookie("preview").value
        context.add_cookies([{"name": "preview", "value": cookie, "url": address}])
        page = context.new_page()
        page.add_init_script(f"({SHIFTS})()")
        page.goto(address + path)
        yield page
        context.close()


def test_the_rest_comes_and_neither_focus_nor_place_is_lost(page):
    cards = page.locator("article.card")
    expect(cards).to_have_count(15)
    eighth = cards.nth(7).locator("a.button:not(noscript *)").first
    eighth.focus()
    expect(cards).to_have_count(40, timeout=20_000)
    assert eighth.evaluate("(one) => one === document.activeElement")
    assert page.evaluate("() => moved") == []
    expect(page.locator("#older")).to_have_count(0)


def test_what_is_not_scrolled_to_is_not_brought(page):
    page.wait_for_timeout(1500)
    expect(page.locator("article.card")).to_have_count(15)
