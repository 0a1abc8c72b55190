"""Where one study's fetch stands, computed from what is stored and the clock. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from fetch.reasons import Reason, Trouble
from preview.errands.claim import SILENT
from preview.errands.patience import AFTER_RECOVERY
from preview.page.log import LogLine
from preview.records import Outcome, Scope

Milestones = tuple[tuple[str, str], ...]
"""What is worth being read aloud, by what it is about: a card's key, or "answers"."""


@dataclass(frozen=True)
class Gap:
    """One series of which images lack."""

    number: int | None
    lacks: int
    description: str = ""
    peeked: bool = False
    """Is its one picture here, and nothing else of it?"""


@dataclass(frozen=True)
class HeldUp:
    """The archive that is to send cannot be asked, ``since`` then."""

    since: datetime
    paused: bool = False
    """Staff have it left alone."""


@dataclass(frozen=True)
class Canceller:
    """Who pressed Cancel, as the reader is told."""

    is_reader: bool
    """In this very opening, not only under the same login."""
    person: str = ""
    """"" where nobody is named: another login is named only to staff."""


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
    scope: Scope = Scope.ALL
    tries: int = 0
    """How often it was tried and failed for now."""
    next_try_at: datetime | None = None
    """It failed for now, and rests until then."""
    failed_at: datetime | None = None
    """When its last try ended."""
    around: int | None = None
    """The instance around which images are enlarged."""
    gaps: tuple[Gap, ...] = ()
    """The series that lack images, as far as they are listed."""
    unsent: int = 0
    """So many images the archive reported that it could not send."""
    log: tuple[LogLine, ...] = ()
    """What it noted of its own course, the last lines of it."""
    held_up: HeldUp | None = None
    brought: int | None = field(default=None, repr=False)
    """How many images came since ``begun_at``; None where nobody counted."""
    speed: float | None = field(default=None, repr=False)
    """Images a second that its archive usually brings. What follows from it is in the progress."""
    cancelled_by: Canceller | None = None
    usual_wait: int | None = None
    """Minutes within which such a fetch is usually taken up; None where that is not known, or over."""

    @property
    def kept(self) -> int:
        """How many images are here and shown."""
        return self.arrived - self.withheld

    @property
    def peeked(self) -> bool:
        """Are the first pictures here, and was nothing more fetched so far?"""
        return bool(self.gaps) and all(gap.peeked for gap in self.gaps)


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
    RESTING = "resting"
    """It failed for now, and is tried again by itself."""
    HELD_UP = "held-up"
    """It waits for its archive, which cannot be asked; when that is back, it goes on by itself."""
    COMPLETE = "complete"
    GROWN = "grown"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    FAILED_SETUP = "failed-setup"
    CANCELLED = "cancelled"
    PEEKING = "peeking"
    """Posters come, which nobody clicked for."""
    PEEKING_LATE = "peeking-late"
    """They are wanted, but at present nobody fetches them."""
    PEEKING_RESTING = "peeking-resting"
    POSTERS = "posters"
    """One picture a series is here, and nothing else was asked for."""
    POSTERS_FAILED = "posters-failed"

    @property
    def live(self) -> bool:
        """Will there be something new to say by itself?"""
        return self in _LIVE

    @property
    def about_posters(self) -> bool:
        """Has nobody asked for the study yet? Then it is said quietly."""
        return self in _ABOUT_POSTERS


_LIVE = frozenset(
    {
        *(Status.WAITING, Status.UNATTENDED, Status.PAUSED, Status.RUNNING, Status.STALLED, Status.RESTING),
        *(Status.HELD_UP, Status.PEEKING, Status.PEEKING_LATE, Status.PEEKING_RESTING),
    }
)
_ABOUT_POSTERS = frozenset(
    {
        *(Status.PEEKING, Status.PEEKING_LATE, Status.PEEKING_RESTING),
        *(Status.POSTERS, Status.POSTERS_FAILED),
    }
)


@dataclass(frozen=True)
class Slow:
    """How long as many images usually take, and how long it has taken so far; in seconds, rounded."""

    usual: int
    so_far: int


@dataclass(frozen=True)
class Progress:
    """An errand as it is said: ``left`` is in seconds, rounded, None when it cannot be told."""

    status: Status
    fetch: FetchFacts | None = None
    left: int | None = None
    quiet: int | None = None
    """For so many seconds nothing has arrived; None while that is nothing to speak of."""
    slow: Slow | None = None
    """It takes longer than usual, though the archive still sends."""
    more: int = 0
    """So many more images the archive has by now than it listed then; negative: fewer than came."""


def progress_of(fetch: FetchFacts | None, bell: bool, now: datetime) -> Progress:
    """How a fetch is said, from what is stored and the clock: nobody ever writes that it stalled."""
    if fetch is None:
        return Progress(Status.NOT_FETCHED)
    if fetch.scope is Scope.POSTERS:
        return Progress(_of_posters(fetch, bell, now), fetch)
    if fetch.outcome is not None:
        return Progress(_ended(fetch), fetch)
    status = _under_way(fetch, bell, now)
    if status is not Status.RUNNING:
        return Progress(status, fetch)
    quiet = _quiet(fetch, now)
    if quiet:
        return Progress(status, fetch, quiet=quiet)
    return Progress(status, fetch, _seconds_left(fetch, now), slow=_slow(fetch, now))


