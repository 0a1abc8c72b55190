"""Encoded bytes, or a file of unknown origin, to a data set; the only parser of DICOM for pictures."""

from io import BytesIO
from pathlib import Path
from stat import S_ISFIFO

from pydicom import Dataset, config, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from fetch.model import Received
from fetch.sources.reading import with_charset
from preview.pictures.pixels import BAD_INPUT

_SIGNS_OF_DICOM = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "Modality", "Rows", "PatientID")


class UnreadableError(Exception):
    """Says in a plain sentence, without a word of the content, why there is no data set."""


def be_lenient() -> None:
    """Read what can be read: values are checked where they are used."""
    config.settings.reading_validation_mode = config.IGNORE


def parse(received: Received, charset: str = "") -> Dataset:
    """The data set of an object that came over the network; ``charset`` counts where it names none."""
    syntax = UID(received.transfer_syntax)
    if syntax == DeflatedExplicitVRLittleEndian:
        # 600 kB of it unpacked to 1.2 GB; nobody needs it on a network (PS3.5 A.5).
        raise UnreadableError("Deflated objects are not accepted over the network.")
    try:
        ds = read_dataset(
            BytesIO(received.data),
            is_implicit_VR=syntax == ImplicitVRLittleEndian,
            is_little_endian=syntax != ExplicitVRBigEndian,
        )
    except BAD_INPUT:
        raise UnreadableError("The object is damaged and cannot be read.") from None
    _worth_reading(ds, "The object is damaged and cannot be read.")
    return _with_syntax(with_charset(ds, charset), syntax)


def parse_file(path: Path) -> Dataset:
    """The data set of a file, also of one without preamble or file meta information."""
    try:
        return _read_file(path)
    except (FileNotFoundError, NotADirectoryError):
        raise UnreadableError("There is no such file.") from None
    except IsADirectoryError:
        raise UnreadableError("This is a folder, not a file.") from None
    except PermissionError:
        raise UnreadableError("The file may not be read.") from None
    except MemoryError:
        raise UnreadableError("The file is too large to be read.") from None
    except (*BAD_INPUT, InvalidDicomError):
        raise UnreadableError("This is not a DICOM file, or it is damaged.") from None


def _read_file(path: Path) -> Dataset:
    if S_ISFIFO(path.stat().st_mode):
        raise UnreadableError("This is not a regular file.")  # opening it would wait for a writer
    ds = dcmread(path, force=True)
    if not ds.preamble:
        _worth_reading(ds, "This is not a DICOM file.")
    return ds if ds.file_meta.get("TransferSyntaxUID") else _with_syntax(ds, _guessed_syntax(ds))


def _worth_reading(ds: Dataset, otherwise: str) -> Dataset:
    if not any(keyword in ds for keyword in _SIGNS_OF_DICOM):
        raise UnreadableError(otherwise)
    return ds


def _with_syntax(ds: Dataset, syntax: UID) -> Dataset:
    if not hasattr(ds, "file_meta"):
        ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


def _guessed_syntax(ds: Dataset) -> UID:
    """How a file that does not say so turned out to be encoded; "" where compression hides the answer."""
    if "PixelData" in ds and ds["PixelData"].is_undefined_length:
        return UID("")
    implicit, little = ds.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian
