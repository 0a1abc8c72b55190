"""How wide and how high a picture is: the shape of the body part, not of the pixel grid."""

from PIL import Image
from pydicom import Dataset

from preview.pictures.frame_facts import functional_group
from preview.pictures.pixels import BAD_INPUT

_MOST_STRETCHED = 20.0
"""A pixel more oblong than this is a mistake in the object, not the shape of anything."""


def fitted(ds: Dataset, index: int, image: Image.Image, size: int) -> Image.Image:
    """The image with its longest side ``size`` and its true proportions, without padding."""
    width, height = fitted_size(image.width, image.height, oblongness(ds, index), size)
    if (image.width, image.height) == (width * 2, height * 2):
        return image.reduce(2)  # the commonest case, and five times as fast as any resampling
    return image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)


def fitted_size(columns: int, rows: int, oblong: float, size: int) -> tuple[int, int]:
    high = rows * oblong
    scale = size / max(columns, high)
    return max(1, round(columns * scale)), max(1, round(high * scale))


def oblongness(ds: Dataset, index: int) -> float:
    """Height of a pixel divided by its width (PS3.3 C.7.6.3.1.7: vertical comes first), 1 if not known."""
    group = functional_group(ds, "PixelMeasuresSequence", index)
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
