"""How much two pictures look alike, as a number: structural similarity (Wang and others, 2004)."""

import numpy as np

_WINDOW = 7
_FAINT, _FLAT = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""What keeps the quotients sensible where both pictures are dark, or flat."""


def ssim(one, other):
    """1 for the same picture; the mean over all windows of seven pixels a side, and over the colours."""
    one, other = (np.atleast_3d(np.asarray(picture, np.float64)) for picture in (one, other))
    if one.shape[2] != other.shape[2]:  # grey is a colour of three equal parts
        one, other = (np.broadcast_to(picture, (*picture.shape[:2], 3)) for picture in (one, other))
    assert one.shape == other.shape
    return float(np.mean([_alike(one[..., part], other[..., part]) for part in range(one.shape[2])]))


def _alike(one, other):
    mean_one, mean_other = _means(one), _means(other)
    spread_one = _means(one * one) - mean_one**2
    spread_other = _means(other * other) - mean_other**2
    together = _means(one * other) - mean_one * mean_other
    brightness = (2 * mean_one * mean_other + _FAINT) / (mean_one**2 + mean_other**2 + _FAINT)
    return np.mean(brightness * (2 * together + _FLAT) / (spread_one + spread_other + _FLAT))


def _means(values):
    """Of every window that lies inside, by sums of sums."""
    down, across = (min(_WINDOW, side) for side in values.shape)
    sums = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    inside = sums[down:, across:] - sums[:-down, across:] - sums[down:, :-across] + sums[:-down, :-across]
    return inside / (down * across)
