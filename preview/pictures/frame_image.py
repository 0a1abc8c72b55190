"""One frame as an image of eight bits: grey values as their window shows them, or colours."""

from PIL import Image
from pydicom import Dataset

from preview.pictures.colour import colour
from preview.pictures.fringe import without_fringe
from preview.pictures.grey import Common, grey
from preview.pictures.padding import padding
from preview.pictures.palette import supplemented
from preview.pictures.pixels import Pixels


def frame_image(
    ds: Dataset, pixels: Pixels, index: int, enough: tuple[int, int], common: Common
) -> tuple[Image.Image, str]:
    """In all its pixels, or in so many of them that both sides are long enough; and its window in words.

    ``common``: see ``preview.pictures.stack``. Raises CannotDrawError.
    """
    frame = pixels.decode(index, enough)
    if frame.samples.ndim == 2 and frame.meaning not in ("PALETTE COLOR", "RGB"):
        samples = frame.samples
        if frame.is_smaller:
            samples = without_fringe(samples, padding(ds, samples))
        shown = grey(ds, index, samples, common)
        return Image.fromarray(supplemented(ds, samples, shown.picture)), shown.window
    return colour(ds, frame), ""
