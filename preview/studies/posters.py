"""Which picture stands for a series, once it is known what there is to choose from."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from preview.pictures.order import standing
from preview.records import Arrival, InstanceRow, SeriesRow
from preview.studies import selections
from preview.studies.slices import BY_NUMBER, as_shown, place_of, position

_KEPT = (Arrival.PICTURE, Arrival.CARD)


def choose(session: Session, study_row: int, *, over: bool) -> None:
    """Choose for every series of a study: a key image, else the middle of where its slices lie.

    Whoever watches sees the poster change once at most: as long as more is to come, the middle of the list
    stays. ``over``: nothing more is to come, so that a series with gaps is judged by what is here.
    """
    marked = selections.marked(session, [study_row])
    rejected = {uid: one.rejected for (_, uid), one in marked.items()}
    by_series: dict[int | None, list[InstanceRow]] = defaultdict(list)
    theirs = select(InstanceRow).where(InstanceRow.study_row == study_row).order_by(*BY_NUMBER)
    for row in session.scalars(theirs):
        by_series[row.series_row].append(row)
    for series in session.scalars(select(SeriesRow).where(SeriesRow.study_row == study_row)):
        shown = as_shown(series, by_series[series.id])
        chosen = next((row for row in shown if _is_key(row, rejected)), None)
        if chosen is None and (over or _is_complete(series, shown)):
            chosen = _middle(by_series[series.id], rejected)
        if chosen is not None:
            _stand(series, shown, chosen)


def _is_key(row: InstanceRow, rejected: Mapping[str, bool]) -> bool:
    return row.arrival is Arrival.PICTURE and rejected.get(row.instance_uid) is False


def _is_complete(series: SeriesRow, rows: Sequence[InstanceRow]) -> bool:
    kept = sum(row.arrival in _KEPT for row in rows)
    return series.expected is not None and kept == len(rows) >= series.expected


def _middle(rows: Sequence[InstanceRow], rejected: Mapping[str, bool]) -> InstanceRow | None:
    """Of what is drawn rather than of cards, and of what nobody rejected, as far as there is any."""
    kept = [row for row in rows if row.arrival in _KEPT]
    pictures = [row for row in kept if row.arrival is Arrival.PICTURE]
    good = [row for row in pictures if not rejected.get(row.instance_uid)]
    among = good or pictures or kept
    if not among:
        return None
    most = max(row.detail or 0.0 for row in among)
    details = [most if row.detail is None else row.detail for row in among]
    return among[standing([place_of(row) for row in among], details)]


def _stand(series: SeriesRow, shown: Sequence[InstanceRow], chosen: InstanceRow) -> None:
    for row in shown:
        if row.poster != (row is chosen):
            row.poster = row is chosen
    series.poster_position = position(series, shown, shown.index(chosen))
