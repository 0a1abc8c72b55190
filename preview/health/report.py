"""The state of the whole system, without a word about any patient: for the status page and its JSON."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from fetch.reasons import Reason
from fetch.settings import Settings
from preview.errands.claim import SILENT
from preview.health import outages, speeds
from preview.health.banner import standings_of
from preview.health.records import Condition, HealthRow, OutageRow
from preview.health.standing import Standing
from preview.page.status import Milestones, marked
from preview.records import AskRow, FetchRow

POLL_S = 5
_DAYS = 90
_MOST_OUTAGES = 50


@dataclass(frozen=True)
class Outage:
    """One, with what it did."""

    condition: Condition
    reason: Reason | None
    began_at: datetime
    ended_at: datetime | None
    minutes: int
    asks: int
    fetches: int


@dataclass(frozen=True)
class Day:
    """One day of one source."""

    day: date
    minutes: int
    """So long it could not be asked, or answered only in part."""
    known: bool = True
    """Has anybody looked at it by then?"""

    @property
    def level(self) -> str:
        """How it looks: nothing, a little, or much of the day."""
        if not self.known:
            return "unknown"
        if self.minutes == 0:
            return "well"
        return "some" if self.minutes < 60 else "much"


@dataclass(frozen=True)
class SourceReport:
    standing: Standing
    today: float | None
    """Images a second that fetches of today brought; and usually, in the four weeks before."""
    usual: float | None
    outages: tuple[Outage, ...]
    days: tuple[Day, ...]
    unavailable: int
    """Minutes in all these days."""
    known_since: datetime | None
    """Since when it is looked at without a gap, as far as that is kept."""


@dataclass(frozen=True)
class Queue:
    """What is wanted now."""

    waiting: int
    resting: int
    """Failed for now, or waiting for its archive."""
    running: int
    questions: int
    oldest_at: datetime | None
    """Since when the oldest of those that wait has waited."""


@dataclass(frozen=True)
class SystemReport:
    """Ready for words. It always polls: whoever opens it watches."""

    sources: tuple[SourceReport, ...]
    queue: Queue
    parts: tuple[tuple[str, str], ...]
    """Each part of this installation, and "ok" or what is wrong with it."""
    pace: int = POLL_S
    milestones: Milestones = ()

    @property
    def mark(self) -> str:
        return marked(self)


def report(
    session: Session,
    settings: Settings,
    health: Mapping[str, HealthRow],
    parts: Mapping[str, str],
    now: datetime,
) -> SystemReport:
    """``health``: the rows of which the page's banner is made too, so that both say the same."""
    zone = settings.app.zone
    today, usual = speeds.today(session, now, zone), speeds.usual(session, now, zone)
    past = defaultdict(list)
    for row in outages.listed(session, now):
        past[row.source].append(row)
    sources = tuple(
        _source(session, one, past[one.source], _told(today, one), _told(usual, one), now, zone)
        for one in standings_of(health, settings, now)
    )
    return SystemReport(sources, _queue(session, now), tuple(parts.items()))


def _told(speeds: Mapping[str, float], standing: Standing) -> float | None:
    speed = speeds.get(standing.source)
    return None if speed is None else round(speed, 1)


def _source(
    session: Session,
    standing: Standing,
    rows: Sequence[OutageRow],
    today: float | None,
    usual: float | None,
    now: datetime,
    zone: ZoneInfo,
) -> SourceReport:
    moments = [standing.first_at, standing.since, *(row.began_at for row in rows)]
    known = min((moment for moment in moments if moment), default=None)
    days = _days(rows, known, now, zone)
    told = tuple(_outage(session, row, now) for row in rows[:_MOST_OUTAGES])
    return SourceReport(standing, today, usual, told, days, sum(day.minutes for day in days), known)


def _outage(session: Session, row: OutageRow, now: datetime) -> Outage:
    asks, fetches = outages.effect(session, row, now)
    lasted = (row.ended_at or now) - row.began_at
    minutes = int(lasted.total_seconds() // 60)
    return Outage(row.condition, Reason.of(row.reason), row.began_at, row.ended_at, minutes, asks, fetches)


def _days(
    rows: Sequence[OutageRow], known: datetime | None, now: datetime, zone: ZoneInfo
) -> tuple[Day, ...]:
    """The oldest first. Of a day before ``known`` nothing is said."""
    today = now.astimezone(zone).date()
    first = known.astimezone(zone).date() if known else today + timedelta(days=1)
    days = [today - timedelta(days=back) for back in reversed(range(_DAYS))]
    return tuple(Day(day, _minutes(rows, day, now, zone), day >= first) for day in days)


def _minutes(rows: Sequence[OutageRow], day: date, now: datetime, zone: ZoneInfo) -> int:
    start = datetime.combine(day, datetime.min.time(), zone)
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)
    seconds = sum(
        max(0.0, (min(end, row.ended_at or now) - max(start, row.began_at)).total_seconds()) for row in rows
    )
    return math.ceil(seconds / 60)


def _queue(session: Session, now: datetime) -> Queue:
    beats = FetchRow.beat_at.is_not(None) & (FetchRow.beat_at > now - SILENT)
    rests = FetchRow.next_try_at.is_not(None) & (FetchRow.next_try_at > now)
    unfinished = FetchRow.finished_at.is_(None)
    waits = unfinished & ~rests & (FetchRow.beat_at.is_(None) | (FetchRow.beat_at <= now - SILENT))
    return Queue(
        waiting=_count(session, waits),
        resting=_count(session, unfinished & rests),
        running=_count(session, unfinished & beats & ~rests),
        questions=session.scalar(select(func.count()).where(AskRow.finished_at.is_(None))) or 0,
        oldest_at=session.scalar(select(func.min(FetchRow.wanted_at)).where(waits)),
    )


def _count(session: Session, which: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(FetchRow).where(which)) or 0
