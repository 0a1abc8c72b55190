"""One contrast for all frames of an object that names none: what a viewer shows when it is scrolled through.

With a range of its own, every frame would look equally bright: the strip of a film would flicker, and an
empty frame would be full of noise where the next one has a heart.
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
from pydicom import Dataset

from preview.pictures.contrast import Range, bits_of, shown_range, shows_all
from preview.pictures.grey import Common, tells_contrast, values_seen
from preview.pictures.pixels import Array, CannotDrawError, Pixels

_SAMPLED = 7
"""Frames that are looked at: enough to meet the bright ones, and little of the time that drawing takes."""

_ENOUGH = (128, 128)
"""Columns and rows, where a frame can be decoded smaller."""


def spread(frames: int, most: int) -> list[int]:
    """At most ``most`` indices out of ``frames``, from 0, evenly spread, with the first and the last."""
    if frames <= most:
        return list(range(frames))
    if most <= 1:
        return [frames // 2]
    return [round(place * (frames - 1) / (most - 1)) for place in range(most)]


def chosen(frames: int, most: int, named: Iterable[int] = ()) -> list[int]:
    """Indices of those to draw, from 0: evenly spread ones, and the first of those that somebody named (from
    1), at most as many again.
    """
    there = [number - 1 for number in dict.fromkeys(named) if 0 < number <= frames]
    return sorted({*spread(frames, most), *there[:most]})


def common_range(ds: Dataset, pixels: Pixels) -> Common:
    """Of modality values, from frames spread over the object, and the same however many of them are drawn.

    Nobody looks at them before a frame asks. None for a single frame, colours, and frames whose contrast is
    told or needs no looking for.
    """
    return cache(lambda: _common_range(ds, pixels))


def _common_range(ds: Dataset, pixels: Pixels) -> Range | None:
    if pixels.count == 1 or shows_all(ds, bits_of(ds)):
        return None
    seen = [values for index in spread(pixels.count, _SAMPLED) for values in _seen(ds, pixels, index)]
    values = np.concatenate(seen) if seen else np.empty(0)
    return shown_range(ds, values) if values.size else None


def _seen(ds: Dataset, pixels: Pixels, index: int) -> list[Array]:
    """Of one frame; nothing of one that tells its contrast, cannot be decoded or has colours."""
    try:
        frame = pixels.decode(index, _ENOUGH)
    except CannotDrawError:
        return []
    is_grey = frame.samples.ndim == 2 and frame.meaning.startswith("MONOCHROME")
    if not is_grey or tells_contrast(ds, index, frame.samples):
        return []
    return [values_seen(ds, index, frame.samples)]
