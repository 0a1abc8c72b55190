"""Objects that leave out, or write oddly, what only one answer fits: they are drawn, and the others not."""

import struct
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from edge_cases import halved
from made import colour_image, colours, encoded, shades
from PIL import Image
from pydicom import uid
from pydicom.uid import RLELossless
from samples import image, jpeg, jpeg_image

from preview.pictures.description import number
from preview.pictures.thumbnail import DrawingKind, draw


def seen(ds, place=0):
    drawing = draw(ds)
    assert drawing.kind is not DrawingKind.CARD, drawing.reason
    return np.asarray(Image.open(BytesIO(drawing.pictures[place].png))).astype(int)


def without(ds, *keywords):
    for keyword in keywords:
        delattr(ds, keyword)
    return ds


def grey(values, bits, **more):
    middle = float(values.min()) + 2 ** (bits - 1)
    facts = {"WindowCenter": middle, "WindowWidth": 0.8 * 2**bits, "BitsStored": bits, "HighBit": bits - 1}
    return image(values, **facts | more)


# The order of colours


@pytest.mark.parametrize("meaning", ["RGB", "YBR_FULL"])
@pytest.mark.parametrize("planes", [0, 1])
def test_how_colours_lie_is_told_by_the_pixels(planes, meaning):
    ds = colour_image(PhotometricInterpretation=meaning, PlanarConfiguration=planes)
    if planes:
        ds.PixelData = colours().transpose(2, 0, 1).tobytes()
    right = seen(ds)
    assert (seen(without(ds, "PlanarConfiguration")) == right).all()


@pytest.mark.parametrize("planes", [0, 1])
def test_so_is_grey_in_colours(planes):
    grey = np.repeat(shades(8, "u1")[..., np.newaxis], 3, axis=2)
    ds = colour_image(grey, PlanarConfiguration=planes)
    if planes:
        ds.PixelData = np.ascontiguousarray(grey.transpose(2, 0, 1)).tobytes()
    right = seen(ds)
    assert (seen(without(ds, "PlanarConfiguration")) == right).all()


def test_colours_of_which_nobody_can_tell_how_they_lie_are_not_drawn():
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype("u1")
    drawing = draw(without(colour_image(noise), "PlanarConfiguration"))
    assert drawing.reason == "The image does not say how its colours are stored."


def test_compressed_colours_say_themselves_how_they_lie():
    ds = without(jpeg_image([jpeg((200, 120, 40))]), "PlanarConfiguration")
    assert np.abs(seen(ds)[9, 9] - (200, 120, 40)).max() <= 4
    ds = colour_image()
    right = seen(ds)
    ds.compress(RLELossless, generate_instance_uid=False)
    assert (seen(without(ds, "PlanarConfiguration")) == right).all()


@pytest.mark.parametrize("planes", [0, 1, None])
def test_subsampled_colours_have_no_planes(planes):
    """Whatever is said, they lie pixel by pixel, or are not drawn (C.7.6.3.1.2)."""
    ds = colour_image(PhotometricInterpretation="YBR_FULL_422")
    ds.PixelData = halved(colours())
    right = seen(ds)
    ds.PlanarConfiguration = planes
    assert (seen(ds) == right).all()
    if planes:
        samples = colours()
        ds.PixelData = b"".join((samples[..., 0].tobytes(), samples[:, ::2, 1:].tobytes()))
        assert draw(ds).reason == "The image does not say how its colours are stored."


# The sign


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(
    ("bits", "dtype"), [(16, "<i2"), (12, "<i2"), (16, "<u2"), (12, "<u2"), (8, "u1"), (8, "i1")]
)
def test_the_sign_is_told_by_the_pixels(bits, dtype, compress):
    ds = grey(shades(bits, dtype), bits)
    right = seen(ds)
    if compress:
        ds.compress(RLELossless, generate_instance_uid=False)
    assert (seen(without(ds, "PixelRepresentation")) == right).all()


@pytest.mark.parametrize("dtype", ["<i2", "<u2"])
def test_a_stream_says_its_sign_itself(dtype):
    values = shades(12, dtype)
    frame = imagecodecs.jpeg2k_encode(values, 0, codecformat="j2k", bitspersample=12, reversible=True)
    right = seen(grey(values, 12))
    ds = without(encoded(grey(values, 12), uid.JPEG2000Lossless, frame), "PixelRepresentation")
    assert (seen(ds) == right).all()


