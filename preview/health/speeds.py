"""How quickly each source usually brings images, and a fetch is taken up: from what past ones have shown."""

import math
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from fetch.records import Records, StudyRow
from preview.records import Errand, FetchRow, Outcome, Scope

_USUAL = timedelta(days=28)
_KEPT = timedelta(minutes=1)
_MOST, _FEWEST = 50, 5
_LONGEST_WAIT = 10
"""Minutes; what waited longer did so because something was down."""


def today(session: Session, now: datetime, zone: ZoneInfo) -> dict[str, float]:
    """Images a second that fetches of today brought, of each source that brought any."""
    return _speeds(session, FetchRow.finished_at >= _midnight(now, zone))


def usual(session: Session, now: datetime, zone: ZoneInfo) -> dict[str, float]:
    """The same of the four weeks before today."""
    midnight = _midnight(now, zone)
    return _speeds(session, FetchRow.finished_at.between(midnight - _USUAL, midnight))


def _midnight(now: datetime, zone: ZoneInfo) -> datetime:
    return datetime.combine(now.astimezone(zone).date(), datetime.min.time(), zone)


def _speeds(session: Session, when: ColumnElement[bool]) -> dict[str, float]:
    """What was here before a try began is not counted as brought by it; nor are fetches of a few posters,
    which mostly take the time to begin.
    """
    wholly = (FetchRow.errand == Errand.FETCH) & (FetchRow.scope == Scope.ALL)
    ended = wholly & FetchRow.outcome.in_((Outcome.COMPLETE, Outcome.INCOMPLETE))
    brought = func.coalesce(FetchRow.brought, FetchRow.drawn)
    sums = (
        select(StudyRow.source, func.sum(brought), func.sum(FetchRow.seconds))
        .join(StudyRow, StudyRow.id == FetchRow.study_row)
        .where(ended, when, FetchRow.seconds > 0, brought > 0)
        .group_by(StudyRow.source)
    )
    return {source: images / seconds for source, images, seconds in session.execute(sums) if seconds}


def wait(session: Session, now: datetime) -> int | None:
    """Within so many minutes nine of ten fetches of late were taken up; None where there were too few, or
    where that says more of an outage than of the next fetch.
    """
    once = (FetchRow.errand == Errand.FETCH) & (FetchRow.scope == Scope.ALL) & (FetchRow.attempt == 1)
    newest = (
        select(FetchRow.wanted_at, FetchRow.begun_at)
        .where(once, FetchRow.begun_at >= FetchRow.wanted_at, FetchRow.finished_at >= now - _USUAL)
        .order_by(FetchRow.finished_at.desc())
        .limit(_MOST)
    )
    waited = sorted((begun - wanted).total_seconds() for wanted, begun in session.execute(newest) if begun)
    if len(waited) < _FEWEST:
        return None
    minutes = math.ceil(waited[math.ceil(0.9 * len(waited)) - 1] / 60)
    return max(1, minutes) if minutes <= _LONGEST_WAIT else None


class Speeds:
    """Both, looked up once a minute: what is watched changes twice a second."""

    def __init__(self, records: Records, zone: ZoneInfo) -> None:
        self._records, self._zone = records, zone
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._speeds: Mapping[str, float] = {}
        self._wait: int | None = None

    def at(self, now: datetime) -> Mapping[str, float]:
        """Images a second, of a source that was not used before today what today brought."""
        with self._lock:
            self._look_up(now)
            return self._speeds

    def wait(self, now: datetime) -> int | None:
        """Minutes within which a fetch is usually taken up."""
        with self._lock:
            self._look_up(now)
            return self._wait

    def _look_up(self, now: datetime) -> None:
        if self._read_at is not None and self._read_at <= now < self._read_at + _KEPT:
            return
        with self._records.read() as session:
            self._speeds = today(session, now, self._zone) | usual(session, now, self._zone)
            self._wait = wait(session, now)
        self._read_at = now
