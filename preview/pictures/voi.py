"""How an object wants its measured values to be shown: its windows and look-up tables (PS3.3 C.11.2)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from pydicom import Dataset

from preview.pictures.bad_input import BAD_INPUT
from preview.pictures.frame_facts import functional_groups, numbers
from preview.pictures.lookup_table import Floats, LookupTable
from preview.pictures.sequences import items

_A_SHADE = 1.5 / 255
"""What differs by less looks the same."""
_NOTHING = 0.1
"""Of the width of a window: noise that differs by less, and is all below it, is an image of nothing."""
_LEAST_DENSE = -200.0
"""HU; nothing of a body is less dense than fat, but air and what a patient lies on is."""


@dataclass(frozen=True)
class Voi:
    """What becomes of modality values: 0 (black) to 1 (white)."""

    brightness: Callable[[Floats], Floats]
    window: str
    width: float
    """How far apart the modality values are that it is made for."""

    def shows(self, values: Floats) -> bool:
        """Are any two of these shown in different shades?"""
        shades = within_shades(self.brightness(values))
        return bool(shades.size and shades.max() - shades.min() >= _A_SHADE)

    def suits(self, values: Floats, is_ct: bool, is_noise: bool) -> bool:
        """May it be meant for an image with these values, of which it shows none?

        If there is nothing to see: beside a patient a window for tissue is rightly black.
        """
        low, high = float(values.min()), float(values.max())
        if low == high:
            return True
        is_black = float(np.max(self.brightness(values))) < _A_SHADE
        is_nothing = is_noise and high - low < _NOTHING * self.width
        return is_black and (is_nothing or (is_ct and high < _LEAST_DENSE))


def within_shades(brightness: Floats) -> Floats:
    """From black to white; what is no number is black."""
    shades: Floats = np.fmin(np.fmax(brightness, 0.0), 1.0)
    return shades


def offers(ds: Dataset, index: int, *, signed: bool) -> Iterator[Voi]:
    """The windows, then the tables, of the frame with this index itself, of all frames, of the object.

    ``signed``: can modality values be negative? What cannot be read is no offer.
    """
    for place in functional_groups(ds, "FrameVOILUTSequence", index):
        yield from _windows(place)
        yield from _tables(place, ds, signed=signed)


def has_tables(ds: Dataset, index: int) -> bool:
    """Also those that cannot be read."""
    return any(
        items(place, "VOILUTSequence") for place in functional_groups(ds, "FrameVOILUTSequence", index)
    )


def _windows(place: Dataset) -> Iterator[Voi]:
    function = str(place.get("VOILUTFunction") or "LINEAR").strip().upper()
    formula = {"LINEAR_EXACT": _linear_exact, "SIGMOID": _sigmoid}.get(function, _linear)
    least = 1.0 if formula is _linear else 0.0
    for centre, width in zip(numbers(place, "WindowCenter"), numbers(place, "WindowWidth"), strict=False):
        if centre is not None and width is not None and width > 0 and width >= least:
            yield Voi(partial(formula, centre, width), f"{centre:g} / {width:g}", width)


def _tables(place: Dataset, ds: Dataset, *, signed: bool) -> Iterator[Voi]:
    for item in items(place, "VOILUTSequence"):
        try:
            table = LookupTable.of(item, ds, signed=signed)
        except BAD_INPUT:
            continue
        yield Voi(table.brightness, "look-up table of the image", float(len(table.entries)))


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
