"""Large frames are decoded no larger than the picture needs, and nobody can tell from the picture."""

import time
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from made import in_htj2k, in_jpeg_2000, shades
from PIL import Image
from pydicom import uid
from pydicom.encaps import encapsulate
from samples import image, sample

from preview.pictures.codestreams import Codestream
from preview.pictures.decoding import halvings
from preview.pictures.pixels import Pixels
from preview.pictures.thumbnail import draw

ROWS, COLUMNS = 1203, 1001


def breast(bits=12, dtype="<u2", soft=True):
    """A bright oval with some structure on a dark ground, odd in both directions."""
    down, across = np.mgrid[0:ROWS, 0:COLUMNS]
    inside = ((across / 800) ** 2 + ((down - 600) / 500) ** 2) < 1
    values = inside * (0.5 + 0.2 * np.sin(across / 40) * np.cos(down / 55))
    noise = np.random.default_rng(1).normal(0, 0.01, values.shape) if soft else 0
    low = -(2 ** (bits - 1)) if np.dtype(dtype).kind == "i" else 0
    return (np.clip(values + noise, 0, 0.99) * 2**bits + low).astype(dtype)


def plain(values, bits=12, **more):
    more = {"WindowCenter": float(values.min()) + 2 ** (bits - 1), "WindowWidth": 2**bits} | more
    return image(values, BitsStored=bits, HighBit=bits - 1, **more)


def encoded(ds, syntax, frame):
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


def wavelets(values, bits=12, **more):
    return imagecodecs.jpeg2k_encode(
        values, 0, codecformat="j2k", bitspersample=bits, reversible=True, resolutions=6, **more
    )


def htj2k(values, bits=12):
    return imagecodecs.htj2k_encode(values, reversible=True)


def cosines(values, **how):
    out = BytesIO()
    Image.fromarray(values).save(out, "JPEG", quality=95, **how)
    return out.getvalue()


def seen(ds, size=256):
    return np.asarray(Image.open(BytesIO(draw(ds, (size,)).pictures[0].png))).astype(int)


def decoded(ds, wanted):
    return Pixels(ds).decode(0, wanted).samples


DEPTHS = [(8, "u1"), (10, "<u2"), (12, "<u2"), (16, "<u2"), (8, "i1"), (12, "<i2"), (16, "<i2")]


@pytest.mark.parametrize("size", [256, 640])
@pytest.mark.parametrize(("bits", "dtype"), DEPTHS)
@pytest.mark.parametrize(("syntax", "encode"), [(uid.JPEG2000Lossless, wavelets), (uid.HTJ2KLossless, htj2k)])
def test_a_picture_of_a_part_of_the_resolution_is_that_of_the_whole(syntax, encode, bits, dtype, size):
    values = breast(bits, dtype)
    compressed = encoded(plain(values, bits), syntax, encode(values, bits))
    assert Pixels(compressed).decode(0, (size, size)).is_smaller is (size == 256)
    off = np.abs(seen(compressed, size) - seen(plain(values, bits), size))
    assert off.mean() < 1.5
    assert draw(compressed, (256,)).window == draw(plain(values, bits)).window


