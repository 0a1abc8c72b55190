"""Writes down what a probe or a request found; from that follow outages, and whom a recovery wakes."""

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fetch.model import Source
from fetch.reasons import Reason
from fetch.records import Records, insert_once
from fetch.settings import App
from preview.health import outages, recovery
from preview.health.records import Condition, HealthRow
from preview.kept import Look

log = logging.getLogger(__name__)

BETWEEN_TRIALS = timedelta(seconds=5)
"""A source that is down is tried by one request so often; all others are told so at once."""
_ILL = (Condition.PARTIAL, Condition.DOWN)
_SLOW_S = 2.0
"""Answers that come sooner are quick enough, whatever is usual."""
_TIMES_USUAL = 4.0
_SLOW_LOOKS = 3
"""One slow look says nothing: only after so many is a source slow, and only after so many well again."""
_RECENT, _USUAL = 0.5, 0.05
"""How much one answer counts among the last ones, and among all of them."""


@dataclass(frozen=True)
class Finding:
    """What was found. ``seconds``: how long the answer took."""

    condition: Condition
    reason: Reason | None = None
    seconds: float | None = None
    hurried: bool = False
    """Might it have answered later, but was not waited for so long as its settings allow?"""


def _next_probe(row: HealthRow, now: datetime, app: App) -> datetime:
    """Spread, so that several sources are not probed together; sooner while it is or may be ill."""
    unsure = 0 < row.slow_looks < _SLOW_LOOKS or (row.condition is Condition.SLOW and row.reason is not None)
    every = app.probe_again if row.condition in _ILL or unsure else app.probe_every
    return now + timedelta(seconds=every * random.uniform(0.75, 1.0))  # noqa: S311 — spreads load


def locked(session: Session, source: str, now: datetime) -> HealthRow:
    """The source's row, ours until we commit."""
    insert_once(session, HealthRow, {"source": source, "next_probe_at": now})
    return session.get_one(HealthRow, source, with_for_update=True, populate_existing=True)


def note(session: Session, source: Source, found: Finding, now: datetime, app: App) -> None:
    """Keep what was found, begin or end an outage, and wake who waited for it to end."""
    row = locked(session, source.name, now)
    condition = _timed(row, found)
    was, row.condition = row.condition, condition
    row.reason = found.reason.code if found.reason else None
    row.first_at = row.first_at or row.since or now
    row.checked_at, row.next_probe_at, row.probing_until = now, _next_probe(row, now, app), None
    if condition is not Condition.DOWN:
        row.answered_at, row.trial, row.trial_until = now, "", None
    if condition is was:
        return
    row.since = now
    level = logging.WARNING if was in _ILL or condition in _ILL else logging.INFO
    log.log(level, "source=%s %s -> %s reason=%s", source.name, was or "-", condition, row.reason or "-")
    if condition is Condition.DOWN:
        row.trial_until = now + BETWEEN_TRIALS
    if condition in _ILL:
        outages.begin(session, source.name, condition, row.reason, now)
    elif was in _ILL:
        outages.end(session, source.name, now)
        row.over_at = now
    if was in _ILL and condition is not Condition.DOWN:
        row.woken = recovery.wake(session, source, now)


def _timed(row: HealthRow, found: Finding) -> Condition:
    """One that answers, but far more slowly than usual, is slow; one that answers late may be no more."""
    if found.hurried and row.condition in (Condition.UP, Condition.SLOW):
        again = row.condition is Condition.SLOW and row.reason == Reason.NO_ANSWER.code
        return found.condition if again else Condition.SLOW
    if found.seconds is None:
        was_slow = row.condition is Condition.SLOW and row.reason is None  # not one that only stood still
        slow = was_slow and found.condition is Condition.UP
        return Condition.SLOW if slow else found.condition
    if found.condition is not Condition.UP:
        return found.condition
    recent, usual = row.recent_s, row.usual_s
    row.recent_s = found.seconds if recent is None else recent + _RECENT * (found.seconds - recent)
    row.usual_s = found.seconds if usual is None else usual + _USUAL * (found.seconds - usual)
    looks = row.slow_looks + (1 if found.seconds > max(_SLOW_S, _TIMES_USUAL * (usual or 0.0)) else -1)
    was_slow = row.condition is Condition.SLOW and row.slow_looks > 0
    if looks < row.slow_looks and not was_slow:
        looks = 0
    row.slow_looks = min(max(looks, 0), _SLOW_LOOKS)
    is_slow = row.slow_looks > 0 if was_slow else row.slow_looks >= _SLOW_LOOKS
    return Condition.SLOW if is_slow else Condition.UP


def suspect(session: Session, source: str, now: datetime) -> None:
    """Something went wrong that may mean nothing: look at once."""
    locked(session, source, now)
    sooner = (HealthRow.source == source) & (HealthRow.next_probe_at > now)
    session.execute(update(HealthRow).where(sooner).values(next_probe_at=now))


def hurry(session: Session, source: str, checked_before: datetime, now: datetime) -> None:
    """Somebody waits to hear of it: look at once, unless somebody else has done so since then."""
    old = (HealthRow.source == source) & (HealthRow.checked_at < checked_before)
    session.execute(update(HealthRow).where(old, HealthRow.next_probe_at > now).values(next_probe_at=now))


def stands_still(session: Session, source: str, now: datetime) -> None:
    """Nothing comes of what we ask of it, and no line is left to ask whether it lives: slow at the least."""
    row = locked(session, source, now)
    if row.condition is Condition.UP:
        row.condition, row.since, row.reason = Condition.SLOW, now, Reason.NO_ANSWER.code
        log.info("source=%s UP -> SLOW: nothing comes over any line", source)
    if row.condition is Condition.SLOW:
        row.checked_at = now


def pause(session: Session, source: str, person: str, now: datetime) -> None:
    """Leave it alone until somebody lets it go on."""
    row = locked(session, source, now)
    if row.paused_at is None:
        row.paused_at, row.paused_by = now, person[:256]


def resume(session: Session, source: Source, now: datetime) -> None:
    """Probe it at once, and go on with what waited meanwhile."""
    row = locked(session, source.name, now)
    if row.paused_at is not None:
        row.paused_at, row.paused_by, row.next_probe_at = None, "", now
        row.condition = row.checked_at = row.since = None  # what was known is old
        outages.end(session, source.name, now)
        recovery.wake(session, source, now)


def seen(records: Records, look: Look) -> Mapping[str, HealthRow]:
    """The rows of all sources, read once for all who look."""

    def read() -> dict[str, HealthRow]:
        with records.read() as session:
            return rows_of(session)

    return look.get("health", read)


def rows_of(session: Session) -> dict[str, HealthRow]:
    return {row.source: row for row in session.scalars(select(HealthRow))}
