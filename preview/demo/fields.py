"""Brushes for phantoms: grids, soft-edged shapes, smooth noise, letters. Always the same picture again."""

from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Field = NDArray[Any]
"""Floating point, of either width; numpy's own types would not survive arithmetic with Python floats."""


@lru_cache(maxsize=16)
def grid(rows: int, columns: int) -> tuple[Field, Field]:
    """X and y from -1 to 1 over the longer side; do not write into them."""
    longer = max(rows, columns)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    return (2 * x - columns + 1) / longer, (2 * y - rows + 1) / longer


def soft(value: Field, width: float = 0.02) -> Field:
    """0 where the value is negative, 1 where positive, with an edge of this width."""
    return np.clip(value / width + 0.5, 0, 1)


def step(value: float, width: float) -> float:
    return float(soft(np.asarray(value), width))


def radius(
    x: Field, y: Field, centre: tuple[float, float], half: tuple[float, float], turn: float = 0
) -> Field:
    """Elliptic distance from a centre: 1 on the outline with these half axes."""
    dx, dy = x - centre[0], y - centre[1]
    c, s = float(np.cos(turn)), float(np.sin(turn))
    return np.hypot((dx * c + dy * s) / half[0], (dy * c - dx * s) / half[1])


def ellipse(
    x: Field,
    y: Field,
    centre: tuple[float, float],
    half: tuple[float, float],
    turn: float = 0,
    edge: float = 0.015,
) -> Field:
    return soft((1 - radius(x, y, centre, half, turn)) * min(half), edge)


def capsule(x: Field, y: Field, start: tuple[float, float], end: tuple[float, float], width: float) -> Field:
    """Distance inside a bar with round ends: positive within, as deep as ``width`` on its axis."""
    ax, ay = end[0] - start[0], end[1] - start[1]
    along = np.clip(((x - start[0]) * ax + (y - start[1]) * ay) / (ax * ax + ay * ay), 0, 1)
    return width - np.hypot(x - start[0] - along * ax, y - start[1] - along * ay)


def paint(field: Field, mask: Field, value: float | Field) -> Field:
    """The field with this value where the mask is 1."""
    return field + mask * (value - field)


def enlarge(field: Field, rows: int, columns: int) -> Field:
    image = Image.fromarray(field.astype(np.float32))
    return np.asarray(image.resize((columns, rows), Image.Resampling.BICUBIC), np.float32)


@lru_cache(maxsize=64)
def smooth_noise(rows: int, columns: int, grain: int, seed: int) -> Field:
    """Noise of unit variance with structures about ``grain`` pixels wide."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=(rows // grain + 3, columns // grain + 3)).astype(np.float32)
    fine = enlarge(coarse, coarse.shape[0] * grain, coarse.shape[1] * grain)
    cut = fine[grain : grain + rows, grain : grain + columns]
    return cast("Field", (cut - cut.mean()) / cut.std())


def branches(noise: Field, width: float | Field = 0.12) -> Field:
    """The zero lines of smooth noise wander and fork like vessels and folds."""
    return np.exp(-((noise / width) ** 2))


@lru_cache(maxsize=4)
def _grain(rows: int, columns: int) -> Field:
    return np.random.default_rng(11).normal(size=(rows, columns)).astype(np.float32)


def grain(rows: int, columns: int, number: int) -> Field:
    """Detector noise of unit variance, another one for each number at the price of a shift."""
    return np.roll(_grain(rows, columns), (37 * number % rows, 101 * number % columns), (0, 1))


def letters(rows: int, columns: int, text: str, place: tuple[int, int], size: int) -> Field:
    """Text as a mask; ``place`` is the upper left corner in pixels (column, row)."""
    image = Image.new("L", (columns, rows))
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).text(place, text, fill=255, font=font)
    return np.asarray(image, np.float32) / 255
