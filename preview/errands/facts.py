"""Reads where the errands of studies stand: the newest of each kind, what it lacks, and what it noted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Select, bindparam, case, func, select
from sqlalchemy.orm import Session

from fetch.notes import Note
from fetch.reasons import Reason
from fetch.records import StudyRow
from fetch.settings import App
from preview.entrance.access import STAFF
from preview.errands import wanting
from preview.health.journal import rows_of
from preview.health.records import Condition, HealthRow
from preview.health.standing import State, state_of
from preview.kept import Look
from preview.page import FetchFacts, Gap, LogLine
from preview.page.log import MOST_LINES
from preview.page.status import Canceller, HeldUp
from preview.parts import Parts
from preview.records import (
    Arrival,
    ContextRow,
    Errand,
    FetchRow,
    InstanceRow,
    NoteRow,
    Outcome,
    Scope,
    SeriesRow,
)


@dataclass(frozen=True)
class Errands:
    """The newest errand of each kind of some studies, by the study's row."""

    rows: Mapping[tuple[int, Errand], FetchRow]
    facts: Mapping[str, FetchFacts] = field(default_factory=dict)

    def get(self, study: StudyRow, errand: Errand) -> FetchFacts | None:
        row = self.rows.get((study.id, errand))
        return self.facts[row.id] if row else None

    @property
    def fetched(self) -> set[int]:
        """The studies that were ever wanted to be fetched."""
        return {study for study, errand in self.rows if errand is Errand.FETCH}

    @property
    def unfinished(self) -> list[FetchRow]:
        return [row for row in self.rows.values() if not row.finished_at]

    def ended(self, errand: Errand) -> dict[str, datetime]:
        """When it ended, by study UID, where it has."""
        ended = [row for (_, kind), row in self.rows.items() if kind is errand]
        return {row.study.study_uid: row.finished_at for row in ended if row.finished_at}


@dataclass(frozen=True)
class Stored:
    """What is stored of these studies' errands: what it means depends on the clock."""

    rows: Mapping[tuple[int, Errand], FetchRow]
    logs: Mapping[str, tuple[LogLine, ...]]
    gaps: Mapping[int, tuple[Gap, ...]]
    unsent: Mapping[int, int]
    health: Mapping[str, HealthRow]
    """Only where something is not finished."""
    line: wanting.Line
    """Only where something waits."""

    @property
    def fetched(self) -> set[int]:
        """The studies that were ever wanted to be fetched."""
        return {study for study, errand in self.rows if errand is Errand.FETCH}

    def at(self, parts: Parts, reader: ContextRow | None = None) -> Errands:
        """Where they stand now, as ``reader`` is told."""
        now = parts.now
        unfinished = any(not row.finished_at for row in self.rows.values())
        speeds = parts.speeds.at(now) if unfinished else {}
        wait = parts.speeds.wait(now) if unfinished else None
        held_up = held_up_of(self.health, now, parts.settings.app)
        facts = {
            row.id: replace(
                self._facts(parts, row, held_up, now),
                speed=speeds.get(row.study.source) if row.errand is Errand.FETCH else None,
                cancelled_by=_canceller(row, reader),
                usual_wait=wait if wait and now - row.wanted_at < timedelta(minutes=wait) else None,
            )
            for row in self.rows.values()
        }
        return Errands(self.rows, facts)

    def _facts(self, parts: Parts, row: FetchRow, held_up: Mapping[str, HeldUp], now: datetime) -> FetchFacts:
        waits = _waits(row)
        log = self.logs.get(row.id, ())
        tried = [line.at for line in log if line.note is Note.TRIED]
        failed_at = max(tried, default=row.begun_at) if row.next_try_at else None
        is_fetch = row.errand is Errand.FETCH
        return FetchFacts(
            wanted_at=row.wanted_at,
            begun_at=row.begun_at,
            beat_at=row.beat_at,
            finished_at=row.finished_at,
            outcome=row.outcome,
            reason=Reason.of(row.reason),
            reference=f"F-{row.id[:6].upper()}",
            expected=_expected(row),
            arrived=row.arrived,
            brought=row.brought,
            withheld=row.withheld,
            ahead=self.line.ahead(row, now) if waits and row.scope is Scope.ALL else 0,
            moved_at=row.moved_at,
            attended=not waits or self.line.is_attended(now) or not wanting.is_deserted(parts, row),
            cancelling=row.cancel_at is not None,
            scope=row.scope,
            tries=row.tries,
            next_try_at=row.next_try_at,
            failed_at=failed_at,
            around=row.around,
            gaps=self.gaps.get(row.study_row, ()) if is_fetch else (),
            unsent=self.unsent.get(row.study_row, 0) if is_fetch else 0,
            log=log,
            held_up=None if row.finished_at else held_up.get(row.study.source),
        )


def _waits(row: FetchRow) -> bool:
    """Is it still to be taken up, for the first time or after a rest?"""
    return row.finished_at is None and (row.beat_at is None or row.next_try_at is not None)


def _canceller(row: FetchRow, reader: ContextRow | None) -> Canceller | None:
    """Who it was is told to staff, and to whoever has the same login.

    Several persons may share a login, so it is named: only in the opening in which Cancel was pressed is the
    reader certainly that person, and without a name nobody is certainly somebody else.
    """
    if row.cancel_at is None or row.cancelled_in is None or reader is None:
        return None
    if row.cancelled_in != reader.key and not (row.cancelled_by and reader.person):
        return None
    may_know = reader.role in STAFF or row.cancelled_by == reader.person
    return Canceller(row.cancelled_in == reader.key, row.cancelled_by if may_know else "")