def _under_way(fetch: FetchFacts, bell: bool, now: datetime) -> Status:
    """One that has not ended. After its rest it waits like a new one, whatever beat before."""
    rests = fetch.next_try_at is not None and fetch.next_try_at > now
    beat = fetch.beat_at if fetch.next_try_at is None else None
    alive = beat is not None and now - beat <= SILENT
    if fetch.held_up is not None and not (alive and _came_since(fetch, fetch.held_up.since)):
        return Status.HELD_UP
    if alive:
        return Status.RUNNING
    if rests:
        return Status.RESTING
    if not bell:
        return Status.PAUSED
    if beat is not None:
        return Status.STALLED
    waits_since = max(fetch.wanted_at, fetch.next_try_at or fetch.wanted_at)
    unattended = not fetch.attended and now - waits_since > PATIENCE
    return Status.UNATTENDED if unattended else Status.WAITING


def _came_since(fetch: FetchFacts, since: datetime) -> bool:
    """Has anything come? Who only tries whether the archive is back does not fetch yet."""
    return fetch.moved_at is not None and fetch.moved_at > since


def comes_back(fetch: FetchFacts | None) -> bool:
    """Has it ended for a setting, and begins again by itself once that is right?"""
    if fetch is None or fetch.outcome not in (Outcome.FAILED, Outcome.INCOMPLETE):
        return False
    return fetch.scope is Scope.ALL and fetch.reason in AFTER_RECOVERY


def _of_posters(fetch: FetchFacts, bell: bool, now: datetime) -> Status:
    """A study of which nobody has asked for more than a first look; it may have no more than that."""
    if fetch.outcome is None:
        status = _under_way(fetch, bell, now)
        if status is Status.RESTING:
            return Status.PEEKING_RESTING
        return Status.PEEKING if status in (Status.WAITING, Status.RUNNING) else Status.PEEKING_LATE
    if fetch.outcome is Outcome.CANCELLED:  # a person has had a hand in it
        return Status.CANCELLED
    if fetch.outcome is Outcome.FAILED:
        return Status.POSTERS_FAILED
    if not fetch.kept:
        return Status.NOT_FETCHED
    whole = fetch.outcome is Outcome.COMPLETE and fetch.expected is not None and fetch.kept >= fetch.expected
    return Status.COMPLETE if whole else Status.POSTERS


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
    last = max((moment for moment in (fetch.moved_at, fetch.begun_at) if moment), default=None)
    steps = max(0, int((now - last).total_seconds())) // 10 if last else 0  # a clock may have been set back
    return 10 * steps or None


_ENOUGH = 5
"""So many images tell more of the speed than what is usual."""
_FEW = 20
"""Of a study of fewer objects what is usual tells nothing: they may be films, and take minutes."""
_MUCH_LONGER = 2
_A_MINUTE = 60


def _seconds_left(fetch: FetchFacts, now: datetime) -> int | None:
    """From the mean speed so far, at first from what is usual; in steps of ten seconds, not to flicker."""
    if fetch.begun_at is None or not fetch.expected:
        return None
    brought = fetch.arrived if fetch.brought is None else fetch.brought
    spent = (now - fetch.begun_at).total_seconds()
    if brought >= _ENOUGH and spent > 0:
        return _in_tens(max(0, fetch.expected - fetch.arrived) * spent / brought)
    usual = _usual(fetch)
    return _in_tens(usual - spent) if usual is not None and spent < usual else None


def _slow(fetch: FetchFacts, now: datetime) -> Slow | None:
    """Twice as long as usual, and a minute more: what is over soon is not worth a word."""
    usual = _usual(fetch)
    if fetch.begun_at is None or usual is None:
        return None
    so_far = (now - fetch.begun_at).total_seconds()
    if so_far < max(_MUCH_LONGER * usual, usual + _A_MINUTE):
        return None
    return Slow(_in_tens(usual), int(so_far // _A_MINUTE) * _A_MINUTE)


def _usual(fetch: FetchFacts) -> float | None:
    """How many seconds its archive usually takes for what this try was to bring."""
    if not fetch.speed or (fetch.expected or 0) < _FEW:
        return None
    before = 0 if fetch.brought is None else fetch.arrived - fetch.brought
    return max(0, (fetch.expected or 0) - before) / fetch.speed


def _in_tens(seconds: float) -> int:
    return max(10, round(seconds / 10) * 10)


def milestone(progress: Progress) -> str:
    """What is worth being read aloud: each quarter, and the end."""
    fetch = progress.fetch
    if progress.status.about_posters:
        return ""
    if progress.status is not Status.RUNNING or fetch is None or not fetch.expected:
        return progress.status
    return f"{progress.status} {min(3, 4 * fetch.arrived // fetch.expected)}"


def newest_wish(errands: Iterable[FetchFacts | None]) -> datetime | None:
    """When something was last wanted that is neither done nor resting."""
    waited_for = (errand for errand in errands if errand and not errand.finished_at)
    return max((one.wanted_at for one in waited_for if one.next_try_at is None), default=None)


def marked(view: object) -> str:
    """The mark a poll sends back: equal marks mean that there is nothing new to show."""
    return blake2b(repr(view).encode(), digest_size=8).hexdigest()


WATCH_S = 10
"""Seconds between two looks of a page on which only what staff decide will change anything."""


def pace(since: datetime | None, now: datetime) -> int:
    """One second at first, then slower: whoever has just asked is watching."""
    waited = now - since if since else timedelta(minutes=5)
    if waited < timedelta(seconds=10):
        return 1
    return 2 if waited < timedelta(minutes=1) else 5
