"""How wide and how high a picture is: the shape of the body part, not of the pixel grid."""

import numpy as np
from PIL import Image
from pydicom import Dataset

from preview.pictures.bad_input import BAD_INPUT
from preview.pictures.frame_facts import functional_group

THUMBNAIL = 256
"""Pixels; a picture up to this size is drawn of whatever there is, a larger one never shows all that is."""

_MOST_STRETCHED = 20.0
"""A pixel more oblong than this is a mistake in the object, not the shape of anything."""


def longest_side(columns: int, rows: int, oblong: float) -> float:
    """In pixels as wide as the image's own, once it has its true proportions."""
    return max(columns, rows * oblong)


def allowed(size: int, native: float) -> int:
    """How long the longest side may be where ``size`` is asked for; 0 for no picture of its own.

    Beyond a thumbnail at most three quarters of the image: enough to recognise, too little to read from.
    """
    if size <= THUMBNAIL:
        return size
    most = min(size, int(native * 0.75))
    return most if most > THUMBNAIL else 0


def detail(image: Image.Image) -> float:
    """The spread of its shades (their standard deviation): 0 where all of it looks alike."""
    side = max(1, min(image.size) // 64)
    return round(float(np.asarray(image)[::side, ::side].std()), 2)


def fitted(image: Image.Image, oblong: float, size: int) -> Image.Image:
    """The image with its longest side ``size`` and its true proportions, without padding."""
    return scaled(image, *fitted_size(image.width, image.height, oblong, size))


def halfway(image: Image.Image, width: int, height: int) -> Image.Image:
    """Still at least twice as large both ways: what is taken off so is taken off once for all sizes."""
    across, down = (
        max(1, there // (2 * wanted)) for there, wanted in zip(image.size, (width, height), strict=True)
    )
    return image if across == down == 1 else image.reduce((across, down))


def scaled(image: Image.Image, width: int, height: int) -> Image.Image:
    if (image.width, image.height) == (width * 2, height * 2):
        return image.reduce(2)  # the commonest case, and five times as fast as any resampling
    return image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)


def fitted_size(columns: int, rows: int, oblong: float, size: int) -> tuple[int, int]:
    high = rows * oblong
    scale = size / max(columns, high)
    return max(1, round(columns * scale)), max(1, round(high * scale))


def oblongness(ds: Dataset, index: int) -> float:
    """Height of a pixel divided by its width (PS3.3 C.7.6.3.1.7: vertical comes first), 1 if not known."""
    group = functional_group(ds, "PixelMeasuresSequence", index, "PixelSpacing")
    for where, keyword in (
        (group, "PixelSpacing"),
        (ds, "ImagerPixelSpacing"),
        (ds, "NominalScannedPixelSpacing"),
        (ds, "PixelAspectRatio"),
    ):
        ratio = _ratio(where, keyword)
        if 1 / _MOST_STRETCHED <= ratio <= _MOST_STRETCHED:
            return ratio
    return 1.0


def _ratio(ds: Dataset, keyword: str) -> float:
    try:
        vertical, horizontal = (float(number) for number in ds[keyword].value)
        return vertical / horizontal
    except BAD_INPUT:
        return 0.0
