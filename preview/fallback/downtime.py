"""The downtime log after recovery: rows of the paper, entered as they were written, and settled by staff."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from fetch.records import touched
from preview.fallback.log_form import Column, columns
from preview.fallback.reconciliation import Period
from preview.fallback.records import DowntimeRow


def written_columns() -> tuple[Column, ...]:
    """What is copied from the paper, word for word, besides the time."""
    return tuple(column for column in columns() if column.longest and column.key != "time")


def read_row(form: Mapping[str, str]) -> dict[str, str]:
    """What was typed, printable and no longer than it may be."""
    return {
        column.key: "".join(filter(str.isprintable, form.get(column.key, ""))).strip()[: column.longest]
        for column in written_columns()
    }


def lacking(row: Mapping[str, str]) -> list[str]:
    """Two identifiers, always: a row without them could later be taken for somebody else's."""
    needed = ("patient_name", "study")
    labels = {column.key: column.label for column in written_columns()}
    missing = [labels[key] for key in needed if not row[key]]
    if not row["birth_date_text"] and not row["patient_id"]:
        missing += [labels["birth_date_text"], labels["patient_id"]]
    return missing


def entered(session: Session, period: Period) -> Sequence[DowntimeRow]:
    """The rows of the period, and older ones that nobody has settled; open ones first."""
    within = (DowntimeRow.time >= period.start) & (DowntimeRow.time <= period.end)
    unsettled = DowntimeRow.settled_at.is_(None)
    rows = select(DowntimeRow).where(or_(within, unsettled))
    return session.scalars(rows.order_by(unsettled.desc(), DowntimeRow.time, DowntimeRow.id)).all()


def settle(session: Session, row: int, person: str, now: datetime) -> bool:
    """Nothing of it is open any more; whoever says so first stands for it."""
    open_ = (DowntimeRow.id == row) & DowntimeRow.settled_at.is_(None)
    settled = update(DowntimeRow).where(open_).values(settled_at=now, settled_by=person)
    return bool(touched(session.execute(settled)))
