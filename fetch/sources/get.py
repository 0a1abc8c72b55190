"""C-GET: images come over the association that we opened (PS3.4 C.4.3), over one for several requests."""

import errno
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_GET, C_STORE
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet  # type: ignore[attr-defined]

from fetch.carrying import Bring, Deliver, Opened, Refused
from fetch.errors import refuse_unsafe_uid, trouble
from fetch.model import Local, Reported, Share, Source
from fetch.reasons import Reason
from fetch.sources import contexts, identifiers, intake, reading
from fetch.sources.association import (
    PENDING,
    SUCCESS,
    WARNING,
    abort,
    associate,
    failure,
    lost,
    nothing_but_failures,
)
from fetch.sources.pace import Pace
from fetch.sources.suboperations import Suboperations

_FULL = 0xA700  # out of resources, PS3.4 B.2.3
_NOT_UNDERSTOOD = 0xC000
IN_MEMORY = 32 * 2**20
"""Bytes: an object larger than this is streamed to a file instead."""


@contextmanager
def carrying(
    source: Source,
    local: Local,
    classes: Iterable[str],
    deliver: Deliver,
    opened: Opened,
    folder: Path,
    learned: Callable[[Sequence[str]], None] = lambda _contexts: None,
    refused: Refused = lambda _reason, _instance: None,
) -> Iterator[Bring]:
    """An association over which shares are brought one after another.

    ``classes``: the SOP classes that will come, none for the usual ones. ``deliver`` is called for every
    object, and may block; it may come with any UID, whatever was asked for. ``folder``: where objects too
    large for memory go. ``learned`` hears the contexts that were accepted, ``refused`` of each object that is
    not taken. Raises :class:`FetchError`.
    """
    pace = Pace()
    kinds = contexts.valid(classes)
    storage, roles = contexts.for_storage(kinds)
    model = build_context(StudyRootQueryRetrieveInformationModelGet, contexts.PLAIN)

    store = partial(_store, pace, deliver, refused)

    def connected(event: evt.Event) -> None:
        arriving = intake.attach(event.assoc, folder, IN_MEMORY)
        Suboperations(event.assoc, arriving, store, partial(_goes_on, pace, source))
        opened(partial(abort, event.assoc))

    def stored(event: evt.Event) -> int:
        return store(cast(C_STORE, event.request), str(event.context.transfer_syntax))

    handlers = [(evt.EVT_C_STORE, stored), (evt.EVT_CONN_OPEN, connected)]
    with associate(source, local, [model, *storage], roles=roles, handlers=handlers) as association:
        accepted = [str(cx.abstract_syntax) for cx in association.accepted_contexts]
        if model.abstract_syntax not in accepted:
            raise trouble(Reason.NOT_SUPPORTED, "C-GET not accepted")
        if len(accepted) == 1:
            # of one study's kinds this says nothing of other studies
            reason = Reason.NOT_OFFERED if kinds else Reason.NOT_SUPPORTED
            raise trouble(reason, "no storage context accepted for C-GET")
        learned(_described(association))
        yield lambda share: _get(association, source, share, pace)


def _store(pace: Pace, deliver: Deliver, refused: Refused, request: C_STORE, syntax: str) -> int:
    pace.arrived()
    try:
        received = intake.object_of(request, syntax)
    except OSError as failed:
        return _refuse(request, failed, refused)
    deliver(received)
    pace.arrived()
    return SUCCESS


def _goes_on(pace: Pace, source: Source, response: C_GET) -> bool:
    """Take what it counts; False if nothing else came for too long."""
    pace.counted(response)
    return pace.silent < source.timeouts.message


def _refuse(request: C_STORE, failed: OSError, refused: Refused) -> int:
    """What the archive is told of an object that the intake did not take; nobody is, of a line that ended."""
    instance_uid = str(request.AffectedSOPInstanceUID)
    if failed.errno == errno.EPROTO:
        refused(Reason.SYNTAX_NOT_TAKEN, instance_uid)
        return _NOT_UNDERSTOOD
    if failed.errno != errno.ECONNABORTED:
        refused(Reason.NOT_KEPT, instance_uid)
    return _FULL


def _described(association: Association) -> list[str]:
    pairs = ((cx.abstract_syntax, cx.transfer_syntax[0]) for cx in association.accepted_contexts)
    return [f"{sop_class}/{syntax}" for sop_class, syntax in pairs]


def _get(association: Association, source: Source, share: Share, pace: Pace) -> Reported:
    refuse_unsafe_uid(share.study_uid)
    pace.arrived()
    responses = association.send_c_get(identifiers.of_share(share), StudyRootQueryRetrieveInformationModelGet)
    for status, failed in responses:
        if "Status" not in status:
            raise lost(source, pace.silent)
        if status.Status in (SUCCESS, WARNING) or nothing_but_failures(status, failed):
            return _reported(status, failed)
        if status.Status not in PENDING:
            raise failure(status.Status)
        pace.counted(status)
        if pace.silent >= source.timeouts.message:
            raise trouble(Reason.NO_ANSWER, f"nothing sent for {pace.silent:.0f} s")
    raise lost(source, pace.silent)


def _reported(status: Dataset, failed: Dataset | None) -> Reported:
    return Reported(
        status.get("NumberOfCompletedSuboperations"),
        status.get("NumberOfFailedSuboperations"),
        status.Status,
        reading.texts(failed, "FailedSOPInstanceUIDList") if failed is not None else (),
    )
