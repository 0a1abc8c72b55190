"""The right to work on one errand: one worker's at a time, kept by signs of life, fenced at every write."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import ColumnElement, bindparam, case, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from fetch.model import Patient
from fetch.reasons import Reason
from fetch.records import Records, touched
from preview.errands import meanwhile
from preview.parts import Parts
from preview.records import FetchRow, Outcome, Scope

log = logging.getLogger(__name__)

SILENT = timedelta(seconds=30)
"""Without a beat for so long, the worker of an errand is taken for dead."""
_BEAT_S = 5

# Put together once, not for every batch.
_WISHES = select(FetchRow.cancel_at, FetchRow.scope).where(FetchRow.id == bindparam("fetch"))


class Superseded(Exception):
    """Somebody else claimed the errand meanwhile; whatever we hold is no longer ours to write."""


@dataclass(frozen=True)
class Claim:
    """The right to write about one errand, until somebody claims it again."""

    fetch_id: str
    attempt: int
    study_row: int
    study_key: str
    study_uid: str
    source: str
    patient: Patient
    counted: int | None
    """How many instances the archive said the study has, when it was found."""
    scope: Scope = Scope.ALL
    tries: int = 0
    crashes: int = 0
    around: int | None = None

    @classmethod
    def take(cls, records: Records, fetch_id: str, now: datetime) -> Self | None:
        """Claim a wanted errand that nobody works on; None if it is finished, rests, or is in good hands.

        Who is found without a beat for so long has ended without a word: that is counted.
        """
        free = FetchRow.beat_at.is_(None) | (FetchRow.beat_at < now - SILENT)
        awake = or_(FetchRow.next_try_at.is_(None), FetchRow.next_try_at <= now)
        mine = (FetchRow.id == fetch_id) & FetchRow.finished_at.is_(None) & free & awake
        values = {
            "attempt": FetchRow.attempt + 1,
            "crashes": case((FetchRow.beat_at.is_(None), FetchRow.crashes), else_=FetchRow.crashes + 1),
            "beat_at": now,
            "begun_at": now,
            "brought": 0,
            "next_try_at": None,
        }
        with records.write() as session:
            if not touched(session.execute(update(FetchRow).where(mine).values(values))):
                return None
            row = session.get_one(FetchRow, fetch_id, populate_existing=True)
            return cls._of(row)

    @classmethod
    def _of(cls, row: FetchRow) -> Self:
        study = row.study
        return cls(
            fetch_id=row.id,
            attempt=row.attempt,
            study_row=study.id,
            study_key=study.key,
            study_uid=study.study_uid,
            source=study.source,
            patient=study.patient,
            counted=study.instance_count,
            scope=row.scope,
            tries=row.tries,
            crashes=row.crashes,
            around=row.around,
        )

    def write(self, session: Session, values: Mapping[str, object]) -> None:
        """Write about the errand, or raise :class:`Superseded` if it is no longer ours or has ended."""
        if not touched(session.execute(update(FetchRow).where(self._held()).values(values))):
            raise Superseded

    def cancelled(self, session: Session) -> bool:
        """Did somebody press Cancel?"""
        return self.wishes(session)[0]

    def wishes(self, session: Session) -> tuple[bool, Scope]:
        """Did somebody press Cancel, and how much is wanted by now? It may have become more than posters."""
        cancel_at, scope = session.execute(_WISHES, {"fetch": self.fetch_id}).one()
        return cancel_at is not None, scope

    def locked(self, session: Session) -> FetchRow:
        """The errand as people want it now, or :class:`Superseded` as in ``write``.

        A wish or a Cancel that is being written is waited for, and the next one waits until we commit: so
        whoever ends the errand looks at this first. The study, if it is written too, is reserved before.
        """
        row = session.get(FetchRow, self.fetch_id, with_for_update={"of": FetchRow}, populate_existing=True)
        if row is None or row.attempt != self.attempt or row.finished_at is not None:
            raise Superseded
        return row

    def wanted_again(self, session: Session, now: datetime) -> Self | None:
        """The right to begin anew, if somebody pressed the button again after Cancel.

        Whoever stopped goes on at once: what that press rang for may have found us at work and gone.
        """
        row = self.locked(session)
        if row.cancel_at is not None:
            return None
        row.begun_at = now
        return replace(self, scope=row.scope, tries=row.tries)

    @contextmanager
    def beating(self, parts: Parts) -> Iterator[None]:
        """Signs of life from a thread of their own, while a question or a drawing keeps this one."""

        def beat() -> None:
            try:
                self._say_alive(parts)
            except SQLAlchemyError:
                log.warning("fetch=%s no sign of life could be written", self.fetch_id)

        with meanwhile.again(beat, _BEAT_S, "beat"):
            yield

    def _say_alive(self, parts: Parts) -> None:
        # without a beat it rests, for whoever takes it up next
        mine = self._held() & FetchRow.beat_at.is_not(None)
        with parts.records.write() as session:
            session.execute(update(FetchRow).where(mine).values(beat_at=parts.now))

    def _held(self) -> ColumnElement[bool]:
        return (
            (FetchRow.id == self.fetch_id)
            & (FetchRow.attempt == self.attempt)
            & FetchRow.finished_at.is_(None)
        )


def as_ended(outcome: Outcome, reason: Reason | None, now: datetime, seconds: float) -> dict[str, object]:
    """What is written of an errand that has ended, whatever its kind."""
    return {
        "outcome": outcome,
        "reason": reason.code if reason else None,
        "finished_at": now,
        "active_study": None,
        "seconds": seconds,
    }
