"""What every page says above everything else: which archive is not well, and what that means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from fetch.reasons import Reason, Trouble
from fetch.settings import Settings
from preview.fallback.notices import active
from preview.fallback.records import NoticeRow, Urgency
from preview.health import journal
from preview.health.records import HealthRow
from preview.health.standing import Standing, State, standing_of
from preview.once import once
from preview.page.status import Milestones, marked

POLL_S = 5
"""Seconds between two looks of a page that polls for nothing else."""
_SAID_AS_OVER = timedelta(seconds=30)


class Kind(StrEnum):
    """What there is to say; each has its own sentence."""

    DATABASE = "database"
    """Nothing can be looked up or kept. Also how the archives are is not known then."""
    QUEUE = "queue"
    """Redis cannot be reached, so nobody is told of anything new."""
    DISK = "disk"
    """There is no room for more pictures."""
    DOWN = "down"
    REFUSING = "refusing"
    """Down because somebody has to change a setting."""
    PAUSED = "paused"
    PARTIAL = "partial"
    SLOW = "slow"
    NOT_CHECKED = "not-checked"
    OVER = "over"

    @property
    def level(self) -> str:
        """How it looks."""
        if self in (Kind.DATABASE, Kind.DOWN, Kind.REFUSING):
            return "error"
        return "plain" if self in (Kind.SLOW, Kind.OVER) else "warning"

    @property
    def is_alarm(self) -> bool:
        """Is it said at once, whatever is being read aloud?"""
        return self not in (Kind.SLOW, Kind.OVER, Kind.NOT_CHECKED)


@dataclass(frozen=True)
class Item:
    """One of them. ``about``: what it is about, as a key."""

    about: str
    kind: Kind
    label: str = ""
    source: str = ""
    since: datetime | None = None
    minutes: int = 0
    reason: Reason | None = None
    next_check: datetime | None = None
    woken: int = 0
    well: tuple[str, ...] = ()
    """The archives that can be asked as usual."""


@dataclass(frozen=True)
class Notice:
    """What staff have written."""

    id: int
    urgency: Urgency
    text: str
    ends_at: datetime

    @property
    def about(self) -> str:
        return f"notice-{self.id}"


@dataclass(frozen=True)
class Banner:
    """All that stands above a page, ready for words."""

    items: tuple[Item, ...] = ()
    notices: tuple[Notice, ...] = ()

    @once
    def mark(self) -> str:
        return marked(self)

    @property
    def milestones(self) -> Milestones:
        """What is worth being read aloud, once for each time that it begins."""
        said = [(item.about, f"{item.kind} {item.since}") for item in self.items]
        return (*said, *((notice.about, notice.text) for notice in self.notices))


def without_database() -> Banner:
    """For pages that need none themselves."""
    return Banner((Item(str(Kind.DATABASE), Kind.DATABASE),))


def banner_of(
    standings: Sequence[Standing], notices: Iterable[Notice], now: datetime, *, bell: bool, room: bool
) -> Banner:
    """The worst first. ``bell``: can the queue be reached? ``room``: is there any for more pictures?"""
    well = tuple(one.label for one in standings if one.state in (State.UP, State.SLOW))
    items = [_item(one, kind, well, now) for one in standings if (kind := _kind(one, now))]
    ours = [Item(str(kind), kind) for kind, is_well in ((Kind.QUEUE, bell), (Kind.DISK, room)) if not is_well]
    return Banner((*ours, *sorted(items, key=lambda item: list(Kind).index(item.kind))), tuple(notices))


def _kind(one: Standing, now: datetime) -> Kind | None:
    if one.state is State.UP:
        over = one.over_at is not None and abs(now - one.over_at) < _SAID_AS_OVER
        return Kind.OVER if over else None
    if one.since is None:  # nobody has ever looked
        return None
    if one.state is State.DOWN and one.reason is not None and one.reason.trouble is Trouble.SETUP:
        return Kind.REFUSING
    return Kind(one.state.value)


def _item(one: Standing, kind: Kind, well: tuple[str, ...], now: datetime) -> Item:
    since = one.over_at if kind is Kind.OVER else one.since
    ill = kind in (Kind.DOWN, Kind.REFUSING, Kind.PARTIAL)
    lasts = ill or kind is Kind.PAUSED
    return Item(
        about=f"source-{one.source}",
        kind=kind,
        label=one.label,
        source=one.source,
        since=since,
        minutes=int((now - since).total_seconds() // 60) if since and lasts else 0,
        reason=one.reason if ill else None,
        next_check=one.next_probe_at if ill else None,
        woken=one.woken if kind is Kind.OVER else 0,
        well=well if lasts else (),
    )


def standings(session: Session, settings: Settings, now: datetime) -> list[Standing]:
    """Every source of the settings, in their order."""
    return standings_of(journal.rows_of(session), settings, now)


def standings_of(rows: Mapping[str, HealthRow], settings: Settings, now: datetime) -> list[Standing]:
    return [
        standing_of(source.name, source.label, rows.get(source.name), now, settings.app)
        for source in settings.sources
    ]


def notices(rows: Iterable[NoticeRow], now: datetime) -> list[Notice]:
    """What staff tell everybody now."""
    return [Notice(row.id, row.urgency, row.text, row.ends_at) for row in active(rows, now)]
