"""The plan and the log form as PDF: one A4 page a sheet, fonts inside, nothing that runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from flask_babel import gettext as _
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen.canvas import Canvas

from preview.fallback import qr
from preview.fallback.log_form import ROWS, columns
from preview.fallback.paper import Block, Bullets, Heading, Paragraph, Piece, Sheet, Table
from preview.fallback.typesetting import PADDING, Measure, Row, head_of

SIZES = (11.0, 10.5, 10.0, 9.5, 9.0, 8.5, 8.0)
"""Points. The largest with which both pages fit is taken; smaller type nobody reads in a hurry."""
MARGIN = 34.0
_HEAD, _FOOT = 58.0, 14.0
_ROOM = A4[0] - 2 * MARGIN
_CODE = 44.0
"""Points: the side of the QR code in the head, 15 mm. A module then is wide enough for any telephone."""


@dataclass(frozen=True)
class Head:
    """What stands at the top of every page: the title, and lines of facts; and at its foot."""

    title: str
    facts: tuple[str, ...]
    foot: str = ""
    address: str = ""
    """Where the newest version is, for the QR code; left out where it would cost a word."""


def fitting_size(sheets: Sequence[Sheet], own: str | None = None) -> float | None:
    """The largest size in which each sheet is one page; None if there is none."""
    room = A4[1] - 2 * MARGIN - _HEAD - _FOOT
    for size in SIZES:
        measure = Measure(size, own)
        if all(measure.sheet_height(sheet, _ROOM) <= room for sheet in sheets):
            return size
    return None


def plan_pdf(head: Head, sheets: Sequence[Sheet], size: float, own: str | None = None) -> bytes:
    """One page a sheet, in this size. ``own``: the site's font for what ours lacks."""
    measure = Measure(size, own)
    paper = _Paper(head.title, A4, own)
    for number, sheet in enumerate(sheets, 1):
        paper.head(head)
        for block in sheet.blocks:
            paper.block(block, measure)
        paper.foot(_("Page %(number)s of %(count)s", number=number, count=len(sheets)) + head.foot)
    return paper.finished()


def log_pdf(head: Head, own: str | None = None) -> bytes:
    """The blank log, one landscape page."""
    paper = _Paper(head.title, landscape(A4), own)
    paper.head(head)
    cells = columns()
    blank = tuple((Piece(""),) for _cell in cells)
    table = Table(tuple(cell.label for cell in cells), (blank,) * ROWS, tuple(cell.width for cell in cells))
    paper.table(table, Measure(7.0, own), least=21)
    paper.foot(_("Two identifiers, always. Never link by name alone."))
    return paper.finished()


class _Paper:
    """Draws from the top of a page to its foot."""

    def __init__(self, title: str, size: tuple[float, float], own: str | None) -> None:
        self._own = own
        self._bytes = BytesIO()
        # invariant: the same plan is the same file, whenever it is made
        self._canvas = Canvas(self._bytes, pagesize=size, invariant=True)
        self._canvas.setTitle(title)
        self._wide, self._high = size[0] - 2 * MARGIN, size[1]
        self._y = size[1] - MARGIN

    def head(self, head: Head) -> None:
        self._y = self._high - MARGIN
        title, small = Measure(15, self._own), Measure(8, self._own)
        lines = [(title, Piece(head.title, bold=True)), *((small, Piece(fact)) for fact in head.facts)]
        for measure, piece in lines:
            self._line(measure, (piece,))
        room = self._wide - _CODE - 6
        if head.address and all(len(measure.rows((piece,), room)) == 1 for measure, piece in lines):
            self._code(qr.modules(head.address))
        self._y = self._high - MARGIN - _HEAD

    def _code(self, modules: Sequence[Sequence[bool]]) -> None:
        """In the upper right corner, its quiet zone in the margin and above the first heading."""
        side = _CODE / len(modules)
        left, top = MARGIN + self._wide - _CODE, self._high - MARGIN
        for down, row in enumerate(modules, 1):
            for across, black in enumerate(row):
                if black:
                    self._canvas.rect(left + across * side, top - down * side, side, side, stroke=0, fill=1)

    def _line(self, measure: Measure, line: tuple[Piece, ...]) -> None:
        """One line; what is longer is cut at the edge, for a title is no place for a story."""
        self._rows(measure.rows(line, self._wide)[:1], measure, MARGIN)

    def foot(self, text: str) -> None:
        self._y = MARGIN + _FOOT - 4
        self._line(Measure(7.5, self._own), (Piece(text),))
        self._canvas.showPage()

    def finished(self) -> bytes:
        self._canvas.save()
        return self._bytes.getvalue()

    def block(self, block: Block, measure: Measure) -> None:
        match block:
            case Heading(number, text):
                self._y -= 0.55 * measure.line
                larger = Measure(measure.size * 1.1, measure.own)
                self._rows(
                    larger.rows((Piece(f"{number}  {text}", bold=True),), self._wide)[:1], larger, MARGIN
                )
                self._y -= 0.1 * measure.line
            case Paragraph(line):
                self._rows(measure.rows(line, self._wide), measure, MARGIN)
                self._y -= 0.25 * measure.size
            case Bullets(items):
                for item in items:
                    self._bullet(measure)
                    rows = measure.rows(item, self._wide - measure.size)
                    self._rows(rows, measure, MARGIN + measure.size)
            case Table():
                self.table(block, measure)
                self._y -= 0.4 * measure.size

    def table(self, table: Table, measure: Measure, least: float = 0) -> None:
        """``least``: how high a row is at least, to be written in by hand."""
        for cells in (head_of(table), *table.rows):
            self._table_row(table, measure.cells(table, cells, self._wide), measure, least)

    def _table_row(self, table: Table, cells: Sequence[list[Row]], measure: Measure, least: float) -> None:
        high = max(least, measure.row_height(cells))
        top, x = self._y, MARGIN
        self._canvas.setLineWidth(0.4)
        for share, rows in zip(table.widths, cells, strict=True):
            self._canvas.rect(x, top - high, share * self._wide, high)
            self._y = top - 0.1 * measure.size
            self._rows(rows, measure, x + PADDING)
            x += share * self._wide
        self._y = top - high

    def _bullet(self, measure: Measure) -> None:
        radius = measure.size / 9
        self._canvas.circle(MARGIN + 2 * radius, self._y - 0.68 * measure.line, radius, stroke=0, fill=1)

    def _rows(self, rows: Sequence[Row], measure: Measure, left: float) -> None:
        for row in rows:
            self._y -= measure.line
            for run in row:
                self._canvas.setFont(run.font, measure.size)
                self._canvas.drawString(left + run.x, self._y + 0.25 * measure.size, run.text)
