"""Tables of people (CSV), read line by line: however long one is, only a line of it is in memory."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_LONGEST_LINE = 64 * 1024
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""How a text begins that is UTF-16."""


class WrongTable(Exception):
    """It cannot be used; the text names the line and why, and quotes nothing of anybody."""


@dataclass(frozen=True)
class Line:
    """A row of the table: where it stands, and what its columns say. ``end``: so many bytes were read."""

    number: int
    said: Mapping[str, str]
    end: int = 0


def lines_of(file: Path, needed: Sequence[str]) -> Iterator[Line]:
    """Every row; raises :class:`WrongTable` at the first line that cannot be read."""
    try:
        with file.open("rb") as opened:
            yield from _lines(opened, needed)
    except OSError as failed:
        raise WrongTable(f"cannot be read: {failed.strerror}") from None


def _lines(opened: BinaryIO, needed: Sequence[str]) -> Iterator[Line]:
    texts = _Texts(opened)
    table = csv.DictReader(texts, strict=True, skipinitialspace=True)
    try:
        _refuse_lacking(table.fieldnames or (), needed)
        for row in table:
            yield Line(texts.number, _said(row, texts.number), texts.end)
    except csv.Error as wrong:
        raise WrongTable(f"line {texts.number} is not CSV: {wrong}") from None


class _Texts:
    """The lines of a file as text, the number of the one that was read last, and where it ends."""

    def __init__(self, opened: BinaryIO) -> None:
        self._opened = opened
        self.number = self.end = 0

    def __iter__(self) -> "_Texts":
        return self

    def __next__(self) -> str:
        line = self._opened.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        self.end += len(line)
        if self.number == 1 and line.startswith(_WIDE):
            raise WrongTable("line 1 is UTF-16; save the file as UTF-8")
        if len(line) == _LONGEST_LINE:
            raise WrongTable(f"line {self.number} is longer than {_LONGEST_LINE // 1024} KiB")
        if b"\0" in line:
            raise WrongTable(f"line {self.number} holds a NUL character; save the file as UTF-8")
        try:
            return line.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise WrongTable(f"line {self.number} is not UTF-8; save the file as UTF-8") from None


def _refuse_lacking(columns: Sequence[str], needed: Sequence[str]) -> None:
    if not columns:
        raise WrongTable("is empty; its first line names the columns")
    lacking = [name for name in needed if name not in columns]
    other = next((name for mark, name in _OTHER_SEPARATORS.items() if mark in columns[0]), None)
    if lacking and len(columns) == 1 and other:
        raise WrongTable(f"line 1: the columns are divided by {other}; save the file with commas")
    if lacking:
        raise WrongTable(f"line 1: these columns are missing: {', '.join(lacking)}")
    if len(set(columns)) < len(columns):
        raise WrongTable("line 1 names a column twice")


def _said(row: Mapping[str | None, str | None], line: int) -> dict[str, str]:
    if None in row:
        raise WrongTable(f"line {line} has more values than there are columns")
    if None in row.values():
        raise WrongTable(f"line {line} has fewer values than there are columns")
    return {name: value for name, value in row.items() if name is not None and value is not None}
