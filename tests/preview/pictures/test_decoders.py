"""Every transfer syntax, with streams that real encoders made: those of DCMTK, imagecodecs and Pillow."""

import zlib
from copy import deepcopy
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from made import by_dcmtk, colour_image, colours, encoded, grey_image, in_htj2k, in_jpeg_2000, shades
from PIL import Image
from pydicom import dcmread, uid
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from samples import frugal, image, sample

from preview.pictures import decoding, plugins
from preview.pictures.codestreams import jpeg, jpeg_2000
from preview.pictures.decoders import DECODINGS, Decoder
from preview.pictures.drawing import Drawers
from preview.pictures.files import local
from preview.pictures.parsing import UnreadableError
from preview.pictures.pixels import CannotDrawError, Pixels
from preview.pictures.thumbnail import DrawingKind, draw

DEPTHS = [(8, "u1"), (10, "<u2"), (12, "<u2"), (16, "<u2"), (8, "i1"), (10, "<i2"), (12, "<i2"), (16, "<i2")]
SPECTRAL, PROGRESSIVE = uid.UID("1.2.840.10008.1.2.4.53"), uid.UID("1.2.840.10008.1.2.4.55")


def pixels(ds, wanted=None):
    return Pixels(ds).decode(0, wanted).samples


def stream(ds):
    return next(generate_frames(ds.PixelData, number_of_frames=1))


def with_stream(ds, changed):
    return encoded(ds, ds.file_meta.TransferSyntaxUID, changed)


LOSSLESS_BY_DCMTK = [
    ("dcmcjpeg", "+e1"),
    *[("dcmcjpeg", "+el", "+sv", str(predictor)) for predictor in range(1, 8)],
    ("dcmcjpls",),
    ("dcmcrle",),
]


@pytest.mark.parametrize("beside", [0, 0x8000], ids=["empty", "soiled"])
@pytest.mark.parametrize("dtype", ["<i2", "<u2"])
@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (uid.JPEGLSLossless, imagecodecs.jpegls_encode),
        (uid.JPEG2000Lossless, lambda words: in_jpeg_2000(words, 16)),
        (uid.HTJ2KLossless, lambda words: in_htj2k(words, 16)),
    ],
    ids=["JPEG-LS", "JPEG 2000", "HTJ2K"],
)
def test_what_stands_above_the_values_of_a_compressed_word_is_no_part_of_them(syntax, encode, dtype, beside):
    values = shades(12, dtype, (250, 240))
    words = (values.astype("<i4") & 0xFFF | beside).astype("<u2")  # PS3.5 8.1.1: the bits above mean nothing
    ds = image(values, BitsStored=12, HighBit=11)
    plain = draw(image(values, BitsStored=12, HighBit=11))
    assert (pixels(encoded(ds, syntax, encode(words))) == values).all()
    assert draw(ds) == plain
    if beside:  # nor where a smaller picture would average it
        assert (pixels(ds, (60, 60)) == values).all()


@pytest.mark.parametrize(("bits", "dtype"), DEPTHS)
@pytest.mark.parametrize("command", LOSSLESS_BY_DCMTK, ids=" ".join)
def test_grey_values_come_back_as_they_were(tmp_path, command, bits, dtype):
    compressed = by_dcmtk(grey_image(bits, dtype), tmp_path, *command)
    assert compressed.file_meta.TransferSyntaxUID.is_compressed
    assert (pixels(compressed) == shades(bits, dtype)).all()
    assert draw(compressed).kind is DrawingKind.IMAGE
    assert draw(compressed) == draw(grey_image(bits, dtype))


@pytest.mark.parametrize(
    "command",
    [*LOSSLESS_BY_DCMTK, *[("dcmcjpls", interleave) for interleave in ("+il", "+is", "+in")]],
    ids=" ".join,
)
def test_colours_come_back_as_they_were(tmp_path, command):
    compressed = by_dcmtk(colour_image(), tmp_path, *command)
    assert (pixels(compressed) == colours()).all()
    assert draw(compressed) == draw(colour_image())


WAVELETS = [
    (uid.JPEG2000Lossless, in_jpeg_2000),
    (uid.JPEG2000, in_jpeg_2000),
    (uid.HTJ2KLossless, in_htj2k),
    (uid.HTJ2KLosslessRPCL, in_htj2k),
    (uid.HTJ2K, in_htj2k),
]


