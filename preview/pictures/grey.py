"""From stored grey values to eight bits: modality, window or look-up table, inversion (PS3.4 N.2.1)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from preview.pictures.contrast import Range, bits_of, is_pet, shown_range, shows_all
from preview.pictures.frame_facts import first_number, functional_group
from preview.pictures.lookup_table import LookupTable
from preview.pictures.pixels import Array

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Step = Callable[[Floats], Floats]

_XRAY_PROJECTIONS = ("1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2")

_SAMPLED = 128
"""Rows and columns, at most about twice this, that are looked at to find the range of an image."""


@dataclass(frozen=True)
class Grey:
    """A grey picture of eight bits, and the window it was drawn with, in words."""

    picture: Bytes
    window: str


@dataclass(frozen=True)
class _Voi:
    """What becomes of modality values: 0 (black) to 1 (white)."""

    brightness: Step
    window: str


def grey(ds: Dataset, index: int, stored: Array, common: Range | None = None) -> Grey:
    """Draw stored values of the frame with this index, from 0.

    ``common``: the range of modality values to show where neither the frame nor its object says one.
    """
    modality = _modality_of(ds, index)
    voi = _voi(ds, index) or (_range(*common) if common else _range_of_image(ds, modality, stored))

    def tone(values: Array) -> Bytes:
        brightness = np.clip(np.nan_to_num(voi.brightness(modality(values))), 0.0, 1.0)
        if _inverted(ds):
            brightness = 1.0 - brightness
        shades: Bytes = (brightness * 255.0 + 0.5).astype(np.uint8)
        shades[padding(ds, values)] = 0
        return shades

    return Grey(_through_table(stored, tone), voi.window)


def says_contrast(ds: Dataset, index: int) -> bool:
    """Has this frame a window or a look-up table, its own or that of all?"""
    return _voi(ds, index) is not None


def values_seen(ds: Dataset, index: int, stored: Array) -> Floats:
    """Some of a frame's modality values, without padding unless there is nothing else."""
    return _sample(ds, _modality_of(ds, index), stored)


def _through_table(stored: Array, tone: Callable[[Array], Bytes]) -> Bytes:
    """One look-up a pixel instead of the arithmetic, where values have no more than 16 bits."""
    if stored.dtype.kind not in "iu" or stored.dtype.itemsize > 2:
        return tone(stored)
    codes = np.dtype(f"{stored.dtype.byteorder}u{stored.dtype.itemsize}")
    values = np.arange(int(stored.min()), int(stored.max()) + 1).astype(stored.dtype)
    table = np.zeros(2 ** (8 * codes.itemsize), np.uint8)
    table[values.view(codes)] = tone(values)
    # No code is outside the table, so there is nothing to clip: it is the mode that looks for nothing else.
    picture: Bytes = table.take(stored.view(codes), mode="clip")
    return picture


def _modality_of(ds: Dataset, index: int) -> Callable[[Array], Floats]:
    return partial(_modality, functional_group(ds, "PixelValueTransformationSequence", index), ds)


def _modality(item: Dataset, ds: Dataset, stored: Array) -> Floats:
    if ds.get("ModalityLUTSequence") and not _is_for_subtraction(ds):
        return LookupTable.of(ds.ModalityLUTSequence[0], ds).look_up(stored.astype(np.float64))
    slope, intercept = first_number(item, "RescaleSlope"), first_number(item, "RescaleIntercept")
    return stored.astype(np.float64) * (slope or 1.0) + (intercept or 0.0)


def _is_for_subtraction(ds: Dataset) -> bool:
    """Of angiography the table leads back to the dose: what is stored was seen (PS3.3 C.8.7.1.1.2)."""
    seen = str(ds.get("PixelIntensityRelationship")).strip().upper() in ("LOG", "DISP")
    return seen and str(ds.get("SOPClassUID")) in _XRAY_PROJECTIONS


