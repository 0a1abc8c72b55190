"""Who is asking, and which patient they may see: a one-time code opens a context for one browser."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fetch.model import Patient
from fetch.records import touched
from preview.range import Preset, Span
from preview.records import ContextRow, Role

CODE_MINUTES = 15
"""How long a printed link may wait for its first click."""
LAUNCH_MINUTES = 2
"""How long the address that a launch leads to may wait: as long as somebody needs to press a button."""
STAFF = (Role.STAFF, Role.ADMIN)


@dataclass(frozen=True)
class Wish:
    """What is to be looked for; by default nothing special, in the last year."""

    span: Span | None = None
    accession: str = ""
    study_uid: str = ""

    def range(self, today: date) -> Span:
        """The named range; every date where one study is meant, however old it is."""
        if self.span:
            return self.span
        return (Preset.ALL if self.accession or self.study_uid else Preset.YEAR).span(today)


NO_WISH = Wish()


def prepare(
    session: Session,
    *,
    role: Role,
    patient: Patient | None,
    person: str,
    now: datetime,
    wish: Wish = NO_WISH,
    minutes: float = CODE_MINUTES,
) -> str:
    """Make a context and return the code that opens it once. Only staff and admin need no patient."""
    if patient is None and role not in STAFF:
        raise ValueError(f"a {role} needs a patient")
    code = secrets.token_urlsafe(24)
    start, end = wish.span or (None, None)
    context = ContextRow(
        role=role,
        person=person,
        code_hash=_hashed(code),
        made_at=now,
        ends_at=now + timedelta(minutes=minutes),
        start=start,
        end=end,
        accession=wish.accession,
        study_uid=wish.study_uid,
    )
    if patient is not None:
        context.patient = patient
    session.add(context)
    return code


def wish_of(context: ContextRow) -> Wish:
    """What the context was opened for."""
    span = (context.start, context.end) if context.start or context.end else None
    return Wish(span, context.accession, context.study_uid)


def is_for_somebody_else(session: Session, code: str, browser: str, now: datetime) -> bool:
    """Has another person than the code's opened something in this browser that is still open?"""
    person = session.scalar(select(ContextRow.person).where(ContextRow.code_hash == _hashed(code)))
    open_here = (ContextRow.session == browser) & (ContextRow.ends_at > now)
    others = select(ContextRow.key).where(open_here, ContextRow.person != person).limit(1)
    return person is not None and session.scalar(others) is not None


def redeem(session: Session, code: str, browser: str, *, now: datetime, hours: float) -> ContextRow | None:
    """Open the code's context for this browser; None if it was used, has ended, or never was."""
    unused = (ContextRow.code_hash == _hashed(code)) & (ContextRow.ends_at > now)
    key = session.scalar(select(ContextRow.key).where(unused))
    opened = {"code_hash": None, "session": browser, "ends_at": now + timedelta(hours=hours)}
    claimed = session.execute(update(ContextRow).where(ContextRow.key == key, unused).values(**opened))
    if not touched(claimed):
        return None
    return session.get(ContextRow, key, populate_existing=True)


def context(session: Session, key: str) -> ContextRow | None:
    """The context of this key, whoever opened it."""
    readable = key.isalnum()  # PostgreSQL would refuse the question for a key with a NUL
    return session.get(ContextRow, key) if readable else None


def is_open(context: ContextRow, browser: str | None, now: datetime) -> bool:
    """Did this browser open it, and has it not ended?"""
    return bool(browser) and context.session == browser and context.ends_at > now


def staff_context(session: Session, browser: str | None, now: datetime) -> ContextRow | None:
    """The newest context in which this browser's user is staff."""
    mine = (ContextRow.session == browser) & (ContextRow.ends_at > now) & ContextRow.role.in_(STAFF)
    newest = select(ContextRow).where(mine).order_by(ContextRow.made_at.desc()).limit(1)
    return session.scalar(newest) if browser else None


def newest_context(session: Session, browser: str | None, now: datetime) -> ContextRow | None:
    """Whatever this browser's user opened last and has still open."""
    mine = (ContextRow.session == browser) & (ContextRow.ends_at > now)
    newest = select(ContextRow).where(mine).order_by(ContextRow.made_at.desc()).limit(1)
    return session.scalar(newest) if browser else None


def _hashed(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
