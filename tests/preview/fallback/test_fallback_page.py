"""The written fallback plan: always there, whatever else is down."""

import re
import time
from datetime import timedelta

import pypdfium2
import pytest
import redis
from support.inspecting import text_of
from support.installation import free_port, source_block
from support.people import as_person

from preview.fallback import publishing
from preview.fallback.fields import sections
from preview.records import Role

TITLES = (
    "What still works",
    "Decide the level",
    "Who to call",
    "An urgent image is needed now",
    "Images of other providers",
    "Units to tell",
    "Identity while systems are down",
    "Downtime log",
    "Do not",
    "Back in service",
    "Drills",
)


def pages(content: bytes) -> list[str]:
    return [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(content)]


def test_before_anybody_has_filled_it_in_every_section_is_there_with_its_blanks_marked(client):
    html = client.page("/fallback")
    headings = [text_of(one) for one in re.findall(r"<h2><span.*?</h2>", html)]
    assert headings == [f"{number} {title}" for number, title in enumerate(TITLES, 1)]
    assert "Shipped template: nobody has filled it in or approved it yet" in text_of(html)
    assert "40 blanks have not been filled in. If you need one now, call Radiology 2345." in text_of(html)
    assert html.count('class="blank"') == 39  # and the place of the paper copies, in the head


def test_it_answers_in_a_second_while_database_redis_and_archives_are_off(install):
    gone = f"redis://127.0.0.1:{free_port()}/0"
    site = install(source_block("main", free_port()), redis=gone)
    with pytest.raises(redis.RedisError):
        redis.Redis.from_url(gone).ping()
    site.parts.records.engine.dispose()
    for file in site.folder.glob("preview.db*"):
        file.unlink()
    (site.folder / "preview.db").mkdir()  # nothing can be opened or made there
    client = site.app.test_client()
    assert client.get("/unmatched", headers={"Cookie": ""}).status_code in (403, 503)
    for address in ("/fallback", "/fallback.pdf", "/fallback-log.pdf", "/fallback-worker.js"):
        begun = time.monotonic()
        response = client.get(address)
        assert response.status_code == 200
        assert time.monotonic() - begun < 1


def test_no_statement_reaches_the_database(site, client):
    from sqlalchemy import event

    statements = []
    event.listen(site.parts.records.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    client.page("/fallback")
    client.get("/fallback.pdf")
    assert statements == []
    client.page("/unmatched", 403)
    client.opened(site, None, Role.STAFF)
    assert statements  # so this would have been noticed


def test_the_plan_is_two_a4_pages_and_the_log_is_one_with_twenty_rows(site, client):
    plan = pypdfium2.PdfDocument(client.get("/fallback.pdf").data)
    assert [tuple(round(side) for side in page.get_size()) for page in plan] == [(595, 842)] * 2
    log = pypdfium2.PdfDocument(client.get("/fallback-log.pdf").data)
    assert [tuple(round(side) for side in page.get_size()) for page in log] == [(842, 595)]
    first, second = pages(client.get("/fallback.pdf").data)
    for page in (first, second, client.page("/fallback")):
        assert f"Newest version: {site.settings.app.url}/fallback" in page
    for number, title in enumerate(TITLES, 1):
        assert f"{number} {title}" in re.sub(r" +", " ", first if number < 5 else second)
    (row,) = pages(client.get("/fallback-log.pdf").data)
    for heading in ("Time", "Patient", "Born", "Issued by", "From whom", "Asked by", "How solved"):
        assert heading in row
    assert client.page("/fallback").count("<tr><td></td>") == 20


def test_the_file_has_no_script_no_session_and_nothing_from_elsewhere(site, client):
    as_person(site, client, "Dr Writer")
    client.page("/fallback")
    with site.app.test_request_context():
        from preview.fallback.plan import Plan

        page = publishing.made(Plan("City Hospital", "Radiology 2345", {}))[publishing.PAGE].decode()
    assert "<script" not in page
    assert not re.search(r"\b(src|srcset)=|<link|@import|url\(|csrf|<form", page)
    assert set(re.findall(r'href="([^"]*)"', page)) == {"#plan", "#log", "/fallback.pdf", "/fallback-log.pdf"}


def test_the_page_sets_no_cookie_and_may_use_only_the_style_inside_it(client):
    response = client.get("/fallback")
    assert "Set-Cookie" not in response.headers
    policy = response.headers["Content-Security-Policy"]
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/]{43}='(;|$)", policy)
    assert "frame-ancestors 'self'" in policy


def test_every_page_leads_to_it_and_to_the_pdf(site, client):
    path = client.opened(site)
    for html in (client.page(path), client.page("/"), client.page("/nowhere", 404)):
        footer = re.search(r"<footer.*</footer>", html, re.DOTALL)[0]
        assert 'href="/fallback" target="_blank"' in footer
        assert 'href="/fallback.pdf"' in footer


def test_a_file_that_cannot_be_read_does_not_keep_the_plan_from_anybody(site, client):
    folder = site.settings.app.fallback_folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / publishing.PAGE).write_bytes(b"\xff\xfe broken")
    assert "Shipped template" in client.page("/fallback")


def test_beside_a_plan_that_was_filled_in_the_empty_one_is_no_pdf_of_it(site, client):
    with site.app.test_request_context():
        from preview.fallback.plan import Plan

        files = publishing.made(Plan("City Hospital", "Radiology 2345", {}, 1, "Dr A", "Dr B"))
    publishing.publish(site.settings.app.fallback_folder, {publishing.PAGE: files[publishing.PAGE]})
    assert client.get("/fallback.pdf").status_code == 404
    assert client.get("/fallback-log.pdf").status_code == 200, "a blank form is that of every plan"


def test_it_says_so_once_its_review_is_overdue(site, client):
    with site.app.test_request_context():
        from preview.fallback.plan import Plan

        today = site.parts.now.date()
        for due, warned in ((today - timedelta(days=1), True), (today + timedelta(days=1), False)):
            plan = Plan("City Hospital", "Radiology 2345", {}, 1, "Dr A", "Dr B", today, due)
            publishing.publish(site.settings.app.fallback_folder, publishing.made(plan))
            html = client.page("/fallback")
            assert ('<p id="overdue" hidden' not in html) == warned
            staff = site.app.test_client()
            listed = staff.page(staff.opened(site, None, Role.STAFF))
            assert ("review overdue" in listed) == warned


def test_every_section_of_the_plan_can_be_filled_in(site):
    with site.app.test_request_context():
        listed = sections("Radiology 2345")
    assert [section.number for section in listed] == list(range(12))
    assert [section.title for section in listed if not section.fields] == ["Do not"]
    keys = [field.key for section in listed for field in section.fields]
    assert len(keys) == len(set(keys))
