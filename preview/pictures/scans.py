"""In how many passes a JPEG tells its coefficients, and whether it has all of them; how many rows it has."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

SCAN = 0xDA
COSINES = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
"""Frames of what is made of cosines and is not hierarchical (ITU-T T.81 table B.1)."""
LOSSLESS = frozenset({0xC3, 0xCB})
BLOCK = 8
"""Columns and rows of what becomes cosines together."""
_NUMBER_OF_LINES = 0xDC
_TABLES = 0xC4
_PROGRESSIVE = {0xC2, 0xCA}
_ARITHMETIC = {0xC9, 0xCA}
MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
"""Within and behind a scan: not a stuffed byte, nor a restart, which belong to it, nor what fills the space
before a marker (B.1.1.2).
"""
_STANDALONE = {0x01, 0xD8, 0xD9}
_COEFFICIENTS = 64


@dataclass(frozen=True)
class _Scan:
    """These coefficients of these components, but for the ``lacking`` lowest bits."""

    components: tuple[int, ...]
    first: int
    last: int
    lacking: int


def in_several_scans(encoded: bytes) -> bool:
    """Is nothing of it complete before its last scan has come?"""
    components, is_progressive = 0, False
    for marker, segment, _ in segments(encoded):
        if marker in COSINES and len(segment) >= 6:
            components, is_progressive = segment[5], marker in _PROGRESSIVE
        if marker == SCAN and segment:
            return is_progressive or segment[0] < components
    return is_progressive


def in_arithmetic(encoded: bytes) -> bool:
    """Has it no Huffman codes?"""
    frames = (marker in _ARITHMETIC for marker, _, _ in segments(encoded) if marker in COSINES)
    return next(frames, False)


def has_all_scans(encoded: bytes) -> bool:
    """Is every coefficient of every component told to its last bit (T.81 G.1.1.1)?"""
    left: set[tuple[int, int]] | None = None
    is_progressive = False
    for marker, segment, _ in segments(encoded):
        if marker in COSINES and len(segment) >= 6:
            left = {(one, place) for one in segment[6::3] for place in range(_COEFFICIENTS)}
            is_progressive = marker in _PROGRESSIVE
        if marker == SCAN and left is not None and (scan := _scan(segment, is_progressive)):
            told = range(scan.first, scan.last + 1) if not scan.lacking else ()
            left -= {(one, place) for one in scan.components for place in told}
    return not left


def _scan(segment: bytes, is_progressive: bool) -> _Scan | None:
    """Its header (T.81 B.2.3); None of one that is cut off."""
    count = segment[0] if segment else 0
    if len(segment) < 4 + 2 * count:
        return None
    components = tuple(segment[1 : 1 + 2 * count : 2])
    if not is_progressive:
        return _Scan(components, 0, _COEFFICIENTS - 1, 0)
    first, last, bits = segment[1 + 2 * count : 4 + 2 * count]
    return _Scan(components, first, last, bits & 0x0F)


def made_of_zeros(encoded: bytes) -> frozenset[int]:
    """Which differences, in sample values, zeros are in a lossless stream (T.81 C.2, H.1.2.2).

    The first symbol of each table has the code of zeros, and says how many bits follow.
    """
    categories, shift = set(), 0
    for marker, segment, _ in segments(encoded):
        place = 0
        while marker == _TABLES and place + 17 < len(segment):
            categories.add(segment[place + 17])
            place += 17 + sum(segment[place + 1 : place + 17])
        if marker == SCAN:
            shift = segment[-1] & 15 if segment else 0
            break
    return frozenset((1 << 15 if one > 15 else 1 - (1 << one)) << shift for one in categories)


def with_height(encoded: bytes) -> bytes:
    """Where the frame header leaves its rows to be counted (DNL, T.81 B.2.5), as if it had them itself."""
    rows = None
    for marker, segment, end in segments(encoded):
        if rows is None and marker in COSINES | LOSSLESS:
            rows = end - len(segment) + 1
            if encoded[rows : rows + 2] != b"\0\0":
                return encoded
        if marker == SCAN and rows is None:
            return encoded
        if marker == _NUMBER_OF_LINES and rows is not None and len(segment) == 2:
            scan = encoded[rows + 2 : end - len(segment) - 4]
            return encoded[:rows] + segment + scan + encoded[end:]
    return encoded


def segments(encoded: bytes) -> Iterator[tuple[int, bytes, int]]:
    """The markers of a stream with what belongs to them, and where that ends; in order, as far as it goes."""
    place = 0
    while found := MARKER.search(encoded, place):
        marker, place = found[1][0], found.end()
        if marker in _STANDALONE:
            continue
        if place + 2 > len(encoded):
            return
        (length,) = struct.unpack_from(">H", encoded, place)
        segment, place = encoded[place + 2 : place + length], place + length
        yield marker, segment, place
