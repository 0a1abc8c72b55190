"""The edge of padding in a picture decoded smaller: a mixture of the image and what is no part of it."""

import numpy as np
import numpy.typing as npt

from preview.pictures.pixels import Array

Mask = npt.NDArray[np.bool_]

_REACH = 2
"""Pixels beside an edge that a wavelet's lowest resolution still has something of (ITU-T T.800 annex F)."""


def without_fringe(samples: Array, padding: Mask) -> Array:
    """The padded areas, two pixels larger: what lies there was mixed with them.

    Where grey is inverted the mixture would shine like a rim of light around the body part. Single pixels
    that happen to have the value of padding are left as they are.
    """
    solid = ~_grown(~padding)
    if not solid.any():
        return samples
    fringe = solid
    for _ in range(_REACH + 1):  # the one that was taken off, and its reach
        fringe = _grown(fringe)
    return np.where(fringe, samples[solid][0], samples)


def _grown(mask: Mask) -> Mask:
    """One pixel further in all eight directions."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    across = grown.copy()
    grown[:, 1:] |= across[:, :-1]
    grown[:, :-1] |= across[:, 1:]
    return grown
