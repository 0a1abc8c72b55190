"""The C-STORE sub-operations of an archive: stored bytes go out as they are, wherever the line allows it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pydicom import Dataset
from pynetdicom import build_context
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import decode, encode
from pynetdicom.presentation import PresentationContext
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from preview.demo.behaviour import Behaviour, Stranger
from preview.demo.contexts import UNCOMPRESSED
from preview.demo.holdings import Held, Level

FAILED, DONE = 0xA700, 0x0000
MOST_CONTEXTS = 128


@dataclass(frozen=True)
class Parcel:
    """One sub-operation: what the command calls it, and what is really inside."""

    instance_uid: str
    held: Held
    replaced: Dataset | None = None
    """Elements that a lie puts in place of the stored ones."""
    outcome: int | None = None
    """Counted with this status without being sent."""


def parcels(chosen: list[Held], everything: list[Held], how: Behaviour) -> list[Parcel]:
    """What is sent when these instances are asked for."""
    sent = [Parcel(held.uid(Level.IMAGE), held) for held in chosen]
    if how.leaves_out:
        kept = max(0, len(sent) - how.leaves_out)
        outcome = FAILED if how.admits else DONE
        sent[kept:] = [Parcel(p.instance_uid, p.held, outcome=outcome) for p in sent[kept:]]
    if how.stranger and sent:
        sent = _with_stranger(sent, everything, how.stranger)
    return sent


def _with_stranger(sent: list[Parcel], everything: list[Held], how: Stranger) -> list[Parcel]:
    """The middle one is somebody else's, as alike as can be found: the same kind of object first."""
    middle = len(sent) // 2
    asked = sent[middle].held
    others = [held for held in everything if held.header.PatientID != asked.header.PatientID]
    if not others:
        return sent
    other = min(others, key=lambda held: held.sop_class != asked.sop_class)
    if how is Stranger.EXTRA:
        return [*sent[:middle], Parcel(other.uid(Level.IMAGE), other), *sent[middle:]]
    replaced = Dataset()
    if how is Stranger.UNDER_THE_ASKED_UID:
        replaced.SOPInstanceUID = asked.uid(Level.IMAGE)
    return [*sent[:middle], Parcel(asked.uid(Level.IMAGE), other, replaced), *sent[middle + 1 :]]


def countable(parcel: Parcel) -> Dataset:
    """The data set that pynetdicom counts; it names the failed ones by their instance UID."""
    ds = Dataset()
    ds.SOPInstanceUID = parcel.instance_uid
    return ds


def contexts_for(sent: list[Parcel]) -> list[PresentationContext]:
    """One context for each kind of object and syntax, for an association to a move destination."""
    pairs = dict.fromkeys((p.held.sop_class, p.held.transfer_syntax) for p in sent)
    for sop_class, syntax in list(pairs):
        if syntax in UNCOMPRESSED:
            pairs.update(dict.fromkeys((sop_class, other) for other in UNCOMPRESSED))
    return [build_context(sop_class, syntax) for sop_class, syntax in pairs][:MOST_CONTEXTS] or [
        build_context(Verification)
    ]


def sender(assoc: Association, sent: list[Parcel]) -> Callable[..., Dataset]:
    """A ``send_c_store`` for this association that sends the parcels one after another."""
    waiting = iter(sent)

    def send_c_store(_: Dataset, **command: Any) -> Dataset:
        status = Dataset()
        status.Status = _send(assoc, next(waiting), **command)
        return status

    return send_c_store


def _send(
    assoc: Association,
    parcel: Parcel,
    msg_id: int = 1,
    originator_aet: str | None = None,
    originator_id: int | None = None,
) -> int:
    """The status of the C-STORE (PS3.7 9.1.1); pynetdicom's own would decode and encode every pixel."""
    cx = _context(assoc, parcel.held)
    if parcel.outcome is not None or cx is None:
        return FAILED if parcel.outcome is None else parcel.outcome
    command = C_STORE()
    command.MessageID = msg_id
    command.Priority = 2
    command.AffectedSOPClassUID = parcel.held.sop_class
    command.AffectedSOPInstanceUID = parcel.instance_uid
    command.MoveOriginatorApplicationEntityTitle = originator_aet
    command.MoveOriginatorMessageID = originator_id
    command.DataSet = BytesIO(_encoded(parcel, cx))
    reply = _exchange(assoc, command, cx.context_id or 0)
    return FAILED if reply is None else int(reply.Status)


def _exchange(assoc: Association, command: C_STORE, context_id: int) -> Any:
    # The association's own thread must not take the answer from the queue: pynetdicom pauses it like this.
    assoc._reactor_checkpoint.clear()  # noqa: SLF001
    while not assoc._is_paused:  # noqa: SLF001
        time.sleep(0.0001)
    assoc.dimse.send_msg(command, context_id)
    _, reply = assoc.dimse.get_msg(block=True)
    assoc._reactor_checkpoint.set()  # noqa: SLF001
    if reply is None:
        assoc.abort()
    return reply


def _context(assoc: Association, held: Held) -> PresentationContext | None:
    """An accepted context of the stored syntax; between the uncompressed ones a conversion will do."""
    accepted = [cx for cx in assoc.accepted_contexts if cx.abstract_syntax == held.sop_class and cx.as_scu]
    wanted = (held.transfer_syntax, *(UNCOMPRESSED if held.transfer_syntax in UNCOMPRESSED else ()))
    return next((cx for syntax in wanted for cx in accepted if cx.transfer_syntax[0] == syntax), None)


def _encoded(parcel: Parcel, cx: PresentationContext) -> bytes:
    stored, agreed = parcel.held.transfer_syntax, cx.transfer_syntax[0]
    if stored == agreed and not parcel.replaced:
        return parcel.held.data
    ds = decode(BytesIO(parcel.held.data), stored.is_implicit_VR, stored.is_little_endian)
    ds.update(parcel.replaced or Dataset())
    return encode(ds, agreed.is_implicit_VR, agreed.is_little_endian) or b""
