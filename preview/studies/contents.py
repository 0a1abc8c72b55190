"""What a study holds: its series and instances, as planned and as drawn."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, delete, select, update
from sqlalchemy.orm import Session

from fetch.model import Instance, Patient, Received, Series
from fetch.reasons import Reason
from fetch.records import PartRow, StudyRow, insert_once, new_key
from preview.matching import splitting
from preview.pictures.drawing import Drawn, Header
from preview.pictures.thumbnail import DrawingKind
from preview.records import Arrival, Errand, FetchRow, InstanceRow, SeriesRow
from preview.studies import selections

_LONGEST_UID = 64
"""What DICOM allows and a column holds: PostgreSQL would refuse every row of the batch for a longer one."""


_MOST_AT_ONCE = 500
"""Values of one statement: databases have a limit."""


def can_be_kept(instance_uid: str) -> bool:
    """PostgreSQL would refuse a text with a NUL too, and with it every other image of the batch."""
    return len(instance_uid) <= _LONGEST_UID and instance_uid.isprintable()


@dataclass(frozen=True)
class Taken:
    """One instance that arrived and was drawn, or has to be withheld.

    ``claimed``: whom its header names, where that is somebody else than the study does; ``issuer`` stands in
    where it names none.
    """

    received: Received
    drawn: Drawn
    withheld: bool
    claimed: Patient | None = None
    issuer: str = ""


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
    splitting.forget(session, study.id)
    session.execute(delete(SeriesRow).where(SeriesRow.study_row == study.id))
    selections.forget(session, study.id)
    theirs = FetchRow.study_row == study.id
    # Nobody asked to send another patient's study to the viewer.
    over = FetchRow.finished_at.is_not(None) | (FetchRow.errand == Errand.BRING)
    session.execute(delete(FetchRow).where(theirs, over))
    nothing = {"arrived": 0, "drawn": 0, "withheld": 0}
    again = nothing | {"attempt": FetchRow.attempt + 1, "beat_at": None, "begun_at": None}
    session.execute(update(FetchRow).where(theirs).values(again))


def holds_strangers(session: Session, study_row: int) -> bool:
    """Were images of somebody else found in it?"""
    return session.scalar(select(InstanceRow.id).where(_withheld(study_row)).limit(1)) is not None


def strangers(session: Session, study_row: int) -> set[str]:
    """The UIDs under which images of somebody else came."""
    return set(session.scalars(select(InstanceRow.instance_uid).where(_withheld(study_row))))


def forget_strangers(session: Session, study_row: int, listed: Collection[str]) -> None:
    """The archive has none of them any more: forget those that it does not list either."""
    gone = list(strangers(session, study_row).difference(listed))
    for some in batched(gone, _MOST_AT_ONCE):
        theirs = _withheld(study_row) & InstanceRow.instance_uid.in_(some)
        session.execute(delete(InstanceRow).where(theirs))


def _withheld(study_row: int) -> ColumnElement[bool]:
    return (InstanceRow.study_row == study_row) & (InstanceRow.arrival == Arrival.WITHHELD)


def held(session: Session, study_row: int) -> dict[str, tuple[str, int]]:
    """The instances of which something was put on the shelf: in which folder ("": the study's), from which
    frame on.
    """
    on_shelf = InstanceRow.arrival.in_((Arrival.PICTURE, Arrival.CARD))
    rows = session.scalars(select(InstanceRow).where(InstanceRow.study_row == study_row, on_shelf))
    return {row.instance_uid: (row.folder, min(row.frames, default=1)) for row in rows}


def keep_series(session: Session, study_row: int, series: Series, posters: Collection[str]) -> None:
    """Note a series and every instance that the archive lists in it. A poster once chosen stays."""
    row = _series(session, study_row, series.series_uid)
    chosen = row.poster_position is not None
    row.number, row.modality = series.number, series.modality[:16]
    row.description, row.expected = series.description, series.expected
    session.flush()
    kept = [instance for instance in series.instances if can_be_kept(instance.instance_uid)]
    middle = () if chosen else posters
    insert_once(session, InstanceRow, *(_listed(row, instance, middle) for instance in kept))
    _place_earlier(session, row, kept, None if chosen else posters)


def _listed(row: SeriesRow, instance: Instance, posters: Collection[str]) -> dict[str, object]:
    return {
        "study_row": row.study_row,
        "series_row": row.id,
        "instance_uid": instance.instance_uid,
        "number": instance.number,
        "poster": instance.instance_uid in posters,
    }


def _place_earlier(
    session: Session, row: SeriesRow, instances: Iterable[Instance], posters: Collection[str] | None
) -> None:
    """Those that came before they were listed, or whose poster is another one now (None: it is not)."""
    listed = {instance.instance_uid: instance for instance in instances}
    theirs = (InstanceRow.study_row == row.study_row) & InstanceRow.instance_uid.in_(
        select(InstanceRow.instance_uid).where(
            InstanceRow.study_row == row.study_row,
            InstanceRow.series_row.is_(None) | (InstanceRow.series_row == row.id),
        )
    )
    loose: ColumnElement[bool] = InstanceRow.series_row.is_(None)
    if posters is not None:
        loose = loose | InstanceRow.poster | InstanceRow.instance_uid.in_(posters)
    for kept in session.scalars(select(InstanceRow).where(theirs, loose)):
        instance = listed.get(kept.instance_uid)
        if instance is not None:
            kept.series_row, kept.number = row.id, instance.number
            kept.poster = kept.poster if posters is None else kept.instance_uid in posters


def give_up(session: Session, study_row: int, reasons: Mapping[str, Reason]) -> None:
    """Note of these instances that asking for them again would not help now, and why."""
    for reason in set(reasons.values()):
        uids = [uid for uid, why in reasons.items() if why is reason]
        for some in batched(uids, _MOST_AT_ONCE):
            theirs = (InstanceRow.study_row == study_row) & InstanceRow.instance_uid.in_(some)
            absent = InstanceRow.arrival.in_((Arrival.EXPECTED, Arrival.GIVEN_UP))
            given_up = {"arrival": Arrival.GIVEN_UP, "reason": reason.code}
            session.execute(update(InstanceRow).where(theirs, absent).values(given_up))


def expect_again(session: Session, study_row: int) -> None:
    """A new try asks for everything once more."""
    given_up = (InstanceRow.study_row == study_row) & (InstanceRow.arrival == Arrival.GIVEN_UP)
    expected = {"arrival": Arrival.EXPECTED, "reason": ""}
    session.execute(update(InstanceRow).where(given_up).values(expected))


def batched(uids: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    for first in range(0, len(uids), most):
        yield uids[first : first + most]


def keep_drawn(session: Session, study_row: int, batch: Sequence[Taken], now: datetime) -> None:
    """Note what became of the instances of this batch."""
    rows = _instances(session, study_row, [taken.received.instance_uid for taken in batch])
    unlisted: dict[str, SeriesRow] = {}
    parts: dict[int, PartRow] = {}
    for taken in batch:
        row = rows.get(taken.received.instance_uid)
        if row is not None and taken.withheld:
            part = _set_aside(session, row, taken, now)
            parts |= {part.id: part} if part else {}
        elif row is not None:
            _describe(session, row, taken, unlisted)
    session.flush()
    for part in parts.values():
        if part.released:
            splitting.show(session, part)


def _set_aside(session: Session, row: InstanceRow, taken: Taken, now: datetime) -> PartRow | None:
    """Withhold it, with whom its header names; one of which that is not known stays nameless."""
    row.arrival, row.part_row, row.folder, row.aside = Arrival.WITHHELD, None, "", {}
    selections.keep(session, row.study_row, row.instance_uid, None)
    if taken.claimed is None or taken.drawn.header is None:
        return None
    study = session.get_one(StudyRow, row.study_row)
    part = splitting.part_of(session, study, taken.claimed, taken.issuer, now)
    _describe_picture(row, taken)
    splitting.set_aside(row, part, row.arrival, taken.drawn.header)
    return part


def _describe(session: Session, row: InstanceRow, taken: Taken, unlisted: dict[str, SeriesRow]) -> None:
    row.part_row, row.folder, row.aside = None, "", {}
    _describe_picture(row, taken)
    if taken.drawn.header is not None:
        _place_in_space(row, taken.drawn.header)
        _place_in_series(session, row, taken.drawn.header, unlisted)
        if taken.drawn.header.selection is not None:
            selections.keep(session, row.study_row, row.instance_uid, taken.drawn.header.selection)


def _describe_picture(row: InstanceRow, taken: Taken) -> None:
    drawing = taken.drawn.drawing
    row.arrival = Arrival.CARD if drawing.kind is DrawingKind.CARD else Arrival.PICTURE
    row.frames = sorted({picture.frame for picture in drawing.pictures})
    row.sizes = sorted({picture.size for picture in drawing.pictures})
    row.frame_count, row.largest = drawing.frames, drawing.largest
    row.window, row.reason = drawing.window[:64], (drawing.reason or "")[:256]
    row.poster_frame, row.detail = drawing.poster, drawing.detail
    row.words = {"title": drawing.about.title, "lines": list(drawing.about.lines)} if drawing.about else {}


def _place_in_space(row: InstanceRow, header: Header) -> None:
    row.place = header.place.along if header.place else None
    row.axis = list(header.place.normal) if header.place else []


def _place_in_series(
    session: Session, row: InstanceRow, header: Header, unlisted: dict[str, SeriesRow]
) -> None:
    """Learn from the image itself what the archive did not list, or not yet.

    ``unlisted``: the series that were learned so in this batch. Each has a poster by now.
    """
    if row.number is None:
        row.number = header.instance_number
    if row.series_row is not None:
        return
    if header.series_uid in unlisted:
        row.series_row, row.poster = unlisted[header.series_uid].id, False
        return
    series = unlisted[header.series_uid] = _series(session, row.study_row, header.series_uid)
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
    rows = _rows_of(session, study_row, kept)
    if new := [uid for uid in kept if uid not in rows]:  # few: nearly all were listed before they came
        insert_once(session, InstanceRow, *({"study_row": study_row, "instance_uid": uid} for uid in new))
        rows |= _rows_of(session, study_row, new)
    return rows


def _rows_of(session: Session, study_row: int, uids: Iterable[str]) -> dict[str, InstanceRow]:
    rows = session.scalars(_OF_UIDS, {"study": study_row, "uids": list(uids)})
    return {row.instance_uid: row for row in rows}


# Put together once, not for every batch.
_OF_UIDS = select(InstanceRow).where(
    InstanceRow.study_row == bindparam("study"),
    InstanceRow.instance_uid.in_(bindparam("uids", expanding=True)),
)


def add_sizes(session: Session, study_row: int, instance_uid: str, drawn: Drawn) -> None:
    """Larger pictures of an instance are on the shelf too."""
    these = (InstanceRow.study_row == study_row) & (InstanceRow.instance_uid == instance_uid)
    row = session.scalar(select(InstanceRow).where(these))
    if row is not None:
        row.sizes = sorted({*row.sizes, *(picture.size for picture in drawn.drawing.pictures)})
        row.largest = drawn.drawing.largest
