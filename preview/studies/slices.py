"""In which order the instances of a series are shown, the same wherever anybody steps through them."""

from collections.abc import Sequence

from preview.pictures.order import in_order
from preview.pictures.place import Place
from preview.records import InstanceRow, SeriesRow

BY_NUMBER = (InstanceRow.number.is_(None), InstanceRow.number, InstanceRow.instance_uid)
"""What rows have to be read by before they are given to anything here."""


def place_of(row: InstanceRow) -> Place | None:
    if row.place is None or len(row.axis) != 3:
        return None
    return Place(row.place, (row.axis[0], row.axis[1], row.axis[2]))


def as_shown(series: SeriesRow, rows: Sequence[InstanceRow]) -> list[InstanceRow]:
    """All rows of the series as a reader expects them; by number as long as some have not come yet."""
    places = [place_of(row) for row in rows]
    return list(rows) if _is_partly(series, rows) else [rows[index] for index in in_order(places)]


def position(series: SeriesRow, rows: Sequence[InstanceRow], index: int) -> int:
    """Where this one of the rows as they are shown stands in its series, from 1, also among missing ones.

    While fewer are listed than the series has, only an image's own number says where it stands.
    """
    return (rows[index].number if _is_partly(series, rows) else None) or index + 1


def _is_partly(series: SeriesRow, rows: Sequence[InstanceRow]) -> bool:
    return series.expected is not None and len(rows) < series.expected
