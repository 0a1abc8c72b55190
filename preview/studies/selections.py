"""Which images of a study its key object selections mark, kept whether or not these images are here."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from fetch.records import insert_once
from preview.pictures.selection import Purpose, Selection
from preview.records import Arrival, InstanceRow, SelectedRow


@dataclass(frozen=True)
class Marked:
    """What is said of one image; ``frames``: of which of its frames, none for the image as a whole."""

    titles: tuple[str, ...]
    rejected: bool
    frames: frozenset[int]

    def standing(self, row: InstanceRow) -> int | None:
        """The first frame that is marked by itself and drawn."""
        return min(self.frames.intersection(row.frames), default=None)

    def means(self, row: InstanceRow, frame: int) -> bool:
        """Is it said of this frame? A whole object is rejected in all its frames, and key in the best one."""
        if self.frames:
            return frame in self.frames
        return self.rejected or frame == standing_frame(row)


def standing_frame(row: InstanceRow, marked: Marked | None = None) -> int:
    """The frame that stands for an object: one that is marked, else the informative one."""
    named = marked.standing(row) if marked and not marked.rejected else None
    middle = row.frames[len(row.frames) // 2] if row.frames else 1
    return named or row.poster_frame or middle


def keep(session: Session, study_row: int, document: str, selection: Selection | None) -> None:
    """Note what this document says now, instead of whatever it said before."""
    theirs = (SelectedRow.study_row == study_row) & (SelectedRow.document == document)
    session.execute(delete(SelectedRow).where(theirs))
    if selection is None or selection.purpose is Purpose.LIST:
        return
    rows = [
        {
            "study_row": study_row,
            "document": document,
            "instance_uid": image.instance_uid,
            "frames": list(image.frames),
            "rejects": selection.purpose is Purpose.REJECTED,
            "title": selection.title,
        }
        for image in selection.images
    ]
    insert_once(session, SelectedRow, *rows)


def forget(session: Session, study_row: int) -> None:
    session.execute(delete(SelectedRow).where(SelectedRow.study_row == study_row))


def marked(session: Session, studies: Iterable[int]) -> dict[tuple[int, str], Marked]:
    """By study (its row) and instance UID; what one document rejects is key for no other."""
    said: dict[tuple[int, str], list[SelectedRow]] = {}
    for row in session.scalars(_OF_STUDIES, {"studies": list(studies)}):
        said.setdefault((row.study_row, row.instance_uid), []).append(row)
    return {image: _together(rows) for image, rows in said.items()}


def named_frames(session: Session, study_row: int) -> dict[str, tuple[int, ...]]:
    """By instance UID: the frames that are key, to be drawn whichever others are."""
    said = marked(session, [study_row]).items()
    return {uid: tuple(sorted(one.frames)) for (_, uid), one in said if one.frames and not one.rejected}


def lacking(session: Session, study_row: int, most: int) -> set[str]:
    """The instances that were drawn without a frame that is key by now: at most so many of each are drawn."""
    named = named_frames(session, study_row)
    drawn = (InstanceRow.study_row == study_row) & (InstanceRow.arrival == Arrival.PICTURE)
    rows = session.scalars(select(InstanceRow).where(drawn, InstanceRow.instance_uid.in_(named)))
    return {row.instance_uid for row in rows if _lacks(row, named[row.instance_uid], most)}


def _lacks(row: InstanceRow, named: tuple[int, ...], most: int) -> bool:
    there = {frame for frame in named if 0 < frame <= (row.frame_count or 0)}
    return len(there.intersection(row.frames)) < min(len(there), most)


# Put together once, not for every page.
_OF_STUDIES = (
    select(SelectedRow)
    .where(SelectedRow.study_row.in_(bindparam("studies", expanding=True)))
    .order_by(SelectedRow.document)
)


def _together(rows: list[SelectedRow]) -> Marked:
    counting = [row for row in rows if row.rejects] or rows
    titles = dict.fromkeys(row.title for row in counting if row.title)
    frames = frozenset(frame for row in counting for frame in row.frames)
    return Marked(tuple(titles), counting[0].rejects, frames)
