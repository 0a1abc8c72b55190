"""Pixels that are no part of the image: by their stored values (PS3.3 C.7.5.1.1.2)."""

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from preview.pictures.frame_facts import first_number

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Range = tuple[float, float]


def padding(ds: Dataset, stored: Array) -> Mask:
    """Where pixels are padding: no part of the image."""
    hidden = padding_values(ds, stored.dtype)
    return within(stored, hidden) if hidden else np.zeros(stored.shape, bool)


def padding_values(ds: Dataset, dtype: np.dtype[Any]) -> Range | None:
    """The lowest and the highest stored value that is padding."""
    names = ("PixelPaddingValue", "PixelPaddingRangeLimit")
    if dtype.kind == "f":
        names = ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit")
    first = first_number(ds, names[0])
    if first is None:
        return None
    last = first_number(ds, names[1])
    one, other = (_as_stored(value, dtype) for value in (first, first if last is None else last))
    return min(one, other), max(one, other)


def within(stored: Array, ends: Range) -> Mask:
    inside: Mask = (stored >= ends[0]) & (stored <= ends[1])
    return inside


def with_padding(values: Array, words: Array, bits: int, hidden: Range | None) -> Array:
    """``values`` of so many bits, cut out of whole ``words``; where those are padding they are left whole.

    A value that has no room in these bits would be cut to one of the image's own: -2000 to 2096 of twelve.
    """
    if hidden is None or values is words or not has_no_room(hidden, bits, signed=words.dtype.kind == "i"):
        return values
    return np.where(within(words, hidden), words, values)


def has_no_room(hidden: Range, bits: int, *, signed: bool) -> bool:
    """Is none of these one of the values of so many bits?"""
    low = -(1 << (bits - 1)) if signed else 0
    return hidden[1] < low or hidden[0] >= low + (1 << bits)


def _as_stored(value: float, dtype: np.dtype[Any]) -> float:
    """Written with the wrong sign: 63536 is -2000 where pixels are signed, and the other way round."""
    if dtype.kind == "f":
        return value
    value = int(value)  # comparing whole numbers takes a third of the time
    if dtype.kind == "i" and value > np.iinfo(dtype).max:
        return value - 2**16
    return value + 2**16 if dtype.kind == "u" and value < 0 else value
