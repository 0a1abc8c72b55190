"""One DICOM association with a source: opened with time-outs on every layer, refused with a reason."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, _config
from pynetdicom.association import Association
from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu_primitives import A_ASSOCIATE, A_P_ABORT, SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from fetch.errors import FetchError, trouble
from fetch.model import Local, Source
from fetch.reasons import Reason
from fetch.sources import reading, tls
from fetch.sources.line import ANNOUNCED_PDU, Line, address

# pynetdicom would otherwise write patients' names into the log at level INFO
_config.LOG_HANDLER_LEVEL = "none"
_config.LOG_REQUEST_IDENTIFIERS = False
_config.LOG_RESPONSE_IDENTIFIERS = False

_REJECTIONS = {  # PS3.8 table 9-21: (source, diagnostic)
    (1, 3): Reason.CALLING_AET_UNKNOWN,
    (1, 7): Reason.CALLED_AET_UNKNOWN,
    (3, 1): Reason.BUSY,
    (3, 2): Reason.BUSY,
}
_TRANSIENT = 2


@contextmanager
def associate(
    source: Source,
    local: Local,
    contexts: Sequence[PresentationContext],
    *,
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
    handlers: Sequence[Any] = (),
) -> Iterator[Association]:
    """An established association, released at the end, or aborted when the body raised.

    Raises a :class:`FetchError` that says on which layer it failed.
    """
    line, where, encrypted = Line(), address(source), tls.arguments(source)
    began = time.monotonic()
    entity = _entity(source, local)
    with ExitStack() as left_early:
        left_early.callback(_end_threads, entity)
        association = entity.associate(
            where,
            source.port,
            contexts=list(contexts),
            ae_title=source.aet,
            max_pdu=ANNOUNCED_PDU,
            ext_neg=list(roles) or None,
            evt_handlers=[*line.handlers(), *handlers],
            tls_args=encrypted,
        )
        if not association.is_established:
            left_early.pop_all()
            raise _refusal(association, source, line, where, time.monotonic() - began)
        left_early.callback(association.abort)
        try:
            yield association
            if association.is_established:
                association.release()
        except (FetchError, RuntimeError) as error:
            ended = isinstance(error, RuntimeError) and not association.is_established
            left_early.close()
            if line.fault:  # it does speak DICOM, but for this
                raise trouble(Reason.GARBLED, line.fault.detail) from None
            if ended:  # pynetdicom's word for a line that broke between two of our messages
                raise trouble(Reason.CONNECTION_LOST, "the association ended") from None
            raise
        left_early.pop_all()


def _end_threads(entity: AE) -> None:
    """End what an interrupt (Ctrl-C) left of a half-open association: its threads keep a process alive."""
    for thread in threading.enumerate():
        if isinstance(thread, DULServiceProvider) and thread.assoc.ae is entity:
            thread.kill_dul()


def _entity(source: Source, local: Local) -> AE:
    entity = AE(ae_title=local.aet)
    entity.connection_timeout = source.timeouts.connect
    entity.acse_timeout = source.timeouts.association
    entity.dimse_timeout = source.timeouts.message
    entity.network_timeout = source.timeouts.network
    return entity


def _refusal(association: Association, source: Source, line: Line, where: str, seconds: float) -> FetchError:
    if line.fault or not line.connected:
        return line.fault or _unconnected(source, where)
    answer = association.acceptor.primitive
    if association.is_rejected and answer is not None:
        return _rejection(answer)
    if association.rejected_contexts:
        return trouble(Reason.NOT_SUPPORTED, "no presentation context accepted")
    if seconds >= source.timeouts.association:
        return trouble(Reason.NO_ANSWER, f"no association after {seconds:.0f} s")
    by_us = association._sent_abort  # noqa: SLF001
    refused = _probed(source, where) if source.tls and not by_us else None
    return refused or trouble(Reason.TURNED_AWAY, "aborted before the association was accepted")


def _rejection(answer: A_ASSOCIATE) -> FetchError:
    detail = f"A-ASSOCIATE-RJ result {answer.result} source {answer.result_source} reason {answer.diagnostic}"
    if answer.result == _TRANSIENT:
        return trouble(Reason.BUSY, detail)
    place = answer.result_source or 0, answer.diagnostic or 0
    return trouble(_REJECTIONS.get(place, Reason.REJECTED), detail)


def _unconnected(source: Source, where: str) -> FetchError:
    """Why there was no connection: asked once more, because pynetdicom keeps the reason to itself."""
    return _probed(source, where) or trouble(Reason.CONNECTION_LOST, "the connection was closed at once")


def _probed(source: Source, where: str) -> FetchError | None:
    """What a connection that sends nothing fails with, on the way or in the handshake of TLS, if it does."""
    try:
        wire = socket.create_connection((where, source.port), timeout=source.timeouts.connect)
    except ConnectionRefusedError:
        return trouble(Reason.CONNECTION_REFUSED)
    except TimeoutError:
        return trouble(Reason.NO_CONNECTION, f"no TCP connection after {source.timeouts.connect:.0f} s")
    except OSError as failed:
        return trouble(Reason.NO_CONNECTION, f"errno {failed.errno}")
    with wire:
        return tls.probe(wire, source)


def abort(association: Association) -> None:
    """End an association that another thread waits on (archives ignore C-CANCEL); that thread wakes."""
    association.abort()
    # pynetdicom wakes its waiters only for the peer's abort
    association.dul.to_user_queue.put(A_P_ABORT())
    association.dimse.msg_queue.put((None, None))


def lost(source: Source, seconds: float, *, answered: bool = True) -> FetchError:
    """The error for an association that ended while we waited ``seconds`` for its next message.

    One that ends before it ``answered`` anything has often turned our AE title away (Orthanc does).
    """
    waited = min(source.timeouts.message, source.timeouts.network)
    if seconds >= waited:
        return trouble(Reason.NO_ANSWER, f"silent for {seconds:.0f} s")
    return trouble(Reason.CONNECTION_LOST if answered else Reason.TURNED_AWAY, "association aborted")


SUCCESS = 0x0000
PENDING = (0xFF00, 0xFF01)
WARNING = 0xB000  # C-GET, C-MOVE: done, but one or more sub-operations failed (PS3.4 C.4.3.1.4)

_FAILURES = {
    0x0122: Reason.NOT_SUPPORTED,  # SOP class not supported, PS3.7 C.5.6
    0x0211: Reason.NOT_SUPPORTED,  # unrecognized operation
    0x0124: Reason.REJECTED,  # not authorized
    0x0213: Reason.OUT_OF_RESOURCES,
    0xA700: Reason.OUT_OF_RESOURCES,
    0xA701: Reason.OUT_OF_RESOURCES,
    0xA702: Reason.OUT_OF_RESOURCES,
    0xA801: Reason.RECEIVER_UNKNOWN,  # move destination
    0xFE00: Reason.CONNECTION_LOST,  # cancelled, though we did not ask for it
}


def failure(status: int) -> FetchError:
    """The error for a final status that is neither success nor a warning (PS3.4 C.4.1.1.4, C.4.3.1.4)."""
    return trouble(_FAILURES.get(status, Reason.REQUEST_FAILED), f"status 0x{status:04X}")


UNABLE = 0xA702
"""Unable to perform sub-operations (PS3.4 C.4.2.1.5), which is said too where nobody is found to send to."""


def nothing_but_failures(status: Dataset, failed: Dataset | None) -> bool:
    """Did every sub-operation of a retrieval fail? The status says so too, and that ends nothing.

    PS3.4 C.4.2.1.5, C.4.3.3.1. An archive that ran out of resources for another reason names none.
    """
    named = failed is not None and bool(reading.texts(failed, "FailedSOPInstanceUIDList"))
    return bool(status.Status == UNABLE and named)
