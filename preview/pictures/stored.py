"""Where an object's pixels lie, in memory or in a file: only what is asked for is read."""

from dataclasses import dataclass
from typing import BinaryIO

from pydicom import Dataset

PIXEL_KEYWORDS = {0x7FE00010: "PixelData", 0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData"}

UNDEFINED = 0xFFFFFFFF
"""The length of an element that ends with a delimiter (PS3.5 7.1.1)."""


@dataclass(frozen=True)
class Stored:
    """The value of one pixel data element, still encoded: ``length`` bytes from ``start`` of ``source``."""

    keyword: str
    vr: str
    source: bytes | BinaryIO
    """A file stays open as long as this is used."""
    start: int
    length: int
    undefined: bool = False
    """It said no length of its own, as encapsulated pixels do: ``length`` goes to the end of the object."""

    def read(self, offset: int, length: int) -> bytes:
        """Fewer bytes than asked for where it ends; never any of what lies behind or before it."""
        place, length = self.start + offset, max(0, min(length, self.length - offset))
        if offset < 0 or not length:
            return b""
        if isinstance(self.source, bytes):
            return self.source[place : place + length]
        self.source.seek(place)
        return self.source.read(length)

    def native(self) -> memoryview | BinaryIO:
        """As pydicom's decoders take it: a buffer, or a file that stands where the pixels begin."""
        if isinstance(self.source, bytes):
            return memoryview(self.source)[self.start : self.start + self.length]
        self.source.seek(self.start)
        return self.source


NOWHERE = Stored("PixelData", "", b"", 0, 0)
"""Of an object without pixels."""


def stored_in(ds: Dataset) -> Stored | None:
    """The pixels of a data set that is in memory as a whole."""
    for tag, keyword in PIXEL_KEYWORDS.items():
        if tag in ds:
            element = ds[tag]
            value = element.value if isinstance(element.value, bytes) else b""
            undefined = bool(element.is_undefined_length)
            return Stored(keyword, str(element.VR), value, 0, len(value), undefined)
    return None
