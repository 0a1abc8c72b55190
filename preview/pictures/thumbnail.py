"""From a data set to PNG bytes: every frame asked for in every size, or a labelled card that says why not."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from PIL import Image
from pydicom import Dataset

from fetch.sources.reading import text
from preview.pictures.bad_input import BAD_INPUT
from preview.pictures.cards import card, page
from preview.pictures.frame_facts import first_number
from preview.pictures.frame_image import frame_image
from preview.pictures.grey import Common
from preview.pictures.kinds import kind_name, not_an_image, says_image
from preview.pictures.mosaic import composed
from preview.pictures.order import standing
from preview.pictures.overlays import graphics, marked
from preview.pictures.pdf import ENCAPSULATED_PDF, first_page
from preview.pictures.pixels import TOO_MUCH_MEMORY, CannotDrawError, Pixels
from preview.pictures.place import place_of
from preview.pictures.png import png
from preview.pictures.rendered import rendered_picture
from preview.pictures.report import Report, report
from preview.pictures.shape import (
    THUMBNAIL,
    allowed,
    detail,
    fitted,
    fitted_size,
    halfway,
    longest_side,
    oblongness,
    scaled,
)
from preview.pictures.slides import Level, is_overview, level, why_not_drawn
from preview.pictures.stack import chosen, common_range

_ANY = 2**31
"""A size that no image reaches."""

_PAGE = 1024
"""Pixels that the longest side of a document's page counts as."""

_BEHIND_OVERVIEWS = 0.25
"""Of its detail, so that a level of a slide stands for its series only where there is no overview
(``preview.pictures.order`` takes it for nearly empty then).
"""


class DrawingKind(StrEnum):
    """What came out: one image, the frames of one object, or a labelled card instead."""

    IMAGE = "image"
    MULTIFRAME = "multiframe"
    CARD = "card"


@dataclass(frozen=True)
class Picture:
    """One frame (from 1) as PNG.

    ``size`` is what was asked for; the longer of ``width`` and ``height`` is no more than that, and less
    for an enlarged picture of a small image.
    """

    frame: int
    size: int
    width: int
    height: int
    png: bytes


@dataclass(frozen=True)
class Drawing:
    """Pictures in the order of frames, then of sizes; a card is one picture a size, with frame 1."""

    kind: DrawingKind
    frames: int
    """Frames in the object, drawn or not; 0 for a card."""
    pictures: tuple[Picture, ...]
    window: str = ""
    """How grey values were shown (``40 / 400``), of the first frame drawn; empty for colour."""
    reason: str | None = None
    """Why there is only a card, or why frames are missing; a sentence without patient data."""
    largest: int = 0
    """How long the longest side of an enlarged picture can be; 0 where there can be none."""
    poster: int = 1
    """The frame, from 1, to show of them all: near the middle, and not an empty one."""
    detail: float = 0.0
    """How much there is to see in that frame: the spread of its shades, 0 for an empty image, 128 at most."""
    about: Report | None = None
    """The words of a document, to be read as text; nothing that says whose it is."""


Keep = Callable[[Picture], Picture]
"""Takes a picture as soon as it is drawn, and gives what is to be remembered of it."""


@dataclass(frozen=True)
class _Drawn:
    frame: int
    pictures: tuple[Picture, ...]
    window: str
    largest: int
    detail: float


def draw(
    ds: Dataset,
    sizes: Sequence[int] = (256,),
    max_frames: int = 64,
    pixels: Pixels | None = None,
    keep: Keep | None = None,
    named: Collection[int] = (),
) -> Drawing:
    """Draw every frame, or ``max_frames`` evenly spread ones and those that somebody ``named`` (from 1), at
    most as many again. Whatever cannot be drawn becomes a card.

    Each of ``sizes`` is the most that the longest side may have; of what is too small to be enlarged there
    is no picture in a size above 256. ``pixels``: where they are not in the data set. ``keep`` is given the
    picture of each frame, in the last of ``sizes`` that it can have, and no other is drawn.
    """
    pixels = pixels or Pixels(ds)
    there = pixels

    def drawing() -> Drawing:
        return _draw_frames(ds, there, sizes, chosen(there.count, max_frames, named), keep)

    return _drawn_or_card(ds, sizes, pixels, drawing)


