"""The errand of asking: put one question to every source and note each answer as it comes."""

import logging
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fetch.find import find_each
from fetch.identity import Doubt, Judgement, disagree, judge
from fetch.model import Answer, AnswerKind, Patient, PatientQuery, Source, Study
from fetch.reasons import Reason
from fetch.records import StudyRow, UnmatchedRow, insert_new, insert_once, touched
from preview import contents
from preview.bell import MOST_ATTEMPTS, RING_AGAIN
from preview.parts import Parts
from preview.records import AnswerRow, AskRow, ContextRow, FoundRow

log = logging.getLogger(__name__)

GIVEN_UP = timedelta(seconds=120)
"""An ask that was begun so long ago and not finished has lost its worker."""


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
    parts.bell.ring("asks", ask.id, int(now.timestamp()) if lost else 0)


def ask(parts: Parts, ask_id: str) -> None:
    """Ask every source; running it twice for one question does no harm."""
    query = _claim(parts, ask_id)
    if query is None:
        return
    for answer in find_each(query, parts.settings.sources, parts.settings.local):
        _note(parts, ask_id, query.patient, answer)
        _log(ask_id, answer)
    with parts.records.write() as session:
        session.execute(update(AskRow).where(AskRow.id == ask_id).values(finished_at=parts.now))


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
    now = parts.now
    with parts.records.write() as session:
        session.merge(_answer_row(ask_id, answer, now))
        for row in _note_studies(session, answer.studies, now):
            _judge_everywhere(session, ask_id, asked, row, parts.settings.sources, now)


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
    row.describe(study, now)
    if not new and was != row.patient:
        contents.forget(session, row)


def _judge_everywhere(
    session: Session, ask_id: str, asked: Patient, row: StudyRow, sources: Sequence[Source], now: datetime
) -> None:
    """Judge the study, and again what other sources said of the same study UID: they may disagree now."""
    by_name = {source.name: source for source in sources}
    theirs = select(StudyRow).where(StudyRow.study_uid == row.study_uid).order_by(StudyRow.source)
    same_uid = list(session.scalars(theirs))
    quarrel = disagree([one.study for one in same_uid])
    session.merge(FoundRow(ask=ask_id, study_row=row.id))
    session.flush()
    for one in same_uid:
        if one.source not in by_name or session.get(FoundRow, (ask_id, one.id)) is None:
            continue
        judgement = judge(asked, one.patient, by_name[one.source])
        if quarrel:
            judgement = Judgement((*judgement.doubts, Doubt.SOURCES_DISAGREE))
        if judgement.certain:
            _clear_unmatched(session, one, asked)
        else:
            _note_unmatched(session, one, asked, judgement.doubts, now)


def _clear_unmatched(session: Session, row: StudyRow, asked: Patient) -> None:
    """What was doubtful is certain now, because it was corrected at the archive or in the record."""
    for unmatched in session.scalars(select(UnmatchedRow).filter_by(**_found_for(row, asked))):
        _keep_doubts(session, unmatched, _of_images(unmatched))


def clear_foreign(session: Session, row: StudyRow) -> None:
    """Every image of the study was fetched anew and none is a stranger's, whoever it was found for."""
    for unmatched in session.scalars(select(UnmatchedRow).where(UnmatchedRow.study_row == row.id)):
        _keep_doubts(session, unmatched, _of_asking(unmatched))


def _keep_doubts(session: Session, unmatched: UnmatchedRow, doubts: list[str]) -> None:
    unmatched.doubts = doubts
    if not doubts:
        session.delete(unmatched)


def _note_unmatched(
    session: Session, row: StudyRow, asked: Patient, doubts: Sequence[Doubt], now: datetime
) -> None:
    """Put the study on the list that staff resolve, once for each patient it was found for.

    What asking doubted before is replaced; what a fetch saw in the images, only a fetch takes back.
    """
    unmatched = _unmatched(session, row, asked, now)
    unmatched.doubts = [doubt.code for doubt in doubts] + _of_images(unmatched)


def note_foreign(session: Session, row: StudyRow, asked: Patient, now: datetime) -> None:
    """Images of somebody else were inside: that too is for staff, besides whatever asking doubts."""
    unmatched = _unmatched(session, row, asked, now)
    unmatched.doubts = [*_of_asking(unmatched), Doubt.FOREIGN_IMAGES.code]


def _unmatched(session: Session, row: StudyRow, asked: Patient, now: datetime) -> UnmatchedRow:
    key = _found_for(row, asked)
    insert_once(session, UnmatchedRow, key | {"doubts": [], "first_seen_at": now, "last_seen_at": now})
    unmatched = session.scalars(select(UnmatchedRow).filter_by(**key)).one()
    unmatched.patient = asked
    unmatched.last_seen_at = now
    return unmatched


def _found_for(row: StudyRow, asked: Patient) -> dict[str, object]:
    identity = asked.identity
    return {"study_row": row.id, "issuer": identity.issuer, "patient_id": identity.patient_id}


def _of_images(unmatched: UnmatchedRow) -> list[str]:
    return [code for code in unmatched.doubts if code == Doubt.FOREIGN_IMAGES.code]


def _of_asking(unmatched: UnmatchedRow) -> list[str]:
    return [code for code in unmatched.doubts if code != Doubt.FOREIGN_IMAGES.code]
