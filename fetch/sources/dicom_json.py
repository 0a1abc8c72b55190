"""The DICOM JSON model (PS3.18 F.2), read leniently: what is odd is left out, what is there is kept."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.sequence import Sequence

from fetch.sources.reading import WRONG_VALUE

_CHARSET = "ISO_IR 192"  # JSON is UTF-8, whatever the archive's database was
_DEEPEST = 16
"""Sequences in sequences: more than any object has."""
_FILE_META, _PIXELS = 0x0002, 0x7FE0


class NoJson(Exception):
    """It is not a list of data sets."""


def datasets(body: bytes, only: Collection[str] = ()) -> list[Dataset]:
    """The data sets of an answer, of each ``only`` these tags, () for all; raises :class:`NoJson`.

    An entry that is no data set becomes an empty one.
    """
    try:
        entries = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        raise NoJson from None  # its words quote the answer
    if not isinstance(entries, list):
        raise NoJson
    if only:
        entries = [_part(entry, only) for entry in entries]
    return [_dataset(entry) for entry in entries]


def _part(entry: object, only: Collection[str]) -> object:
    return {tag: entry[tag] for tag in only if tag in entry} if isinstance(entry, dict) else None


def _dataset(attributes: object, depth: int = 0) -> Dataset:
    ds = Dataset()
    for tag, attribute in attributes.items() if isinstance(attributes, dict) else ():
        try:
            element = _element(tag, attribute, depth)
        except WRONG_VALUE:
            continue
        if element is not None and element.keyword != "SpecificCharacterSet":
            ds.add(element)
    return ds


def _element(tag: str, attribute: Mapping[str, Any], depth: int) -> DataElement | None:
    """One attribute; None for what is elsewhere (a bulk data URI). Raises one of WRONG_VALUE."""
    vr = attribute.get("vr") or dictionary_VR(int(tag, 16))
    if "BulkDataURI" in attribute or vr == "AT":  # pydicom would log a wrong one of these
        return None
    if "InlineBinary" in attribute:
        return DataElement.from_json(Dataset, tag, vr, attribute["InlineBinary"], "InlineBinary")
    values = attribute.get("Value")
    if values is None:
        return DataElement.from_json(Dataset, tag, vr, "", None)
    values = values if isinstance(values, list) else [values]
    if vr == "SQ":
        items = [_dataset(item, depth + 1) for item in values] if depth < _DEEPEST else []
        return DataElement(int(tag, 16), "SQ", Sequence(items))
    if vr == "PN":
        values = [value if isinstance(value, dict) else {"Alphabetic": str(value or "")} for value in values]
    return DataElement.from_json(Dataset, tag, vr, values, "Value")


def encoded(ds: Dataset) -> bytes:
    """The data set in Explicit VR Little Endian, without pixels and without what cannot be written."""
    ds.SpecificCharacterSet = _CHARSET
    return b"".join(_written(element) for element in ds if _FILE_META < element.tag.group < _PIXELS)


def _written(element: DataElement) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    try:
        write_data_element(buffer, element, convert_encodings(_CHARSET))
    except WRONG_VALUE:
        return b""
    return buffer.getvalue()
