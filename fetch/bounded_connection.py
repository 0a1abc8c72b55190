"""A connection to PostgreSQL on which no statement waits for ever: a server that answers nobody is left.

It is not seen here when one line alone is dead, as behind a proxy that has lost its far side: asked over
another, the server answers, and what takes long must not be cut.
"""

import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from psycopg import Connection, OperationalError

Result = TypeVar("Result")

QUIET_S = 2.0
"""A statement may take its time. Without news for so long, the server is asked whether it lives."""
_UNANSWERED = 2
"""So often in a row: one question may come at a bad moment, and what was done by then would be lost."""


class BoundedConnection(Connection[Any]):
    """The driver waits in one place only, ``wait``, for whatever is under way."""

    answers: Callable[[], bool]
    """Does the server answer over another line?"""

    def wait(self, gen: Generator[Any, Any, Result], *args: Any, **more: Any) -> Result:
        """As the driver does, or its ``OperationalError``; then the connection is closed."""
        return super().wait(self._watched(gen), *args, **more)

    def _watched(self, gen: Generator[Any, Any, Result]) -> Generator[Any, Any, Result]:
        """What ``gen`` asks to wait for; it is sent what came, which is nothing ten times a second."""
        heard, unanswered, came = time.monotonic(), 0, None
        while True:
            try:
                awaited = gen.send(came)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            came = yield awaited
            if came:
                heard, unanswered = time.monotonic(), 0
            elif unanswered or time.monotonic() - heard > QUIET_S:
                unanswered = 0 if self.answers() else unanswered + 1
                heard = time.monotonic()
                if unanswered == _UNANSWERED:
                    self.pgconn.finish()
                    raise OperationalError("the database server answers nobody")
