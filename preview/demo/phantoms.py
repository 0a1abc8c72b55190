"""Sections through people who never were: CT of the chest in HU, MR of the head in three weightings."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from preview.demo.fields import (
    Field,
    branches,
    ellipse,
    enlarge,
    grain,
    grid,
    paint,
    radius,
    smooth_noise,
    soft,
    step,
)

CT_SIZE, MR_SIZE = 512, 256
AIR, LUNG, FAT, MUSCLE, BLOOD, CORTEX, MARROW = -1000.0, -850.0, -95.0, 55.0, 190.0, 900.0, 240.0


@dataclass(frozen=True)
class Chest:
    """Where a section through the chest lies: z from 0 (apex of the lungs) to 1 (liver)."""

    z: float

    @property
    def lung(self) -> float:
        """How far the lungs reach here, against their widest."""
        return float(np.sin(np.pi * (0.16 + 0.62 * self.z)) ** 0.6)

    @property
    def heart(self) -> float:
        return float(np.clip(np.sin(np.pi * np.clip((self.z - 0.36) / 0.66, 0, 1)), 0, 1) ** 0.6)

    @property
    def liver(self) -> float:
        return float(np.clip((self.z - 0.72) / 0.28, 0, 1) ** 0.5)


def ct_chest(z: float, number: int) -> Field:
    """One axial section of 512 x 512 in Hounsfield units, contrast in the vessels."""
    half = CT_SIZE // 2
    x, y = grid(half, half)
    x = x + 0.012 * smooth_noise(half, half, 48, 1)
    at = Chest(z)
    hu = _trunk(x, y, at)
    hu = _lungs(hu, x, y, at)
    hu = _mediastinum(hu, x, y, at)
    hu = _bones(hu, x, y, at)
    whole = enlarge(hu, CT_SIZE, CT_SIZE)
    hu = whole + 16 * grain(CT_SIZE, CT_SIZE, number)
    return np.asarray(np.clip(hu, -1024, 3071))


def _trunk(x: Field, y: Field, at: Chest) -> Field:
    width = 0.84 - 0.06 * at.z
    body = (np.abs(x / width) ** 2.4 + np.abs((y + 0.02) / 0.58) ** 2.4) ** (1 / 2.4)
    hu = np.full_like(x, AIR)
    table = ((y - 0.72 + 0.18 * x * x) / 0.016) ** 2
    hu = paint(hu, np.exp(-table) * soft(0.75 - np.abs(x)), -320)
    hu = paint(hu, soft(1 - body), -20)
    hu = paint(hu, soft(0.985 - body), FAT + 8 * smooth_noise(*x.shape, 6, 2))
    return paint(hu, soft(0.90 - body), MUSCLE + 12 * smooth_noise(*x.shape, 5, 3))


def _lungs(hu: Field, x: Field, y: Field, at: Chest) -> Field:
    angle = 2.6 * at.z * np.pi
    noise = np.cos(angle) * smooth_noise(*x.shape, 22, 4) + np.sin(angle) * smooth_noise(*x.shape, 22, 5)
    small = np.cos(2 * angle) * smooth_noise(*x.shape, 10, 6) + np.sin(2 * angle) * smooth_noise(
        *x.shape, 10, 7
    )
    for side in (-1, 1):
        # The heart lies to the patient's left, which is the right of the picture.
        narrow = 1 - 0.22 * at.heart * (side > 0)
        centre = (side * (0.40 + 0.03 * at.heart * (side > 0)), -0.01)
        half = (0.31 * at.lung * narrow, 0.43 * at.lung)
        lung = ellipse(x, y, centre, half, turn=0.10 * side)
        hilum = np.hypot(x - side * 0.18, y - 0.02)
        vessels = branches(noise, 0.05 + 0.16 * np.clip(0.7 - hilum, 0, 1)) * np.clip(
            1.1 - 1.3 * hilum, 0, 1
        ) + 0.45 * branches(small, 0.12) * np.clip(1 - hilum, 0, 1)
        inside = LUNG + 70 * y + 930 * np.clip(vessels, 0, 1)
        hu = paint(hu, lung, inside)
        if side < 0 and at.liver:
            liver = ellipse(x, y, (-0.40, 0.0), (0.33 * at.liver, 0.42 * at.liver))
            hu = paint(hu, liver, 110 + 9 * smooth_noise(*x.shape, 4, 8) + 60 * branches(noise, 0.08))
    return hu


def _mediastinum(hu: Field, x: Field, y: Field, at: Chest) -> Field:
    hu = paint(hu, ellipse(x, y, (0, 0.02), (0.15, 0.34)), -45 + 22 * smooth_noise(*x.shape, 12, 9))
    if at.heart:
        size = at.heart
        hu = paint(hu, ellipse(x, y, (0.11, -0.10), (0.31 * size, 0.23 * size), 0.5), FAT + 40)
        hu = paint(hu, ellipse(x, y, (0.12, -0.10), (0.28 * size, 0.205 * size), 0.5), 95)
        hu = paint(hu, ellipse(x, y, (0.20, -0.06), (0.13 * size, 0.085 * size), 0.6, 0.03), BLOOD)
        hu = paint(hu, ellipse(x, y, (-0.01, -0.15), (0.12 * size, 0.10 * size), 0.3, 0.03), BLOOD - 20)
    descending = (0.10, 0.235)
    hu = paint(hu, ellipse(x, y, descending, (0.058, 0.058)), BLOOD + 20)
    if at.z < 0.55:
        arch = float(np.exp(-(((at.z - 0.27) / 0.05) ** 2)))
        ascending = (-0.04 + 0.03 * at.z, -0.10)
        hu = paint(hu, ellipse(x, y, ascending, (0.075, 0.075)), BLOOD + 30)
        hu = paint(hu, arch * ellipse(x, y, (0.05, 0.05), (0.075, 0.24), -0.42), BLOOD + 30)
        hu = paint(hu, ellipse(x, y, (-0.15, -0.09), (0.045, 0.055)), BLOOD + 60)
    for side in (-1, 1):
        apart = max(0.0, at.z - 0.38) * 0.75
        if at.z < 0.62:
            tube = ellipse(x, y, (side * apart, 0.06), (0.042 - 0.03 * apart, 0.042 - 0.03 * apart))
            hu = paint(hu, tube, AIR)
    return paint(hu, ellipse(x, y, (0.01, 0.17), (0.03, 0.02)), 40)


def _bones(hu: Field, x: Field, y: Field, at: Chest) -> Field:
    hu = _ribs(hu, x, y, at)
    body = radius(x, y, (0, 0.33), (0.115, 0.085))
    hu = paint(hu, ellipse(x, y, (0, 0.415), (0.12, 0.05)), 500)
    for side in (-1, 1):
        hu = paint(hu, ellipse(x, y, (side * 0.15, 0.43), (0.10, 0.022), side * 0.35), 520)
    hu = paint(hu, ellipse(x, y, (0, 0.50), (0.022, 0.075)), 480)
    hu = paint(hu, soft(1 - body, 0.1), CORTEX - 250)
    hu = paint(hu, soft(0.88 - body, 0.1), MARROW + 40 * smooth_noise(*x.shape, 3, 10))
    hu = paint(hu, ellipse(x, y, (0, 0.423), (0.05, 0.036)), 30)
    sternum = ellipse(x, y, (0, -0.475), (0.085, 0.024))
    hu = paint(hu, sternum, 480)
    if at.z < 0.5:
        for side in (-1, 1):
            blade = ellipse(x, y, (side * 0.60, 0.34), (0.19, 0.016), side * -0.55)
            hu = paint(hu, blade, 620)
    return hu


def _ribs(hu: Field, x: Field, y: Field, at: Chest) -> Field:
    """Ribs run obliquely, so that a section meets several at once, each a little further on."""
    ring = radius(x, y, (0, -0.01), (0.715 * at.lung**0.3, 0.475 * at.lung**0.2))
    turn = np.arctan2(np.abs(x), -(y + 0.01) * 1.5)
    wave = np.cos(11 * turn + 30 * at.z)
    along = soft(wave - 0.35, 0.9) * soft(turn - 0.35, 0.1)
    across = np.abs(ring - 1.0)
    hu = paint(hu, along * soft(0.042 - across, 0.02), CORTEX - 250)
    return paint(hu, along * soft(wave - 0.5, 0.3) * soft(0.018 - across, 0.015), MARROW)


class Weighting(StrEnum):
    """What an MR sequence makes bright."""

    T1 = "T1"
    T2 = "T2"
    FLAIR = "FLAIR"


SIGNALS = {
    # fat, marrow, fluid, grey matter, white matter, lesion
    Weighting.T1: (980, 420, 150, 500, 690, 380),
    Weighting.T2: (760, 330, 1050, 560, 400, 900),
    Weighting.FLAIR: (640, 260, 60, 560, 430, 960),
}


def mr_head(z: float, weighting: Weighting, number: int) -> Field:
    """One axial section of 256 x 256, z from 0 (base) to 1 (vertex); 0 to about 1200."""
    x, y = grid(MR_SIZE, MR_SIZE)
    size = float(np.sin(np.pi * (0.30 + 0.58 * z)) ** 0.5)
    head = radius(x, y * (1 - 0.06 * y), (0, 0), (0.70 * size, 0.86 * size))
    fat, marrow, fluid, grey, white, lesion = SIGNALS[weighting]
    image = soft(1 - head, 0.03) * fat * 0.85
    image = paint(image, soft(0.945 - head, 0.02), 40)
    image = paint(image, np.exp(-(((head - 0.915) / 0.012) ** 2)), marrow)
    image = paint(image, soft(0.885 - head, 0.02), fluid)
    folds = _folds(x, y, z)
    brain = soft(0.865 - head - 0.045 * folds, 0.02)
    image = paint(image, brain, grey)
    depth = 0.79 - head - 0.26 * folds + 0.03 * smooth_noise(MR_SIZE, MR_SIZE, 8, 23)
    image = paint(image, soft(depth, 0.04), white)
    image = _deep(image, x, y, z, (grey, fluid, lesion))
    shading = 1 + 0.08 * y - 0.10 * (x * x + y * y)
    noisy = np.abs(image * shading + 17 * grain(MR_SIZE, MR_SIZE, number))
    return np.asarray(np.clip(noisy, 0, 4095))


def _folds(x: Field, y: Field, z: float) -> Field:
    """Sulci: the same fold wanders slowly from section to section; the two halves differ a little."""
    a, b = (smooth_noise(MR_SIZE, MR_SIZE, 12, seed) for seed in (21, 22))
    noise = np.cos(2.2 * z) * a + np.sin(2.2 * z) * b
    fissure = np.exp(-((x / 0.014) ** 2)) * soft(np.abs(y) - 0.30, 0.1)
    return np.maximum(branches(noise, 0.28), 2.5 * fissure)


def _deep(image: Field, x: Field, y: Field, z: float, signals: tuple[int, int, int]) -> Field:
    grey, fluid, lesion = signals
    middle = float(np.exp(-(((z - 0.50) / 0.24) ** 2)))
    for side in (-1, 1):
        for centre, half, turn in (((0.20, -0.02), (0.075, 0.16), 0.25), ((0.105, 0.10), (0.07, 0.10), -0.3)):
            nucleus = ellipse(x, y, (side * centre[0], centre[1]), half, side * turn, 0.03)
            image = paint(image, nucleus * step(middle - 0.4, 0.3), grey)
        front = ellipse(
            x, y, (side * 0.075, -0.15), (0.045 * middle + 0.004, 0.17 * middle + 0.01), side * 0.28
        )
        back = ellipse(x, y, (side * 0.13, 0.28), (0.05 * middle + 0.004, 0.16 * middle + 0.01), side * -0.35)
        image = paint(image, np.maximum(front, back) * step(middle - 0.25, 0.2), fluid)
    image = paint(image, ellipse(x, y, (0, 0.08), (0.012, 0.10)) * step(middle - 0.6, 0.2), fluid)
    for px, py, pz in ((0.30, -0.20, 0.62), (-0.28, 0.16, 0.55), (-0.24, -0.26, 0.66), (0.22, 0.34, 0.58)):
        near = float(np.exp(-(((z - pz) / 0.035) ** 2)))
        image = paint(image, near * ellipse(x, y, (px, py), (0.026, 0.034), px, 0.03), lesion)
    return image
