"""Looks at a source: does it hear us, and does it answer a question? And does so again and again."""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from fetch.counted_lines import CountedLines
from fetch.errors import FetchError
from fetch.model import Local, Source, Timeouts
from fetch.reasons import Reason
from fetch.records import StudyRow, insert_once, touched
from fetch.sources import identifiers, protocol
from preview.health import journal, waiting
from preview.health.journal import Finding
from preview.health.records import Condition, HealthRow
from preview.parts import Parts
from preview.records import FetchRow

log = logging.getLogger(__name__)

_QUICK = Timeouts(connect=3.0, association=5.0, message=8.0, network=8.0)
"""At most: whoever answers later than that is not well, and every page is to say so within seconds."""
_LOOK_S = 0.5
_LEASE = timedelta(seconds=60)
"""Longer than any probe takes."""
_PATIENCE_S = 5.0
"""So long a probe waits for a line of a source that is busy with us."""
_NOBODYS = "2.25.1"
"""A study UID that no archive has, to ask for where none is known."""


def probe(source: Source, local: Local, known: str = _NOBODYS) -> Finding:
    """C-ECHO and a C-FIND for one study, or QIDO-RS; never raises for what the source does."""
    quick = replace(source, timeouts=_quick(source.timeouts))
    began = time.monotonic()
    try:
        protocol.echo(quick, local)
    except FetchError as error:
        if error.reason is not Reason.NOT_SUPPORTED:  # PS3.4 A.4 is for everybody, but not everybody has it
            hurried = error.reason is Reason.NO_ANSWER and quick.timeouts != source.timeouts
            return Finding(_unheard(error.reason), error.reason, hurried=hurried)
    try:
        protocol.find(quick, local, identifiers.of_study(StudyInstanceUID=known), within=_QUICK.message)
    except FetchError as error:
        return Finding(Condition.PARTIAL, error.reason)
    return Finding(Condition.UP, seconds=time.monotonic() - began)


def _quick(usual: Timeouts) -> Timeouts:
    return Timeouts(
        *(
            min(getattr(usual, layer), getattr(_QUICK, layer))
            for layer in ("connect", "association", "message", "network")
        )
    )


def _unheard(reason: Reason) -> Condition:
    """One that turns us away for now lives."""
    return Condition.PARTIAL if reason in (Reason.BUSY, Reason.OUT_OF_RESOURCES) else Condition.DOWN


