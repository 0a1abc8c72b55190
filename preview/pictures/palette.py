"""The colours of a palette (PS3.3 C.7.9), also of a segmented one and of one that supplements grey."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from preview.pictures.pixels import BAD_INPUT, Array, CannotDrawError

_CHANNELS = ("Red", "Green", "Blue")
_DISCRETE, _LINEAR, _INDIRECT = range(3)  # C.7.9.2


@dataclass(frozen=True)
class Palette:
    """Colours, entries x 3, for stored values from ``first`` on."""

    first: int
    colours: npt.NDArray[np.uint8]

    def of(self, samples: Array) -> npt.NDArray[np.uint8]:
        """What lies outside has the colour of the nearest end (C.7.6.3.1.6)."""
        places = np.clip(samples.astype(np.int64) - self.first, 0, len(self.colours) - 1)
        coloured: npt.NDArray[np.uint8] = self.colours[places]
        return coloured

    def has(self, samples: Array) -> npt.NDArray[np.bool_]:
        last = self.first + len(self.colours) - 1
        inside: npt.NDArray[np.bool_] = (samples >= self.first) & (samples <= last)
        return inside


def palette(ds: Dataset) -> Palette:
    """Raises CannotDrawError for one that cannot be read."""
    try:
        length, first, bits = (int(number) for number in ds.RedPaletteColorLookupTableDescriptor)
        entries = _entries(ds, length % 2**16 or 2**16)
        signed = first >= 2**15 and ds.get("PixelRepresentation") == 1
        return Palette(first - 2**16 if signed else first, _in_bytes(entries, bits))
    except BAD_INPUT:
        raise CannotDrawError("The image's colour table cannot be read.") from None


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


def _entries(ds: Dataset, length: int) -> Array:
    """Length x 3, with whatever depth they are written in."""
    order = "<" if ds.file_meta.TransferSyntaxUID.is_little_endian else ">"
    channels = [_channel(ds, name, length, order) for name in _CHANNELS]
    shortest = min(len(channel) for channel in channels)
    if not shortest:
        raise ValueError("an empty table")
    return np.stack([channel[:shortest].astype(np.int64) for channel in channels], axis=1)


def _channel(ds: Dataset, name: str, length: int, order: str) -> Array:
    data = ds.get(f"{name}PaletteColorLookupTableData")
    if data is not None:
        # Eight bits are written two to a word, or each in a word of its own.
        words = len(data) >= 2 * length
        return np.frombuffer(
            data, f"{order}u2" if words else "u1", count=-1 if words else min(len(data), length)
        )
    wide = int(ds[f"{name}PaletteColorLookupTableDescriptor"].value[2]) > 8
    segmented = ds[f"Segmented{name}PaletteColorLookupTableData"].value
    values = np.frombuffer(segmented, f"{order}u2" if wide else "u1")
    return np.asarray(_expanded(values.tolist(), length, 2 if wide else 1)[:length])


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
    shift = 0 if entries.max() <= 255 else (bits - 8 if 8 < bits < 16 else 8)
    colours: npt.NDArray[np.uint8] = np.minimum(entries >> shift, 255).astype(np.uint8)
    return colours
