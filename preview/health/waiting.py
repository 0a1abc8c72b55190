"""Who waits for an archive right now: one that is silent meanwhile is looked at before any time-out ends."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fetch.records import StudyRow
from fetch.settings import App
from preview.errands.claim import SILENT
from preview.errands.patience import GIVEN_UP
from preview.records import AnswerRow, AskRow, ContextRow, FetchRow

STILL = timedelta(seconds=5)
"""An archive that brought nothing of what is asked of it for so long may be dead."""
_STANDS = timedelta(seconds=10)
"""Drawing one image may take a while too; a look that had to wait in vain for a line ends just after this."""
_OPENED = timedelta(minutes=30)
"""Somebody who opened a patient so lately may still look at the page."""


def intervals(session: Session, app: App, sources: Collection[str], now: datetime) -> dict[str, timedelta]:
    """How long at most what is known of these may be old, where that is less than as a rule."""
    shortest = timedelta(seconds=app.probe_again)
    still = {name for name, moves in _moves(session, now).items() if min(moves) < now - STILL}
    for answered in _open_questions(session, now, STILL):
        still.update(set(sources) - answered)
    found = dict.fromkeys(sources, shortest) if _in_use(session, app, now) else {}
    return found | {name: min(shortest, STILL) for name in still}


def stands(session: Session, source: str, now: datetime) -> bool:
    """Is something asked of it, and does nothing of that get on?"""
    moves = _moves(session, now).get(source)
    if moves is not None:
        return max(moves) < now - _STANDS
    return any(source not in answered for answered in _open_questions(session, now, _STANDS))


def _moves(session: Session, now: datetime) -> Mapping[str, list[datetime]]:
    """Of each source from which something is being fetched: when each errand last got on."""
    under_way = (
        select(StudyRow.source, FetchRow.begun_at, FetchRow.moved_at)
        .join(StudyRow, StudyRow.id == FetchRow.study_row)
        .where(FetchRow.active_study.is_not(None), FetchRow.next_try_at.is_(None))  # by its index
        .where(FetchRow.finished_at.is_(None), FetchRow.beat_at > now - SILENT)
    )
    moves = defaultdict(list)
    for source, begun_at, moved_at in session.execute(under_way):
        known = [moment for moment in (begun_at, moved_at) if moment is not None]
        if known:
            moves[source].append(max(known))
    return moves


def _open_questions(session: Session, now: datetime, waits: timedelta) -> list[set[str]]:
    """Of each question that waits so long for answers: who has given one."""
    waiting = (
        select(AskRow.id)
        .join(ContextRow, ContextRow.key == AskRow.context)
        .where(ContextRow.ends_at > now, AskRow.finished_at.is_(None))  # by its index
        .where(AskRow.begun_at.between(now - GIVEN_UP, now - waits))
    )
    answered: dict[str, set[str]] = {ask: set() for ask in session.scalars(waiting)}
    of_theirs = select(AnswerRow.ask, AnswerRow.source).where(AnswerRow.ask.in_(answered))
    for ask, source in session.execute(of_theirs) if answered else ():
        answered[ask].add(source)
    return list(answered.values())


def _in_use(session: Session, app: App, now: datetime) -> bool:
    """Did anybody open anything lately?"""
    lately = ContextRow.ends_at > now + timedelta(hours=app.session_hours) - _OPENED
    return session.scalar(select(ContextRow.key).where(lately).limit(1)) is not None
