"""One question to many archives at the same time, one answer from each of them."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import date

from pydicom.dataset import Dataset

from fetch.errors import FetchError, UnsafeQuery, refuse_unsafe_uid, trouble
from fetch.model import Answer, AnswerKind, Local, PatientQuery, Source, Study, is_one_uid
from fetch.reasons import Reason
from fetch.sources import dimse, identifiers, reading
from fetch.sources.dimse import Matches

log = logging.getLogger(__name__)

_WILD = frozenset("*?\\")
_LONGEST_ID = 64  # LO, PS3.5 6.2


def find(
    query: PatientQuery, sources: Iterable[Source], local: Local, *, ask_all: bool = False
) -> list[Answer]:
    """Ask every source for this patient's studies in the range; one answer each, in the order of the sources.

    A source of another issuer is ``NOT_ASKED``, because our id means somebody else there, or nobody.
    ``ask_all`` asks it by the bare id all the same: for an integrator who tries an archive, never for a page.

    Raises :class:`UnsafeQuery` before anything is sent if the id would match more than one patient.
    """
    sources = list(sources)
    answers = {a.source.name: a for a in find_each(query, sources, local, ask_all=ask_all)}
    return [answers[source.name] for source in sources]


def find_each(
    query: PatientQuery, sources: Iterable[Source], local: Local, *, ask_all: bool = False
) -> Iterator[Answer]:
    """As :func:`find`, but each answer is handed out as soon as it is there."""
    refuse_unsafe(query)
    sources = list(sources)
    with ThreadPoolExecutor(max_workers=max(1, len(sources)), thread_name_prefix="find") as pool:
        asked = {pool.submit(ask, query, source, local, ask_all=ask_all): source for source in sources}
        for done in as_completed(asked):
            error = done.exception()
            yield _stopped(asked[done], error) if error else done.result()


def _stopped(source: Source, error: BaseException) -> Answer:
    """A fault of our own with one source leaves the others alone. Its words may quote the answer."""
    kind = type(error).__name__
    log.error("source=%s asking stopped by %s", source.name, kind)
    return Answer(source, AnswerKind.OUTAGE, reason=Reason.UNEXPECTED, detail=kind)


def refuse_unsafe(query: PatientQuery) -> None:
    """An empty id, or one with a wildcard, asks for everybody (PS3.4 C.2.2.2.3, C.2.2.2.4)."""
    written = query.patient.identity.patient_id
    if not written.strip():
        raise UnsafeQuery("the patient id is empty")
    if _WILD & set(written) or not written.isprintable():
        raise UnsafeQuery("the patient id holds a wildcard, a backslash or a control character")
    if len(written) > _LONGEST_ID:
        raise UnsafeQuery(f"the patient id is longer than {_LONGEST_ID} characters")
    if not query.patient.identity.issuer.strip():
        raise UnsafeQuery("the patient id has no issuer")
    if query.start and query.end and query.start > query.end:
        raise UnsafeQuery("the date range ends before it starts")


def ask(query: PatientQuery, source: Source, local: Local, *, ask_all: bool = False) -> Answer:
    """Ask one source. Every failure to ask is an ``OUTAGE`` with its reason, never an empty answer."""
    own = query.patient.identity.issuer == source.issuer
    if not own and not ask_all:
        return Answer(source, AnswerKind.NOT_ASKED, reason=Reason.OTHER_ISSUER)
    try:
        matches = _everything(query, source, local)
    except FetchError as error:
        return Answer(source, AnswerKind.OUTAGE, reason=error.reason, detail=error.detail)
    answer = _answer(query, source, matches)
    if not own and answer.kind is AnswerKind.ABSENT:
        return replace(answer, kind=AnswerKind.NOT_ASKED, reason=Reason.OTHER_ISSUER)
    return answer


def _everything(query: PatientQuery, source: Source, local: Local) -> Matches:
    """All the patient's studies, whatever their date, because a date range silently omits undated ones.

    The range is asked for besides, because an archive that caps its answers may silently omit the newest.
    """
    patient_id = query.patient.identity.patient_id
    spans = dict.fromkeys(("", date_range(query.start, query.end)))
    questions = [identifiers.of_study(PatientID=patient_id, StudyDate=span) for span in spans]
    return _together(dimse.find(source, local, *questions), source)


def _together(found: Sequence[Matches], source: Source) -> Matches:
    """The answers to every question, each once, and the first reason why there may be more."""
    once = {_whose(ds): ds for matches in found for ds in matches.identifiers}
    shortened = next((short for matches in found if (short := _short(matches, source))), None)
    detail = next((matches.detail for matches in found if matches.detail), "")
    omitted = len(once) - len({_whose(ds) for ds in found[0].identifiers})
    if omitted and not shortened:  # who omits dated studies from all dates may omit undated ones too
        return Matches(tuple(once.values()), Reason.TOO_MANY, f"{omitted} answers only to the date range")
    broken_off = any(matches.broken_off for matches in found)
    return Matches(tuple(once.values()), shortened, detail, broken_off=broken_off)


def _whose(ds: Dataset) -> tuple[str, str]:
    return reading.text(ds, "StudyInstanceUID"), reading.text(ds, "PatientID")


def date_range(start: date | None, end: date | None) -> str:
    """Range matching (PS3.4 C.2.2.2.5); "" for every date, because a bare hyphen is not valid."""
    return "" if start is None and end is None else f"{_written(start)}-{_written(end)}"


def _written(day: date | None) -> str:
    return f"{day:%Y%m%d}" if day else ""


def _answer(query: PatientQuery, source: Source, matches: Matches) -> Answer:
    studies = [read_study(ds, source) for ds in matches.identifiers]
    asked_id = query.patient.identity.patient_id
    usable = [s for s in studies if is_one_uid(s.study_uid)]
    named = [s for s in usable if alike(s.patient.identity.patient_id, asked_id)]
    without_id = sum(not s.patient.identity.patient_id for s in usable)
    strangers = len(usable) - len(named) - without_id
    once = {study.study_uid: study for study in named}.values()
    inside = [s for s in once if query.covers(s.study_date) and query.wants(s.modalities)]
    dropped = {
        Reason.UNREADABLE: len(studies) - len(usable),
        Reason.NO_ID: without_id,
        Reason.IGNORED_KEY: strangers,
    }
    reason = matches.shortened or next((why for why, count in dropped.items() if count), None)
    kind = AnswerKind.FOUND if inside else AnswerKind.ABSENT
    return Answer(
        source=source,
        kind=AnswerKind.TRUNCATED if reason else kind,
        studies=tuple(sorted(inside, key=_newest_first, reverse=True)),
        outside=len(once) - len(inside),
        strangers=strangers,
        reason=reason,
        detail=matches.detail or (f"{strangers} answers about other ids" if strangers else ""),
        broken_off=matches.broken_off,
    )


def _short(matches: Matches, source: Source) -> Reason | None:
    """C-FIND has no "there is more" (PS3.4 C.6.4.6.2): exactly the limit means that there may be."""
    full = len(matches.identifiers) >= source.answer_limit
    return matches.shortened or (Reason.TOO_MANY if full else None)


def alike(found: str, asked: str) -> bool:
    """Is this the asked id, but for case, padding and leading zeros? Anything else is somebody else's."""
    return _bare(found) == _bare(asked)


