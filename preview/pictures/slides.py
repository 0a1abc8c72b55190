"""Whole-slide microscopy (PS3.3 C.8.12.4): which of the many objects of a slide make a picture, and how."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from pydicom import Dataset

from fetch.sources.reading import number, text, texts
from preview.pictures.sequences import items

_SLIDES = ("1.2.840.10008.5.1.4.1.1.77.1.6", "1.2.840.10008.5.1.4.1.1.77.1.9")
"""And what confocal microscopes make of tissue, in tiles as well (PS3.3 A.90)."""

_MOST_TILES = 64
"""A level with more has more detail than any small picture shows; there is a smaller one of it."""
_MOST_PIXELS = 2**26
"""Of a level, however few its tiles are: an overview has some millions."""


@dataclass(frozen=True)
class Tile:
    """A frame, by its index from 0, and where its top left corner lies, from 0."""

    index: int
    column: int
    row: int


@dataclass(frozen=True)
class Level:
    """A slide in one resolution: all of its pixels, and the frames that cover them."""

    columns: int
    rows: int
    tiles: tuple[Tile, ...]


def level(ds: Dataset, frames: int) -> Level | None:
    """What the frames of a slide are put together to; None for all else, and where they cannot be."""
    columns, rows = (number(ds, f"TotalPixelMatrix{side}") or 0 for side in ("Columns", "Rows"))
    wide, high = number(ds, "Columns") or 0, number(ds, "Rows") or 0
    is_part = "ConcatenationFrameOffsetNumber" in ds
    if text(ds, "SOPClassUID") not in _SLIDES or frames < 2 or is_part or not min(columns, rows, wide, high):
        return None
    across, down = -(-columns // wide), -(-rows // high)
    if across * down > _MOST_TILES or columns * rows > _MOST_PIXELS:
        return None
    if items(ds, "PerFrameFunctionalGroupsSequence"):
        tiles = _placed(ds, frames)
    elif frames % (across * down):
        return None
    else:
        first = _plane(ds, frames // (across * down)) * across * down
        tiles = [
            Tile(first + place, place % across * wide, place // across * high)
            for place in range(across * down)
        ]
    return Level(columns, rows, tuple(tiles)) if tiles else None


def _plane(ds: Dataset, planes: int) -> int:
    """Of several at different depths the one in the middle, as the first light shows it (C.7.6.17.3)."""
    depths = number(ds, "TotalPixelMatrixFocalPlanes") or 1
    return depths // 2 if depths <= planes else 0


def _placed(ds: Dataset, frames: int) -> list[Tile]:
    """Where each frame says that it lies; the first of those that lie in one place."""
    found: dict[tuple[int, int], Tile] = {}
    for tile in islice(_positions(ds), frames):
        found.setdefault((tile.column, tile.row), tile)
    return list(found.values()) if len(found) <= _MOST_TILES else []


def _positions(ds: Dataset) -> Iterator[Tile]:
    for index, group in enumerate(items(ds, "PerFrameFunctionalGroupsSequence")):
        for place in items(group, "PlanePositionSlideSequence")[:1]:
            column, row = (
                number(place, f"{side}PositionInTotalImagePixelMatrix") for side in ("Column", "Row")
            )
            if column and row:
                yield Tile(index, column - 1, row - 1)


def is_overview(ds: Dataset) -> bool:
    """Was it made to show the slide as a whole, and not to be looked at through (C.8.12.4.1.1)?"""
    return not {"THUMBNAIL", "OVERVIEW"}.isdisjoint(texts(ds, "ImageType")[2:3])


def why_not_drawn(ds: Dataset, frames: int) -> str | None:
    """Why this part of a slide is none: only what shows the slide as a whole is. None for all else.

    A level of full resolution has thousands of tiles (C.8.12.4.1.1: VOLUME), each of which shows nothing
    that anybody would recognise; the photograph of the label has only words.
    """
    if text(ds, "SOPClassUID") not in _SLIDES:
        return None
    if "LABEL" in texts(ds, "ImageType")[2:3]:
        return "The label of a slide is not drawn."
    if frames > 1 and level(ds, frames) is None:
        return f"A level of a slide in {frames} tiles: only overviews are drawn."
    if frames == 1 and _is_piece(ds):
        return "A piece of a level of a slide: only overviews are drawn."
    if frames == 1 and _pixels(ds, "") > _MOST_PIXELS:
        return "A level of a slide in full resolution: only overviews are drawn."
    return None


def _is_piece(ds: Dataset) -> bool:
    """One tile of several, which other objects have: those of a concatenation (C.7.6.16.2.2.4), or whoever
    wrote an object for each.
    """
    whole = _pixels(ds, "TotalPixelMatrix")
    return "ConcatenationFrameOffsetNumber" in ds or whole > 2 * _pixels(ds, "") > 0


def _pixels(ds: Dataset, of: str) -> int:
    return (number(ds, f"{of}Columns") or 0) * (number(ds, f"{of}Rows") or 0)
