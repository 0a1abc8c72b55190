"""What a printed page is made of, whether it becomes HTML or PDF."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """Some words. A blank is a place that nobody has filled in."""

    text: str
    bold: bool = False
    blank: bool = False


Line = tuple[Piece, ...]


@dataclass(frozen=True)
class Heading:
    number: int
    text: str

    kind = "heading"


@dataclass(frozen=True)
class Paragraph:
    line: Line

    kind = "paragraph"


@dataclass(frozen=True)
class Bullets:
    items: tuple[Line, ...]

    kind = "bullets"


@dataclass(frozen=True)
class Table:
    """``widths``: each column's share of the line."""

    head: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]
    widths: tuple[float, ...]

    kind = "table"


Block = Heading | Paragraph | Bullets | Table


@dataclass(frozen=True)
class Sheet:
    """One page."""

    blocks: tuple[Block, ...]


def words(sheets: Iterable[Sheet]) -> str:
    """Everything that is printed on them, in one text."""
    return "\n".join(text for sheet in sheets for block in sheet.blocks for text in _words(block))


def _words(block: Block) -> Iterator[str]:
    match block:
        case Heading(_, text):
            yield text
        case Paragraph(line):
            yield from (piece.text for piece in line)
        case Bullets(items):
            yield from (piece.text for item in items for piece in item)
        case Table(head, rows):
            yield from head
            yield from (piece.text for row in rows for cell in row for piece in cell)
