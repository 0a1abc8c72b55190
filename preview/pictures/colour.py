"""From decoded colour samples to a red-green-blue picture."""

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut

from preview.pictures.pixels import BAD_INPUT, Array, CannotDrawError, Frame, eight_bits


def colour(ds: Dataset, frame: Frame) -> Image.Image:
    if frame.meaning == "PALETTE COLOR":
        return Image.fromarray(_from_palette(ds, frame.samples))
    samples = np.ascontiguousarray(eight_bits(frame))
    if samples.ndim != 3 or samples.shape[2] != 3:
        raise CannotDrawError("The image has an unusual number of colours.")
    if frame.meaning == "RGB":
        return Image.fromarray(samples)
    if frame.meaning in ("YBR_FULL", "YBR_FULL_422"):
        # Pillow's YCbCr is JFIF's, the same matrix as YBR_FULL (PS3.3 C.7.6.3.1.2).
        height, width = samples.shape[:2]
        return Image.frombytes("YCbCr", (width, height), samples.tobytes()).convert("RGB")
    raise CannotDrawError("The image describes its colours in a way that cannot be drawn yet.")


def _from_palette(ds: Dataset, samples: Array) -> Array:
    try:
        length, first, bits = (int(number) for number in ds.RedPaletteColorLookupTableDescriptor)
        # pydicom casts places to the depth of the entries: stay inside the table, so that none wraps.
        places = np.clip(samples.astype(np.int32), first, first + (length or 2**16) - 1)
        coloured = apply_color_lut(places, ds)[..., :3]
    except BAD_INPUT:
        raise CannotDrawError("The image's colour table cannot be read.") from None
    if coloured.dtype == np.uint8:
        return coloured
    return (coloured >> max(0, bits - 8)).astype(np.uint8)
