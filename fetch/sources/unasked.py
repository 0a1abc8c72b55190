"""Whose an object says that it is which nobody asked for: read from its first elements, and nothing kept."""

from collections import defaultdict
from pathlib import Path

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.uid import ImplicitVRLittleEndian

from fetch import elements
from fetch.elements import NotDicom
from fetch.model import Patient, PatientIdentity, Received, Source, Study
from fetch.sources import reading

_CHARSET, _DATE, _TIME, _ACCESSION, _MODALITY, _DESCRIPTION = (
    *(0x00080005, 0x00080020, 0x00080030, 0x00080050, 0x00080060),
    0x00081030,
)
_NAME, _ID, _ISSUER, _BORN, _SEX = 0x00100010, 0x00100020, 0x00100021, 0x00100030, 0x00100040
_WANTED = (_CHARSET, _DATE, _TIME, _ACCESSION, _MODALITY, _DESCRIPTION, _NAME, _ID, _ISSUER, _BORN, _SEX)
_LONGEST = 1024
_DEFAULT = "iso8859"
_DELIMITERS = {
    ord(c) for c in "^=\\\r\n\t\f"
}  # after each of them the first character set holds again (PS3.5 6.1.2.5.3)


def claimed(received: Received, source: Source, study_uid: str) -> Study:
    """The study as the object describes it; of one that cannot be read further, its UID alone."""
    try:
        found = _read(received)
    except (NotDicom, OSError):
        found = {}
    said = defaultdict(str, _decoded(found, source.charset))
    return Study(
        source=source.name,
        study_uid=study_uid,
        patient=Patient(
            identity=PatientIdentity(said[_ID], said[_ISSUER] or source.issuer),
            name=said[_NAME],
            birth_date=reading.day(said[_BORN]),
            sex=said[_SEX].upper()[:1],
            birth_date_text=said[_BORN],
        ),
        issuer_assumed=not said[_ISSUER],
        study_date=reading.day(said[_DATE]),
        study_date_text=said[_DATE],
        study_time=said[_TIME],
        description=said[_DESCRIPTION],
        accession=said[_ACCESSION],
        modalities=(said[_MODALITY],) if said[_MODALITY] else (),
    )


def _read(received: Received) -> dict[int, str]:
    if not isinstance(received.file, Path):
        return {}
    implicit = received.transfer_syntax == ImplicitVRLittleEndian
    with received.file.open("rb", buffering=4096) as file:
        elements.file_meta(file)
        return elements.texts(file, _WANTED, until=_SEX, implicit=implicit, longest=_LONGEST)


def _decoded(found: dict[int, str], charset: str) -> dict[int, str]:
    """The values as texts, without control characters; ``elements`` hands them out byte by byte."""
    named = (found.get(_CHARSET) or charset).split("\\")
    try:
        encodings = convert_encodings([name.strip() for name in named]) if named != [""] else [_DEFAULT]
    except LookupError:
        encodings = [_DEFAULT]
    texts = {
        tag: decode_bytes(value.encode("latin-1"), encodings, _DELIMITERS) for tag, value in found.items()
    }
    return {tag: "".join(c for c in text if c.isprintable()).strip() for tag, text in texts.items()}
