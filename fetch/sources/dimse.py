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

FIND_S = 75.0
"""The longest that one :func:`find` may take with all its questions, however busily they are answered: well
below the two minutes after which a page gives up its worker."""
PLAN_S = 300.0
"""The longest that listing a study may take, one C-FIND for each series; less than all is a plan too."""
LISTED = 20_000
"""The most series of a study, and the most images of a series, that we let an archive list."""


@dataclass(frozen=True)
class Matches:
    """What a C-FIND brought. ``shortened`` says why there may be more, or is None."""

    identifiers: tuple[Dataset, ...]
    shortened: Reason | None = None
    detail: str = ""
    broken_off: bool = False
    """By a status of failure, or for want of time."""


@dataclass(frozen=True)
class Reported:
    """What the archive itself says of a C-GET; it may be untrue, so what arrived is counted besides."""

    completed: int | None
    failed: int | None
    status: int


class Pace:
    """Since when a retrieval stands still: no instance came, and no counter of the archive went on.

    An archive that has nothing to send may report "pending" for ever (PS3.4 C.4.3.1.4). Counters only count
    the way they should go: one that goes to and fro is no progress.
    """

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._done = -1
        self._remaining = 2**16  # one more than the greatest US

    @property
    def silent(self) -> float:
        """For how many seconds."""
        return time.monotonic() - self._since

    def arrived(self) -> None:
        self._since = time.monotonic()

    def counted(self, status: Dataset) -> None:
        """The sub-operations as a response counts them (PS3.7 9.1.3.1)."""
        done = sum(status.get(f"NumberOf{how}Suboperations") or 0 for how in _DONE)
        remaining = status.get("NumberOfRemainingSuboperations") or 0
        if done > self._done or remaining < self._remaining:
            self.arrived()
        self._done, self._remaining = max(done, self._done), min(remaining, self._remaining)


_DONE = ("Completed", "Failed", "Warning")


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
    end = time.monotonic() + FIND_S
    try:
        while len(found) < len(questions):
            if time.monotonic() >= end:
                raise _out_of_time()
            with associate(source, local, [_find_model()]) as association:
                for question in questions[len(found) :]:
                    found.append(_matches(association, source, question, end))
                    if not association.is_established:  # cut off, because there were too many answers
                        break
    except FetchError as error:
        if not found:
            raise
        left = len(questions) - len(found)
        found += [Matches((), error.reason, error.detail, broken_off=True)] * left
    return found


def _find_model() -> PresentationContext:
    return build_context(StudyRootQueryRetrieveInformationModelFind, contexts.PLAIN)


def _matches(association: Association, source: Source, identifier: Dataset, end: float) -> Matches:
    """The answers until ``end`` (monotonic). What is cut off is aborted: archives ignore C-CANCEL."""
    found: list[Dataset] = []
    limit = source.answer_limit if identifier.QueryRetrieveLevel == "STUDY" else LISTED
    for count, (status, answer) in enumerate(_answers(association, source, identifier, end)):
        if status not in PENDING:
            return _ended(found, count, status)
        if count >= limit:
            association.abort()
            return Matches(tuple(found), Reason.TOO_MANY, f"more than {limit}")
        if answer is not None:
            found.append(reading.with_charset(answer, source.charset))
    if not found:
        raise _out_of_time()
    return Matches(tuple(found), Reason.NO_ANSWER, "not at an end in time", broken_off=True)


def _out_of_time() -> FetchError:
    return trouble(Reason.NO_ANSWER, "not at an end in time")


def _answers(
    association: Association, source: Source, identifier: Dataset, end: float
) -> Iterator[tuple[int, Dataset | None]]:
    """Status and identifier of each response, without a final one if time is up.

    The iterator is always consumed or the association aborted.
    """
    began, answered = time.monotonic(), False
    if began >= end:
        return
    _wait_at_most(association, min(source.timeouts.message, end - began))
    responses = association.send_c_find(identifier, StudyRootQueryRetrieveInformationModelFind)
    for status, answer in responses:
        now = time.monotonic()
        if now >= end:
            association.abort()
            return
        if "Status" not in status:
            raise lost(source, now - began, answered=answered)
        yield status.Status, answer
        began, answered = time.monotonic(), True
        _wait_at_most(association, min(source.timeouts.message, end - began))


