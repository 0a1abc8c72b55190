"""A clock that was ahead and is right again: what it noted for later than that can be is brought forward."""

import logging
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from fetch.counted_lines import LENGTH
from fetch.records import LineRow, LineWishRow
from preview.errands.patience import longest_rest
from preview.health.recovery import SPREAD, wake_these
from preview.matching.records import ToJudgeRow
from preview.parts import Parts
from preview.records import AskRow, FetchRow

Moment = InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]

log = logging.getLogger(__name__)

_APART = timedelta(seconds=15)
"""By so much the clocks of several hosts may differ (``fetch.counted_lines``): nothing is done about less."""


def bring_forward(parts: Parts) -> int:
    """Nothing that is wanted waits for the time at which a wrong clock wanted it. How many rested too long?

    A sign of life of times to come would make a dead worker live until then. That counts as one of now: who
    lives gives another.
    """
    now = parts.now
    with parts.records.read() as session:
        ahead = _is_any_ahead(session, now)
        resting = select(FetchRow).where(FetchRow.finished_at.is_(None), FetchRow.next_try_at > now + _APART)
        rows = session.scalars(resting.order_by(FetchRow.wanted_at)).all()
    late = [row.id for row in rows if _is_late(row, now)]
    if not ahead and not late:
        return 0
    with parts.records.write() as session:
        _count_as_now(session, now)
        wake_these(session, late, 1, now)
    log.warning("times ahead of this clock count as now, and %d fetches rest no longer by them", len(late))
    return len(late)


def _is_late(row: FetchRow, now: datetime) -> bool:
    """Is its next try farther away than it was ever to be, or did its rest not even begin yet?"""
    until = row.next_try_at
    if until is None or row.begun_at is None or row.seconds is None:
        return False
    farthest = now + max(longest_rest(row.tries), SPREAD) + _APART
    began = row.begun_at + timedelta(seconds=row.seconds)
    return until > farthest or now + _APART < began < until


_MOMENTS = (
    *(FetchRow.wanted_at, FetchRow.begun_at, FetchRow.moved_at, FetchRow.beat_at, FetchRow.rung_at),
    *(AskRow.wanted_at, AskRow.begun_at, AskRow.rung_at),
    ToJudgeRow.since,
)
"""Of what is not finished, or was by that clock: a page shows the question that was wanted last."""
_LEASES = (LineRow.until, LineWishRow.until)


def _is_any_ahead(session: Session, now: datetime) -> bool:
    """Most of the time there is none, and nothing is written."""
    moments = (select(moment).where(_is_ahead(moment, now)) for moment in _MOMENTS)
    leases = (select(until).where(until > now + LENGTH + _APART) for until in _LEASES)
    return any(session.scalar(found.limit(1)) is not None for found in (*moments, *leases))


def _is_ahead(moment: Moment, now: datetime) -> ColumnElement[bool]:
    ahead = moment > now + _APART
    if moment.class_ is ToJudgeRow:
        return ahead
    ended: Moment = moment.class_.finished_at
    return ahead & (ended.is_(None) | (ended > now + _APART))


def _count_as_now(session: Session, now: datetime) -> None:
    for moment in _MOMENTS:
        session.execute(update(moment.class_).where(_is_ahead(moment, now)).values({moment.key: now}))
    for until in _LEASES:
        session.execute(update(until.class_).where(until > now + LENGTH + _APART).values(until=now + LENGTH))
