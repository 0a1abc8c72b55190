"""What a source listed before and lists no more: it leaves every page at once, and waits for staff."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fetch.find import alike
from fetch.model import Answer, Patient, PatientQuery
from fetch.records import StudyRow
from preview import contents, unmatched
from preview.parts import Parts
from preview.records import AskRow, ContextRow, FoundRow
from preview.showing import CONCLUSIVE


def compare(parts: Parts, ask: AskRow, asked: Patient, answer: Answer) -> None:
    """Compare a whole answer with what the source listed for this patient; any other proves nothing."""
    if answer.kind not in CONCLUSIVE or not answer.approach.ids:  # by name it is no list of anybody's
        return
    query = PatientQuery(asked, ask.start, ask.end)
    listed = {study.study_uid for study in answer.studies} | answer.outside_uids
    with parts.records.read() as session:
        known = _known(session, asked, answer)
        gone = [row.id for row in known if row.study_uid not in listed and query.covers(row.study_date)]
        back = [row.id for row in known if row.study_uid in answer.outside_uids and row.unlisted_at]
    if gone or back:
        _write(parts, asked, gone, back, ask.begun_at or ask.wanted_at)


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
    return [row for row in rows if any(alike(row.patient_id, one) for one in answer.approach.ids)]
