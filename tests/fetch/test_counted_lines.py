"""Lines that are counted in the database, across threads, processes and hosts."""

import os
import threading
import time
from contextlib import ExitStack
from datetime import timedelta

from line_holders import SHORT, hold, hold_and_fork, kill, monitoring, running
from line_waiters import ONE, THREE, TWO, Clock, competition, count, refused
from peers import source
from sqlalchemy import select
from support.installation import eventually

from fetch.counted_lines import LENGTH, LONGEST_PAUSE_S, RENEWED_EVERY, WISH_LENGTH, CountedLines
from fetch.records import LineRow

# --- how many


def test_no_more_lines_than_the_source_allows(lines, others):
    with lines.line(TWO), others.line(TWO) as second:
        assert refused(lines, TWO)
        assert refused(others, TWO, urgent=True)
        assert second.is_ours()
    assert not refused(others, TWO)


def test_every_source_has_lines_of_its_own(lines):
    with lines.line(ONE):
        assert not refused(lines, source(104, "other", associations=1))


def test_eight_processes_never_have_more_lines_than_a_source_allows(url):
    competition(url)


def test_lines_beyond_a_lowered_allowance_are_counted_and_not_handed_out_again(records, lines):
    with ExitStack() as first, ExitStack() as rest:
        first.enter_context(lines.line(THREE))
        rest.enter_context(lines.line(THREE))
        rest.enter_context(lines.line(THREE))
        assert refused(lines, TWO)
        first.close()
        assert refused(lines, TWO)  # the slot is free, but two lines are held
        rest.close()
        with lines.line(TWO), lines.line(TWO):
            assert refused(lines, TWO)
            with records.read() as session:
                assert set(session.scalars(select(LineRow.slot))) == {0, 1}


# --- leases


def test_by_default_a_dead_holders_line_is_free_within_30_seconds():
    assert LENGTH + timedelta(seconds=LONGEST_PAUSE_S) < timedelta(seconds=25)
    assert timedelta(seconds=10) >= WISH_LENGTH


def test_by_default_a_renewal_may_fail_twice():
    assert 3 * RENEWED_EVERY < LENGTH


def test_the_line_of_a_killed_process_is_free_again(url, records, others):
    with monitoring() as monitor, running((hold, (url, ONE, "victim", monitor.port), {})) as (holder,):
        monitor.wait_for(1)
        time.sleep(SHORT["length"].total_seconds() + 0.5)
        assert refused(others, ONE)  # alive, it renews its lease
        holder.kill()
        began = time.monotonic()
        with others.line(ONE, patience=30):
            assert time.monotonic() - began < SHORT["length"].total_seconds() + 2


def test_a_child_of_a_killed_process_does_not_keep_its_line(url, records, others):
    with (
        monitoring() as monitor,
        running((hold_and_fork, (url, ONE, "victim", monitor.port), {})) as (holder,),
    ):
        monitor.wait_for(2)
        holder.kill()
        with others.line(ONE, patience=30):
            os.kill(monitor.pids["victim-child"], 0)  # it still lives
        kill(monitor.pids["victim-child"])


def in_a_fork(check) -> bool:
    """Whether it is true in a child of this process."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if check() else 2
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, 2)
    return code == 0


def test_a_fork_does_not_free_its_parents_line(records, lines):
    with ExitStack() as stack:
        line = stack.enter_context(lines.line(ONE, party="parent"))
        assert not in_a_fork(lambda: stack.close() or line.is_ours())
        assert line.is_ours()
        assert count(records, LineRow) == 1
        assert refused(lines, ONE)


def test_a_fork_takes_and_renews_lines_of_its_own(records):
    lines = CountedLines(records, length=timedelta(seconds=2), renewed_every=timedelta(seconds=0.3))

    def takes_and_renews() -> bool:
        records.engine.dispose(close=False)  # connections do not survive a fork
        with lines.line(TWO, patience=10) as line:
            time.sleep(2.5)
            return line.is_ours() and refused(lines, TWO)

    with lines.line(TWO):
        assert in_a_fork(takes_and_renews)
        assert count(records, LineRow) == 1


def test_a_lease_is_renewed_as_long_as_the_block_runs(records):
    lines = CountedLines(records, length=timedelta(seconds=2), renewed_every=timedelta(seconds=0.2))
    with lines.line(ONE) as line:
        time.sleep(3)
        assert line.is_ours()
        assert refused(lines, ONE)


def test_nothing_is_renewed_when_nothing_is_held(records):
    lines = CountedLines(records, renewed_every=timedelta(seconds=0.1))
    with lines.line(ONE):
        assert renewing()
    eventually(lambda: not renewing(), 10)
    with lines.line(ONE):
        assert renewing()


def renewing() -> bool:
    return any(thread.name == "renew lines" for thread in threading.enumerate())


def test_a_lease_that_could_not_be_renewed_is_lost_for_good(records):
    clock = Clock()
    lines = CountedLines(records, clock=clock)
    with lines.line(ONE) as line:
        clock.now += LENGTH - timedelta(seconds=1)
        assert line.is_ours()
        assert refused(lines, ONE)
        clock.now += timedelta(seconds=2)
        assert not line.is_ours()
        with lines.line(ONE, patience=0) as next_line:
            assert next_line.is_ours()
            clock.now -= timedelta(seconds=2)
            assert not line.is_ours()


def test_who_lost_his_line_does_not_free_the_next_ones(records):
    clock = Clock()
    lines = CountedLines(records, clock=clock)
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(lines.line(ONE))
        clock.now += LENGTH + timedelta(seconds=1)
        second.enter_context(lines.line(ONE, patience=0))
        first.close()
        assert refused(lines, ONE)


def test_a_line_that_somebody_else_took_meanwhile_is_lost(records):
    slow = Clock()  # stands still: in its eyes the lease never ends
    lines = CountedLines(records, clock=slow, renewed_every=timedelta(seconds=0.2))
    ahead = Clock()
    ahead.now += LENGTH + timedelta(seconds=5)
    with lines.line(ONE) as line, CountedLines(records, clock=ahead).line(ONE, patience=0):
        eventually(lambda: not line.is_ours(), 10)
