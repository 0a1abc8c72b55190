"""A database server that is silent, or that no packet reaches: nobody waits for it long, nor in turn."""

import select
import time
from contextlib import closing
from functools import partial
from typing import Any

from sqlalchemy import URL, Engine
from sqlalchemy import event as db_event
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

PATIENCE_S = 2
"""For a connection; psycopg takes no less."""
_LIVES_S = 0.5
"""An open connection that says nothing for so long is given up, and another one is made."""
_LATELY_S = 1.0
_LOCKED = b"SET lock_timeout = '10s'"
"""A table that somebody holds (to change or to pack it) is waited for as long as a locked SQLite file."""
_NEW = "new"
"""In the pool's notes of a connection that nobody has used yet."""
_DEFAULTS = {
    "connect_timeout": PATIENCE_S,
    "tcp_user_timeout": 1000 * PATIENCE_S,
    "keepalives_idle": 5,
    "keepalives_interval": PATIENCE_S,
    "keepalives_count": 2,
}
"""As libpq names them; left to the operating system, a lost host is noticed after minutes or hours."""


def options(url: URL) -> dict[str, int]:
    """How long to wait, as arguments for connecting; what the address itself says of it is left alone."""
    return {name: value for name, value in _DEFAULTS.items() if name not in url.query}


def guard(engine: Engine) -> None:
    """Before a connection of this engine (to PostgreSQL) is used again, it is asked whether it lives."""
    silence = _Silence(engine)
    db_event.listen(engine, "do_connect", silence.connect)
    db_event.listen(engine, "checkout", silence.check)


class _Silence:
    """What this process knows of a server: once that was silent, one at a time waits for it, now and then."""

    def __init__(self, engine: Engine) -> None:
        self._of_new = b"" if "lock_timeout" in str(engine.url.query.get("options", "")) else _LOCKED
        self._fault = engine.dialect.loaded_dbapi.OperationalError
        self._kind = _bounded()
        self._is_silent = False
        self._until = float("-inf")

    def connect(self, _dialect: Dialect, record: ConnectionPoolEntry, args: Any, settings: Any) -> Any:
        """A new connection, or the driver's error; at once if somebody has just waited, or waits, in vain."""
        began = time.monotonic()
        if self._is_silent and began < self._until:
            raise self._fault("the database server was silent a moment ago")
        self._until = began + 2 * PATIENCE_S
        try:
            connection = self._kind.connect(*args, **settings)
        except self._fault:
            now = time.monotonic()
            self._is_silent = now - began > PATIENCE_S / 2  # who refuses is quick
            self._until = now + _LATELY_S
            raise
        self._is_silent = False
        record.info[_NEW] = True
        connection.answers = partial(self._answers, args, settings)
        return connection

    def check(self, connection: Any, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        """SQLAlchemy's own ping would wait for as long as the server is silent.

        In place of an old connection it makes a new one; where a new one is silent, so is the server.
        """
        is_new = record.info.pop(_NEW, False)
        try:
            lives = _lives(connection.pgconn, self._of_new if is_new else b"")
        except self._fault:
            lives = False
        if lives:
            return
        if not is_new:
            raise InvalidatePoolError
        self._is_silent, self._until = True, time.monotonic() + _LATELY_S
        raise self._fault("the database server does not answer")

    def _answers(self, args: Any, settings: Any) -> bool:
        """Does the server answer over another line, while it takes its time over this one?

        To refuse is an answer: too many are connected, for example. Who stops ends what is under way himself.
        """
        began = time.monotonic()
        try:
            with closing(self._kind.connect(*args, **settings)) as another:
                lives = _lives(another.pgconn, b"", PATIENCE_S)
        except self._fault:
            lives = time.monotonic() - began < PATIENCE_S / 2
        if not lives:
            self._is_silent, self._until = True, time.monotonic() + _LATELY_S
        return lives


def _bounded() -> Any:
    """Where SQLite is used, the driver of PostgreSQL is not even loaded."""
    from fetch.bounded_connection import BoundedConnection  # noqa: PLC0415

    return BoundedConnection


def _lives(server: Any, said: bytes, within: float = _LIVES_S) -> bool:
    """Does the server answer what is said to it, if nothing? ``server``: psycopg's ``PGconn``; its errors."""
    end = time.monotonic() + within
    news = select.poll()
    news.register(server.socket, select.POLLIN)
    server.send_query(said)
    server.flush()
    while server.is_busy():
        if not news.poll(max(0.0, 1000 * (end - time.monotonic()))):
            return False
        server.consume_input()
    while server.get_result():
        pass
    return True
