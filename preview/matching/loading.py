"""Keeps the patients of a file, some at a time: however long it is, only these are in memory."""

from collections.abc import Iterator
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
_AT_ONCE = 500
_LONGEST = {"id": 64, "issuer": 64, "name": 324, "birth_date": 64}


@dataclass(frozen=True)
class Loaded:
    """``changed``: those of whom nothing, or something else, was known. ``skipped``: without id or issuer."""

    read: int
    changed: int
    skipped: int


def load(records: Records, file: Path, now: datetime) -> Loaded:
    """Keep every patient of the file. What came before a :class:`WrongTable` is kept, and may come again."""
    read = changed = usable = 0
    rows = (_patient(line) for line in lines_of(file, NEEDED))
    for some in _batches(rows):
        patients = [patient for patient in some if patient is not None]
        with records.write() as session:
            changed += known.note(session, patients, now)
        read += len(some)
        usable += len(patients)
    return Loaded(read, changed, read - usable)


def _batches(rows: Iterator[Patient | None]) -> Iterator[list[Patient | None]]:
    while some := list(islice(rows, _AT_ONCE)):
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
