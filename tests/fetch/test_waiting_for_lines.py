"""Who waits for a line in the database, who goes first, and who gives way."""

import threading
import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
from line_holders import running, wait_in_vain
from line_waiters import ONE, THREE, TWO, Clock, carry, count, gives_way_and_comes_back, refused, waiting
from sqlalchemy import select
from support.installation import eventually

from fetch.counted_lines import CountedLines
from fetch.records import LineRow, LineWishRow


def test_who_waits_in_vain_is_told_that_all_are_taken(records, lines):
    with lines.line(ONE):
        began = time.monotonic()
        assert refused(lines, ONE, patience=0.5)
        assert 0.5 <= time.monotonic() - began < 5
        assert count(records, LineWishRow) == 0


def test_who_is_not_wanted_any_more_stops_waiting_at_once(records, lines):
    over = threading.Event()
    with lines.line(ONE):
        threading.Timer(0.3, over.set).start()
        began = time.monotonic()
        assert refused(lines, ONE, patience=60, unwanted=over.is_set)
        assert time.monotonic() - began < 5
        assert count(records, LineWishRow) == 0


def test_a_fault_while_waiting_leaves_no_wish(records, lines):
    def breaks() -> bool:
        raise ZeroDivisionError

    with lines.line(ONE), pytest.raises(ZeroDivisionError), lines.line(ONE, unwanted=breaks):
        pass
    assert count(records, LineWishRow) == count(records, LineRow) == 0


def test_a_wish_is_kept_alive_while_somebody_waits(records, url):
    lines = CountedLines(records, wish_length=timedelta(seconds=1))
    with lines.line(ONE, party="fetch") as line, waiting(records, lines, ONE, urgent=True):
        time.sleep(2)
        assert line.wanted_back()


def test_a_killed_process_does_not_wait_for_ever(url, records, lines):
    with lines.line(ONE, party="fetch") as line, running((wait_in_vain, (url, ONE, "victim"), {})) as (dead,):
        eventually(line.wanted_back)
        dead.kill()
        eventually(lambda: not line.wanted_back(), 20)
        assert count(records, LineWishRow) == 1  # a dead one, until somebody else waits


def test_dead_wishes_are_swept_away(records):
    clock = Clock()
    lines = CountedLines(records, clock=clock)
    with records.write() as session:
        past = clock.now - timedelta(minutes=1)
        session.add(LineWishRow(holder="dead", source="main", urgent=True, party="", since=past, until=past))
    with lines.line(ONE):
        assert refused(lines, ONE)
    assert count(records, LineWishRow) == 0


# --- who goes first


def test_a_question_goes_before_a_fetch_that_waits_longer(records, lines, others):
    with ExitStack() as holder:
        holder.enter_context(lines.line(ONE, party="first"))
        with (
            waiting(records, others, ONE, party="fetch") as fetch,
            waiting(records, others, ONE, urgent=True, wishes=2) as question,
        ):
            holder.close()
            eventually(question.is_set)
            time.sleep(1)
            assert not fetch.is_set()


def test_the_fetch_that_came_first_goes_first(records, lines, others):
    with ExitStack() as holder:
        holder.enter_context(lines.line(ONE, party="holder"))
        with (
            waiting(records, others, ONE, party="early") as early,
            waiting(records, lines, ONE, party="late", wishes=2) as late,
        ):
            holder.close()
            eventually(early.is_set)
            time.sleep(1)
            assert not late.is_set()


def test_nobody_jumps_the_queue_without_having_waited(records, lines, others):
    with ExitStack() as holder:
        holder.enter_context(lines.line(ONE, party="holder"))
        with waiting(records, others, ONE, urgent=True) as question:
            holder.close()
            assert refused(lines, ONE, party="holder")
            eventually(question.is_set)


def test_a_fetch_gives_its_only_line_to_a_question_and_gets_it_back(url):
    gives_way_and_comes_back(url)


def test_who_gave_way_comes_back_before_a_fetch_that_came_later(records, lines, others):
    with ExitStack() as fetch, ExitStack() as question:
        fetch.enter_context(lines.line(ONE, party="first"))
        with waiting(records, others, ONE, party="second") as second:
            fetch.close()  # as if for a question, which now is asked
            question.enter_context(others.line(ONE, urgent=True, patience=0))
            with waiting(records, lines, ONE, party="first", wishes=2) as first:
                question.close()
                eventually(first.is_set)
                assert not second.is_set()


def test_only_as_many_lines_of_a_fetch_give_way_as_are_needed(records, lines, others):
    with (
        lines.line(THREE, party="a") as low,
        lines.line(THREE, party="a") as middle,
        lines.line(THREE, party="a") as high,
    ):
        assert not any(line.wanted_back() for line in (low, middle, high))
        with waiting(records, others, THREE, party="b"):
            eventually(high.wanted_back, 5)
            assert not low.wanted_back()
            assert not middle.wanted_back()
            with waiting(records, others, THREE, urgent=True, wishes=2):
                eventually(middle.wanted_back, 5)
                assert high.wanted_back()
                assert not low.wanted_back()


def test_two_fetches_share_the_lines(records, lines, others):
    over, first, second = threading.Event(), [], []
    threads = [
        threading.Thread(target=carry, args=(who, TWO, party, over, done))
        for who, party, done in ((lines, "a", first), (lines, "a", first), (others, "b", second))
    ]
    try:
        for thread in threads[:2]:
            thread.start()
        eventually(lambda: count(records, LineRow) == 2, 10)
        threads[2].start()
        eventually(lambda: second, 10)
        with records.read() as session:
            assert sorted(session.scalars(select(LineRow.party))) == ["a", "b"]
    finally:
        over.set()
        for thread in threads:
            thread.join(10)
