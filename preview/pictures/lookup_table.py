"""Look-up tables for grey values, of the modality and for display (PS3.3 C.11.1.1 and C.11.2.1.1)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from preview.pictures.pixels import Array

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LookupTable:
    """A look-up table as DICOM writes it (PS3.3 C.11.1.1.1): the first value mapped, and the entries."""

    first: int
    bits: int
    entries: Array

    @classmethod
    def of(cls, item: Dataset, ds: Dataset) -> "LookupTable":
        length, first, bits = (int(number) for number in item.LUTDescriptor)
        data = item.LUTData
        if isinstance(data, bytes):
            width = 1 if len(data) <= (length % 2**16 or 2**16) else 2
            data = np.frombuffer(data, f"{_order(ds)}u{width}")
        entries = np.atleast_1d(np.asarray(data))
        # Some say fewer bits than their entries have, which would saturate.
        return cls(_signed(first, ds), max(bits, int(entries.max()).bit_length()), entries)

    def look_up(self, values: Floats) -> Floats:
        places = np.clip(np.nan_to_num(values) - self.first, 0, len(self.entries) - 1)
        return self.entries.take(places.astype(np.intp)).astype(np.float64)

    def brightness(self, values: Floats) -> Floats:
        return self.look_up(values) / (2.0 ** min(max(self.bits, 1), 16) - 1.0)


def _signed(first: int, ds: Dataset) -> int:
    """Of signed pixels the first value mapped is signed too, also where it is written as US."""
    return first - 2**16 if first >= 2**15 and ds.get("PixelRepresentation") == 1 else first


def _order(ds: Dataset) -> str:
    return "<" if ds.file_meta.TransferSyntaxUID.is_little_endian else ">"
