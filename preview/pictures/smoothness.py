"""Which reading of the same bytes is meant: in the wrong one samples jump where the image does not."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_NOISE = 1.0
"""Noise without any connection has 2.3, that of a scanner a little less, an image of something far less."""
_CLEARLY = 0.8
"""So much smoother is the right reading, or nobody can tell."""


def smoother(*readings: Array) -> int | None:
    """The index of the smoother one of two; 0 where both look alike, None where it is not clear."""
    one, other = (_roughness(reading) for reading in readings)
    if one == other or one < _CLEARLY * other:
        return 0
    return 1 if other < _CLEARLY * one else None


def hold_words(samples: Array, words: Array) -> bool:
    """Were these bytes written as words? The lower half of a word says little about the next one's."""
    (one, other), spreads = map(_roughness, (samples, words)), (float(samples.std()), float(words.std()))
    return min(spreads) > 0 and other / spreads[1] < _CLEARLY * one / spreads[0]


def are_signed(samples: Array, bits: int) -> bool:
    """Were these values, read without a sign, written with one? Those beside 0 are far apart then."""
    sign = 1 << (bits - 1)
    if not (samples & sign).any():
        return False
    return smoother(samples, (samples.astype(np.int64) ^ sign) - sign) == 1


def is_noise(samples: Array) -> bool:
    """Do neighbours differ about as much as any two pixels of rows x columns?"""
    spread = float(samples.std())
    return spread > 0 and _roughness(samples) > _NOISE * spread


def _roughness(samples: Array) -> float:
    """The mean difference between neighbours, across and down, of rows x columns (x colours)."""
    values = samples.astype(np.float32)
    differences = (np.abs(np.diff(values, axis=axis)) for axis in (0, 1))
    return sum(float(difference.mean()) for difference in differences if difference.size)
