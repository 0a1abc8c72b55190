"""Reads a file of patients, row by row: however long it is, only some of it is in memory."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from fetch.model import Patient, PatientIdentity
from fetch.records import Records
from fetch.sources.reading import day
from preview.matching import known

NEEDED = ("id", "issuer", "family", "given", "birth_date", "sex")
_AT_ONCE = 500
_LONGEST = {"id": 64, "issuer": 64, "name": 324, "birth_date": 64}


class WrongFile(Exception):
    """The file cannot be used; the text says where and why, and quotes nothing of anybody."""


@dataclass(frozen=True)
class Loaded:
    """``changed``: those of whom nothing, or something else, was known. ``skipped``: without id or issuer."""

    read: int
    changed: int
    skipped: int


def load(records: Records, file: Path, now: datetime) -> Loaded:
    """Keep every patient of the file. What came before a :class:`WrongFile` is kept, and may come again."""
    read = changed = usable = 0
    rows = _rows(file)
    while some := list(islice(rows, _AT_ONCE)):
        patients = [patient for patient in some if patient is not None]
        with records.write() as session:
            changed += known.note(session, patients, now)
        read += len(some)
        usable += len(patients)
    return Loaded(read, changed, read - usable)


def _rows(file: Path) -> Iterator[Patient | None]:
    """A patient for each row, None for one that names nobody."""
    number = 1
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            table = csv.DictReader(lines, strict=True)
            lacking = [name for name in NEEDED if name not in (table.fieldnames or ())]
            if lacking:
                raise WrongFile(f"these columns are missing: {', '.join(lacking)}")
            for row in table:
                number = table.line_num + 1
                yield _patient(row, table.line_num)
    except UnicodeDecodeError:
        raise WrongFile(f"line {number} or one soon after it is not UTF-8; save the file as UTF-8") from None
    except csv.Error as wrong:
        raise WrongFile(f"line {number} is not CSV: {wrong}") from None
    except OSError as failed:
        raise WrongFile(f"cannot be read: {failed.strerror}") from None


def _patient(row: dict[str, str | None], line: int) -> Patient | None:
    if None in row:
        raise WrongFile(f"line {line} has more values than there are columns")
    said = {name: (value or "").strip() for name, value in row.items()}
    if not (said["id"] and said["issuer"]):
        return None
    parts = [_part(said.get(name, "")) for name in ("family", "given", "middle", "prefix", "suffix")]
    name = "^".join(parts).rstrip("^")
    born = day(said["birth_date"])
    texts = {"id": said["id"], "issuer": said["issuer"], "name": name, "birth_date": said["birth_date"]}
    for column, text in texts.items():
        if len(text) > _LONGEST[column] or not text.isprintable():
            raise WrongFile(f"line {line}: {column} is too long, or has a control character")
    identity = PatientIdentity(said["id"], said["issuer"])
    return Patient(identity, name, born, said["sex"].upper()[:1], "" if born else said["birth_date"])


def _part(text: str) -> str:
    """Within a name, what separates its parts and groups would make others of them."""
    return " ".join(text.replace("^", " ").replace("=", " ").replace("\\", " ").split())