def _voi(ds: Dataset, index: int) -> _Voi | None:
    """The first window, else the first look-up table, else None."""
    item = functional_group(ds, "FrameVOILUTSequence", index)
    centre, width = first_number(item, "WindowCenter"), first_number(item, "WindowWidth")
    function = str(item.get("VOILUTFunction") or "LINEAR").strip().upper()
    if centre is not None and width is not None and (width >= 1 or (width > 0 and function != "LINEAR")):
        formula = {"LINEAR_EXACT": _linear_exact, "SIGMOID": _sigmoid}.get(function, _linear)
        return _Voi(partial(formula, centre, width), f"{centre:g} / {width:g}")
    if ds.get("VOILUTSequence"):
        table = LookupTable.of(ds.VOILUTSequence[0], ds)
        return _Voi(table.brightness, "look-up table of the image")
    return None


def _linear(centre: float, width: float, values: Floats) -> Floats:
    """PS3.3 C.11.2.1.2.1: the half and the one are the standard's, so that 2 values make a width of 2."""
    if width == 1:
        return (values > centre - 0.5).astype(np.float64)
    return (values - (centre - 0.5)) / (width - 1.0) + 0.5


def _linear_exact(centre: float, width: float, values: Floats) -> Floats:
    """PS3.3 C.11.2.1.3.2"""
    return (values - centre) / width + 0.5


def _sigmoid(centre: float, width: float, values: Floats) -> Floats:
    """PS3.3 C.11.2.1.3.1"""
    exponent: Floats = np.clip(-4.0 * (values - centre) / width, -700.0, 700.0)
    return 1.0 / (1.0 + np.exp(exponent))


def _range_of_image(ds: Dataset, modality: Callable[[Array], Floats], stored: Array) -> _Voi:
    """What suits the modality, from the values that are not padding: never a fixed window."""
    if stored.dtype.kind in "iu" and shows_all(ds, bits_of(ds)):
        low, high = sorted(float(v) for v in modality(_extremes(ds, stored)))
    else:
        values = _sample(ds, modality, stored)
        if not values.size:
            return _Voi(np.zeros_like, "")
        low, high = shown_range(ds, values)
    return _range(low, high)


def _range(low: float, high: float) -> _Voi:
    return _Voi(
        lambda v: (v - low) / ((high - low) or 1.0), f"{_rounded(low)}–{_rounded(high)} (from the image)"
    )


def _extremes(ds: Dataset, stored: Array) -> Array:
    bits = bits_of(ds)
    lowest = -(2 ** (bits - 1)) if stored.dtype.kind == "i" else 0
    return np.array([lowest, lowest + 2**bits - 1])


def _sample(ds: Dataset, modality: Callable[[Array], Floats], stored: Array) -> Floats:
    """Some thousands of the values, padding left out unless there is nothing else."""
    sampled = stored[:: max(1, stored.shape[0] // _SAMPLED), :: max(1, stored.shape[1] // _SAMPLED)]
    real = sampled[~padding(ds, sampled)]
    values = modality(real if real.size else sampled.ravel())
    return values[np.isfinite(values)]


def _rounded(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def padding(ds: Dataset, stored: Array) -> npt.NDArray[np.bool_]:
    """Where pixels are padding (PS3.3 C.7.5.1.1.2): no part of the image."""
    names = ("PixelPaddingValue", "PixelPaddingRangeLimit")
    if stored.dtype.kind == "f":
        names = ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit")
    first, last = (first_number(ds, name) for name in names)
    if first is None:
        return np.zeros(stored.shape, bool)
    ends = (_as_stored(value, stored) for value in (first, first if last is None else last))
    low, high = sorted(ends)
    inside: npt.NDArray[np.bool_] = (stored >= low) & (stored <= high)
    return inside


def _as_stored(value: float, stored: Array) -> float:
    """Written with the wrong sign: 63536 is -2000 where pixels are signed, and the other way round."""
    if stored.dtype.kind == "f":
        return value
    value = int(value)  # comparing whole numbers takes a third of the time
    if stored.dtype.kind == "i" and value > np.iinfo(stored.dtype).max:
        return value - 2**16
    return value + 2**16 if stored.dtype.kind == "u" and value < 0 else value


def _inverted(ds: Dataset) -> bool:
    """Once is enough: DX images say it twice (PS3.3 C.8.11.3), and PET is shown so without being asked."""
    return (
        is_pet(ds)
        or str(ds.get("PhotometricInterpretation")).strip() == "MONOCHROME1"
        or str(ds.get("PresentationLUTShape")).strip() == "INVERSE"
    )
