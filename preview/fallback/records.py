"""What is kept in the database: versions of the plan, notices, and the rows of the downtime log."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, Enum, String
from sqlalchemy.orm import Mapped, mapped_column

from fetch.records import Base


class Urgency(StrEnum):
    """How a notice looks, and which goes first."""

    OUTAGE = "OUTAGE"
    WARNING = "WARNING"
    PLANNED = "PLANNED"
    """Planned work."""
    INFO = "INFO"


class PlanRow(Base):
    """One saved version; never changed but for its approval."""

    __tablename__ = "fallback_plans"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    texts: Mapped[dict[str, str]] = mapped_column(JSON)
    review_due: Mapped[date]
    author: Mapped[str] = mapped_column(String(256))
    saved_at: Mapped[datetime]
    approved_by: Mapped[str] = mapped_column(String(256), default="")
    approved_at: Mapped[datetime | None]


class NoticeRow(Base):
    """What staff tell everybody, from then to then."""

    __tablename__ = "notices"

    id: Mapped[int] = mapped_column(primary_key=True)
    urgency: Mapped[Urgency] = mapped_column(Enum(Urgency, native_enum=False, length=16))
    text: Mapped[str] = mapped_column(String(400))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    made_by: Mapped[str] = mapped_column(String(256), default="")
    made_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class DowntimeRow(Base):
    """One row of the paper log, as it was written; entered after recovery."""

    __tablename__ = "downtime_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    time: Mapped[datetime] = mapped_column(index=True)
    patient_name: Mapped[str] = mapped_column(String(324))
    birth_date_text: Mapped[str] = mapped_column(String(64))
    patient_id: Mapped[str] = mapped_column(String(64))
    issuer: Mapped[str] = mapped_column(String(64))
    study: Mapped[str] = mapped_column(String(200))
    holder: Mapped[str] = mapped_column(String(100))
    """From whom the study was wanted."""
    asked_by: Mapped[str] = mapped_column(String(100))
    urgency: Mapped[str] = mapped_column(String(40))
    solved: Mapped[str] = mapped_column(String(200))
    initials: Mapped[str] = mapped_column(String(16))
    entered_by: Mapped[str] = mapped_column(String(256))
    entered_at: Mapped[datetime]
    settled_by: Mapped[str] = mapped_column(String(256), default="")
    settled_at: Mapped[datetime | None]
    """When staff said that nothing of it is open any more."""
