"""Labelled cards: the picture of an object that has none, or whose own cannot be drawn."""

from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from preview.pictures.letters import legible

_BLACK = 0
_NAME = (0xE6, 0xEA, 0xEE)
_REASON = (0xA7, 0xB0, 0xBA)

_LEGIBLE = 96
"""Pixels; a smaller card has room for the name alone."""

_TITLE = 3
"""Lines that a title may have."""

_MORE = "…"

_ILLEGIBLE = "Its text cannot be written here: read it in the viewer."

_Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


def page(size: int, kind: str, title: str, lines: Sequence[str]) -> Image.Image:
    """A card to be read from the top: the kind of object, its title, and as many lines as have room."""
    says_something = bool(title or lines)
    title, lines = legible(title), [legible(line) for line in lines]
    if size < _LEGIBLE or not (title or any(lines)):
        return card(size, kind, _ILLEGIBLE if says_something else "")
    kind, title = (kind, title) if title else ("", kind)
    lines = [line or _MORE for number, line in enumerate(lines) if line or number == 0 or lines[number - 1]]
    image = Image.new("RGB", (size, size), (_BLACK,) * 3)
    pen, room = ImageDraw.Draw(image), size - 2 * _margin(size)
    small, large, tiny = _font(max(10, size // 18)), _font(max(12, size // 13)), _font(max(10, size // 20))
    written = [(line, small, _REASON) for line in _wrapped(kind, small, room)]
    written += [(line, large, _NAME) for line in _first(_wrapped(title, large, room), _TITLE, large, room)]
    tops = [
        _margin(size) + sum(_height(font) for _, font, _ in written[:number])
        for number in range(len(written))
    ]
    for top, (line, font, colour) in zip(tops, written, strict=True):
        pen.text((_margin(size), top), line, font=font, fill=colour)
    top = _margin(size) + sum(_height(font) for _, font, _ in written) + size // 64
    fit = int((size - _margin(size) / 2 - top) // _height(tiny))
    text = [part for line in lines for part in _wrapped(line, tiny, room)]
    for number, line in enumerate(_first(text, fit, tiny, room)):
        pen.text((_margin(size), top + number * _height(tiny)), line, font=tiny, fill=_NAME)
    return image


def _first(lines: list[str], most: int, font: _Font, room: float) -> list[str]:
    """So many of them; the last says that there are more: half a sentence may mean its opposite."""
    if len(lines) <= most:
        return lines
    shown = lines[: max(0, most)]
    while shown and font.getlength(f"{shown[-1]} {_MORE}") > room:
        shown[-1] = shown[-1].rpartition(" ")[0]
    return [*shown[:-1], f"{shown[-1]} {_MORE}".strip()] if shown else []


def card(size: int, name: str, reason: str = "") -> Image.Image:
    """A black square of ``size`` pixels with the name in large letters and the reason underneath."""
    image = Image.new("RGB", (size, size), (_BLACK,) * 3)
    pen = ImageDraw.Draw(image)
    large, small = _font(max(9, size // 11)), _font(max(8, size // 18))
    room = size - 2 * _margin(size)
    lines = [(line, large, _NAME) for line in _wrapped(name, large, room)]
    lines += [(line, small, _REASON) for line in _wrapped(reason if size >= _LEGIBLE else "", small, room)]
    heights = [_height(font) for _, font, _ in lines]
    gap = size // 24 if reason else 0
    top = max(0.0, (size - sum(heights) - gap) / 2)
    for number, ((line, font, colour), height) in enumerate(zip(lines, heights, strict=True)):
        if number and font is small and lines[number - 1][1] is large:
            top += gap
        pen.text(((size - font.getlength(line)) / 2, top), line, font=font, fill=colour)
        top += height
    return image


def _margin(size: int) -> int:
    return max(1, size // 14)


@lru_cache(maxsize=64)
def _font(points: int) -> _Font:
    return ImageFont.load_default(size=points)


def _height(font: _Font) -> float:
    top, bottom = font.getbbox("Ag")[1::2]
    return (bottom - top) * 1.5


def _wrapped(text: str, font: _Font, room: float) -> list[str]:
    """Lines that fit; a word longer than a line is broken."""
    lines: list[str] = []
    for word in (part for whole in text.split() for part in _broken(whole, font, room)):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _broken(word: str, font: _Font, room: float) -> list[str]:
    parts = [""]
    for letter in word:
        if parts[-1] and font.getlength(parts[-1] + letter) > room:
            parts.append("")
        parts[-1] += letter
    return parts
