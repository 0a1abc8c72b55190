"""The errand of bringing a study to the viewer: the source sends it to the viewer's archive, and we watch."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from fetch.errors import FetchError
from fetch.model import Source
from fetch.reasons import Reason
from fetch.sources.move import Moved, move
from preview.errands import meanwhile
from preview.errands.claim import Claim, Superseded, as_ended
from preview.errands.patience import BRINGS_WITHIN
from preview.parts import Parts
from preview.queue.bell import MOST_ATTEMPTS
from preview.records import Outcome
from preview.studies import contents
from preview.viewer.links import Held, Holding

log = logging.getLogger(__name__)

_LOOK_S = 0.5
_SILENCE_S = BRINGS_WITHIN.total_seconds()
_AFTER_US_S = 60.0
"""So much later the line itself would be given up: many archives say nothing until the end of a C-MOVE."""
_LINE_S = 3600.0
"""So long it waits until the archive has an association to spare."""
_STILL_S = 5
"""So long the viewer's archive may show no more images before it is taken to have no more."""


def bring(parts: Parts, fetch_id: str) -> None:
    """Have one study sent to the viewer's archive; running it twice, or after a crash, does no harm."""
    began = time.monotonic()
    claim = Claim.take(parts.records, fetch_id, parts.now)
    if claim is None:
        return
    try:
        with claim.beating(parts):
            while not _brought(parts, claim, began):
                pass
    except Superseded:
        log.warning("bring=%s attempt=%d superseded", fetch_id, claim.attempt)


def _brought(parts: Parts, claim: Claim, began: float) -> bool:
    """One try; False if it was cancelled, and is wanted again by now."""
    bringing = _Bringing(parts, claim)
    with bringing.watched():
        outcome, reason = bringing.run()
    return bringing.finish(outcome, reason, time.monotonic() - began)


