"""Breaks a printed page's words into lines, and says how high it becomes. Lengths are in points."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from preview.fallback import fonts
from preview.fallback.paper import Block, Bullets, Heading, Line, Paragraph, Piece, Sheet, Table

BLANK = "_" * 22
LEADING = 1.22
PADDING = 2.2
"""Inside a cell, left and right."""
_WORDS = re.compile(r"\n|[^\n ]* +|[^\n ]+")
"""Words with the spaces behind them, and line breaks."""


@dataclass(frozen=True)
class Run:
    """Words in one font, and how far to the right they begin."""

    text: str
    font: str
    x: float


Row = list[Run]


@dataclass(frozen=True)
class Measure:
    """How large the type is, and the site's font for what ours lacks."""

    size: float
    own: str | None

    @property
    def line(self) -> float:
        return self.size * LEADING

    def rows(self, line: Line, room: float) -> list[Row]:
        """The line's words, broken to fit into so much room."""
        return list(_broken(self._words(line), room))

    def cells(self, table: Table, cells: Sequence[Line], room: float) -> list[list[Row]]:
        """Each cell of a table's row, broken to its column."""
        rooms = [room * share - 2 * PADDING for share in table.widths]
        return [self.rows(cell, wide) for cell, wide in zip(cells, rooms, strict=True)]

    def row_height(self, cells: Sequence[list[Row]]) -> float:
        return max(len(rows) for rows in cells) * self.line + 0.3 * self.size

    def height(self, block: Block, room: float) -> float:
        match block:
            case Heading():
                return 1.75 * self.line
            case Paragraph(line):
                return len(self.rows(line, room)) * self.line + 0.25 * self.size
            case Bullets(items):
                return sum(len(self.rows(item, room - self.size)) for item in items) * self.line
            case Table():
                rows = (head_of(block), *block.rows)
                heights = (self.row_height(self.cells(block, cells, room)) for cells in rows)
                return sum(heights) + 0.4 * self.size

    def sheet_height(self, sheet: Sheet, room: float) -> float:
        return sum(self.height(block, room) for block in sheet.blocks)

    def _words(self, line: Line) -> Iterator["_Word"]:
        for piece in line:
            preferred = fonts.BOLD if piece.bold else fonts.PLAIN
            for text in _WORDS.findall(BLANK if piece.blank else piece.text):
                for part, font in fonts.runs(text, preferred, self.own):
                    yield _Word(part, font, self.size)


def head_of(table: Table) -> tuple[Line, ...]:
    return tuple((Piece(text, bold=True),) for text in table.head)


@dataclass(frozen=True)
class _Word:
    """Characters that stay together if a line has room for them."""

    text: str
    font: str
    size: float

    @property
    def wide(self) -> float:
        return fonts.width(self.text, self.font, self.size)

    @property
    def least(self) -> float:
        """Without the spaces behind it, which may hang over the edge."""
        return fonts.width(self.text.rstrip(" "), self.font, self.size)

    def parts(self, room: float) -> Iterator["_Word"]:
        """A word that is longer than a line is cut in two, and so on; a blank is shortened."""
        if set(self.text) == {"_"}:
            most = int(room / fonts.width("_", self.font, self.size))
            yield _Word(self.text[:most], self.font, self.size)
            return
        if self.least <= room or len(self.text) < 2:
            yield self
            return
        middle = len(self.text) // 2
        for text in (self.text[:middle], self.text[middle:]):
            yield from _Word(text, self.font, self.size).parts(room)


def _broken(words: Iterable[_Word], room: float) -> Iterator[Row]:
    row: Row = []
    x = 0.0
    for word in words:
        if word.text == "\n":
            yield row
            row, x = [], 0.0
            continue
        for part in word.parts(room):
            if row and x + part.least > room:
                yield row
                row, x = [], 0.0
            row.append(Run(part.text, part.font, x))
            x += part.wide
    yield row
