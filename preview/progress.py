"""What a fetch writes down while it runs: in batches, fenced against a successor, never more than it saw."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from fetch.identity import Doubt, same_person
from fetch.model import Patient, Plan, Received
from fetch.reasons import Reason
from fetch.records import Records, StudyRow, touched
from fetch.sources import dimse
from fetch.sources.dimse import Reported
from preview import contents
from preview.asking import note_unmatched
from preview.contents import Taken
from preview.parts import Parts
from preview.pictures.drawing import Drawn
from preview.records import FetchRow, Outcome
from preview.shelf import Place, picture_key

log = logging.getLogger(__name__)

SILENT = timedelta(seconds=30)
"""Without a beat for so long, the worker of a fetch is taken for dead."""
_BATCH_S = 0.5
_QUIET_BEAT_S = 5
THUMBNAIL = 256
"""Longest side in pixels of the picture that every instance gets."""


@dataclass(frozen=True)
class Claim:
    """The right to write about one fetch, until somebody claims it again."""

    fetch_id: str
    attempt: int
    study_row: int
    study_key: str
    study_uid: str
    source: str
    patient: Patient
    counted: int | None
    """How many instances the archive said the study has, when it was found."""

    @classmethod
    def take(cls, records: Records, fetch_id: str, now: datetime) -> Self | None:
        """Claim a wanted fetch that nobody works on; None if it is finished or in good hands."""
        free = FetchRow.beat_at.is_(None) | (FetchRow.beat_at < now - SILENT)
        mine = (FetchRow.id == fetch_id) & FetchRow.finished_at.is_(None) & free
        values = {"attempt": FetchRow.attempt + 1, "beat_at": now, "begun_at": now}
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
        )


Tell = Callable[[int | None, int], None]
"""Somebody at a terminal who wants to hear how many are expected and how many have arrived."""


def nobody(_expected: int | None, _arrived: int) -> None:
    """The page asks the database instead."""


class Superseded(Exception):
    """Somebody else claimed the fetch meanwhile; whatever we hold is no longer ours to write."""


class Progress:
    """Counts and pictures of one claimed fetch."""

    def __init__(self, parts: Parts, claim: Claim, began: float | None = None, tell: Tell = nobody) -> None:
        self.cancelled = False
        self._parts = parts
        self._claim = claim
        self._tell = tell
        self._began = time.monotonic() if began is None else began
        self._written = time.monotonic()
        self._first_thumbnail: float | None = None
        self._posters: frozenset[str] = frozenset()
        self._listed: frozenset[str] = frozenset()
        self._total = claim.counted
        self._held = self._already_held()
        self._withheld: set[str] = set()
        self._crashed: set[str] = set()
        self._unwritten: list[Taken] = []

    def expect(self, plan: Plan) -> None:
        """Keep the plan; the middle instance of each series is its poster."""
        middles = (s.instances[len(s.instances) // 2] for s in plan.series if s.instances)
        self._posters = frozenset(instance.instance_uid for instance in middles)
        self._listed = frozenset(instance.instance_uid for instance in plan.instances)
        counts = [count for count in (plan.total, self._claim.counted) if count is not None]
        self._total = max(counts, default=None)  # where they differ, do not trust the smaller
        with self._parts.records.write() as session:
            self._write_counts(session)
            contents.keep_plan(session, self._claim.study_row, plan, self._posters)

    def is_poster(self, received: Received) -> bool:
        """Does it stand for its series? Without a plan, the first to arrive does."""
        return received.instance_uid in self._posters or not (self._posters or self._held)

    def holds(self, received: Received) -> bool:
        """Was it drawn by an earlier attempt?"""
        return received.instance_uid in self._held

    def take(self, received: Received, drawn: Drawn) -> None:
        """Put the pictures of one instance on the shelf, unless it is somebody else's."""
        if drawn.crashed:  # not held, so that the next try draws it
            self._crashed.add(received.instance_uid)
            return
        if not self._ours(received, drawn):
            self._withheld.add(received.instance_uid)
            self._unwritten.append(Taken(received, drawn, withheld=True))
            return
        for picture in drawn.drawing.pictures:
            name = picture_key(received.instance_uid)
            place = Place(self._claim.study_key, name, picture.frame, picture.size)
            self._parts.shelf.put(place, picture.png)
        self._held.add(received.instance_uid)
        self._unwritten.append(Taken(received, drawn, withheld=False))
        if self._first_thumbnail is None:
            self._first_thumbnail = time.monotonic() - self._began
            self.flush()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Signs of life from a thread of their own, while a question or a drawing keeps this one."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(_QUIET_BEAT_S):
                try:
                    self._say_alive()
                except SQLAlchemyError:
                    log.warning("fetch=%s no sign of life could be written", self._claim.fetch_id)

        thread = threading.Thread(target=beat, name="beat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _say_alive(self) -> None:
        mine = (
            (FetchRow.id == self._claim.fetch_id)
            & (FetchRow.attempt == self._claim.attempt)
            & FetchRow.finished_at.is_(None)
            & FetchRow.beat_at.is_not(None)  # else it was let go of, for whoever takes it up next
        )
        with self._parts.records.write() as session:
            session.execute(update(FetchRow).where(mine).values(beat_at=self._parts.now))

    def beat(self) -> None:
        """Write what is new, twice a second at most, and learn whether somebody cancelled."""
        if time.monotonic() - self._written >= _BATCH_S:
            self.flush()

    def flush(self) -> None:
        batch, self._unwritten = self._unwritten, []
        with self._parts.records.write() as session:
            self._write_counts(session)
            contents.keep_drawn(session, self._claim.study_row, batch)
            row = session.get_one(FetchRow, self._claim.fetch_id)
            self.cancelled = row.cancel_at is not None
        self._written = time.monotonic()
        self._tell(self._total, len(self._held) + len(self._withheld))

    def judge_completeness(self, reported: Reported | None) -> tuple[Outcome, Reason | None]:
        """Complete only if all that is listed is here; where nothing is, the archive's own word counts."""
        if self._withheld:
            return self.broken_off(), Reason.SOME_WITHHELD
        if self._crashed:
            return self.broken_off(), Reason.NOT_DRAWN
        if not self._held:
            return Outcome.FAILED, Reason.NOTHING_SENT
        short = self._total is not None and len(self._held) < self._total
        failed = reported is not None and (bool(reported.failed) or reported.status == dimse.WARNING)
        if self._listed - self._held or short or failed:
            return Outcome.INCOMPLETE, Reason.SOME_MISSING
        return Outcome.COMPLETE, None

    def broken_off(self) -> Outcome:
        """How a fetch ends that an error ended."""
        return Outcome.INCOMPLETE if self._held else Outcome.FAILED

    def finish(self, outcome: Outcome, reason: Reason | None) -> None:
        """Write the end, and the one line about it in the log."""
        seconds = time.monotonic() - self._began
        with self._parts.records.write() as session:
            if outcome is Outcome.CANCELLED and self._wanted_again(session):
                return
            self._write_counts(
                session,
                outcome=outcome,
                reason=reason.code if reason else None,
                finished_at=self._parts.now,
                active_study=None,
                seconds=seconds,
            )
            if self._withheld:
                self._note_foreign(session)
        log.info(
            "fetch=%s source=%s outcome=%s reason=%s expected=%s drawn=%d withheld=%d attempt=%d "
            "first_s=%s seconds=%.2f",
            self._claim.fetch_id,
            self._claim.source,
            outcome,
            reason.code if reason else "-",
            self._total,
            len(self._held),
            len(self._withheld),
            self._claim.attempt,
            f"{self._first_thumbnail:.2f}" if self._first_thumbnail else "-",
            seconds,
        )

    def _wanted_again(self, session: Session) -> bool:
        """Somebody pressed Fetch after Cancel: let go of it, so that it is taken up again."""
        lock = {"of": FetchRow}  # a wish that is being written now is waited for
        row = session.get_one(FetchRow, self._claim.fetch_id, with_for_update=lock)
        if row.cancel_at is None and row.attempt == self._claim.attempt:
            row.beat_at = None
            return True
        return False

    def _ours(self, received: Received, drawn: Drawn) -> bool:
        """Is it of this study and of this patient, by its own header? One without a header shows nothing."""
        header = drawn.header
        if header is None:
            return True
        asked_for = (self._claim.study_uid, received.instance_uid)
        same_object = asked_for == (header.study_uid, header.instance_uid)
        return same_object and same_person(self._claim.patient, header.patient)

    def _already_held(self) -> set[str]:
        """What an earlier attempt drew, as far as its pictures are still on the shelf."""
        with self._parts.records.read() as session:
            noted = contents.held(session, self._claim.study_row)
        return {uid for uid, frame in noted.items() if self._on_shelf(uid, frame)}

    def _on_shelf(self, uid: str, frame: int) -> bool:
        place = Place(self._claim.study_key, picture_key(uid), frame, THUMBNAIL)
        return self._parts.shelf.path(place).is_file()

    def _write_counts(self, session: Session, **more: object) -> None:
        mine = (
            (FetchRow.id == self._claim.fetch_id)
            & (FetchRow.attempt == self._claim.attempt)
            & FetchRow.finished_at.is_(None)
        )
        counts = {
            "beat_at": self._parts.now,
            "expected": self._total,
            "arrived": len(self._held) + len(self._withheld),
            "drawn": len(self._held),
            "withheld": len(self._withheld),
            "first_thumbnail_s": self._first_thumbnail,
        }
        if not touched(session.execute(update(FetchRow).where(mine).values(counts | more))):
            raise Superseded

    def _note_foreign(self, session: Session) -> None:
        study = session.get_one(StudyRow, self._claim.study_row)
        note_unmatched(session, study, self._claim.patient, [Doubt.FOREIGN_IMAGES], self._parts.now)