class _Bringing:
    def __init__(self, parts: Parts, claim: Claim) -> None:
        self._parts = parts
        self._claim = claim
        self._expected = claim.counted
        self._arrived = 0
        self._moved_at: datetime | None = None
        self._cancelled = False
        self._superseded = False
        self._abort: Callable[[], None] = lambda: None
        self._heard_at: float | None = None
        """When the archive, or the viewer, last showed that it goes on; None while nobody was asked."""
        self._at_viewer: int | None = None
        self._waits = False
        """For an association that the archive has to spare."""
        self._gave_up = False
        self._counted: tuple[int | None, ...] = ()

    def run(self) -> tuple[Outcome, Reason | None]:
        """How it ended. Not even a fault of our own leaves the wish without an end."""
        try:
            return self._sent()
        except FetchError as error:
            if self._cancelled:
                return Outcome.CANCELLED, None
            log.warning("bring=%s source=%s %s", self._claim.fetch_id, self._claim.source, error)
            silent = Reason.FELL_SILENT if self._arrived else Reason.NO_ANSWER
            reason = silent if self._gave_up else error.reason
            return (Outcome.INCOMPLETE if self._arrived else Outcome.FAILED), reason

    def _sent(self) -> tuple[Outcome, Reason | None]:
        source = self._parts.settings.source(self._claim.source)
        destination = self._parts.settings.viewer.aet
        if self._claim.attempt > MOST_ATTEMPTS:
            return Outcome.FAILED, Reason.STOPPED
        if source is None:
            return Outcome.FAILED, Reason.SOURCE_GONE
        if destination is None:
            return Outcome.FAILED, Reason.DESTINATION_UNKNOWN
        if not self._still_the_patients():
            return Outcome.FAILED, Reason.SOME_WITHHELD
        local, uid = self._parts.settings.local, self._claim.study_uid
        self._waits = True
        try:
            with self._parts.lines.line(
                source, party=self._claim.fetch_id, patience=_LINE_S, unwanted=self._is_over
            ):
                self._goes_on()
                moved = move(_with_patience(source), local, uid, destination, self._hear, self._opened)
        finally:
            self._waits, self._heard_at = False, None
        self._hear(moved)
        outcome = self._judged(moved)
        return (Outcome.CANCELLED, None) if self._cancelled else outcome

    def _is_over(self) -> bool:
        return self._cancelled or self._superseded

    def _still_the_patients(self) -> bool:
        """What was found in its images meanwhile may say that they are somebody else's."""
        with self._parts.records.read() as session:
            return not contents.holds_strangers(session, self._claim.study_row)

    def _judged(self, moved: Moved) -> tuple[Outcome, Reason | None]:
        """The viewer's own archive has the last word; where nobody can ask it, the source has."""
        if moved.completed == 0 and not moved.failed:
            return Outcome.FAILED, Reason.NOTHING_SENT
        held = self._seen()
        if held is not None:
            self._arrived = held
        short = bool(moved.failed) or (self._expected is not None and self._arrived < self._expected)
        if held == 0:
            return Outcome.FAILED, Reason.NOT_AT_VIEWER
        if short and (held is not None or moved.failed):
            return Outcome.INCOMPLETE, Reason.NOT_AT_VIEWER
        return Outcome.COMPLETE, None

    def _seen(self) -> int | None:
        """How many images the viewer's archive shows in the end; None where it cannot be asked."""
        if self._parts.settings.viewer.dicomweb is None:
            return None
        most, since = -1, time.monotonic()
        while True:
            answer = self._parts.viewer.ask(self._claim.study_uid)
            held = _count(answer)
            if held is None or held >= (self._expected or 1) or self._cancelled:
                return held
            if held > most:
                most, since = held, time.monotonic()
            elif time.monotonic() - since > _STILL_S:
                return held
            time.sleep(_LOOK_S)

    def _goes_on(self) -> None:
        """Something came, was counted, or begins."""
        self._waits = False
        self._heard_at, self._moved_at = time.monotonic(), self._parts.now

    def _is_silent(self) -> bool:
        """Did the archive count nothing, and nothing arrive at the viewer, for too long?"""
        heard_at = self._heard_at
        if heard_at is None:
            return False
        uid = self._claim.study_uid
        held = _count(self._parts.viewer.look([uid])[uid])
        before = self._at_viewer
        self._at_viewer = before if held is None else held
        if held is not None and before is not None and held > before:
            self._goes_on()
            return False
        return time.monotonic() - heard_at > _SILENCE_S

    def _hear(self, moved: Moved) -> None:
        counts = (moved.completed, moved.failed, moved.remaining)
        if counts != self._counted:
            self._counted = counts
            self._goes_on()
        if moved.completed is not None:
            self._arrived = moved.completed
        if moved.remaining is not None or self._expected is None:
            self._expected = max(self._expected or 0, sum(count or 0 for count in counts)) or None

    def _opened(self, abort: Callable[[], None]) -> None:
        self._abort = abort

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Counts are written, and a Cancel is noticed, while the archive keeps the other thread waiting."""
        with meanwhile.again(self._watch, _LOOK_S, "watch"):
            yield
        if self._superseded:
            raise Superseded

    def _watch(self) -> None:
        try:
            self._look()
        except SQLAlchemyError:
            log.warning("bring=%s its progress could not be written", self._claim.fetch_id)
        self._gave_up = self._gave_up or self._is_silent()
        if self._cancelled or self._superseded or self._gave_up:
            self._abort()

    def _look(self) -> None:
        try:
            with self._parts.records.write() as session:
                self._claim.write(session, self._counts())
                self._cancelled = self._cancelled or self._claim.cancelled(session)
        except Superseded:
            self._superseded = True

    def finish(self, outcome: Outcome, reason: Reason | None, seconds: float) -> bool:
        """Write the end, and the one line about it in the log; False if it is wanted again after Cancel."""
        with self._parts.records.write() as session:
            again = outcome is Outcome.CANCELLED and self._claim.wanted_again(session, self._parts.now)
            if again:
                return False
            self._claim.write(session, self._counts() | as_ended(outcome, reason, self._parts.now, seconds))
        log.info(
            "bring=%s source=%s outcome=%s reason=%s expected=%s arrived=%d attempt=%d seconds=%.2f",
            self._claim.fetch_id,
            self._claim.source,
            outcome,
            reason.code if reason else "-",
            self._expected,
            self._arrived,
            self._claim.attempt,
            seconds,
        )
        return True

    def _counts(self) -> dict[str, object]:
        moved = {} if self._moved_at is None else {"moved_at": self._moved_at}
        return {
            "beat_at": self._parts.now,
            "expected": self._expected,
            "arrived": self._arrived,
            "reason": Reason.LINES_TAKEN.code if self._waits else None,
            **moved,
        }


def _count(answer: Held) -> int | None:
    """How many images the viewer's archive has; None where it does not say."""
    return {Holding.HELD: answer.instances, Holding.ABSENT: 0}.get(answer.holding)


def _with_patience(source: Source) -> Source:
    """The same source, given more time between its messages than we wait for anything to come of it."""
    times = source.timeouts
    longest = _SILENCE_S + _AFTER_US_S
    return replace(source, timeouts=replace(times, message=longest, network=longest))
