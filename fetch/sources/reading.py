"""Reading what archives and devices really write: any element may be absent, empty or wrong."""

import struct
from datetime import date

from pydicom import charset as character_sets
from pydicom import config
from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException

from fetch.model import Aliases, Patient, PatientIdentity

# pydicom's warnings and validation errors quote values, and these are patients' data
config.settings.reading_validation_mode = config.IGNORE


def _silently(*_words: object, **_more: object) -> None:
    """In place of what warns of a character set: the one warning that the mode above leaves."""


character_sets.warn_and_log = _silently  # type: ignore[attr-defined]

WRONG_VALUE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BytesLengthException,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,  # also NotImplementedError and RecursionError
    TypeError,
    ValueError,  # also UnicodeError
    struct.error,
)
"""What pydicom raises for an element whose bytes do not fit its representation."""

_LONGEST = 1024


def with_charset(ds: Dataset, charset: str) -> Dataset:
    """The data set itself, to be read in ``charset`` if it names no character set (PS3.3 C.12.1.1.2).

    ``charset`` is as DICOM writes it, "" for none. Nothing of the data set may have been read before:
    pydicom keeps each text as it first decoded it, and Dataset.decode() would mend names only.
    """
    if charset and not text(ds, "SpecificCharacterSet"):
        implicit, little_endian = ds.original_encoding
        ds.set_original_encoding(implicit, little_endian, convert_encodings(charset.split("\\")))
    return ds


def text(ds: Dataset, keyword: str) -> str:
    """The element as text, several values joined as DICOM writes them; "" when absent or unreadable."""
    return "\\".join(texts(ds, keyword))[:_LONGEST]


def texts(ds: Dataset, keyword: str) -> tuple[str, ...]:
    """Each value of the element as text, without padding and control characters."""
    try:
        value = ds.get(keyword)
        values = [] if value is None else [value] if not _several(value) else list(value)
        return tuple(cleaned for one in values if (cleaned := _clean(str(one)[: 4 * _LONGEST])))
    except WRONG_VALUE:
        return ()


def _several(value: object) -> bool:
    return (
        not isinstance(value, str | bytes) and hasattr(value, "__iter__") and not hasattr(value, "components")
    )


def _clean(value: str) -> str:
    return (value if value.isprintable() else "".join(c for c in value if c.isprintable())).strip()


def number(ds: Dataset, keyword: str) -> int | None:
    """The element as a whole number that is not negative, or None."""
    try:
        value = int(texts(ds, keyword)[0])
    except (ValueError, IndexError):
        return None
    return value if 0 <= value < 2**31 else None


def day(written: str) -> date | None:
    """A date as DICOM or ACR-NEMA wrote it (``20261122``, ``2026.11.22``), or None."""
    digits = written.replace(".", "").replace("-", "").strip()
    if len(digits) != 8 or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def patient(ds: Dataset, *, issuer: str = "") -> Patient:
    """Whose the data set says it is; ``issuer`` stands in where it names none."""
    born = text(ds, "PatientBirthDate")
    return Patient(
        identity=PatientIdentity(text(ds, "PatientID"), text(ds, "IssuerOfPatientID") or issuer),
        name=text(ds, "PatientName"),
        birth_date=day(born),
        sex=text(ds, "PatientSex").upper()[:1],
        birth_date_text=born,
        aliases=_aliases(ds, issuer),
    )


_MOST_ALIASES = 8


def _aliases(ds: Dataset, issuer: str) -> Aliases:
    """Other ids, each with its issuer where one is named (PS3.3 C.2.3), and other names."""
    ids = [
        PatientIdentity(text(item, "PatientID"), text(item, "IssuerOfPatientID") or issuer)
        for item in _items(ds, "OtherPatientIDsSequence")
    ]
    ids += [PatientIdentity(one, issuer) for one in texts(ds, "OtherPatientIDs")]
    names = (*texts(ds, "PatientBirthName"), *texts(ds, "OtherPatientNames"))
    kept = dict.fromkeys(one for one in ids if one.patient_id)
    return Aliases(tuple(kept)[:_MOST_ALIASES], tuple(dict.fromkeys(names))[:_MOST_ALIASES])


def _items(ds: Dataset, keyword: str) -> tuple[Dataset, ...]:
    try:
        return tuple(item for item in ds.get(keyword) or () if isinstance(item, Dataset))[:_MOST_ALIASES]
    except WRONG_VALUE:
        return ()