def draw_rendered(ds: Dataset, encoded: bytes, sizes: Sequence[int] = (256,)) -> Drawing:
    """The picture that an archive drew of an object (PS3.18 10.4.1.1.3), of which ``ds`` is the header."""
    return _drawn_or_card(ds, sizes, None, lambda: _draw_rendered(ds, encoded, sizes))


def _drawn_or_card(
    ds: Dataset, sizes: Sequence[int], pixels: Pixels | None, drawing: Callable[[], Drawing]
) -> Drawing:
    """``pixels``: None where somebody else has drawn them."""
    sop_class = _sop_class(ds)
    name = kind_name(sop_class)
    other = not_an_image(sop_class)
    has_pixels = pixels is None or pixels.exist
    is_document = other is not None or not (has_pixels or says_image(sop_class))
    left_out = pixels.left_out if pixels else ""
    try:
        return _draw_document(ds, name, sop_class, sizes, left_out) if is_document else drawing()
    except CannotDrawError as why:
        return card_drawing(name, str(why), sizes)
    except MemoryError:
        return card_drawing(name, TOO_MUCH_MEMORY, sizes)
    except BAD_INPUT:
        return card_drawing(name, "The object contradicts itself and cannot be drawn.", sizes)


def _draw_document(ds: Dataset, name: str, sop_class: str, sizes: Sequence[int], left_out: str) -> Drawing:
    if sop_class == ENCAPSULATED_PDF:
        return _draw_first_page(ds, sizes)
    about = report(ds)
    if left_out:
        about = replace(about, lines=(left_out, *about.lines))
    pictures = tuple(_picture(1, size, page(size, name, about.title, about.lines)) for size in sizes)
    reason = left_out or f"{name}: not an image"
    return Drawing(DrawingKind.CARD, 0, pictures, reason=reason, about=about)


def _draw_first_page(ds: Dataset, sizes: Sequence[int]) -> Drawing:
    wanted = [(size, side) for size in sizes if (side := allowed(size, _PAGE))]
    image, pages = first_page(ds, 2 * max((side for _, side in wanted), default=THUMBNAIL))
    pictures = tuple(_picture(1, size, fitted(image, 1.0, side)) for size, side in wanted)
    reason = f"The first of {pages} pages is shown." if pages > 1 else None
    seen, largest = detail(image), allowed(_ANY, _PAGE)
    about = report(ds)
    return Drawing(DrawingKind.IMAGE, 1, pictures, reason=reason, largest=largest, detail=seen, about=about)


def card_drawing(name: str, explanation: str, sizes: Sequence[int], reason: str | None = None) -> Drawing:
    """A card with this name and explanation; ``reason`` where it differs from the explanation."""
    pictures = tuple(_picture(1, size, card(size, name, explanation)) for size in sizes)
    return Drawing(DrawingKind.CARD, 0, pictures, reason=reason or explanation)


def _draw_frames(
    ds: Dataset, pixels: Pixels, sizes: Sequence[int], wanted: Sequence[int], keep: Keep | None
) -> Drawing:
    """``wanted``: the frames to draw, by index from 0."""
    frames = max(pixels.stated, pixels.count)
    if reason := why_not_drawn(ds, frames):
        raise CannotDrawError(reason)
    pixels.check()
    if slide := level(ds, frames):
        return _draw_slide(ds, pixels, sizes, slide)
    common = common_range(ds, pixels)
    drawn, failures = [], []
    for index in wanted:
        try:
            drawn.append(_draw_frame(ds, pixels, index, sizes, common, keep))
        except CannotDrawError as why:
            failures.append(why)
    if not drawn:
        raise failures[0]
    poster = _poster(ds, drawn)
    return Drawing(
        kind=DrawingKind.IMAGE if pixels.count == 1 else DrawingKind.MULTIFRAME,
        frames=pixels.count,
        pictures=tuple(picture for one in drawn for picture in one.pictures),
        window=drawn[0].window,
        reason=_shortfall(len(failures), len(wanted), pixels.count, pixels.stated, pixels.doubt),
        largest=max(one.largest for one in drawn),
        poster=poster.frame,
        detail=poster.detail,
    )


