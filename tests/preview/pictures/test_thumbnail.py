"""What a picture shows, seen in its pixels."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.pixels import pixel_array
from pydicom.uid import HEVCMP51, MPEG2MPML, RLELossless
from samples import image, jpeg, jpeg_image, ramp, sample

from preview.pictures.stack import spread
from preview.pictures.thumbnail import Drawing, DrawingKind, draw

SENTINEL = "ZZSENTINEL"


def seen(drawing: Drawing, place=0):
    return np.asarray(Image.open(BytesIO(drawing.pictures[place].png))).astype(int)


def test_a_window_is_applied_as_the_standard_says():
    values = np.arange(-500, 524, 4).astype("<i2")
    drawing = draw(image(np.tile(values, (256, 1)), WindowCenter=40, WindowWidth=400))
    expected = np.clip(((values - 39.5) / 399 + 0.5) * 255, 0, 255)
    assert np.abs(seen(drawing)[128] - expected).max() <= 0.5
    assert drawing.window == "40 / 400"


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("LINEAR_EXACT", lambda v: np.clip((v - 100) / 50 + 0.5, 0, 1)),
        ("SIGMOID", lambda v: 1 / (1 + np.exp(-4 * (v - 100) / 50))),
    ],
)
def test_the_other_window_functions_are_honoured(function, expected):
    ds = image(ramp(), WindowCenter=100, WindowWidth=50, VOILUTFunction=function)
    assert np.abs(seen(draw(ds))[0] - expected(np.arange(256)) * 255).max() <= 0.5


def test_the_first_of_several_windows_is_used_after_the_rescale():
    ds = image(ramp(1000, 1255), WindowCenter=[64, 9999], WindowWidth=[129, 9999])
    ds.RescaleSlope, ds.RescaleIntercept = 1, -1000
    shown = seen(draw(ds))[0]
    assert shown[0] == 1
    assert shown[64] == pytest.approx(128, abs=1)
    assert shown[130] == 255


def test_without_a_window_the_range_comes_from_the_image():
    drawing = draw(image(ramp(7000, 8000)))
    assert seen(drawing).min() == 0
    assert seen(drawing).max() == 255
    assert drawing.window == "7007–7988 (from the image)"


@pytest.mark.parametrize("width", [0, -5, "", float("nan")])
def test_a_senseless_window_is_as_good_as_none(width):
    ds = image(ramp(7000, 8000))
    ds.WindowCenter = 40
    ds.add_new("WindowWidth", "DS", None if width == "" else width)
    assert draw(ds).window == "7007–7988 (from the image)"


@pytest.mark.parametrize("padding", [-2000, 30000])
def test_padding_neither_shifts_the_range_nor_is_seen(padding):
    pixels = ramp(1000, 1100)
    pixels[:100] = padding
    drawing = draw(image(pixels, PixelPaddingValue=padding))
    assert drawing.window == "1000–1098 (from the image)"
    assert seen(drawing)[50].max() == 0
    assert seen(drawing)[200].max() == 255


def test_monochrome1_is_inverted():
    plain = seen(draw(image(ramp(), WindowCenter=128, WindowWidth=256)))
    ds = image(ramp(), WindowCenter=128, WindowWidth=256, PhotometricInterpretation="MONOCHROME1")
    assert np.abs(seen(draw(ds)) - (255 - plain)).max() <= 1
    ds.PresentationLUTShape = "INVERSE"
    assert np.abs(seen(draw(ds)) - (255 - plain)).max() <= 1, "said twice is not inverted twice"


@pytest.mark.parametrize(
    ("meaning", "shape", "at_the_lowest"),
    [
        ("MONOCHROME1", "IDENTITY", 255),
        ("MONOCHROME1", "INVERSE", 255),
        ("MONOCHROME2", "IDENTITY", 0),
        ("MONOCHROME2", "INVERSE", 0),
    ],
)
def test_the_photometric_interpretation_decides_what_is_white(meaning, shape, at_the_lowest):
    """Whatever the presentation look-up table says (PS3.3 C.7.6.3.1.2 and C.8.11.3)."""
    facts = {"PhotometricInterpretation": meaning, "PresentationLUTShape": shape}
    shown = seen(draw(image(ramp(), WindowCenter=128, WindowWidth=256, **facts)))
    assert shown[0, 0] == at_the_lowest


def test_a_voi_table_is_used_when_there_is_no_window():
    table = Dataset()
    table.LUTDescriptor = [256, 0, 8]
    table.LUTData = [255 - value for value in range(256)]
    drawing = draw(image(ramp(dtype="u1"), VOILUTSequence=[table]))
    assert seen(drawing)[0].tolist() == list(range(255, -1, -1))
    assert drawing.window == "look-up table of the image"


def test_a_modality_table_comes_before_the_window():
    table = Dataset()
    table.LUTDescriptor = [256, 0, 16]
    table.add_new("LUTData", "OW", np.arange(0, 2560, 10).astype("<u2").tobytes())
    ds = image(ramp(dtype="u1"), ModalityLUTSequence=[table], WindowCenter=1000, WindowWidth=100)
    shown = seen(draw(ds))[0]
    assert (shown[94], shown[106]) == (0, 255)
    assert 100 < shown[100] < 156


def test_odd_bit_depths_ignore_the_bits_that_are_not_stored():
    pixels = ramp(0, 4080, "<u2")
    dirty = pixels | 0xF000
    clean, soiled = (image(p, BitsStored=12, HighBit=11) for p in (pixels, dirty))
    assert (seen(draw(clean)) == seen(draw(soiled))).all()


@pytest.mark.parametrize("syntax", ["native", "RLE"])
@pytest.mark.parametrize(
    ("dtype", "bits", "high"), [("<u2", 12, 15), ("<u2", 10, 12), ("<i2", 12, 14), ("u1", 6, 7)]
)
def test_values_that_do_not_end_at_the_lowest_bit_are_moved_there(dtype, bits, high, syntax):
    low = -(2 ** (bits - 1)) if dtype == "<i2" else 0
    values = ramp(low, low + 2**bits - 1, dtype)
    right = draw(image(values, BitsStored=bits, HighBit=bits - 1, WindowCenter=low + 20, WindowWidth=30))
    soiled = (values.astype("i4") << (high - bits + 1)) | 1  # what else is in a word is no part of it
    ds = image(soiled.astype(dtype), BitsStored=bits, HighBit=high, WindowCenter=low + 20, WindowWidth=30)
    if syntax == "RLE":
        ds.compress(RLELossless, generate_instance_uid=False)
        ds.HighBit = high
    assert draw(ds) == right


def test_floating_point_pixels_are_drawn():
    ds = image(ramp(0, 1000, "<i4"))
    del ds.PixelData, ds.PixelRepresentation, ds.BitsStored, ds.HighBit
    ds.FloatPixelData = (ramp(0, 1000, "<f4") / 1000).astype("<f4").tobytes()
    drawing = draw(ds)
    assert drawing.kind is DrawingKind.IMAGE
    assert (np.diff(seen(drawing)[0]) >= 0).all()
    assert seen(drawing).max() == 255


def test_each_frame_has_its_own_window_where_it_says_so():
    ds = image(np.stack([ramp(), ramp()]))
    ds.PerFrameFunctionalGroupsSequence = []
    for centre in (20, 200):
        voi, group = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = centre, 2
        group.FrameVOILUTSequence = [voi]
        ds.PerFrameFunctionalGroupsSequence.append(group)
    drawing = draw(ds)
    assert seen(drawing, 0)[0, [19, 21, 199]].tolist() == [0, 255, 255]
    assert seen(drawing, 1)[0, [21, 199, 201]].tolist() == [0, 0, 255]


def test_frames_come_in_order():
    ds = image(np.stack([np.full((8, 8), n * 10, "u1") for n in range(10)]), WindowCenter=50, WindowWidth=101)
    drawing = draw(ds, sizes=(16, 32))
    assert drawing.kind is DrawingKind.MULTIFRAME
    assert drawing.frames == 10
    assert [(p.frame, p.size) for p in drawing.pictures[:3]] == [(1, 16), (1, 32), (2, 16)]
    shades = [seen(drawing, place)[0, 0] for place in range(0, 20, 2)]
    assert shades == sorted(set(shades))


def test_many_frames_are_spread_evenly():
    ds = image(np.zeros((100, 4, 4), "u1"))
    assert [p.frame for p in draw(ds, max_frames=4).pictures] == [1, 34, 67, 100]
    assert draw(ds, max_frames=4).frames == 100
    assert draw(ds, max_frames=4).reason == "4 of 100 frames are shown."
    assert draw(ds, max_frames=100).reason is None
    assert spread(100, 1) == [50]
    assert spread(3, 64) == [0, 1, 2]


def test_frames_beyond_the_pixel_data_are_not_believed():
    drawing = draw(image(np.zeros((3, 4, 4), "u1"), NumberOfFrames=2_000_000_000))
    assert (drawing.frames, len(drawing.pictures)) == (3, 3)
    assert drawing.reason == "The object is incomplete: it has 3 of 2000000000 frames."


def test_a_frame_that_cannot_be_decoded_costs_only_itself():
    frames = [jpeg((200, 10, 10)), b"\xff\xd8garbage!", jpeg((10, 10, 200))]
    drawing = draw(jpeg_image(frames))
    assert [p.frame for p in drawing.pictures] == [1, 3]
    assert drawing.reason == "1 of 3 frames could not be drawn."


def test_every_gap_is_named():
    ds = jpeg_image([jpeg((200, 10, 10)), jpeg((10, 200, 10)), b"\xff\xd8garbage!"])
    drawing = draw(ds, max_frames=2)
    assert [p.frame for p in drawing.pictures] == [1]
    assert drawing.reason == "1 of 3 frames are shown. 1 of 2 frames could not be drawn."


@pytest.mark.parametrize("encoding", ["_RLE", "_jp2klossless", "_bigendian", "_implicit"])
def test_the_encoding_of_the_pixels_does_not_change_the_picture(encoding):
    assert draw(sample(f"MR_small{encoding}.dcm")) == draw(sample("MR_small.dcm"))


@pytest.mark.parametrize(
    "name",
    [
        "SC_rgb_rle.dcm",
        "SC_rgb_rle_16bit.dcm",
        "SC_rgb_rle_32bit.dcm",
        "SC_rgb_gdcm_KY.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+np.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_jpeg_lossy_gdcm.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
    ],
)
def test_colours_are_right_however_they_are_encoded(name):
    bars = seen(draw(sample(name), sizes=(100,)))[5::10, 50]
    expected = [
        (255, 0, 0), (255, 128, 128), (0, 255, 0), (128, 255, 128), (0, 0, 255), (128, 128, 255),
        (0, 0, 0), (64, 64, 64), (192, 192, 192), (255, 255, 255),
    ]  # fmt: skip
    assert np.abs(bars - expected).max() <= 6


def test_a_jpeg_keeps_its_colours():
    assert np.abs(seen(draw(jpeg_image([jpeg((200, 120, 40))]))) - (200, 120, 40)).max() <= 4


def test_a_palette_is_applied():
    ds = sample("examples_palette.dcm")
    places = pixel_array(ds)[50:306, 300:556]
    ds.Rows, ds.Columns, ds.PixelData = *places.shape, places.tobytes()
    table = np.frombuffer(ds.RedPaletteColorLookupTableData, "<u2") >> 8
    red = table[np.minimum(places, len(table) - 1)]
    assert len(set(red.ravel())) > 10
    assert (seen(draw(ds))[..., 0] == red).all()


def test_grey_stays_grey_and_colour_stays_colour():
    assert seen(draw(sample("CT_small.dcm"))).shape == (256, 256)
    assert seen(draw(sample("SC_rgb_rle.dcm"))).shape == (256, 256, 3)


@pytest.mark.parametrize(
    ("facts", "shape"),
    [
        ({}, (256, 128)),
        ({"PixelSpacing": [2, 1]}, (256, 256)),
        ({"PixelSpacing": [1, 2]}, (256, 64)),
        ({"PixelAspectRatio": [2, 1]}, (256, 256)),
        ({"ImagerPixelSpacing": [4, 1]}, (128, 256)),
        ({"PixelSpacing": [0, 1]}, (256, 128)),
        ({"PixelSpacing": [1, 1e9]}, (256, 128)),
    ],
)
def test_the_shape_is_that_of_the_body_part(facts, shape):
    picture = draw(image(np.zeros((50, 100), "u1"), **facts)).pictures[0]
    assert (picture.width, picture.height) == shape
    assert Image.open(BytesIO(picture.png)).size == shape


def test_the_longest_side_of_a_thumbnail_is_the_size_asked_for_up_and_down():
    drawing = draw(sample("CT_small.dcm"), sizes=(16, 64, 256))
    assert [(p.size, p.width, p.height) for p in drawing.pictures] == [
        (16, 16, 16), (64, 64, 64), (256, 256, 256)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "facts", "sizes"),
    [
        ((2000, 1000), {}, [(256, 128, 256), (640, 320, 640)]),
        ((512, 512), {}, [(256, 256, 256), (640, 384, 384)]),
        ((128, 512), {"PixelSpacing": [4, 1]}, [(256, 256, 256), (640, 384, 384)]),
        ((512, 512), {"PixelSpacing": [1, 2]}, [(256, 256, 128), (640, 384, 192)]),
        ((343, 343), {}, [(256, 256, 256), (640, 257, 257)]),
        ((342, 342), {}, [(256, 256, 256)]),
        ((64, 64), {}, [(256, 256, 256)]),
    ],
)
def test_an_enlarged_picture_has_at_most_three_quarters_of_the_image(shape, facts, sizes):
    drawing = draw(image(np.zeros(shape, "u1"), **facts), sizes=(256, 640))
    assert [(p.size, p.width, p.height) for p in drawing.pictures] == sizes
    assert drawing.largest == (int(max(shape) * 0.75) if len(sizes) > 1 else 0)
    assert [Image.open(BytesIO(p.png)).size for p in drawing.pictures] == [s[1:] for s in sizes]


def test_of_a_small_image_there_is_no_enlarged_picture_at_all():
    drawing = draw(sample("CT_small.dcm"), sizes=(640,))
    assert (drawing.kind, drawing.pictures, drawing.reason) == (DrawingKind.IMAGE, (), None)


def test_the_same_input_gives_the_same_bytes():
    assert draw(sample("CT_small.dcm")) == draw(sample("CT_small.dcm"))


@pytest.mark.parametrize("name", ["CT_small.dcm", "test-SR.dcm"])
def test_a_picture_says_not_for_diagnosis_and_nothing_about_the_patient(name):
    ds = sample(name)
    ds.PatientName, ds.PatientID, ds.StudyDescription = f"{SENTINEL}^A", SENTINEL, SENTINEL
    ds.SeriesDescription = ds.InstitutionName = SENTINEL
    drawing = draw(ds)
    png = drawing.pictures[0].png
    assert Image.open(BytesIO(png)).text == {"Disclaimer": "Not for diagnosis"}
    assert SENTINEL not in repr(drawing)
    assert SENTINEL.encode() not in png


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("test-SR.dcm", "Structured report"),
        ("rtstruct.dcm", "Radiotherapy structure set"),
        ("liver_1frame.dcm", "Segmentation"),
        ("waveform_ecg.dcm", "Waveform (ECG)"),
    ],
)
def test_what_is_not_an_image_becomes_a_card_that_says_what_it_is(name, what):
    drawing = draw(sample(name), sizes=(128,))
    assert (drawing.kind, drawing.frames, len(drawing.pictures)) == (DrawingKind.CARD, 0, 1)
    assert drawing.reason == f"{what}: not an image"
    assert seen(drawing).shape == (128, 128, 3)
    assert seen(drawing).max() > 200, "the name is on it"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Rows": 60000, "Columns": 60000}, "incomplete"),
        ({"Rows": 0}, "does not say how large"),
        ({"Columns": None}, "does not say how large"),
        ({"PixelData": b""}, "without its pixels"),
        ({"PixelData": b"\0" * 100}, "incomplete"),
        ({"BitsAllocated": 5, "BitsStored": 5}, "do not fit"),
    ],
)
def test_an_image_that_must_not_or_cannot_be_decoded_is_a_card_with_the_reason(change, reason):
    drawing = draw(image(ramp(), **change))
    assert drawing.kind is DrawingKind.CARD
    assert reason in drawing.reason


@pytest.mark.parametrize(
    ("syntax", "reason"),
    [
        ("1.2.840.10008.1.2.4.66", "JPEG Lossless, Hierarchical (Process 29): cannot be drawn yet"),
        (MPEG2MPML, "MPEG-2 video: a film, which this preview does not show"),
        ("1.2.840.10008.1.2.4.102.1", "MPEG-4 video: a film, which this preview does not show"),
        (HEVCMP51, "HEVC video: a film, which this preview does not show"),
        ("1.2.3.4", "An unknown compression: cannot be drawn yet"),
    ],
)
def test_a_compression_without_a_decoder_is_named(syntax, reason):
    ds = image(ramp())
    ds.file_meta.TransferSyntaxUID = syntax
    assert draw(ds).reason == reason
