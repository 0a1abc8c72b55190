"""One question to many archives at the same time, one answer from each of them."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import date
from functools import partial

from pydicom.dataset import Dataset

from fetch.allowance import Allowance, LocalAllowance
from fetch.asking import everything, of_orders, under_names
from fetch.errors import FetchError, UnsafeQuery, refuse_unsafe_uid, trouble
from fetch.model import Answer, AnswerKind, Approach, Local, PatientQuery, Source, Study, is_one_uid
from fetch.reasons import Reason
from fetch.sources import identifiers, protocol, reading
from fetch.sources.matches import Matches

log = logging.getLogger(__name__)

_WILD = frozenset("*?\\")
_LONGEST_ID = 64  # LO, PS3.5 6.2
_PARTY = "question"


_HERE: Allowance = LocalAllowance()
"""Who asks without an allowance shares one with all others of this process."""


def find(
    query: PatientQuery,
    sources: Iterable[Source],
    local: Local,
    *,
    ask_all: bool = False,
    allowance: Allowance = _HERE,
) -> list[Answer]:
    """Ask every source for this patient's studies in the range; one answer each, in the order of the sources.

    A source of another issuer is ``NOT_ASKED``, because our id means somebody else there, or nobody.
    ``ask_all`` asks it by the bare id all the same: for an integrator who tries an archive, never for a page.
    ``allowance`` counts the associations; a source all of whose lines stay taken is an ``OUTAGE``.

    Raises :class:`UnsafeQuery` before anything is sent if the id would match more than one patient.
    """
    sources = list(sources)
    asked = find_each(query, sources, local, ask_all=ask_all, allowance=allowance)
    answers = {answer.source.name: answer for answer in asked}
    return [answers[source.name] for source in sources]


def find_each(
    query: PatientQuery,
    sources: Iterable[Source],
    local: Local,
    *,
    ask_all: bool = False,
    approaches: Mapping[str, Approach] | None = None,
    allowance: Allowance = _HERE,
) -> Iterator[Answer]:
    """As :func:`find`, but each answer is handed out as soon as it is there.

    ``approaches``: how to ask sources (by their names), for whoever judges what is found by name; the others
    as above.
    """
    refuse_unsafe(query)
    sources = list(sources)
    chosen = {source.name: _approach(query, source, ask_all=ask_all) for source in sources}
    chosen |= approaches or {}
    with ThreadPoolExecutor(max_workers=max(1, len(sources)), thread_name_prefix="find") as pool:
        how = partial(ask, query, local=local, allowance=allowance)
        asked = {pool.submit(how, source, chosen[source.name]): source for source in sources}
        for done in as_completed(asked):
            error = done.exception()
            yield _stopped(asked[done], error) if error else done.result()


def _stopped(source: Source, error: BaseException) -> Answer:
    """A fault of our own with one source leaves the others alone. Its words may quote the answer."""
    kind = type(error).__name__
    log.error("source=%s asking stopped by %s", source.name, kind)
    return Answer(source, AnswerKind.OUTAGE, reason=Reason.UNEXPECTED, detail=kind)


def is_unsafe(text: str) -> bool:
    """Would it match more than itself, or nothing at all? It may not stand in a question then."""
    return not text.strip() or bool(_WILD & set(text)) or not text.isprintable() or len(text) > _LONGEST_ID


def refuse_unsafe(query: PatientQuery) -> None:
    """An empty id, or one with a wildcard, asks for everybody (PS3.4 C.2.2.2.3, C.2.2.2.4)."""
    written = query.patient.identity.patient_id
    if not written.strip():
        raise UnsafeQuery("the patient id is empty")
    if _WILD & set(written) or not written.isprintable():
        raise UnsafeQuery("the patient id holds a wildcard, a backslash or a control character")
    if is_unsafe(written):
        raise UnsafeQuery(f"the patient id is longer than {_LONGEST_ID} characters")
    if not query.patient.identity.issuer.strip():
        raise UnsafeQuery("the patient id has no issuer")
    if query.start and query.end and query.start > query.end:
        raise UnsafeQuery("the date range ends before it starts")


def _approach(query: PatientQuery, source: Source, *, ask_all: bool) -> Approach:
    """An id says nothing to a source of another issuer."""
    identity = query.patient.identity
    return Approach((identity.patient_id,) if ask_all or identity.issuer == source.issuer else ())


def ask(
    query: PatientQuery, source: Source, approach: Approach, local: Local, *, allowance: Allowance = _HERE
) -> Answer:
    """Ask one source. Every failure to ask is an ``OUTAGE`` with its reason, never an empty answer."""
    if not (approach.ids or approach.names or approach.orders):
        return Answer(source, AnswerKind.NOT_ASKED, reason=Reason.OTHER_ISSUER)
    try:
        with allowance.line(source, party=_PARTY, urgent=True):
            if approach.ids:
                matches = everything(query, approach.ids, source, local, date.today())
            elif approach.names:
                matches = under_names(query, approach.names, source, local)
            else:
                matches = Matches(())
            ordered = _ordered(approach, source, local)
    except FetchError as error:
        return Answer(source, AnswerKind.OUTAGE, reason=error.reason, detail=error.detail, approach=approach)
    answer = _answer(query, source, approach, matches, ordered)
    if answer.kind is AnswerKind.ABSENT and (foreign := _means_little(query, source, approach)):
        return replace(answer, kind=AnswerKind.NOT_ASKED, reason=foreign)
    return answer


def _ordered(approach: Approach, source: Source, local: Local) -> Sequence[Study]:
    """What has the accession number of an order; an archive that takes no such key answers with others too.

    Where it was asked by id or name as well, that this was not answered takes nothing from that answer.
    """
    if not approach.orders:
        return ()
    try:
        found = of_orders(approach.orders, source, local)
    except FetchError as error:
        if not (approach.ids or approach.names):
            raise
        log.info("source=%s was not asked for the order: %s", source.name, error)
        return ()
    studies = [read_study(ds, source) for ds in found.identifiers]
    return [s for s in studies if is_one_uid(s.study_uid) and s.accession.strip() in approach.orders]


def _means_little(query: PatientQuery, source: Source, approach: Approach) -> Reason | None:
    """Why nothing found does not mean that there is none, if it was asked by no id of its own."""
    if not approach.ids:
        return Reason.NAME_ONLY if approach.names else Reason.OTHER_ISSUER
    identity = query.patient.identity
    by_ours = approach.ids == (identity.patient_id,) and identity.issuer != source.issuer
    return Reason.OTHER_ISSUER if by_ours else None


def _answer(
    query: PatientQuery, source: Source, approach: Approach, matches: Matches, ordered: Sequence[Study]
) -> Answer:
    studies = [read_study(ds, source) for ds in matches.identifiers]
    usable = [s for s in studies if is_one_uid(s.study_uid)]
    named, dropped = _named(usable, approach)
    once = {study.study_uid: study for study in (*ordered, *named)}.values()
    inside = [s for s in once if query.covers(s.study_date) and query.wants(s.modalities)]
    dropped = {Reason.UNREADABLE: len(studies) - len(usable)} | dropped
    strangers = dropped.get(Reason.IGNORED_KEY, 0)
    reason = matches.shortened or next((why for why, count in dropped.items() if count), None)
    kind = AnswerKind.FOUND if inside else AnswerKind.ABSENT
    by_name = Reason.NAME_ONLY if inside and not approach.ids else None
    return Answer(
        source=source,
        kind=AnswerKind.TRUNCATED if reason else kind,
        studies=tuple(sorted(inside, key=_newest_first, reverse=True)),
        outside=len(once) - len(inside),
        outside_uids=frozenset(s.study_uid for s in once) - {s.study_uid for s in inside},
        strangers=strangers,
        reason=reason or by_name,
        detail=matches.detail or (f"{strangers} answers about other ids" if strangers else ""),
        broken_off=matches.broken_off,
        approach=approach,
    )


def _named(studies: Sequence[Study], approach: Approach) -> tuple[Sequence[Study], dict[Reason, int]]:
    """Those under the ids asked for, and how many of the others there are; by name, all of them."""
    if not approach.ids:
        return studies, {}
    named = [s for s in studies if any(alike(s.patient.identity.patient_id, one) for one in approach.ids)]
    without_id = sum(not s.patient.identity.patient_id for s in studies)
    strangers = len(studies) - len(named) - without_id
    return named, {Reason.NO_ID: without_id, Reason.IGNORED_KEY: strangers}


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


def find_study(source: Source, local: Local, study_uid: str, *, allowance: Allowance = _HERE) -> Study | None:
    """The one study of this UID at this source, or None if the source answered that it has none.

    Raises a :class:`FetchError` also if part of the answer is missing or unreadable: it may be that part.
    """
    refuse_unsafe_uid(study_uid)
    with allowance.line(source, party=_PARTY, urgent=True):
        (matches,) = protocol.find(source, local, identifiers.of_study(StudyInstanceUID=study_uid))
    studies = [read_study(ds, source) for ds in matches.identifiers]
    found = next((study for study in studies if study.study_uid == study_uid), None)
    if found is None and matches.shortened:
        raise trouble(matches.shortened, matches.detail)
    if found is None and not all(is_one_uid(study.study_uid) for study in studies):
        raise trouble(Reason.UNREADABLE, "an answer without a study UID")
    return found
