"""Nobody takes an answer that somebody else waits for."""

import threading
import time
from queue import Empty, Queue

from fetch.sources.turnstile import Turnstile


def test_while_it_is_closed_whoever_waits_before_it_takes_nothing():
    turnstile, answers, stolen, over = Turnstile(), Queue(), [], threading.Event()

    def pass_through():
        while not over.is_set():
            turnstile.wait()
            try:
                stolen.append(answers.get_nowait())
            except Empty:
                continue

    thread = threading.Thread(target=pass_through)
    thread.start()
    for number in range(3000):
        turnstile.clear()
        answers.put(number)
        time.sleep(0)
        assert answers.get_nowait() == number
        turnstile.set()
    over.set()
    thread.join(5)
    assert not thread.is_alive()
    assert stolen == []


def test_where_nobody_ever_comes_it_closes_all_the_same():
    turnstile = Turnstile()
    began = time.monotonic()
    turnstile.clear()
    assert time.monotonic() - began < 3
    assert not turnstile.is_set()
    assert not turnstile.wait(0.01)
