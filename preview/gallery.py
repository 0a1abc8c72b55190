"""Reads the pictures of a study from the database: its posters, and every strip of the study page."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fetch.records import StudyRow
from preview.page import Picture, Poster, Strip
from preview.progress import THUMBNAIL
from preview.records import Arrival, InstanceRow, SeriesRow
from preview.shelf import Place, picture_key


def posters(session: Session, study: StudyRow) -> tuple[Poster, ...]:
    """One picture a series: its poster, or until that is there the first that is."""
    series = session.scalars(
        select(SeriesRow)
        .where(SeriesRow.study_row == study.id)
        .order_by(SeriesRow.number.is_(None), SeriesRow.number, SeriesRow.id)
    )
    ready = (InstanceRow.study_row == study.id) & InstanceRow.arrival.in_(_ON_SHELF)
    first = select(func.min(InstanceRow.id)).where(ready).group_by(InstanceRow.series_row)
    standing = select(InstanceRow).where(ready, InstanceRow.poster | InstanceRow.id.in_(first))
    shown = {row.series_row: row for row in session.scalars(standing.order_by(InstanceRow.poster))}
    return tuple(_poster(study, row, shown.get(row.id)) for row in series)


def _poster(study: StudyRow, series: SeriesRow, instance: InstanceRow | None) -> Poster:
    return Poster(
        series=series.series_uid,
        modality=series.modality,
        description=series.description,
        number=series.number,
        count=series.expected,
        picture=_path(study, instance, _middle(instance.frames)) if instance else "",
        position=_position(series, instance),
        series_id=series.id,
        frames=len(instance.frames) if instance else 0,
        frame_count=instance.frame_count if instance else 0,
    )


def _position(series: SeriesRow, instance: InstanceRow | None) -> int:
    """Where the picture stands in its series; a poster is the middle of the list, whatever the numbers."""
    if instance is not None and not instance.poster and instance.number is not None:
        return instance.number
    return (series.expected or 0) // 2 + 1


_ON_SHELF = (Arrival.PICTURE, Arrival.CARD)


def _middle(frames: Sequence[int]) -> int:
    return frames[len(frames) // 2] if frames else 1


def _path(study: StudyRow, instance: InstanceRow, frame: int, size: int = THUMBNAIL) -> str:
    return str(Place(study.key, picture_key(instance.instance_uid), frame, size))


def strips(session: Session, study: StudyRow) -> tuple[Strip, ...]:
    """Every series with every picture that is drawn of it."""
    instances: dict[int | None, list[InstanceRow]] = defaultdict(list)
    everything = select(InstanceRow).where(InstanceRow.study_row == study.id)
    ordered = everything.order_by(InstanceRow.number.is_(None), InstanceRow.number, InstanceRow.instance_uid)
    for instance in session.scalars(ordered):
        instances[instance.series_row].append(instance)
    series = session.scalars(
        select(SeriesRow)
        .where(SeriesRow.study_row == study.id)
        .order_by(SeriesRow.number.is_(None), SeriesRow.number, SeriesRow.id)
    )
    return tuple(_strip(study, row, instances[row.id]) for row in series)


def _strip(study: StudyRow, series: SeriesRow, instances: Sequence[InstanceRow]) -> Strip:
    """What is drawn of the series; each image is numbered among all that are listed, also missing ones."""
    return Strip(
        series_id=series.id,
        number=series.number,
        modality=series.modality,
        description=series.description,
        expected=series.expected,
        pictures=tuple(
            _picture(study, instance, frame, position)
            for position, instance in enumerate(instances, 1)
            if instance.arrival in _ON_SHELF
            for frame in instance.frames
        ),
        series_uid=series.series_uid,
    )


def _picture(study: StudyRow, instance: InstanceRow, frame: int, position: int) -> Picture:
    largest = max(instance.sizes, default=THUMBNAIL)
    return Picture(
        instance=instance.id,
        frame=frame,
        path=_path(study, instance, frame),
        position=position,
        card=instance.arrival is Arrival.CARD,
        reason=instance.reason,
        window=instance.window,
        enlarged=_path(study, instance, frame, largest) if largest > THUMBNAIL else "",
        instance_uid=instance.instance_uid,
        frame_count=instance.frame_count,
    )
