"""The encoded frames of encapsulated pixel data (PS3.5 A.4), found without reading all of it."""

import struct
from collections.abc import Iterator
from itertools import islice

from preview.pictures.stored import UNDEFINED, Stored

_ITEM = b"\xfe\xff\x00\xe0"
_END_OF_IMAGE = b"\xff\xd9"
"""How a JPEG and a JPEG 2000 code stream end."""

_MOST_FRAGMENTS = 200_000
_MOST_TABLE = 16 * 2**20
"""Bytes of an offset table that are believed: a length is only a claim."""

Piece = tuple[int, int]
"""Where a fragment begins, and how long it is."""


class Frames:
    """Knows where each frame is: by the extended offset table, else the basic one, else by looking.

    ``stated``: how many frames the object says it has. ``extended``: its extended offset table and the
    lengths in it (PS3.3 C.7.6.3.1.8). ``apart``: every fragment is a frame, as in RLE (PS3.5 A.4.2).
    """

    def __init__(
        self, stored: Stored, stated: int, extended: tuple[bytes, bytes] | None = None, *, apart: bool = False
    ) -> None:
        self._stored = stored
        self._first, table = self._basic_table()
        self._starts: list[int] = []
        self._frames: list[list[Piece]] = []
        if extended and len(extended[0]) == len(extended[1]):
            self._frames = self._from_extended_table(*extended)
        elif len(table) >= stated:
            self._starts = [self._first + offset for offset in table if self._first + offset < stored.length]
        if not (self._frames or self._starts):
            self._frames = self._from_fragments(stated, apart=apart)

    def __len__(self) -> int:
        return len(self._frames or self._starts)

    def encoded(self, index: int, most: int) -> bytes:
        """One frame. Raises ValueError if it is not there as a whole, or has more bytes than ``most``."""
        pieces = self._frames[index] if self._frames else self._pieces_behind(index)
        if not pieces or sum(length for _, length in pieces) > most:
            raise ValueError("no such frame, or too long for one")
        return b"".join(self._whole(piece) for piece in pieces)

    def _whole(self, piece: Piece) -> bytes:
        read = self._stored.read(*piece)
        if len(read) < piece[1]:
            raise ValueError("the frame is cut off")
        return read

    def _basic_table(self) -> tuple[int, list[int]]:
        """Where the first fragment begins, and what the basic offset table says, counted from there."""
        head = self._stored.read(0, 8)
        if head[:4] != _ITEM or len(head) < 8:
            raise ValueError("not encapsulated")
        (length,) = struct.unpack("<L", head[4:])
        table = self._stored.read(8, length) if length <= _MOST_TABLE else b""
        return 8 + length, [offset for (offset,) in struct.iter_unpack("<L", table[: len(table) // 4 * 4])]

    def _from_extended_table(self, offsets: bytes, lengths: bytes) -> list[list[Piece]]:
        whole = len(offsets) // 8 * 8
        pairs = zip(
            struct.iter_unpack("<Q", offsets[:whole]), struct.iter_unpack("<Q", lengths[:whole]), strict=True
        )
        return [[(self._first + offset + 8, length)] for (offset,), (length,) in pairs]

    def _pieces_behind(self, index: int) -> list[Piece]:
        ends = [*self._starts[1:], self._stored.length]
        return list(self._fragments(self._starts[index], ends[index]))

    def _from_fragments(self, stated: int, *, apart: bool) -> list[list[Piece]]:
        pieces = list(self._fragments(self._first, self._stored.length))
        if apart or len(pieces) == stated:
            return [[piece] for piece in pieces]
        if stated == 1:
            return [pieces] if pieces else []
        return self._by_their_ends(pieces)

    def _by_their_ends(self, pieces: list[Piece]) -> list[list[Piece]]:
        """A frame goes to the fragment that ends with the marker; padding may follow that."""
        frames: list[list[Piece]] = [[]]
        for offset, length in pieces:
            frames[-1].append((offset, length))
            if _END_OF_IMAGE in self._stored.read(max(offset, offset + length - 10), min(10, length)):
                frames.append([])
        return [frame for frame in frames if frame]

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
