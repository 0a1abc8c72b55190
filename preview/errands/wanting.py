"""Wanting a study: one errand for everybody who asks, kept before the bell rings, and never forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.orm import Session

from fetch.notes import Note
from fetch.records import StudyRow, insert_once, new_key, touched
from preview.errands.claim import SILENT
from preview.parts import Parts
from preview.queue.bell import RING_AGAIN
from preview.records import Arrival, ContextRow, Errand, FetchRow, InstanceRow, NoteRow, Outcome, Scope


def want(
    parts: Parts,
    study: StudyRow,
    errand: Errand = Errand.FETCH,
    scope: Scope = Scope.ALL,
    around: int | None = None,
) -> str:
    """The id of the errand of this kind that is under way for this study, or of a new one.

    A wish for everything widens one for posters, and never the other way round; one that rests is taken up
    now. ``around``: the instance (its row) that somebody looks at, for enlarging; the last one counts.
    """
    now = parts.now
    row = {
        "id": new_key(),
        "study_row": study.id,
        "active_study": study.id,
        "errand": errand,
        "scope": scope,
        "around": around,
        "wanted_at": now,
        "rung_at": now,
    }
    active = (FetchRow.active_study == study.id) & (FetchRow.errand == errand)
    with parts.records.write() as session:
        insert_once(session, FetchRow, row)
        again = _again(scope, around, now)
        wanted_again = update(FetchRow).where(active).values(again)  # and held until we commit
        while not touched(session.execute(wanted_again)):  # PostgreSQL: it ended since we looked
            insert_once(session, FetchRow, row)
        fetch = session.scalars(select(FetchRow).where(active)).one()
    parts.bell.ring(_queue(fetch), fetch.id, fetch.attempt)
    return fetch.id


def _again(scope: Scope, around: int | None, now: datetime) -> dict[str, object]:
    """What a wish changes of an errand that is under way; if it asks for more, its turn begins now.

    Tries for posters, which nobody clicked for, do not count against whoever clicks.
    """
    more: ColumnElement[bool] = FetchRow.next_try_at.is_not(None)
    values: dict[str, object] = {"cancel_at": None, "next_try_at": None, "rung_at": now}
    if scope is Scope.ALL:
        more = or_(more, FetchRow.scope != scope)
        values["scope"] = scope
        values["tries"] = case((FetchRow.scope != scope, 0), else_=FetchRow.tries)
    if around is not None:
        more = or_(more, FetchRow.around.is_distinct_from(around))
        values["around"] = around
    return values | {"wanted_at": case((more, now), else_=FetchRow.wanted_at)}


def want_posters(parts: Parts, studies: Sequence[StudyRow]) -> None:
    """One picture a series, without a click, of the newest of these studies, as many as the settings say.

    Whatever somebody has wanted or fetched before is left alone.
    """
    ordered = sorted(studies, key=lambda study: study.study_date or date.min, reverse=True)
    newest = ordered[: parts.settings.app.poster_studies]
    if not newest:
        return
    with parts.records.read() as session:
        seen_to = _seen_to(session, [study.id for study in newest])
    for study in newest:
        if study.id not in seen_to:
            want(parts, study, scope=Scope.POSTERS)


def fetched(session: Session, studies: Sequence[StudyRow]) -> set[int]:
    """Those (their rows) that were ever wanted to be fetched."""
    ids = [study.id for study in studies]
    theirs = (FetchRow.study_row.in_(ids)) & (FetchRow.errand == Errand.FETCH)
    return set(session.scalars(select(FetchRow.study_row).where(theirs)))


def _seen_to(session: Session, ids: Sequence[int]) -> set[int]:
    """The studies that are being fetched, or were; posters that failed may be tried again."""
    failed = (FetchRow.scope == Scope.POSTERS) & (FetchRow.outcome == Outcome.FAILED)
    theirs = (FetchRow.study_row.in_(ids)) & (FetchRow.errand == Errand.FETCH)
    wanted = session.scalars(
        select(FetchRow.study_row).where(theirs, or_(FetchRow.outcome.is_(None), ~failed))
    )
    drawn = InstanceRow.arrival.in_((Arrival.PICTURE, Arrival.CARD))
    holding = session.scalars(select(InstanceRow.study_row).where(InstanceRow.study_row.in_(ids), drawn))
    return {*wanted, *holding}


def cancel(
    parts: Parts, study: StudyRow, errand: Errand = Errand.FETCH, by: ContextRow | None = None
) -> None:
    """Ask the worker to stop within a beat; an errand that nobody has begun, or that rests, ends at once.

    ``by``: the context of whoever asks for it.
    One that ends by itself in this moment is waited for, and a wish that comes right after it is left alone.
    """
    now = parts.now
    active = (FetchRow.active_study == study.id) & (FetchRow.errand == errand)
    with parts.records.write() as session:
        row = session.scalar(select(FetchRow).where(active).with_for_update(of=FetchRow))
        if row is None:
            return
        row.cancel_at = now
        row.cancelled_by, row.cancelled_in = (by.person, by.key) if by else ("", None)
        if row.next_try_at is None and row.beat_at is not None and row.beat_at >= now - SILENT:
            return
        row.finished_at, row.outcome, row.reason = now, Outcome.CANCELLED, None
        row.active_study = row.next_try_at = None
        session.add(NoteRow(fetch=row.id, at=now, code=Note.CANCELLED.code, facts={}))


def ring_if_forgotten(parts: Parts, fetch: FetchRow) -> None:
    """Ring again for a fetch that waits too long, whose worker has fallen silent, or whose rest is over."""
    now = parts.now
    working = fetch.beat_at is not None and fetch.beat_at > now - SILENT
    if fetch.finished_at or working or rests(fetch, now):
        return
    rung = fetch.rung_at or fetch.wanted_at
    rested = fetch.next_try_at is not None and rung < fetch.next_try_at
    if rung > now - RING_AGAIN and not rested:
        return
    with parts.records.write() as session:
        session.execute(update(FetchRow).where(FetchRow.id == fetch.id).values(rung_at=now))
    parts.bell.ring(_queue(fetch), fetch.id, fetch.attempt, unheard=True)


def ring_all(parts: Parts) -> None:
    """Ring for everything that is wanted and does not rest: what a worker does when it starts."""
    with parts.records.read() as session:
        rows = session.scalars(select(FetchRow).where(FetchRow.finished_at.is_(None))).all()
    for row in rows:
        if not rests(row, parts.now):
            parts.bell.ring(_queue(row), row.id, row.attempt)


def is_deserted(parts: Parts, fetch: FetchRow) -> bool:
    """Is it certain that no worker listens for it? One that is between two errands beats for neither."""
    return parts.bell.is_deserted(_queue(fetch), parts.now)


def rests(fetch: FetchRow, now: datetime) -> bool:
    """Did it fail for now, and is its next try still to come?"""
    return fetch.next_try_at is not None and fetch.next_try_at > now


def _queue(fetch: FetchRow) -> str:
    return "posters" if fetch.scope is Scope.POSTERS else "fetches"


@dataclass(frozen=True)
class Line:
    """All errands that are not done yet, whoever wants them."""

    wishes: tuple[tuple[datetime, datetime | None], ...] = ()
    """Of each study that somebody asked for: when, and until when it rests."""
    beat_at: datetime | None = None
    """The last sign of life of any worker."""

    def ahead(self, fetch: FetchRow, now: datetime) -> int:
        """How many other studies were asked for before this one, and are not there yet nor resting."""
        before = (rests for wanted_at, rests in self.wishes if wanted_at < fetch.wanted_at)
        return sum(rests is None or rests <= now for rests in before)

    def is_attended(self, now: datetime) -> bool:
        """Does any worker do an errand at present?"""
        return self.beat_at is not None and self.beat_at >= now - SILENT


def line(session: Session) -> Line:
    wishes = tuple((row[0], row[1]) for row in session.execute(_WISHES))
    return Line(wishes, session.scalar(_LAST_BEAT))


# Put together once, not for every page.
_UNFINISHED = FetchRow.finished_at.is_(None)
_WISHES = select(FetchRow.wanted_at, FetchRow.next_try_at).where(
    _UNFINISHED, FetchRow.scope == Scope.ALL, FetchRow.errand != Errand.ENLARGE
)
_LAST_BEAT = select(func.max(FetchRow.beat_at)).where(_UNFINISHED)
