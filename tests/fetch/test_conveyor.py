"""What the threads of a retrieval hand over, and how whoever takes it is called away."""

import threading
import time

from fetch.conveyor import Conveyor
from fetch.notes import Note, noted


def test_whoever_takes_can_be_called_and_does_not_wait_for_the_next_event():
    events = Conveyor()
    calling = threading.Timer(0.05, events.call)
    calling.start()
    began = time.monotonic()
    assert events.take(60) is None
    assert time.monotonic() - began < 30
    calling.join()
    assert not events.over


def test_a_call_ends_one_wait_and_is_forgotten_where_there_was_something_to_take():
    events, event = Conveyor(), noted(Note.NOT_LISTED)
    events.call()
    events.put(event)
    assert events.take(60) is event
    assert events.take(0.01) is None