def test_all_frames_have_one_sign():
    """The first has no value that could be negative."""
    stack = np.stack([np.abs(shades(16, "<i2")) // 2, shades(16, "<i2"), shades(16, "<i2")])
    ds = grey(stack, 16, WindowCenter=0)
    right = [seen(ds, place) for place in range(3)]
    without(ds, "PixelRepresentation")
    assert all((seen(ds, place) == right[place]).all() for place in range(3))


def test_a_damaged_frame_costs_itself_and_nobodys_sign():
    frames = [imagecodecs.jpegls_encode(shades(12, "<i2").view("<u2") & 0xFFF)] * 3
    frames[1] = b"\xff\xd8\xff\xf7garbage!"
    ds = encoded(grey(np.stack([shades(12, "<i2")] * 3), 12), uid.JPEGLSLossless, *frames)
    right = draw(ds)
    assert [one.frame for one in right.pictures] == [1, 3]
    assert draw(without(ds, "PixelRepresentation")) == right


def test_the_bits_and_samples_that_are_left_out_are_those_that_are_there():
    right = seen(grey(shades(16, "<u2"), 16))
    assert (
        seen(without(grey(shades(16, "<u2"), 16), "BitsStored", "HighBit", "SamplesPerPixel")) == right
    ).all()
    right = seen(grey(shades(12, "<u2"), 12))
    assert (seen(without(grey(shades(12, "<u2"), 12), "BitsStored")) == right).all()


# The size


@pytest.mark.parametrize(
    ("vr", "of"),
    [
        *[(vr, int) for vr in ("US", "SS", "UL", "SL", "IS")],
        *[("DS", float), ("LO", str), ("SH", "{} ".format), ("OB", lambda side: struct.pack("<H", side))],
        ("OW", lambda side: struct.pack("<L", side)),
    ],
)
def test_a_size_is_read_in_whatever_it_is_written(vr, of):
    ds = grey(shades(12, "<u2"), 12)
    right = seen(ds)
    for keyword in ("Rows", "Columns"):
        side = int(ds[keyword].value)
        delattr(ds, keyword)
        ds.add_new(keyword, vr, of(side))
    assert (seen(ds) == right).all()


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        *[("US", None), ("US", [90, 70]), ("LO", ""), ("LO", "many"), ("SL", -5), ("OB", b"\1")],
        *[("FD", value) for value in (5.5, float("inf"), float("nan"))],
    ],
)
def test_what_is_no_size_is_none(vr, value):
    ds = image(shades(8, "u1"))
    del ds.Rows
    ds.add_new("Rows", vr, value)
    assert number(ds, "Rows") == 0
    assert draw(ds).reason == "The image does not say how large it is."


@pytest.mark.parametrize(("rows", "columns"), [(1, 0), (0, 1), (1, 1)])
def test_a_row_that_an_encoder_added_is_cut_off(rows, columns):
    samples = np.ascontiguousarray(colours()[:89, :69])
    larger = np.pad(samples, ((0, rows), (0, columns), (0, 0)), mode="edge")
    frame = BytesIO()
    Image.fromarray(larger).save(frame, "JPEG", quality=95, subsampling=0)
    right = seen(colour_image(samples))
    ds = encoded(
        colour_image(samples, PhotometricInterpretation="YBR_FULL"), uid.JPEGBaseline8Bit, frame.getvalue()
    )
    shown = seen(ds)
    assert shown.shape == right.shape
    assert np.abs(shown - right).mean() < 4


def test_a_grey_image_loses_no_more_than_the_added_row():
    values = shades(12, "<u2", (601, 701))
    frame = imagecodecs.jpegls_encode(np.pad(values, ((0, 1), (0, 1)), constant_values=4095))
    right = seen(grey(values, 12))
    assert (seen(encoded(grey(values, 12), uid.JPEGLSLossless, frame)) == right).all()


@pytest.mark.parametrize(("rows", "columns"), [(8, 0), (0, 2), (-1, 0), (1, -1)])
def test_a_stream_of_another_size_is_still_not_drawn(rows, columns):
    values = shades(12, "<u2")
    frame = imagecodecs.jpegls_encode(np.resize(values, (90 + rows, 70 + columns)))
    assert "cannot be decoded" in draw(encoded(grey(values, 12), uid.JPEGLSLossless, frame)).reason


# Colours that are said to be subsampled


@pytest.mark.parametrize("planes", [0, 1])
@pytest.mark.parametrize("frames", [1, 2])
def test_whole_colours_that_are_called_subsampled_are_drawn_whole(frames, planes):
    ds = colour_image(PhotometricInterpretation="YBR_FULL", PlanarConfiguration=planes)
    ds.PixelData = (colours().transpose(2, 0, 1).tobytes() if planes else ds.PixelData) * frames
    ds.NumberOfFrames = frames
    right = seen(ds, frames - 1)
    ds.PhotometricInterpretation = "YBR_FULL_422"
    assert (seen(ds, frames - 1) == right).all()
    assert draw(ds).reason is None


def test_whole_colours_of_video_keep_their_range():
    samples = np.full((16, 16, 3), (235, 128, 128), "u1")
    assert (seen(colour_image(samples, PhotometricInterpretation="YBR_PARTIAL_422")) == 255).all()


def test_two_whole_images_or_three_that_are_subsampled_are_not_drawn():
    ds = colour_image(PhotometricInterpretation="YBR_FULL_422")
    ds.PixelData *= 2
    del ds.NumberOfFrames
    assert "do not fit" in draw(ds).reason
