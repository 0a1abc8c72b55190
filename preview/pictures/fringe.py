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
    solid = ~grown(~padding)
    if not solid.any():
        return samples
    fringe = solid
    for _ in range(_REACH + 1):  # the one that was taken off, and its reach
        fringe = grown(fringe)
    return np.where(fringe, samples[solid][0], samples)


def grown(mask: Mask) -> Mask:
    """One pixel further in all eight directions."""
    larger = mask.copy()
    larger[1:] |= mask[:-1]
    larger[:-1] |= mask[1:]
    across = larger.copy()
    larger[:, 1:] |= across[:, :-1]
    larger[:, :-1] |= across[:, 1:]
    return larger