@pytest.mark.parametrize(("bits", "dtype"), DEPTHS)
@pytest.mark.parametrize(("syntax", "encode"), WAVELETS)
def test_wavelets_bring_grey_values_back_as_they_were(syntax, encode, bits, dtype):
    compressed = encoded(grey_image(bits, dtype), syntax, encode(shades(bits, dtype), bits))
    assert (pixels(compressed) == shades(bits, dtype)).all()
    assert draw(compressed) == draw(grey_image(bits, dtype))


@pytest.mark.parametrize("dtype", ["u1", "<u2"])
@pytest.mark.parametrize(("syntax", "encode"), WAVELETS)
def test_wavelets_bring_colours_back_as_they_were(syntax, encode, dtype):
    stated = {"PhotometricInterpretation": "YBR_RCT"}
    bits = 8 * np.dtype(dtype).itemsize
    compressed = encoded(colour_image(colours(dtype), **stated), syntax, encode(colours(dtype), bits))
    assert (pixels(compressed) == colours(dtype)).all()
    assert draw(compressed) == draw(colour_image(colours(dtype)))


@pytest.mark.parametrize("stated", ["RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT"])
@pytest.mark.parametrize(("syntax", "encode"), WAVELETS)
def test_what_the_stream_transformed_is_not_converted_again(syntax, encode, stated):
    """Whatever the object calls the colours: the decoder has undone the transform already."""
    ds = colour_image(PhotometricInterpretation=stated)
    assert draw(encoded(ds, syntax, encode(colours(), 8))) == draw(colour_image())


def test_luminance_that_the_stream_did_not_transform_is_converted():
    grey = np.full((90, 70, 3), (76, 85, 255), "u1")
    stream = imagecodecs.jpeg2k_encode(grey, 0, codecformat="j2k", mct=False, reversible=True)
    assert not jpeg_2000(stream).transformed
    assert jpeg_2000(in_jpeg_2000(grey, 8)).transformed
    ds = colour_image(grey, PhotometricInterpretation="YBR_FULL")
    drawn = draw(encoded(ds, uid.JPEG2000Lossless, stream))
    assert drawn == draw(colour_image(grey, PhotometricInterpretation="YBR_FULL"))
    assert drawn != draw(colour_image(grey))


@pytest.mark.parametrize("syntax", [uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K])
def test_planes_that_were_encoded_one_by_one_are_put_together(syntax):
    apart = imagecodecs.htj2k_encode(colours(), reversible=True, rgb=False)
    assert (pixels(encoded(colour_image(), syntax, apart)) == colours()).all()


def test_every_decoder_that_is_a_fallback_gives_the_same():
    for syntax, frame in {
        uid.JPEGLosslessSV1: imagecodecs.ljpeg_encode(shades(12, "<u2"), bitspersample=12),
        uid.JPEG2000Lossless: in_jpeg_2000(shades(12, "<u2"), 12),
        uid.HTJ2KLossless: in_htj2k(shades(12, "<u2"), 12),
    }.items():
        options = {
            "rows": 90, "columns": 70, "samples_per_pixel": 1, "bits_allocated": 16, "bits_stored": 12,
            "pixel_representation": 0, "photometric_interpretation": "MONOCHROME2", "number_of_frames": 1,
            "pixel_keyword": "PixelData", plugins.HALVINGS: 0,
        }  # fmt: skip
        for decoder in {*DECODINGS[syntax].decoders, DECODINGS[syntax].smaller} - {None}:
            samples, _ = decoding._by(decoder, frame, syntax, options)
            assert (samples == shades(12, "<u2")).all(), (syntax.name, decoder)


def test_the_table_names_no_decoder_that_is_not_there():
    for syntax, way in DECODINGS.items():
        there = get_decoder(way.like or syntax).available_plugins
        assert {*way.decoders, way.smaller} - {None} <= set(there), syntax.name
    assert {decoder for way in DECODINGS.values() for decoder in (*way.decoders, way.smaller)} >= set(Decoder)


LOSSY = 0.03
"""The share of the range that a value may be off."""