def _wait_at_most(association: Association, seconds: float) -> None:
    """For the next message. The setter waits for a lock that pynetdicom holds over a malformed answer."""
    association._dimse_timeout = max(0.01, seconds)  # noqa: SLF001


def _ended(found: list[Dataset], count: int, status: int) -> Matches:
    if status == SUCCESS and len(found) < count:
        return Matches(tuple(found), Reason.UNREADABLE, "not every answer could be decoded")
    if status == SUCCESS:
        return Matches(tuple(found))
    error = failure(status)
    if found and error.reason is Reason.OUT_OF_RESOURCES:
        return Matches(tuple(found), Reason.TOO_MANY, error.detail, broken_off=True)
    raise error


def plan(source: Source, local: Local, study_uid: str) -> Plan:
    """What the archive lists in this study, series by series; unknown where it does not say."""
    refuse_unsafe_uid(study_uid)
    end = time.monotonic() + PLAN_S
    with associate(source, local, [_find_model()]) as association:
        listed = _listed(association, source, identifiers.of_series(study_uid), end)
        series = tuple(_series(association, source, study_uid, ds, end) for ds in listed.identifiers)
    known = listed.shortened is None and all(s.expected is not None for s in series)
    ordered = sorted(series, key=lambda s: (s.number is None, s.number or 0))
    return Plan(tuple(ordered), sum(s.expected or 0 for s in series) if known and series else None)


def _listed(association: Association, source: Source, identifier: Dataset, end: float) -> Matches:
    return _matches(association, source, identifier, min(end, time.monotonic() + FIND_S))


def _series(association: Association, source: Source, study_uid: str, ds: Dataset, end: float) -> Series:
    uid = reading.text(ds, "SeriesInstanceUID")
    instances, all_of_them = _instances(association, source, identifiers.of_images(study_uid, uid), end)
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
    if not all_of_them and listed >= (counted or 1):
        return None
    return max(listed, counted or 0) if listed or counted is not None else None


def _instances(
    association: Association, source: Source, identifier: Dataset, end: float
) -> tuple[tuple[Instance, ...], bool]:
    """The images of a series, and whether these are all; none if the archive refuses, which is its right."""
    if not association.is_established or time.monotonic() >= end:
        return (), False
    try:
        matches = _listed(association, source, identifier, end)
    except FetchError as refused:
        if refused.reason is Reason.REQUEST_FAILED:
            return (), False
        raise
    found = (
        Instance(
            series_uid=identifier.SeriesInstanceUID,
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
    pace = Pace()

    def store(event: evt.Event) -> int:
        deliver(_received(event))
        pace.arrived()
        return SUCCESS

    storage, roles = contexts.for_storage(classes)
    model = build_context(StudyRootQueryRetrieveInformationModelGet, contexts.PLAIN)
    handlers = [
        (evt.EVT_C_STORE, store),
        (evt.EVT_CONN_OPEN, lambda event: opened(partial(abort, event.assoc))),
    ]
    with associate(source, local, [model, *storage], roles=roles, handlers=handlers) as association:
        if not any(c.abstract_syntax == model.abstract_syntax for c in association.accepted_contexts):
            raise trouble(Reason.NOT_SUPPORTED, "C-GET not accepted")
        return _get(association, source, study_uid, pace)


def _get(association: Association, source: Source, study_uid: str, pace: Pace) -> Reported:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = study_uid
    pace.arrived()
    responses = association.send_c_get(identifier, StudyRootQueryRetrieveInformationModelGet)
    for status, _ in responses:
        if "Status" not in status:
            raise lost(source, pace.silent)
        if status.Status in (SUCCESS, WARNING):
            completed = status.get("NumberOfCompletedSuboperations")
            return Reported(completed, status.get("NumberOfFailedSuboperations"), status.Status)
        if status.Status not in PENDING:
            raise failure(status.Status)
        pace.counted(status)
        if pace.silent >= source.timeouts.message:
            raise trouble(Reason.NO_ANSWER, f"nothing sent for {pace.silent:.0f} s")
    raise lost(source, pace.silent)


def abort(association: Association) -> None:
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
