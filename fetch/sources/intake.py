"""How the data set of an incoming C-STORE is collected: in memory, or in a file if it is large; unparsed."""

import errno
import os
import secrets
import threading
from collections.abc import Callable
from io import BytesIO, FileIO
from pathlib import Path
from typing import Any, cast

from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_STORE_RQ, DIMSEMessage
from pynetdicom.dimse_primitives import C_GET, C_STORE
from pynetdicom.pdu_primitives import P_DATA

from fetch import elements
from fetch.model import Received
from fetch.sources import commands
from fetch.sources.reading import WRONG_VALUE
from fetch.sources.values import Values
from fetch.spool import PART

MOST_IN_MEMORY = 32 * 2**20
_LONGEST_ANSWER = 16 * 2**20
"""Of messages other than C-STORE: the list of failed instances in the last response of a retrieval."""
_LONGEST_COMMAND = 64 * 2**10
_MOST_UNTAKEN = 4
"""We never agree to several operations at once (PS3.7 D.3.3.3): who sends more will not stop at all."""
_LOOK_FOR_ROOM = 16 * 2**20
"""After so many bytes it is asked anew whether the disk has room."""
_NO_UID = "0"
_LONGEST_UID = 64
_INVALID_PDU = "Evt19"
_COMMAND, _LAST = 1, 2  # bits of the message control header, PS3.8 E.2
_LONGEST_RESPONSE = 256
"""Bytes; to whoever takes no more at once we respond in pieces."""


def attach(
    assoc: Association,
    folder: Path,
    most_in_memory: int = MOST_IN_MEMORY,
    has_room: Callable[[], bool] = lambda: True,
    label: Callable[[], str] = lambda: "",
) -> "Intake":
    """From now on data sets of more than ``most_in_memory`` bytes go to files in ``folder``; 0 for all.

    Their names begin with the ``label`` of the moment.

    The handler of C-STORE takes each with :func:`taken`; what it has not taken when the connection ends is
    deleted. When ``has_room`` says no, the object is dropped as if the disk were full.
    """
    return Intake(assoc, folder, most_in_memory, has_room, label)


def taken(event: evt.Event) -> Received:
    """The object of this C-STORE: its bytes, or a DICOM file that from now on is the caller's to delete.

    The UIDs are what the command says, which may be anything. Raises the OSError of a disk that would not
    take it.
    """
    return object_of(cast(C_STORE, event.request), str(event.context.transfer_syntax))


def object_of(request: C_STORE, syntax: str) -> Received:
    """As above, of a request that came in a context of this transfer syntax."""
    if not isinstance(request.DataSet, _Parcel):
        raise TypeError("no intake is attached to this association")
    return request.DataSet.taken(request, syntax)


