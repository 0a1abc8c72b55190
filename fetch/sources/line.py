"""The TCP line below an association: whom it leads to, what it did, and how much one PDU may take."""

import socket
import threading
from functools import partial
from select import select
from typing import Any

from pynetdicom import evt
from pynetdicom.transport import AssociationSocket

from fetch.errors import FetchError, trouble
from fetch.model import Source
from fetch.reasons import Reason

ANNOUNCED_PDU = 2**20
"""The longest P-DATA we say that we take (PS3.8 D.1). With the usual 16 KiB images are slower by half."""
LONGEST_PDU = 8 * 2**20
"""The longest PDU we do take. Its length field could say 4 GiB (PS3.8 9.3.1), before anything is checked."""
_A_ABORT = bytes((7, 0, 0, 0, 0, 4, 0, 0, 2, 6))  # PS3.8 9.3.8: the provider's, invalid PDU parameter value
_LOOK_S = 0.1


class Line:
    """What the wire did below an association; pynetdicom itself only says that it failed."""

    def __init__(self) -> None:
        self.connected = False
        self.garbled = False
        self.oversized = 0

    @property
    def fault(self) -> FetchError | None:
        """What came over it that no archive sends, if anything did."""
        if self.oversized:
            return trouble(Reason.NOT_DICOM, f"a PDU of {self.oversized} bytes")
        return trouble(Reason.NOT_DICOM) if self.garbled else None

    def handlers(self) -> list[Any]:
        return [(evt.EVT_CONN_OPEN, self._opened), (evt.EVT_FSM_TRANSITION, self._moved)]

    def _opened(self, event: evt.Event) -> None:
        self.connected = True
        wire: Any = event.assoc.dul.socket
        wire.recv = partial(self._received, wire)

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
                some = self._some(wire, room[read:])
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

    @staticmethod
    def _some(wire: AssociationSocket, room: memoryview) -> int:
        while wire.socket and not select([wire.socket], [], [], _LOOK_S)[0]:
            if wire.assoc._sent_abort:  # noqa: SLF001 — the only sign of it before the line is closed
                raise _Aborted
        return wire.socket.recv_into(room) if wire.socket else 0


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
