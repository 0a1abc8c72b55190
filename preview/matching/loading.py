"""Keeps the patients of a file, some at a time: however long it is, only these are in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from fetch.identity.rows import patient_of
from fetch.model import Patient
from fetch.records import Records
from preview.matching import known
from preview.tables import Line, WrongTable, lines_of

NEEDED = ("id", "issuer", "family", "given", "birth_date", "sex")
_AT_ONCE = 3_000
"""Fewer change the same pages of the indexes over and over; while more are written, others wait too long."""
_LONGEST = {"id": 64, "issuer": 64, "name": 324, "birth_date": 64}


@dataclass(frozen=True)
class Loaded:
    """``changed``: those of whom nothing, or something else, was known. ``skipped``: without id or issuer."""

    read: int
    changed: int
    skipped: int


def load(records: Records, file: Path, now: datetime, told: Callable[[int], None] = lambda _: None) -> Loaded:
    """Keep every patient of the file. What came before a :class:`WrongTable` is kept, and may come again.

    ``told`` hears of each of some rows, once they are kept, how many bytes of the file they are.
    """
    read = changed = usable = end = 0
    for some in _batches(lines_of(file, NEEDED)):
        patients = [patient for patient in map(_patient, some) if patient is not None]
        with records.write() as session:
            changed += known.note(session, patients, now)
        read += len(some)
        usable += len(patients)
        told(some[-1].end - end)
        end = some[-1].end
    return Loaded(read, changed, read - usable)


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while some := list(islice(lines, _AT_ONCE)):
        yield some


def _patient(line: Line) -> Patient | None:
    """None for a row that names nobody."""
    patient = patient_of(line.said)
    identity = patient.identity
    if not (identity.patient_id and identity.issuer):
        return None
    texts = {"id": identity.patient_id, "issuer": identity.issuer, "name": patient.name}
    for column, text in (texts | {"birth_date": line.said["birth_date"].strip()}).items():
        if len(text) > _LONGEST[column] or not text.isprintable():
            raise WrongTable(f"line {line.number}: {column} is too long, or has a control character")
    return patient
