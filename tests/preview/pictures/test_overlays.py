"""Graphics over a picture, seen in its pixels."""

import struct
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from made import encoded, in_htj2k, in_jpeg_2000
from PIL import Image
from pydicom import Dataset, uid
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from samples import image, ramp, sample

from preview.pictures.thumbnail import draw


def seen(ds, place=0):
    return np.asarray(Image.open(BytesIO(draw(ds).pictures[place].png))).astype(int)


def grey(frames=0, level=100, side=256):
    pixels = np.full((frames, side, side) if frames else (side, side), level, "u1")
    return image(pixels, WindowCenter=128, WindowWidth=256)


def square(side=256, places=slice(100, 120)):
    bits = np.zeros((side, side), "u1")
    bits[places, places] = 1
    return bits


def overlaid(ds, bits, group=0x6000, **facts):
    """``bits``: rows x columns, or frames x rows x columns."""
    ds.add_new((group, 0x0010), "US", bits.shape[-2])
    ds.add_new((group, 0x0011), "US", bits.shape[-1])
    ds.add_new((group, 0x0040), "CS", "G")
    if "origin" in facts:
        ds.add_new((group, 0x0050), "SS", facts["origin"])
    if "frames" in facts:
        ds.add_new((group, 0x0015), "IS", facts["frames"])
    if "first" in facts:
        ds.add_new((group, 0x0051), "US", facts["first"])
    ds.add_new((group, 0x0100), "US", 1)
    ds.add_new((group, 0x0102), "US", 0)
    ds.add_new((group, 0x3000), "OW", np.packbits(bits.ravel(), bitorder="little").tobytes())
    return ds


def test_graphics_are_white_in_a_grey_picture_that_stays_grey():
    shown = seen(overlaid(grey(), square()))
    assert (shown.shape, shown[110, 110], shown[50, 50]) == ((256, 256), 255, 100)


def test_they_are_seen_on_white_too():
    shown = seen(overlaid(grey(level=255), square()))
    assert (shown[110, 110], shown[50, 50]) == (255, 255)
    assert shown[99, 110] < 150, "a dark edge"


def test_they_are_white_in_colours():
    ds = image(np.zeros((256, 256), "u1"), SamplesPerPixel=3, PhotometricInterpretation="RGB")
    ds.PlanarConfiguration, ds.PixelData = 0, np.full((256, 256, 3), (200, 0, 0), "u1").tobytes()
    shown = seen(overlaid(ds, square()))
    assert (shown[110, 110].tolist(), shown[50, 50].tolist()) == ([255] * 3, [200, 0, 0])


@pytest.mark.parametrize(("origin", "there"), [([11, 21], (15, 25)), ([-4, 1], (2, 5)), ([1, 250], (5, 253))])
def test_an_overlay_lies_where_its_origin_says(origin, there):
    shown = seen(overlaid(grey(), np.ones((10, 10), "u1"), origin=origin))
    row, column = there
    assert shown[row, column] == 255
    assert np.count_nonzero(shown == 255) <= 100


def test_one_outside_the_image_costs_nothing():
    assert (seen(overlaid(grey(), np.ones((10, 10), "u1"), origin=[900, 900])) == 100).all()


def test_every_group_is_drawn():
    ds = overlaid(grey(), square(), 0x6000)
    shown = seen(overlaid(ds, square(places=slice(200, 220)), 0x601E))
    assert (shown[110, 110], shown[210, 210]) == (255, 255)


@pytest.mark.parametrize(
    ("facts", "marked"),
    [
        ({}, [True, True, True]),
        ({"frames": 1}, [True, False, False]),
        ({"frames": 1, "first": 2}, [False, True, False]),
        ({"frames": 2, "first": 2}, [False, True, True]),
    ],
)
def test_it_lies_over_the_frames_that_it_says(facts, marked):
    frames = facts.get("frames", 1)
    ds = overlaid(grey(frames=3, side=255), np.stack([square(255)] * frames), **facts)
    drawing = draw(ds)
    shades = [np.asarray(Image.open(BytesIO(p.png)))[110, 110] for p in drawing.pictures]
    assert [shade == 255 for shade in shades] == marked


def test_frames_of_an_overlay_need_not_begin_at_a_byte():
    bits = np.stack([square(255, slice(10, 20)), square(255, slice(100, 120))])
    ds = overlaid(grey(frames=2, side=255), bits, frames=2)
    assert [seen(ds, 1)[15, 15], seen(ds, 1)[110, 110]] == [100, 255]


def test_a_thin_line_is_seen_in_a_small_picture_of_a_large_image():
    bits = np.zeros((2048, 2048), "u1")
    bits[1000:1002] = 1
    assert seen(overlaid(grey(side=2048), bits))[120:130, 50].max() == 255


def test_it_has_the_proportions_of_the_image():
    ds = overlaid(grey(), square())
    ds.PixelSpacing = [2, 1]
    shown = seen(ds)
    assert shown.shape == (256, 128)
    assert shown[110, 55] == 255


def test_what_covers_the_image_hides_nothing():
    assert (seen(overlaid(grey(), np.ones((256, 256), "u1"))) == 100).all()