class Intake:
    """Stands between the line of an association and its messages."""

    def __init__(
        self,
        assoc: Association,
        folder: Path,
        most_in_memory: int,
        has_room: Callable[[], bool],
        label: Callable[[], str],
    ) -> None:
        self.folder = folder
        self.most_in_memory = most_in_memory
        self.has_room = has_room
        self.label = label
        self._assoc = assoc
        self._lock = threading.Lock()
        self._untaken: set[_Parcel] = set()
        self._over = False
        self._coming: C_STORE | None = None
        """Of which the command is here, and the object is coming."""
        self.counts: Callable[[C_GET], bool] = lambda _response: False
        """Takes a response at once, in the thread below the association: nobody has to wake for it."""
        dimse: Any = assoc.dimse
        self._usual, dimse.receive_primitive = dimse.receive_primitive, self._receive
        self._usual_send, dimse.send_msg = dimse.send_msg, self._send
        Values(assoc, self._take)
        assoc.bind(evt.EVT_CONN_CLOSE, lambda _event: self.close())

    def _take(self, context_id: int, control: int, data: bytearray) -> None:
        """A part of a message: what is plain goes a shorter way than through pynetdicom's."""
        whole_command = control & 3 == _COMMAND | _LAST and self._assoc.dimse.message is None
        if self._coming is not None:
            self._fill(self._coming, control, data)
        elif whole_command and isinstance(message := commands.plain(data), C_STORE | C_GET):
            self._begin(message, context_id)
        else:
            primitive = P_DATA()
            primitive.presentation_data_value_list.append((context_id, bytes((control,)) + data))
            self._receive(primitive)

    def _begin(self, message: C_STORE | C_GET, context_id: int) -> None:
        message._context_id = context_id  # noqa: SLF001
        if isinstance(message, C_STORE):
            uids = str(message.AffectedSOPClassUID), str(message.AffectedSOPInstanceUID)
            message.DataSet = _Parcel(self, None)
            message.DataSet.begin(*uids, context_id)
            self._coming = message
        elif not self.counts(message):
            self._assoc.dimse.msg_queue.put((context_id, message))

    def _fill(self, coming: C_STORE, control: int, data: bytearray) -> None:
        cast(_Parcel, coming.DataSet).write(data)
        if control & _LAST:
            self._coming = None
            self._assoc.dimse.msg_queue.put((cast(int, coming._context_id), coming))  # noqa: SLF001
        if control & _COMMAND or len(self._untaken) > _MOST_UNTAKEN:
            self._assoc.dul.event_queue.put(_INVALID_PDU)

    def _send(self, primitive: Any, context_id: int) -> None:
        """A message: our usual response by a shorter way than pynetdicom's."""
        response = commands.answer(primitive) if isinstance(primitive, C_STORE) else None
        if response is None or not self.responds_at_once:
            self._usual_send(primitive, context_id)
        else:
            self._say(response, context_id)

    @property
    def responds_at_once(self) -> bool:
        """Does the other side take a response in one piece?"""
        return not 0 < self._assoc.dimse.maximum_pdu_size < _LONGEST_RESPONSE

    def respond(self, request: C_STORE, context_id: int, status: int) -> None:
        """Tell whoever sent this object what became of it."""
        uids = str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID)
        self._say(commands.stored(*uids, cast(int, request.MessageID), status), context_id)

    def _say(self, response: bytes, context_id: int) -> None:
        whole = P_DATA()
        whole.presentation_data_value_list.append((context_id, bytes((_COMMAND | _LAST,)) + response))
        self._assoc.dul.send_pdu(whole)

    def _receive(self, primitive: Any) -> None:
        """A part of a message, in place of pynetdicom's own, which takes any number of bytes."""
        dimse = self._assoc.dimse
        if dimse.message is None:
            dimse.message = DIMSEMessage()
            dimse.message.data_set = _Parcel(self, dimse.message)
        message = dimse.message
        try:
            self._usual(primitive)
            too_much = message.encoded_command_set.tell() > _LONGEST_COMMAND
        except WRONG_VALUE:  # a command set that is none; pynetdicom's thread would end over it
            too_much = True
        if too_much or len(self._untaken) > _MOST_UNTAKEN:
            self._assoc.dul.event_queue.put(_INVALID_PDU)

    def syntax(self, context_id: int | None) -> str:
        """The transfer syntax of this presentation context; "" if it was not accepted."""
        accepted = self._assoc._accepted_cx.get(context_id or 0)  # noqa: SLF001
        return str(accepted.transfer_syntax[0]) if accepted else ""

    def begins(self, parcel: "_Parcel") -> None:
        with self._lock:
            if self._over:
                raise _ended()
            self._untaken.add(parcel)

    def hand_over(self, parcel: "_Parcel") -> None:
        """It is its taker's now, unless the connection has ended."""
        with self._lock:
            if self._over:
                raise _ended()
            self._untaken.discard(parcel)

    def close(self) -> None:
        """Delete what nobody took."""
        with self._lock:
            self._over = True
            left = list(self._untaken)
            self._untaken.clear()
        for parcel in left:
            parcel.drop()


def _ended() -> OSError:
    return ConnectionAbortedError(errno.ECONNABORTED, "the connection ended")


