"""The encoded frames of encapsulated pixel data (PS3.5 A.4), found without reading all of it."""

import struct
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise

from preview.pictures.stored import UNDEFINED, Stored

_ITEM = b"\xfe\xff\x00\xe0"
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP")
"""How a JPEG, a JPEG 2000 code stream and one in a file of its own begin."""
_END_OF_IMAGE = b"\xff\xd9"
"""How a JPEG and a JPEG 2000 code stream end."""

_MOST_FRAGMENTS = 200_000
_MOST_TABLE = 16 * 2**20
"""Bytes of an offset table that are believed: a length is only a claim."""

Piece = tuple[int, int]
"""Where a fragment begins, and how long it is."""


class Frames:
    """Knows where each frame is: by an offset table that holds true, else by looking at the fragments.

    ``stated``: how many frames the object says it has. ``extended``: its extended offset table (PS3.3
    C.7.6.3.1.8). ``apart``: frames are in run lengths, each in one fragment (PS3.5 A.4.2).
    """

    def __init__(self, stored: Stored, stated: int, extended: bytes = b"", *, apart: bool = False) -> None:
        self._stored = stored
        self._apart = apart
        self._first, basic = self._basic_table()
        whole = extended[: len(extended) // 8 * 8]
        tables = ([offset for (offset,) in struct.iter_unpack("<Q", whole)], basic)
        self._frames = self._found([frames for table in tables if (frames := self._by(table))], stated)

    def __len__(self) -> int:
        return len(self._frames)

    def encoded(self, index: int, most: int) -> bytes:
        """One frame. Raises ValueError if it is not there as a whole, or has more bytes than ``most``."""
        pieces = self._frames[index]
        if not pieces or sum(length for _, length in pieces) > most:
            raise ValueError("no such frame, or too long for one")
        return b"".join(self._whole(piece) for piece in pieces)

    def _whole(self, piece: Piece) -> bytes:
        read = self._stored.read(*piece)
        if len(read) < piece[1]:
            raise ValueError("the frame is cut off")
        return read

    def _found(self, by_tables: list[list[list[Piece]]], stated: int) -> list[list[Piece]]:
        """By a table of as many as there should be, else by the fragments, else as many as possible."""
        for frames in by_tables:
            if len(frames) == stated:
                return frames
        by_fragments = self._from_fragments(stated)
        if len(by_fragments) == stated:
            return by_fragments
        return max([*by_tables, by_fragments], key=len)

    def _basic_table(self) -> tuple[int, list[int]]:
        """Where the first fragment begins, and what the basic offset table says, counted from there."""
        head = self._stored.read(0, 8)
        if head[:4] != _ITEM or len(head) < 8:
            raise ValueError("not encapsulated")
        (length,) = struct.unpack("<L", head[4:])
        if self._begins((8, length)):  # left out, though even an empty one has its item (A.4)
            return 0, []
        table = self._stored.read(8, length) if length <= _MOST_TABLE else b""
        return 8 + length, [offset for (offset,) in struct.iter_unpack("<L", table[: len(table) // 4 * 4])]

    def _by(self, table: Sequence[int]) -> list[list[Piece]]:
        """By an offset table; none at all where it cannot be right (A.4).

        It starts at 0, rises, points at items, and has no frame begin in the middle of another. What is
        beyond the end was cut off.
        """
        if not table or table[0] != 0 or any(one >= other for one, other in pairwise(table)):
            return []
        starts = [self._first + offset for offset in table if self._first + offset < self._stored.length]
        if any(self._stored.read(start, 4) != _ITEM for start in starts):
            return []
        frames = [list(self._fragments(*both)) for both in pairwise([*starts, self._stored.length])]
        return [] if any(self._begins(piece) for frame in frames for piece in frame[1:]) else frames

    def _from_fragments(self, stated: int) -> list[list[Piece]]:
        """A frame ends with the marker of its end, which padding may follow, or where the next one begins."""
        pieces = list(self._fragments(self._first, self._stored.length))
        if len(pieces) == stated:
            return [[piece] for piece in pieces]
        frames: list[list[Piece]] = []
        for piece in pieces:
            if not frames or self._begins(piece) or self._ends(frames[-1][-1]):
                frames.append([])
            frames[-1].append(piece)
        return [[piece] for piece in pieces] if self._apart and len(frames) != stated else frames

    def _begins(self, piece: Piece) -> bool:
        if self._apart:
            segments, first = struct.unpack("<LL", self._stored.read(piece[0], 8).ljust(8, b"\0"))
            return bool(1 <= segments <= 15 and first == 64 <= piece[1])  # the header of G.5
        return self._stored.read(piece[0], min(6, piece[1])).startswith(_STARTS)

    def _ends(self, piece: Piece) -> bool:
        offset, length = piece
        return not self._apart and _END_OF_IMAGE in self._stored.read(
            max(offset, offset + length - 10), min(10, length)
        )

    def _fragments(self, place: int, end: int) -> Iterator[Piece]:
        """The items up to ``end``, by their headers alone; what is cut off is not there."""
        return islice(self._items(place, end), _MOST_FRAGMENTS)

    def _items(self, place: int, end: int) -> Iterator[Piece]:
        while place < end:
            head = self._stored.read(place, 8)
            if len(head) < 8 or head[:4] != _ITEM:
                return
            (length,) = struct.unpack("<L", head[4:])
            if length == UNDEFINED or place + 8 + length > self._stored.length:
                return
            yield place + 8, length
            place += 8 + length


def one_frame(encoded: bytes) -> bytes:
    """A frame by itself as encapsulated pixel data, with an empty offset table: decoders take it so."""
    return _ITEM + bytes(4) + _ITEM + struct.pack("<L", len(encoded)) + encoded
