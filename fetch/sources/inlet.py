"""The TCP line of an association that somebody opened to us: how much it may send, and how slowly."""

import socket
import time
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any

from pynetdicom.association import Association

from fetch.sources.line import LONGEST_PDU
from fetch.sources.wakeful import wake_when_needed

_LONGEST_REQUEST = 256 * 2**10
"""Of an A-ASSOCIATE-RQ; one with 128 contexts of a dozen transfer syntaxes has 60 KiB."""
_SILENCE_S = 60.0
"""So long a PDU may make no progress."""
_LOOK_S = 0.5
_A_ABORT = bytes((7, 0, 0, 0, 0, 4, 0, 0, 2, 6))  # PS3.8 9.3.8: the provider's, invalid PDU parameter value


class Inlet:
    """Reads in place of pynetdicom, which waits for ever, for up to 4 GiB, before it checks who calls.

    Until ``admit`` the whole line has ``opening`` seconds, and one small PDU.
    """

    def __init__(self, assoc: Association, opening: float) -> None:
        self._assoc = assoc
        self._longest = _LONGEST_REQUEST
        self._end = time.monotonic() + opening
        self._admitted = False
        self.garbled = False
        """Did something come of whoever was admitted that nothing could be made of?"""
        wire: Any = assoc.dul.socket
        wire.recv, wire.some = self._received, self._now
        line: socket.socket = wire.socket
        line.settimeout(_LOOK_S)
        line.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)  # each of our answers is small, and waited for

    def admit(self) -> None:
        """Who calls is known, and may send."""
        self._admitted = True
        wake_when_needed(self._assoc)
        self._longest = LONGEST_PDU

    def _received(self, count: int) -> bytearray:
        """So many bytes, fewer at the end of the line. Raises an OSError for what is too long or too slow."""
        line = self._line
        if count > self._longest:
            self.garbled = self._admitted
            self._hang_up(line)
            raise OSError("a PDU that is too long")
        taken, read = bytearray(count), 0
        if self._admitted:
            self._end = time.monotonic() + _SILENCE_S
        with memoryview(taken) as room:
            while read < count:
                some = self._some(line, room[read:])
                if not some:
                    break
                read += some
        return taken[:read] if read < count else taken

    def _now(self, room: memoryview, *, whole: bool) -> int:  # noqa: ARG002 — as the lines that we open
        """How many bytes came, 0 at the end of the line. Raises an OSError for what is too slow."""
        self._end = time.monotonic() + _SILENCE_S
        return self._some(self._line, room)

    @property
    def _line(self) -> socket.socket:
        wire = self._assoc.dul.socket
        if wire is None or wire.socket is None:
            raise OSError("the line is closed")
        return wire.socket

    def _some(self, line: socket.socket, room: memoryview) -> int:
        while True:
            try:
                some = line.recv_into(room)
            except TimeoutError:
                if self._assoc._sent_abort:  # noqa: SLF001 — the only sign of it before the line is closed
                    raise OSError("aborted by us") from None
                if time.monotonic() > self._end:
                    self._hang_up(line)
                    raise OSError("a PDU that does not come") from None
                continue
            if self._admitted:
                self._end = time.monotonic() + _SILENCE_S
            return some

    @staticmethod
    def _hang_up(line: socket.socket) -> None:
        try:
            line.sendall(_A_ABORT)
            line.shutdown(socket.SHUT_RDWR)
        except OSError:  # whoever sends such things need not listen
            return
