"""In a browser: two studies are ticked, by mouse or keyboard, and open side by side in the viewer."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete, insert, select, update
from support.installation import free_port, source_block
from support.listed import found, studies
from support.serving import served
from test_accessible import SHIFTS

from preview.records import AnswerRow, AskRow, FetchRow, FoundRow


@pytest.fixture
def page(install, chromium):
    """A patient's page with three studies, of which one is being fetched; nothing answers for the viewer."""
    site = install(source_block("main", 1), viewer_lines=f'url = "http://127.0.0.1:{free_port()}/viewer"')
    client = site.app.test_client()
    path = client.opened(site, ask=False)
    found(site, studies(3))
    now = site.parts.now
    with site.parts.records.write() as session:
        running = {"finished_at": None, "outcome": None, "beat_at": now, "moved_at": now, "arrived": 7}
        session.execute(update(FetchRow).where(FetchRow.study_row == 1).values(running))
    with served(site) as address:
        context = chromium.new_context(viewport={"width": 360, "height": 780})
        cookie = client.get_cookie("preview").value
        context.add_cookies([{"name": "preview", "value": cookie, "url": address}])
        page = context.new_page()
        page.add_init_script(f"({SHIFTS})()")
        page.site = site
        page.goto(address + path)
        yield page
        context.close()


def test_by_keyboard_two_are_ticked_and_a_third_is_refused(page):
    boxes = page.locator("input[form=compare]")
    said, button = page.locator("#ticked"), page.locator("#compare-ticked")
    expect(said).to_have_text("To compare two studies side by side, tick both.")
    expect(button).to_be_disabled()
    boxes.nth(0).focus()
    page.keyboard.press("Space")
    expect(said).to_have_text("One study is ticked; tick the one to compare it with.")
    expect(button).to_be_disabled()
    boxes.nth(2).focus()
    page.keyboard.press("Space")
    expect(said).to_have_text("Two studies are ticked.")
    expect(button).to_be_enabled()
    boxes.nth(1).focus()
    page.keyboard.press("Space")
    expect(said).to_have_text("Two studies are ticked already; untick one of them first.")
    expect(boxes.nth(1)).not_to_be_checked()
    hidden = (
        "(one) => one.getBoundingClientRect().bottom > document.querySelector('#compare').offsetTop - scrollY"
    )
    assert not boxes.nth(1).evaluate(hidden.replace("offsetTop - scrollY", "getBoundingClientRect().top"))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    assert page.evaluate("() => moved") == []


def test_ticks_outlive_the_refreshes_of_the_page(page):
    boxes = page.locator("input[form=compare]")
    boxes.nth(0).check()
    boxes.nth(1).check()
    with page.site.parts.records.write() as session:
        session.execute(update(FetchRow).where(FetchRow.study_row == 1).values(arrived=60))
    expect(page.locator("#panel")).to_contain_text("60 of 120 images received", timeout=15_000)
    expect(boxes.nth(0)).to_be_checked()
    expect(boxes.nth(1)).to_be_checked()
    expect(page.locator("#compare-ticked")).to_be_enabled()


def test_ticks_outlive_a_press_of_fetch_and_are_gone_when_they_are_taken_back(page):
    """A press loads the page anew; what the browser keeps of it are keys of ours."""
    boxes = page.locator("input[form=compare]")
    boxes.nth(1).check()
    boxes.nth(2).check()
    page.get_by_role("button", name="Cancel").first.click()
    page.wait_for_url("**#study-*")
    expect(boxes.nth(1)).to_be_checked()
    expect(boxes.nth(2)).to_be_checked()
    expect(page.locator("#compare-ticked")).to_be_enabled()
    kept = page.evaluate("() => sessionStorage['ticked ' + location.pathname + '/compare']")
    assert kept == " ".join(boxes.nth(one).get_attribute("value") for one in (1, 2))
    boxes.nth(1).uncheck()
    page.reload()
    expect(boxes.nth(2)).to_be_checked()
    expect(boxes.nth(1)).not_to_be_checked()


def test_the_only_study_there_is_cannot_be_ticked(page):
    expect(page.locator("input[form=compare]").first).to_be_visible()
    with page.site.parts.records.write() as session:
        session.execute(delete(FoundRow).where(FoundRow.study_row != 2))
    page.reload()
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.locator("input[form=compare]")).to_be_hidden()


def test_the_line_of_comparing_is_there_only_while_two_studies_can_be_ticked(page):
    """Also where the page polls: the line stands outside the part that comes anew."""
    line = page.locator("#ticked")
    expect(line).to_be_visible()
    with page.site.parts.records.write() as session:
        gone = session.scalars(select(FoundRow)).all()
        kept = [{"ask": row.ask, "study_row": row.study_row} for row in gone]
        session.execute(update(AskRow).values(wanted_at=page.site.parts.now, begun_at=None, finished_at=None))
        session.execute(delete(AnswerRow))
        session.execute(delete(FoundRow))
    page.reload()
    expect(page.locator(".empty")).to_contain_text("Asking the archives, please wait.")
    expect(line).to_be_hidden()
    with page.site.parts.records.write() as session:
        session.execute(insert(FoundRow), kept)
    expect(line).to_be_visible(timeout=15_000)
    expect(page.locator("input[form=compare]").first).to_be_visible()
    with page.site.parts.records.write() as session:
        session.execute(delete(FoundRow).where(FoundRow.study_row != 1))
    expect(page.get_by_role("article")).to_have_count(1, timeout=15_000)
    expect(line).to_be_hidden()


def test_two_ticked_studies_open_in_the_viewers_tab(page):
    boxes = page.locator("input[form=compare]")
    boxes.nth(1).check()
    boxes.nth(2).check()
    asked = []
    page.context.on("request", lambda request: asked.append(request.url))
    with page.expect_popup() as opened:
        page.locator("#compare-ticked").click()
    opened.value.wait_for_timeout(1_500)
    assert [url for url in asked if "/viewer?StudyInstanceUIDs=" in url and url.count(",") == 1], asked


def test_without_scripts_nothing_is_ticked_that_a_refresh_would_lose(page, chromium):
    """The page of a running fetch comes anew every five seconds; the choice of the second study does not."""
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 360, "height": 780})
    context.add_cookies(page.context.cookies())
    plain = context.new_page()
    plain.goto(page.url)
    assert 'http-equiv="refresh"' in plain.content()
    expect(plain.locator("input[form=compare]").first).to_be_hidden()
    expect(plain.locator("#compare")).to_be_hidden()
    asked = []
    context.on("request", lambda request: asked.append(request.url))
    plain.get_by_role("link", name="Compare").nth(1).click()
    expect(plain.get_by_role("heading", name="Compare two studies")).to_be_visible()
    assert 'http-equiv="refresh"' not in plain.content()
    plain.locator(".others a").first.click()
    plain.wait_for_timeout(1_500)
    assert [url for url in asked if "/viewer?StudyInstanceUIDs=" in url and url.count(",") == 1], asked
    assert not any(one in url for url in asked if "/patients/" in url for one in ("OKAFOR", "4471902"))
    context.close()
