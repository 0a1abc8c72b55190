"""Tables of people (CSV), read row by row: however long one is, only a line of it is in memory."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from fetch.identity.register import Entry
from fetch.identity.rows import COLUMNS, patient_of

NEEDED = ("key", *COLUMNS, "accession")
_LONGEST_LINE = 64 * 1024


class WrongTable(Exception):
    """It cannot be used; the text names the line and why, and quotes nothing of anybody."""


def entries(file: Path) -> Iterator[Entry]:
    """Everybody in the table; raises :class:`WrongTable` at the first line that cannot be read."""
    try:
        with file.open("rb") as opened:
            yield from _entries(opened)
    except OSError as failed:
        raise WrongTable(f"cannot be read: {failed.strerror}") from None


def _entries(opened: BinaryIO) -> Iterator[Entry]:
    lines = _Lines(opened)
    table = csv.DictReader(lines, strict=True, skipinitialspace=True)
    try:
        _refuse_lacking(table.fieldnames or ())
        for row in table:
            yield _entry(row, lines.number)
    except csv.Error as wrong:
        raise WrongTable(f"line {lines.number} is not CSV: {wrong}") from None


class _Lines:
    """The lines of a file as text, and the number of the one that was read last."""

    def __init__(self, opened: BinaryIO) -> None:
        self._opened = opened
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._opened.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == _LONGEST_LINE:
            raise WrongTable(f"line {self.number} is longer than {_LONGEST_LINE // 1024} KiB")
        if b"\0" in line:
            raise WrongTable(f"line {self.number} holds a NUL character; save the file as UTF-8")
        try:
            return line.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise WrongTable(f"line {self.number} is not UTF-8; save the file as UTF-8") from None


def _refuse_lacking(columns: Sequence[str]) -> None:
    lacking = [name for name in NEEDED if name not in columns]
    if not columns:
        raise WrongTable("is empty; its first line names the columns")
    if lacking:
        raise WrongTable(f"line 1: these columns are missing: {', '.join(lacking)}")
    if len(set(columns)) < len(columns):
        raise WrongTable("line 1 names a column twice")


def _entry(row: Mapping[str | None, str | None], line: int) -> Entry:
    if None in row:
        raise WrongTable(f"line {line} has more values than there are columns")
    if None in row.values():
        raise WrongTable(f"line {line} has fewer values than there are columns")
    said = {name: value for name, value in row.items() if name is not None and value is not None}
    if not said["key"].strip():
        raise WrongTable(f"line {line} has no key")
    return Entry(said["key"].strip(), patient_of(said), said["accession"].strip())
