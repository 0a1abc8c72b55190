"""The C-STORE sub-operations of an archive: stored bytes go out as they are, wherever the line allows it."""

import threading
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import AE, build_context, evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import decode, encode
from pynetdicom.presentation import PresentationContext
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from preview.demo.contexts import UNCOMPRESSED, send_at_once
from preview.demo.holdings import Held
from preview.demo.parcels import FAILED, Parcel
from preview.demo.traits import Behaviour

MOST_CONTEXTS = 128
_GIANT = b"\x04\x00" + b"\xff" * 4
"""The beginning of a P-DATA-TF PDU of 4 GiB (PS3.8 9.3.5)."""

Address = tuple[str, int]
Contexts = dict[tuple[UID | None, UID], PresentationContext]
"""What was accepted for our sending, by kind of object and syntax."""


def contexts_for(sent: list[Parcel]) -> list[PresentationContext]:
    """One context for each kind of object and syntax, for an association to a move destination."""
    pairs = dict.fromkeys((p.held.sop_class, p.held.transfer_syntax) for p in sent)
    for sop_class, syntax in list(pairs):
        if syntax in UNCOMPRESSED:
            pairs.update(dict.fromkeys((sop_class, other) for other in UNCOMPRESSED))
    return [build_context(sop_class, syntax) for sop_class, syntax in pairs][:MOST_CONTEXTS] or [
        build_context(Verification)
    ]


def sender(assoc: Association, sent: Iterable[Parcel], how: Behaviour) -> Callable[..., Dataset]:
    """A ``send_c_store`` for this association that sends the parcels one after another."""
    waiting, contexts = iter(sent), _contexts(assoc)
    if how.giant_pdu:
        waiting = _announced(assoc, waiting)

    def send_c_store(_: Dataset, **command: Any) -> Dataset:
        status = Dataset()
        status.Status = _send(assoc, contexts, next(waiting), how, **command)
        return status

    return send_c_store


def _announced(assoc: Association, parcels: Iterable[Parcel]) -> Any:
    """What follows is read as part of the PDU, by whoever believes in it."""
    assoc.dul.socket.send(_GIANT)  # type: ignore[union-attr]
    yield from parcels


def send_later(aet: str, called: str, address: Address, sent: list[Parcel], how: Behaviour) -> None:
    """What a C-MOVE left over, after its final response: over another association."""

    def send() -> None:
        time.sleep(how.late_seconds or 0)
        ae = AE(aet)
        handlers: list[Any] = [(evt.EVT_CONN_OPEN, send_at_once)]
        contexts = contexts_for(sent)
        assoc = ae.associate(*address, ae_title=called, contexts=contexts, evt_handlers=handlers)
        if assoc.is_established:
            for number, parcel in enumerate(sent, 1):
                _send(assoc, _contexts(assoc), parcel, how, number)
            assoc.release()

    threading.Thread(target=send, name=f"archive {aet}, late", daemon=True).start()


def _send(
    assoc: Association,
    contexts: Contexts,
    parcel: Parcel,
    how: Behaviour,
    msg_id: int = 1,
    originator_aet: str | None = None,
    originator_id: int | None = None,
) -> int:
    """The status of the C-STORE (PS3.7 9.1.1); pynetdicom's own would decode and encode every pixel."""
    cx = None if parcel.outcome is not None else _context(contexts, parcel.held)
    if cx is None:
        return FAILED if parcel.outcome is None else parcel.outcome
    if not assoc.is_established:  # whoever it leads to is gone: nothing would ever answer
        return FAILED
    if how.breaks_on_compressed and cx.transfer_syntax[0] not in UNCOMPRESSED:
        assoc.abort()
        return FAILED
    command = C_STORE()
    command.MessageID = msg_id
    command.Priority = 2
    command.AffectedSOPClassUID = parcel.held.sop_class
    command.AffectedSOPInstanceUID = parcel.instance_uid
    if not how.hides_originator:
        command.MoveOriginatorApplicationEntityTitle = originator_aet
        command.MoveOriginatorMessageID = originator_id
    _fill(command, parcel, _wrong(cx.transfer_syntax[0]) if how.wrong_syntax else cx.transfer_syntax[0])
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


def _contexts(assoc: Association) -> Contexts:
    return {(cx.abstract_syntax, cx.transfer_syntax[0]): cx for cx in assoc.accepted_contexts if cx.as_scu}


def _context(contexts: Contexts, held: Held) -> PresentationContext | None:
    """An accepted context of the stored syntax; between the uncompressed ones a conversion will do."""
    wanted = (held.transfer_syntax, *(UNCOMPRESSED if held.transfer_syntax in UNCOMPRESSED else ()))
    found = (contexts.get((held.sop_class, syntax)) for syntax in wanted)
    return next((cx for cx in found if cx), None)


def _fill(command: C_STORE, parcel: Parcel, syntax: UID) -> None:
    """With the stored bytes, from memory or straight from their file, or with others."""
    stored = parcel.held.transfer_syntax == syntax and not parcel.change
    if stored and parcel.held.file:
        command._dataset_path = parcel.held.file  # noqa: SLF001 — so does pynetdicom where it sends a file
    else:
        command.DataSet = BytesIO(parcel.held.data if stored else _encoded(parcel, syntax))


def _encoded(parcel: Parcel, syntax: UID) -> bytes:
    stored = parcel.held.transfer_syntax
    ds = decode(BytesIO(parcel.held.data), stored.is_implicit_VR, stored.is_little_endian)
    if parcel.change:
        parcel.change(ds)
    return encode(ds, syntax.is_implicit_VR, syntax.is_little_endian) or b""


def _wrong(syntax: UID) -> UID:
    """Explicit for implicit, implicit for everything else."""
    return UNCOMPRESSED[0] if syntax == UNCOMPRESSED[1] else UNCOMPRESSED[1]
