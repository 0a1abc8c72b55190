"""From stored grey values to eight bits: modality, window or look-up table, inversion (PS3.4 N.2.1)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from preview.pictures.frame_facts import first_number, functional_group
from preview.pictures.pixels import Array

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Step = Callable[[Floats], Floats]

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


def grey(ds: Dataset, index: int, stored: Array) -> Grey:
    """Draw stored values of the frame with this index, from 0."""
    modality = partial(_modality, functional_group(ds, "PixelValueTransformationSequence", index), ds)
    voi = _voi(ds, index) or _range_of_image(ds, modality, stored)

    def tone(values: Array) -> Bytes:
        brightness = np.clip(np.nan_to_num(voi.brightness(modality(values))), 0.0, 1.0)
        if _inverted(ds):
            brightness = 1.0 - brightness
        shades: Bytes = (brightness * 255.0 + 0.5).astype(np.uint8)
        shades[_padding(ds, values)] = 0
        return shades

    return Grey(_through_table(stored, tone), voi.window)


def _through_table(stored: Array, tone: Callable[[Array], Bytes]) -> Bytes:
    """One look-up a pixel instead of the arithmetic, where values have no more than 16 bits."""
    if stored.dtype.kind not in "iu" or stored.dtype.itemsize > 2:
        return tone(stored)
    codes = np.dtype(f"u{stored.dtype.itemsize}")
    every_value = np.arange(2 ** (8 * codes.itemsize)).astype(codes).view(stored.dtype)
    picture: Bytes = tone(every_value).take(stored.view(codes))
    return picture


def _modality(item: Dataset, ds: Dataset, stored: Array) -> Floats:
    if ds.get("ModalityLUTSequence"):
        return _Table.of(ds.ModalityLUTSequence[0], ds).look_up(stored.astype(np.float64))
    slope, intercept = first_number(item, "RescaleSlope"), first_number(item, "RescaleIntercept")
    return stored.astype(np.float64) * (slope or 1.0) + (intercept or 0.0)


def _voi(ds: Dataset, index: int) -> _Voi | None:
    """The first window, else the first look-up table, else None."""
    item = functional_group(ds, "FrameVOILUTSequence", index)
    centre, width = first_number(item, "WindowCenter"), first_number(item, "WindowWidth")
    function = str(item.get("VOILUTFunction") or "LINEAR").strip().upper()
    if centre is not None and width is not None and (width >= 1 or (width > 0 and function != "LINEAR")):
        formula = {"LINEAR_EXACT": _linear_exact, "SIGMOID": _sigmoid}.get(function, _linear)
        return _Voi(partial(formula, centre, width), f"{centre:g} / {width:g}")
    if ds.get("VOILUTSequence"):
        table = _Table.of(ds.VOILUTSequence[0], ds)
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
    """From the 1st to the 99th percentile of what is not padding: never a fixed window."""
    sampled = stored[:: max(1, stored.shape[0] // _SAMPLED), :: max(1, stored.shape[1] // _SAMPLED)]
    real = sampled[~_padding(ds, sampled)]
    values = modality(real if real.size else sampled.ravel())
    values = values[np.isfinite(values)]
    if not values.size:
        return _Voi(np.zeros_like, "")
    low, high = (float(v) for v in np.percentile(values, (1, 99)))
    if low == high:
        low, high = float(values.min()), float(values.max())
    return _Voi(
        lambda v: (v - low) / ((high - low) or 1.0), f"{_rounded(low)}–{_rounded(high)} (from the image)"
    )


def _rounded(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _padding(ds: Dataset, stored: Array) -> npt.NDArray[np.bool_]:
    """Where pixels are padding (PS3.3 C.7.5.1.1.2): no part of the image."""
    first = ds.get("PixelPaddingValue")
    last = ds.get("PixelPaddingRangeLimit")
    if not isinstance(first, int):
        return np.zeros(stored.shape, bool)
    low, high = sorted((first, last if isinstance(last, int) else first))
    inside: npt.NDArray[np.bool_] = (stored >= low) & (stored <= high)
    return inside


def _inverted(ds: Dataset) -> bool:
    """DX images say it twice (PS3.3 C.8.11.3): once is enough."""
    return (
        str(ds.get("PhotometricInterpretation")).strip() == "MONOCHROME1"
        or str(ds.get("PresentationLUTShape")).strip() == "INVERSE"
    )


@dataclass(frozen=True)
class _Table:
    """A look-up table as DICOM writes it (PS3.3 C.11.1.1.1): the first value mapped, and the entries."""

    first: int
    bits: int
    entries: Array

    @classmethod
    def of(cls, item: Dataset, ds: Dataset) -> "_Table":
        length, first, bits = (int(number) for number in item.LUTDescriptor)
        data = item.LUTData
        if isinstance(data, bytes):
            width = 1 if len(data) <= (length or 2**16) else 2
            data = np.frombuffer(data, f"{_order(ds)}u{width}")
        return cls(first, bits, np.atleast_1d(np.asarray(data)))

    def look_up(self, values: Floats) -> Floats:
        places = np.clip(np.nan_to_num(values) - self.first, 0, len(self.entries) - 1)
        return self.entries.take(places.astype(np.intp)).astype(np.float64)

    def brightness(self, values: Floats) -> Floats:
        return self.look_up(values) / (2.0 ** min(max(self.bits, 1), 16) - 1.0)


def _order(ds: Dataset) -> str:
    return "<" if ds.file_meta.TransferSyntaxUID.is_little_endian else ">"