class Prober:
    """Looks at every source in its turn. Of several of these, on several hosts, one looks at each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        # not through the gate: whether a source that is down is back is what we are to find out
        self._lines = CountedLines(parts.records)
        self._under_way: dict[str, Future[None]] = {}
        app = parts.settings.app
        self._farthest = timedelta(seconds=2 * max(app.probe_every, app.probe_again))
        """What is to come later than this was written by a clock that was set back since."""
        self._not_before: dict[str, float] = {}
        """Until when it is not tried again for whoever waits to hear of it; by a clock that nobody sets."""

    def run(self) -> None:
        """Until stopped; a database that is away is waited for."""
        sources = self._parts.settings.sources
        with ThreadPoolExecutor(max_workers=max(1, len(sources)), thread_name_prefix="probe") as pool:
            while True:
                self._collect()
                try:
                    for source in self.due():
                        self._under_way[source.name] = pool.submit(self.look, source)
                except SQLAlchemyError as error:
                    log.warning("the database cannot be reached (%s)", type(error).__name__)
                time.sleep(_LOOK_S)

    def _collect(self) -> None:
        """One that stopped by a fault of ours is looked at again; its words may quote an answer."""
        for name in [name for name, probing in self._under_way.items() if probing.done()]:
            error = self._under_way.pop(name).exception()
            if error is not None:
                log.error("source=%s probing stopped by %s", name, type(error).__name__)

    def due(self) -> list[Source]:
        """The sources that nobody else looks at now, and whose time has come: ours from now on."""
        now, sources = self._parts.now, self._parts.settings.sources
        with self._parts.records.read() as session:
            rows = journal.rows_of(session)
            early = self._early(session, rows, now)
        if early:
            with self._parts.records.write() as session:
                for name, checked_before in early.items():
                    journal.hurry(session, name, checked_before, now)
        due = [one for one in sources if one.name in early or self._is_due(one, rows, now)]
        return [source for source in due if self._claim(source.name, now)]

    def _early(self, session: Session, rows: dict[str, HealthRow], now: datetime) -> dict[str, datetime]:
        """The sources of which somebody waits to hear, and before when what is known of each is too old."""
        names = [source.name for source in self._parts.settings.sources]
        moment = time.monotonic()
        before = {
            name: now - interval
            for name, interval in waiting.intervals(session, self._parts.settings.app, names, now).items()
            if name in names and name not in self._under_way and self._not_before.get(name, moment) <= moment
        }
        return {
            name: when for name, when in before.items() if name in rows and _is_older(rows[name], when, now)
        }

    def _is_due(self, source: Source, rows: dict[str, HealthRow], now: datetime) -> bool:
        row = rows.get(source.name)
        if source.name in self._under_way:
            return False
        if row is None:
            return True
        return row.paused_at is None and not now < row.next_probe_at <= now + self._farthest

    def _claim(self, name: str, now: datetime) -> bool:
        held = HealthRow.probing_until.between(now, now + 2 * _LEASE)
        free = or_(HealthRow.probing_until.is_(None), ~held)
        early = (HealthRow.next_probe_at > now) & (HealthRow.next_probe_at <= now + self._farthest)
        mine = (HealthRow.source == name) & ~early & free
        with self._parts.records.write() as session:
            insert_once(session, HealthRow, {"source": name, "next_probe_at": now})
            claimed = update(HealthRow).where(mine).values(probing_until=now + _LEASE)
            return bool(touched(session.execute(claimed)))

    def look(self, source: Source) -> None:
        """Probe it, unless images come from it right now; and write down what that says.

        Where no line is left to ask it, and nothing comes over those there are, that is said.
        """
        with self._parts.records.read() as session:
            alive = _sends(session, source, self._parts.now)
            known = _known(session, source)
        found = Finding(Condition.UP) if alive else self._probed(source, known)
        now = self._parts.now
        with self._parts.records.write() as session:
            if found is None:
                if waiting.stands(session, source.name, now):
                    journal.stands_still(session, source.name, now)
                later = self._parts.settings.app.probe_again
                self._not_before[source.name] = time.monotonic() + later
                _put_off(session, source, now + timedelta(seconds=later))
            else:
                journal.note(session, source, found, now, self._parts.settings.app)

    def _probed(self, source: Source, known: str) -> Finding | None:
        """None if all its lines are taken: nothing is known then."""
        try:
            with self._lines.line(source, party="probe", urgent=True, patience=_PATIENCE_S):
                return probe(source, self._parts.settings.local, known)
        except FetchError:
            return None


def _put_off(session: Session, source: Source, until: datetime) -> None:
    later = {"next_probe_at": until, "probing_until": None}
    session.execute(update(HealthRow).where(HealthRow.source == source.name).values(later))


def _is_older(row: HealthRow, when: datetime, now: datetime) -> bool:
    """Was it well when last heard of, and is that longer ago? Of one that is ill the next look is near."""
    free = row.probing_until is None or row.probing_until <= now
    if row.paused_at is not None or row.checked_at is None or not free:
        return False
    return row.condition in (Condition.UP, Condition.SLOW) and row.checked_at < when


def _sends(session: Session, source: Source, now: datetime) -> bool:
    """Is it well, and did images come from it just now? A probe would only take a line away."""
    row = session.get(HealthRow, source.name)
    if row is None or row.condition not in (Condition.UP, Condition.SLOW) or row.checked_at is None:
        return False
    since = max(row.checked_at, now - waiting.STILL)
    moved = (
        select(FetchRow.id)
        .join(StudyRow, StudyRow.id == FetchRow.study_row)
        .where(StudyRow.source == source.name, FetchRow.finished_at.is_(None), FetchRow.moved_at > since)
    )
    return session.scalar(moved.limit(1)) is not None


def _known(session: Session, source: Source) -> str:
    """A study that it listed lately."""
    listed = select(StudyRow.study_uid).where(StudyRow.source == source.name, StudyRow.unlisted_at.is_(None))
    return session.scalar(listed.order_by(StudyRow.seen_at.desc()).limit(1)) or _NOBODYS
