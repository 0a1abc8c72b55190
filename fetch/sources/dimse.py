"""C-ECHO, C-FIND and C-GET: what a source that speaks DIMSE is asked."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import cast

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import A_P_ABORT
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    Verification,
)

from fetch.errors import FetchError, refuse_unsafe_uid, trouble
from fetch.model import Instance, Local, Plan, Received, Series, Source
from fetch.reasons import Reason
from fetch.sources import contexts, identifiers, reading
from fetch.sources.association import associate, failure, lost

SUCCESS = 0x0000
PENDING = (0xFF00, 0xFF01)
WARNING = 0xB000  # C-GET: done, but one or more sub-operations failed (PS3.4 C.4.3.1.4)


@dataclass(frozen=True)
class Matches:
    """What a C-FIND brought. ``shortened`` says why there may be more, or is None."""

    identifiers: tuple[Dataset, ...]
    shortened: Reason | None = None
    detail: str = ""


@dataclass(frozen=True)
class Reported:
    """What the archive itself says of a C-GET; it may be untrue, so what arrived is counted besides."""

    completed: int | None
    failed: int | None
    status: int


def echo(source: Source, local: Local) -> None:
    """C-ECHO (PS3.4 A.4), or a :class:`FetchError`."""
    with associate(source, local, [build_context(Verification, contexts.PLAIN)]) as association:
        began = time.monotonic()
        answer = association.send_c_echo()
        if "Status" not in answer:
            raise lost(source, time.monotonic() - began, answered=False)
        if answer.Status != SUCCESS:
            raise failure(answer.Status)


def find(source: Source, local: Local, *questions: Dataset) -> list[Matches]:
    """One C-FIND for each identifier, in one association unless that ends (Study Root, PS3.4 C.4.1).

    Raises if the first fails; where a later one fails, what came before it is kept.
    """
    found: list[Matches] = []
    try:
        while len(found) < len(questions):
            with associate(source, local, [_find_model()]) as association:
                for question in questions[len(found) :]:
                    found.append(_matches(association, source, question))
                    if not association.is_established:  # cut off, because there were too many answers
                        break
    except FetchError as error:
        if not found:
            raise
        found += [Matches((), error.reason, error.detail)] * (len(questions) - len(found))
    return found


def _find_model() -> PresentationContext:
    return build_context(StudyRootQueryRetrieveInformationModelFind, contexts.PLAIN)


def _matches(association: Association, source: Source, identifier: Dataset) -> Matches:
    found: list[Dataset] = []
    unreadable = False
    for status, answer in _answers(association, source, identifier):
        if answer is not None:
            found.append(reading.with_charset(answer, source.charset))
            if len(found) > source.answer_limit and identifier.QueryRetrieveLevel == "STUDY":
                association.abort()  # archives ignore C-CANCEL
                return Matches(tuple(found[:-1]), Reason.TOO_MANY, f"more than {source.answer_limit}")
        elif status in PENDING:
            unreadable = True
        elif status != SUCCESS:
            return _cut_short(found, status)
    if unreadable:
        return Matches(tuple(found), Reason.UNREADABLE, "not every answer could be decoded")
    return Matches(tuple(found))


def _answers(
    association: Association, source: Source, identifier: Dataset
) -> Iterator[tuple[int, Dataset | None]]:
    """Status and identifier of each response; the iterator is always consumed or the association aborted."""
    began, answered = time.monotonic(), False
    responses = association.send_c_find(identifier, StudyRootQueryRetrieveInformationModelFind)
    for status, answer in responses:
        if "Status" not in status:
            raise lost(source, time.monotonic() - began, answered=answered)
        yield status.Status, answer
        began, answered = time.monotonic(), True


def _cut_short(found: list[Dataset], status: int) -> Matches:
    error = failure(status)
    if found and error.reason is Reason.OUT_OF_RESOURCES:
        return Matches(tuple(found), Reason.TOO_MANY, error.detail)
    raise error


def plan(source: Source, local: Local, study_uid: str) -> Plan:
    """What the archive lists in this study, series by series; unknown where it does not say."""
    refuse_unsafe_uid(study_uid)
    with associate(source, local, [_find_model()]) as association:
        listed = _matches(association, source, identifiers.of_series(study_uid))
        series = tuple(_series(association, source, study_uid, ds) for ds in listed.identifiers)
    known = listed.shortened is None and all(s.expected is not None for s in series)
    ordered = sorted(series, key=lambda s: (s.number is None, s.number or 0))
    return Plan(tuple(ordered), sum(s.expected or 0 for s in series) if known and series else None)


def _series(association: Association, source: Source, study_uid: str, ds: Dataset) -> Series:
    uid = reading.text(ds, "SeriesInstanceUID")
    instances, all_of_them = _instances(association, source, study_uid, uid)
    counted = reading.number(ds, "NumberOfSeriesRelatedInstances")
    return Series(
        series_uid=uid,
        number=reading.number(ds, "SeriesNumber"),
        modality=reading.text(ds, "Modality"),
        description=reading.text(ds, "SeriesDescription"),
        instances=instances,
        expected=_expected(len(instances), counted, all_of_them=all_of_them),
    )


def _expected(listed: int, counted: int | None, *, all_of_them: bool) -> int | None:
    """The larger of list and count: a list that was cut short must not make the study look complete."""
    if counted is None:
        return listed if listed and all_of_them else None
    return max(listed, counted)


def _instances(
    association: Association, source: Source, study_uid: str, uid: str
) -> tuple[tuple[Instance, ...], bool]:
    """The images of a series, and whether these are all; none if the archive refuses, which is its right."""
    if not association.is_established:
        return (), False
    try:
        matches = _matches(association, source, identifiers.of_images(study_uid, uid))
    except FetchError as refused:
        if refused.reason is Reason.REQUEST_FAILED:
            return (), False
        raise
    found = (
        Instance(
            series_uid=uid,
            instance_uid=reading.text(ds, "SOPInstanceUID"),
            sop_class=reading.text(ds, "SOPClassUID"),
            number=reading.number(ds, "InstanceNumber"),
        )
        for ds in matches.identifiers
    )
    once = {i.instance_uid: i for i in found if i.instance_uid}
    ordered = sorted(once.values(), key=lambda i: (i.number is None, i.number or 0, i.instance_uid))
    return tuple(ordered), matches.shortened is None


def get(
    source: Source,
    local: Local,
    study_uid: str,
    classes: Iterable[str],
    deliver: Callable[[Received], None],
    opened: Callable[[Callable[[], None]], None] = lambda _abort: None,
) -> Reported:
    """C-GET of a whole study (PS3.4 C.4.3). ``deliver`` is called for each instance, still encoded.

    ``classes`` are the SOP classes the study is known to hold; empty means that they are not known.
    ``opened`` is given a function with which another thread may abort the association, also before it is
    established.
    """
    refuse_unsafe_uid(study_uid)

    def store(event: evt.Event) -> int:
        deliver(_received(event))
        return SUCCESS

    storage, roles = contexts.for_storage(classes)
    model = build_context(StudyRootQueryRetrieveInformationModelGet, contexts.PLAIN)
    handlers = [
        (evt.EVT_C_STORE, store),
        (evt.EVT_CONN_OPEN, lambda event: opened(partial(_abort, event.assoc))),
    ]
    with associate(source, local, [model, *storage], roles=roles, handlers=handlers) as association:
        if not any(c.abstract_syntax == model.abstract_syntax for c in association.accepted_contexts):
            raise trouble(Reason.NOT_SUPPORTED, "C-GET not accepted")
        return _get(association, source, study_uid)


def _get(association: Association, source: Source, study_uid: str) -> Reported:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = study_uid
    began = time.monotonic()
    responses = association.send_c_get(identifier, StudyRootQueryRetrieveInformationModelGet)
    for status, _ in responses:
        if "Status" not in status:
            raise lost(source, time.monotonic() - began)
        if status.Status in (SUCCESS, WARNING):
            completed = status.get("NumberOfCompletedSuboperations")
            return Reported(completed, status.get("NumberOfFailedSuboperations"), status.Status)
        if status.Status not in PENDING:
            raise failure(status.Status)
        began = time.monotonic()
    raise lost(source, time.monotonic() - began)


def _abort(association: Association) -> None:
    """End an association that another thread waits on (archives ignore C-CANCEL); that thread wakes."""
    association.abort()
    # pynetdicom wakes its waiters only for the peer's abort
    association.dul.to_user_queue.put(A_P_ABORT())
    association.dimse.msg_queue.put((None, None))


def _received(event: evt.Event) -> Received:
    request = cast(C_STORE, event.request)
    return Received(
        sop_class=str(request.AffectedSOPClassUID),
        instance_uid=str(request.AffectedSOPInstanceUID),
        transfer_syntax=str(event.context.transfer_syntax),
        data=cast(
            BytesIO, request.DataSet
        ).getvalue(),  # not event.dataset: parsing here would hold up the archive
    )
