"""C-ECHO and C-FIND: what a source that speaks DIMSE is asked, and what it lists of a study."""

import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import partial
from typing import cast

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

from fetch.carrying import Opened
from fetch.errors import FetchError, refuse_unsafe_uid
from fetch.model import (
    Instance,
    Listed,
    Local,
    Plan,
    Series,
    Source,
    is_one_uid,
)
from fetch.reasons import Reason
from fetch.sources import contexts, identifiers, reading
from fetch.sources.answers import Answers, out_of_time
from fetch.sources.association import SUCCESS, abort, associate, failure, lost
from fetch.sources.matches import Matches, expected
from fetch.sources.replies import Replies

FIND_S = 75.0
"""The longest that one :func:`find` may take with all its questions, however busily they are answered: well
below the two minutes after which a page gives up its worker."""
PLAN_S = 300.0
"""The longest that listing a study may take, one C-FIND for each series; less than all is a plan too."""
LISTED = 20_000
"""The most series of a study, and the most images of a series, that we let an archive list."""
LISTED_IN_ALL = 50_000
"""The most images of a study; series beyond that are brought as a whole."""


def echo(source: Source, local: Local) -> None:
    """C-ECHO (PS3.4 A.4), or a :class:`FetchError`."""
    with associate(source, local, [build_context(Verification, contexts.PLAIN)]) as association:
        began = time.monotonic()
        answer = association.send_c_echo()
        if "Status" not in answer:
            raise lost(source, time.monotonic() - began, answered=False)
        if answer.Status != SUCCESS:
            raise failure(answer.Status)


def find(source: Source, local: Local, *questions: Dataset, within: float | None = None) -> list[Matches]:
    """One C-FIND for each identifier, in one association unless that ends (Study Root, PS3.4 C.4.1).

    All of them within so many seconds, at most :data:`FIND_S`. Raises if the first fails; where a later one
    fails, what came before it is kept.
    """
    found: list[Matches] = []
    end = time.monotonic() + min(FIND_S, FIND_S if within is None else within)
    try:
        while len(found) < len(questions):
            if time.monotonic() >= end:
                raise out_of_time()
            with associate(source, local, [_find_model()], handlers=[_REPLIES]) as association:
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


_REPLIES = (evt.EVT_CONN_OPEN, lambda event: Replies(event.assoc))


def _find_model() -> PresentationContext:
    return build_context(StudyRootQueryRetrieveInformationModelFind, contexts.PLAIN)


def _matches(association: Association, source: Source, identifier: Dataset, end: float) -> Matches:
    answers = Answers(association, source, identifier, end, source.answer_limit)
    found = tuple(answers)
    return Matches(found, answers.shortened, answers.detail, answers.broken_off)


def plan(source: Source, local: Local, study_uid: str) -> Plan:
    """What the archive lists in this study, series by series; unknown where it does not say."""
    *_, last = listing(source, local, study_uid)
    return cast(Plan, last)


def listing(
    source: Source,
    local: Local,
    study_uid: str,
    opened: Opened = lambda _abort: None,
) -> Iterator[Listed]:
    """What the archive lists in this study: each instance as soon as it is named, each series once its list
    is complete, and at last the plan of all of it.

    Key object selections come first, because they name the images that matter; then the series by number.
    An archive that refuses the level of images gives series without instances. Where it cuts a list short,
    or we do, what is expected is unknown. ``opened`` is given a function with which another thread may abort
    the association, also before it is established. Raises a :class:`FetchError`.
    """
    refuse_unsafe_uid(study_uid)
    end = time.monotonic() + PLAN_S
    handlers = [_REPLIES, (evt.EVT_CONN_OPEN, lambda event: opened(partial(abort, event.assoc)))]
    with associate(source, local, [_find_model()], handlers=handlers) as association:
        asked = _List(association, source, study_uid, end)
        found, all_of_them = asked.series()
        listed: list[Series] = []
        for series in found:
            complete = yield from asked.instances(series)
            listed.append(complete)
            yield complete
    known = all_of_them and bool(listed) and all(series.expected is not None for series in listed)
    total = sum(series.expected or 0 for series in listed) if known else None
    yield Plan(tuple(sorted(listed, key=_by_number)), total, lacks_series=not all_of_them)


