"""Projections of people who never were: chest in two directions, a hand, a breast."""

import numpy as np

from preview.demo.fields import (
    Field,
    branches,
    capsule,
    ellipse,
    enlarge,
    grain,
    grid,
    letters,
    paint,
    radius,
    smooth_noise,
    soft,
)

WHITE = 3600.0
"""Density of a lead letter; all images are 0 (dark on a viewer) to 4095, as MONOCHROME2."""


def chest_pa(rows: int, columns: int, number: int = 0) -> Field:
    """The patient's left is on the right of the picture, and carries the letter."""
    x, y = grid(rows // 2, columns // 2)
    shade = _trunk_pa(x, y)
    for side in (-1, 1):
        shade = shade - 1500 * _lung_pa(x, y, side) * (1 - 0.25 * soft(y - 0.1, 0.7))
    shade = shade + _heart_and_vessels(x, y) + _ribs_pa(x, y) + _spine_pa(x, y)
    return _finish(shade, rows, columns, number, "L")


def _trunk_pa(x: Field, y: Field) -> Field:
    shoulder = soft(y + 0.88 - 0.55 * np.clip(np.abs(x) - 0.18, 0, 1), 0.10)
    sides = soft(0.80 - np.abs(x) - 0.05 * np.cos(2 * y), 0.10)
    neck = 0.8 * soft(0.20 - np.abs(x), 0.08)
    body = np.clip(np.maximum(shoulder * sides, neck), 0, 1)
    return np.asarray(
        150 + body * (1950 + 420 * np.clip(1 - (x / 0.85) ** 2, 0, 1) + 60 * smooth_noise(*x.shape, 40, 31))
    )


def _lung_pa(x: Field, y: Field, side: int) -> Field:
    left = side > 0
    dome = 0.46 + 0.05 * left + 0.55 * (x - side * 0.30) ** 2 * 2.2
    chest = ellipse(x, y, (side * 0.335, 0.06), (0.315, 0.86), side * -0.06, 0.05)
    inner = soft(side * x - 0.075 - 0.03 * np.cos(3 * y), 0.07)
    return chest * inner * soft(dome - y, 0.035)


def _heart_and_vessels(x: Field, y: Field) -> Field:
    heart = np.maximum(
        ellipse(x, y, (0.10, 0.27), (0.27, 0.215), 0.42, 0.05),
        ellipse(x, y, (-0.05, 0.22), (0.15, 0.21), 0, 0.05),
    )
    knob = ellipse(x, y, (0.085, -0.20), (0.09, 0.10), 0, 0.06)
    mediastinum = soft(0.10 - np.abs(x), 0.06) * soft(0.62 - y, 0.2)
    trachea = soft(0.032 - np.abs(x + 0.012), 0.02) * soft(-0.10 - y, 0.06)
    dense: Field = (
        820 * np.clip(np.maximum(heart, 0.75 * np.maximum(knob, mediastinum)), 0, 1) - 330 * trachea
    )
    for side in (-1, 1):
        from_hilum = np.hypot(x - side * 0.16, (y - 0.02) * 0.8)
        tree = 0.6 * branches(smooth_noise(*x.shape, 34, 32), 0.13) + 0.4 * branches(
            smooth_noise(*x.shape, 15, 33), 0.15
        )
        dense = dense + 420 * _lung_pa(x, y, side) * (tree + 0.7) * np.exp(-((from_hilum / 0.24) ** 2))
        dense = dense + 95 * _lung_pa(x, y, side) * tree * np.exp(-((from_hilum / 0.55) ** 2))
    return dense


def _ribs_pa(x: Field, y: Field) -> Field:
    across = np.abs(x)
    total = np.zeros_like(x)
    for k in range(11):
        top, reach = -0.80 + 0.125 * k, 0.33 + 0.34 * float(np.sin(np.pi * min(1, (k + 1.2) / 9) * 0.5))
        behind = (
            top
            + 0.10 * np.sin(np.pi * across / (reach * 1.25)) * -1
            + 0.62 * np.clip(across - 0.22, 0, 1) ** 2
        )
        total += _rib(across, y - behind, reach, 0.020, 210)
        if 1 <= k <= 7:
            before = top + 0.36 + 0.10 - 0.75 * np.clip(reach - across, 0, 1) * -0.55
            total += _rib(across, y - (before - 0.14), reach, 0.026, 95) * soft(across - 0.24, 0.12)
    for side in (-1, 1):
        bar = capsule(x, y, (side * 0.07, -0.60), (side * 0.64, -0.74), 0.030)
        total += 330 * soft(bar, 0.02) + 130 * (soft(bar, 0.012) - soft(bar - 0.014, 0.012))
        total += 170 * ellipse(x, y, (side * 0.70, -0.42), (0.06, 0.26), side * 0.25, 0.03)
    return total


def _rib(across: Field, offset: Field, reach: float, half: float, dense: float) -> Field:
    """A tube: its two edges are denser than the middle."""
    within = soft(reach - across, 0.05) * soft(across - 0.06, 0.03)
    filled = soft(half - np.abs(offset), 0.010)
    edges = np.exp(-(((np.abs(offset) - half * 0.8) / (half * 0.3)) ** 2))
    return dense * within * (0.6 * filled + 0.5 * edges)


def _spine_pa(x: Field, y: Field) -> Field:
    column = soft(0.062 - np.abs(x), 0.015)
    discs = 0.72 + 0.28 * soft(np.cos(y * 46) + 0.55, 0.5)
    spines = ellipse(x, np.mod(y + 0.04, 0.1366) - 0.068, (0, 0), (0.014, 0.03))
    return np.asarray(column * (260 * discs + 110 * spines))


def chest_lateral(rows: int, columns: int, number: int = 0) -> Field:
    """Seen from the left, the sternum on the left of the picture."""
    x, y = grid(rows // 2, columns // 2)
    body = soft(0.62 - np.abs(x + 0.02 - 0.06 * np.sin(2 * y)), 0.12) * soft(y + 0.93 - 0.4 * x * x, 0.2)
    shade = 150 + body * (2250 + 50 * smooth_noise(*x.shape, 40, 41))
    dome = 0.50 - 0.12 * np.cos(2.6 * (x + 0.12)) + 0.25 * soft(x, 0.8)
    lung = ellipse(x, y, (-0.02, -0.05), (0.46, 0.78), 0.0, 0.06) * soft(dome - y, 0.04)
    shade = shade - 1350 * lung
    tree = branches(smooth_noise(*x.shape, 26, 42), 0.14)
    hilum = np.hypot(x - 0.01, y + 0.03)
    shade = shade + lung * (330 * (tree + 0.5) * np.exp(-((hilum / 0.2) ** 2)) + 80 * tree)
    shade = shade + 950 * ellipse(x, y, (-0.16, 0.22), (0.24, 0.19), -0.5, 0.06)
    shade = shade + 420 * ellipse(x, y, (0.0, -0.26), (0.10, 0.15), 0, 0.06)
    for k in range(12):
        vy = -0.78 + 0.118 * k
        vx = 0.33 + 0.07 * float(np.sin(2.4 * (vy + 0.5)))
        block = ellipse(x, y, (vx, vy), (0.082, 0.047), 0.15 * vy, 0.012)
        core = ellipse(x, y, (vx, vy), (0.064, 0.034), 0.15 * vy, 0.02)
        shade = (
            shade + 560 * block - 220 * core + 260 * ellipse(x, y, (vx + 0.15, vy + 0.03), (0.07, 0.02), 0.5)
        )
        path = y - (vy + 0.5 * (vx - x)) + 0.25 * (vx - x) ** 2
        shade = (
            shade + 120 * soft(0.016 - np.abs(path), 0.012) * soft(vx - x, 0.05) * soft(x + 0.42, 0.05) * body
        )
    shade = shade + 380 * soft(0.020 - np.abs(x + 0.45 - 0.12 * y), 0.015) * soft(
        0.25 - np.abs(y + 0.2), 0.05
    )
    return _finish(shade, rows, columns, number, "L")


FINGERS = (
    # root of the metacarpal, direction in radians from straight up, lengths of the bones
    ((-0.20, 0.36), -0.86, (0.26, 0.20, 0.15)),
    ((-0.125, 0.25), -0.22, (0.42, 0.25, 0.15, 0.10)),
    ((-0.035, 0.23), -0.04, (0.41, 0.28, 0.18, 0.11)),
    ((0.055, 0.25), 0.12, (0.37, 0.26, 0.17, 0.11)),
    ((0.135, 0.29), 0.30, (0.34, 0.20, 0.12, 0.09)),
)
CARPALS = (
    ((-0.13, 0.375), (0.055, 0.045)),
    ((-0.065, 0.355), (0.045, 0.04)),
    ((0.015, 0.36), (0.045, 0.065)),
    ((0.095, 0.375), (0.05, 0.05)),
    ((-0.10, 0.465), (0.065, 0.045)),
    ((-0.005, 0.475), (0.05, 0.045)),
    ((0.08, 0.46), (0.045, 0.045)),
)


def hand(rows: int, columns: int, number: int = 0) -> Field:
    x, y = grid(rows // 2, columns // 2)
    flesh, bone = np.full_like(x, -1.0), np.zeros_like(x)
    for root, turn, lengths in FINGERS:
        px, py = root
        for k, length in enumerate(lengths):
            end = (px + length * float(np.sin(turn)), py - length * float(np.cos(turn)))
            bone = np.maximum(bone, _long_bone(x, y, (px, py), end, 0.034 - 0.0045 * k))
            flesh = np.maximum(flesh, capsule(x, y, (px, py), end, 0.085 - 0.010 * k))
            gap = 0.018
            px, py = end[0] + gap * float(np.sin(turn)), end[1] - gap * float(np.cos(turn))
    for centre, half in CARPALS:
        bone = np.maximum(bone, _rind(ellipse(x, y, centre, half), radius(x, y, centre, half)))
    for start, end, width in (((-0.075, 0.56), (-0.10, 1.1), 0.075), ((0.10, 0.545), (0.13, 1.1), 0.05)):
        bone = np.maximum(bone, _long_bone(x, y, start, end, width))
    flesh = np.maximum(flesh, capsule(x, y, (0.0, 0.30), (0.02, 1.1), 0.21))
    flesh = np.maximum(flesh, 0.22 - np.hypot((x + 0.01) / 1.05, (y - 0.14) / 1.2))
    shade = 140 + 900 * np.sqrt(np.clip(flesh + 0.004, 0, 0.16) / 0.16) + 1700 * bone
    return _finish(shade, rows, columns, number, "R", blur=60)


def _long_bone(
    x: Field, y: Field, start: tuple[float, float], end: tuple[float, float], width: float
) -> Field:
    """Waisted in the middle, with a dense rind and flared ends."""
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    along = ((x - start[0]) * (end[0] - start[0]) + (y - start[1]) * (end[1] - start[1])) / length**2
    waist = 0.32 * width * np.clip(1 - (2 * np.clip(along, 0, 1) - 1) ** 2, 0, 1)
    depth = capsule(x, y, start, end, width) - waist
    rind = np.exp(-(((depth - 0.006) / 0.006) ** 2))
    return soft(depth, 0.008) * (0.62 + 0.33 * rind + 0.03 * smooth_noise(*x.shape, 3, 51))


def _rind(mask: Field, r: Field) -> Field:
    return mask * (0.60 + 0.3 * np.exp(-(((r - 0.9) / 0.12) ** 2)))


def breast(rows: int, columns: int, number: int = 0) -> Field:
    """Craniocaudal, the chest wall on the left."""
    x, y = grid(rows // 2, columns // 2)
    wall = float(x.min())
    r = np.hypot((x - wall) / 1.05, y / 0.80) + 0.02 * smooth_noise(*x.shape, 90, 61)
    inside = soft(1 - r, 0.03)
    cone = np.clip(1.15 - np.hypot((x - wall - 0.42) / 0.46, y / 0.46), 0, 1)
    strands = branches(smooth_noise(*x.shape, 30, 62), 0.22) + 0.7 * branches(
        smooth_noise(*x.shape, 13, 63), 0.25
    )
    cloud = 1 + 0.45 * smooth_noise(*x.shape, 44, 64)
    shade = 60 + inside * (
        780 + 420 * np.clip(1 - r, 0, 1) + 1050 * cone * np.clip(cloud, 0.1, 2) + 260 * strands * cone
    )
    shade = shade + inside * 130 * strands * soft(0.95 - r, 0.2)
    shade = shade + 520 * soft(1 - r, 0.02) * np.exp(-(((r - 0.985) / 0.012) ** 2)) * 0.5
    shade = paint(shade, ellipse(x, y, (wall + 1.045, 0.0), (0.035, 0.05)), 1300)
    rng = np.random.default_rng(65)
    for dx, dy in rng.normal(0, 0.03, (9, 2)):
        shade = shade + 1300 * ellipse(x, y, (wall + 0.5 + dx, -0.16 + dy), (0.006, 0.005), edge=0.004)
    return _finish(shade, rows, columns, number, "L CC")


def _finish(shade: Field, rows: int, columns: int, number: int, text: str, blur: float = 26) -> Field:
    """Full size, quantum noise, and the letter of the side in lead."""
    image = enlarge(shade, rows, columns) + blur * 0.7 * grain(rows, columns, number)
    height = rows // 16
    left = columns - int(height * (0.9 + 0.62 * len(text)))
    mark = letters(rows, columns, text, (left, rows // 24), height)
    return np.clip(paint(image, mark, WHITE), 0, 4095)