def errands_of(
    session: Session, studies: Iterable[StudyRow], parts: Parts, reader: ContextRow | None = None
) -> Errands:
    """All that is told of these studies' errands now."""
    return stored(session, [study.id for study in studies]).at(parts, reader)


def stored(session: Session, studies: Iterable[int], look: Look | None = None) -> Stored:
    """In a few questions for all of these studies (their rows) together."""
    look, rows = look or Look(), _newest(session, studies)
    fetches = [row for row in rows.values() if row.errand is Errand.FETCH]
    unfinished = any(not row.finished_at for row in rows.values())
    waits = any(map(_waits, rows.values()))
    health = look.get("health", lambda: rows_of(session)) if unfinished else {}
    gapped = [row.study_row for row in fetches if _may_tell_gaps(row, health)]
    return Stored(
        rows=rows,
        logs=logs(session, [row.id for row in fetches]),
        gaps=_gaps(session, gapped) if gapped else {},
        unsent=_unsent(session, gapped) if gapped else {},
        health=health,
        line=look.get("line", lambda: wanting.line(session)) if waits else wanting.Line(),
    )


def _may_tell_gaps(row: FetchRow, health: Mapping[str, HealthRow]) -> bool:
    """Has it ended with gaps, or does it rest, or wait for its archive?"""
    if row.outcome is Outcome.INCOMPLETE or row.next_try_at:
        return True
    theirs = health.get(row.study.source) if row.finished_at is None else None
    return theirs is not None and (theirs.condition is Condition.DOWN or theirs.paused_at is not None)


def _newest(session: Session, ids: Iterable[int]) -> dict[tuple[int, Errand], FetchRow]:
    newest_last = session.scalars(_NEWEST_LAST, {"studies": list(ids)})
    return {(row.study_row, row.errand): row for row in newest_last}


def _last_lines() -> Select[NoteRow]:
    place = func.row_number().over(partition_by=NoteRow.fetch, order_by=NoteRow.id.desc())
    of_these = NoteRow.fetch.in_(bindparam("fetches", expanding=True))
    ranked = select(NoteRow.id, place.label("place")).where(of_these).subquery()
    last = select(ranked.c.id).where(ranked.c.place <= MOST_LINES)
    return select(NoteRow).where(NoteRow.id.in_(last)).order_by(NoteRow.id)


# Put together once, not for every page.
_NEWEST_LAST = (
    select(FetchRow)
    .where(FetchRow.study_row.in_(bindparam("studies", expanding=True)))
    .order_by(FetchRow.wanted_at)
)
_LAST_LINES = _last_lines()


def logs(session: Session, fetches: Iterable[str]) -> dict[str, tuple[LogLine, ...]]:
    """The last lines of each, by the id of the fetch."""
    fetches = list(fetches)
    if not fetches:
        return {}
    lines: dict[str, list[LogLine]] = defaultdict(list)
    for row in session.scalars(_LAST_LINES, {"fetches": fetches}):
        note = Note.of(row.code)
        if note is not None:
            lines[row.fetch].append(LogLine(row.at, note, tuple(sorted(row.facts.items()))))
    return {fetch: tuple(some) for fetch, some in lines.items()}


def _gaps(session: Session, studies: Iterable[int]) -> dict[int, tuple[Gap, ...]]:
    """Of each series how many images lack, where it is known how many there are."""
    came = InstanceRow.arrival.in_((Arrival.PICTURE, Arrival.CARD, Arrival.WITHHELD))
    count = func.count(case((came, InstanceRow.id)))
    besides = func.count(case((came & ~InstanceRow.poster, InstanceRow.id)))
    peeked = (count > 0) & (besides == 0)
    series = (
        select(
            SeriesRow.study_row, SeriesRow.number, SeriesRow.expected - count, SeriesRow.description, peeked
        )
        .outerjoin(InstanceRow, InstanceRow.series_row == SeriesRow.id)
        .where(SeriesRow.study_row.in_(studies))
        .group_by(SeriesRow.id)
        .having(SeriesRow.expected > count)
        .order_by(SeriesRow.number.is_(None), SeriesRow.number, SeriesRow.id)
    )
    gaps: dict[int, tuple[Gap, ...]] = defaultdict(tuple)
    for study, number, lacks, description, only_poster in session.execute(series):
        gaps[study] += (Gap(number, lacks or 0, description, bool(only_poster)),)
    return gaps


def _unsent(session: Session, studies: Iterable[int]) -> dict[int, int]:
    """How many images the archive reported that it could not send."""
    reported = (InstanceRow.arrival == Arrival.GIVEN_UP) & (InstanceRow.reason == Reason.REPORTED_FAILED.code)
    counted = (
        select(InstanceRow.study_row, func.count())
        .where(InstanceRow.study_row.in_(studies), reported)
        .group_by(InstanceRow.study_row)
    )
    return {row[0]: row[1] for row in session.execute(counted)}


def held_up_of(health: Mapping[str, HealthRow], now: datetime, app: App) -> dict[str, HeldUp]:
    """The sources that cannot be asked at present."""
    held_up = {}
    for source, row in health.items():
        state = state_of(row, now, app)
        since = row.paused_at if state is State.PAUSED else row.since
        if state in (State.DOWN, State.PAUSED) and since is not None:
            held_up[source] = HeldUp(since, paused=state is State.PAUSED)
    return held_up


def _expected(row: FetchRow) -> int | None:
    """Until it has ended, and for posters, what the archive counted tells as well."""
    counted = row.study.instance_count
    if row.scope is Scope.POSTERS:
        return max((count for count in (row.expected, counted) if count is not None), default=None)
    return row.expected if row.expected is not None or row.outcome else counted
