"""Uncompressed frames that were miscounted: what is there is drawn and said, or nothing is drawn."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from samples import image

from preview.pictures.thumbnail import DrawingKind, draw

SHADES = (20, 120, 220)


def stack(stated, shades=SHADES, **more):
    frames = np.stack([np.full((100, 100), shade, "u1") for shade in shades])
    facts = {"WindowCenter": 128, "WindowWidth": 256, "NumberOfFrames": stated}
    return image(frames, **facts | more)


def shades(drawing):
    return [int(np.asarray(Image.open(BytesIO(one.png)))[9, 9]) for one in drawing.pictures]


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        (3, None),
        (None, "The object does not say how many frames it has: 3 were found."),
        (0, "The object does not say how many frames it has: 3 were found."),
        (1, "The object says it has 1 frame: 3 were found."),
        (2, "The object says it has 2 frames: 3 were found."),
        (4, "The object is incomplete: it has 3 of 4 frames."),
    ],
)
def test_as_many_frames_are_drawn_as_the_pixels_hold(stated, reason):
    drawing = draw(stack(stated))
    assert (drawing.kind, drawing.frames, shades(drawing)) == (DrawingKind.MULTIFRAME, 3, list(SHADES))
    assert drawing.reason == reason


def test_an_object_without_the_attribute_is_counted():
    ds = stack(3)
    del ds.NumberOfFrames
    assert shades(draw(ds)) == list(SHADES)


def test_a_gap_and_a_doubt_are_both_named():
    drawing = draw(stack(1), max_frames=2)
    assert drawing.reason == "2 of 3 frames are shown. The object says it has 1 frame: 3 were found."


@pytest.mark.parametrize(("more", "drawn"), [(1, 1), (512, 1), (9_000, 1), (10_000, 2), (15_000, 0)])
def test_what_lies_behind_the_last_frame_is_padding_a_frame_or_a_contradiction(more, drawn):
    """A frame has 10,000 bytes."""
    ds = stack(1, (20,))
    ds.PixelData += bytes(more)
    drawing = draw(ds)
    assert drawing.frames == drawn
    if not drawn:
        assert "do not fit" in drawing.reason
    if more == 9_000:
        assert drawing.reason == "The object has more pixels than it describes."
    if more < 9_000:
        assert drawing.reason is None


def test_one_pixel_and_its_padding_are_no_two_frames():
    drawing = draw(image(np.full((1, 1), 7, "u1"), PixelData=b"\x07\0"))
    assert (drawing.frames, drawing.reason) == (1, None)


def test_frames_of_single_bits_are_counted_by_their_bits():
    """Three frames of 15 bits are six bytes, in which three frames of one byte and seven bits fit."""
    bits = np.ones((100, 3, 5), "u1")
    ds = image(bits, BitsAllocated=1, BitsStored=1, HighBit=0, NumberOfFrames=100)
    ds.PixelData = np.packbits(bits, bitorder="little").tobytes()
    assert (draw(ds).frames, draw(ds).reason) == (100, "64 of 100 frames are shown.")
    ds.NumberOfFrames = None
    assert draw(ds).frames == 100
