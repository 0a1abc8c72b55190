"""Outages: when each began and ended, and how many questions and fetches it hit."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from fetch.model import AnswerKind
from fetch.records import StudyRow
from preview.health.records import Condition, OutageRow
from preview.records import AnswerRow, FetchRow, NoteRow

KEPT = timedelta(days=90)
"""So far back they are shown."""


def begin(session: Session, source: str, condition: Condition, reason: str | None, now: datetime) -> None:
    """Unless one is going on: that one may have become worse."""
    row = _open(session, source)
    if row is None:
        session.add(OutageRow(source=source, condition=condition, reason=reason, began_at=now))
    elif condition is Condition.DOWN:
        row.condition, row.reason = condition, reason


def end(session: Session, source: str, now: datetime) -> None:
    row = _open(session, source)
    if row is not None:
        row.ended_at = now
        row.asks, row.fetches = effect(session, row, now)


def _open(session: Session, source: str) -> OutageRow | None:
    going_on = select(OutageRow).where(OutageRow.source == source, OutageRow.ended_at.is_(None))
    return session.scalars(going_on.order_by(OutageRow.began_at)).first()


def effect(session: Session, outage: OutageRow, now: datetime) -> tuple[int, int]:
    """How many questions it left unanswered, and how many errands failed or were wanted meanwhile."""
    if outage.ended_at is not None:
        now = outage.ended_at
        if outage.asks or outage.fetches:
            return outage.asks, outage.fetches
    unanswered = select(func.count()).where(
        AnswerRow.source == outage.source,
        AnswerRow.kind == AnswerKind.OUTAGE,
        AnswerRow.answered_at.between(outage.began_at, now),
    )
    tried = select(NoteRow.id).where(NoteRow.fetch == FetchRow.id, NoteRow.at.between(outage.began_at, now))
    waited = (
        select(func.count(FetchRow.id))
        .join(StudyRow, StudyRow.id == FetchRow.study_row)
        .where(
            StudyRow.source == outage.source,
            FetchRow.wanted_at <= now,
            or_(FetchRow.finished_at.is_(None), FetchRow.finished_at >= outage.began_at),
            or_(FetchRow.wanted_at >= outage.began_at, FetchRow.next_try_at.is_not(None), tried.exists()),
        )
    )
    return session.scalar(unanswered) or 0, session.scalar(waited) or 0


_LATELY = timedelta(days=14)
_MOST = 12


def lately(session: Session, now: datetime) -> Sequence[OutageRow]:
    """Those after which there may still be something to set right, the newest first."""
    recent = or_(OutageRow.ended_at.is_(None), OutageRow.ended_at > now - _LATELY)
    newest = select(OutageRow).where(recent).order_by(OutageRow.began_at.desc(), OutageRow.id.desc())
    return session.scalars(newest.limit(_MOST)).all()


def listed(session: Session, now: datetime) -> Sequence[OutageRow]:
    """All of the last days, the newest first."""
    recent = or_(OutageRow.ended_at.is_(None), OutageRow.ended_at > now - KEPT)
    return session.scalars(select(OutageRow).where(recent).order_by(OutageRow.began_at.desc())).all()
