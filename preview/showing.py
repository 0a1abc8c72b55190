"""Which studies a context may show: found for its patient, still listed, and certainly that patient's now."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from fetch.identity import disagree, judge
from fetch.model import AnswerKind, PatientQuery, Source
from fetch.records import StudyRow
from preview.records import AskRow, ContextRow, FoundRow

_CONCLUSIVE = (AnswerKind.FOUND, AnswerKind.ABSENT)


def visible_study(
    session: Session, context: ContextRow, study_key: str, sources: Sequence[Source]
) -> StudyRow | None:
    """The study of this key, if this context may show it."""
    if not study_key.isalnum():  # PostgreSQL would refuse the question for a key with a NUL
        return None
    row = session.scalar(select(StudyRow).where(StudyRow.key == study_key))
    return row if row and listed(session, context, row) and certain(session, context, row, sources) else None


def certain(session: Session, context: ContextRow, row: StudyRow, sources: Sequence[Source]) -> bool:
    """Judged anew at every look: what an archive says of a study may have changed since it was found."""
    source = next((source for source in sources if source.name == row.source), None)
    if source is None or not judge(context.patient, row.patient, source).certain:
        return False
    same_uid = session.scalars(select(StudyRow).where(StudyRow.study_uid == row.study_uid))
    return not disagree([one.study for one in same_uid])


def listed(session: Session, context: ContextRow, row: StudyRow) -> bool:
    """Did the newest answer of its source that covers this study still name it?"""
    asks = select(AskRow).where(AskRow.context == context.key).order_by(AskRow.wanted_at.desc())
    for ask in session.scalars(asks):
        kinds = [answer.kind for answer in ask.answers if answer.source == row.source]
        if session.get(FoundRow, (ask.id, row.id)) is not None:
            return True
        covers = PatientQuery(context.patient, ask.start, ask.end).covers(row.study_date)
        if covers and kinds and kinds[0] in _CONCLUSIVE:
            return False
    return False
