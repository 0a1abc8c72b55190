"""Grey values that stand in other bits of their words than the object says, seen in the pictures."""

from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from made import encoded, in_htj2k, in_jpeg_2000, shades
from PIL import Image
from pydicom import uid
from pydicom.uid import RLELossless
from samples import image

from preview.pictures.thumbnail import DrawingKind, draw

IN_WORDS = {
    uid.JPEGLosslessSV1: lambda words: imagecodecs.ljpeg_encode(words, bitspersample=16),
    uid.JPEGLSLossless: imagecodecs.jpegls_encode,
    uid.JPEG2000Lossless: lambda words: in_jpeg_2000(words, 16),
    uid.HTJ2KLossless: lambda words: in_htj2k(words, 16),
}


def seen(ds):
    drawing = draw(ds)
    assert drawing.kind is not DrawingKind.CARD, drawing.reason
    return np.asarray(Image.open(BytesIO(drawing.pictures[0].png))).astype(int)


def hills(dtype):
    """From one end of 16 bits to the other, with as much noise as an image has."""
    down, across = np.mgrid[0:256, 0:256]
    values = 30000 + 14000 * (np.sin(across / 40) + np.cos(down / 60))
    values += np.random.default_rng(1).normal(0, 150, values.shape)
    return (values - (2**15 if dtype == "<i2" else 0)).astype(dtype)


def stored(values, bits, high=None, **more):
    middle = 0 if values.dtype.kind == "i" else 30000
    facts = {"WindowCenter": middle, "WindowWidth": 40000} | more
    return image(values, BitsStored=bits, HighBit=bits - 1 if high is None else high, **facts)


@pytest.mark.parametrize("syntax", ["", "RLE", "JPEG-LS", "JPEG lossless"])
@pytest.mark.parametrize("dtype", ["<u2", "<i2"])
def test_values_of_more_bits_than_the_object_says_are_drawn_whole(dtype, syntax):
    values = hills(dtype)
    right = seen(stored(values, 16))
    ds = stored(values, 12)
    if syntax == "RLE":
        ds.compress(RLELossless, generate_instance_uid=False)
    if syntax == "JPEG-LS":
        ds = encoded(ds, uid.JPEGLSLossless, imagecodecs.jpegls_encode(values.view("<u2")))
    if syntax == "JPEG lossless":
        lossless = imagecodecs.ljpeg_encode(values.view("<u2"), bitspersample=16)
        ds = encoded(ds, uid.JPEGLosslessSV1, lossless)
    assert (seen(ds) == right).all()


@pytest.mark.parametrize("high", [15, 13])
def test_values_that_end_at_the_lowest_bit_do_not_end_above_it(high):
    values, window = shades(12, "<u2"), {"WindowCenter": 2048, "WindowWidth": 4096}
    right = seen(stored(values, 12, **window))
    assert (seen(stored(values, 12, high, **window)) == right).all()
    marked = stored(values, 12, high, **window)
    marked.add_new((0x6000, 0x0102), "US", 0)
    assert (seen(marked) != right).any(), "what is below may be graphics"


@pytest.mark.parametrize("high", [15, 13])
@pytest.mark.parametrize("dtype", ["<u2", "<i2"])
@pytest.mark.parametrize("syntax", IN_WORDS)
def test_so_are_those_of_words_that_were_compressed_as_a_whole(syntax, dtype, high):
    values, window = shades(12, dtype), {"WindowCenter": 2048 if dtype == "<u2" else 0, "WindowWidth": 4096}
    right = seen(stored(values, 12, **window))
    words = (values.astype("<u2") << (high - 11)).astype("<u2")
    assert (seen(encoded(stored(values, 12, high, **window), syntax, IN_WORDS[syntax](words))) == right).all()
    if dtype == "<u2":  # whatever the object says then
        low = encoded(stored(values, 12, high, **window), syntax, IN_WORDS[syntax](values))
        assert (seen(low) == right).all()


@pytest.mark.parametrize("beside", [0x1000, 0x8000, 0xF000])
def test_what_stands_above_the_values_is_still_no_part_of_them(beside):
    values, window = shades(12, "<u2"), {"WindowCenter": 2048, "WindowWidth": 4096}
    right = seen(stored(values, 12, **window))
    everywhere, noise, mark = values | beside, values.copy(), values.copy()
    noise[np.random.default_rng(1).random(values.shape) < 0.3] |= beside
    mark[20:60, 20:60] |= beside
    for soiled in (everywhere, noise, mark):
        assert (seen(stored(soiled.astype("<u2"), 12, **window)) == right).all()


def test_negative_values_without_their_sign_above_them_are_negative():
    values, window = shades(12, "<i2"), {"WindowCenter": 0, "WindowWidth": 4096}
    right = seen(stored(values, 12, **window))
    ds = stored(values, 12, **window)
    ds.PixelData = (values.view("<u2") & 0x0FFF).tobytes()
    assert (seen(ds) == right).all()


def test_an_image_of_padding_alone_is_drawn():
    ds = stored(shades(16, "<u2"), 16)
    right = seen(ds)
    ds.PixelPaddingValue, ds.PixelPaddingRangeLimit = 0, 65535
    assert (seen(ds) == right).all()


LOSSY = {
    uid.JPEGLSNearLossless: lambda words: imagecodecs.jpegls_encode(words, 3),
    uid.JPEG2000: lambda words: imagecodecs.jpeg2k_encode(words, 80, codecformat="j2k", reversible=False),
    uid.HTJ2K: lambda words: imagecodecs.htj2k_encode(words, reversible=False),
}


@pytest.mark.parametrize("high", [15, 13])
@pytest.mark.parametrize("syntax", LOSSY)
def test_values_in_other_bits_are_found_where_they_were_compressed_with_loss(syntax, high):
    values = (hills("<u2") >> 4).astype("<u2")
    facts = {"WindowCenter": 1900, "WindowWidth": 2500}
    right = seen(stored(values, 12, **facts))
    moved = values << (high - 11)
    ds = encoded(stored(moved, 12, high, **facts), syntax, LOSSY[syntax](moved))
    assert np.abs(seen(ds) - right).max() <= 8


def test_what_a_lossy_compression_moved_beyond_white_is_white():
    values = np.where(hills("<u2") > 30000, 4095, 1000).astype("<u2")
    facts = {"WindowCenter": 2048, "WindowWidth": 4096}
    stream = imagecodecs.jpeg2k_encode(values, 60, codecformat="j2k", reversible=False)
    assert imagecodecs.jpeg2k_decode(stream).max() > 4095
    shown = seen(encoded(stored(values, 12, **facts), uid.JPEG2000, stream))
    assert shown[values == 4095].min() > 150


@pytest.mark.parametrize("syntax", LOSSY)
def test_values_of_more_bits_are_drawn_whole_also_with_loss(syntax):
    values = hills("<u2")
    ds = encoded(stored(values, 12), syntax, LOSSY[syntax](values))
    assert np.abs(seen(ds) - seen(stored(values, 16))).max() <= 8
