"""The errand of asking: put one question to every source and note each answer as it comes."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fetch.find import alike, find_each
from fetch.identity import Context, Grade, judge
from fetch.model import Answer, AnswerKind, Patient, PatientQuery, Source, Study
from fetch.reasons import Reason
from fetch.records import StudyRow, insert_new, touched
from preview.errands import wanting
from preview.errands.patience import GIVEN_UP
from preview.matching import crossing, unlisting, unmatched
from preview.matching.approaches import approaches
from preview.matching.bench import Bench, linked_or_held
from preview.matching.records import StrangersRow
from preview.matching.unmatched import clear_foreign as clear_foreign  # noqa: PLC0414 — what a fetch saw comes in here
from preview.matching.unmatched import note_foreign as note_foreign  # noqa: PLC0414
from preview.parts import Parts
from preview.queue.bell import MOST_ATTEMPTS, RING_AGAIN
from preview.records import AnswerRow, AskRow, ContextRow, FoundRow
from preview.studies import contents, showing

log = logging.getLogger(__name__)


def want(parts: Parts, context: ContextRow, start: date | None, end: date | None) -> AskRow:
    """Keep the question, then ring. A lost bell loses nothing: the page rings again."""
    ask = AskRow(context=context.key, start=start, end=end, wanted_at=parts.now, rung_at=parts.now)
    with parts.records.write() as session:
        session.add(ask)
    parts.bell.ring("asks", ask.id)
    return ask


def ring_if_forgotten(parts: Parts, ask: AskRow) -> None:
    """Ring again for a question that no worker has taken up, or that lost its worker."""
    now = parts.now
    rung = ask.rung_at or ask.wanted_at
    lost = ask.begun_at is not None and ask.begun_at < now - GIVEN_UP
    if ask.finished_at or (ask.begun_at and not lost) or rung > now - RING_AGAIN:
        return
    with parts.records.write() as session:
        session.execute(update(AskRow).where(AskRow.id == ask.id).values(rung_at=now))
    parts.bell.ring("asks", ask.id, int(now.timestamp()) if lost else 0, unheard=True)


def ask(parts: Parts, ask_id: str) -> None:
    """Ask every source; running it twice for one question does no harm."""
    query = _claim(parts, ask_id)
    if query is None:
        return
    for answer in _answers(parts, query, _unanswered(parts, ask_id)):
        _note(parts, ask_id, query.patient, answer)
        _log(ask_id, answer)
    _want_posters(parts, ask_id)  # while the question is open the page polls, so it sees them come
    with parts.records.write() as session:
        session.execute(update(AskRow).where(AskRow.id == ask_id).values(finished_at=parts.now))


def _unanswered(parts: Parts, ask_id: str) -> list[Source]:
    """All of them, but for what a lost worker had noted, or the same question learned before."""
    with parts.records.read() as session:
        known = {answer.source for answer in session.get_one(AskRow, ask_id).answers}
    return [source for source in parts.settings.sources if source.name not in known]


def _answers(parts: Parts, query: PatientQuery, sources: Sequence[Source]) -> Iterator[Answer]:
    """What each of these says, asked by whatever id the patient has there."""
    crossing.refresh(parts, query.patient.identity)
    with parts.records.read() as session:
        how = approaches(session, query.patient, sources)
    return find_each(query, sources, parts.settings.local, approaches=how, allowance=parts.lines)


def _want_posters(parts: Parts, ask_id: str) -> None:
    """Have first pictures brought of what the question found and its page shows."""
    sources = parts.settings.sources
    with parts.records.read() as session:
        ask = session.get_one(AskRow, ask_id)
        context = session.get_one(ContextRow, ask.context)
        found = select(StudyRow).join(FoundRow, FoundRow.study_row == StudyRow.id)
        rows = session.scalars(found.where(FoundRow.ask == ask_id)).all()
        shown = list(filter(showing.Sight(session, context, sources).shown, rows))
        groups = showing.by_uid(shown, sources, wanting.fetched(session, shown))
    wanting.want_posters(parts, [rows[0] for rows in groups])


def _log(ask_id: str, answer: Answer) -> None:
    reason = answer.reason.code if answer.reason else "-"
    log.info("ask=%s source=%s answer=%s reason=%s", ask_id, answer.source.name, answer.kind, reason)
    log.info(
        "ask=%s studies=%d strangers=%d %s", ask_id, len(answer.studies), answer.strangers, answer.detail
    )


def _claim(parts: Parts, ask_id: str) -> PatientQuery | None:
    now = parts.now
    free = (AskRow.begun_at.is_(None)) | (AskRow.begun_at < now - GIVEN_UP)
    with parts.records.write() as session:
        mine = update(AskRow).where(AskRow.id == ask_id, AskRow.finished_at.is_(None), free)
        if not touched(session.execute(mine.values(begun_at=now, attempt=AskRow.attempt + 1))):
            return None
        row = session.get_one(AskRow, ask_id, populate_existing=True)
        if row.attempt > MOST_ATTEMPTS:
            _give_up(session, row, parts.settings.sources, now)
            return None
        patient = session.get_one(ContextRow, row.context).patient
        return PatientQuery(patient, row.start, row.end)


def _give_up(session: Session, ask: AskRow, sources: Sequence[Source], now: datetime) -> None:
    """A question that ended its worker so often would end the next one too: say so instead."""
    answered = {answer.source for answer in ask.answers}
    for source in sources:
        if source.name not in answered:
            silent = Answer(source, AnswerKind.OUTAGE, reason=Reason.UNEXPECTED)
            session.merge(_answer_row(ask.id, silent, now))
    ask.finished_at = now
    log.error("ask=%s given up after %d attempts", ask.id, MOST_ATTEMPTS)


def _answer_row(ask_id: str, answer: Answer, now: datetime) -> AnswerRow:
    return AnswerRow(
        ask=ask_id,
        source=answer.source.name,
        kind=answer.kind,
        reason=answer.reason.code if answer.reason else None,
        outside=answer.outside,
        answered_at=now,
    )


def _note(parts: Parts, ask_id: str, asked: Patient, answer: Answer) -> None:
    now, sources = parts.now, parts.settings.sources
    with parts.records.write() as session:
        theirs = _likely(session, asked, answer)
        bench = Bench(session, asked, sources)
        rows = _note_studies(session, theirs, now)
        found = [row for row in rows if _judge_everywhere(session, ask_id, asked, row, bench, now)]
        strangers = answer.strangers + len(answer.studies) - len(found)
        session.merge(_answer_row(ask_id, _as_judged(answer, len(found)), now))
        if strangers:
            session.merge(StrangersRow(ask=ask_id, source=answer.source.name, count=strangers, at=now))
        ask = session.get_one(AskRow, ask_id)
    unlisting.compare(parts, ask, asked, answer)


def _likely(session: Session, asked: Patient, answer: Answer) -> Sequence[Study]:
    """Of what was found by name, or order, nothing is kept of people who are certainly somebody else."""
    ids = answer.approach.ids
    others = [
        study for study in answer.studies if not any(alike(study.patient.identity.patient_id, i) for i in ids)
    ]
    if not others:
        return answer.studies
    context = Context.of(answer.source)
    dropped = {study.study_uid for study in others if not _may_be(asked, study, context)}
    dropped -= linked_or_held(session, others)
    return [study for study in answer.studies if study.study_uid not in dropped]


def _may_be(asked: Patient, study: Study, context: Context) -> bool:
    return judge(asked, study.patient, context).grade is not Grade.CERTAINLY_NOT


def _as_judged(answer: Answer, found: int) -> Answer:
    """What a source answered by name about other people only is nothing under this name.

    How many more there are outside the dates is not known either then: nobody has judged those.
    """
    if answer.approach.ids:
        return answer
    nothing = answer.kind is AnswerKind.FOUND and not found
    kind = AnswerKind.NOT_ASKED if nothing else answer.kind
    return replace(answer, kind=kind, outside=0)


def note_study(session: Session, study: Study, now: datetime) -> StudyRow:
    """Keep what a source says of a study, under (source, study UID)."""
    (row,) = _note_studies(session, [study], now)
    return row


def _note_studies(session: Session, studies: Iterable[Study], now: datetime) -> list[StudyRow]:
    """Note several: always in one order, because two who held what the other needs would wait for ever.

    What is new is inserted first, and only then is anything held that somebody else can see.
    """
    ordered = sorted(studies, key=lambda study: (study.study_uid, study.source))
    new = {(study.source, study.study_uid) for study in ordered if _insert(session, study, now)}
    rows = {
        (row.source, row.study_uid): row
        for row in contents.reserve(session, StudyRow.study_uid.in_([study.study_uid for study in ordered]))
    }
    for study in ordered:
        key = (study.source, study.study_uid)
        _describe(session, rows[key], study, now, new=key in new)
    return [rows[study.source, study.study_uid] for study in ordered]


def _insert(session: Session, study: Study, now: datetime) -> bool:
    row = {"source": study.source, "study_uid": study.study_uid, "seen_at": now}
    return insert_new(session, StudyRow, row)


def _describe(session: Session, row: StudyRow, study: Study, now: datetime, *, new: bool) -> None:
    """Take over what the source says; under another description of the patient nothing drawn may stay.

    That also holds if the first one left everything out: what was drawn under it may be anybody's.
    """
    was = row.patient
    if row.unlisted_at is not None:
        unlisting.relist(session, row, now)
    row.describe(study, now)
    if not new and was != row.patient:
        contents.forget(session, row)


def _judge_everywhere(
    session: Session, ask_id: str, asked: Patient, row: StudyRow, bench: Bench, now: datetime
) -> bool:
    """Judge the study, and again what other sources said of the same study UID: they may disagree now.

    False if it is certainly somebody else's: the question has not found it then.
    """
    bench.look_at([row])
    if bench.finding(row).is_out_of_question:
        return False
    session.merge(FoundRow(ask=ask_id, study_row=row.id))
    session.flush()
    for one in bench.same_uid(row):
        if session.get(FoundRow, (ask_id, one.id)) is not None:
            unmatched.judge(session, one, asked, bench, now)
    return True
