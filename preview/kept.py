"""What pages have read from the database, kept in this process for as long as nobody writes anything there.

Two hundred browsers that watch two patients otherwise ask the same questions two hundred times. Nothing here
knows how old a value is: it is as true as if it were read now, or it is gone.

A fetch that runs writes several times a second, but nothing of whose a study is, or of who may see it: what
rests on nothing that fetches and probes write is kept as ``lasting`` until something else is written.
"""

import sqlite3
import threading
from collections.abc import Callable, Hashable
from datetime import date
from pathlib import Path
from typing import TypeVar, cast

from sqlalchemy import Engine, text
from sqlalchemy.pool import PoolProxiedConnection

_MOST = 5000
"""So many values are kept of one state of the database."""
_SNAPSHOT = text("SELECT CAST(pg_current_snapshot() AS TEXT)")

T = TypeVar("T")


class _Place:
    """Room for one value; whoever comes while it is being read waits for it, instead of reading it too."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.value: object = None
        self.is_read = False


class Look:
    """One look at the database; what others have read of it in the same state is not read again.

    ``lasting``: where to get what reads no table that fetches and probes write (``ChangeRow`` says which); it
    is kept for longer.
    """

    def __init__(self, lasting: "Look | None" = None) -> None:
        self._places: dict[Hashable, _Place] = {}
        self.lasting = lasting or self

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """What ``read`` returns, or has returned to somebody else; what it raises is not kept.

        It may depend on the key and on what is stored, not on the clock; it is complete without the database,
        and nobody changes it. It may get what it is made of from here too, but never itself.
        """
        place = self._places.get(key)
        if place is None:
            if len(self._places) >= _MOST:
                return read()
            place = self._places.setdefault(key, _Place())
        if not place.is_read:
            with place.lock:
                if not place.is_read:
                    self._read(key, place, read)
        return cast(T, place.value)

    def _read(self, key: Hashable, place: _Place, read: Callable[[], object]) -> None:
        try:
            place.value, place.is_read = read(), True
        finally:
            if not place.is_read:
                self._places.pop(key, None)


class Kept:
    """Hands out looks; those at one state of the database share what they read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._watching: PoolProxiedConnection | None = None
        self._file: object = None
        self._version: object = None
        self._marks: dict[str, int] = {}
        self._lasting: tuple[object, Look] = None, Look()
        self._every: tuple[object, Look] = None, Look()

    def look(self) -> Look:
        """To be taken before anything is read: then what is kept is as new as this, or newer."""
        today = date.today()  # whose a study is depends on the day as well
        others, fetches = self._now()
        with self._lock:
            if self._lasting[0] != (today, others):
                self._lasting = (today, others), Look()
            if self._every[0] != (today, others, fetches):
                self._every = (today, others, fetches), Look(self._lasting[1])
            return self._every[1]

    def _now(self) -> tuple[object, object]:
        """The state of all but what fetches write, and of that: equal ones mean that nobody has written
        anything of it in between.
        """
        if self._engine.dialect.name == "postgresql":
            with self._engine.connect() as connection:
                return connection.scalar(_SNAPSHOT), None
        try:
            with self._lock:
                return self._changes()
        except (sqlite3.Error, OSError, KeyError):
            return object(), None  # like no other: nothing is shared, and whoever reads learns what is wrong

    def _changes(self) -> tuple[object, object]:
        """SQLite counts what all other connections commit; this one never writes, and begins nothing."""
        file = self._identity()
        if self._watching is None or file != self._file:  # not before the web server has forked
            self._watching, self._file, self._version = self._engine.raw_connection(), file, None
        cursor = self._watching.cursor()
        version = cursor.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._marks = dict(cursor.execute("SELECT kind, mark FROM changes").fetchall())
            self._marks["tables"] = cursor.execute("PRAGMA schema_version").fetchone()[0]
            self._version = version
        return (file, self._marks["tables"], self._marks["others"]), self._marks["fetches"]

    def _identity(self) -> object:
        """Which file it is: an open connection would go on with one that was taken away or replaced."""
        path = self._engine.url.database
        found = Path(path).stat() if path and path != ":memory:" else None
        return found and (found.st_dev, found.st_ino)
