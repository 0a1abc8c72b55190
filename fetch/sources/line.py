"""The TCP line below an association: whom it leads to, what it did, and how much one PDU may take."""

import socket
import ssl
import struct
import threading
from functools import partial
from typing import Any

from pynetdicom import evt
from pynetdicom.transport import AssociationSocket

from fetch.errors import FetchError, trouble
from fetch.model import Source
from fetch.reasons import Reason
from fetch.sources import tls
from fetch.sources.turnstile import Turnstile
from fetch.sources.wakeful import wake_when_needed

ANNOUNCED_PDU = 2**20
"""The longest P-DATA we say that we take (PS3.8 D.1). With the usual 16 KiB images are slower by half."""
LONGEST_PDU = 8 * 2**20
"""The longest PDU we do take. Its length field could say 4 GiB (PS3.8 9.3.1), before anything is checked."""
_A_ABORT = bytes((7, 0, 0, 0, 0, 4, 0, 0, 2, 6))  # PS3.8 9.3.8: the provider's, invalid PDU parameter value
_LOOK_S = 0.1
_LOOK = struct.pack("ll", 0, int(_LOOK_S * 1e6))
"""As the kernel takes it (timeval)."""
_FEW = 2**16
"""Bytes asked for where a message begins, or is short; within a long one nobody waits for our word."""
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux has it


class Line:
    """What the wire did below an association; pynetdicom itself only says that it failed."""

    def __init__(self) -> None:
        self.connected = False
        self.garbled = False
        self.oversized = 0
        self._heard = False
        self._refusal: FetchError | None = None

    @property
    def fault(self) -> FetchError | None:
        """What came over it that no archive sends, if anything did."""
        if self.oversized:
            return trouble(Reason.NOT_DICOM, f"a PDU of {self.oversized} bytes")
        if self._refusal:
            return self._refusal
        return trouble(Reason.NOT_DICOM) if self.garbled else None

    def handlers(self) -> list[Any]:
        return [(evt.EVT_CONN_OPEN, self._opened), (evt.EVT_FSM_TRANSITION, self._moved)]

    def _opened(self, event: evt.Event) -> None:
        self.connected = True
        wire: Any = event.assoc.dul.socket
        # Small messages wait for nothing: with Nagle's algorithm each request takes 40 ms longer.
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not isinstance(wire.socket, ssl.SSLSocket):
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _LOOK)
        wire.recv, wire.some = partial(self._received, wire), partial(self._some, wire)
        event.assoc._reactor_checkpoint = Turnstile()  # noqa: SLF001 — its thread does not run yet
        wake_when_needed(event.assoc)

    def _moved(self, event: evt.Event) -> None:
        """Something that is no PDU came where an answer to our request was due (PS3.8 9.2.3)."""
        if event.current_state == "Sta5" and event.fsm_event == "Evt19":
            self.garbled = True

    def _received(self, wire: AssociationSocket, count: int) -> bytearray:
        """So many bytes, fewer at the end of the line; in place of pynetdicom's own, which has no limit.

        Raises an OSError for a PDU that is too long, and ends when we abort: pynetdicom's own would read on
        for the rest of a PDU that never comes, and whoever aborts would wait with it.
        """
        if count > LONGEST_PDU:
            self.oversized = count
            self._refuse(wire)
        taken, read = bytearray(count), 0
        with memoryview(taken) as room:
            while read < count:
                some = self._some(wire, room[read:], whole=True)
                if not some:
                    break
                read += some
        return taken[:read] if read < count else taken

    @staticmethod
    def _refuse(wire: AssociationSocket) -> None:
        if wire.socket:
            wire.socket.sendall(_A_ABORT)
            wire.socket.shutdown(socket.SHUT_RDWR)
        raise OSError("a PDU that is too long")

    def _some(self, wire: AssociationSocket, room: memoryview, *, whole: bool) -> int:
        """How many bytes came, 0 at the end of the line. Raises :class:`_Aborted`.

        ``whole``: as many as there is room for are sure to come.
        """
        while wire.socket:
            some = self._at_hand(wire.socket, room, whole=whole)
            if some is not None:
                self._heard = self._heard or some > 0
                return some
            if wire.assoc._sent_abort:  # noqa: SLF001 — the only sign of it before the line is closed
                raise _Aborted
        return 0

    def _at_hand(self, wire: socket.socket, room: memoryview, *, whole: bool) -> int | None:
        """How many bytes came within a moment; 0 at the end of the line, None if there were none yet."""
        if isinstance(wire, ssl.SSLSocket):
            return self._decrypted(wire, room)
        try:
            some = wire.recv_into(room, 0, socket.MSG_WAITALL if whole else 0)
        except BlockingIOError:
            return None
        if len(room) <= _FEW:
            _acknowledge_now(wire)
        return some

    def _decrypted(self, wire: ssl.SSLSocket, room: memoryview) -> int | None:
        """As above. Select knows neither what OpenSSL holds already nor whether a whole record is there."""
        wire.settimeout(_LOOK_S)
        try:
            return wire.recv_into(room)
        except TimeoutError:
            return None
        except ssl.SSLError as alert:  # in TLS 1.3 the other side refuses our certificate only now
            if not self._heard:
                self._refusal = tls.fault(alert)
            raise
        finally:
            wire.settimeout(None)


def _acknowledge_now(wire: socket.socket) -> None:
    """An archive that has Nagle's algorithm on waits for it before every small message, else 40 ms each.

    The kernel goes back to delayed acknowledgements by itself, so it is told again after each read (tcp(7)).
    """
    if _QUICKACK is not None:
        wire.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


class _Aborted(Exception):
    """We ended it ourselves. Not an OSError, for which pynetdicom would wait to send its A-ABORT."""


def address(source: Source) -> str:
    """The numeric address of this source's host, the first of IPv4 where there is one.

    Raises a :class:`FetchError`. The system's resolver has time-outs of its own, often half a minute: so it
    is asked in a thread that is left behind.
    """
    found: list[str] = []
    asking = threading.Thread(target=_resolve, args=(source.host, found), name="resolve", daemon=True)
    asking.start()
    asking.join(source.timeouts.connect)
    if asking.is_alive():
        raise trouble(Reason.NO_CONNECTION, f"no address after {source.timeouts.connect:.0f} s")
    if not found:
        raise trouble(Reason.HOST_UNKNOWN)
    return found[0]


def _resolve(host: str, found: list[str]) -> None:
    try:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the latter for a name that cannot be one, such as "pacs..org"
        return
    entries.sort(key=lambda entry: entry[0] != socket.AF_INET)
    found.extend(str(where[0]) for *_, where in entries)
