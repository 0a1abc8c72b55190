"""Versions of the plan: saved by one person, approved by another; the newest approved one is shown."""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from fetch.records import insert_new, touched
from fetch.settings import App
from preview.fallback.fields import every_field
from preview.fallback.plan import Plan
from preview.fallback.records import PlanRow

LONGEST_REVIEW_DAYS = 731
"""A plan that is looked at less often than every two years is none."""


def cleaned(form: Mapping[str, str], helpdesk: str) -> dict[str, str]:
    """What was typed into each blank: printable, one line break at a time, no longer than it may be."""
    return {field.key: _clean(form.get(field.key, ""))[: field.longest] for field in every_field(helpdesk)}


def _clean(text: str) -> str:
    text = unicodedata.normalize("NFC", text)  # a letter and its mark as one, where there is such a one
    lines = ("".join(char for char in line if char.isprintable()).strip() for line in text.splitlines())
    return "\n".join(filter(None, lines))


def all_versions(session: Session) -> Sequence[PlanRow]:
    """Newest first."""
    return session.scalars(select(PlanRow).order_by(PlanRow.number.desc())).all()


def shown(session: Session) -> PlanRow | None:
    """What everybody sees: the newest approved version, or as long as there is none, the newest."""
    approved_first = (PlanRow.approved_at.is_(None), PlanRow.number.desc())
    return session.scalars(select(PlanRow).order_by(*approved_first).limit(1)).first()


def save(
    session: Session, based_on: int, texts: Mapping[str, str], review_due: date, person: str, now: datetime
) -> int | None:
    """The new version's number; None if somebody else has saved one since ``based_on``."""
    newest = session.scalar(select(func.max(PlanRow.number))) or 0
    row = {
        "number": newest + 1,
        "texts": dict(texts),
        "review_due": review_due,
        "author": person,
        "saved_at": now,
        "approved_by": "",
    }
    if newest != based_on or not insert_new(session, PlanRow, row):
        return None
    return newest + 1


def approve(session: Session, number: int, person: str, now: datetime) -> bool:
    """By somebody else than its author, once, and only while no newer version is there."""
    newest = select(func.max(PlanRow.number)).scalar_subquery()
    open_ = (PlanRow.number == number) & PlanRow.approved_at.is_(None) & (PlanRow.number == newest)
    row = session.scalar(select(PlanRow).where(open_))
    if row is None or not may_approve(row, person):
        return False
    values = {"approved_by": person, "approved_at": now}
    return bool(touched(session.execute(update(PlanRow).where(open_).values(**values))))


def may_approve(row: PlanRow, person: str) -> bool:
    """Is this certainly a second person? One whose name is not known may be the author again."""
    return bool(person.strip()) and person.strip().casefold() != row.author.strip().casefold()


def plan_of(app: App, row: PlanRow | None, approval: tuple[str, datetime] | None = None) -> Plan:
    """The plan of a version, the shipped one without; ``approval``: as it will be once it is approved."""
    if row is None:
        return Plan(app.site, app.helpdesk, {}, address=_address(app), font=app.fallback_font)
    person, moment = approval or (row.approved_by, row.approved_at)
    return Plan(
        site=app.site,
        helpdesk=app.helpdesk,
        texts=row.texts,
        version=row.number,
        author=row.author,
        approved_by=person,
        approved_on=_local(moment, app.zone) if moment else None,
        review_due=row.review_due,
        address=_address(app),
        font=app.fallback_font,
    )


def _address(app: App) -> str:
    return f"{app.url}/fallback"


def _local(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def changes(new: PlanRow, old: PlanRow | None, helpdesk: str) -> list[tuple[str, str, str]]:
    """What a version changes: the label, what stood there, what stands there now."""
    changed = []
    for field in every_field(helpdesk):
        was = old.texts.get(field.key, field.shipped) if old else field.shipped
        now = new.texts.get(field.key, field.shipped)
        if was != now:
            changed.append((field.label, was, now))
    return changed
