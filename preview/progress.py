"""What a fetch writes down while it runs: in batches, fenced against a successor, never more than it saw."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from fetch.identity import same_nobody, same_person
from fetch.model import Plan, Received
from fetch.reasons import Reason
from fetch.records import StudyRow
from fetch.sources import dimse
from fetch.sources.dimse import Reported
from preview import contents
from preview.asking import clear_foreign, note_foreign
from preview.claim import Claim
from preview.contents import Taken
from preview.parts import Parts
from preview.pictures.drawing import Drawn
from preview.records import Outcome
from preview.shelf import Place, picture_key

log = logging.getLogger(__name__)

_BATCH_S = 0.5
THUMBNAIL = 256
"""Longest side in pixels of the picture that every instance gets."""


Tell = Callable[[int | None, int], None]
"""Somebody at a terminal who wants to hear how many are expected and how many have arrived."""


def nobody(_expected: int | None, _arrived: int) -> None:
    """The page asks the database instead."""


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
        self._delivered = 0
        self._moved_at = parts.now
        self._crashed: set[str] = set()
        self._unwritten: list[Taken] = []

    def expect(self, plan: Plan) -> None:
        """Keep the plan; the middle instance of each series is its poster."""
        middles = (s.instances[len(s.instances) // 2] for s in plan.series if s.instances)
        self._posters = frozenset(instance.instance_uid for instance in middles)
        self._listed = frozenset(instance.instance_uid for instance in plan.instances)
        counts = [count for count in (plan.total, self._claim.counted) if count is not None]
        self._total = max(counts, default=None)  # where they differ, do not trust the smaller
        with self._writing() as session:
            self._write_counts(session)
            contents.keep_plan(session, self._claim.study_row, plan, self._posters)

    def count(self) -> None:
        """The archive delivered an instance: whatever becomes of it, it is one that the archive counts."""
        self._delivered += 1
        self._moved_at = self._parts.now

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

    def beat(self) -> None:
        """Write what is new, twice a second at most, and learn whether somebody cancelled."""
        if time.monotonic() - self._written >= _BATCH_S:
            self.flush()

    def flush(self) -> None:
        batch, self._unwritten = self._unwritten, []
        with self._writing() as session:
            self._write_counts(session)
            contents.keep_drawn(session, self._claim.study_row, batch)
            self.cancelled = self._claim.cancelled(session)
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
        if self._listed - self._held or short or (reported is not None and self._admits_gaps(reported)):
            return Outcome.INCOMPLETE, Reason.SOME_MISSING
        return Outcome.COMPLETE, None

    def _admits_gaps(self, reported: Reported) -> bool:
        """Does the archive say that something failed, or that it sent more than came?"""
        lost = (reported.completed or 0) > self._delivered
        return lost or bool(reported.failed) or reported.status == dimse.WARNING

    def broken_off(self) -> Outcome:
        """How a fetch ends that an error ended."""
        return Outcome.INCOMPLETE if self._held else Outcome.FAILED

    def finish(self, outcome: Outcome, reason: Reason | None) -> None:
        """Write the end, and the one line about it in the log."""
        seconds = time.monotonic() - self._began
        with self._writing() as session:
            if outcome is Outcome.CANCELLED and self._claim.let_go_if_wanted_again(session):
                return
            self._write_counts(
                session,
                outcome=outcome,
                reason=reason.code if reason else None,
                finished_at=self._parts.now,
                active_study=None,
                seconds=seconds,
            )
            self._note_strangers(session, outcome)
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

    def _ours(self, received: Received, drawn: Drawn) -> bool:
        """Is it of this study and of this patient, by its own header? One without a header shows nothing."""
        header = drawn.header
        if not contents.can_be_kept(received.instance_uid):
            return False
        if header is None:
            return True
        asked_for = (self._claim.study_uid, received.instance_uid)
        described = self._claim.patient
        # Without any id it may be drawn, but is never shown: for whoever tries an archive from a shell.
        same_words = same_person(described, header.patient) or same_nobody(described, header.patient)
        return asked_for == (header.study_uid, header.instance_uid) and same_words

    def _already_held(self) -> set[str]:
        """What an earlier attempt drew, as far as its pictures are still on the shelf."""
        with self._parts.records.read() as session:
            noted = contents.held(session, self._claim.study_row)
        return {uid for uid, frame in noted.items() if self._on_shelf(uid, frame)}

    def _on_shelf(self, uid: str, frame: int) -> bool:
        place = Place(self._claim.study_key, picture_key(uid), frame, THUMBNAIL)
        return self._parts.shelf.path(place).is_file()

    def _write_counts(self, session: Session, **more: object) -> None:
        counts = {
            "beat_at": self._parts.now,
            "moved_at": self._moved_at,
            "expected": self._total,
            "arrived": len(self._held) + len(self._withheld),
            "drawn": len(self._held),
            "withheld": len(self._withheld),
            "first_thumbnail_s": self._first_thumbnail,
        }
        self._claim.write(session, counts | more)

    def _note_strangers(self, session: Session, outcome: Outcome) -> None:
        """Tell staff of images that are somebody else's, or that there are none any more."""
        study = session.get_one(StudyRow, self._claim.study_row)
        if self._withheld:
            note_foreign(session, study, self._claim.patient, self._parts.now)
        elif outcome is Outcome.COMPLETE:
            clear_foreign(session, study)

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """Write about the study, after whoever does so now: an archive may just be giving it to another."""
        with self._parts.records.write() as session:
            contents.reserve(session, StudyRow.id == self._claim.study_row)
            yield session
