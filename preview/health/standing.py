"""How a source stands, computed from what is stored and the clock. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from fetch.reasons import Reason
from fetch.settings import App
from preview.health.records import HealthRow


class State(StrEnum):
    """How a source is said to be."""

    UP = "up"
    SLOW = "slow"
    PARTIAL = "partial"
    DOWN = "down"
    PAUSED = "paused"
    NOT_CHECKED = "not-checked"
    """What is known is too old to be said, or nothing is."""


@dataclass(frozen=True)
class Standing:
    """One source as it is said."""

    source: str
    label: str
    state: State
    since: datetime | None = None
    """Since when it is so; of one that is not checked: when it last was."""
    first_at: datetime | None = None
    """When it was looked at for the first time, as far as that is known."""
    reason: Reason | None = None
    answered_at: datetime | None = None
    next_probe_at: datetime | None = None
    recent_s: float | None = None
    usual_s: float | None = None
    over_at: datetime | None = None
    woken: int = 0

    @property
    def is_asked(self) -> bool:
        """Is it worth asking?"""
        return self.state not in (State.DOWN, State.PAUSED)


def stale_after(app: App) -> timedelta:
    """Two probes that did not come: what was known before says nothing any more."""
    return timedelta(seconds=2 * app.probe_every)


def state_of(row: HealthRow | None, now: datetime, app: App) -> State:
    if row is None:
        return State.NOT_CHECKED
    if row.paused_at is not None:
        return State.PAUSED
    # also one that was checked in times to come: the clock was set back since
    if row.condition is None or row.checked_at is None or abs(now - row.checked_at) > stale_after(app):
        return State.NOT_CHECKED
    return State[row.condition.name]


def standing_of(source: str, label: str, row: HealthRow | None, now: datetime, app: App) -> Standing:
    state = state_of(row, now, app)
    if row is None:
        return Standing(source, label, state)
    told = state in (State.SLOW, State.PARTIAL, State.DOWN)
    return Standing(
        source=source,
        label=label,
        state=state,
        since={State.PAUSED: row.paused_at, State.NOT_CHECKED: row.checked_at}.get(state, row.since),
        first_at=row.first_at,
        reason=Reason.of(row.reason) if told else None,
        answered_at=row.answered_at,
        next_probe_at=None if state is State.PAUSED else row.next_probe_at,
        recent_s=row.recent_s,
        usual_s=row.usual_s,
        over_at=row.over_at,
        woken=row.woken,
    )
