"""One frame out of a data set, decoded: the size is checked before a decoder sees it."""

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from pydicom import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import as_pixel_options
from pydicom.uid import UID

from preview.pictures.kinds import syntax_name

Array = npt.NDArray[Any]

MOST_BYTES = 256 * 2**20
"""The largest frame, decoded, that is drawn at all."""

PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")

BAD_INPUT = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
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
"""What pydicom, numpy, Pillow and pylibjpeg have been seen to raise on bytes that are not what they claim."""


class CannotDrawError(Exception):
    """Says in a plain sentence, without a word of the object, why there is no picture."""


@dataclass(frozen=True)
class Frame:
    """Decoded samples, rows x columns or rows x columns x 3, and what their values mean."""

    samples: Array
    meaning: str
    """Photometric interpretation after decoding, which may differ from the one in the object."""
    bits: int


def has_pixels(ds: Dataset) -> bool:
    return any(keyword in ds for keyword in PIXEL_KEYWORDS)


def stated_frames(ds: Dataset) -> int:
    try:
        return max(1, int(ds.get("NumberOfFrames") or 1))
    except (TypeError, ValueError, OverflowError):
        return 1


def frame_count(ds: Dataset) -> int:
    """How many frames there are: as stated, but never more than the pixel data has room for."""
    return max(1, min(stated_frames(ds), _room(ds)))


def check(ds: Dataset) -> None:
    """Raise CannotDrawError if this cannot or must not be given to a decoder."""
    sides = (_number(ds, "Rows"), _number(ds, "Columns"))
    if min(sides) < 1:
        raise CannotDrawError("The image does not say how large it is.")
    if _frame_bytes(ds) > MOST_BYTES:
        raise CannotDrawError("The image is too large for a preview.")
    if not any(ds.get(keyword) for keyword in PIXEL_KEYWORDS):
        raise CannotDrawError("The image came without its pixels.")
    _check_decoder(ds)


def decode(ds: Dataset, index: int) -> Frame:
    """The frame with this index, from 0. Raises CannotDrawError for whatever a decoder does not accept."""
    syntax = ds.file_meta.TransferSyntaxUID
    try:
        options = as_pixel_options(ds, view_only=True, number_of_frames=frame_count(ds))
        samples, facts = get_decoder(syntax).as_array(ds, index=index, raw=True, **options)
    except BAD_INPUT:
        # The decoders' own words may quote the object.
        raise CannotDrawError(_failure(syntax)) from None
    return Frame(samples, str(facts["photometric_interpretation"]), int(facts.get("bits_stored", 0)))


def _check_decoder(ds: Dataset) -> None:
    syntax = UID(str(ds.file_meta.get("TransferSyntaxUID", "")))
    if not syntax:
        raise CannotDrawError("The object does not say how its pixels are encoded.")
    twelve_bits = syntax.name.startswith("JPEG Extended") and _number(ds, "BitsStored") != 8
    try:
        drawable = get_decoder(syntax).is_available and not twelve_bits
    except NotImplementedError:
        drawable = False
    if not drawable:
        raise CannotDrawError(f"{syntax_name(syntax)}: cannot be drawn yet")


def _failure(syntax: UID) -> str:
    if syntax.is_compressed and not syntax.is_deflated:
        return f"The compressed pixels ({syntax_name(syntax)}) cannot be decoded."
    return "The pixels are incomplete or do not fit their description."


def _room(ds: Dataset) -> int:
    length = max(len(ds.get(keyword) or b"") for keyword in PIXEL_KEYWORDS)
    if _is_encapsulated(ds):
        return length // 8  # PS3.5 A.4: a fragment has a tag and a length before its bytes
    return length // max(1, _frame_bytes(ds))


def _is_encapsulated(ds: Dataset) -> bool:
    syntax = UID(str(ds.file_meta.get("TransferSyntaxUID", "")))
    return syntax.is_transfer_syntax and syntax.is_encapsulated


def _frame_bytes(ds: Dataset) -> int:
    samples, bits = max(1, _number(ds, "SamplesPerPixel")), max(1, _number(ds, "BitsAllocated"))
    subsampled = ds.get("PhotometricInterpretation") == "YBR_FULL_422" and not _is_encapsulated(ds)
    return _number(ds, "Rows") * _number(ds, "Columns") * (2 if subsampled else samples) * bits // 8


def _number(ds: Dataset, keyword: str) -> int:
    value = ds.get(keyword)
    return value if isinstance(value, int) else 0


def eight_bits(frame: Frame) -> npt.NDArray[np.uint8]:
    """Colour samples of any depth as bytes."""
    if frame.samples.dtype == np.uint8:
        return frame.samples
    return (frame.samples >> max(0, frame.bits - 8)).astype(np.uint8)
