"""P-DATA as it comes (PS3.8 9.3.5), value by value: pynetdicom copies every byte five times on its way."""

import struct
from collections.abc import Callable
from typing import Any

from pynetdicom.association import Association

from fetch.sources.line import LONGEST_PDU

Take = Callable[[int, int, bytearray], None]
"""Takes a value: its presentation context, its message control header, its bytes (PS3.8 9.3.5.1, E.2)."""

_P_DATA = 4
_ESTABLISHED = "Sta6"  # PS3.8 9.2.1
_PDU, _VALUE = struct.Struct(">BxL"), struct.Struct(">LBB")
_CLOSED, _INVALID_PDU = "Evt17", "Evt19"
_AT_ONCE = 8
"""PDUs that are read before it is looked for anything else to do."""


class _InvalidPdu(Exception):
    """Its parts do not have the lengths that they say."""


class Values:
    """Reads what comes over an established association; any other PDU is left to pynetdicom."""

    def __init__(self, assoc: Association, take: Take) -> None:
        self._take = take
        dul: Any = assoc.dul
        self._dul, self._usual = dul, dul._read_pdu_data  # noqa: SLF001
        dul._read_pdu_data = self._read  # noqa: SLF001

    def _read(self) -> None:
        dul = self._dul
        if dul.state_machine.current_state != _ESTABLISHED:
            self._usual()
            return
        try:
            for _ in range(_AT_ONCE):
                if not (self._read_pdu() and dul.event_queue.empty() and dul.socket.ready):
                    return
        except (OSError, EOFError, struct.error):
            dul.event_queue.put(_CLOSED)
        except _InvalidPdu:
            dul.event_queue.put(_INVALID_PDU)

    def _read_pdu(self) -> bool:
        """One of ours; False if it was none, and left to pynetdicom."""
        head = self._dul.socket.recv(_PDU.size)
        kind, length = _PDU.unpack(head)
        if kind == _P_DATA and length <= LONGEST_PDU:
            self._read_values(length)
            return True
        _hand_back(self._dul.socket, head)
        self._usual()
        return False

    def _read_values(self, left: int) -> None:
        while left:
            if left < _VALUE.size:
                raise _InvalidPdu
            length, context, control = _VALUE.unpack(self._all(_VALUE.size))
            left -= 4 + length  # it counts what follows it, so context and control too
            if length < 2 or left < 0:
                raise _InvalidPdu
            self._take(context, control, self._all(length - 2))

    def _all(self, count: int) -> bytearray:
        read: bytearray = self._dul.socket.recv(count)
        if len(read) < count:
            raise EOFError
        return read


def _hand_back(wire: Any, head: bytearray) -> None:
    """It is what will be read next."""
    usual = wire.recv

    def again(_count: int) -> bytearray:
        wire.recv = usual
        return head

    wire.recv = again
