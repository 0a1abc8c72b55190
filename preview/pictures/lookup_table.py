"""Look-up tables for grey values, of the modality and for display (PS3.3 C.11.1.1 and C.11.2.1.1)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from preview.pictures.entries import data, entries
from preview.pictures.pixels import Array

Floats = npt.NDArray[np.float64]

_TOO_DARK = 3
"""Bits: a table that needs so many fewer than it says would show next to nothing."""


@dataclass(frozen=True)
class LookupTable:
    """A look-up table as DICOM writes it (PS3.3 C.11.1.1.1): the first value mapped, and the entries."""

    first: int
    bits: int
    entries: Array

    @classmethod
    def of(cls, item: Dataset, ds: Dataset, *, signed: bool) -> "LookupTable":
        """``signed``: can what is looked up be negative? Then the first value may be, also if written as US.

        Raises one of BAD_INPUT for one that cannot be read, or is shorter than it says.
        """
        length, first, bits = (int(number) for number in item.LUTDescriptor)
        count = length % 2**16 or 2**16
        table = entries([data(item, "LUTData", ds)], count, bits)[:, 0]
        if len(table) < count:
            raise ValueError("the table ends too early")
        needed = int(table.max()).bit_length()
        is_right = needed <= bits < needed + _TOO_DARK
        return cls(first - 2**16 if signed and first >= 2**15 else first, bits if is_right else needed, table)

    def look_up(self, values: Floats) -> Floats:
        places = np.clip(np.nan_to_num(values) - self.first, 0, len(self.entries) - 1)
        return self.entries.take(places.astype(np.intp)).astype(np.float64)

    def brightness(self, values: Floats) -> Floats:
        return self.look_up(values) / (2.0 ** min(max(self.bits, 1), 16) - 1.0)