def _draw_slide(ds: Dataset, pixels: Pixels, sizes: Sequence[int], slide: Level) -> Drawing:
    grid, oblong, common = (slide.columns, slide.rows), oblongness(ds, 0), common_range(ds, pixels)
    native = longest_side(*grid, oblong)
    sides = [(size, side) for size in sizes if (side := allowed(size, native))]
    enough = fitted_size(*grid, oblong, max((side for _, side in sides), default=THUMBNAIL))
    image, missing = composed(
        slide,
        (pixels.columns, pixels.rows),
        (min(2 * enough[0], slide.columns), min(2 * enough[1], slide.rows)),
        lambda index, room: frame_image(ds, pixels, index, room, common)[0],
    )
    return Drawing(
        DrawingKind.IMAGE,
        1,
        tuple(_picture(1, size, scaled(image, *fitted_size(*grid, oblong, side))) for size, side in sides),
        reason=f"{missing} of {len(slide.tiles)} tiles could not be drawn." if missing else None,
        largest=allowed(_ANY, native),
        detail=detail(image) * (1 if is_overview(ds) else _BEHIND_OVERVIEWS),
    )


def _poster(ds: Dataset, drawn: Sequence[_Drawn]) -> _Drawn:
    """In the middle of where its frames lie, if it says so of each, else of their numbers."""
    places = [place_of(ds, one.frame - 1) if len(drawn) > 1 else None for one in drawn]
    return drawn[standing(places, [one.detail for one in drawn])]


def _shortfall(failed: int, wanted: int, frames: int, stated: int, doubt: str = "") -> str | None:
    """Everything that is missing, or doubtful: one gap must not hide another."""
    gaps = []
    if wanted < frames:
        gaps.append(f"{wanted - failed} of {frames} frames are shown.")
    if failed:
        gaps.append(f"{failed} of {wanted} frames could not be drawn.")
    if frames < stated:
        gaps.append(f"The object is incomplete: it has {frames} of {stated} frames.")
    return " ".join([*gaps, *([doubt] if doubt else [])]) or None


def _draw_frame(
    ds: Dataset, pixels: Pixels, index: int, sizes: Iterable[int], common: Common, keep: Keep | None
) -> _Drawn:
    grid, oblong = (pixels.columns, pixels.rows), oblongness(ds, index)
    native = longest_side(*grid, oblong)
    sides = [(size, side) for size in sizes if (side := allowed(size, native))]
    sides = sides[-1:] if keep else sides
    enough = fitted_size(*grid, oblong, max((side for _, side in sides), default=THUMBNAIL))
    image, window = frame_image(ds, pixels, index, enough, common)
    image = halfway(image, *enough)
    layer = graphics(ds, index, pixels.words)
    pictures = (
        _picture(index + 1, size, _marked(scaled(image, *fitted_size(*grid, oblong, side)), layer))
        for size, side in sides
    )
    return _Drawn(
        index + 1,
        tuple(map(keep, pictures) if keep else pictures),
        window,
        allowed(_ANY, native),
        detail(image),
    )


def _marked(picture: Image.Image, layer: Image.Image | None) -> Image.Image:
    return picture if layer is None else marked(picture, layer)


def _draw_rendered(ds: Dataset, encoded: bytes, sizes: Sequence[int]) -> Drawing:
    image, stated = rendered_picture(encoded), Pixels(ds).stated
    longest = max(image.size)
    native = _native(ds) or longest
    pictures = (
        _picture(1, size, fitted(image, 1.0, min(side, longest)))
        for size in [size for size in sizes if size <= longest] or [min(sizes)]
        if (side := allowed(size, native))
    )
    return Drawing(
        DrawingKind.IMAGE,
        stated,
        tuple(pictures),
        reason=_shortfall(0, 1, stated, stated),
        largest=allowed(_ANY, native),
        detail=detail(image),
    )


def _native(ds: Dataset) -> float:
    """The longest side of the image itself, where only its header is here; 0 if that does not say."""
    rows, columns = first_number(ds, "Rows") or 0.0, first_number(ds, "Columns") or 0.0
    return max(columns, rows * oblongness(ds, 0))


def _picture(frame: int, size: int, image: Image.Image) -> Picture:
    return Picture(frame, size, image.width, image.height, png(image))


def _sop_class(ds: Dataset) -> str:
    """As the object says itself, else as the file around it does: a DICOMDIR has no other."""
    around = getattr(ds, "file_meta", None) or Dataset()
    return text(ds, "SOPClassUID") or text(around, "MediaStorageSOPClassUID")
