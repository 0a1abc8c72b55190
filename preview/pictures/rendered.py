"""A picture that an archive drew itself: what comes over the network is opened with care."""

from io import BytesIO

from PIL import Image

from preview.pictures.bad_input import BAD_INPUT
from preview.pictures.pixels import TOO_MUCH_MEMORY, CannotDrawError

_FORMATS = ("PNG", "JPEG")
_MOST = 4096
"""Pixels a side."""


def rendered_picture(encoded: bytes) -> Image.Image:
    """The picture, grey or in colours. Raises CannotDrawError; its size is looked at before it is decoded."""
    try:
        with Image.open(BytesIO(encoded), formats=_FORMATS) as image:
            if max(image.size) > _MOST:
                raise CannotDrawError("The archive's own picture is too large for a preview.")
            image.load()
            return _eight_bits(image)
    except MemoryError:
        raise CannotDrawError(TOO_MUCH_MEMORY) from None
    except BAD_INPUT:
        raise CannotDrawError("The archive's own picture cannot be read.") from None


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # grey with 16 bits: Pillow would cut it off at 255
        return image.convert("I").point(lambda value: value / 256).convert("L")
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
