"""What is kept of the archives' health: one row for each, and one for each outage."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Enum, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fetch.records import Base


class Condition(StrEnum):
    """How a source was when it was last heard of."""

    UP = "UP"
    SLOW = "SLOW"
    PARTIAL = "PARTIAL"
    """It answers, but not everything that it is asked."""
    DOWN = "DOWN"
    """It cannot be asked at all."""


CONDITION = Enum(Condition, native_enum=False, length=16)


class HealthRow(Base):
    """What is known of one source. A row that nobody has written for long says nothing any more."""

    __tablename__ = "source_health"

    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    condition: Mapped[Condition | None] = mapped_column(CONDITION)
    """None until it was heard of for the first time."""
    since: Mapped[datetime | None]
    """Since when it is so."""
    first_at: Mapped[datetime | None]
    """When it was looked at for the first time."""
    slow_looks: Mapped[int] = mapped_column(default=0)
    """How many looks one after another were slow; of one that is slow, each that is not takes one off."""
    reason: Mapped[str | None] = mapped_column(String(32))
    checked_at: Mapped[datetime | None]
    """When a probe or a request last told how it is."""
    answered_at: Mapped[datetime | None]
    """When it last answered."""
    next_probe_at: Mapped[datetime]
    probing_until: Mapped[datetime | None]
    """Until then somebody's probe is under way; whoever died with it keeps nobody from the next."""
    trial: Mapped[str] = mapped_column(String(32), default="")
    """Whose request may find out whether a source that is down is back."""
    trial_until: Mapped[datetime | None]
    """Nobody else's goes through before then."""
    recent_s: Mapped[float | None]
    """How long its last answers took; and, over a longer time, how long they usually take."""
    usual_s: Mapped[float | None]
    paused_at: Mapped[datetime | None]
    """Since when staff have it left alone."""
    paused_by: Mapped[str] = mapped_column(String(256), default="")
    over_at: Mapped[datetime | None]
    """When its last outage ended."""
    woken: Mapped[int] = mapped_column(default=0)
    """How many fetches were started when it did."""


class OutageRow(Base):
    """From when to when a source was not well, and what that did."""

    __tablename__ = "outages"
    __table_args__ = (Index("ix_outages_source", "source", "began_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(32))
    condition: Mapped[Condition] = mapped_column(CONDITION)
    """The worst of it."""
    reason: Mapped[str | None] = mapped_column(String(32))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    asks: Mapped[int] = mapped_column(default=0)
    """How many questions it left unanswered; written when it ends, as is the next."""
    fetches: Mapped[int] = mapped_column(default=0)
    """How many errands had to wait for it."""
