"""What a source listed before and lists no more: it leaves every page at once, and waits for staff."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fetch.find import alike
from fetch.model import Answer, AnswerKind, Approach, Patient, PatientQuery
from fetch.reasons import Reason
from fetch.records import StudyRow
from preview.matching import unmatched
from preview.parts import Parts
from preview.records import AskRow, ContextRow, FoundRow
from preview.studies import contents
from preview.studies.showing import CONCLUSIVE


def compare(parts: Parts, ask: AskRow, asked: Patient, answer: Answer) -> None:
    """Compare a whole answer with what the source listed for this patient; any other proves nothing."""
    if not _is_whole(answer):
        return
    query = PatientQuery(asked, ask.start, ask.end)
    listed = {study.study_uid for study in answer.studies} | answer.outside_uids
    with parts.records.read() as session:
        known = _known(session, asked, answer)
        gone = [row.id for row in known if row.study_uid not in listed and query.covers(row.study_date)]
        back = [row.id for row in known if row.study_uid in answer.outside_uids and row.unlisted_at]
    if gone or back:
        _write(parts, asked, gone, back, ask.begun_at or ask.wanted_at)


def _is_whole(answer: Answer) -> bool:
    """Did it name everything that the question would have found? By name, that is no list of anybody's; but
    what was under the name and the birth date before is there, or is not.
    """
    if answer.approach.ids:
        return answer.kind in CONCLUSIVE
    nothing = answer.kind is AnswerKind.NOT_ASKED and answer.reason is Reason.NAME_ONLY
    return bool(answer.approach.names) and (nothing or answer.kind is AnswerKind.FOUND)


def _write(
    parts: Parts, asked: Patient, gone: Sequence[int], back: Sequence[int], asked_at: datetime
) -> None:
    now = parts.now
    with parts.records.write() as session:
        for row in contents.reserve(session, StudyRow.id.in_([*gone, *back])):
            if row.id in back:
                relist(session, row, now)
            elif row.unlisted_at is None and row.seen_at < asked_at:  # else a later question has found it
                row.unlisted_at = now
                unmatched.note_unlisted(session, row, asked, now)


def relist(session: Session, row: StudyRow, now: datetime) -> None:
    """The source lists it again."""
    row.unlisted_at = None
    unmatched.clear_unlisted(session, row, now)


def _known(session: Session, asked: Patient, answer: Answer) -> Sequence[StudyRow]:
    """What the source once listed for this patient, whoever asked, and has given to nobody else since."""
    identity = asked.identity
    theirs = (ContextRow.patient_id == identity.patient_id) & (ContextRow.issuer == identity.issuer)
    found = (
        select(FoundRow.study_row)
        .join(AskRow, AskRow.id == FoundRow.ask)
        .join(ContextRow, ContextRow.key == AskRow.context)
        .where(theirs)
    )
    theirs_there = (StudyRow.source == answer.source.name) & StudyRow.id.in_(found)
    rows = session.scalars(select(StudyRow).where(theirs_there))
    return [row for row in rows if _would_be_named(row, asked, answer.approach)]


def _would_be_named(row: StudyRow, asked: Patient, approach: Approach) -> bool:
    """Does what the source said of it last fit the question?"""
    if approach.ids:
        return any(alike(row.patient_id, one) for one in approach.ids)
    born = asked.birth_date is not None and row.birth_date == asked.birth_date
    name = row.patient_name.casefold()
    return born and any(name.startswith(one.casefold()) for one in approach.names)
