"""Lines while the database is locked or away, and on PostgreSQL."""

import logging
import sqlite3
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta

import pytest
from line_holders import recording
from line_waiters import ONE, competition, gives_way_and_comes_back, refused, waiting
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from support.installation import eventually

from fetch.counted_lines import CountedLines
from fetch.records import LineRow, Records, open_database


@contextmanager
def locked(url: str, seconds: float):
    """Somebody writes for so long, and lets nobody else."""
    connection = sqlite3.connect(
        url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False
    )
    connection.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(seconds, connection.execute, ("COMMIT",))
    timer.start()
    try:
        yield
    finally:
        timer.join()
        connection.close()


def test_a_database_that_is_locked_for_three_seconds_costs_nobody_his_line(url, records, others):
    lines = CountedLines(records, length=timedelta(seconds=6), renewed_every=timedelta(seconds=1))
    with lines.line(ONE) as line:
        with locked(url, 3):
            assert not line.wanted_back()
            time.sleep(1)
        time.sleep(4)
        assert line.is_ours()
        assert refused(others, ONE)


def test_who_asks_while_the_database_is_locked_gets_his_line_afterwards(url, lines):
    with locked(url, 3), lines.line(ONE, patience=0) as line:
        assert line.is_ours()


def test_a_database_that_is_locked_longer_than_a_lease_ends_it(url, records):
    lines = CountedLines(records, length=timedelta(seconds=1), renewed_every=timedelta(seconds=0.3))
    with lines.line(ONE) as line:
        with locked(url, 2):
            eventually(lambda: not line.is_ours(), 10)
        time.sleep(0.5)
        assert not line.is_ours()


def test_a_database_without_the_tables_is_an_error_and_not_a_busy_archive(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(OperationalError), CountedLines(Records(engine)).line(ONE, patience=0):
        pass
    engine.dispose()


# --- PostgreSQL


def test_on_postgresql_eight_processes_never_have_more_lines_than_a_source_allows(server):
    competition(server.new_database())


def test_on_postgresql_a_fetch_gives_way_and_comes_back(server):
    gives_way_and_comes_back(server.new_database())


def test_on_postgresql_a_restart_of_the_server_costs_nobody_his_line(server, caplog):
    caplog.set_level(logging.WARNING)
    with recording(server.new_database()) as records:
        lines = CountedLines(records, renewed_every=timedelta(seconds=0.3))
        with lines.line(ONE, party="fetch") as line:
            taken = until(records)
            with server.stopped():
                eventually(lambda: "could not be renewed (OperationalError)" in caplog.text, 10)
                assert not line.wanted_back()
            eventually(lambda: until(records) > taken + timedelta(seconds=1), 20)
            assert line.is_ours()
            assert refused(lines, ONE)
    assert all(record.exc_info is None for record in caplog.records if record.name.startswith("fetch"))


def test_on_postgresql_who_waits_outlasts_a_restart_of_the_server(server):
    with recording(server.new_database()) as records:
        lines = CountedLines(records)
        with ExitStack() as holder:
            holder.enter_context(lines.line(ONE))
            with waiting(records, lines, ONE) as served:
                with server.stopped():
                    time.sleep(0.5)
                holder.close()
                eventually(served.is_set)


def until(records) -> datetime:
    with records.read() as session:
        return session.scalar(select(LineRow.until))
