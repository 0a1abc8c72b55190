"""What waits to be drawn, bounded in number and in bytes: whoever brings more has to wait."""

from collections import deque
from collections.abc import Callable, Iterable
from threading import Condition, Lock
from typing import Generic, TypeVar

Work = TypeVar("Work")


class Waiting(Generic[Work]):
    """A queue between threads. A piece of work counts for its bytes until ``done`` says that it is done."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._works: deque[tuple[Work, int]] = deque()
        self._closed = True
        self._idle = 0
        """So many wait for something to take."""
        lock = Lock()
        self._room, self._filled = Condition(lock), Condition(lock)
        """Two, so that nobody wakes for what somebody else waits for."""

    def open(self) -> None:
        self._closed = False

    def has_room(self, size: int, seconds: float) -> bool:
        """Wait for room at most so long; True as well once it is closed: nobody has to wait any more."""
        with self._room:
            return self._room.wait_for(lambda: self._closed or self._has_room(size), seconds)

    def put(self, work: Work, size: int) -> bool:
        """Wait for room; what is larger than all the room is let in alone. False once it is closed."""
        with self._room:
            self._room.wait_for(lambda: self._closed or self._has_room(size))
            if self._closed:
                return False
            self._bytes += size
            self._works.append((work, size))
            self._filled.notify()
            return True

    def take(self) -> tuple[Work, int] | None:
        """The next one and its size; None once it is closed and empty."""
        with self._filled:
            self._idle += 1
            self._filled.wait_for(lambda: self._closed or self._works)
            self._idle -= 1
            return self._taken() if self._works else None

    def take_early(self, suits: Callable[[Work], bool]) -> tuple[Work, int] | None:
        """As ``take``, for whoever is still at work: None, at once, where the next one does not suit, or is
        for somebody who is idle.
        """
        with self._filled:
            is_left = len(self._works) > self._idle and suits(self._works[0][0])
            return self._taken() if is_left else None

    def done(self, size: int) -> None:
        with self._room:
            self._bytes -= size
            self._room.notify_all()

    def close(self) -> None:
        """Nothing is let in any more; what waits is still given out."""
        with self._room:
            self._closed = True
            self._room.notify_all()
            self._filled.notify_all()

    def drop(self) -> Iterable[Work]:
        """Close, and give out at once all that waits."""
        self.close()
        with self._room:
            dropped, self._works = self._works, deque()
        return [work for work, _ in dropped]

    def _taken(self) -> tuple[Work, int]:
        self._room.notify_all()
        return self._works.popleft()

    def _has_room(self, size: int) -> bool:
        return len(self._works) < self._most and (not self._bytes or self._bytes + size <= self._most_bytes)
