"""Colours, however an object writes them, seen in the pixels of the pictures."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from samples import image, ramp, sample

from preview.pictures.thumbnail import DrawingKind, draw

CHANNELS = ("Red", "Green", "Blue")


def seen(ds, place=0):
    return np.asarray(Image.open(BytesIO(draw(ds).pictures[place].png))).astype(int)


def coloured(samples, meaning, planes=0, **more):
    ds = image(np.zeros((16, 16), samples.dtype))
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, meaning, planes
    ds.PixelData = (samples.transpose(2, 0, 1) if planes else samples).tobytes()
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def of(colour, dtype="u1"):
    return np.full((16, 16, 3), colour, dtype)


def with_palette(ds, descriptor, tables, begins=""):
    for channel, table in zip(CHANNELS, tables, strict=True):
        ds.add_new(
            f"{channel}PaletteColorLookupTableDescriptor", "SS" if descriptor[1] < 0 else "US", descriptor
        )
        ds.add_new(f"{begins}{channel}PaletteColorLookupTableData", "OW", table)
    return ds


def palette_image(pixels, descriptor, tables, begins="", **more):
    return with_palette(
        image(pixels, PhotometricInterpretation="PALETTE COLOR", **more), descriptor, tables, begins
    )


@pytest.mark.parametrize("planes", [0, 1])
def test_both_orders_of_planes_are_read(planes):
    samples = of((200, 100, 50))
    samples[8:] = (10, 20, 30)
    shown = seen(coloured(samples, "RGB", planes))
    assert shown[10, 10].tolist() == [200, 100, 50]
    assert shown[250, 250].tolist() == [10, 20, 30]


@pytest.mark.parametrize("planes", [0, 1])
@pytest.mark.parametrize(
    ("ybr", "rgb"),
    [((76, 85, 255), (254, 0, 0)), ((128, 128, 128), (128, 128, 128)), ((29, 255, 107), (0, 0, 254))],
)
def test_luminance_and_colour_become_red_green_and_blue(ybr, rgb, planes):
    assert np.abs(seen(coloured(of(ybr), "YBR_FULL", planes))[100, 100] - rgb).max() <= 2


def test_sixteen_bits_of_colour_are_drawn():
    assert seen(coloured(of((0xFF00, 0x8000, 0), "<u2"), "RGB"))[9, 9].tolist() == [255, 128, 0]


@pytest.mark.parametrize(("bits", "dtype"), [(5, "u1"), (7, "u1"), (4, "<u2"), (1, "u1")])
def test_few_bits_of_colour_are_as_bright_as_eight(bits, dtype):
    most = 2**bits - 1
    ds = coloured(of((most, 0, most // 2), dtype), "RGB", BitsStored=bits, HighBit=bits - 1)
    assert seen(ds)[9, 9].tolist() == [255, 0, most // 2 * 255 // most]


def test_the_colours_of_video_fill_the_range():
    from preview.pictures.colour import colour
    from preview.pictures.pixels import Frame

    for ybr, rgb in (((16, 128, 128), 0), ((235, 128, 128), 255)):
        drawn = np.asarray(colour(image(ramp()), Frame(of(ybr), "YBR_PARTIAL_422", 8)))
        assert (drawn == rgb).all()


@pytest.mark.parametrize(
    ("meaning", "ybr", "rgb"),
    [
        ("YBR_PARTIAL_422", (16, 128, 128), 0),
        ("YBR_PARTIAL_422", (235, 128, 128), 255),
        ("YBR_FULL_422", (16, 128, 128), 16),
    ],
)
def test_colours_at_half_the_resolution_are_drawn_uncompressed(meaning, ybr, rgb):
    luminance, blue, red = ybr
    ds = coloured(of(ybr), meaning)
    ds.PixelData = bytes([luminance, luminance, blue, red]) * (16 * 16 // 2)
    assert draw(ds).kind is DrawingKind.IMAGE, draw(ds).reason
    assert (seen(ds) == rgb).all()


@pytest.mark.parametrize("name", ["examples_jpeg2k.dcm", "GDCMJ2K_TextGBR.dcm"])
def test_the_colour_transforms_of_jpeg_2000_are_undone(name):
    drawing = draw(sample(name))
    assert drawing.kind is not DrawingKind.CARD


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("first", [0, 100, -100])
def test_a_palette_begins_where_it_says(first, bits):
    table = np.arange(256).astype("u1")
    entries = table.tobytes() if bits == 8 else (table.astype("<u2") * 257).tobytes()
    ds = palette_image(ramp(first - 50, first + 205), [256, first, bits], [entries, entries[::-1], entries])
    shown = seen(ds)[0]
    assert shown[0].tolist() == [0, 255, 0]
    assert shown[150].tolist() == [100, 155, 100]


def test_a_palette_of_65536_entries_says_0():
    entries = np.arange(2**16).astype("<u2").tobytes()
    shown = seen(palette_image(ramp(0, 65535, "<u2"), [0, 0, 16], [entries] * 3))[0]
    assert (shown[0].tolist(), shown[255].tolist()) == ([0] * 3, [255] * 3)


@pytest.mark.parametrize("bits", [8, 16])
def test_entries_of_eight_bits_in_words_of_their_own_are_not_black(bits):
    entries = np.arange(256).astype("<u2").tobytes()
    assert seen(palette_image(ramp(dtype="u1"), [256, 0, bits], [entries] * 3))[0, 200].tolist() == [200] * 3


def test_a_segmented_palette_is_unfolded():
    """Two values, a line up from the second, and both segments once more."""
    line = [0, 2, 0, 0x100, 1, 200, 0xFF00]
    words = struct.pack("<11H", *line, 2, 2, 0, 0)
    ds = palette_image(ramp(dtype="u1"), [256, 0, 16], [words] * 3, "Segmented")
    shown = seen(ds)[0, :, 0]
    assert (shown[0], shown[1], shown[201]) == (0, 1, 255)
    assert shown[101] == pytest.approx(128, abs=1)
    assert (shown[202], shown[203], shown[204]) == (0, 1, 2)


def test_a_segmented_palette_of_bytes_is_unfolded():
    entries = bytes([0, 1, 0, 1, 127, 254, 0, 1, 9, 2, 1, 0, 0, 0, 0, 0])
    ds = palette_image(ramp(dtype="u1"), [130, 0, 8], [entries] * 3, "Segmented")
    assert seen(ds)[0, :, 0].tolist()[:130] == [*range(0, 256, 2), 9, 0]


@pytest.mark.parametrize(
    "entries",
    [b"", b"\x02\0\xff\xff\0\0\0\0", b"\x01\0\xff\xff\0\0", b"\7\0\7\0\7\0", b"\2\0\1\0\xff\xff\xff\xff"],
)
def test_a_palette_that_leads_nowhere_is_a_card(entries):
    drawing = draw(palette_image(ramp(dtype="u1"), [256, 0, 16], [entries] * 3, "Segmented"))
    assert drawing.reason == "The image's colour table cannot be read."


def test_colours_that_supplement_grey_are_drawn_in_it():
    pixels = ramp(0, 255)
    pixels[:, 200:] += 1000
    ds = image(pixels, WindowCenter=128, WindowWidth=256, PixelPresentation="MIXED")
    red, nothing = np.full(256, 0xFFFF, "<u2").tobytes(), np.zeros(256, "<u2").tobytes()
    shown = seen(with_palette(ds, [256, 1200, 16], [red, nothing, nothing]))[0]
    assert shown[100].tolist() == [100] * 3
    assert shown[210].tolist() == [255, 0, 0]


def test_a_palette_beside_plain_grey_changes_nothing():
    ds = image(ramp(0, 255), WindowCenter=128, WindowWidth=256)
    entries = np.full(256, 0xFFFF, "<u2").tobytes()
    assert seen(with_palette(ds, [256, 0, 16], [entries] * 3)).ndim == 2
