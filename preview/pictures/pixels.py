"""One frame out of a data set, decoded: the size is checked before a decoder sees it."""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.uid import (
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    UncompressedTransferSyntaxes,
)

from preview.pictures import codestreams, decoding
from preview.pictures.alignment import grey_values
from preview.pictures.bad_input import BAD_INPUT
from preview.pictures.bands import LARGE, Bands
from preview.pictures.decoders import DECODINGS
from preview.pictures.description import Description, description
from preview.pictures.encapsulation import Frames
from preview.pictures.extent import Extent
from preview.pictures.kinds import is_video, syntax_name
from preview.pictures.padding import has_no_room, padding_values
from preview.pictures.smoothness import are_signed, hold_words, smoother
from preview.pictures.stored import NOWHERE, Stored, stored_in

Array = npt.NDArray[Any]

MOST_BYTES = 256 * 2**20
"""The largest frame that is decoded in one piece."""

TOO_MUCH_MEMORY = "This needs more memory than a preview may take."
_INCOMPLETE = "The pixels are incomplete or do not fit their description."

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

    def __init__(self, ds: Dataset, stored: Stored | None = None, left_out: str = "") -> None:
        """``stored``: where they lie, if not in the data set itself; ``left_out``: a sentence about what
        would have been needed and is not in the data set.
        """
        self.left_out = left_out
        self._ds = ds
        self._stored = stored or stored_in(ds) or NOWHERE
        self._syntax = UID(str(ds.file_meta.get("TransferSyntaxUID", "")))

    @property
    def columns(self) -> int:
        """As the image is stored, however small it is decoded."""
        return self._about.columns

    @property
    def rows(self) -> int:
        """As the image is stored, however small it is decoded."""
        return self._about.rows

    @property
    def exist(self) -> bool:
        return self._stored is not NOWHERE

    @cached_property
    def stated(self) -> int:
        """How many frames the object says it has; 1 if it does not say."""
        return max(1, self._said)

    @cached_property
    def _said(self) -> int:
        try:
            return int(self._ds.get("NumberOfFrames") or 0)
        except (TypeError, ValueError, OverflowError):
            return 0

    @cached_property
    def count(self) -> int:
        """How many frames there are, whatever the object says: 1 where nobody can tell."""
        try:
            return max(1, len(self._frames) if self._is_encapsulated else self._extent.count)
        except BAD_INPUT:
            return 1

    @property
    def doubt(self) -> str:
        """Where something was left out, or there is more than the object says: sentences, else ""."""
        return " ".join(filter(None, (self.left_out, self._excess)))

    @property
    def _excess(self) -> str:
        if self.count > self.stated and self._said < 1:
            return f"The object does not say how many frames it has: {self.count} were found."
        if self.count > self.stated:
            frames = "1 frame" if self.stated == 1 else f"{self.stated} frames"
            return f"The object says it has {frames}: {self.count} were found."
        is_longer = not self._is_encapsulated and self._extent.has_more
        return "The object has more pixels than it describes." if is_longer else ""

    def check(self) -> None:
        """What can be known before decoding: a large or strange image never reaches a decoder."""
        if not self.rows or not self.columns:
            raise CannotDrawError("The image does not say how large it is.")
        if self._frame_bytes > MOST_BYTES and not self._comes_smaller:
            raise CannotDrawError("The image is too large for a preview.")
        if not self._stored.length:
            raise CannotDrawError("The image came without its pixels.")
        _check_decoder(self._syntax)
        if not self._is_encapsulated and not self._is_sound:
            raise CannotDrawError(_INCOMPLETE)

    def decode(self, index: int, wanted: tuple[int, int] | None = None) -> Frame:
        """The frame with this index, from 0.

        ``wanted``: columns and rows that are enough; what comes may then be smaller than what is stored.
        """
        try:
            samples, facts = self._read(index, wanted)
        except MemoryError:
            raise CannotDrawError(TOO_MUCH_MEMORY) from None
        except BAD_INPUT:
            # The decoders' own words may quote the object.
            raise CannotDrawError(_failure(self._syntax)) from None
        except BaseException as error:
            if type(error).__name__ != _PANIC:
                raise
            raise CannotDrawError(_failure(self._syntax)) from None
        smaller = samples.shape[:2] != (self.rows, self.columns)
        about = self._about
        meaning = (
            about.meaning if about.read_as != about.meaning else str(facts["photometric_interpretation"])
        )
        return Frame(samples, meaning, int(facts.get("bits_stored", 0)), smaller)

    def _read(self, index: int, wanted: tuple[int, int] | None) -> decoding.Decoded:
        if self._is_encapsulated or not wanted or self._decoded_bytes <= LARGE:
            return self._aligned(index, wanted, self._options)
        is_grey = self._about.meaning.startswith("MONOCHROME")
        padding = partial(padding_values, self._ds) if is_grey else None
        bands = Bands(self._stored, self._syntax, self._options, self._high_bit, index, padding)
        if not bands.are_there or self._has_swapped_bits:
            return self._aligned(index, wanted, self._options)
        if is_grey and not self._has_graphics_beside:
            bands = bands.seen()
        has_palette = "RedPaletteColorLookupTableDescriptor" in self._ds
        return bands.smaller(wanted, averaged=not has_palette)

    @property
    def _comes_smaller(self) -> bool:
        """Need it never be there as a whole?"""
        if not self._is_encapsulated:
            return True
        return self._syntax in DECODINGS and DECODINGS[self._syntax].smaller is not None

    @cached_property
    def _options(self) -> dict[str, Any]:
        """As pydicom's decoders take them, with what the object leaves out told by its pixels."""
        about, options = self._about, self._about.options(self._stored)
        if about.samples > 1 and (about.planes is None or (about.is_subsampled and about.planes)):
            options["planar_configuration"] = self._planes(options)
        if about.signed is None and "pixel_representation" in options:
            options["pixel_representation"] = int(self._are_signed(options))
        return options

    def _planes(self, options: dict[str, Any]) -> int:
        if self._is_encapsulated:
            return 0
        is_subsampled = self._about.is_subsampled
        by_pixel = self._decoded(self._middle, None, options | {"planar_configuration": 0})[0]
        if is_subsampled:
            planes = smoother(by_pixel[..., 0], self._luminance(self._middle))
        else:
            by_plane = self._decoded(self._middle, None, options | {"planar_configuration": 1})[0]
            planes = smoother(by_pixel, by_plane)
        # Subsampled colours have no planes (C.7.6.3.1.2), and nobody has a decoder for those that do.
        if planes is None or (planes and is_subsampled):
            raise CannotDrawError("The image does not say how its colours are stored.")
        return planes

    def _luminance(self, index: int) -> Array:
        """If it were a plane of its own."""
        plane = self._stored.read(index * self._frame_bytes, self.rows * self.columns)
        return np.frombuffer(plane, np.uint8).reshape(self.rows, self.columns)

    def _are_signed(self, options: dict[str, Any]) -> bool:
        """Of values that nobody said it of: read with the wrong sign, those beside 0 are far apart."""
        for index in {self._middle: None, 0: None, self.count - 1: None}:  # one of them may be damaged
            try:
                return self._is_signed(index, options)
            except BAD_INPUT:
                continue
        return False

    def _is_signed(self, index: int, options: dict[str, Any]) -> bool:
        if self._is_encapsulated and DECODINGS[self._syntax].header is codestreams.jpeg_2000:
            stream = codestreams.jpeg_2000(self._encoded(index))
            if stream.signed:  # of those that are not, the encoder may not have known
                return True
        samples, facts = self._aligned(index, None, options)
        return are_signed(samples, int(facts["bits_stored"]))

    @property
    def _middle(self) -> int:
        return self.count // 2

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
        decoded = self._decoded(index, wanted, options | {"bits_stored": allocated})
        return self._values(decoded, bits, self._high_bit)

    def _values(self, decoded: decoding.Decoded, bits: int, high_bit: int) -> decoding.Decoded:
        if not self._about.meaning.startswith("MONOCHROME"):
            return decoding.aligned(decoded, bits, high_bit)
        hidden = padding_values(self._ds, decoded[0].dtype)
        return grey_values(decoded, bits, high_bit, has_graphics=self._has_graphics_beside, hidden=hidden)

    @property
    def _has_graphics_beside(self) -> bool:
        return not self._ds.keys().isdisjoint(_BIT_POSITIONS)

    @property
    def _high_bit(self) -> int:
        bits, high_bit = self._about.stored, self._about.high_bit
        return high_bit if bits <= high_bit < self._about.allocated else bits - 1

    def _exact(self, index: int, wanted: tuple[int, int] | None, options: dict[str, Any]) -> decoding.Decoded:
        """Without what stood beside the values, which no decoder may average either: then in full."""
        bits = options["bits_stored"]
        if options["samples_per_pixel"] != 1:
            return self._decoded(index, wanted, options)
        if self._syntax not in _EXACT:
            return self._with_loss(index, wanted, options)
        if self._has_words(index, bits):
            words = self._decoded(index, None, options | {"bits_stored": options["bits_allocated"]})
            return self._values(words, bits, self._high_bit)
        decoded = self._decoded(index, wanted, options)
        beyond = decoded[0].shape[:2] != (self.rows, self.columns)  # a smaller one may go a little beyond
        if decoding.fits(decoded[0], bits + beyond):
            return decoded
        return self._values(self._decoded(index, None, options), bits, bits - 1)

    def _with_loss(
        self, index: int, wanted: tuple[int, int] | None, options: dict[str, Any]
    ) -> decoding.Decoded:
        """Whole words went into a stream with more bits than the values have, if these end higher up."""
        bits, header = options["bits_stored"], DECODINGS[self._syntax].header
        is_grey = self._about.meaning.startswith("MONOCHROME")
        is_plain = self._high_bit < bits or not is_grey
        if is_plain or header is None or header(self._encoded(index)).bits <= bits:
            return self._decoded(index, wanted, options)
        words = self._decoded(index, None, options | {"bits_stored": options["bits_allocated"]})
        return self._values(words, bits, self._high_bit)

    def _has_words(self, index: int, bits: int) -> bool:
        """More bits than the values have went into the stream, and pydicom would take the lowest of them."""
        header = DECODINGS[self._syntax].header
        is_plain = self._high_bit == bits - 1 and self._syntax not in _LOSSLESS_JPEG
        is_plain = is_plain and not self._has_padding_above(bits)
        return not is_plain and header is not None and header(self._encoded(index)).bits > bits

    def _has_padding_above(self, bits: int) -> bool:
        signed = self._about.signed is True
        hidden = padding_values(self._ds, np.dtype("<i2" if signed else "<u2"))
        return hidden is not None and has_no_room(hidden, bits, signed=signed)

    def _encoded(self, index: int) -> bytes:
        return self._frames.encoded(index, self._longest)

    def _decoded(
        self, index: int, wanted: tuple[int, int] | None, options: dict[str, Any]
    ) -> decoding.Decoded:
        if not self._is_encapsulated:
            if options["bits_allocated"] == 1:
                return self._single_bits(index), options
            return decoding.uncompressed(
                self._stored.native(), index, self._syntax, options | {"number_of_frames": self.count}
            )
        encoded = self._encoded(index)
        larger = self._larger(encoded)
        in_full = larger or "RedPaletteColorLookupTableDescriptor" in self._ds
        samples, facts = decoding.compressed(
            encoded, self._syntax, options | larger, None if in_full else wanted, BAD_INPUT, MOST_BYTES
        )
        return (samples[: self.rows, : self.columns] if larger else samples), facts

    def _single_bits(self, index: int) -> Array:
        """Packed without gaps (PS3.5 8.1.1): of frames that do not end at a byte pydicom cuts the end off."""
        first, count = index * self._about.frame_bits, self._about.frame_bits
        words = range(first // 16, -(-(first + count) // 16))
        packed = np.frombuffer(self._stored.read(2 * words.start, 2 * len(words)), np.uint8)
        if self._has_swapped_bits:
            packed = packed[: packed.size // 2 * 2].reshape(-1, 2)[:, ::-1].ravel()
        bits = np.unpackbits(packed, bitorder="little")[first % 16 :][:count]
        return bits.reshape(self.rows, self.columns)

    @property
    def _has_swapped_bits(self) -> bool:
        """The first pixel is in the lowest bit of a word, and the higher half of a word comes first."""
        is_little = not self._syntax.is_transfer_syntax or self._syntax.is_little_endian
        return self._about.allocated == 1 and not is_little and self._stored.vr == "OW"

    @property
    def _longest(self) -> int:
        """However well it is compressed: a frame that is longer than its pixels is none."""
        return 2 * self._frame_bytes + 2**20

    def _larger(self, encoded: bytes) -> dict[str, int]:
        """The size of the stream, if its encoder added a row or a column to have an even number."""
        header = DECODINGS[self._syntax].header
        if header is None:
            return {}
        stream = header(encoded)
        size = {"rows": stream.rows, "columns": stream.columns}
        added = (stream.rows - self.rows, stream.columns - self.columns)
        return size if added in {(0, 1), (1, 0), (1, 1)} else {}

    def words(self, index: int) -> bytes:
        """A frame in whole words, with what stands beside its values.

        b"" where a compression left nothing beside them. Raises one of BAD_INPUT where it cannot be decoded.
        """
        if not self._is_encapsulated:
            return self._stored.read(index * self._frame_bytes, self._frame_bytes)
        if self._syntax not in (RLELossless, *_EXACT):
            return b""
        allocated = self._about.allocated
        samples, _ = self._decoded(index, None, self._options | {"bits_stored": allocated})
        return samples.tobytes() if 8 * samples.itemsize == allocated else b""

    @cached_property
    def _frames(self) -> Frames:
        table = self._ds.get("ExtendedOffsetTable")
        extended = table if isinstance(table, bytes) else b""
        return Frames(self._stored, self.stated, extended, apart=self._syntax == RLELossless)

    @cached_property
    def _about(self) -> Description:
        about = description(self._ds, is_native=not self._is_encapsulated)
        return about if self._is_encapsulated else Extent.of(about, self._stored.length, self.stated).about

    @property
    def _is_sound(self) -> bool:
        return not self._stored.undefined and self._extent.is_sound and not self._hold_words

    @property
    def _hold_words(self) -> bool:
        """Twice as many bytes as there should be may be as many words."""
        if self._about.allocated != 8 or self.count != 2 * self.stated:
            return False
        words = self._options | {"bits_allocated": 16, "bits_stored": 16, "number_of_frames": self.stated}
        in_words, _ = decoding.uncompressed(self._stored.native(), 0, self._syntax, words)
        return hold_words(self._decoded(0, None, self._options)[0], in_words)

    @cached_property
    def _extent(self) -> Extent:
        """Of uncompressed pixels."""
        return Extent(self._about, self._stored.length, self.stated)

    @cached_property
    def _is_encapsulated(self) -> bool:
        return bool(self._syntax.is_transfer_syntax and self._syntax.is_encapsulated)

    @property
    def _frame_bytes(self) -> int:
        return self._about.frame_bits // 8

    @property
    def _decoded_bytes(self) -> int:
        """Of one frame; a single bit is a byte then."""
        about = self._about
        return about.rows * about.columns * max(1, about.samples) * max(1, about.allocated // 8)


_BIT_POSITIONS = [(group << 16) + 0x0102 for group in range(0x6000, 0x6020, 2)]
"""Of overlays in bits beside the values (retired: PS3.5 8.1.2 of 2004)."""

_LOSSLESS_JPEG = frozenset({JPEGLossless, JPEGLosslessSV1})
_EXACT = _LOSSLESS_JPEG | {JPEGLSLossless, JPEG2000Lossless, HTJ2KLossless, HTJ2KLosslessRPCL}
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


def eight_bits(frame: Frame) -> npt.NDArray[np.uint8]:
    """Colour samples of any depth as bytes."""
    if 0 < frame.bits < 8:
        most = (1 << frame.bits) - 1
        return (np.minimum(frame.samples, most).astype(np.uint16) * 255 // most).astype(np.uint8)
    if frame.samples.dtype == np.uint8:
        return frame.samples
    return (frame.samples >> max(0, frame.bits - 8)).astype(np.uint8)
