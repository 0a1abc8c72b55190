"""Wanting a study: one errand for everybody who asks, kept before the bell rings, and never forgotten."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from fetch.records import StudyRow, insert_once, new_key, touched
from preview.bell import RING_AGAIN
from preview.claim import SILENT
from preview.parts import Parts
from preview.records import Errand, FetchRow, Outcome


def want(parts: Parts, study: StudyRow, errand: Errand = Errand.FETCH) -> str:
    """The id of the errand of this kind that is under way for this study, or of a new one."""
    now = parts.now
    row = {
        "id": new_key(),
        "study_row": study.id,
        "active_study": study.id,
        "errand": errand,
        "wanted_at": now,
        "rung_at": now,
    }
    active = (FetchRow.active_study == study.id) & (FetchRow.errand == errand)
    with parts.records.write() as session:
        insert_once(session, FetchRow, row)
        wanted_again = update(FetchRow).where(active).values(cancel_at=None)  # and held until we commit
        while not touched(session.execute(wanted_again)):  # PostgreSQL: it ended since we looked
            insert_once(session, FetchRow, row)
        fetch_id, attempt = session.execute(select(FetchRow.id, FetchRow.attempt).where(active)).one()
    parts.bell.ring("fetches", fetch_id, attempt)
    return str(fetch_id)


def cancel(parts: Parts, study: StudyRow, errand: Errand = Errand.FETCH) -> None:
    """Ask the worker to stop within a beat; an errand that nobody has begun ends at once."""
    now = parts.now
    active = (FetchRow.active_study == study.id) & (FetchRow.errand == errand)
    ended = {"finished_at": now, "outcome": Outcome.CANCELLED, "active_study": None}
    with parts.records.write() as session:
        session.execute(update(FetchRow).where(active).values(cancel_at=now))
        unheld = FetchRow.beat_at.is_(None) | (FetchRow.beat_at < now - SILENT)
        session.execute(update(FetchRow).where(active, unheld).values(ended))


def ring_if_forgotten(parts: Parts, fetch: FetchRow) -> None:
    """Ring again for a fetch that waits too long, or whose worker has fallen silent."""
    now = parts.now
    working = fetch.beat_at is not None and fetch.beat_at > now - SILENT
    if fetch.finished_at or working or (fetch.rung_at or fetch.wanted_at) > now - RING_AGAIN:
        return
    with parts.records.write() as session:
        session.execute(update(FetchRow).where(FetchRow.id == fetch.id).values(rung_at=now))
    parts.bell.ring("fetches", fetch.id, fetch.attempt)


def ring_all(parts: Parts) -> None:
    """Ring for everything that is wanted: what a worker does when it starts."""
    with parts.records.read() as session:
        rows = session.scalars(select(FetchRow).where(FetchRow.finished_at.is_(None))).all()
    for row in rows:
        parts.bell.ring("fetches", row.id, row.attempt)


def ahead(session: Session, fetch: FetchRow) -> int:
    """How many other errands were wanted before this one and are not finished."""
    earlier = FetchRow.finished_at.is_(None) & (FetchRow.wanted_at < fetch.wanted_at)
    return session.scalar(select(func.count()).select_from(FetchRow).where(earlier)) or 0


def attended(session: Session, now: datetime) -> bool:
    """Does any worker do an errand at present?"""
    beating = FetchRow.finished_at.is_(None) & (FetchRow.beat_at >= now - SILENT)
    return session.scalar(select(FetchRow.id).where(beating).limit(1)) is not None
