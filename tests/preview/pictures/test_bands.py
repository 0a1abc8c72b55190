"""Frames that are too large to be decoded in one piece look as they would if they were not."""

import struct
from io import BytesIO

import numpy as np
import pytest
from made import colour_image, encoded, in_jpeg_2000, shades
from PIL import Image
from pydicom import Dataset, uid
from samples import ct, frugal, image, received, spooled

from preview.pictures import files, pixels
from preview.pictures.drawing import Drawers, DrawingKind
from preview.pictures.parsing import UnreadableError, parse
from preview.pictures.pdf import first_page
from preview.pictures.pixels import CannotDrawError, Pixels
from preview.pictures.rendered import rendered_picture
from preview.pictures.thumbnail import draw

SHAPE = (1400, 1100)


def hills(bits, dtype, shape=SHAPE):
    """Soft enough that a part of a pixel makes no difference."""
    return shades(bits, dtype, (shape[0] // 10, shape[1] // 10)).repeat(10, 0).repeat(10, 1)


def seen(ds, size=96):
    return np.asarray(Image.open(BytesIO(draw(ds, (size,)).pictures[0].png))).astype(int)


@pytest.fixture
def piecemeal(monkeypatch):
    """From a few bytes on a frame counts as large."""
    monkeypatch.setattr(pixels, "LARGE", 2**16)
    monkeypatch.setattr("preview.pictures.bands._AT_ONCE", 2**18)


def windowed(values, bits, **more):
    middle = 0 if values.dtype.kind == "i" else 2 ** (bits - 1)
    facts = {"BitsStored": bits, "HighBit": bits - 1, "WindowCenter": middle, "WindowWidth": 2**bits}
    return image(values, **facts | more)


def in_high_bits():
    ds = windowed(hills(12, "<u2"), 12, HighBit=15)
    ds.PixelData = (hills(12, "<u2") << 4 | 5).tobytes()
    return ds


def in_low_bits_whatever_it_says():
    return windowed(hills(12, "<u2"), 12, HighBit=15)


def with_something_above():
    ds = windowed(hills(12, "<u2"), 12)
    ds.PixelData = (hills(12, "<u2") | 0x3000).tobytes()
    return ds


def big_endian():
    ds = windowed(hills(12, "<u2"), 12)
    ds.PixelData = hills(12, "<u2").astype(">u2").tobytes()
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRBigEndian
    return ds


def in_floats():
    ds = image(np.zeros(SHAPE, "<u4"), WindowCenter=128, WindowWidth=256)
    del ds.PixelData, ds.BitsStored, ds.HighBit, ds.PixelRepresentation
    ds.FloatPixelData = hills(8, "u1").astype("<f4").tobytes()
    return ds


def in_colours(planes=0, dtype="u1", meaning="RGB"):
    grey = hills(8 * np.dtype(dtype).itemsize, dtype)
    samples = np.stack([grey, grey[::-1], grey[:, ::-1]], -1)
    ds = colour_image(samples, PhotometricInterpretation=meaning, PlanarConfiguration=planes)
    ds.PixelData = (samples.transpose(2, 0, 1) if planes else samples).tobytes()
    return ds


def subsampled(meaning):
    ds = colour_image(np.zeros((*SHAPE, 3), "u1"), PhotometricInterpretation=meaning)
    grey = hills(8, "u1")
    samples = np.stack([grey[:, ::2], grey[:, 1::2], grey[::-1, ::2], grey[:, ::-2]], -1)
    ds.PixelData = samples.tobytes()
    return ds


LARGE_ONES = {
    "bytes": lambda: windowed(hills(8, "u1"), 8),
    "signed bytes": lambda: windowed(hills(8, "i1"), 8),
    "12 bits": lambda: windowed(hills(12, "<u2"), 12),
    "signed 12 bits": lambda: windowed(hills(12, "<i2"), 12),
    "32 bits": lambda: windowed(hills(16, "<u4"), 16),
    "high bits": in_high_bits,
    "low bits": in_low_bits_whatever_it_says,
    "with something above": with_something_above,
    "big endian": big_endian,
    "floats": in_floats,
    "second frame": lambda: windowed(np.stack([hills(12, "<u2")] * 2), 12),
    "RGB": in_colours,
    "RGB in planes": lambda: in_colours(1),
    "RGB in 16 bits": lambda: in_colours(0, "<u2"),
    "YBR_FULL": lambda: in_colours(0, "u1", "YBR_FULL"),
    "YBR_FULL_422": lambda: subsampled("YBR_FULL_422"),
    "YBR_PARTIAL_422": lambda: subsampled("YBR_PARTIAL_422"),
    "inverse": lambda: windowed(hills(12, "<u2"), 12, PhotometricInterpretation="MONOCHROME1"),
    "padded": lambda: windowed(
        np.where(np.arange(SHAPE[1]) < 300, 0, hills(12, "<u2") | 1).astype("<u2"),
        12,
        PixelPaddingValue=0,
    ),
}


@pytest.mark.parametrize("kind", LARGE_ONES)
def test_a_large_frame_looks_as_it_does_in_one_piece(kind, request):
    ds = LARGE_ONES[kind]()
    whole = seen(ds)
    request.getfixturevalue("piecemeal")
    read = Pixels(ds).decode(0, (75, 96))
    assert read.is_smaller
    assert 75 <= read.samples.shape[1] < 300
    pieces = seen(ds)
    assert pieces.shape == whole.shape
    assert np.abs(pieces - whole).mean() < 3
    assert [one.width for one in draw(ds, (64,)).pictures] == [50] * ds.NumberOfFrames


@pytest.mark.usefixtures("piecemeal")
def test_frames_are_told_apart():
    first, second = hills(12, "<u2"), hills(12, "<u2")[::-1]
    ds = windowed(np.stack([first, second]), 12)
    drawn = [seen(windowed(one, 12)).tolist() for one in (first, second)]
    assert [np.asarray(Image.open(BytesIO(p.png))).tolist() for p in draw(ds, (96,)).pictures] == drawn


@pytest.mark.usefixtures("piecemeal")
def test_places_in_a_palette_are_not_averaged():
    values = np.where(np.arange(SHAPE[1]) % 2, 0, 2).astype("u1") + np.zeros(SHAPE, "u1")
    ds = image(values, PhotometricInterpretation="PALETTE COLOR")
    for channel in ("Red", "Green", "Blue"):
        setattr(ds, f"{channel}PaletteColorLookupTableDescriptor", [256, 0, 8])
        ds.add_new(f"{channel}PaletteColorLookupTableData", "OW", bytes([0, 255, 0]) + bytes(253))
    assert seen(ds).max() == 0, "1 would be white, and is nowhere in the image"


def test_lines_of_single_bits_are_grey_in_a_small_picture(piecemeal):
    bits = np.zeros((1600, 1600), "u1")
    bits[::2] = 1
    window = {"WindowCenter": 0.5, "WindowWidth": 1, "VOILUTFunction": "LINEAR_EXACT"}
    ds = image(bits, BitsAllocated=1, BitsStored=1, HighBit=0, **window)
    ds.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes()
    assert abs(seen(ds).mean() - 127) < 8


def test_rows_that_begin_within_a_byte_are_decoded_in_one_piece(piecemeal):
    bits = np.zeros((1001, 1001), "u1")
    bits[:500] = 1
    ds = image(bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    ds.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes()
    assert (seen(ds)[:40] == 255).all()
    assert (seen(ds)[-40:] == 0).all()


@pytest.mark.usefixtures("piecemeal")
def test_a_large_frame_that_is_cut_off_is_a_card():
    ds = windowed(hills(12, "<u2"), 12)
    ds.PixelData = ds.PixelData[:-1000]
    assert draw(ds).reason == "The pixels are incomplete or do not fit their description."


def test_a_frame_of_a_gibibyte_is_drawn_in_little_memory_and_time(tmp_path):
    side = 23_200
    ds = image(np.zeros((4, 4), "<u2"), Rows=side, Columns=side, PixelData=b"", SOPInstanceUID="1.2.3")
    ds["PixelData"].VR = "OW"
    came = spooled(ds, tmp_path / "enormous")
    with came.file.open("r+b") as file:
        start, size = file.seek(0, 2), 2 * side * side
        file.seek(start - 4)
        file.write(struct.pack("<L", size))
        file.truncate(start + size)
        for row in range(side // 2, side):
            file.seek(start + 2 * side * row)
            file.write(b"\xff\x0f" * 10_000)
    assert size > 2**30
    with Drawers(1, seconds=10) as drawers:
        drawers.submit(received(ct())).result()
        with frugal(150):
            drawn = drawers.submit(came).result().drawing
    shown = np.asarray(Image.open(BytesIO(drawn.pictures[0].png)))
    assert (drawn.kind, shown.shape) == (DrawingKind.IMAGE, (256, 256))
    assert (shown[:120].max(), shown[140:, :100].min(), shown[140:, 120:].max()) == (0, 255, 0)


def jpeg(samples):
    out = BytesIO()
    Image.fromarray(samples).save(out, "JPEG", quality=95)
    return out.getvalue()


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [(uid.JPEGBaseline8Bit, jpeg), (uid.JPEG2000, lambda samples: in_jpeg_2000(samples, 8))],
)
def test_a_large_compressed_frame_is_decoded_smaller_or_not_at_all(syntax, encode, monkeypatch):
    samples = np.ascontiguousarray(hills(8, "u1"))
    ds = encoded(windowed(samples, 8), syntax, encode(samples))
    whole = seen(ds)
    monkeypatch.setattr(pixels, "MOST_BYTES", 2**18)
    assert np.array_equal(seen(ds), whole)
    assert draw(ds, (1000,)).reason == "This needs more memory than a preview may take."
    for other in (uid.JPEGLSLossless, uid.RLELossless):
        ds.file_meta.TransferSyntaxUID = other
        assert draw(ds).reason == "The image is too large for a preview."


def test_a_jpeg_that_pillow_thinks_is_a_bomb_is_drawn():
    samples = np.zeros((14_000, 14_000), "u1")
    samples[7000:] = 200
    ds = encoded(windowed(samples[:1, :1], 8), uid.JPEGBaseline8Bit, jpeg(samples))
    ds.Rows = ds.Columns = 14_000
    shown = seen(ds)
    assert [int(shown[40, 40]), int(shown[60, 60])] == [0, 200]


def test_what_needs_too_much_memory_says_so(monkeypatch):
    """Here, and wherever else a picture is made of pixels."""

    def short_of_memory(*_, **__):
        raise MemoryError

    says = "This needs more memory than a preview may take."
    with monkeypatch.context() as patched:
        patched.setattr("preview.pictures.frame_image.grey", short_of_memory)
        assert draw(ct()).reason == says
    with monkeypatch.context() as patched:
        patched.setattr("preview.pictures.decoding.uncompressed", short_of_memory)
        assert draw(ct()).reason == says
    with monkeypatch.context() as patched:
        patched.setattr("preview.pictures.pdf._drawn", short_of_memory)
        with pytest.raises(CannotDrawError, match=says):
            first_page(Dataset.from_json({"00420011": {"vr": "OB", "InlineBinary": "JVBERi0="}}), 256)
    with monkeypatch.context() as patched:
        patched.setattr("preview.pictures.rendered._eight_bits", short_of_memory)
        with pytest.raises(CannotDrawError, match=says):
            rendered_picture(jpeg(np.zeros((9, 9), "u1")))


def test_an_object_that_needs_too_much_memory_to_be_read_says_so(monkeypatch, tmp_path):
    def short_of_memory(*_, **__):
        raise MemoryError

    monkeypatch.setattr("preview.pictures.parsing.read_dataset", short_of_memory)
    monkeypatch.setattr("preview.pictures.files.read_partial", short_of_memory)
    came, path = received(ct()), tmp_path / "x"
    spooled(ct(), path)
    with pytest.raises(UnreadableError, match="The object is too large to be read"):
        parse(came)
    with pytest.raises(UnreadableError, match="The object is too large to be read"), files.spooled(path):
        pass
