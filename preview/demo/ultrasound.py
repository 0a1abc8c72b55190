"""An ultrasound loop of nobody's abdomen: speckle in a sector, a beating vessel, a colour Doppler box."""

import numpy as np
from numpy.typing import NDArray

from preview.demo.fields import Field, branches, ellipse, grid, letters, smooth_noise, soft

ROWS, COLUMNS = 240, 320


def cine(frames: int = 32) -> NDArray[np.uint8]:
    """Frames x 240 x 320 x 3."""
    return np.stack([_frame(2 * np.pi * k / frames, k) for k in range(frames)])


def _frame(beat: float, number: int) -> NDArray[np.uint8]:
    x, y = grid(ROWS, COLUMNS)
    depth, angle = np.hypot(x, y + 0.98), np.arctan2(x, y + 0.98)
    sector = soft(0.64 - np.abs(angle), 0.012) * soft(depth - 0.34, 0.012) * soft(1.66 - depth, 0.012)
    breathing = 0.02 * float(np.sin(beat))
    grey = _tissue(x, y + breathing, depth) * _speckle(number)
    vessel = (0.13, 0.18 + breathing)
    size = 0.115 + 0.016 * float(np.sin(2 * beat))
    wall = np.exp(-(((np.hypot(x - vessel[0], y - vessel[1]) - size) / 0.018) ** 2))
    grey = grey * (1 - ellipse(x, y, vessel, (size, size), edge=0.02)) + 105 * wall
    behind = soft(0.055 - np.abs(angle - 0.11), 0.04) * soft(y - 0.33, 0.1)
    grey = np.clip(grey * (1 + 0.5 * behind), 0, 255) * sector
    rgb = np.repeat(grey[..., None], 3, axis=2)
    rgb = _doppler(rgb, x, y, vessel, size, beat)
    return np.clip(_furniture(rgb), 0, 255).astype(np.uint8)


def _tissue(x: Field, y: Field, depth: Field) -> Field:
    wall = np.exp(-(((depth - 0.40) / 0.03) ** 2)) + 0.8 * np.exp(-(((depth - 0.52) / 0.012) ** 2))
    liver = 82 + 14 * smooth_noise(ROWS, COLUMNS, 40, 71)
    veins = branches(smooth_noise(ROWS, COLUMNS, 38, 72), 0.10) * soft(depth - 0.6, 0.1)
    kidney = ellipse(x, y, (-0.28, 0.28), (0.24, 0.12), 0.35, 0.03)
    sinus = ellipse(x, y, (-0.28, 0.28), (0.13, 0.045), 0.35, 0.05)
    gut = 60 * soft(depth - 1.35, 0.2) * np.clip(smooth_noise(ROWS, COLUMNS, 24, 73), 0, 2)
    echo = (liver + 120 * wall + gut) * (1 - 0.75 * veins)
    echo = echo * (1 - 0.55 * kidney) + 120 * sinus
    fading: Field = np.clip(1.2 - 0.36 * depth, 0.3, 1.2)
    return np.asarray(echo * fading)


def _speckle(number: int) -> Field:
    """Rayleigh-like grain; it hardly moves from frame to frame, as in a patient who holds the breath."""
    steady = np.hypot(smooth_noise(ROWS, COLUMNS, 2, 74), smooth_noise(ROWS, COLUMNS, 3, 75))
    moving = np.abs(smooth_noise(ROWS, COLUMNS, 2, 80 + number % 6))
    return 0.28 + 0.50 * steady + 0.14 * moving


def _doppler(rgb: Field, x: Field, y: Field, vessel: tuple[float, float], size: float, beat: float) -> Field:
    left, right, top, bottom = -0.10, 0.36, -0.04, 0.40
    inside = soft(x - left) * soft(right - x) * soft(y - top) * soft(bottom - y)
    flow = ellipse(x, y, vessel, (size * 0.86, size * 0.86), edge=0.03) * inside
    speed = (0.55 + 0.45 * float(np.sin(2 * beat))) * np.clip(
        1 - np.hypot(x - vessel[0], y - vessel[1]) / size, 0, 1
    )
    towards = soft(x - vessel[0] + 0.03 * smooth_noise(ROWS, COLUMNS, 20, 76), 0.10)
    red = np.stack([150 + 105 * speed, 190 * speed**2, 20 * speed], axis=-1)
    blue = np.stack([20 * speed, 170 * speed**2, 150 + 105 * speed], axis=-1)
    colour = red * towards[..., None] + blue * (1 - towards[..., None])
    rgb = rgb + (flow * soft(speed - 0.05, 0.1))[..., None] * (colour - rgb)
    edge = np.maximum(np.minimum(abs(x - left), abs(x - right)), 0) < 0.004
    lid = np.minimum(abs(y - top), abs(y - bottom)) < 0.004
    box = (edge & (y > top) & (y < bottom)) | (lid & (x > left) & (x < right))
    rgb[box] = (90, 200, 120)
    return rgb


def _furniture(rgb: Field) -> Field:
    """Depth marks, the colour scale and a line of text, as such machines draw them."""
    for k in range(8):
        rgb[28 + 26 * k, 300 : 304 + 3 * (k % 5 == 0)] = 190
    ramp = np.linspace(1, -1, 60)
    rgb[20:80, 8:16] = np.stack([255 * np.clip(ramp, 0, 1), 150 * ramp**2, 255 * np.clip(-ramp, 0, 1)], -1)[
        :, None
    ]
    rgb += 170 * letters(ROWS, COLUMNS, "ABDOMEN  C5-1  21 Hz", (24, 4), 10)[..., None]
    return rgb
