"""The tab's title tells when a fetch is done, also to whoever looks at another tab meanwhile."""

import re

import pytest
from playwright.sync_api import expect, sync_playwright
from support.browser import launched
from support.serving import served
from support.studies import OKAFOR, study

HIDDEN = "Object.defineProperty(document, 'hidden', { get: () => window.looksElsewhere === true })"


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_title_tells_when_a_fetch_is_done(site, archive, elsewhere):
    for ds in study(images=3):
        archive.add(ds)
    with served(site) as address, sync_playwright() as playwright:
        page = launched(playwright).new_page()
        page.add_init_script(HIDDEN)
        page.goto(address + site.launch(OKAFOR))
        site.ask_all()
        page.get_by_role("button", name="Fetch").click()
        expect(page.get_by_text("Waiting to fetch this study.")).to_be_visible()
        expect(page).to_have_title(re.compile("^OKAFOR, Adaeze"))
        page.evaluate("elsewhere => { window.looksElsewhere = elsewhere; }", elsewhere)
        site.fetch_all()
        expect(page).to_have_title(re.compile("^✓ Fetched completely. CT Thorax · OKAFOR"), timeout=30_000)
        page.context.browser.close()


def test_a_hidden_tab_asks_seldom(site, archive):
    for ds in study(images=3):
        archive.add(ds)
    with served(site) as address, sync_playwright() as playwright:
        page = launched(playwright).new_page()
        page.add_init_script(HIDDEN)
        page.goto(address + site.launch(OKAFOR))
        site.ask_all()
        page.get_by_role("button", name="Fetch").click()
        expect(page.get_by_text("Waiting to fetch this study.")).to_be_visible()
        page.evaluate("() => { window.looksElsewhere = true; }")
        polls = []
        page.on("request", lambda request: polls.append(request.url) if "/updates" in request.url else None)
        page.wait_for_timeout(6_000)
        assert len(polls) <= 1
        page.context.browser.close()
