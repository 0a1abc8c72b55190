"""The colours of a palette (PS3.3 C.7.9), also of a segmented one and of one that supplements grey."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from preview.pictures.bad_input import BAD_INPUT
from preview.pictures.entries import data, entries
from preview.pictures.pixels import Array, CannotDrawError

_CHANNELS = ("Red", "Green", "Blue")
_UNREADABLE = "The image's colour table cannot be read."
_DISCRETE, _LINEAR, _INDIRECT = range(3)  # C.7.9.2


@dataclass(frozen=True)
class Palette:
    """Colours, entries x 3, for stored values from ``first`` on."""

    first: int
    colours: npt.NDArray[np.uint8]
    stated: int
    """How many there should be; not all of them may be there."""

    def of(self, samples: Array) -> npt.NDArray[np.uint8]:
        """What lies outside has the colour of the nearest end (C.7.6.3.1.6).

        Raises CannotDrawError where a colour is meant that is not there.
        """
        last = len(self.colours) - 1
        places = samples.astype(np.int64) - self.first
        if last + 1 < self.stated and places.size and places.max() > last:
            raise CannotDrawError(_UNREADABLE)
        coloured: npt.NDArray[np.uint8] = self.colours[np.clip(places, 0, last)]
        return coloured

    def has(self, samples: Array) -> npt.NDArray[np.bool_]:
        inside: npt.NDArray[np.bool_] = (samples >= self.first) & (samples < self.first + self.stated)
        return inside


def palette(ds: Dataset) -> Palette:
    """Raises CannotDrawError for one that cannot be read, or contradicts itself."""
    try:
        described = [_descriptor(ds, name) for name in _CHANNELS]
        (count, first), *others = {numbers[:2] for numbers in described}
        if others:
            raise ValueError("colours of different lengths")
        bits = max(bits for _, _, bits in described)
        table = _entries(ds, count, bits)
        if not len(table):
            raise ValueError("an empty table")
        signed = first >= 2**15 and ds.get("PixelRepresentation") == 1
        return Palette(first - 2**16 if signed else first, _in_bytes(table, bits), count)
    except BAD_INPUT:
        raise CannotDrawError(_UNREADABLE) from None


def _descriptor(ds: Dataset, name: str) -> tuple[int, int, int]:
    """Entries, the first value mapped, bits of an entry; all three colours have the same (C.7.6.3.1.5)."""
    written = ds.get(f"{name}PaletteColorLookupTableDescriptor") or ds.RedPaletteColorLookupTableDescriptor
    count, first, bits = (int(number) for number in written)
    return count % 2**16 or 2**16, first, bits


def supplemented(ds: Dataset, samples: Array, grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A grey picture, with what is measured in colours (flow, perfusion) in them (C.7.6.19, C.8.16.2.1.1)."""
    if str(ds.get("PixelPresentation")).strip() not in ("COLOR", "MIXED"):
        return grey
    if "RedPaletteColorLookupTableDescriptor" not in ds:
        return grey
    colours = palette(ds)
    there = colours.has(samples)
    if not there.any():
        return grey
    picture = np.repeat(grey[..., np.newaxis], 3, axis=2)
    picture[there] = colours.of(samples[there])
    return picture


def _entries(ds: Dataset, count: int, bits: int) -> Array:
    """At most ``count`` x 3, with whatever depth they are written in."""
    if "RedPaletteColorLookupTableData" in ds:
        plain = [data(ds, f"{name}PaletteColorLookupTableData", ds) for name in _CHANNELS]
        return entries(plain, count, bits)
    segmented = [data(ds, f"Segmented{name}PaletteColorLookupTableData", ds) for name in _CHANNELS]
    channels = [_unfolded(segments, count, bits) for segments in segmented]
    there = min(len(channel) for channel in channels)
    return np.stack([channel[:there] for channel in channels], axis=1)


def _unfolded(segments: bytes, count: int, bits: int) -> Array:
    """In words or in bytes: as the descriptor says, unless only the other way gives as many as it says."""
    stated, other = (_reading(segments, count, width) for width in ((2, 1) if bits > 8 else (1, 2)))
    right = other if len(other) == count != len(stated) else stated
    return np.asarray(right[:count], np.int64)


def _reading(segments: bytes, count: int, width: int) -> list[int]:
    """Nothing where it makes no sense."""
    values = np.frombuffer(segments[: len(segments) // width * width], f"<u{width}")
    try:
        return _expanded(values.tolist(), count, width)
    except BAD_INPUT:
        return []


def _expanded(values: list[int], most: int, width: int) -> list[int]:
    """C.7.9.2: runs of values, straight lines, and earlier segments again; ``width`` bytes a value."""
    expanded: list[int] = []
    place = 0
    while place + 2 < len(values) and len(expanded) < most:
        if values[place] != _INDIRECT:
            place = _segment(values, place, expanded)
            continue
        pointer = values[place + 2 : place + 2 + 4 // width]
        there = sum(value << (8 * width * order) for order, value in enumerate(pointer)) // width
        for _ in range(values[place + 1]):
            if len(expanded) >= most:
                break
            there = _segment(values, there, expanded)
        place += 2 + 4 // width
    return expanded


def _segment(values: list[int], place: int, expanded: list[int]) -> int:
    """Add one that points nowhere; where the next one begins."""
    kind, length = values[place], values[place + 1]
    if kind == _DISCRETE:
        expanded += values[place + 2 : place + 2 + length]
        return place + 2 + length
    if kind != _LINEAR or not expanded:
        raise ValueError("no such segment")
    start, end = expanded[-1], values[place + 2]
    expanded += [round(start + (end - start) * step / length) for step in range(1, length + 1)]
    return place + 3


def _in_bytes(entries: Array, bits: int) -> npt.NDArray[np.uint8]:
    """Some say 16 bits of entries that have eight, and the other way round."""
    needed = int(entries.max()).bit_length()
    shift = 0 if needed <= 8 else (max(bits, needed) - 8 if bits > 8 else 8)
    return (entries >> shift).astype(np.uint8)