class _Parcel(BytesIO):
    """What pynetdicom takes for the data set in memory; once it is large it is a file."""

    def __init__(self, intake: Intake, message: DIMSEMessage | None) -> None:
        super().__init__()
        self._intake = intake
        self._message = message
        self._lock = threading.Lock()
        self._named: tuple[str, str, str] | None = None
        """Class, instance and transfer syntax: of a C-STORE only."""
        self._length = 0
        self._parts: list[bytes | bytearray] = []
        """Of a C-STORE, as they came: they are put together once."""
        self._room_until = 0
        self._file: _File | None = None
        self._failure: OSError | None = None

    def write(self, data: Any) -> int:
        """Never raises for want of space: that is told to the handler, when the message is complete."""
        with self._lock:
            if self._message is not None:
                self._look_at(self._message)
            self._length += len(data)
            if self._named is None:
                return self._answer(data)
            if self._failure is None:
                try:
                    self._keep(data, self._named)
                except OSError as full:
                    self._fail(full)
            return len(data)

    def _look_at(self, message: DIMSEMessage) -> None:
        """The command is complete by now: the data set comes behind it (PS3.7 6.3.1)."""
        self._message = None
        if not isinstance(message, C_STORE_RQ):
            return
        command = message.command_set
        uids = [str(command.get(f"AffectedSOP{what}UID", "")) for what in ("Class", "Instance")]
        for keyword in ("AffectedSOPClassUID", "AffectedSOPInstanceUID"):
            if len(str(command.get(keyword, ""))) > _LONGEST_UID:  # pynetdicom ends the association over it
                setattr(command, keyword, _NO_UID)
        self.begin(uids[0], uids[1], message.context_id)

    def begin(self, sop_class: str, instance_uid: str, context_id: int | None) -> None:
        """It is the object of a C-STORE."""
        self._named = (sop_class, instance_uid, self._intake.syntax(context_id))
        try:
            self._intake.begins(self)
        except OSError as ended:
            self._fail(ended)
        if not self._named[2]:
            self._fail(OSError(errno.EPROTO, "a presentation context that was not accepted"))

    def _answer(self, data: Any) -> int:
        if self._length > _LONGEST_ANSWER:
            raise ValueError("an answer that is too long")
        return super().write(data)

    def _keep(self, data: Any, named: tuple[str, str, str]) -> None:
        if self._file is None and self._length <= self._intake.most_in_memory:
            self._parts.append(data)
            return
        if self._length > self._room_until:
            self._room_until = self._length + _LOOK_FOR_ROOM
            if not self._intake.has_room():
                raise OSError(errno.ENOSPC, "the disk is nearly full")
        if self._file is None:
            self._file = _File(self._intake.folder, self._intake.label())
            self._file.write(elements.part_10(*(uid if elements.is_uid(uid) else _NO_UID for uid in named)))
            self._file.write(self._joined())
        self._file.write(data)

    def _joined(self) -> bytes:
        """All that was kept in memory, which is empty then."""
        parts, self._parts = self._parts, []
        return b"".join(parts)

    def _fail(self, failure: OSError) -> None:
        """Keep nothing of it, and take no more."""
        self._failure = failure
        self._parts = []
        if self._file is not None:
            self._file.delete()

    def drop(self) -> None:
        with self._lock:
            self._fail(_ended())

    def taken(self, request: C_STORE, syntax: str) -> Received:
        self._intake.hand_over(self)
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._file is not None:
                self._file.close()
            said = str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID)
            named = (*(self._named or said)[:2], syntax)
            return Received(*named, file=self._file.path) if self._file else Received(*named, self._joined())


class _File:
    """A new file of this user only, written to without a buffer, so that closing it cannot fail."""

    def __init__(self, folder: Path, label: str) -> None:
        self.path = folder / f"{label}{secrets.token_hex(16)}{PART}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        self._raw = FileIO(os.open(self.path, flags, 0o600), "wb")

    def write(self, data: Any) -> None:
        with memoryview(data) as left:
            done = 0
            while done < len(left):
                done += self._raw.write(left[done:]) or 0

    def close(self) -> None:
        self._raw.close()

    def delete(self) -> None:
        self.close()
        self.path.unlink(missing_ok=True)
