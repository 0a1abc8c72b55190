"""What pages have read from the database, kept in this process for as long as nobody writes anything there.

Two hundred browsers that watch two patients otherwise ask the same questions two hundred times. Nothing here
knows how old a value is: it is as true as if it were read now, or it is gone.
"""

import sqlite3
import threading
from collections.abc import Callable, Hashable
from datetime import date
from typing import TypeVar, cast

from sqlalchemy import Engine, text
from sqlalchemy.pool import PoolProxiedConnection

_MOST = 500
"""So many values are kept of one state of the database."""
_SNAPSHOT = text("SELECT CAST(pg_current_snapshot() AS TEXT)")

T = TypeVar("T")


class Look:
    """One look at the database; what others have read of it in the same state is not read again."""

    def __init__(self, values: dict[Hashable, object] | None = None) -> None:
        self._values = {} if values is None else values

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """What ``read`` returns, or has returned to somebody else.

        It may depend on the key and on what is stored, not on the clock; it is complete without the database,
        and nobody changes it.
        """
        if key in self._values:
            return cast(T, self._values[key])
        value = read()
        if len(self._values) < _MOST:
            self._values[key] = value
        return value


class Kept:
    """Hands out looks; those at one state of the database share what they read."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._watching: PoolProxiedConnection | None = None
        self._state: object = None
        self._values: dict[Hashable, object] = {}

    def look(self) -> Look:
        """To be taken before anything is read: then what is kept is as new as this, or newer."""
        state = date.today(), self._now()  # whose a study is depends on the day as well
        with self._lock:
            if state != self._state:
                self._state, self._values = state, {}
            return Look(self._values)

    def _now(self) -> object:
        """The state of the whole database: equal ones mean that nobody has written in between."""
        if self._engine.dialect.name == "postgresql":
            with self._engine.connect() as connection:
                return connection.scalar(_SNAPSHOT)
        try:
            with self._lock:
                return self._changes()
        except sqlite3.Error:
            return object()  # like no other: nothing is shared, and whoever reads now learns what is wrong

    def _changes(self) -> object:
        """SQLite counts what all other connections commit; this one never writes, and begins nothing."""
        if self._watching is None:  # not before the web server has forked
            self._watching = self._engine.raw_connection()
        return self._watching.cursor().execute("PRAGMA data_version").fetchone()
