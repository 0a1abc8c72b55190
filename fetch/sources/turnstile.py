"""Whose turn it is to take the messages of an association: ours, while we wait for an answer."""

import threading
from collections.abc import Callable

_PATIENCE_S = 1.0
"""The thread of an association that has ended never comes."""


class Turnstile(threading.Event):
    """In place of the Event before which the thread of an association waits while we ask something.

    pynetdicom takes that thread for waiting where it only has not got round to leaving the last wait. It then
    takes the first answer to the next question, and drops it as unexpected: a study that is never found, or
    a question that is never answered. Here ``clear`` returns when the thread does wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()
        self._open = True
        self._somebody_waits = False

    def is_set(self) -> bool:
        return self._open

    def set(self) -> None:
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._open = False
            self._until(lambda: self._somebody_waits, _PATIENCE_S)

    def wait(self, timeout: float | None = None) -> bool:
        with self._changed:
            if self._open:
                return True
            self._somebody_waits = True
            self._changed.notify_all()
            opened = self._until(lambda: self._open, timeout)
            self._somebody_waits = False
            return opened

    def _until(self, true: Callable[[], bool], seconds: float | None) -> bool:
        return self._changed.wait_for(true, seconds)
