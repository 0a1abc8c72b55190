"""One frame out of a data set, decoded: the size is checked before a decoder sees it."""

import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from pydicom import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixels.utils import as_pixel_options
from pydicom.uid import (
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    UncompressedTransferSyntaxes,
)

from preview.pictures import decoding
from preview.pictures.decoders import DECODINGS
from preview.pictures.encapsulation import Frames
from preview.pictures.kinds import is_video, syntax_name
from preview.pictures.stored import NOWHERE, Stored, stored_in

Array = npt.NDArray[Any]

MOST_BYTES = 256 * 2**20
"""The largest frame, decoded, that is drawn at all."""

_INCOMPLETE = "The pixels are incomplete or do not fit their description."

BAD_INPUT = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    UnidentifiedImageError,
)
"""What pydicom, numpy and the decoders have been seen to raise on bytes that are not what they claim."""

_PANIC = "PanicException"
"""What a decoder in Rust raises on a run of pixels that leaves its segment; its class cannot be imported."""


class CannotDrawError(Exception):
    """Says in a plain sentence, without a word of the object, why there is no picture."""


@dataclass(frozen=True)
class Frame:
    """Decoded samples, rows x columns or rows x columns x 3, and what their values mean."""

    samples: Array
    meaning: str
    """Photometric interpretation after decoding, which may differ from the one in the object."""
    bits: int
    is_smaller: bool = False
    """Than the image is stored: decoded in a lower resolution."""