def test_near_lossless_is_as_near_as_the_encoder_was_told(tmp_path):
    for bits, dtype in ((8, "u1"), (12, "<u2"), (16, "<u2")):
        compressed = by_dcmtk(grey_image(bits, dtype), tmp_path, "dcmcjpls", "+en", "+md", "3")
        assert compressed.file_meta.TransferSyntaxUID == uid.JPEGLSNearLossless
        off = np.abs(pixels(compressed).astype(int) - shades(bits, dtype))
        assert 0 < off.max() <= 3


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize(
    ("option", "syntax"),
    [("+ee", uid.JPEGExtended12Bit), ("+es", SPECTRAL), ("+ep", PROGRESSIVE)],
)
def test_extended_jpeg_is_drawn_with_8_and_with_12_bits(tmp_path, option, syntax, bits):
    dtype = "u1" if bits == 8 else "<u2"
    values = shades(bits, dtype)
    values[0, :2] = 0, 2**bits - 1  # DCMTK stretches the range that is used, and says so in the rescale
    ds = image(values, BitsStored=bits, HighBit=bits - 1)
    compressed = by_dcmtk(ds, tmp_path, "dcmcjpeg", option, "+q", "98")
    assert compressed.file_meta.TransferSyntaxUID == syntax
    assert jpeg(stream(compressed)).bits == bits
    off = np.abs(pixels(compressed).astype(int) - values)
    assert off.max() < LOSSY * 2**bits
    assert draw(compressed).kind is DrawingKind.IMAGE


@pytest.mark.parametrize(("bits", "dtype"), [(8, "u1"), (12, "<u2"), (12, "<i2"), (16, "<u2"), (16, "<i2")])
@pytest.mark.parametrize("syntax", [uid.JPEG2000, uid.HTJ2K])
def test_lossy_wavelets_stay_close_also_at_the_ends_of_the_range(syntax, bits, dtype):
    values = shades(bits, dtype)
    values[20:40] = values.max()
    values[40:60] = values.min()
    frame = (
        imagecodecs.htj2k_encode(values, reversible=False)
        if syntax == uid.HTJ2K
        else imagecodecs.jpeg2k_encode(values, 50, codecformat="j2k", bitspersample=bits, reversible=False)
    )
    compressed = encoded(image(values, BitsStored=bits, HighBit=bits - 1), syntax, frame)
    assert np.abs(pixels(compressed).astype(int) - values).max() < LOSSY * 2**bits


def test_a_lossy_stream_that_is_called_lossless_wraps_nowhere():
    checks = (np.random.default_rng(1).integers(0, 2, (64, 64)) * 255).astype("u1").repeat(3, 0).repeat(3, 1)
    for syntax in (uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K):
        compressed = encoded(image(checks), syntax, imagecodecs.htj2k_encode(checks, reversible=False))
        assert np.abs(pixels(compressed).astype(int) - checks).max() < 20


def adobe(transform, samples):
    """JPEG whose Adobe marker says what its colours are."""
    kind = "RGB" if transform == 0 else "YCBCR"
    frame = imagecodecs.jpeg8_encode(samples, 98, colorspace="RGB", outcolorspace=kind, subsampling="444")
    parts = frame[2:].split(b"\xff\xdb", 1)
    marker = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])
    return b"\xff\xd8" + marker + b"\xff\xdb" + parts[1]


@pytest.mark.parametrize("stated", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("transform", [0, 1])
def test_the_stream_knows_its_colours_better_than_the_object(stated, transform):
    compressed = encoded(
        colour_image(PhotometricInterpretation=stated), uid.JPEGBaseline8Bit, adobe(transform, colours())
    )
    assert np.abs(seen(compressed) - seen(colour_image())).max() <= 12


def seen(ds):
    return np.asarray(Image.open(BytesIO(draw(ds).pictures[0].png))).astype(int)


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+n1.dcm",
        "SC_rgb_dcmtk_+eb+cy+n2.dcm",
        "SC_rgb_dcmtk_+eb+cy+s2.dcm",
        "SC_rgb_jls_lossy_line.dcm",
        "SC_rgb_jls_lossy_sample.dcm",
        "SC_rgb_jpeg_gdcm.dcm",
    ],
)
def test_the_bars_of_colour_are_right_however_they_are_encoded(name):
    bars = np.asarray(Image.open(BytesIO(draw(sample(name), sizes=(100,)).pictures[0].png))).astype(int)
    right = np.asarray(Image.open(BytesIO(draw(sample("SC_rgb_rle.dcm"), sizes=(100,)).pictures[0].png)))
    assert np.abs(bars[5::10, 50] - right.astype(int)[5::10, 50]).max() <= 6


@pytest.mark.parametrize(
    ("name", "like", "most"),
    [
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm", 0),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm", 0),
        ("MR_small_RLE.dcm", "MR_small.dcm", 0),
    ],
)
def test_samples_of_the_field_are_what_they_were(name, like, most):
    assert np.abs(pixels(sample(name)).astype(int) - pixels(sample(like))).max() <= most


