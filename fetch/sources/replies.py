"""C-FIND responses as they come, thousands for a large study: a shorter way than through pynetdicom's."""

from io import BytesIO

from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_FIND
from pynetdicom.pdu_primitives import P_DATA

from fetch.sources import commands
from fetch.sources.reading import WRONG_VALUE
from fetch.sources.values import Values

_LONGEST = 2**20
"""Bytes of one answer: a few short texts."""
_INVALID_PDU = "Evt19"
_COMMAND, _LAST = 1, 2  # bits of the message control header, PS3.8 E.2


class Replies:
    """Puts a response together whose command is plain; every other message is left to pynetdicom."""

    def __init__(self, assoc: Association) -> None:
        self._assoc = assoc
        self._coming: tuple[int, C_FIND] | None = None
        """Of which the command is here, and the identifier is coming."""
        self._identifier = bytearray()
        Values(assoc, self._take)

    def _take(self, context_id: int, control: int, data: bytearray) -> None:
        if self._coming is not None:
            self._fill(self._coming, control, data)
            return
        whole_command = control & 3 == _COMMAND | _LAST and self._assoc.dimse.message is None
        message = commands.plain(data) if whole_command else None
        if isinstance(message, C_FIND):
            self._coming = context_id, message
        else:
            self._leave(context_id, control, data)

    def _fill(self, coming: tuple[int, C_FIND], control: int, data: bytearray) -> None:
        self._identifier += data
        if control & _LAST:
            coming[1].Identifier = BytesIO(self._identifier)
            self._coming, self._identifier = None, bytearray()
            self._assoc.dimse.msg_queue.put(coming)
        if control & _COMMAND or len(self._identifier) > _LONGEST:
            self._assoc.dul.event_queue.put(_INVALID_PDU)

    def _leave(self, context_id: int, control: int, data: bytearray) -> None:
        primitive = P_DATA()
        primitive.presentation_data_value_list.append((context_id, bytes((control,)) + data))
        try:
            self._assoc.dimse.receive_primitive(primitive)
        except WRONG_VALUE:  # a command set that is none; pynetdicom's thread would end over it
            self._assoc.dul.event_queue.put(_INVALID_PDU)
