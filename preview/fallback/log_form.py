"""The downtime log: what one row of it holds, on paper and on the page where it is entered afterwards."""

from dataclasses import dataclass

from flask_babel import gettext as _

ROWS = 20
"""On one printed page."""


@dataclass(frozen=True)
class Column:
    """``width``: its share of a printed line. ``longest``: what may be entered."""

    key: str
    label: str
    width: float
    longest: int


def columns() -> tuple[Column, ...]:
    return (
        Column("time", _("Time"), 0.055, 32),
        Column("patient_name", _("Patient"), 0.15, 324),
        Column("birth_date_text", _("Born"), 0.075, 64),
        Column("patient_id", _("Id"), 0.085, 64),
        Column("issuer", _("Issued by"), 0.07, 64),
        Column("study", _("Study wanted"), 0.15, 200),
        Column("holder", _("From whom"), 0.09, 100),
        Column("asked_by", _("Asked by"), 0.085, 100),
        Column("urgency", _("Urgency"), 0.06, 40),
        Column("solved", _("How solved"), 0.09, 200),
        Column("initials", _("Initials"), 0.045, 16),
        Column("entered", _("Entered after"), 0.045, 0),
    )