@pytest.mark.parametrize(
    "name",
    [
        "693_J2KI.dcm",
        "GDCMJ2K_TextGBR.dcm",
        "J2K_pixelrep_mismatch.dcm",
        "JPEG-lossy.dcm",
        "JPEG2000.dcm",
        "JPEGLSNearLossless_08.dcm",
        "JPEGLSNearLossless_16.dcm",
        "JPGExtended.dcm",
        "SC_jpeg_no_color_transform.dcm",
        "SC_jpeg_no_color_transform_2.dcm",
        "SC_rgb_jpeg.dcm",
        "SC_rgb_jpeg_app14_dcmd.dcm",
        "SC_rgb_small_odd_jpeg.dcm",
        "examples_jpeg2k.dcm",
        "examples_ybr_color.dcm",
        "rtdose_rle.dcm",
    ],
)
def test_samples_of_the_field_are_drawn_with_something_in_them(name):
    drawing = draw(sample(name))
    assert drawing.kind is not DrawingKind.CARD, drawing.reason
    assert np.asarray(Image.open(BytesIO(drawing.pictures[0].png))).std() > 0.5


def test_frames_that_are_wrapped_but_not_compressed_are_drawn():
    compressed = encoded(grey_image(), "1.2.840.10008.1.2.1.98", shades(12, "<u2").tobytes())
    assert draw(compressed) == draw(grey_image())


def test_a_jpeg_with_12_bits_that_is_called_baseline_is_drawn():
    frame = imagecodecs.jpeg8_encode(shades(12, "<u2"), 95, bitspersample=12)
    compressed = encoded(grey_image(), uid.JPEGBaseline8Bit, frame)
    assert np.abs(pixels(compressed).astype(int) - shades(12, "<u2")).max() < LOSSY * 2**12


def test_a_lossless_frame_with_a_jfif_marker_keeps_its_colours(tmp_path):
    plain = by_dcmtk(colour_image(), tmp_path, "dcmcjpeg", "+e1")
    jfif = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    habit = stream(plain)[:2] + jfif + stream(plain)[2:]
    assert draw(with_stream(plain, habit)) == draw(colour_image())


# What is not as it should be


def streams():
    """One of every codec, with the image it belongs to."""
    values = shades(12, "<u2")
    baseline = BytesIO()
    Image.fromarray(colours()).save(baseline, "JPEG")
    yield encoded(colour_image(), uid.JPEGBaseline8Bit, baseline.getvalue())
    for syntax, frame in (
        (uid.JPEGExtended12Bit, imagecodecs.jpeg8_encode(values, 95, bitspersample=12)),
        (uid.JPEGLossless, imagecodecs.ljpeg_encode(values, bitspersample=12)),
        (uid.JPEGLosslessSV1, imagecodecs.jpeg8_encode(values, lossless=True, bitspersample=12)),
        (uid.JPEGLSLossless, imagecodecs.jpegls_encode(values)),
        (uid.JPEGLSNearLossless, imagecodecs.jpegls_encode(values, 2)),
        *[(syntax, encode(values, 12)) for syntax, encode in WAVELETS],
        (uid.HTJ2K, imagecodecs.htj2k_encode(values, reversible=False)),
    ):
        yield encoded(grey_image(), syntax, frame)


STREAMS = [pytest.param(ds, id=ds.file_meta.TransferSyntaxUID.name) for ds in streams()]


