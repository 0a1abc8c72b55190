"""What grows for years is not looked through as a whole: not for the state of the system, nor for a poll."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event
from support.inspecting import polled_address
from support.studies import OKAFOR, study

from preview.health.records import Condition, OutageRow
from preview.records import Role

HX = {"HX-Request": "true"}
GROWING = ("contexts", "asks", "answers", "found", "fetches", "fetch_notes", "studies", "series", "instances")


@pytest.fixture
def questions(site):
    """What is asked of the database, each with its values."""
    seen = {}

    def note(_connection, _cursor, sql, values, *_rest):
        if sql.startswith("SELECT"):
            seen[sql] = values

    event.listen(site.parts.records.engine, "before_cursor_execute", note)
    yield seen
    event.remove(site.parts.records.engine, "before_cursor_execute", note)


def looked_through(site, questions) -> set[str]:
    """The tables of which some question reads every row."""
    plans = []
    with site.parts.records.engine.connect() as connection:
        for sql, values in list(questions.items()):
            plans += [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
    return {scan[1] for plan in plans if (scan := re.match(r"SCAN (\w+)", plan))} & set(GROWING)


def test_the_state_of_the_system_is_found_by_what_is_open_and_what_ended_lately(site, client, questions):
    client.opened(site, role=Role.STAFF)
    now = site.parts.now
    with site.parts.records.write() as session:
        for hours, end in ((1, None), (30, now - timedelta(hours=29))):
            began = now - timedelta(hours=hours)
            session.add(OutageRow(source="main", condition=Condition.DOWN, began_at=began, ended_at=end))
    questions.clear()
    assert client.get("/status").status_code == 200
    assert any("FROM answers" in sql for sql in questions)
    assert looked_through(site, questions) == set()


def test_a_poll_finds_all_that_it_asks_for(site, client, archive, questions):
    for ds in study():
        archive.add(ds)
    path = client.opened(site, OKAFOR)
    client.press(client.page(path), "Fetch")
    address = polled_address(client.page(path))
    site.launch(OKAFOR)
    questions.clear()
    assert client.get(address.replace("v=", "v=0"), headers=HX).status_code == 200
    assert any("FROM fetches" in sql for sql in questions)
    assert looked_through(site, questions) == set()
