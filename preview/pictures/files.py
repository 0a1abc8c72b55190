"""DICOM files (PS3.10) to a data set: those of unknown origin, and those that an object was streamed to."""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO, FileIO
from pathlib import Path
from stat import S_ISFIFO

from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset, read_partial, read_preamble
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from fetch.sources.reading import with_charset
from preview.pictures.bad_input import BAD_INPUT
from preview.pictures.parsing import (
    LONGEST_ELEMENT,
    Parsed,
    PixelsAhead,
    UnreadableError,
    refuse_syntax,
    with_syntax,
    worth_reading,
)
from preview.pictures.unnamed import LONGEST_START, begins_at, compression_of

_LONGEST_HEADER = 64 * 2**20
"""Bytes that are read of a file before its pixels: thousands of frames may be described there."""


_MOST_UNPACKED = 256 * 2**20
"""Bytes that a deflated file may hold, as many as the largest frame: 600 kB were seen to hold 1.2 GB."""
_STEP = 2**20


class _File(FileIO):
    """A file from ``start`` on: what stands before that is no part of it, nor counted."""

    start = 0

    @property
    def size(self) -> int:
        return max(0, os.fstat(self.fileno()).st_size - self.start)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return super().seek(offset + (self.start if whence == os.SEEK_SET else 0), whence) - self.start

    def tell(self) -> int:
        return super().tell() - self.start


class GoneError(Exception):
    """The file cannot be opened: nothing is known of the object."""


@contextmanager
def spooled(path: Path, charset: str = "") -> Iterator[Parsed]:
    """An object that came over the network into a file, which stays open meanwhile: its pixels are there.

    Raises UnreadableError, and GoneError where there is no file to open.
    """
    with _opened(path) as raw:
        try:
            refuse_syntax(_syntax(raw, force=False))
            parsed = _up_to_pixels(raw)
        except MemoryError:
            raise UnreadableError("The object is too large to be read.") from None
        except BAD_INPUT:
            raise UnreadableError("The object is damaged and cannot be read.") from None
        worth_reading(parsed.ds, "The object is damaged and cannot be read.")
        with_charset(parsed.ds, charset)
        yield parsed


@contextmanager
def _opened(path: Path) -> Iterator[_File]:
    try:
        raw = _File(path)
    except OSError:
        raise GoneError from None
    with raw:
        yield raw


@contextmanager
def local(path: Path) -> Iterator[Parsed]:
    """The file of somebody at a terminal, also without preamble, prefix or file meta information."""
    raw = _opened_politely(path)
    with raw:
        try:
            parsed = _parsed(raw)
        except MemoryError:
            raise UnreadableError("The file is too large to be read.") from None
        except BAD_INPUT:
            raise UnreadableError("This is not a DICOM file, or it is damaged.") from None
        yield parsed


def _opened_politely(path: Path) -> _File:
    try:
        if S_ISFIFO(path.stat().st_mode):
            raise UnreadableError("This is not a regular file.")  # opening it would wait for a writer
        return _File(path)
    except (FileNotFoundError, NotADirectoryError):
        raise UnreadableError("There is no such file.") from None
    except IsADirectoryError:
        raise UnreadableError("This is a folder, not a file.") from None
    except PermissionError:
        raise UnreadableError("The file may not be read.") from None
    except OSError:
        raise UnreadableError("The file cannot be opened.") from None


def _parsed(raw: _File) -> Parsed:
    raw.start = begins_at(raw.read(LONGEST_START))
    if _syntax(raw, force=True) == DeflatedExplicitVRLittleEndian:
        return _inflated(raw)
    parsed = _up_to_pixels(raw)
    ds = parsed.ds
    if not getattr(ds, "preamble", None):
        worth_reading(ds, "This is not a DICOM file.")
    if not ds.file_meta.get("TransferSyntaxUID"):
        with_syntax(ds, _guessed_syntax(parsed))
    return parsed


def _inflated(raw: _File) -> Parsed:
    """Deflated (PS3.5 A.5): what lies behind the file meta information, unpacked up to a limit."""
    with _sparing(raw) as file:
        read_preamble(file, force=True)
        meta = read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=_behind_meta)
        start = file.tell()
    raw.seek(start)
    unpacked = _unpacked(raw)
    pixels = PixelsAhead(unpacked)
    ds = read_dataset(
        unpacked, is_implicit_VR=False, is_little_endian=True, stop_when=pixels, defer_size=LONGEST_ELEMENT
    )
    worth_reading(ds, "This is not a DICOM file, or it is damaged.")
    ds.file_meta = FileMetaDataset(meta)
    return pixels.parsed(ds, unpacked, unpacked.getbuffer().nbytes)


def _unpacked(raw: _File) -> BytesIO:
    unpacker, unpacked = zlib.decompressobj(-zlib.MAX_WBITS), BytesIO()
    while not unpacker.eof and (packed := unpacker.unconsumed_tail or raw.read(_STEP)):
        unpacked.write(unpacker.decompress(packed, _STEP))
        if unpacked.tell() > _MOST_UNPACKED:
            raise UnreadableError("The file is too large to be unpacked.")
    unpacked.seek(0)
    return unpacked


class _Sparing(BufferedReader):
    """Reads no more than a file has, or a header may have: how long an element is, it only claims."""

    def __init__(self, raw: _File) -> None:
        super().__init__(raw)
        self._end = raw.size
        self._left = _LONGEST_HEADER

    def read(self, size: int | None = -1, /) -> bytes:
        there = max(0, self._end - self.tell())
        wanted = there if size is None or size < 0 else min(size, there)
        self._left -= wanted
        if self._left < 0:
            raise ValueError("more than a header has")
        return super().read(wanted)


@contextmanager
def _sparing(raw: _File) -> Iterator[_Sparing]:
    raw.seek(0)
    file = _Sparing(raw)
    try:
        yield file
    finally:
        file.detach()  # else it would close the file


def _syntax(raw: _File, *, force: bool) -> str:
    """What the file meta information says, before anything else is read: reading Deflated unpacks it."""
    with _sparing(raw) as file:
        read_preamble(file, force=force)
        meta = read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=_behind_meta)
        return str(meta.get("TransferSyntaxUID", ""))


def _behind_meta(tag: BaseTag, *_: object) -> bool:
    return tag >> 16 != 2


def _up_to_pixels(raw: _File) -> Parsed:
    with _sparing(raw) as file:
        pixels = PixelsAhead(file)
        ds = read_partial(file, pixels, LONGEST_ELEMENT, force=True)
    return pixels.parsed(ds, raw, raw.size)


def _guessed_syntax(parsed: Parsed) -> UID:
    """How a file that does not say so turned out to be encoded; "" where nothing tells."""
    if parsed.stored is not None and parsed.stored.undefined:
        return compression_of(parsed.stored)
    implicit, little = parsed.ds.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian
