"""The plan, notices and the list after an outage on PostgreSQL, where several write in the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from support.inspecting import InspectingClient
from support.installation import source_block
from support.people import as_person
from support.postgresql import OnPostgreSQL

from preview.fallback import versions
from preview.fallback.notices import active_notices
from preview.fallback.records import NoticeRow, PlanRow, Urgency

AT_ONCE = 6


@pytest.fixture
def site(server, tmp_path, clean_redis):
    installation = OnPostgreSQL(
        tmp_path, [source_block("main", 1)], clean_redis, database=server.new_database()
    )
    installation.app.test_client_class = InspectingClient
    yield installation
    installation.parts.records.engine.dispose()


def at_once(site, what) -> list:
    """The results of doing it in several transactions that all begin in the same moment."""
    start = threading.Barrier(AT_ONCE)

    def one(number):
        start.wait(10)
        with site.app.test_request_context(), site.parts.records.write() as session:
            return what(session, number)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(one, range(AT_ONCE)))


def test_of_several_who_save_at_once_one_does_and_of_several_who_approve_one_does(site):
    now = site.parts.now
    due = (now + timedelta(days=9)).date()
    saved = at_once(site, lambda db, n: versions.save(db, 0, {"works": str(n)}, due, f"Writer {n}", now))
    assert sorted(saved, key=str) == [1, *[None] * (AT_ONCE - 1)]
    approved = at_once(site, lambda db, n: versions.approve(db, 1, f"Approver {n}", now))
    assert sorted(approved) == [*[False] * (AT_ONCE - 1), True]
    with site.parts.records.read() as session:
        row = session.get(PlanRow, 1)
        assert row.author == f"Writer {saved.index(1)}"
        assert row.approved_by == f"Approver {approved.index(True)}"


def test_an_approved_version_stands_before_newer_ones_that_are_not(site):
    now = site.parts.now
    due = (now + timedelta(days=9)).date()
    with site.app.test_request_context(), site.parts.records.write() as session:
        assert versions.shown(session) is None
        assert versions.save(session, 0, {}, due, "A", now) == 1
        assert versions.shown(session).number == 1
        assert versions.approve(session, 1, "B", now)
        assert versions.save(session, 1, {}, due, "A", now) == 2
        assert versions.shown(session).number == 1
        assert not versions.approve(session, 1, "C", now)


def test_the_pages_work(site):
    client = site.app.test_client()
    key = as_person(site, client, "Dr Adams")
    html = client.page(f"/admin/{key}/fallback/edit")
    assert client.press(html, "Save this version for approval").status_code == 303
    assert "Version 1 waits for approval" in client.page(f"/admin/{key}/fallback")
    assert client.get(f"/admin/{key}/fallback/versions/99999999999").status_code == 404
    client.page(f"/admin/{key}/notices")
    client.page(f"/staff/{key}/downtime")
    values = {"time": "2026-01-01T10:00", "patient_name": "A", "patient_id": "1", "study": "CT"}
    html = client.page(f"/staff/{key}/downtime")
    assert client.press(html, "Enter this row", **values).status_code == 303
    assert (
        client.press(client.page(f"/staff/{key}/downtime"), "Nothing of it is open any more").status_code
        == 303
    )


def test_a_notice_is_active_in_its_time(site):
    now = site.parts.now
    with site.parts.records.write() as session:
        times = {"starts_at": now, "ends_at": now + timedelta(hours=1), "made_at": now}
        session.add(NoticeRow(urgency=Urgency.INFO, text="a", made_by="", **times))
    with site.parts.records.read() as session:
        assert [row.text for row in active_notices(session, now)] == ["a"]
        assert active_notices(session, now - timedelta(seconds=1)) == []
        assert active_notices(session, now + timedelta(hours=1)) == []
