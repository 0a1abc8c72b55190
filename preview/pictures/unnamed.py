"""Files that do not say what they are: where the object in them begins, and how its pixels are compressed."""

import struct
from collections.abc import Iterator

from pydicom import uid
from pydicom.uid import UID

from preview.pictures.stored import Stored

PREAMBLE = 128
"""Bytes before the prefix of a file (PS3.10 7.1)."""
LONGEST_START = PREAMBLE + 8
"""Bytes that are enough to see where an object begins."""

_PREFIX = b"DICM"
_FIRST_GROUPS = (2, 8)
"""Of the file meta information, and of every data set (PS3.6)."""

_ITEM = b"\xfe\xff\x00\xe0"
_LOOKED_AT = 2**16
"""Bytes of the first frame: before its header may stand a colour profile."""
_PROCESSES = {
    0xC0: uid.JPEGBaseline8Bit,
    0xC1: uid.JPEGExtended12Bit,
    0xC2: UID("1.2.840.10008.1.2.4.55"),
    0xC3: uid.JPEGLossless,
    0xF7: uid.JPEGLSNearLossless,
}
"""By the marker of a JPEG's frame header (ITU-T T.81 B.1.1.3, T.87 C.1.1)."""
_STANDALONE = {0x01, *range(0xD0, 0xD9)}


def begins_at(start: bytes) -> int:
    """Of the first bytes of a file: where a reader that expects a preamble or none is to begin.

    Some writers leave out the preamble but not the prefix, some the prefix but not the preamble.
    """
    if start[PREAMBLE : PREAMBLE + 4] == _PREFIX or _is_first(start):
        return 0
    if start[:4] == _PREFIX:
        return 4
    return PREAMBLE if _is_first(start[PREAMBLE:]) else 0


def _is_first(start: bytes) -> bool:
    """Can an object begin so? With a low element of one of the first groups, and a short value."""
    for order in "<>":
        if len(start) >= 8:
            group, element = struct.unpack_from(f"{order}2H", start)
            (length,) = struct.unpack_from(f"{order}L", start, 4)
            if group in _FIRST_GROUPS and element < 0x100 and (start[4:6].isalpha() or length < 2**16):
                return True
    return False


def compression_of(stored: Stored) -> UID:
    """The transfer syntax that the first frame is in; "" where nothing in it tells."""
    head = stored.read(0, 8)
    if len(head) < 8 or head[:4] != _ITEM:
        return UID("")
    (table,) = struct.unpack("<L", head[4:])
    frame = stored.read(16 + table, _LOOKED_AT)
    if frame.startswith((b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP")):
        return uid.JPEG2000
    if frame.startswith(b"\xff\xd8\xff"):
        return next((_PROCESSES[marker] for marker in _markers(frame) if marker in _PROCESSES), UID(""))
    segments, first = struct.unpack("<LL", frame[:8].ljust(8, b"\0"))
    return uid.RLELossless if 1 <= segments <= 15 and first == 64 else UID("")


def _markers(frame: bytes) -> Iterator[int]:
    place = 2
    while place + 4 <= len(frame) and frame[place] == 0xFF:
        marker = frame[place + 1]
        yield marker
        if marker == 0xFF:
            place += 1
        elif marker in _STANDALONE:
            place += 2
        else:
            place += 2 + int.from_bytes(frame[place + 2 : place + 4])
