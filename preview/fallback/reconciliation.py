"""After an outage: what was wanted meanwhile, what has arrived, and what is still missing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from fetch.model import AnswerKind, Patient, Source
from fetch.records import StudyRow
from preview.records import AskRow, ContextRow, Errand, FetchRow, Outcome, Scope


@dataclass(frozen=True)
class Period:
    """From when to when something was wanted."""

    start: datetime
    end: datetime


class Standing(StrEnum):
    """What became of a wish. Only ARRIVED is done; ENDED was a person's decision."""

    MISSING = "MISSING"
    """It failed, and nothing tries again by itself."""
    PART = "PART"
    WAITING = "WAITING"
    """It is tried again by itself until it is here."""
    ENDED = "ENDED"
    ARRIVED = "ARRIVED"

    @property
    def still_missing(self) -> bool:
        return self in (Standing.MISSING, Standing.PART, Standing.WAITING)


@dataclass(frozen=True)
class Wanted:
    """One study that somebody wanted in the period, and where it stands now."""

    study: StudyRow
    errand: Errand
    wanted_at: datetime
    standing: Standing
    arrived: int = 0
    expected: int | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class Unanswered:
    """A source that could not be asked about a patient, and has not answered the same question since."""

    patient: Patient
    source: str
    asked_at: datetime


def wanted(session: Session, period: Period) -> list[Wanted]:
    """Every study that was wanted or still waited in the period, each once; what is missing first."""
    rows = session.scalars(_wishes().where(FetchRow.wanted_at <= period.end)).unique().all()
    by_wish: dict[tuple[int, Errand], list[FetchRow]] = {}
    for row in rows:
        if row.wanted_at >= period.start or row.finished_at is None or row.finished_at >= period.start:
            by_wish.setdefault((row.study_row, row.errand), []).append(row)
    later = _later(session, by_wish, period)
    judged = [_judged(theirs, later.get(wish, [])) for wish, theirs in by_wish.items()]
    return sorted(judged, key=lambda one: (list(Standing).index(one.standing), one.wanted_at))


def _wishes() -> Select[FetchRow]:
    """What people asked for; first pictures and larger ones nobody did."""
    errands = FetchRow.errand.in_((Errand.FETCH, Errand.BRING))
    return select(FetchRow).where(errands, FetchRow.scope == Scope.ALL)


def _later(
    session: Session, wishes: Iterable[tuple[int, Errand]], period: Period
) -> dict[tuple[int, Errand], list[FetchRow]]:
    """Fetches of the same studies after the period: what failed then may have come since."""
    studies = {study for study, _errand in wishes}
    rows = session.scalars(_wishes().where(FetchRow.study_row.in_(studies), FetchRow.wanted_at > period.end))
    found: dict[tuple[int, Errand], list[FetchRow]] = {}
    for row in rows.unique():
        found.setdefault((row.study_row, row.errand), []).append(row)
    return found


def _judged(theirs: Sequence[FetchRow], later: Sequence[FetchRow]) -> Wanted:
    newest = max([*theirs, *later], key=lambda row: row.wanted_at)
    return Wanted(
        study=newest.study,
        errand=newest.errand,
        wanted_at=min(row.wanted_at for row in theirs),
        standing=_standing(newest),
        arrived=newest.arrived,
        expected=newest.expected,
        finished_at=newest.finished_at,
    )


def _standing(row: FetchRow) -> Standing:
    match row.outcome:
        case None:
            return Standing.WAITING
        case Outcome.COMPLETE:
            return Standing.ARRIVED
        case Outcome.INCOMPLETE:
            return Standing.PART
        case Outcome.CANCELLED:
            return Standing.ENDED
        case Outcome.FAILED:
            return Standing.MISSING


def unanswered(session: Session, period: Period, sources: Sequence[Source]) -> list[Unanswered]:
    """Patients about whom a source could not be asked in the period, and has not been since; oldest first."""
    asked = or_(
        AskRow.wanted_at >= period.start, AskRow.finished_at >= period.start, AskRow.finished_at.is_(None)
    )
    questions = session.execute(
        select(AskRow, ContextRow)
        .join(ContextRow, ContextRow.key == AskRow.context)
        .where(AskRow.wanted_at <= period.end, asked)
        .order_by(AskRow.wanted_at)
    ).all()
    found: dict[tuple[str, str, str], Unanswered] = {}
    for ask, context in questions:
        for source in sources:
            key = (context.patient_id, context.issuer, source.name)
            if key not in found and _failed(ask, source) and not _since(session, ask, context, source):
                found[key] = Unanswered(context.patient, source.name, ask.wanted_at)
    return list(found.values())


def _failed(ask: AskRow, source: Source) -> bool:
    """Did the source not answer? Neither did one that was not asked before the question was lost."""
    kinds = [answer.kind for answer in ask.answers if answer.source == source.name]
    return not kinds if ask.finished_at is None else AnswerKind.OUTAGE in kinds


def _since(session: Session, ask: AskRow, context: ContextRow, source: Source) -> bool:
    """Has it answered a question about this patient since, whoever asked, that covers the same dates?"""
    later = session.scalars(
        select(AskRow)
        .join(ContextRow, ContextRow.key == AskRow.context)
        .where(
            ContextRow.patient_id == context.patient_id,
            ContextRow.issuer == context.issuer,
            AskRow.wanted_at > ask.wanted_at,
        )
    )
    return any(
        _covers(one, ask)
        and any(a.source == source.name and a.kind != AnswerKind.OUTAGE for a in one.answers)
        for one in later
    )


def _covers(wider: AskRow, ask: AskRow) -> bool:
    starts = wider.start is None or (ask.start is not None and wider.start <= ask.start)
    ends = wider.end is None or (ask.end is not None and wider.end >= ask.end)
    return starts and ends
