"""Where one study's fetch stands, computed from what is stored and the clock. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from fetch.reasons import Reason, Trouble
from preview.claim import SILENT
from preview.records import Outcome

Milestones = tuple[tuple[str, str], ...]
"""What is worth being read aloud, by what it is about: a card's key, or "answers"."""


@dataclass(frozen=True)
class FetchFacts:
    """One fetch as the database has it."""

    wanted_at: datetime
    begun_at: datetime | None = field(repr=False)
    beat_at: datetime | None = field(repr=False)
    """Not in the mark of the page: every beat would look like news."""
    finished_at: datetime | None
    outcome: Outcome | None
    reason: Reason | None
    reference: str
    expected: int | None
    arrived: int
    withheld: int
    ahead: int = 0
    cancelling: bool = False
    moved_at: datetime | None = field(default=None, repr=False)
    """When something last arrived. What follows from it is in the progress."""
    attended: bool = field(default=True, repr=False)
    """Is any worker at work? What follows from it is in the status."""


PATIENCE = timedelta(seconds=45)
"""How long a wish may wait before it is said that nobody works."""


class Status(StrEnum):
    """Where one study stands; each has its own sentence and its own next step."""

    NOT_FETCHED = "not-fetched"
    WAITING = "waiting"
    UNATTENDED = "unattended"
    """It has waited long, and no worker does anything."""
    PAUSED = "paused"
    RUNNING = "running"
    STALLED = "stalled"
    COMPLETE = "complete"
    GROWN = "grown"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    FAILED_SETUP = "failed-setup"
    CANCELLED = "cancelled"

    @property
    def live(self) -> bool:
        return self in _LIVE


_LIVE = frozenset({Status.WAITING, Status.UNATTENDED, Status.PAUSED, Status.RUNNING, Status.STALLED})


@dataclass(frozen=True)
class Progress:
    """An errand as it is said: ``left`` is in seconds, rounded, None when it cannot be told."""

    status: Status
    fetch: FetchFacts | None = None
    left: int | None = None
    quiet: int | None = None
    """For so many seconds nothing has arrived; None while that is nothing to speak of."""


def progress_of(fetch: FetchFacts | None, bell: bool, now: datetime) -> Progress:
    """How a fetch is said, from what is stored and the clock: nobody ever writes that it stalled."""
    if fetch is None:
        return Progress(Status.NOT_FETCHED)
    if fetch.outcome is not None:
        return Progress(_ended(fetch), fetch)
    if fetch.beat_at is not None and now - fetch.beat_at <= SILENT:
        quiet = _quiet(fetch, now)
        return Progress(Status.RUNNING, fetch, None if quiet else _seconds_left(fetch, now), quiet)
    if not bell:
        return Progress(Status.PAUSED, fetch)
    if fetch.beat_at is not None:
        return Progress(Status.STALLED, fetch)
    unattended = not fetch.attended and now - fetch.wanted_at > PATIENCE
    return Progress(Status.UNATTENDED if unattended else Status.WAITING, fetch)


def _ended(fetch: FetchFacts) -> Status:
    if fetch.outcome is Outcome.FAILED:
        needs_admin = fetch.reason is not None and fetch.reason.trouble in (Trouble.SETUP, Trouble.REQUEST)
        return Status.FAILED_SETUP if needs_admin else Status.FAILED
    return {
        Outcome.COMPLETE: Status.COMPLETE,
        Outcome.INCOMPLETE: Status.INCOMPLETE,
        Outcome.CANCELLED: Status.CANCELLED,
    }[fetch.outcome or Outcome.INCOMPLETE]


def _quiet(fetch: FetchFacts, now: datetime) -> int | None:
    """In steps of ten seconds, from the first ten on."""
    last = fetch.moved_at or fetch.begun_at
    steps = int((now - last).total_seconds()) // 10 if last else 0
    return 10 * steps or None


def _seconds_left(fetch: FetchFacts, now: datetime) -> int | None:
    """From the mean speed so far; in steps of ten seconds, so that it does not flicker."""
    if fetch.begun_at is None or not fetch.expected or fetch.arrived < 5:
        return None
    spent = (now - fetch.begun_at).total_seconds()
    left = spent / fetch.arrived * max(0, fetch.expected - fetch.arrived)
    return max(10, round(left / 10) * 10)


def milestone(progress: Progress) -> str:
    """What is worth being read aloud: each quarter, and the end."""
    fetch = progress.fetch
    if progress.status is not Status.RUNNING or fetch is None or not fetch.expected:
        return progress.status
    return f"{progress.status} {min(3, 4 * fetch.arrived // fetch.expected)}"


def marked(view: object) -> str:
    """The mark a poll sends back: equal marks mean that there is nothing new to show."""
    return blake2b(repr(view).encode(), digest_size=8).hexdigest()


def pace(since: datetime | None, now: datetime) -> int:
    """One second at first, then slower: whoever has just asked is watching."""
    waited = now - since if since else timedelta(minutes=5)
    if waited < timedelta(seconds=10):
        return 1
    return 2 if waited < timedelta(minutes=1) else 5