class Pixels:
    """The pixels of one object. Raises CannotDrawError for whatever a decoder does not accept."""

    def __init__(self, ds: Dataset, stored: Stored | None = None) -> None:
        """``stored``: where they lie, if not in the data set itself."""
        self._ds = ds
        self._stored = stored or stored_in(ds) or NOWHERE
        self._syntax = UID(str(ds.file_meta.get("TransferSyntaxUID", "")))

    @property
    def columns(self) -> int:
        """As the image is stored, however small it is decoded."""
        return _number(self._ds, "Columns")

    @property
    def rows(self) -> int:
        """As the image is stored, however small it is decoded."""
        return _number(self._ds, "Rows")

    @property
    def exist(self) -> bool:
        return self._stored is not NOWHERE

    @cached_property
    def stated(self) -> int:
        """How many frames the object says it has."""
        try:
            return max(1, int(self._ds.get("NumberOfFrames") or 1))
        except (TypeError, ValueError, OverflowError):
            return 1

    @cached_property
    def count(self) -> int:
        """How many frames there are: as stated, but never more than the pixel data has room for."""
        try:
            return max(1, min(self.stated, len(self._frames) if self._is_encapsulated else self._room))
        except BAD_INPUT:
            return 1

    def check(self) -> None:
        """What can be known before decoding: a large or strange image never reaches a decoder."""
        if not _number(self._ds, "Rows") or not _number(self._ds, "Columns"):
            raise CannotDrawError("The image does not say how large it is.")
        if self._frame_bytes > MOST_BYTES:
            raise CannotDrawError("The image is too large for a preview.")
        if not self._stored.length:
            raise CannotDrawError("The image came without its pixels.")
        _check_decoder(self._syntax)
        if not self._is_encapsulated and (self._stored.undefined or not self._room or self._is_overfull):
            raise CannotDrawError(_INCOMPLETE)

    def decode(self, index: int, wanted: tuple[int, int] | None = None) -> Frame:
        """The frame with this index, from 0.

        ``wanted``: columns and rows that are enough; what comes may then be smaller than what is stored.
        """
        try:
            options = as_pixel_options(self._ds, number_of_frames=1, **self._how_stored)
            options.pop("extended_offsets", None)
            samples, facts = self._aligned(index, wanted, options)
        except BAD_INPUT:
            # The decoders' own words may quote the object.
            raise CannotDrawError(_failure(self._syntax)) from None
        except BaseException as error:
            if type(error).__name__ != _PANIC:
                raise
            raise CannotDrawError(_failure(self._syntax)) from None
        smaller = samples.shape[:2] != (self.rows, self.columns)
        return Frame(
            samples, str(facts["photometric_interpretation"]), int(facts.get("bits_stored", 0)), smaller
        )

    def _aligned(
        self, index: int, wanted: tuple[int, int] | None, options: dict[str, Any]
    ) -> decoding.Decoded:
        """With every value at the low end of its word, and nothing else in it."""
        bits, allocated = options.get("bits_stored", 0), options["bits_allocated"]
        in_words = not self._is_encapsulated or self._syntax == RLELossless
        if not 0 < bits < allocated:
            return self._decoded(index, wanted, options)
        if not in_words:
            return self._exact(index, wanted, options)
        high_bit = _number(self._ds, "HighBit")
        decoded = self._decoded(index, wanted, options | {"bits_stored": allocated})
        return decoding.aligned(decoded, bits, high_bit if bits <= high_bit < allocated else bits - 1)

    def _exact(self, index: int, wanted: tuple[int, int] | None, options: dict[str, Any]) -> decoding.Decoded:
        """Without what stood above the values, which no decoder may average either: then in full."""
        bits = options["bits_stored"]
        decoded = self._decoded(index, wanted, options)
        if self._syntax not in _EXACT or options["samples_per_pixel"] != 1:
            return decoded
        beyond = decoded[0].shape[:2] != (self.rows, self.columns)  # a smaller one may go a little beyond
        if decoding.fits(decoded[0], bits + beyond):
            return decoded
        return decoding.aligned(self._decoded(index, None, options), bits, bits - 1)

    def _decoded(
        self, index: int, wanted: tuple[int, int] | None, options: dict[str, Any]
    ) -> decoding.Decoded:
        if self._is_encapsulated:
            # However well it is compressed: a frame that is longer than its pixels is none.
            encoded = self._frames.encoded(index, 2 * self._frame_bytes + 2**20)
            enough = None if "RedPaletteColorLookupTableDescriptor" in self._ds else wanted
            return decoding.compressed(encoded, self._syntax, options, enough, BAD_INPUT)
        options["number_of_frames"] = self.count
        return decoding.uncompressed(self._stored.native(), index, self._syntax, options)

    def words(self, index: int) -> bytes:
        """An uncompressed frame as it is stored, with what stands beside its values; b"" if compressed."""
        if self._is_encapsulated:
            return b""
        return self._stored.read(index * self._frame_bytes, self._frame_bytes)

    @property
    def _how_stored(self) -> dict[str, Any]:
        return {"pixel_keyword": self._stored.keyword, "pixel_vr": self._stored.vr, "view_only": True}

    @cached_property
    def _frames(self) -> Frames:
        tables = (self._ds.get("ExtendedOffsetTable"), self._ds.get("ExtendedOffsetTableLengths"))
        offsets, lengths = (table if isinstance(table, bytes) else b"" for table in tables)
        extended = (offsets, lengths) if offsets and lengths else None
        return Frames(self._stored, self.stated, extended, apart=self._syntax == RLELossless)

    @property
    def _room(self) -> int:
        return self._stored.length // max(1, self._frame_bytes)

    @cached_property
    def _is_encapsulated(self) -> bool:
        return bool(self._syntax.is_transfer_syntax and self._syntax.is_encapsulated)

    @cached_property
    def _frame_bytes(self) -> int:
        ds = self._ds
        samples, bits = max(1, _number(ds, "SamplesPerPixel")), max(1, _number(ds, "BitsAllocated"))
        samples = 2 if self._is_subsampled else samples
        return _number(ds, "Rows") * _number(ds, "Columns") * samples * bits // 8

    @cached_property
    def _is_subsampled(self) -> bool:
        halved = self._ds.get("PhotometricInterpretation") in ("YBR_FULL_422", decoding.PARTIAL)
        return halved and not self._is_encapsulated

    @property
    def _is_overfull(self) -> bool:
        """Pixels that are said to be subsampled and are not would be drawn as stripes."""
        return self._is_subsampled and 2 * self._stored.length >= 3 * self._frame_bytes * self.count


_EXACT = frozenset({JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless, HTJ2KLosslessRPCL})
"""Whole words come out of these as they went in, with what stood in the bits above the values."""


def _check_decoder(syntax: UID) -> None:
    if not syntax:
        raise CannotDrawError("The object does not say how its pixels are encoded.")
    if is_video(syntax):
        raise CannotDrawError(f"{syntax_name(syntax)}: a film, which this preview does not show")
    if syntax not in DECODINGS and syntax not in UncompressedTransferSyntaxes:
        raise CannotDrawError(f"{syntax_name(syntax)}: cannot be drawn yet")


def _failure(syntax: UID) -> str:
    if syntax.is_compressed and not syntax.is_deflated:
        return f"The compressed pixels ({syntax_name(syntax)}) cannot be decoded."
    return _INCOMPLETE


def _number(ds: Dataset, keyword: str) -> int:
    value = ds.get(keyword)
    return value if isinstance(value, int) else 0


def eight_bits(frame: Frame) -> npt.NDArray[np.uint8]:
    """Colour samples of any depth as bytes."""
    if frame.samples.dtype == np.uint8:
        return frame.samples
    return (frame.samples >> max(0, frame.bits - 8)).astype(np.uint8)
