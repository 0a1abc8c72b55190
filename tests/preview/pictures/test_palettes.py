"""Palettes that contradict their descriptor (PS3.3 C.7.6.3.1.5 and .6): drawn right, or not at all."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import ExplicitVRBigEndian
from samples import image, ramp

from preview.pictures.thumbnail import DrawingKind, draw

CHANNELS = ("Red", "Green", "Blue")
UP = np.arange(256)
CURVES = (UP, 255 - UP, UP * 3 % 256)
UNREADABLE = "The image's colour table cannot be read."


def with_palette(descriptor, tables, pixels=None, begins="", **more):
    pixels = ramp(dtype="u1") if pixels is None else pixels
    ds = image(pixels, PhotometricInterpretation="PALETTE COLOR", **more)
    for channel, table in zip(CHANNELS, tables, strict=True):
        ds.add_new(f"{channel}PaletteColorLookupTableDescriptor", "US", descriptor)
        ds.add_new(f"{begins}{channel}PaletteColorLookupTableData", "OW", table)
    return ds


def tables(dtype="<u2", times=1, curves=CURVES):
    return [(curve * times).astype(dtype).tobytes() for curve in curves]


def seen(ds):
    drawing = draw(ds)
    assert drawing.kind is not DrawingKind.CARD, drawing.reason
    return np.asarray(Image.open(BytesIO(drawing.pictures[0].png))).astype(int)


RIGHT = np.stack(CURVES, -1)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    "written",
    [
        pytest.param(tables("u1"), id="bytes, two to a word"),
        pytest.param(tables("<u2"), id="a word each, low"),
        pytest.param(tables("<u2", 256), id="a word each, high"),
        pytest.param(tables("<u2", 257), id="a word each, both"),
    ],
)
def test_entries_of_eight_bits_are_found_however_they_are_written(written, bits):
    assert (seen(with_palette([256, 0, bits], written))[9] == RIGHT).all()


def test_an_odd_number_of_bytes_is_padded():
    ds = with_palette(
        [255, 0, 8], [table + b"\xff" for table in tables("u1", curves=[c[:255] for c in CURVES])]
    )
    assert (seen(ds)[9, :255] == RIGHT[:255]).all()
    assert (seen(ds)[9, 255] == RIGHT[254]).all()


@pytest.mark.parametrize(("bits", "dtype", "times"), [(8, "u1", 1), (8, "<u2", 1), (16, "<u2", 256)])
def test_0_means_65536(bits, dtype, times):
    entries = np.arange(2**16) >> 8
    written = tables(dtype, times, [entries, 255 - entries, entries])
    shown = seen(with_palette([0, 0, bits], written, ramp(0, 65535, "<u2")))[9]
    assert np.abs(shown[:, 0] - UP).max() <= 1
    assert np.abs(shown[:, 1] - UP[::-1]).max() <= 1


@pytest.mark.parametrize(("bits", "written"), [(16, tables("<u2", 257)), (8, tables("u1"))])
def test_of_a_palette_that_ends_too_early_what_is_there_is_drawn(bits, written):
    """512 entries are said to be there, and the image has 256 values; a palette that ends at 100 is none."""
    assert (seen(with_palette([512, 0, bits], written))[9] == RIGHT).all()
    shorter = [table[: 100 * bits // 8] for table in written]
    assert draw(with_palette([256, 0, bits], shorter)).reason == UNREADABLE
    low = ramp(0, 99, "u1")
    assert (seen(with_palette([256, 0, bits], shorter, low))[9] == RIGHT[low[0]]).all()


def test_a_colour_that_there_is_none_of_does_not_change_how_the_others_are_read():
    written = tables("u1", curves=(UP, UP * 0, UP[::-1]))
    for bits in (8, 16):
        shown = seen(with_palette([256, 0, bits], written))[9]
        assert (shown == np.stack([UP, UP * 0, UP[::-1]], -1)).all()


def test_a_palette_of_0_entries_that_has_256_is_drawn_as_far_as_it_goes():
    assert (seen(with_palette([0, 0, 16], tables("<u2", 257)))[9] == RIGHT).all()


def test_what_lies_behind_the_last_entry_is_no_colour():
    long = [table + b"\x55" * 200 for table in tables("<u2", 257)]
    assert (seen(with_palette([256, 0, 16], long))[9] == RIGHT).all()
    assert (seen(with_palette([256, 0, 16], long, ramp(0, 1000)))[9, 255] == RIGHT[255]).all()


@pytest.mark.parametrize(
    "written",
    [
        pytest.param([table + b"\x55" * 100 for table in tables("u1")], id="neither 256 bytes nor words"),
        pytest.param(tables("u1", curves=[np.resize(c * 7, 512) for c in CURVES]), id="512 bytes, no words"),
        pytest.param(tables("<u2", curves=[c[:90] for c in CURVES]), id="180 bytes or 90 words"),
        pytest.param([b""] * 3, id="none"),
        pytest.param([tables()[0], b"", tables()[2]], id="no green"),
    ],
)
def test_a_palette_that_may_mean_this_or_that_is_not_drawn(written):
    assert draw(with_palette([256, 0, 8], written)).reason == UNREADABLE


@pytest.mark.parametrize("descriptor", [[128, 0, 16], [256, 5, 16]])
def test_colours_that_begin_or_end_elsewhere_are_not_drawn(descriptor):
    ds = with_palette([256, 0, 16], tables("<u2", 257))
    ds.GreenPaletteColorLookupTableDescriptor = descriptor
    assert draw(ds).reason == UNREADABLE


def test_a_descriptor_may_stand_for_all_colours():
    ds = with_palette([256, 0, 16], tables("<u2", 257))
    del ds.GreenPaletteColorLookupTableDescriptor, ds.BluePaletteColorLookupTableDescriptor
    assert (seen(ds)[9] == RIGHT).all()


@pytest.mark.parametrize("bits", [8, 16])
def test_words_of_the_other_byte_order_are_turned(bits):
    """Also where they hold two entries (PS3.5 7.3)."""
    written = tables("u1") if bits == 8 else tables("<u2", 257)
    turned = [np.frombuffer(table, "<u2").astype(">u2").tobytes() for table in written]
    ds = with_palette([256, 0, bits], turned, ramp(dtype="u1"))
    ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    ds["PixelData"].VR = "OW"
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    assert (seen(ds)[9] == RIGHT).all()


@pytest.mark.parametrize(("stated", "written"), [(8, "<H"), (16, "<H"), (8, "<B"), (16, "<B")])
def test_segments_are_unfolded_in_words_or_bytes_whatever_is_said(stated, written):
    values = [0, 2, 0, 1, 1, 254, 255]
    segments = b"".join(struct.pack(written, value) for value in values)
    ds = with_palette([256, 0, stated], [segments + bytes(len(segments) % 2)] * 3, begins="Segmented")
    assert (seen(ds)[9, :, 0] == UP).all()


def test_a_segmented_palette_that_ends_too_early_is_not_drawn():
    segments = struct.pack("<4H", 0, 2, 0, 100)
    ds = with_palette([256, 0, 16], [segments] * 3, begins="Segmented")
    assert draw(ds).reason == UNREADABLE
