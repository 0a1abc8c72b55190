"""Whoever writes to an SQLite file takes turns with the others, also with those in other processes.

SQLite has no line: who has waited for long looks for the file seldom, and who has just come goes first. Where
many write one after another, somebody waited in vain until "database is locked".
"""

import fcntl
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

PATIENCE_S = 30.0
"""After so long somebody goes on without a turn: a process that was stopped does not hold up the others."""
_LOOK_S = 0.006
"""Whoever is in line looks so often, at most; it is the same for all, so that nobody is first for ever."""


class Turns:
    """The line before one SQLite file: in it stand those who want to write and may not begin yet."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-next")
        self._first = threading.Lock()
        """Of this process: the lock on the file is the whole process's, and no child inherits it."""
        self._file: FileIO | None = None

    @contextmanager
    def next(self) -> Iterator[None]:
        """As long as the block runs, nobody else is the one who writes next."""
        end = time.monotonic() + PATIENCE_S
        at_once = self._first.acquire(blocking=False)
        is_first = at_once or self._first.acquire(timeout=PATIENCE_S)
        try:
            if not at_once:
                _pause()
            while is_first and not self._is_ours() and time.monotonic() < end:
                _pause()
            yield
        finally:
            if is_first:
                self._leave()
                self._first.release()

    def _is_ours(self) -> bool:
        """True as well where the file system knows no locks: then it is as if there were no line."""
        try:
            if self._file is None:
                self._file = FileIO(self._path, "r+", opener=_made)
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return self._file is None
        except OSError:
            return True
        return True

    def _leave(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                fcntl.lockf(self._file, fcntl.LOCK_UN)


def _made(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o600)


def _pause() -> None:
    time.sleep(random.uniform(0, _LOOK_S))  # noqa: S311 — so that two do not always look at the same time
