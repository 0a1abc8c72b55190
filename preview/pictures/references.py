"""Which images a key object selection or a presentation state points at; nothing odd in it can raise."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from pydicom import Dataset

from fetch.sources.reading import text
from preview.pictures.sequences import items

_KEY_OBJECTS = "1.2.840.10008.5.1.4.1.1.88.59"
_PRESENTATION_STATES = "1.2.840.10008.5.1.4.1.1.11."

_MOST = 500
_MOST_LOOKED_AT = 5000
_DEEPEST = 8
"""Content items within content items."""

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID = 64  # UI, PS3.5 9.1


def references(ds: Dataset, sop_class: str) -> tuple[str, ...]:
    """The SOP instance UIDs that it names, at most 500, in its order; none for any other kind of object."""
    found: Iterable[str] = ()
    if sop_class == _KEY_OBJECTS:
        found = chain(_in_content(ds), _in_evidence(ds))
    elif sop_class.startswith(_PRESENTATION_STATES):
        found = _in_series(ds, "ReferencedImageSequence")
    valid = (uid for uid in islice(found, _MOST_LOOKED_AT) if is_uid(uid))
    return tuple(islice(dict.fromkeys(valid), _MOST))


def is_uid(written: str) -> bool:
    return len(written) <= _LONGEST_UID and _UID.fullmatch(written) is not None


def _in_content(ds: Dataset, depth: int = 0) -> Iterator[str]:
    """What the author of a selection chose (PS3.16 TID 2010)."""
    for item in items(ds, "ContentSequence"):
        yield from _uids(items(item, "ReferencedSOPSequence"))
        if depth < _DEEPEST:
            yield from _in_content(item, depth + 1)


def _in_evidence(ds: Dataset) -> Iterator[str]:
    """The same once more, by study and series (PS3.3 C.17.6.2)."""
    for study in items(ds, "CurrentRequestedProcedureEvidenceSequence"):
        yield from _in_series(study, "ReferencedSOPSequence")


def _in_series(ds: Dataset, sequence: str) -> Iterator[str]:
    for series in items(ds, "ReferencedSeriesSequence"):
        yield from _uids(items(series, sequence))


def _uids(items: Iterable[Dataset]) -> Iterator[str]:
    return (text(item, "ReferencedSOPInstanceUID") for item in items)
