"""Lines that are counted within one process."""

import threading
import time
from contextlib import ExitStack

import pytest
from peers import source

from fetch.allowance import LocalAllowance
from fetch.errors import SourceRefused
from fetch.reasons import Reason

ONE = source(104, associations=1)
TWO = source(104, associations=2)


def refused(allowance, archive, **more) -> bool:
    try:
        with allowance.line(archive, patience=0, **more):
            return False
    except SourceRefused as error:
        assert error.reason is Reason.LINES_TAKEN
        return True


def test_no_more_lines_than_the_source_allows():
    allowance = LocalAllowance()
    with allowance.line(TWO) as first, allowance.line(TWO) as second:
        assert refused(allowance, TWO)
        assert first.is_ours()
        assert second.is_ours()
    assert not refused(allowance, TWO)


def test_every_source_has_lines_of_its_own():
    allowance = LocalAllowance()
    with allowance.line(ONE):
        assert not refused(allowance, source(104, "other", associations=1))


def test_a_fault_in_the_block_gives_the_line_back():
    allowance = LocalAllowance()
    with pytest.raises(ZeroDivisionError), allowance.line(ONE):
        1 / 0  # noqa: B018
    assert not refused(allowance, ONE)


def test_who_is_not_wanted_any_more_stops_waiting():
    allowance, over = LocalAllowance(), threading.Event()
    threading.Timer(0.2, over.set).start()
    began = time.monotonic()
    with (
        allowance.line(ONE),
        pytest.raises(SourceRefused),
        allowance.line(ONE, patience=60, unwanted=over.is_set),
    ):
        pass
    assert time.monotonic() - began < 5


def test_who_gave_up_is_not_waited_for():
    allowance = LocalAllowance()
    with allowance.line(ONE, party="fetch") as line:
        assert refused(allowance, ONE, urgent=True)
        assert not line.wanted_back()


def test_a_fetch_gives_way_to_a_question_and_gets_its_line_back():
    allowance, asked = LocalAllowance(), threading.Event()

    def ask() -> None:
        with allowance.line(ONE, urgent=True):
            asked.set()

    with ExitStack() as stack:
        line = stack.enter_context(allowance.line(ONE, party="fetch"))
        asking = threading.Thread(target=ask)
        asking.start()
        while not line.wanted_back():
            time.sleep(0.01)
        stack.close()
        with allowance.line(ONE, party="fetch"):
            assert asked.is_set()
    asking.join(5)