def _bare(patient_id: str) -> str:
    written = patient_id.strip().casefold()
    return written.lstrip("0") or written[-1:]  # "000" is an id, "" is none


def _newest_first(study: Study) -> tuple[date, str, str]:
    return (study.study_date or date.min, study.study_time, study.study_uid)


def read_study(ds: Dataset, source: Source) -> Study:
    """One answer as a :class:`Study`; every key optional, because archives leave out what they like."""
    written = reading.text(ds, "StudyDate")
    return Study(
        source=source.name,
        study_uid=reading.text(ds, "StudyInstanceUID"),
        patient=reading.patient(ds, issuer=source.issuer),
        issuer_assumed=not reading.text(ds, "IssuerOfPatientID"),
        study_date=reading.day(written),
        study_date_text=written,
        study_time=reading.text(ds, "StudyTime"),
        description=reading.text(ds, "StudyDescription"),
        accession=reading.text(ds, "AccessionNumber"),
        modalities=reading.texts(ds, "ModalitiesInStudy"),
        referrer=reading.text(ds, "ReferringPhysicianName"),
        series_count=reading.number(ds, "NumberOfStudyRelatedSeries"),
        instance_count=reading.number(ds, "NumberOfStudyRelatedInstances"),
    )


def find_study(source: Source, local: Local, study_uid: str) -> Study | None:
    """The one study of this UID at this source, or None if the source answered that it has none.

    Raises a :class:`FetchError` also if part of the answer is missing or unreadable: it may be that part.
    """
    refuse_unsafe_uid(study_uid)
    (matches,) = dimse.find(source, local, identifiers.of_study(StudyInstanceUID=study_uid))
    studies = [read_study(ds, source) for ds in matches.identifiers]
    found = next((study for study in studies if study.study_uid == study_uid), None)
    if found is None and matches.shortened:
        raise trouble(matches.shortened, matches.detail)
    if found is None and not all(is_one_uid(study.study_uid) for study in studies):
        raise trouble(Reason.UNREADABLE, "an answer without a study UID")
    return found
