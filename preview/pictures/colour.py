"""From decoded colour samples to a red-green-blue picture."""

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom import Dataset

from preview.pictures.palette import palette
from preview.pictures.pixels import CannotDrawError, Frame, eight_bits

_RED_GREEN_BLUE = ("RGB", "YBR_RCT", "YBR_ICT")
"""The last two are undone by the codec itself (PS3.5 8.2.4), whatever it calls the outcome."""


def colour(ds: Dataset, frame: Frame) -> Image.Image:
    if frame.meaning == "PALETTE COLOR":
        return Image.fromarray(palette(ds).of(frame.samples))
    samples = np.ascontiguousarray(eight_bits(frame))
    if samples.ndim == 2 and frame.meaning == "RGB":
        return Image.fromarray(samples)  # all three were the same
    if samples.ndim != 3 or samples.shape[2] != 3:
        raise CannotDrawError("The image has an unusual number of colours.")
    if frame.meaning in _RED_GREEN_BLUE:
        return Image.fromarray(samples)
    if frame.meaning in ("YBR_FULL", "YBR_FULL_422"):
        return _from_luminance(samples)
    if frame.meaning in ("YBR_PARTIAL_422", "YBR_PARTIAL_420"):
        return _from_luminance(_full(samples))
    raise CannotDrawError("The image describes its colours in a way that cannot be drawn yet.")


def _from_luminance(samples: npt.NDArray[np.uint8]) -> Image.Image:
    """Pillow's YCbCr is JFIF's, the same matrix as YBR_FULL (PS3.3 C.7.6.3.1.2)."""
    height, width = samples.shape[:2]
    return Image.frombytes("YCbCr", (width, height), samples.tobytes()).convert("RGB")


def _full(samples: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """From the range of video, where black is 16, white 235, and colours end at 240, to all of it."""
    centred = samples.astype(np.float32) - (16, 128, 128)
    stretched = centred * (255 / 219, 255 / 224, 255 / 224) + (0, 128, 128)
    full: npt.NDArray[np.uint8] = np.clip(stretched + 0.5, 0, 255).astype(np.uint8)
    return full
