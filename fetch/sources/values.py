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
"""Times that more is read before it is looked for anything else to do."""
_AHEAD = 16 * 2**10
"""Bytes that are read at once where a PDU begins: small ones come whole, with the beginning of the next."""


class _InvalidPdu(Exception):
    """Its parts do not have the lengths that they say."""


class Values:
    """Reads what comes over an established association; any other PDU is left to pynetdicom."""

    def __init__(self, assoc: Association, take: Take) -> None:
        self._take = take
        dul: Any = assoc.dul
        self._dul, self._usual = dul, dul._read_pdu_data  # noqa: SLF001
        dul._read_pdu_data = self._read  # noqa: SLF001
        self._ahead = memoryview(bytearray(_AHEAD))
        self._begin = self._end = 0

    def _read(self) -> None:
        dul = self._dul
        if dul.state_machine.current_state != _ESTABLISHED:
            self._usual()
            return
        try:
            for _ in range(_AT_ONCE):
                if not (self._read_some() and dul.event_queue.empty() and dul.socket.ready):
                    return
        except (OSError, EOFError, struct.error):
            dul.event_queue.put(_CLOSED)
        except _InvalidPdu:
            dul.event_queue.put(_INVALID_PDU)

    def _read_some(self) -> bool:
        """What came, and the rest of its last PDU: nothing else would say that there is something read ahead.

        False if one of them was none of ours, and left to pynetdicom.
        """
        self._begin, self._end = 0, self._some(self._ahead, whole=False)
        if not self._end:
            raise EOFError
        while self._begin < self._end:
            if not self._read_pdu():
                return False
        return True

    def _read_pdu(self) -> bool:
        head = self._all(_PDU.size)
        kind, length = _PDU.unpack(head)
        if kind == _P_DATA and length <= LONGEST_PDU:
            self._read_values(length)
            return True
        _hand_back(self._dul.socket, head + self._ahead[self._begin : self._end])
        self._begin = self._end
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
        """So many bytes: those that were read ahead, and what is still to come of them."""
        ahead = self._ahead[self._begin : self._end][:count]
        read = len(ahead)
        self._begin += read
        if read == count:
            return bytearray(ahead)
        taken = bytearray(count)
        with memoryview(taken) as room:
            room[:read] = ahead
            while read < count:
                some = self._some(room[read:], whole=True)
                if not some:
                    raise EOFError
                read += some
        return taken

    def _some(self, room: memoryview, *, whole: bool) -> int:
        wire = self._dul.socket
        if hasattr(wire, "some"):
            return int(wire.some(room, whole=whole))
        return int(wire.socket.recv_into(room))  # a line that nobody watches


def _hand_back(wire: Any, read: bytearray) -> None:
    """It is what will be read next."""
    usual = wire.recv

    def again(count: int) -> bytearray:
        if count > LONGEST_PDU:
            return bytearray(usual(count))  # which refuses it
        part = read[:count]
        del read[:count]
        if not read:
            wire.recv = usual
        return part + usual(count - len(part)) if len(part) < count else part

    wire.recv = again
