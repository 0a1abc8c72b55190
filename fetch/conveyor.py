"""What the threads of a retrieval hand over to whoever iterates over it: bounded in number and in bytes."""

import threading
from collections import deque

from fetch.model import Plan, Received, Series
from fetch.notes import Noted

Event = Received | Series | Plan | Noted
MOST_WAITING = 64
_MOST_NOTES = 1000
MOST_BYTES = 48 * 2**20
"""What may wait for us before the archive has to: with this the memory of a retrieval is bounded."""


class Conveyor:
    """A queue with room for so many bytes; a single object that is larger passes alone."""

    def __init__(self, most: int = MOST_WAITING, most_bytes: int = MOST_BYTES) -> None:
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._most, self._most_bytes = most, most_bytes
        lock = threading.Lock()
        self._room, self._filled = threading.Condition(lock), threading.Condition(lock)
        """Two, so that not every carrier wakes for every object that is taken."""
        self._closed = False
        self._unwanted = False
        self._called = False

    def put(self, event: Event) -> bool:
        """Wait for room; False once nobody wants the rest.

        A note never waits, for whoever notes may hold a lock that the taker needs; a thousand are enough.
        """
        size = event.size if isinstance(event, Received) else 0
        with self._room:
            if isinstance(event, Noted) and len(self._events) >= _MOST_NOTES:
                return False
            self._room.wait_for(lambda: self._unwanted or isinstance(event, Noted) or self._has_room(size))
            if self._unwanted:
                return False
            self._events.append(event)
            self._bytes += size
            self._filled.notify_all()
            self._room.notify()  # there may be room for one more
        return True

    def take(self, seconds: float) -> Event | None:
        """The next event, or None: none came in time, or ``call`` says so, or it is the end: see ``over``."""
        with self._filled:
            self._filled.wait_for(lambda: self._events or self._closed or self._called, seconds)
            self._called = False
            if not self._events:
                return None
            event = self._events.popleft()
            self._bytes -= event.size if isinstance(event, Received) else 0
            self._room.notify()
        return event

    def call(self) -> None:
        """Whoever takes has something else to see to: it does not wait for the next event."""
        with self._filled:
            self._called = True
            self._filled.notify_all()

    @property
    def over(self) -> bool:
        with self._filled:
            return self._closed and not self._events

    def close(self) -> None:
        """Nothing more will be put."""
        with self._filled:
            self._closed = True
            self._filled.notify_all()

    def refuse(self) -> list[Event]:
        """Nothing more is wanted; what waited is handed back, for whoever frees what it takes."""
        with self._room:
            self._unwanted = True
            self._bytes = 0
            dropped = list(self._events)
            self._events.clear()
            self._room.notify_all()
        return dropped

    def _has_room(self, size: int) -> bool:
        if not self._events:
            return True
        return len(self._events) < self._most and self._bytes + size <= self._most_bytes
