"""Uncompressed frames that were miscounted: what is there is drawn and said, or nothing is drawn."""

from io import BytesIO

import numpy as np
import pytest
from made import colour_image, colours
from PIL import Image
from samples import image, ramp

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


def hills(dtype="<u2"):
    down, across = np.mgrid[0:100, 0:120]
    values = 2000 + 900 * (np.sin(across / 15) + np.cos(down / 20))
    return (values + np.random.default_rng(1).normal(0, 20, values.shape)).astype(dtype)


def test_words_that_are_called_bytes_are_not_drawn_as_two_frames():
    for pixels in (hills(), ramp(0, 4000, "<u2"), (hills() - 2000).astype("<i2")):
        ds = image(pixels, BitsAllocated=8, BitsStored=8, HighBit=7)
        assert "do not fit" in draw(ds).reason
    ds = colour_image(PixelData=colours().astype("<u2").tobytes())
    assert "do not fit" in draw(ds).reason


def test_two_frames_of_bytes_are_no_words():
    frames = np.stack([(hills() / 16).astype("u1"), (hills() / 20).astype("u1")])
    for pixels in (frames, np.stack([ramp(dtype="u1")] * 2), np.zeros((2, 64, 64), "u1")):
        assert draw(image(pixels, NumberOfFrames=1)).frames == 2


def test_values_that_need_words_are_read_in_words():
    right = draw(image(hills(), BitsStored=12, HighBit=11))
    assert draw(image(hills(), BitsAllocated=8, BitsStored=12, HighBit=11)).pictures == right.pictures


def test_colours_have_as_many_samples_as_their_name_says():
    right = draw(colour_image())
    assert draw(colour_image(SamplesPerPixel=1)) == right
    assert "do not fit" in draw(colour_image(SamplesPerPixel=1, PixelData=bytes(90 * 70 * 2))).reason
    grey = image(np.stack([hills()] * 3))
    assert draw(image(np.stack([hills()] * 3), SamplesPerPixel=3)) == draw(grey)
    assert "do not fit" in draw(colour_image(PhotometricInterpretation="MONOCHROME2")).reason