@pytest.mark.parametrize("ds", STREAMS)
def test_a_stream_that_is_whole_is_drawn(ds):
    assert draw(ds).kind is DrawingKind.IMAGE


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("ds", STREAMS)
def test_a_stream_that_breaks_off_is_a_card_and_no_grey_half(ds, share):
    whole = stream(ds)
    broken = with_stream(deepcopy(ds), whole[: int(len(whole) * share) // 2 * 2])
    drawing = draw(broken)
    assert drawing.kind is DrawingKind.CARD
    assert "cannot be decoded" in drawing.reason or "without its pixels" in drawing.reason


@pytest.mark.parametrize("ds", STREAMS)
def test_a_stream_of_another_size_than_the_object_says_reaches_no_decoder(ds, monkeypatch):
    def refused(*_):
        raise AssertionError

    monkeypatch.setattr(decoding, "_by", refused)
    larger = deepcopy(ds)
    larger.Rows = 91
    with pytest.raises(CannotDrawError, match="cannot be decoded"):
        Pixels(larger).decode(0)


@pytest.mark.parametrize("ds", STREAMS)
def test_a_stream_of_nonsense_is_a_card(ds):
    nonsense = np.random.default_rng(1).bytes(2000)
    for frame in (nonsense, stream(ds)[:40] + nonsense, b"\xff\xd8\xff\xc0" * 100, b"\xff\x4f\xff\x51" * 100):
        assert draw(with_stream(deepcopy(ds), frame)).kind is DrawingKind.CARD


@pytest.mark.parametrize("ds", STREAMS)
def test_bytes_that_changed_end_no_process(ds):
    random = np.random.default_rng(7)
    whole = stream(ds)
    for _ in range(40):
        changed = bytearray(whole)
        for place in random.integers(2, len(whole), 6):
            changed[place] = random.integers(256)
        draw(with_stream(deepcopy(ds), bytes(changed)))


def test_headers_are_read_as_they_are_written():
    signed = jpeg_2000(in_jpeg_2000(shades(12, "<i2"), 12))
    assert (signed.columns, signed.rows, signed.samples, signed.bits, signed.signed) == (70, 90, 1, 12, True)
    deep = imagecodecs.jpeg2k_encode(shades(12, "<i2"), 0, codecformat="j2k", resolutions=4)
    assert jpeg_2000(deep).reductions == 3
    boxed = jpeg_2000(imagecodecs.jpeg2k_encode(shades(8, "u1"), 0, codecformat="jp2"))
    assert (boxed.columns, boxed.rows, boxed.reductions) == (70, 90, 0)
    assert jpeg(imagecodecs.jpegls_encode(shades(12, "<u2"))).reductions == 0
    for nothing in (b"", b"\xff\xd8", b"\xff\xd8\xff\xda\x00\x02" + bytes(20), b"\xff\xd8\xff\xc0"):
        with pytest.raises(ValueError):
            jpeg(nothing)
    with pytest.raises(ValueError):
        jpeg_2000(b"\xff\x4f\xff\x52")


def test_a_meta_header_without_a_syntax_says_so():
    ds = grey_image()
    ds.file_meta = FileMetaDataset()
    assert "does not say how its pixels are encoded" in draw(ds).reason


# Encodings of the whole object that only a file may have


def drawn_file(path):
    with local(path) as parsed:
        return draw(parsed.ds, pixels=Pixels(parsed.ds, parsed.stored))


def test_a_big_endian_file_is_drawn():
    big = Path(get_testdata_file("MR_small_bigendian.dcm", download=False))
    assert drawn_file(big) == draw(sample("MR_small.dcm"))


@pytest.mark.parametrize(("bits", "dtype"), DEPTHS)
def test_a_deflated_file_is_drawn(tmp_path, bits, dtype):
    by_dcmtk(grey_image(bits, dtype), tmp_path, "dcmconv", "+td")
    assert drawn_file(tmp_path / "encoded.dcm") == draw(grey_image(bits, dtype))


def test_a_deflated_file_that_breaks_off_or_is_damaged_is_no_picture(tmp_path):
    by_dcmtk(grey_image(), tmp_path, "dcmconv", "+td")
    whole = (tmp_path / "encoded.dcm").read_bytes()
    for broken in (whole[:-600], whole[:500], whole[:600] + b"garbage!" * 40 + whole[920:]):
        (tmp_path / "broken.dcm").write_bytes(broken)
        try:
            kind = drawn_file(tmp_path / "broken.dcm").kind
        except UnreadableError:
            kind = DrawingKind.CARD
        assert kind is DrawingKind.CARD


def test_a_deflated_bomb_in_a_file_is_unpacked_no_further_than_the_limit(tmp_path):
    by_dcmtk(grey_image(), tmp_path, "dcmconv", "+td")
    head = (tmp_path / "encoded.dcm").read_bytes()
    ds = dcmread(tmp_path / "encoded.dcm", stop_before_pixels=True)
    start = 128 + 4 + 12 + ds.file_meta.FileMetaInformationGroupLength
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = b"".join(packer.compress(bytes(2**24)) for _ in range(75)) + packer.flush()
    (tmp_path / "bomb.dcm").write_bytes(head[:start] + bomb)
    with Drawers(1) as drawers:
        drawers.submit_file(tmp_path / "plain.dcm").result()
        with frugal(600):
            drawn = drawers.submit_file(tmp_path / "bomb.dcm").result()
    assert drawn.unreadable
    assert drawn.drawing.reason == "The file is too large to be unpacked."
