"""Uncompressed frames that are too large to be decoded in one piece: some rows at a time, made smaller."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.uid import UID

from preview.pictures.alignment import highest_bit
from preview.pictures.decoding import Decoded, aligned, uncompressed
from preview.pictures.padding import Range, with_padding
from preview.pictures.stored import Stored

Samples = npt.NDArray[Any]

LARGE = 64 * 2**20
"""Bytes of a decoded frame from which on it is not worth having in one piece."""

_TAKEN = 4
"""Rows and columns that are looked at of each large square that becomes one sample; all of a small one."""
_LOOKED_AT = 64
"""Rows that tell where the values lie in their words."""
_AT_ONCE = 8 * 2**20
"""Bytes that are decoded together."""


@dataclass(frozen=True)
class Bands:
    """One frame, by its index from 0. ``options`` as pydicom takes them, of the frame as a whole.

    ``hidden``: the words of a kind that are padding.
    """

    stored: Stored
    syntax: UID
    options: dict[str, Any]
    high_bit: int
    index: int
    hidden: Callable[[np.dtype[Any]], Range | None] | None = None

    @property
    def are_there(self) -> bool:
        """Can rows be read by themselves? Those of single bits may begin within a byte."""
        return not self._row_bits % 8

    def smaller(self, wanted: tuple[int, int], *, averaged: bool) -> Decoded:
        """As many columns and rows as are wanted, or more, unless the frame itself has fewer.

        ``averaged``: each sample is the middle of those in whose place it stands, else one of them.
        """
        step = self._step(wanted)
        lines = _taken(step) if averaged else np.array([step // 2])
        bands = []
        for data, rows in self._read(step, lines):
            samples, facts = self._decoded(data, rows * lines.size)
            bands.append(self._like(_reduced(samples, step, lines), samples.dtype))
        if not bands:
            raise ValueError("no rows")
        return np.concatenate(bands), facts

    def seen(self) -> "Bands":
        """With the highest bit that grey values have, as some rows from top to bottom tell."""
        if not self._in_words or self.high_bit < self.options["bits_stored"]:
            return self
        bits, many = self.options["bits_stored"], self.options["rows"]
        rows = range(0, many, -(-many // _LOOKED_AT))
        words, _ = self._words(b"".join(self._row(0, row) for row in rows), len(rows))
        return replace(self, high_bit=highest_bit(words, bits, self.high_bit))

    def _step(self, wanted: tuple[int, int]) -> int:
        """Twice as large as wanted, if that is not too large."""
        columns, rows = int(self.options["columns"]), int(self.options["rows"])
        most = max(1, min(columns // wanted[0], rows // wanted[1]))
        bytes_a_pixel = max(1, self.options["bits_allocated"] // 8) * self.options["samples_per_pixel"]
        least = int(np.ceil(np.sqrt(columns * rows * bytes_a_pixel / LARGE)))
        return min(most, max(most // 2, least))

    def _read(self, step: int, lines: npt.NDArray[np.intp]) -> Iterator[tuple[bytes, int]]:
        """The encoded rows that are looked at, and for how many rows of the outcome."""
        many = self.options["rows"] // step
        at_once = max(1, _AT_ONCE // (self._row_bytes * self._planes * lines.size))
        for first in range(0, many, at_once):
            some = range(first, min(first + at_once, many))
            rows = [row * step + int(line) for row in some for line in lines]
            yield b"".join(self._row(plane, row) for plane in range(self._planes) for row in rows), len(some)

    def _row(self, plane: int, row: int) -> bytes:
        before = (self.index * self._planes + plane) * self.options["rows"] + row
        read = self.stored.read(before * self._row_bytes, self._row_bytes)
        if len(read) < self._row_bytes:
            raise ValueError("the frame is cut off")
        return read

    def _decoded(self, data: bytes, rows: int) -> Decoded:
        decoded = self._words(data, rows)
        if not self._in_words:
            return decoded
        words, bits = decoded[0], self.options["bits_stored"]
        values, facts = aligned(decoded, bits, self.high_bit)
        hidden = self.hidden(words.dtype) if self.hidden else None
        return with_padding(values, words, bits, hidden), facts

    def _words(self, data: bytes, rows: int) -> Decoded:
        """Some rows with everything that stands beside their values."""
        options = self.options | {"rows": rows, "number_of_frames": 1}
        if self._in_words:
            options["bits_stored"] = options["bits_allocated"]
        return uncompressed(memoryview(data), 0, self.syntax, options)

    @property
    def _in_words(self) -> bool:
        """That are larger than the values."""
        return bool(0 < self.options.get("bits_stored", 0) < self.options["bits_allocated"])

    def _like(self, means: npt.NDArray[np.float64], dtype: np.dtype[Any]) -> Samples:
        """Between the two values of a single bit there are shades."""
        if dtype.kind not in "iu" or self.options["bits_allocated"] == 1:
            return means.astype(dtype if dtype.kind == "f" else np.float32)
        return np.rint(means).astype(dtype)

    @property
    def _planes(self) -> int:
        planes: int = self.options["samples_per_pixel"] if self.options.get("planar_configuration") else 1
        return planes

    @property
    def _row_bits(self) -> int:
        """Of one row of one plane."""
        is_subsampled = str(self.options["photometric_interpretation"]).endswith("_422")
        samples = 2 if is_subsampled else self.options["samples_per_pixel"] // self._planes
        bits: int = self.options["columns"] * samples * self.options["bits_allocated"]
        return bits

    @property
    def _row_bytes(self) -> int:
        return self._row_bits // 8


def _taken(step: int) -> npt.NDArray[np.intp]:
    """Which of so many rows or columns are looked at: even ones and odd ones, as fields may alternate."""
    if step < 2 * _TAKEN:
        return np.arange(step)
    places = np.arange(_TAKEN)
    return (2 * places + 1) * step // (2 * _TAKEN) - places % 2


def _reduced(samples: Samples, step: int, lines: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """The middle of ``samples``: as many rows as there are lines for each row of the outcome, all columns."""
    columns = samples.shape[1] // step
    rest = samples.shape[2:]
    taken = (
        samples[:, line : columns * step : step].reshape(-1, lines.size, columns, *rest) for line in lines
    )
    total: npt.NDArray[np.float64] = sum(one.sum(axis=1, dtype=np.float64) for one in taken)
    return total / lines.size**2