class _List:
    """The lists of one study, over one association that may end on the way."""

    def __init__(self, association: Association, source: Source, study_uid: str, end: float) -> None:
        self._association = association
        self._source = source
        self._study_uid = study_uid
        self._end = end
        self._room = LISTED_IN_ALL

    def _ask(self, identifier: Dataset) -> Answers:
        end = min(self._end, time.monotonic() + FIND_S)
        return Answers(self._association, self._source, identifier, end, min(LISTED, self._room))

    def series(self) -> tuple[list[Series], bool]:
        """In the order in which they are asked for, ``expected`` as the archive counts; and are these all?"""
        found, whole = self._series()
        once: dict[str, Series] = {}
        for series in found:
            once.setdefault(series.series_uid, series)
        usable = [series for series in once.values() if is_one_uid(series.series_uid)]
        ordered = sorted(usable, key=lambda series: (series.modality != "KO", *_by_number(series)))
        return ordered, whole and all(is_one_uid(series.series_uid) for series in found)

    def _series(self) -> tuple[list[Series], bool]:
        """As answered; an archive that refuses a question for an optional key is asked without it."""
        try:
            answers = self._ask(identifiers.of_series(self._study_uid))
            found = [_series(ds) for ds in answers]
        except FetchError as refused:
            if refused.reason is not Reason.REQUEST_FAILED:
                raise
            answers = self._ask(identifiers.of_series(self._study_uid, availability=False))
            found = [_series(ds) for ds in answers]
        return found, answers.shortened is None

    def instances(self, series: Series) -> Generator[Instance, None, Series]:
        """Each as it is named; at the end the series with all of them."""
        once: dict[str, Instance] = {}
        all_of_them = False
        if self._association.is_established and time.monotonic() < self._end and self._room:
            all_of_them = yield from self._named(series.series_uid, once)
            lacks = 0 < len(once) < (series.expected or 0)
            if all_of_them and lacks and time.monotonic() < self._end:  # it may be busy: asked once more
                all_of_them = yield from self._named(series.series_uid, once)
        self._room = max(0, self._room - len(once))
        ordered = tuple(
            sorted(once.values(), key=lambda i: (i.number is None, i.number or 0, i.instance_uid))
        )
        count = expected(len(ordered), series.expected, whole=all_of_them)
        return replace(series, instances=ordered, expected=count)

    def _named(self, series_uid: str, once: dict[str, Instance]) -> Generator[Instance, None, bool]:
        """Each into ``once``; and are these all? None if the archive refuses, which is its right."""
        answers = self._ask(identifiers.of_images(self._study_uid, series_uid))
        usable = True
        try:
            for ds in answers:
                instance = _instance(series_uid, ds)
                if not is_one_uid(instance.instance_uid):
                    usable = False
                elif instance.instance_uid not in once:
                    once[instance.instance_uid] = instance
                    yield instance
        except FetchError as refused:
            if refused.reason is not Reason.REQUEST_FAILED:
                raise
            return False
        return usable and answers.shortened is None


def _series(ds: Dataset) -> Series:
    return Series(
        series_uid=reading.text(ds, "SeriesInstanceUID"),
        number=reading.number(ds, "SeriesNumber"),
        modality=reading.text(ds, "Modality"),
        description=reading.text(ds, "SeriesDescription"),
        expected=reading.number(ds, "NumberOfSeriesRelatedInstances"),
        availability=reading.text(ds, "InstanceAvailability").upper()[:16],
    )


def _instance(series_uid: str, ds: Dataset) -> Instance:
    return Instance(
        series_uid=series_uid,
        instance_uid=reading.text(ds, "SOPInstanceUID"),
        sop_class=reading.text(ds, "SOPClassUID"),
        number=reading.number(ds, "InstanceNumber"),
    )


def _by_number(series: Series) -> tuple[bool, int]:
    return series.number is None, series.number or 0
