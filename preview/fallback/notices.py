"""What staff tell everybody: a notice, or planned work, from then to then."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fetch.records import touched
from preview.fallback.records import NoticeRow, Urgency

LONGEST_TEXT = 400
LONGEST = timedelta(days=92)
"""Nobody reads what has stood there for a quarter of a year."""
_KEPT = timedelta(days=90)


def active_notices(session: Session, now: datetime) -> Sequence[NoticeRow]:
    """What stands on every page now, the most urgent first."""
    return active(not_over(session, now), now)


def not_over(session: Session, now: datetime) -> Sequence[NoticeRow]:
    """What stands on every page, or will."""
    valid = NoticeRow.withdrawn_at.is_(None) & (NoticeRow.ends_at > now)
    return session.scalars(select(NoticeRow).where(valid)).all()


def active(rows: Iterable[NoticeRow], now: datetime) -> Sequence[NoticeRow]:
    """Those of them that stand there now, the most urgent first."""
    shown = (row for row in rows if row.starts_at <= now < row.ends_at)
    return sorted(shown, key=lambda row: (list(Urgency).index(row.urgency), row.starts_at, row.id))


def listed(session: Session, now: datetime) -> Sequence[NoticeRow]:
    """What staff see: all that stand, will stand, or stood in the last months; the newest first."""
    recent = select(NoticeRow).where(NoticeRow.ends_at > now - _KEPT)
    return session.scalars(recent.order_by(NoticeRow.starts_at.desc(), NoticeRow.id.desc())).all()


def standing(notice: NoticeRow, now: datetime) -> str:
    """``shown``, ``to-come``, ``over`` or ``withdrawn``: computed, never stored."""
    if notice.withdrawn_at is not None:
        return "withdrawn"
    if notice.ends_at <= now:
        return "over"
    return "shown" if notice.starts_at <= now else "to-come"


def withdraw(session: Session, notice: int, now: datetime) -> bool:
    """Off every page at once; False if it was not to be seen any more."""
    open_ = (NoticeRow.id == notice) & NoticeRow.withdrawn_at.is_(None) & (NoticeRow.ends_at > now)
    return bool(touched(session.execute(update(NoticeRow).where(open_).values(withdrawn_at=now))))


def local_moment(typed: str, zone: ZoneInfo) -> datetime | None:
    """What a browser's field for date and time sends, in the site's zone; None if it is none."""
    try:
        moment = datetime.fromisoformat(typed)
        return moment.replace(tzinfo=zone).astimezone(UTC) if moment.tzinfo is None else None
    except (ValueError, OverflowError):
        return None


def one_line(typed: str) -> str:
    """Without line breaks and control characters: it is a sentence in a banner."""
    words = "".join(char if char.isprintable() else " " for char in typed).split()
    return " ".join(words)