@pytest.mark.parametrize(
    ("syntax", "encode", "stated"),
    [
        (uid.JPEG2000, lambda v: wavelets(v, 8), "YBR_RCT"),
        (uid.HTJ2K, htj2k, "YBR_RCT"),
        (uid.JPEG2000, lambda v: wavelets(v, 8), "YBR_FULL"),
        (uid.HTJ2K, htj2k, "YBR_FULL_422"),
        (uid.JPEGBaseline8Bit, cosines, "YBR_FULL_422"),
        (uid.JPEGBaseline8Bit, lambda v: cosines(v, subsampling=0), "YBR_FULL"),
        (uid.JPEGBaseline8Bit, lambda v: cosines(v, progressive=True), "YBR_FULL"),
        (uid.JPEGExtended12Bit, cosines, "YBR_FULL_422"),
    ],
)
def test_so_is_one_in_colour(syntax, encode, stated):
    values = np.stack([breast(8, "u1"), breast(8, "u1")[::-1], 255 - breast(8, "u1")], -1)
    whole = image(values[..., 0], SamplesPerPixel=3, PlanarConfiguration=0, PhotometricInterpretation="RGB")
    whole.PixelData = values.tobytes()
    ds = image(values[..., 0], SamplesPerPixel=3, PlanarConfiguration=0, PhotometricInterpretation=stated)
    compressed = encoded(ds, syntax, encode(np.ascontiguousarray(values)))
    assert decoded(compressed, (213, 256)).shape == (-(-ROWS // 4), -(-COLUMNS // 4), 3)
    assert np.abs(seen(compressed) - seen(whole)).mean() < 2


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize(("syntax", "encode"), [(uid.JPEG2000Lossless, wavelets), (uid.HTJ2KLossless, htj2k)])
def test_white_stays_white_in_deep_colours(syntax, encode, bits):
    values = np.stack([breast(bits), breast(bits)[::-1], breast(bits)], -1)
    values[200:900, 100:700] = 2**bits - 1
    ds = image(values[..., 0], SamplesPerPixel=3, PlanarConfiguration=0, PhotometricInterpretation="RGB")
    ds.PixelData, ds.BitsStored, ds.HighBit = values.tobytes(), bits, bits - 1
    whole = seen(ds)
    assert whole[100, 80].tolist() == [255] * 3
    assert np.abs(seen(encoded(ds, syntax, encode(values, bits))) - whole).max() < 2


def test_grey_jpeg_comes_smaller():
    values = breast(8, "u1")
    compressed = encoded(plain(values, 8), uid.JPEGBaseline8Bit, cosines(values))
    assert decoded(compressed, (213, 256)).shape == (-(-ROWS // 4), -(-COLUMNS // 4))
    assert np.abs(seen(compressed) - seen(plain(values, 8))).mean() < 1.5


@pytest.mark.parametrize("facts", [{}, {"PixelSpacing": [2, 1]}, {"PixelAspectRatio": [1, 3]}])
def test_sizes_are_those_of_the_whole_image(facts):
    values = breast()
    compressed = encoded(plain(values, **facts), uid.JPEG2000Lossless, wavelets(values))
    whole, smaller = (draw(ds, (64, 256, 640)) for ds in (plain(values, **facts), compressed))
    assert [(p.size, p.width, p.height) for p in smaller.pictures] == [
        (p.size, p.width, p.height) for p in whole.pictures
    ]
    assert smaller.largest == whole.largest > 0


@pytest.mark.parametrize(
    ("wanted", "times"),
    [((1001, 1203), 0), ((501, 602), 1), ((500, 600), 1), ((251, 301), 2), ((252, 301), 1), ((1, 1), 5)],
)
def test_it_is_never_smaller_than_wanted(wanted, times):
    stream = Codestream(COLUMNS, ROWS, 1, 12, reductions=5)
    options = {"samples_per_pixel": 1, "photometric_interpretation": "MONOCHROME2", "pixel_representation": 0}
    assert halvings(stream, options, wanted) == times
    columns, rows = stream.halved(times)
    assert columns >= wanted[0]
    assert rows >= wanted[1]


def test_places_in_a_palette_are_not_averaged():
    values = breast(8, "u1")
    ds = encoded(image(values), uid.JPEG2000Lossless, wavelets(values, 8))
    ds.PhotometricInterpretation = "PALETTE COLOR"
    assert decoded(ds, (10, 10)).shape == (ROWS, COLUMNS)
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.RedPaletteColorLookupTableDescriptor = [256, 0, 16]
    assert decoded(ds, (10, 10)).shape == (ROWS, COLUMNS)


def test_negative_values_that_were_encoded_as_large_ones_are_not_averaged():
    values = breast(12, "<i2")
    mistaken = wavelets((values & 0xFFF).astype("<u2"))
    compressed = encoded(plain(values), uid.JPEG2000Lossless, mistaken)
    assert (decoded(compressed, (10, 10)) == values).all()
    assert decoded(sample("J2K_pixelrep_mismatch.dcm"), (10, 10)).shape == (512, 512)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("syntax", [uid.JPEG2000Lossless, uid.HTJ2KLossless])
def test_no_rim_shines_around_the_image(syntax, photometric):
    """Black is padding; what lies between it and the inverted ground would be the brightest of all."""
    values = np.full((ROWS, COLUMNS), 3900, "<u2")
    values[300:900, 200:800] = 3600
    values[:, 900:] = 0
    facts = {"PixelPaddingValue": 0, "PhotometricInterpretation": photometric}
    encode = htj2k if syntax == uid.HTJ2KLossless else wavelets
    compressed, whole = (plain(values, **facts) for _ in range(2))
    shown, right = seen(encoded(compressed, syntax, encode(values))), seen(whole)
    assert decoded(compressed, (213, 256)).shape[0] < ROWS
    assert shown[:, 193:].max() == 0
    if photometric == "MONOCHROME1":
        assert shown.max() <= right.max() + 2
    assert np.abs(shown - right)[:, :189].max() <= 8


@pytest.mark.parametrize(("syntax", "encode"), [(uid.JPEG2000Lossless, wavelets), (uid.HTJ2KLossless, htj2k)])
def test_an_edge_has_no_dotted_rim(syntax, encode):
    """In a picture of exactly half the size, too."""
    down, across = np.mgrid[0:512, 0:512]
    values = np.where(np.hypot(down - 256, across - 256) < 200, 1064, 24).astype("<u2")
    window = {"WindowCenter": 1064, "WindowWidth": 400}
    compressed = encoded(plain(values, **window), syntax, encode(values))
    assert np.abs(seen(compressed) - seen(plain(values, **window))).max() <= 2
    assert decoded(compressed, (200, 200)).shape == (256, 256)


def test_a_stream_that_cannot_be_had_smaller_is_decoded_in_full():
    values = breast()
    flat = imagecodecs.jpeg2k_encode(values, 0, codecformat="j2k", bitspersample=12, resolutions=1)
    boxed = imagecodecs.jpeg2k_encode(values, 0, codecformat="jp2", bitspersample=12)
    for frame in (flat, boxed):
        compressed = encoded(plain(values), uid.JPEG2000Lossless, frame)
        assert (decoded(compressed, (10, 10)) == values).all()
    lossless = encoded(plain(values), uid.JPEGLSLossless, imagecodecs.jpegls_encode(values))
    assert (decoded(lossless, (10, 10)) == values).all()


def test_a_stream_that_breaks_off_is_no_picture_in_any_size():
    for syntax, frame in (
        (uid.JPEG2000Lossless, wavelets(breast())),
        (uid.HTJ2KLossless, htj2k(breast())),
        (uid.JPEGBaseline8Bit, cosines(breast(8, "u1"))),
    ):
        ds = plain(breast(8, "u1"), 8) if syntax == uid.JPEGBaseline8Bit else plain(breast())
        half = encoded(ds, syntax, frame[: len(frame) // 4 * 2])
        assert "cannot be decoded" in draw(half).reason


IN_ROWS = {
    "8 bits": (uid.JPEGBaseline8Bit, 8, cosines),
    "8 bits, with restarts": (uid.JPEGBaseline8Bit, 8, lambda v: cosines(v, restart_marker_rows=9)),
    "12 bits": (uid.JPEGExtended12Bit, 12, lambda v: imagecodecs.jpeg8_encode(v, 95, bitspersample=12)),
    "lossless": (uid.JPEGLosslessSV1, 12, lambda v: imagecodecs.ljpeg_encode(v, bitspersample=12)),
}


@pytest.mark.parametrize("size", [256, 640])
@pytest.mark.parametrize("kind", IN_ROWS)
def test_a_stream_with_an_end_but_without_its_last_rows_is_no_picture(kind, size):
    syntax, bits, encode = IN_ROWS[kind]
    values = breast(bits, "u1" if bits == 8 else "<u2")
    frame = encode(values)
    assert draw(encoded(plain(values, bits), syntax, frame), (size,)).reason is None
    cut = frame[: len(frame) // 2] + b"\xff\xd9"
    assert "cannot be decoded" in draw(encoded(plain(values, bits), syntax, cut), (size,)).reason


@pytest.mark.parametrize("kind", IN_ROWS)
def test_rows_that_are_all_alike_are_not_missing(kind):
    syntax, bits, encode = IN_ROWS[kind]
    values = breast(bits, "u1" if bits == 8 else "<u2")
    values[300:] = 0
    assert draw(encoded(plain(values, bits), syntax, encode(values) + bytes(20))).reason is None


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (uid.JPEG2000Lossless, lambda v: in_jpeg_2000(v, 12)),
        (uid.HTJ2KLossless, lambda v: in_htj2k(v, 12)),
    ],
)
def test_a_thumbnail_of_a_mammogram_costs_an_eighth_of_decoding_it(syntax, encode):
    """Of 3000 x 2500 pixels, in time of the processor: JPEG 2000 a fortieth, HTJ2K a tenth."""
    values = shades(12, "<u2", (3000, 2500))
    ds = encoded(image(values, BitsStored=12, HighBit=11), syntax, encode(values))
    full, thumbnail = (
        min(spent(task) for _ in range(4)) for task in (lambda: Pixels(ds).decode(0), lambda: draw(ds))
    )
    assert thumbnail < full / 8


def spent(task):
    """Seconds of the processor."""
    began = time.process_time()
    task()
    return time.process_time() - began
