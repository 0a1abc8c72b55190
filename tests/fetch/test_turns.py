"""Whoever writes to an SQLite file gets a turn, however much the others write."""

import multiprocessing
import os
import signal
import time
from itertools import groupby
from multiprocessing.synchronize import Barrier

import pytest
from sqlalchemy import text

from fetch import turns
from fetch.records import Records, open_database
from fetch.turns import Turns

PROCESSES, WRITES = 4, 60
SPAWNED = multiprocessing.get_context("spawn")


def url(folder) -> str:
    return f"sqlite:///{folder / 'some.db'}"


@pytest.fixture
def records(tmp_path):
    made = Records(open_database(url(tmp_path)))
    with made.write() as session:
        session.execute(text("CREATE TABLE writes (id INTEGER PRIMARY KEY, who INTEGER)"))
    yield made
    made.engine.dispose()


def write_and_write(address: str, who: int, together: Barrier) -> None:
    """One write after another, each of which takes a while."""
    records = Records(open_database(address))
    together.wait()
    for _ in range(WRITES):
        with records.write() as session:
            session.execute(text("INSERT INTO writes (who) VALUES (:who)"), {"who": who})
            time.sleep(0.002)


def test_nobody_writes_again_and_again_while_others_wait(records, tmp_path):
    together = SPAWNED.Barrier(PROCESSES)
    writers = [
        SPAWNED.Process(target=write_and_write, args=(url(tmp_path), who, together))
        for who in range(PROCESSES)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
        assert writer.exitcode == 0
    with records.read() as session:
        order = list(session.scalars(text("SELECT who FROM writes ORDER BY id")))
    last_that_all_wait = min(max(i for i, one in enumerate(order) if one == who) for who in range(PROCESSES))
    runs = [len(list(run)) for _, run in groupby(order[:last_that_all_wait])]
    assert len(order) == PROCESSES * WRITES
    assert max(runs) < WRITES / 3
    assert len(runs) > last_that_all_wait / 4


def hold(path, held) -> None:
    with Turns(path).next():
        held.set()
        time.sleep(60)


@pytest.fixture
def holder(tmp_path):
    """A process that is next, and never begins."""
    held = SPAWNED.Event()
    process = SPAWNED.Process(target=hold, args=(tmp_path / "some.db", held))
    process.start()
    assert held.wait(60)
    yield process
    process.kill()
    process.join(10)


def test_a_turn_goes_with_its_process(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    with Turns(tmp_path / "some.db").next():
        pass


def test_who_was_stopped_in_line_does_not_hold_up_the_others_for_ever(holder, tmp_path, monkeypatch):
    os.kill(holder.pid, signal.SIGSTOP)
    monkeypatch.setattr(turns, "PATIENCE_S", 0.2)
    with Turns(tmp_path / "some.db").next():
        pass


def test_where_no_file_can_be_made_there_is_no_line(tmp_path):
    with Turns(tmp_path / "nowhere" / "some.db").next():
        pass


def test_a_database_in_memory_has_no_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Records(open_database("sqlite://")).write() as session:
        assert session.scalar(text("SELECT 1")) == 1
    assert list(tmp_path.iterdir()) == []
