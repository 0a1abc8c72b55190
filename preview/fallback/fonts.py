"""Which font prints a character: DejaVu, or the one that the site names; both are put inside the PDF."""

import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from preview.web import assets

PLAIN, BOLD = "DejaVu", "DejaVu-Bold"
_FILES = {PLAIN: "DejaVuSansCondensed.ttf", BOLD: "DejaVuSansCondensed-Bold.ttf"}
_RIGHT_TO_LEFT = ("R", "AL")
_JOINED = ("Mn", "Mc", "Me")
"""Marks that must be put on the letter before; nothing here can do that, nor write from the right."""


class WrongFont(Exception):
    """The font in the settings has no TrueType outlines, or cannot be read."""


@cache
def _ready() -> None:
    """Register ours once, when first needed: reading them takes a tenth of a second."""
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, assets.FONTS / file))


@cache
def registered(own: Path | None) -> str | None:
    """The name of the site's font, or :class:`WrongFont`."""
    if own is None:
        return None
    name = f"Site-{own.stem}"
    try:
        pdfmetrics.registerFont(TTFont(name, own))
    except (TTFError, OSError):
        raise WrongFont(own.name) from None
    return name


def width(text: str, font: str, size: float) -> float:
    _ready()
    return float(pdfmetrics.stringWidth(text, font, size))


def unprintable(text: str, own: str | None) -> list[str]:
    """The characters that no font has, or that would be put down wrongly; each once."""
    return sorted({char for char in text if char != "\n" and not _prints(char, own)})


def _prints(char: str, own: str | None) -> bool:
    simple = unicodedata.bidirectional(char) not in _RIGHT_TO_LEFT
    return simple and unicodedata.category(char) not in _JOINED and font_of(char, PLAIN, own) is not None


def font_of(char: str, preferred: str, own: str | None) -> str | None:
    """``preferred`` if it has the character, else the site's if that does."""
    return next((name for name in (preferred, own) if name and _holds(name, char)), None)


def _holds(name: str, char: str) -> bool:
    _ready()
    return ord(char) in pdfmetrics.getFont(name).face.charToGlyph


def runs(text: str, preferred: str, own: str | None) -> Iterator[tuple[str, str]]:
    """A word, cut where its font changes; an ideograph is a word of its own, a line may end behind it."""
    for font, chars in groupby(text, lambda char: font_of(char, preferred, own) or preferred):
        if font == own:
            yield from ((char, font) for char in chars)
        else:
            yield "".join(chars), font
