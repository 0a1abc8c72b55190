"""Threads that wait for lines, what can be seen of them, and the behaviours that hold on every database."""

import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from line_holders import compete, lines_at, monitoring, recording, running
from peers import source
from sqlalchemy import func, select
from support.installation import eventually

from fetch.allowance import Allowance
from fetch.counted_lines import CountedLines
from fetch.errors import SourceRefused
from fetch.reasons import Reason
from fetch.records import LineRow, LineWishRow

ONE, TWO, THREE = (source(104, associations=number) for number in (1, 2, 3))
AT_ONCE, TIMES = 8, 6


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def count(records, table) -> int:
    with records.read() as session:
        return session.scalar(select(func.count()).select_from(table))


def refused(lines: Allowance, archive, **more) -> bool:
    try:
        with lines.line(archive, **{"patience": 0, **more}):
            return False
    except SourceRefused as error:
        assert error.reason is Reason.LINES_TAKEN
        return True


@contextmanager
def waiting(records, lines, archive, *, wishes: int = 1, **more):
    """Somebody waits for a line, and keeps it once he has it; both only until the block ends."""
    served, over = threading.Event(), threading.Event()

    def wait() -> None:
        with suppress(SourceRefused), lines.line(archive, patience=60, unwanted=over.is_set, **more):
            served.set()
            over.wait(60)

    thread = threading.Thread(target=wait)
    thread.start()
    eventually(lambda: served.is_set() or count(records, LineWishRow) >= wishes)
    try:
        yield served
    finally:
        over.set()
        thread.join(60)


def carry(lines, archive, party: str, over: threading.Event, done: list[float]) -> None:
    """As a carrier of a fetch does: short requests over one line, which is given back when it is wanted."""
    waits = {"patience": 60, "unwanted": over.is_set}
    while not over.is_set():
        with suppress(SourceRefused), lines.line(archive, party=party, **waits) as line:
            while line.is_ours() and not line.wanted_back() and not over.is_set():
                time.sleep(0.02)
                done.append(time.monotonic())


# --- on every database


def competition(url: str) -> None:
    with recording(url) as records, monitoring() as monitor:
        tasks = [
            (compete, (url, THREE, f"party{number // 2}", monitor.port, TIMES), {"urgent": number % 4 == 0})
            for number in range(AT_ONCE)
        ]
        with running(*tasks) as processes:
            for process in processes:
                process.join(90)
            assert [process.exitcode for process in processes] == [0] * AT_ONCE
        assert len(monitor.entered) == TIMES * AT_ONCE
        assert monitor.most == 3
        assert count(records, LineRow) == count(records, LineWishRow) == 0


def gives_way_and_comes_back(url: str) -> None:
    over, done = threading.Event(), []
    with recording(url) as records, lines_at(url) as others:
        lines = CountedLines(records)
        thread = threading.Thread(target=carry, args=(lines, ONE, "fetch", over, done))
        thread.start()
        try:
            for _ in range(3):
                before = len(done)
                eventually(lambda: len(done) > before, 10)  # noqa: B023
                with others.line(ONE, urgent=True, patience=10):
                    held = time.monotonic()
                    time.sleep(0.3)
                    assert not [moment for moment in done[before:] if moment > held]
        finally:
            over.set()
            thread.join(10)
        assert count(records, LineRow) == count(records, LineWishRow) == 0
