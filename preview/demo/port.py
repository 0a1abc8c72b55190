"""A port of this machine that stays ours while nobody listens on it: connections to it are refused."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


class Port:
    """Bound for as long as it lives; :meth:`lent` to a server that listens, and to nobody else in between."""

    def __init__(self, wanted: int) -> None:
        """``wanted``: 0 for any free one. Raises OSError where somebody else has it."""
        self._socket = socket.socket()
        self._lend()  # what was connected a moment ago (TIME_WAIT) must not keep us from it either
        self._socket.bind(("127.0.0.1", wanted))
        self._keep()
        self.number = int(self._socket.getsockname()[1])

    @contextmanager
    def lent(self) -> Iterator[int]:
        """Within the block a server may begin to listen there; then it has it until it ends."""
        self._lend()
        try:
            yield self.number
        finally:
            self._keep()

    def close(self) -> None:
        self._socket.close()

    def _lend(self) -> None:
        """Linux lets a second socket have the address if both allow it and neither listens."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def _keep(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
