"""How quickly each source usually brings images: from what past fetches brought, and how long they took."""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from fetch.records import Records, StudyRow
from preview.records import Errand, FetchRow, Outcome

_USUAL = timedelta(days=28)
_KEPT = timedelta(minutes=1)


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
    """What was here before a try began is not counted as brought by it."""
    ended = (FetchRow.errand == Errand.FETCH) & FetchRow.outcome.in_((Outcome.COMPLETE, Outcome.INCOMPLETE))
    brought = func.coalesce(FetchRow.brought, FetchRow.drawn)
    sums = (
        select(StudyRow.source, func.sum(brought), func.sum(FetchRow.seconds))
        .join(StudyRow, StudyRow.id == FetchRow.study_row)
        .where(ended, when, FetchRow.seconds > 0, brought > 0)
        .group_by(StudyRow.source)
    )
    return {source: images / seconds for source, images, seconds in session.execute(sums) if seconds}


class Speeds:
    """What each source usually brings, looked up once a minute: what is watched changes twice a second."""

    def __init__(self, records: Records, zone: ZoneInfo) -> None:
        self._records, self._zone = records, zone
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._speeds: Mapping[str, float] = {}

    def at(self, now: datetime) -> Mapping[str, float]:
        """Images a second, of a source that was not used before today what today brought."""
        with self._lock:
            if self._read_at is None or not self._read_at <= now < self._read_at + _KEPT:
                with self._records.read() as session:
                    self._speeds = today(session, now, self._zone) | usual(session, now, self._zone)
                self._read_at = now
            return self._speeds
