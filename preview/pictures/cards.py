"""Labelled cards: the picture of an object that has none, or whose own cannot be drawn."""

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

_BLACK = 0
_NAME = (0xE6, 0xEA, 0xEE)
_REASON = (0xA7, 0xB0, 0xBA)

_LEGIBLE = 96
"""Pixels; a smaller card has room for the name alone."""

_Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


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
    """Lines that fit; a word longer than a line stands alone and is cut by the edge."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
