"""When an archive is back: everything that waits for it is tried again soon, but not all of it at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fetch.model import Source
from fetch.reasons import Reason
from fetch.records import StudyRow
from preview.records import FetchRow, Scope

SPREAD = timedelta(seconds=30)
"""The last of them is tried so much later: together with the reconciler's round that is within a minute."""
_BESIDE = timedelta(seconds=1)
"""Between two of them, where there are few: each association takes one at a time."""


def wake(session: Session, source: Source, now: datetime) -> int:
    """Let the errands for this source that rest be tried: what people clicked for first. How many?"""
    resting = (
        select(FetchRow.id)
        .join(StudyRow, StudyRow.id == FetchRow.study_row)
        .where(StudyRow.source == source.name, FetchRow.finished_at.is_(None), FetchRow.next_try_at > now)
        .order_by(FetchRow.scope == Scope.POSTERS, FetchRow.wanted_at)
    )
    ids = session.scalars(resting).all()
    wake_these(session, ids, source.associations, now)
    return len(ids)


def wake_these(session: Session, ids: Sequence[str], at_once: int, now: datetime) -> None:
    """Let these errands be tried, one after another, so many at once; not one that has begun meanwhile."""
    rounds = max(1, -(-len(ids) // at_once))
    beside = min(_BESIDE, SPREAD / rounds)
    for place, fetch in enumerate(ids):
        at = now + beside * (place // at_once)
        rests = FetchRow.finished_at.is_(None) & (FetchRow.next_try_at > now)
        session.execute(update(FetchRow).where(FetchRow.id == fetch, rests).values(next_try_at=at))


def wake_for_room(session: Session, now: datetime) -> None:
    """There is room on the disk: what failed for want of it need not rest any longer."""
    wanted_room = FetchRow.reason == Reason.NO_ROOM.code
    resting = FetchRow.finished_at.is_(None) & (FetchRow.next_try_at > now + _AT_LEAST)
    session.execute(update(FetchRow).where(wanted_room, resting).values(next_try_at=now + _AT_LEAST))


_AT_LEAST = timedelta(seconds=30)
"""What fails for want of room all the same is not tried in every round."""
