"""Reads the pictures of a study from the database: its posters, and every strip of the study page."""

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import BindParameter, bindparam, func, select
from sqlalchemy.orm import Session

from fetch.records import PartRow, StudyRow
from preview.errands.progress import THUMBNAIL
from preview.page import Mark, Picture, Poster, Strip
from preview.records import Arrival, InstanceRow, SeriesRow
from preview.shelf import Place, picture_key
from preview.studies.selections import Marked, marked, standing_frame
from preview.studies.slices import BY_NUMBER, as_shown, position

_ON_SHELF = (Arrival.PICTURE, Arrival.CARD)
_Said = Mapping[tuple[int, str], Marked]
_BY_NUMBER = (SeriesRow.number.is_(None), SeriesRow.number, SeriesRow.id)

_FEWEST, _FEW = 3, 6
"""A card has at least so many pictures, where a study with few series has them, and at most so many."""
_VIEWED = frozenset({"CR", "DX", "MG", "RG", "IO", "PX"})
"""Radiographs: each image of a series is a view of its own (PS3.3 C.7.3.1.1.1)."""

# Put together once, not for every page.
_OF_STUDIES: BindParameter[int] = bindparam("studies", expanding=True)
_SERIES = select(SeriesRow).where(SeriesRow.study_row.in_(_OF_STUDIES)).order_by(*_BY_NUMBER)
_STANDING = select(InstanceRow).where(
    InstanceRow.study_row.in_(_OF_STUDIES), InstanceRow.poster, InstanceRow.arrival.in_(_ON_SHELF)
)
_VIEWS = (
    select(InstanceRow)
    .join(SeriesRow, SeriesRow.id == InstanceRow.series_row)
    .where(InstanceRow.study_row.in_(_OF_STUDIES), SeriesRow.expected.between(2, _FEW))
    .where(InstanceRow.arrival.in_(_ON_SHELF))
    .order_by(*BY_NUMBER)
)


def posters(session: Session, studies: Sequence[StudyRow]) -> dict[int, tuple[Poster, ...]]:
    """One picture a series: its poster, or until that is there the first that is; by the study's row."""
    ids = [study.id for study in studies]
    if not ids:
        return {}
    series = session.scalars(_SERIES, {"studies": ids}).all()
    shown = {row.series_row: row for row in session.scalars(_STANDING, {"studies": ids})}
    shown |= _first_of(session, [row.id for row in series if row.id not in shown])
    keys, said = {study.id: study for study in studies}, marked(session, ids)
    found: dict[int, tuple[Poster, ...]] = defaultdict(tuple)
    for row in series:
        found[row.study_row] += (_poster(keys[row.study_row], row, shown.get(row.id), said),)
    return found


def views(
    session: Session, studies: Sequence[StudyRow], found: Mapping[int, tuple[Poster, ...]]
) -> dict[int, tuple[Poster, ...]]:
    """The same posters, and where there are few, every image of a series of a few: both views of a chest.

    Slices are no views, and what a note rejects is none to be shown beside others.
    """
    few = {study.id: study for study in studies if _may_have_views(found.get(study.id, ()))}
    if not few:
        return dict(found)
    series = {row.id: row for row in session.scalars(_SERIES, {"studies": list(few)})}
    drawn: dict[int | None, list[InstanceRow]] = defaultdict(list)
    for row in session.scalars(_VIEWS, {"studies": list(few)}):
        drawn[row.series_row].append(row)
    said = marked(session, few)
    more: dict[int, tuple[Poster, ...]] = {}
    for study in few.values():
        each = (
            _views(study, series[one.series_id], one, drawn[one.series_id], said) for one in found[study.id]
        )
        more[study.id] = tuple(poster for some in each for poster in some)[:_FEW]
    return {**found, **more}


def _may_have_views(posters: Sequence[Poster]) -> bool:
    return len(posters) < _FEWEST and any(poster.modality in _VIEWED for poster in posters)


def _views(
    study: StudyRow, series: SeriesRow, poster: Poster, drawn: Sequence[InstanceRow], said: _Said
) -> Iterator[Poster]:
    if series.modality not in _VIEWED or len(drawn) < 2 or len(drawn) != series.expected:
        yield poster
        return
    for place, row in enumerate(as_shown(series, drawn), start=1):
        one = replace(_poster(study, series, row, said), position=place)
        if one.mark and one.mark.rejected and one.picture != poster.picture:
            continue
        yield one if one.picture == poster.picture else replace(one, instance=row.id)


def _first_of(session: Session, series: Sequence[int]) -> dict[int | None, InstanceRow]:
    """The first picture that is there of each series."""
    if not series:
        return {}
    theirs = InstanceRow.series_row.in_(series) & InstanceRow.arrival.in_(_ON_SHELF)
    first = select(func.min(InstanceRow.id)).where(theirs).group_by(InstanceRow.series_row)
    rows = session.scalars(select(InstanceRow).where(InstanceRow.id.in_(first)))
    return {row.series_row: row for row in rows}


def part_posters(session: Session, study: StudyRow, part: PartRow) -> tuple[Poster, ...]:
    """Pictures of the images that name somebody else than their study does: for staff, who decide."""
    theirs = (InstanceRow.part_row == part.id) & (InstanceRow.frame_count > 0)
    rows = session.scalars(select(InstanceRow).where(theirs).order_by(*BY_NUMBER).limit(_MOST_OF_A_PART))
    return tuple(_set_aside(study, row) for row in rows)


