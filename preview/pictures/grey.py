"""From stored grey values to eight bits: modality, window or look-up table, inversion (PS3.4 N.2.1)."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from preview.pictures.contrast import Range, bits_of, is_ct, is_pet, shown_range, shows_all
from preview.pictures.modality import Modality, modality_of
from preview.pictures.padding import padding, padding_values, within
from preview.pictures.pixels import Array
from preview.pictures.smoothness import is_noise
from preview.pictures.voi import Voi, has_tables, offers, within_shades

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Common = Callable[[], Range | None]
"""Works out the range of all frames, once it is asked."""

_SAMPLED = 128
"""Rows and columns, at most about twice this, that are looked at to find the range of an image."""

_AT_ONCE = 2**17
"""Pixels that are looked up together."""


@dataclass(frozen=True)
class Grey:
    """A grey picture of eight bits, and the window it was drawn with, in words."""

    picture: Bytes
    window: str


def grey(ds: Dataset, index: int, stored: Array, common: Common | None = None) -> Grey:
    """Draw stored values of the frame with this index, from 0.

    ``common``: tells the range of modality values to show where neither the frame nor its object says one.
    """
    modality = _modality_of(ds, index, stored)
    ends = np.array([stored.min(), stored.max()])
    hidden = padding_values(ds, stored.dtype)
    voi = _told(ds, index, modality, stored, ends)
    if voi is None:
        damaged = modality.is_damaged or has_tables(ds, index)
        low, high = (common and common()) or _range_of_image(ds, modality, stored)
        voi = _range(low, high, "whose table is damaged" if damaged else "")

    if hidden and within(ends, hidden).all():
        hidden = None  # it would be all there is to see

    def tone(values: Array) -> Bytes:
        brightness = within_shades(voi.brightness(modality(values)))
        if _inverted(ds):
            brightness = 1.0 - brightness
        shades: Bytes = (brightness * 255.0 + 0.5).astype(np.uint8)
        if hidden:
            shades[within(values, hidden)] = 0
        return shades

    return Grey(_through_table(stored, ends, tone), voi.window)


def tells_contrast(ds: Dataset, index: int, stored: Array) -> bool:
    """Has this frame a window or a look-up table, its own or that of all, that is of use?"""
    ends = np.array([stored.min(), stored.max()])
    return _told(ds, index, _modality_of(ds, index, stored), stored, ends) is not None


def values_seen(ds: Dataset, index: int, stored: Array) -> Floats:
    """Some of a frame's modality values, without padding unless there is nothing else."""
    return _sample(ds, _modality_of(ds, index, stored), stored)


def _modality_of(ds: Dataset, index: int, stored: Array) -> Modality:
    return modality_of(ds, index, signed=stored.dtype.kind == "i")


def _told(ds: Dataset, index: int, modality: Modality, stored: Array, ends: Array) -> Voi | None:
    """The first that the object offers in which there is something to see, or rightly nothing.

    None where there is no such, or nobody knows what its values measure.
    """
    signed = modality.goes_below_zero or (stored.dtype.kind == "i" and modality.table is None)
    offered = iter(()) if modality.is_damaged else offers(ds, index, signed=signed)
    first = next(offered, None)
    if first is None or (first.shows(modality(ends)) and not padding(ds, ends).any()):
        return first  # nearly always, and at no cost
    values = _sample(ds, modality, stored)
    if first.shows(values):
        return first
    values = np.concatenate([values, _real_ends(ds, modality, stored)])
    ct, noise = is_ct(ds), is_noise(stored)
    suiting = (voi for voi in chain([first], offered) if voi.shows(values) or voi.suits(values, ct, noise))
    return next(suiting, None)


def _real_ends(ds: Dataset, modality: Modality, stored: Array) -> Floats:
    """Modality values of the lowest and the highest that are no padding, if there is anything else."""
    real = stored[~padding(ds, stored)]
    real = real[np.isfinite(real)] if real.dtype.kind == "f" else real
    return modality(np.array([real.min(), real.max()])) if real.size else np.empty(0)


def _through_table(stored: Array, ends: Array, tone: Callable[[Array], Bytes]) -> Bytes:
    """One look-up a pixel instead of the arithmetic, where values have no more than 16 bits."""
    if stored.dtype.kind not in "iu" or stored.dtype.itemsize > 2:
        return tone(stored)
    codes = np.dtype(f"{stored.dtype.byteorder}u{stored.dtype.itemsize}")
    values = np.arange(int(ends[0]), int(ends[1]) + 1).astype(stored.dtype)
    table = np.zeros(2 ** (8 * codes.itemsize), np.uint8)
    table[values.view(codes)] = tone(values)
    return _looked_up(table, stored.view(codes))


def _looked_up(table: Bytes, codes: Array) -> Bytes:
    """Some rows at a time: numpy makes eight bytes of every code first, and those stay near the processor."""
    picture = np.empty(codes.shape, np.uint8)
    rows = max(1, _AT_ONCE // codes.shape[1])
    for first in range(0, codes.shape[0], rows):
        band = slice(first, first + rows)
        # No code is outside the table and needs clipping: it is the mode that looks for nothing else.
        table.take(codes[band], mode="clip", out=picture[band])
    return picture


def _range_of_image(ds: Dataset, modality: Modality, stored: Array) -> Range:
    """What suits the modality, from the values that are not padding: never a fixed window."""
    if stored.dtype.kind in "iu" and shows_all(ds, bits_of(ds)):
        low, high = sorted(float(v) for v in modality(_extremes(ds, stored)))
        return low, high
    values = _sample(ds, modality, stored)
    return shown_range(ds, values) if values.size else (0.0, 0.0)


def _range(low: float, high: float, but: str) -> Voi:
    words = f"{_rounded(low)}–{_rounded(high)} (from the image{', ' if but else ''}{but})"
    return Voi(lambda v: (v - low) / ((high - low) or 1.0), words, high - low)


def _extremes(ds: Dataset, stored: Array) -> Array:
    bits = bits_of(ds)
    lowest = -(2 ** (bits - 1)) if stored.dtype.kind == "i" else 0
    return np.array([lowest, lowest + 2**bits - 1])


def _sample(ds: Dataset, modality: Modality, stored: Array) -> Floats:
    """Some thousands of the values, padding left out unless there is nothing else."""
    sampled = stored[:: max(1, stored.shape[0] // _SAMPLED), :: max(1, stored.shape[1] // _SAMPLED)]
    real = sampled[~padding(ds, sampled)]
    values = modality(real if real.size else sampled.ravel())
    return values[np.isfinite(values)]


def _rounded(value: float) -> str:
    return f"{value:.0f}" if 100 <= abs(value) < 10**8 else f"{value:.3g}"


def _inverted(ds: Dataset) -> bool:
    """Once is enough: PET is shown so without being asked.

    The photometric interpretation decides (PS3.3 C.7.6.3.1.2). The shape of the presentation look-up table
    only repeats it (C.8.11.3: INVERSE with MONOCHROME1, IDENTITY with MONOCHROME2); where they contradict
    each other, which the standard forbids, the shape is what is wrong in the field.
    """
    return is_pet(ds) or str(ds.get("PhotometricInterpretation")).strip(" \0").upper() == "MONOCHROME1"
