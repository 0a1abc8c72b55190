"""What a study holds: its series and instances, as planned and as drawn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from fetch.model import Plan, Received, Series
from fetch.records import StudyRow, insert_once, new_key
from preview.pictures.drawing import Drawn, Header
from preview.pictures.thumbnail import DrawingKind
from preview.records import Arrival, Errand, FetchRow, InstanceRow, SeriesRow

_LONGEST_UID = 64
"""What DICOM allows and a column holds: PostgreSQL would refuse every row of the batch for a longer one."""


def can_be_kept(instance_uid: str) -> bool:
    """PostgreSQL would refuse a text with a NUL too, and with it every other image of the batch."""
    return len(instance_uid) <= _LONGEST_UID and instance_uid.isprintable()


@dataclass(frozen=True)
class Taken:
    """One instance that arrived and was drawn, or has to be withheld."""

    received: Received
    drawn: Drawn
    withheld: bool


def reserve(session: Session, which: ColumnElement[bool]) -> Sequence[StudyRow]:
    """Wait until nobody else writes about these studies, and be the one who does until we commit.

    Whoever writes about studies does this before anything else, and in this order: two of which each holds
    what the other needs would wait until PostgreSQL ends one. SQLite has one writer anyway.
    """
    theirs = select(StudyRow).where(which).order_by(StudyRow.study_uid, StudyRow.source)
    held = theirs.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.scalars(held).all()


def forget(session: Session, study: StudyRow) -> None:
    """The study is said to be another patient's now: nothing that was drawn for the first may stay.

    Its new key makes every old picture unreachable, and whoever still draws for the old one is fenced out.
    """
    study.key = new_key()
    session.execute(delete(InstanceRow).where(InstanceRow.study_row == study.id))
    session.execute(delete(SeriesRow).where(SeriesRow.study_row == study.id))
    theirs = FetchRow.study_row == study.id
    # Nobody asked to send another patient's study to the viewer.
    over = FetchRow.finished_at.is_not(None) | (FetchRow.errand == Errand.BRING)
    session.execute(delete(FetchRow).where(theirs, over))
    nothing = {"arrived": 0, "drawn": 0, "withheld": 0}
    again = nothing | {"attempt": FetchRow.attempt + 1, "beat_at": None, "begun_at": None}
    session.execute(update(FetchRow).where(theirs).values(again))


def holds_strangers(session: Session, study_row: int) -> bool:
    """Were images of somebody else found in it?"""
    withheld = (InstanceRow.study_row == study_row) & (InstanceRow.arrival == Arrival.WITHHELD)
    return session.scalar(select(InstanceRow.id).where(withheld).limit(1)) is not None


def held(session: Session, study_row: int) -> dict[str, int]:
    """The instances of which something was put on the shelf, each with its first frame."""
    on_shelf = InstanceRow.arrival.in_((Arrival.PICTURE, Arrival.CARD))
    rows = session.scalars(select(InstanceRow).where(InstanceRow.study_row == study_row, on_shelf))
    return {row.instance_uid: min(row.frames, default=1) for row in rows}


def keep_plan(session: Session, study_row: int, plan: Plan, posters: frozenset[str]) -> None:
    """Note every series and instance that the archive lists."""
    for series in plan.series:
        row = _series(session, study_row, series.series_uid)
        row.number, row.modality = series.number, series.modality[:16]
        row.description, row.expected = series.description, series.expected
        session.flush()
        _keep_instances(session, row, series, posters)


def _keep_instances(session: Session, row: SeriesRow, series: Series, posters: frozenset[str]) -> None:
    rows = _instances(session, row.study_row, [i.instance_uid for i in series.instances])
    for instance in series.instances:
        kept = rows.get(instance.instance_uid)
        if kept is None:
            continue
        kept.series_row, kept.number = row.id, instance.number
        kept.poster = instance.instance_uid in posters


def keep_drawn(session: Session, study_row: int, batch: Sequence[Taken]) -> None:
    """Note what became of the instances of this batch."""
    rows = _instances(session, study_row, [taken.received.instance_uid for taken in batch])
    for taken in batch:
        if taken.received.instance_uid in rows:
            _describe(session, rows[taken.received.instance_uid], taken)


def _describe(session: Session, row: InstanceRow, taken: Taken) -> None:
    if taken.withheld:
        row.arrival = Arrival.WITHHELD
        return
    drawing = taken.drawn.drawing
    row.arrival = Arrival.CARD if drawing.kind is DrawingKind.CARD else Arrival.PICTURE
    row.frames = sorted({picture.frame for picture in drawing.pictures})
    row.sizes = sorted({picture.size for picture in drawing.pictures})
    row.frame_count = drawing.frames
    row.window, row.reason = drawing.window[:64], (drawing.reason or "")[:256]
    if taken.drawn.header is not None:
        _place_in_series(session, row, taken.drawn.header)


def _place_in_series(session: Session, row: InstanceRow, header: Header) -> None:
    """Learn from the image itself what the archive did not list."""
    if row.number is None:
        row.number = header.instance_number
    if row.series_row is not None:
        return
    series = _series(session, row.study_row, header.series_uid)
    series.number, series.modality = header.series_number, header.modality[:16]
    series.description = header.series_description
    session.flush()
    first = select(InstanceRow.id).where(InstanceRow.series_row == series.id, InstanceRow.poster)
    row.poster = session.scalar(first.limit(1)) is None
    row.series_row = series.id


def _series(session: Session, study_row: int, series_uid: str) -> SeriesRow:
    key = {"study_row": study_row, "series_uid": series_uid[:_LONGEST_UID]}
    insert_once(session, SeriesRow, key)
    return session.scalars(select(SeriesRow).filter_by(**key)).one()


def _instances(session: Session, study_row: int, uids: Iterable[str]) -> dict[str, InstanceRow]:
    """The rows of these instances, made where they are new; none for a UID that cannot be one."""
    kept = [uid for uid in uids if can_be_kept(uid)]
    insert_once(session, InstanceRow, *({"study_row": study_row, "instance_uid": uid} for uid in kept))
    these = (InstanceRow.study_row == study_row) & InstanceRow.instance_uid.in_(kept)
    return {row.instance_uid: row for row in session.scalars(select(InstanceRow).where(these))}