def _set_aside(study: StudyRow, row: InstanceRow) -> Poster:
    frame = row.poster_frame or min(row.frames, default=1)
    return Poster(
        series=row.aside.get("series_uid", ""),
        modality=row.aside.get("modality", ""),
        description=row.aside.get("description", ""),
        number=row.aside.get("number"),
        count=None,
        picture=_path(study, row, frame),
        position=row.number or 0,
        series_id=row.id,
        frames=len(row.frames),
        frame_count=row.frame_count,
    )


_MOST_OF_A_PART = 24


def _poster(study: StudyRow, series: SeriesRow, instance: InstanceRow | None, said: _Said) -> Poster:
    about = said.get((study.id, instance.instance_uid)) if instance else None
    frame = standing_frame(instance, about) if instance else 1
    return Poster(
        series=series.series_uid,
        modality=series.modality,
        description=series.description,
        number=series.number,
        count=series.expected,
        picture=_path(study, instance, frame) if instance else "",
        position=_position(series, instance),
        series_id=series.id,
        frames=len(instance.frames) if instance else 0,
        frame_count=instance.frame_count if instance else 0,
        mark=_mark(about, instance, frame),
    )


def _mark(about: Marked | None, instance: InstanceRow | None, frame: int) -> Mark | None:
    said = about is not None and instance is not None and about.means(instance, frame)
    return Mark(about.titles, about.rejected) if about and said else None


def _position(series: SeriesRow, instance: InstanceRow | None) -> int:
    """Where the picture stands in its series; until that is known, a poster is the middle of the list."""
    if instance is not None and not instance.poster and instance.number is not None:
        return instance.number
    return series.poster_position or (series.expected or 0) // 2 + 1


_LARGEST_KEY = 2**31
"""PostgreSQL refuses the question for a larger one."""


def _path(study: StudyRow, instance: InstanceRow, frame: int, size: int = THUMBNAIL) -> str:
    return str(Place(instance.folder or study.key, picture_key(instance.instance_uid), frame, size))


def strips(session: Session, study: StudyRow, only: int | None = None) -> tuple[Strip, ...]:
    """Every series, or ``only`` this one (its row), with every picture that is drawn of it."""
    if only is not None and not 0 < only < _LARGEST_KEY:
        return ()
    instances: dict[int | None, list[InstanceRow]] = defaultdict(list)
    wanted = InstanceRow.study_row == study.id
    if only is not None:
        wanted &= InstanceRow.series_row == only
    for instance in session.scalars(select(InstanceRow).where(wanted).order_by(*BY_NUMBER)):
        instances[instance.series_row].append(instance)
    said = marked(session, [study.id])
    series = session.scalars(_SERIES, {"studies": [study.id]})
    rows = [row for row in series if only in (None, row.id)]
    return tuple(_strip(study, row, as_shown(row, instances[row.id]), said) for row in rows)


def _strip(study: StudyRow, series: SeriesRow, shown: Sequence[InstanceRow], said: _Said) -> Strip:
    """What is drawn of the series; each image is numbered among all that are listed, also missing ones."""
    pictures = tuple(
        _picture(study, instance, frame, position(series, shown, index), said)
        for index, instance in enumerate(shown)
        if instance.arrival in _ON_SHELF
        for frame in instance.frames
    )
    return Strip(
        series_id=series.id,
        number=series.number,
        modality=series.modality,
        description=series.description,
        expected=series.expected,
        pictures=pictures,
        series_uid=series.series_uid,
        poster=_standing(shown, pictures, said, study.id),
    )


def _standing(
    shown: Sequence[InstanceRow], pictures: Sequence[Picture], said: _Said, study: int
) -> Picture | None:
    """The picture that ``posters`` shows of this series too."""
    drawn = [row for row in shown if row.arrival in _ON_SHELF and row.frames]
    if not drawn:
        return None
    row = min(drawn, key=lambda row: (not row.poster, row.id))
    frame = standing_frame(row, said.get((study, row.instance_uid)))
    return next((one for one in pictures if (one.instance, one.frame) == (row.id, frame)), None)


def _picture(study: StudyRow, instance: InstanceRow, frame: int, place: int, said: _Said) -> Picture:
    largest = max(instance.sizes, default=THUMBNAIL)
    about = said.get((study.id, instance.instance_uid))
    return Picture(
        instance=instance.id,
        frame=frame,
        path=_path(study, instance, frame),
        position=place,
        card=instance.arrival is Arrival.CARD,
        reason=instance.reason,
        window=instance.window,
        enlarged=_path(study, instance, frame, largest) if largest > THUMBNAIL else "",
        instance_uid=instance.instance_uid,
        frame_count=instance.frame_count,
        largest=instance.largest,
        mark=_mark(about, instance, frame),
        title=instance.words.get("title", ""),
        lines=tuple(instance.words.get("lines", ())),
    )


def is_drawn(session: Session, study_row: int, instance: int | None) -> bool:
    """Is this an instance (its row) of the study of which something is drawn?"""
    can_be = instance is not None and 0 < instance < _LARGEST_KEY
    row = session.get(InstanceRow, instance) if can_be else None
    return row is not None and row.study_row == study_row and row.arrival in _ON_SHELF


def pixels(file: Path) -> tuple[int, int] | None:
    """Width and height of a PNG on the shelf (ISO/IEC 15948, 11.2.2), None if it is not there."""
    try:
        with file.open("rb") as png:
            head = png.read(24)
    except OSError:
        return None
    return struct.unpack(">II", head[16:24]) if len(head) == 24 else None
