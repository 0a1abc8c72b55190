"""How an object describes its pixels (PS3.3 C.7.6.3); what is missing or oddly written can often be told."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydicom import Dataset

from preview.pictures.stored import Stored

SUBSAMPLED = ("YBR_FULL_422", "YBR_PARTIAL_422")

_SAMPLES = {
    **dict.fromkeys(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"), 1),
    **dict.fromkeys(("RGB", "YBR_FULL", *SUBSAMPLED), 3),
}


@dataclass(frozen=True)
class Description:
    """0 or "" is what an object does not say, or says in a way that nobody can read; None likewise."""

    rows: int
    columns: int
    samples: int
    allocated: int
    stored: int
    high_bit: int
    meaning: str
    """The photometric interpretation."""
    signed: bool | None
    planes: int | None
    """The planar configuration: 0, pixel by pixel; 1, plane by plane."""
    is_native: bool
    """Not encapsulated."""
    is_subsampled: bool
    """Two pixels have one sample of either colour between them (C.7.6.3.1.2)."""

    @property
    def frame_bits(self) -> int:
        """Of one uncompressed frame; frames of single bits do not begin at a byte (PS3.5 8.1.1)."""
        samples = 2 if self.is_subsampled else max(1, self.samples)
        return self.rows * self.columns * samples * max(1, self.allocated)

    @property
    def is_contradictory(self) -> bool:
        return self.samples != _SAMPLES.get(self.meaning, self.samples)

    def whole(self) -> "Description":
        """The same pixels with all their colours."""
        return replace(self, is_subsampled=False) if self.is_subsampled else self

    @property
    def other_readings(self) -> "Iterator[Description]":
        """With all colours, with as many samples as the meaning has, in words that have room for the bits."""
        if self.is_subsampled:
            yield self.whole()
        if self.is_contradictory:
            yield replace(self, samples=_SAMPLES[self.meaning])
        if self.stored > self.allocated or (self.allocated > 1 and self.allocated % 8):
            yield replace(self, allocated=max(8, -(-max(self.stored, self.allocated) // 8) * 8))

    @property
    def read_as(self) -> str:
        """The photometric interpretation that has the samples where they lie."""
        return (
            "YBR_FULL"
            if self.is_native and self.meaning in SUBSAMPLED and not self.is_subsampled
            else self.meaning
        )

    def options(self, stored: Stored) -> dict[str, Any]:
        """As pydicom's decoders take it; what nobody has told is left out, which they do not forgive."""
        told = {
            "rows": self.rows,
            "columns": self.columns,
            "samples_per_pixel": self.samples,
            "bits_allocated": self.allocated,
            "photometric_interpretation": self.read_as,
            "planar_configuration": self.planes,
            "pixel_keyword": stored.keyword,
            "pixel_vr": stored.vr,
            "number_of_frames": 1,
            "view_only": True,
        }
        if stored.keyword == "PixelData":
            told |= {"bits_stored": self.stored, "pixel_representation": int(bool(self.signed))}
        return {name: value for name, value in told.items() if value not in (None, "")}


def description(ds: Dataset, *, is_native: bool) -> Description:
    """As the object has it, except where something else in it says what must be meant."""
    meaning = str(ds.get("PhotometricInterpretation") or "").strip(" \0").upper()
    allocated, high_bit = number(ds, "BitsAllocated"), number(ds, "HighBit")
    stored = number(ds, "BitsStored") or (high_bit + 1 if 0 < high_bit < allocated else allocated)
    is_signed, planes = ds.get("PixelRepresentation"), ds.get("PlanarConfiguration")
    is_grey = meaning.startswith("MONOCHROME")
    return Description(
        rows=number(ds, "Rows"),
        columns=number(ds, "Columns"),
        samples=number(ds, "SamplesPerPixel") or _SAMPLES.get(meaning, 0),
        allocated=allocated,
        stored=stored,
        high_bit=high_bit,
        meaning=meaning,
        # Colours and places in a palette are hardly ever signed: grey values must be asked.
        signed=bool(is_signed) if is_signed in (0, 1) else (None if is_grey else False),
        planes=planes if planes in (0, 1) else None,
        is_native=is_native,
        is_subsampled=is_native and meaning in SUBSAMPLED,
    )


def number(ds: Dataset, keyword: str) -> int:
    """A whole number, whatever value representation it has come in; 0 if it is none, or below."""
    value = ds.get(keyword)
    if type(value) is int:
        return max(0, value)
    if isinstance(value, bytes) and len(value) in (2, 4):
        return int.from_bytes(value, "little" if ds.file_meta.TransferSyntaxUID.is_little_endian else "big")
    try:
        read = float(value)
        return max(0, int(read)) if read.is_integer() else 0
    except (TypeError, ValueError, OverflowError):
        return 0
