"""From a data set to PNG bytes: every frame asked for in every size, or a labelled card that says why not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom import Dataset

from preview.pictures.cards import card
from preview.pictures.colour import colour
from preview.pictures.grey import grey
from preview.pictures.kinds import kind_name, not_an_image, says_image
from preview.pictures.pixels import (
    BAD_INPUT,
    CannotDrawError,
    check,
    decode,
    frame_count,
    has_pixels,
    stated_frames,
)
from preview.pictures.shape import fitted

DISCLAIMER = "Not for diagnosis"


class DrawingKind(StrEnum):
    """What came out: one image, the frames of one object, or a labelled card instead."""

    IMAGE = "image"
    MULTIFRAME = "multiframe"
    CARD = "card"


@dataclass(frozen=True)
class Picture:
    """One frame (from 1) as PNG. The longer of ``width`` and ``height`` is the ``size`` asked for."""

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


@dataclass(frozen=True)
class _Drawn:
    pictures: tuple[Picture, ...]
    window: str


def draw(ds: Dataset, sizes: Sequence[int] = (256,), max_frames: int = 64) -> Drawing:
    """Draw every frame, or ``max_frames`` evenly spread ones. Whatever cannot be drawn becomes a card."""
    sop_class = _sop_class(ds)
    name = kind_name(sop_class)
    other = not_an_image(sop_class)
    if other or not (has_pixels(ds) or says_image(sop_class)):
        return card_drawing(name, "", sizes, reason=f"{name}: not an image")
    try:
        check(ds)
        return _draw_frames(ds, sizes, max_frames)
    except CannotDrawError as why:
        return card_drawing(name, str(why), sizes)
    except BAD_INPUT:
        return card_drawing(name, "The image contradicts itself and cannot be drawn.", sizes)


def card_drawing(name: str, explanation: str, sizes: Sequence[int], reason: str | None = None) -> Drawing:
    """A card with this name and explanation; ``reason`` where it differs from the explanation."""
    pictures = tuple(_picture(1, size, card(size, name, explanation)) for size in sizes)
    return Drawing(DrawingKind.CARD, 0, pictures, reason=reason or explanation)


def spread(frames: int, most: int) -> list[int]:
    """At most ``most`` indices out of ``frames``, from 0, evenly spread, with the first and the last."""
    if frames <= most:
        return list(range(frames))
    if most <= 1:
        return [frames // 2]
    return [round(place * (frames - 1) / (most - 1)) for place in range(most)]


def _draw_frames(ds: Dataset, sizes: Sequence[int], max_frames: int) -> Drawing:
    frames = frame_count(ds)
    wanted = spread(frames, max_frames)
    drawn, failures = [], []
    for index in wanted:
        try:
            drawn.append(_draw_frame(ds, index, sizes))
        except CannotDrawError as why:
            failures.append(why)
    if not drawn:
        raise failures[0]
    return Drawing(
        kind=DrawingKind.IMAGE if frames == 1 else DrawingKind.MULTIFRAME,
        frames=frames,
        pictures=tuple(picture for one in drawn for picture in one.pictures),
        window=drawn[0].window,
        reason=_shortfall(len(failures), len(wanted), frames, stated_frames(ds)),
    )


def _shortfall(failed: int, wanted: int, frames: int, stated: int) -> str | None:
    """Everything that is missing: one gap must not hide another."""
    gaps = []
    if wanted < frames:
        gaps.append(f"{wanted - failed} of {frames} frames are shown.")
    if failed:
        gaps.append(f"{failed} of {wanted} frames could not be drawn.")
    if frames < stated:
        gaps.append(f"The object is incomplete: it has {frames} of {stated} frames.")
    return " ".join(gaps) or None


def _draw_frame(ds: Dataset, index: int, sizes: Iterable[int]) -> _Drawn:
    image, window = _image(ds, index)
    return _Drawn(tuple(_picture(index + 1, size, fitted(ds, index, image, size)) for size in sizes), window)


def _image(ds: Dataset, index: int) -> tuple[Image.Image, str]:
    frame = decode(ds, index)
    if frame.samples.ndim == 2 and frame.meaning != "PALETTE COLOR":
        shown = grey(ds, index, frame.samples)
        return Image.fromarray(shown.picture), shown.window
    return colour(ds, frame), ""


def _picture(frame: int, size: int, image: Image.Image) -> Picture:
    return Picture(frame, size, image.width, image.height, _png(image))


def _png(image: Image.Image) -> bytes:
    text = PngInfo()
    text.add_text("Disclaimer", DISCLAIMER)
    out = BytesIO()
    # Level 1: a third larger than the default and several times as fast.
    image.save(out, "PNG", compress_level=1, pnginfo=text)
    return out.getvalue()


def _sop_class(ds: Dataset) -> str:
    try:
        return str(ds.get("SOPClassUID") or "")
    except BAD_INPUT:
        return ""
