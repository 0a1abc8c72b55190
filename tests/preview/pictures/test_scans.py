"""JPEGs in several passes that lack some of them, and colours that only the stream itself knows."""

import time
from base64 import b64decode
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from made import colour_image, colours, encoded, in_jpeg_2000, shades
from PIL import Image
from pydicom import uid
from samples import image

from preview.pictures.restarts import has_all_restarts
from preview.pictures.scans import has_all_scans, in_several_scans
from preview.pictures.thumbnail import DrawingKind, draw

END = b"\xff\xd9"


def written(samples, **options):
    out = BytesIO()
    Image.fromarray(samples).save(out, "JPEG", quality=95, **options)
    return out.getvalue()


def without_markers(stream):
    """What application segments say of its colours is gone."""
    place = 2
    while stream[place : place + 2] == b"\xff\xe0":
        place += 2 + int.from_bytes(stream[place + 2 : place + 4])
    return stream[:2] + stream[place:]


def plane_by_plane(samples):
    """Baseline with one scan a component, as no encoder here writes it: of three grey streams."""
    streams = [without_markers(written(np.ascontiguousarray(samples[..., one]))) for one in range(3)]
    frame = streams[0].index(b"\xff\xc0")
    size = streams[0][frame + 4 : frame + 9]
    header = b"\xff\xc0\x00\x11" + size + b"\x03" + b"".join(bytes([one, 0x11, 0]) for one in (1, 2, 3))
    stream = streams[0][:frame] + header + streams[0][frame + 13 : streams[0].index(b"\xff\xda")]
    for one, grey in enumerate(streams, 1):
        scan = grey.index(b"\xff\xda")
        stream += b"\xff\xda\x00\x08\x01" + bytes([one, 0, 0, 63, 0]) + grey[scan + 10 : grey.rindex(END)]
    return stream + END


def progressive_grey():
    frame = written(shades(8, "u1", (256, 256)), progressive=True)
    return encoded(image(shades(8, "u1", (256, 256))), uid.JPEGBaseline8Bit, frame), frame


def progressive_colour():
    frame = written(colours(), progressive=True)
    return encoded(colour_image(PhotometricInterpretation="YBR_FULL"), uid.JPEGBaseline8Bit, frame), frame


def planes():
    """Luminance and colours, each in a scan of its own."""
    frame = plane_by_plane(np.asarray(Image.fromarray(colours()).convert("YCbCr")))
    return encoded(colour_image(PhotometricInterpretation="YBR_FULL"), uid.JPEGBaseline8Bit, frame), frame


def baseline():
    frame = written(shades(8, "u1", (256, 256)))
    return encoded(image(shades(8, "u1", (256, 256))), uid.JPEGBaseline8Bit, frame), frame


MADE = [baseline, progressive_grey, progressive_colour, planes]


def seen(ds):
    return np.asarray(Image.open(BytesIO(draw(ds).pictures[0].png))).astype(int)


@pytest.mark.parametrize("make", MADE)
def test_what_is_whole_is_drawn(make):
    ds, frame = make()
    assert draw(ds).kind is DrawingKind.IMAGE, draw(ds).reason
    assert has_all_scans(frame)
    assert in_several_scans(frame) is (make is not baseline)


def test_colours_in_a_scan_each_are_right():
    assert np.abs(seen(planes()[0]) - seen(colour_image())).max() <= 12


@pytest.mark.parametrize("end", [b"", END])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9, 0.97])
@pytest.mark.parametrize("make", MADE)
def test_what_was_cut_does_not_look_complete(make, share, end):
    ds, frame = make()
    cut = frame[: int(len(frame) * share)] + end
    drawing = draw(encoded(ds, uid.JPEGBaseline8Bit, cut + b"\0" * (len(cut) % 2)))
    assert drawing.kind is DrawingKind.CARD
    assert "cannot be decoded" in drawing.reason


@pytest.mark.parametrize("end", [b"", END])
@pytest.mark.parametrize("make", MADE[1:])
def test_what_lacks_whole_scans_does_not_look_complete(make, end):
    ds, frame = make()
    scans = [place for place in range(len(frame)) if frame[place : place + 2] == b"\xff\xda"]
    assert len(scans) > 2
    for before in scans[1:]:
        cut = frame[:before] + end
        drawing = draw(encoded(ds, uid.JPEGBaseline8Bit, cut + b"\0" * (len(cut) % 2)))
        assert drawing.kind is DrawingKind.CARD


def test_headers_that_break_off_have_not_all_scans():
    assert not has_all_scans(written(colours(), progressive=True)[:400])
    assert not has_all_scans(b"\xff\xd8\xff\xc2\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00\xff\xda\x00")