@pytest.mark.parametrize("side", [256, 2048])
def test_of_what_covers_most_of_the_image_the_edge_is_drawn(side):
    """A region of interest, or letters that are left out of it."""
    bits = 1 - square(side, slice(side // 4, side // 2))
    shown = seen(overlaid(grey(side=side), bits))
    assert (shown[20, 20], shown[96, 96], shown[250, 250]) == (100, 100, 100)
    assert min(shown[62:65, 96].max(), shown[96, 62:65].max(), shown[126:130, 96].max()) == 255
    assert np.count_nonzero(shown == 255) < 0.05 * shown.size


@pytest.mark.parametrize("element", [0x0010, 0x0011, 0x0050, 0x0015, 0x0051, 0x3000])
@pytest.mark.parametrize("value", [b"", b"\xff\xff", b"\x00\x00"])
def test_a_senseless_overlay_costs_no_picture(element, value):
    ds = overlaid(grey(), square(), origin=[1, 1], frames=1)
    ds[0x6000, element] = RawDataElement(Tag(0x6000, element), "UN", len(value), value, 0, False, True)
    assert seen(ds)[50, 50] == 100


def test_an_overlay_without_a_size_costs_no_picture():
    ds = grey()
    ds.add_new((0x6000, 0x3000), "OW", b"\xff" * 100)
    assert (seen(ds) == 100).all()


def test_a_file_from_a_scanner_is_drawn_with_its_graphics():
    ds, plain = sample("examples_overlay.dcm"), sample("examples_overlay.dcm")
    del plain[0x6000, 0x3000]
    assert np.count_nonzero(seen(ds) != seen(plain)) > 100


def test_bits_of_big_endian_words_are_in_order():
    ds = overlaid(grey(), square())
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
    data = np.frombuffer(ds[0x6000, 0x3000].value, "<u2").astype(">u2").tobytes()
    ds.add_new((0x6000, 0x3000), "OW", data)
    shown = seen(ds)
    assert (shown[110, 110], shown[110, 98]) == (255, 100)


def test_nothing_is_looked_for_where_there_is_none():
    from preview.pictures.overlays import graphics

    assert graphics(image(ramp()), 0, lambda _: b"") is None
    assert graphics(Dataset(), 0, lambda _: b"") is None


def embedded(bits, position=12, **facts):
    pixels = np.full((2, 256, 256), 100, "<u2") | np.stack([np.zeros_like(bits), bits]).astype("<u2") << 12
    ds = image(pixels, BitsStored=12, HighBit=11, WindowCenter=128, WindowWidth=256, **facts)
    ds.add_new((0x6000, 0x0010), "US", 256)
    ds.add_new((0x6000, 0x0011), "US", 256)
    ds.add_new((0x6000, 0x0100), "US", 16)
    ds.add_new((0x6000, 0x0102), "US", position)
    return ds


def test_graphics_in_the_bits_above_the_values_are_drawn():
    ds = embedded(square())
    assert [seen(ds, 0)[110, 110], seen(ds, 1)[110, 110], seen(ds, 1)[50, 50]] == [100, 255, 100]


def test_graphics_in_the_bits_below_the_values_are_drawn():
    pixels = np.full((256, 256), 100, "<u2") << 4 | square().astype("<u2")
    ds = image(pixels, BitsStored=12, HighBit=15, WindowCenter=128, WindowWidth=256)
    for element, value in ((0x0010, 256), (0x0011, 256), (0x0100, 16), (0x0102, 0)):
        ds.add_new((0x6000, element), "US", value)
    assert [seen(ds)[110, 110], seen(ds)[50, 50]] == [255, 100]


def by_rle(values):
    """With both bytes of each word in a segment of its own (PS3.5 annex G)."""
    segments = [segment(np.ascontiguousarray(values >> shift & 0xFF, "u1")) for shift in (8, 0)]
    offsets = [64, 64 + len(segments[0])]
    return struct.pack("<L15L", 2, *offsets, *[0] * 13) + b"".join(segments)


def segment(values):
    """Nothing but runs of bytes as they are."""
    runs = b"".join(bytes([row.size - 1]) + row.tobytes() for row in values.reshape(-1, 128))
    return runs + bytes(len(runs) % 2)


WHOLE_WORDS = {
    uid.RLELossless: by_rle,
    uid.JPEGLosslessSV1: lambda words: imagecodecs.ljpeg_encode(words, bitspersample=16),
    uid.JPEGLSLossless: imagecodecs.jpegls_encode,
    uid.JPEG2000Lossless: lambda words: in_jpeg_2000(words, 16),
    uid.HTJ2KLossless: lambda words: in_htj2k(words, 16),
}


@pytest.mark.parametrize("dtype", ["<u2", "<i2"])
@pytest.mark.parametrize(("high", "position"), [(11, 12), (11, 15), (15, 0)])
@pytest.mark.parametrize("syntax", WHOLE_WORDS)
def test_they_are_there_too_where_whole_words_were_compressed(syntax, high, position, dtype):
    words = np.full((256, 256), 100 << (high - 11), "<u2") | square().astype("<u2") << position
    ds = image(words.astype(dtype), BitsStored=12, HighBit=high, WindowCenter=128, WindowWidth=256)
    for element, value in ((0x0010, 256), (0x0011, 256), (0x0100, 16), (0x0102, position)):
        ds.add_new((0x6000, element), "US", value)
    plain = seen(ds)
    assert [plain[110, 110], plain[50, 50]] == [255, 100]
    assert (seen(encoded(ds, syntax, WHOLE_WORDS[syntax](words))) == plain).all()


def test_a_compression_that_kept_no_words_has_nothing_beside_the_values():
    ds = encoded(grey(), uid.JPEGLSNearLossless, imagecodecs.jpegls_encode(np.full((256, 256), 100, "u1"), 1))
    plain = seen(ds)
    ds.add_new((0x6000, 0x0102), "US", 15)
    ds.BitsAllocated = 16
    assert (seen(ds) == plain).all()


@pytest.mark.parametrize("position", [0, 6, 11, 16, 99])
def test_the_bits_of_a_value_are_no_graphics(position):
    assert (seen(embedded(square(), position), 1) == 100).all()
