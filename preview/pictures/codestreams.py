"""What a compressed frame says of itself, read before any decoder sees it: sizes, depths, how it is made."""

import struct
from dataclasses import dataclass

_JPEG_START = b"\xff\xd8"
_STANDALONE = {0x01, *range(0xD0, 0xD9)}
"""JPEG markers that no length follows (ITU-T T.81 B.1.1.3)."""
_NOT_FRAMES = {0xC4, 0xC8, 0xCC}
"""Between the start-of-frame markers (T.81 table B.1) lie tables and what is reserved."""
_JPEG_LS_FRAME = 0xF7
"""ITU-T T.87 C.1.1"""
_SCAN = 0xDA

_J2K_START = b"\xff\x4f\xff\x51"
_COD, _COC = 0xFF52, 0xFF53
_TILE_PART = 0xFF90
END = b"\xff\xd9"
"""Of JPEG, JPEG-LS and JPEG 2000 alike."""
_PADDING = 64
"""Bytes after the end, and before what is empty, that are forgiven: the standard has one (PS3.5 A.4)."""


@dataclass(frozen=True)
class Codestream:
    """One frame as its encoder described it, whatever the object around it says."""

    columns: int
    rows: int
    samples: int
    bits: int
    signed: bool = False
    reductions: int = 0
    """How many times it can be halved while it is being decoded."""
    transformed: bool = False
    """Its components were made of red, green and blue, which every decoder makes of them again."""

    def halved(self, times: int) -> tuple[int, int]:
        """Columns and rows then: what is cut in half is rounded up."""
        return -(-self.columns >> times), -(-self.rows >> times)


def is_whole(encoded: bytes) -> bool:
    """Ends as it should. Decoders that fill what is missing with grey do not say so."""
    return END in encoded.rstrip(b"\0\xff")[-_PADDING:]


def jpeg(encoded: bytes) -> Codestream:
    """The frame header of JPEG (T.81 B.2.2) or JPEG-LS. Raises ValueError where there is none."""
    if encoded[:2] != _JPEG_START:
        raise ValueError("not JPEG")
    place = 2
    while place + 4 <= len(encoded) and encoded[place] == 0xFF:
        marker = encoded[place + 1]
        if marker == 0xFF or marker in _STANDALONE:  # fill bytes may come before any marker
            place += 1 if marker == 0xFF else 2
        elif _is_frame(marker):
            bits, rows, columns, samples = struct.unpack_from(">BHHB", encoded, place + 4)
            # Only what is made of cosines can be had smaller: not the lossless processes (SOF3, 7, 11, 15).
            smaller = 0 if marker & 3 == 3 or marker == _JPEG_LS_FRAME else 3
            return Codestream(columns, rows, samples, bits, reductions=smaller)
        elif marker == _SCAN:
            break
        else:
            place += 2 + int.from_bytes(encoded[place + 2 : place + 4])
    raise ValueError("no frame header")


def _is_frame(marker: int) -> bool:
    return (0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES) or marker == _JPEG_LS_FRAME


def jpeg_2000(encoded: bytes) -> Codestream:
    """The main header (T.800 A.5.1, A.6.1), also inside the boxes of a JP2 file, which DICOM does not allow.

    Raises ValueError where there is none.
    """
    start = encoded.find(_J2K_START, 0, 2**16)
    if start < 0:
        raise ValueError("not JPEG 2000")
    right, bottom, left, top = struct.unpack_from(">4L", encoded, start + 8)
    (samples,) = struct.unpack_from(">H", encoded, start + 40)
    components = [struct.unpack_from(">3B", encoded, start + 42 + 3 * number) for number in range(samples)]
    depths = {depth for depth, _, _ in components}
    if len(depths) != 1:
        raise ValueError("components of different depths")
    (depth,) = depths
    sampled = {(across, down) for _, across, down in components}
    plain = start == 0 and not left and not top and sampled == {(1, 1)}
    levels, transformed = _coding(encoded, start + 42 + 3 * samples)
    return Codestream(
        right - left,
        bottom - top,
        samples,
        (depth & 0x7F) + 1,
        signed=bool(depth & 0x80),
        reductions=levels if plain else 0,
        transformed=transformed,
    )


def _coding(encoded: bytes, place: int) -> tuple[int, bool]:
    """How often every component was decomposed, 0 where that stands of one of them apart (T.800 A.6.2), and
    whether the first three were transformed together (table A.14).
    """
    levels, transformed, apart = 0, False, False
    while place + 10 <= len(encoded):
        marker, length = struct.unpack_from(">HH", encoded, place)
        if marker == _TILE_PART or marker >> 8 != 0xFF:
            break
        if marker == _COD:
            transformed, levels = encoded[place + 8] == 1, encoded[place + 9]
        apart = apart or marker == _COC
        place += 2 + length
    return 0 if apart else levels, transformed
