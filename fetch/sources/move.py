"""C-MOVE: a source is asked to send a study to somebody else (PS3.4 C.4.2)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove  # type: ignore[attr-defined]

from fetch.errors import refuse_unsafe_uid, trouble
from fetch.model import Local, Source
from fetch.reasons import Reason
from fetch.sources import contexts
from fetch.sources.association import associate, failure, lost
from fetch.sources.dimse import PENDING, SUCCESS, WARNING, abort

_DESTINATION_UNKNOWN = 0xA801


@dataclass(frozen=True)
class Moved:
    """What the source says of its sub-operations so far; None where it does not count."""

    completed: int | None
    failed: int | None
    remaining: int | None
    status: int


def move(
    source: Source,
    local: Local,
    study_uid: str,
    destination: str,
    tell: Callable[[Moved], None],
    opened: Callable[[Callable[[], None]], None] = lambda _abort: None,
) -> Moved:
    """Have the whole study sent to the AE ``destination``; ``tell`` hears every count on the way.

    ``opened`` is given a function with which another thread may abort the association. Raises
    :class:`FetchError` when the source does not, cannot or may not send.
    """
    refuse_unsafe_uid(study_uid)
    model = build_context(StudyRootQueryRetrieveInformationModelMove, contexts.PLAIN)
    handlers = [(evt.EVT_CONN_OPEN, lambda event: opened(partial(abort, event.assoc)))]
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = study_uid
    with associate(source, local, [model], handlers=handlers) as association:
        if not association.accepted_contexts:
            raise trouble(Reason.NOT_SUPPORTED, "C-MOVE not accepted")
        began = time.monotonic()
        for status, _ in association.send_c_move(
            identifier, destination, StudyRootQueryRetrieveInformationModelMove
        ):
            if "Status" not in status:
                raise lost(source, time.monotonic() - began)
            moved = _moved(status)
            if moved.status in (SUCCESS, WARNING):
                return moved
            if moved.status == _DESTINATION_UNKNOWN:
                raise trouble(Reason.DESTINATION_UNKNOWN, f"status 0x{moved.status:04X}")
            if moved.status not in PENDING:
                raise failure(moved.status)
            tell(moved)
            began = time.monotonic()
        raise lost(source, time.monotonic() - began)


def _moved(status: Dataset) -> Moved:
    return Moved(
        completed=status.get("NumberOfCompletedSuboperations"),
        failed=status.get("NumberOfFailedSuboperations"),
        remaining=status.get("NumberOfRemainingSuboperations"),
        status=status.Status,
    )
