"""Encoded bytes to a data set and the place of its pixels, which stay where they are."""

from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from typing import BinaryIO

from pydicom import Dataset, config
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from fetch.model import Received
from fetch.sources.reading import with_charset
from preview.pictures.bad_input import BAD_INPUT
from preview.pictures.shared_values import SharedValues
from preview.pictures.stored import PIXEL_KEYWORDS, UNDEFINED, Stored

LONGEST_ELEMENT = 16 * 2**20
"""Bytes; a longer element (a table, a private one) is passed over, unless a picture needs it."""

MOST_NEEDED = 64 * 2**20
"""Bytes of longer elements that are read nevertheless, all of them together."""
_NEEDED = {
    **dict.fromkeys((0x52009229, 0x52009230), "What the object says of its frames is too long to be read."),
    **dict.fromkeys(range(0x60003000, 0x60203000, 2 << 16), "The graphics are too long to be read."),
    0x00420011: "",
}
"""By tag what is said where one is left out: functional groups, overlay data. The card of an encapsulated
document says so itself.
"""

_PASSED_OVER = {0x0040A730: "Its content is too long to be read here: open it in the viewer."}
"""By tag what is said where one is left out that is never read: of the content of a report each line would
become an object of its own.
"""

_DAMAGED = "The object is damaged and cannot be read."
_SIGNS_OF_DICOM = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "Modality", "Rows", "PatientID")


class UnreadableError(Exception):
    """Says in a plain sentence, without a word of the content, why there is no data set."""


@dataclass(frozen=True)
class Parsed:
    """An object with everything before its pixels read."""

    ds: Dataset
    stored: Stored | None
    """None where it has no pixels, or the data set holds them."""
    left_out: str = ""
    """What a picture would have needed and was too long: sentences, without patient data."""


class PixelsAhead:
    """Stops a parser of pydicom's at the pixels of ``file``; passes over what is too long to be read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._found: tuple[str, str, int, int] | None = None
        self._long: dict[BaseTag, Stored] = {}

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag in PIXEL_KEYWORDS:
            self._found = PIXEL_KEYWORDS[tag], vr or "OW", length, self._file.tell()
            return True
        if LONGEST_ELEMENT < length != UNDEFINED:
            self._long[tag] = Stored("", vr or "", b"", self._file.tell(), length)
        return False

    def parsed(self, ds: Dataset, source: bytes | BinaryIO, end: int) -> Parsed:
        """What was read, and where the pixels are in ``source``, whose last byte is before ``end``."""
        left, left_out = MOST_NEEDED, list[str]()
        for tag, long in self._long.items():
            element = ds.get_item(tag, keep_deferred=True) if tag in ds else None
            ds.pop(tag, None)  # pydicom would go and read it as soon as anybody looked
            left_out += [_PASSED_OVER[tag]] if tag in _PASSED_OVER else []
            if tag not in _NEEDED or not isinstance(element, RawDataElement):
                continue
            if long.length <= min(left, end - long.start):
                left -= long.length
                value = replace(long, source=source).read(0, long.length)
                ds[tag] = element._replace(value=value)
            else:
                left_out.append(_NEEDED[tag])
        return Parsed(ds, self._stored(source, end), " ".join(dict.fromkeys(left_out)))

    def _stored(self, source: bytes | BinaryIO, end: int) -> Stored | None:
        if self._found is None:
            return None
        keyword, vr, length, start = self._found
        undefined = length == UNDEFINED
        there = max(0, end - start)
        return Stored(keyword, vr, source, start, there if undefined else min(length, there), undefined)


def be_lenient() -> None:
    """Read what can be read: values are checked where they are used."""
    config.settings.reading_validation_mode = config.IGNORE


def parse(received: Received, charset: str = "") -> Parsed:
    """An object that came over the network and is in memory; ``charset`` counts where it names none."""
    syntax = UID(received.transfer_syntax)
    refuse_syntax(syntax)
    file = BytesIO(received.data)
    pixels = PixelsAhead(file)
    try:
        ds = read_dataset(
            file,
            is_implicit_VR=syntax == ImplicitVRLittleEndian,
            is_little_endian=True,
            stop_when=pixels,
            defer_size=LONGEST_ELEMENT,
        )
    except MemoryError:
        raise UnreadableError("The object is too large to be read.") from None
    except BAD_INPUT:
        raise UnreadableError(_DAMAGED) from None
    ds.__class__ = SharedValues
    worth_reading(ds, _DAMAGED)
    ds = with_syntax(with_charset(ds, charset), syntax)
    return pixels.parsed(ds, received.data, len(received.data))


def refuse_syntax(syntax: str) -> None:
    """What nobody needs on a network: 600 kB of Deflated unpacked to 1.2 GB (PS3.5 A.5)."""
    if syntax == DeflatedExplicitVRLittleEndian:
        raise UnreadableError("Deflated objects are not accepted over the network.")
    if syntax == ExplicitVRBigEndian:
        raise UnreadableError("Big-endian objects are not accepted over the network.")


def worth_reading(ds: Dataset, otherwise: str) -> None:
    if not any(keyword in ds for keyword in _SIGNS_OF_DICOM):
        raise UnreadableError(otherwise)


def with_syntax(ds: Dataset, syntax: UID) -> Dataset:
    if hasattr(ds, "file_meta"):
        ds.file_meta.TransferSyntaxUID = syntax
    else:
        ds.file_meta = _meta(syntax)
    return ds


@lru_cache(16)
def _meta(syntax: UID) -> FileMetaDataset:
    """Of all that came in it without one of their own: to be read only."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    return meta