@pytest.mark.parametrize("stated", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("subsampling", [1, 2])
@pytest.mark.parametrize("marked", [True, False])
def test_subsampled_colours_are_no_red_green_and_blue(stated, subsampling, marked):
    soft = np.asarray(Image.fromarray(colours()[:16, :16]).resize((128, 128), Image.Resampling.BICUBIC))
    frame = written(soft, subsampling=subsampling)
    frame = frame if marked else without_markers(frame)
    compressed = encoded(colour_image(soft, PhotometricInterpretation=stated), uid.JPEGBaseline8Bit, frame)
    assert np.abs(seen(compressed) - seen(colour_image(soft))).max() <= 24


def test_red_green_and_blue_without_a_marker_are_left_as_they_are():
    frame = plane_by_plane(colours())
    compressed = encoded(colour_image(), uid.JPEGBaseline8Bit, frame)
    assert np.abs(seen(compressed) - seen(colour_image())).max() <= 12


@pytest.mark.parametrize("share", [0.5, 0.9, 0.97])
@pytest.mark.parametrize("side", [256, 250])
def test_twelve_bits_that_were_cut_do_not_look_complete(share, side):
    values = shades(12, "<u2", (side, side))
    frame = imagecodecs.jpeg8_encode(values, 95, bitspersample=12)
    whole = image(values, BitsStored=12, HighBit=11)
    assert draw(encoded(whole, uid.JPEGExtended12Bit, frame)).kind is DrawingKind.IMAGE
    cut = frame[: int(len(frame) * share) // 2 * 2] + END
    assert draw(encoded(whole, uid.JPEGExtended12Bit, cut)).kind is DrawingKind.CARD


@pytest.mark.parametrize("meaning", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("size", [64, 256])
def test_a_grey_jpeg_in_an_object_of_colours_is_drawn_in_grey(meaning, size):
    grey = shades(8, "u1", (300, 300)) // 2 + 20
    stated = colour_image(np.stack([grey] * 3, -1), PhotometricInterpretation=meaning)
    drawing = draw(encoded(stated, uid.JPEGBaseline8Bit, written(grey)), sizes=(size,))
    assert drawing.kind is DrawingKind.IMAGE, drawing.reason
    shown = Image.open(BytesIO(drawing.pictures[0].png))
    assert shown.mode == "L"
    right = Image.fromarray(grey).resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    assert np.abs(np.asarray(shown).astype(int) - np.asarray(right)).mean() < 3, "and no brighter"


def test_a_grey_jpeg_2000_in_an_object_of_colours_is_drawn_in_grey():
    grey = shades(8, "u1")
    stated = colour_image(np.stack([grey] * 3, -1), PhotometricInterpretation="YBR_RCT")
    shown = seen(encoded(stated, uid.JPEG2000Lossless, in_jpeg_2000(grey, 8)))
    assert np.abs(shown - seen(colour_image(np.stack([grey] * 3, -1)))[..., 0]).max() <= 1


TWELVE = uid.JPEGExtended12Bit, 12, lambda v: imagecodecs.jpeg8_encode(v, 95, bitspersample=12)
LOSSLESS = uid.JPEGLosslessSV1, 12, lambda v: imagecodecs.jpeg8_encode(v, lossless=True, bitspersample=12)
KINDS = {
    "8 bits": (uid.JPEGBaseline8Bit, 8, written),
    "8 bits in passes": (uid.JPEGBaseline8Bit, 8, lambda v: written(v, progressive=True)),
    "12 bits": TWELVE,
    "lossless": LOSSLESS,
}


def drawn(kind, values, change):
    syntax, bits, encode = kind
    frame = change(encode(values))
    stated = image(values, BitsStored=bits, HighBit=bits - 1)
    return draw(encoded(stated, syntax, frame + b"\0" * (len(frame) % 2)))


@pytest.mark.parametrize("is_flat", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame[:-2],
        lambda frame: frame + bytes(2000),
        lambda frame: frame + b"\xff" * 2000,
        lambda frame: frame[:-2] + b"\xff\xff\xff" + END,
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_all_pixels_with_no_end_or_much_behind_it_are_drawn(kind, change, is_flat):
    values = shades(KINDS[kind][1], "u1" if KINDS[kind][1] == 8 else "<u2", (256, 256))
    if is_flat:
        values[200:] = 0
    assert drawn(KINDS[kind], values, change).reason is None


@pytest.mark.parametrize("rows", [1, 3, 7])
def test_a_lossless_stream_that_lacks_a_few_rows_does_not_look_complete(rows):
    values = shades(12, "<u2", (256, 256))
    whole, less = LOSSLESS[2](values), LOSSLESS[2](values[: -rows - 1])
    drawing = drawn(LOSSLESS, values, lambda frame: frame[: len(frame) * len(less) // len(whole)] + END)
    assert "cannot be decoded" in drawing.reason


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("bits", [8, 12])
def test_a_lossless_stream_that_is_cut_within_its_last_row_does_not_look_complete(predictor, bits):
    values = shades(bits, "u1" if bits == 8 else "<u2", (256, 256))
    options = {"lossless": True, "bitspersample": bits, "predictor": predictor}
    kind = uid.JPEGLossless, bits, lambda v: imagecodecs.jpeg8_encode(v, **options)
    assert drawn(kind, values, lambda frame: frame).kind is DrawingKind.IMAGE
    for lost in (6, 12, 40, 100, 180):
        cut = drawn(kind, values, lambda frame, lost=lost: frame[: -2 - lost] + END)
        assert cut.kind is DrawingKind.CARD, lost


@pytest.mark.parametrize("predictor", [1, 6, 7])
def test_lossless_colours_that_are_cut_within_their_last_row_do_not_look_complete(predictor):
    samples = np.random.default_rng(7).integers(0, 255, (64, 64, 3)).astype("u1")
    frame = imagecodecs.jpeg8_encode(samples, lossless=True, predictor=predictor)
    stated = colour_image(samples)
    assert draw(encoded(stated, uid.JPEGLossless, frame + b"\0" * (len(frame) % 2))).reason is None
    for lost in (20, 60, 120, 180):
        cut = frame[: -2 - lost] + END
        drawing = draw(encoded(stated, uid.JPEGLossless, cut + b"\0" * (len(cut) % 2)))
        assert drawing.kind is DrawingKind.CARD, lost


def test_a_lossless_cut_in_an_even_corner_is_seen():
    """There zeros are what is written, too."""
    values = np.zeros((256, 256), "u1")
    values[20:240, 30:220], values[254:, 100:140] = shades(8, "u1", (220, 190)), 255
    kind = uid.JPEGLossless, 8, lambda v: imagecodecs.jpeg8_encode(v, lossless=True)
    assert drawn(kind, values, lambda frame: frame).kind is DrawingKind.IMAGE
    cut = [
        drawn(kind, values, lambda frame, lost=lost: frame[: -2 - lost] + END) for lost in range(30, 60, 5)
    ]
    assert {one.kind for one in cut} == {DrawingKind.CARD}


def test_a_cut_in_front_of_an_even_background_is_seen_wherever_it_is():
    values = np.full((512, 512), 20, "u1")
    values[:100] = shades(8, "u1", (100, 512))
    values[440:470, 200:300] = 200
    kind = uid.JPEGBaseline8Bit, 8, lambda v: written(v, optimize=True)
    cuts = [*range(8, 300, 20), *range(285, 300)]
    assert {drawn(kind, values, lambda f, cut=cut: f[: -2 - cut] + END).kind for cut in cuts} == {
        DrawingKind.CARD
    }


def test_a_long_run_of_fill_bytes_takes_no_long_time():
    frame = written(shades(8, "u1"), progressive=True)
    scan = frame.index(b"\xff\xda")
    began = time.process_time()
    has_all_scans(frame[:scan] + b"\xff" * 2**18 + b"\0" + frame[scan:])
    assert time.process_time() - began < 5


ARITHMETIC = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19i"
    "Z2hnPk1xeXBkeFxlZ2P/yQALCAAgACABAREA/8wABgAQEAX/2gAIAQEAAD8A/wCeVHRxPwUsp0T8GRvsNssZ6Sd3m7P+0brl5yBc"
    "i2TjEImgRutRch+Wxgh+p90e7rEmGBOD/B/v0P/Z"
)
"""32 x 32, its last rows black: by libjpeg's ``cjpeg -arithmetic``, which nothing here can write."""


@pytest.mark.parametrize("syntax", [uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit])
def test_arithmetic_leaves_zeros_out_and_is_whole_without_them(syntax):
    stated = image(np.zeros((32, 32), "u1"))
    for frame in (ARITHMETIC, ARITHMETIC[:-2]):
        assert draw(encoded(stated, syntax, frame)).reason is None
    cut = ARITHMETIC[:-42] + END
    assert "cannot be decoded" in draw(encoded(stated, syntax, cut)).reason


RESTARTS = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAx"
    "NDQ0Hyc5PTgyPC4zNDL/yQALCAAgACABAREA/8wABgAQEAX/3QAEAAT/2gAIAQEAAD8A/wDPhoYaxjxthQQq8cMDRtcvwP/Q/wC3"
    "iBA1jHjbCghV44YGja5fgP/R/wCgCaA1jHg4Q9isFlOqOmku/9L/AL/g/9k="
)
"""As large, by ``cjpeg -arithmetic -restart 1``: four rows of blocks, and three restarts between them."""


@pytest.mark.parametrize("end", [b"", END])
def test_arithmetic_with_restarts_that_lacks_some_of_them_does_not_look_complete(end):
    stated = image(np.zeros((32, 32), "u1"))
    assert draw(encoded(stated, uid.JPEGBaseline8Bit, RESTARTS)).reason is None
    for length in range(RESTARTS.index(b"\xff\xda") + 12, RESTARTS.index(b"\xff\xd2") + 1):
        cut = RESTARTS[:length] + end
        drawing = draw(encoded(stated, uid.JPEGBaseline8Bit, cut + b"\0" * (len(cut) % 2)))
        assert drawing.kind is DrawingKind.CARD, length


def test_baseline_that_lacks_what_stands_between_two_restarts_does_not_look_complete():
    whole = written(shades(8, "u1", (64, 64)), restart_marker_rows=1)
    second, third = whole.index(b"\xff\xd1"), whole.index(b"\xff\xd2")
    stated = image(np.zeros((64, 64), "u1"))
    for frame, kind in ((whole, DrawingKind.IMAGE), (whole[:second] + whole[third:], DrawingKind.CARD)):
        even = frame + b"\0" * (len(frame) % 2)
        assert draw(encoded(stated, uid.JPEGBaseline8Bit, even)).kind is kind


@pytest.mark.parametrize("bits", [8, 12])
def test_huffman_codes_that_end_at_a_restart_do_not_look_complete(bits):
    values = shades(bits, "u1" if bits == 8 else "<u2", (64, 64))
    syntax = uid.JPEGBaseline8Bit if bits == 8 else uid.JPEGExtended12Bit
    kind = syntax, bits, lambda v: imagecodecs.jpeg8_encode(v, 90, bitspersample=bits)
    without = kind[2](values)
    scan = without.index(b"\xff\xda")
    promised = without[:scan] + b"\xff\xdd\x00\x04\x00\x20" + without[scan:]  # every 32 of 64 blocks
    assert has_all_restarts(without)
    assert not has_all_restarts(promised)
    assert drawn(kind, values, lambda _: promised).kind is DrawingKind.CARD


def test_restarts_are_counted_in_units_of_what_a_scan_holds():
    """Two by two blocks of luminance beside one of each colour; alone, a component has its own blocks."""
    sof = b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x28\x00\x28\x03\x01\x22\x00\x02\x11\x00\x03\x11\x00"
    every = b"\xff\xdd\x00\x04\x00\x03"
    all_three = b"\xff\xda\x00\x0c\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00"
    alone = {one: b"\xff\xda\x00\x08\x01" + bytes([one]) + b"\x00\x00\x3f\x00" for one in (1, 2)}
    for scan, units in ((all_three, 9), (alone[1], 25), (alone[2], 9)):
        restarts = [b"x\xff" + bytes([0xD0 + one % 8]) for one in range(-(-units // 3) - 1)]
        assert has_all_restarts(sof + every + scan + b"".join(restarts) + b"x" + END)
        assert not has_all_restarts(sof + every + scan + b"".join(restarts[1:]) + b"x" + END)


def counted(frame):
    """Its rows are told behind the scan only."""
    place = frame.index(b"\xff\xc0") if b"\xff\xc0" in frame else frame.index(b"\xff\xc3")
    rows = frame[place + 5 : place + 7]
    last = frame.rindex(END)
    return frame[: place + 5] + b"\0\0" + frame[place + 7 : last] + b"\xff\xdc\x00\x04" + rows + END


@pytest.mark.parametrize("kind", ["8 bits", "lossless"])
def test_rows_that_are_counted_behind_the_scan_are_drawn_and_missed(kind):
    bits = KINDS[kind][1]
    values = shades(bits, "u1" if bits == 8 else "<u2", (256, 250))
    right = drawn(KINDS[kind], values, lambda frame: frame)
    late = drawn(KINDS[kind], values, counted)
    assert late.reason is None
    assert late.pictures[0].png == right.pictures[0].png
    cut = drawn(KINDS[kind], values, lambda frame: counted(frame[: len(frame) * 2 // 3] + END))
    assert cut.kind is DrawingKind.CARD
    never = drawn(KINDS[kind], values, lambda frame: counted(frame)[:-8] + END)
    assert never.kind is DrawingKind.CARD
