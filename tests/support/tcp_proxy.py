"""A proxy before a server's port that makes the line bad: its toxics are named as toxiproxy's are."""

import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

_LOOK_S = 0.05
_PIECE = 65536
_BETWEEN_SLICES_S = 0.0002


@dataclass(frozen=True)
class Toxics:
    """What is wrong with the line. Toxiproxy has them for each direction; here all but ``latency`` and
    ``timeout`` are for what comes from the server.
    """

    latency: float = 0.0
    """Milliseconds that every piece of data is under way, in each direction."""
    bandwidth: float = 0.0
    """Bytes a second, of each connection; 0 for any."""
    shared_bandwidth: float = 0.0
    """Bytes a second, of all connections together; 0 for any."""
    reset_peer: int | None = None
    """Reset the connection (RST) after so many bytes."""
    limit_data: int | None = None
    """Close the connection in an orderly way after so many bytes."""
    timeout: bool = False
    """Forward nothing any more, and keep the connection."""
    slicer: int = 0
    """The most bytes that are forwarded in one piece; 0 for any."""


End = Callable[[socket.socket], None]


class _Piece(NamedTuple):
    due: float
    data: bytes


class TcpProxy:
    """``with TcpProxy(server_port) as proxy: ... proxy.port; proxy.set(latency=20)``."""

    def __init__(self, to: int, **toxics: float) -> None:
        self.toxics = Toxics(**toxics)
        self.connections = 0
        self.brought = 0
        """Bytes that came from the server."""
        self._to = to
        self._open: list[socket.socket] = []
        self._shared = _Tap()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def set(self, **toxics: float) -> None:
        """Change these from now on, also of connections that are open."""
        self.toxics = replace(self.toxics, **toxics)

    def heal(self) -> None:
        """A good line again."""
        self.toxics = Toxics()

    def cut(self) -> None:
        """Reset every connection that is open."""
        for sock in self._open:
            _reset(sock)

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(client,), daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._to), 5)
        except OSError:
            _reset(client)
            return
        server.settimeout(None)
        self.connections += 1
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(sock)
        _start(partial(self._pump, client, server, down=False))
        _start(partial(self._pump, server, client, down=True))

    def _pump(self, one: socket.socket, other: socket.socket, *, down: bool) -> None:
        """Read, and let a second thread write when it is due: a slow line is still a full one."""
        line = _Line()
        _start(partial(self._write, line, one, other, down=down))
        while data := _received(one):
            line.put(_Piece(time.monotonic() + self.toxics.latency / 1000, data))
        line.put(_Piece(time.monotonic() + self.toxics.latency / 1000, b""))

    def _write(self, line: "_Line", one: socket.socket, other: socket.socket, *, down: bool) -> None:
        sent, own = 0, _Tap()
        for piece in line:
            _sleep_until(piece.due)
            for data in self._sliced(piece.data) if down else [piece.data]:
                self._wait_while_silent()
                room, end = self._room(sent) if down else (len(data), _shut)
                if down:
                    self._pace(own, len(data[:room]))
                if not _sent(other, data[:room]) or len(data) > room:
                    line.drop()
                    end(other)
                    end(one)
                    return
                sent += len(data)
        _shut(other)

    def _pace(self, own: "_Tap", size: int) -> None:
        own.draw(size, self.toxics.bandwidth)
        self._shared.draw(size, self.toxics.shared_bandwidth)
        self.brought += size

    def _sliced(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), size := self.toxics.slicer or _PIECE):
            yield data[start : start + size]
            if self.toxics.slicer:
                time.sleep(_BETWEEN_SLICES_S)  # else they arrive in one piece again

    def _wait_while_silent(self) -> None:
        while self.toxics.timeout:
            time.sleep(_LOOK_S)

    def _room(self, sent: int) -> tuple[int, End]:
        """How many more bytes may pass, and how the connection ends when they are through."""
        toxics = self.toxics
        if toxics.reset_peer is not None:
            return max(0, toxics.reset_peer - sent), _reset
        if toxics.limit_data is not None:
            return max(0, toxics.limit_data - sent), _shut
        return sys.maxsize, _shut


class _Line:
    """Pieces on their way; no more than 8 MiB, so that a fast server feels a slow line."""

    def __init__(self) -> None:
        self._pieces: deque[_Piece] = deque()
        self._dropped = False
        self._changed = threading.Condition()

    def put(self, piece: _Piece) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._dropped or len(self._pieces) < 128)
            self._pieces.append(piece)
            self._changed.notify_all()

    def drop(self) -> None:
        """Nobody takes the rest."""
        with self._changed:
            self._dropped = True
            self._pieces.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[_Piece]:
        """Until the empty piece, which is the end."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pieces)
                piece = self._pieces.popleft()
                self._changed.notify_all()
            if not piece.data:
                return
            yield piece


class _Tap:
    """So many bytes a second."""

    def __init__(self) -> None:
        self._due = 0.0
        self._lock = threading.Lock()

    def draw(self, size: int, per_second: float) -> None:
        if not per_second:
            return
        with self._lock:
            due = max(self._due, time.monotonic())
            self._due = due + size / per_second
        _sleep_until(due)


def _start(what) -> None:
    threading.Thread(target=what, daemon=True).start()


def _sleep_until(due: float) -> None:
    if (left := due - time.monotonic()) > 0:
        time.sleep(left)


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(_PIECE)
    except OSError:
        return b""


def _sent(sock: socket.socket, data: bytes) -> bool:
    try:
        sock.sendall(data)
    except OSError:
        return False
    return True


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        return


def _reset(sock: socket.socket) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.shutdown(socket.SHUT_RD)
        sock.close()
    except OSError:
        return
