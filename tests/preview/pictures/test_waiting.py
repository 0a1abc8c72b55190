"""What waits to be drawn is bounded, in number and in bytes."""

from threading import Thread

import pytest

from preview.pictures.waiting import Waiting

SOON = 0.2
PATIENCE = 10


@pytest.fixture
def waiting():
    waiting = Waiting(most=3, most_bytes=100)
    waiting.open()
    yield waiting
    waiting.close()


class Putting:
    """Somebody who brings one piece of work, in a thread of its own."""

    def __init__(self, waiting, size):
        self.let_in = None
        self._thread = Thread(target=self._put, args=(waiting, size))
        self._thread.start()

    def _put(self, waiting, size):
        self.let_in = waiting.put("late", size)

    def is_held_up(self):
        self._thread.join(SOON)
        return self._thread.is_alive()

    def ended(self):
        self._thread.join(PATIENCE)
        return not self._thread.is_alive()


def test_work_is_taken_in_the_order_in_which_it_came(waiting):
    for name in "abc":
        waiting.put(name, 1)
    assert [waiting.take()[0] for _ in range(3)] == ["a", "b", "c"]


def test_whoever_brings_more_than_may_wait_has_to_wait(waiting):
    for _ in range(3):
        waiting.put("early", 1)
    late = Putting(waiting, 1)
    assert late.is_held_up()
    waiting.take()
    assert late.ended()
    assert late.let_in


def test_work_counts_for_its_bytes_until_it_is_done(waiting):
    waiting.put("early", 60)
    late = Putting(waiting, 60)
    assert late.is_held_up()
    _, size = waiting.take()
    assert late.is_held_up(), "it is only begun"
    waiting.done(size)
    assert late.ended()


def test_what_is_larger_than_all_the_room_is_let_in_alone(waiting):
    waiting.put("early", 1)
    giant = Putting(waiting, 10_000)
    assert giant.is_held_up()
    waiting.done(waiting.take()[1])
    assert giant.ended()
    small = Putting(waiting, 1)
    assert small.is_held_up()
    waiting.done(waiting.take()[1])
    assert small.ended()


def test_nothing_is_let_in_once_it_is_closed(waiting):
    waiting.put("early", 100)
    late = Putting(waiting, 1)
    assert late.is_held_up()
    waiting.close()
    assert late.ended()
    assert late.let_in is False
    assert waiting.take() == ("early", 100)
    assert waiting.take() is None


def test_what_is_dropped_is_given_out_at_once(waiting):
    for name in "ab":
        waiting.put(name, 1)
    assert waiting.drop() == ["a", "b"]
    assert waiting.take() is None


def test_whoever_is_at_work_takes_early_what_suits_and_nobody_else_is_free_for(waiting):
    assert waiting.take_early(lambda _: True) is None
    waiting.put("a", 1)
    assert waiting.take_early(lambda name: name == "b") is None
    assert waiting.take_early(lambda name: name == "a") == ("a", 1)


def test_nobody_takes_early_what_somebody_who_is_idle_is_about_to_take(waiting):
    taken, idle = [], Thread(target=lambda: taken.append(waiting.take()))
    idle.start()
    idle.join(SOON)
    waiting.put("a", 1)
    assert waiting.take_early(lambda _: True) is None
    idle.join(PATIENCE)
    assert taken == [("a", 1)]
