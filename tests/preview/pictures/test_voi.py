"""Windows and look-up tables wherever they stand, and what becomes of those that are of no use."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from samples import image, ramp

from preview.pictures.thumbnail import DrawingKind, draw


def seen(ds, place=0):
    drawing = draw(ds)
    assert drawing.kind is not DrawingKind.CARD, drawing.reason
    return np.asarray(Image.open(BytesIO(drawing.pictures[place].png))).astype(int)


def having(**facts):
    ds = Dataset()
    for keyword, value in facts.items():
        setattr(ds, keyword, value)
    return ds


def table(entries, first=0, bits=8, count=None):
    item = having(LUTDescriptor=[len(entries) if count is None else count, first, bits])
    item.add_new("LUTData", "OW", np.asarray(entries, "<u2").tobytes())
    return item


DOWN = list(range(255, -1, -1))
WINDOW = {"WindowCenter": 128, "WindowWidth": 256}


def in_group(ds, shared=False, **facts):
    """What one frame's group, or that of all, says of its display; nothing at all is an empty item."""
    group = having(FrameVOILUTSequence=[having(**facts)])
    setattr(ds, "SharedFunctionalGroupsSequence" if shared else "PerFrameFunctionalGroupsSequence", [group])
    return ds


# Where they stand (PS3.3 C.7.6.16.2.10)


@pytest.mark.parametrize("shared", [True, False])
def test_a_table_of_a_frame_is_used(shared):
    drawing = draw(in_group(image(ramp(dtype="u1")), shared, VOILUTSequence=[table(DOWN)]))
    assert drawing.window == "look-up table of the image"
    assert np.asarray(Image.open(BytesIO(drawing.pictures[0].png)))[9].tolist() == DOWN


def test_the_table_of_a_frame_comes_before_the_window_of_its_object():
    ds = in_group(image(ramp(dtype="u1"), **WINDOW), VOILUTSequence=[table(DOWN)])
    assert seen(ds)[9].tolist() == DOWN


@pytest.mark.parametrize("facts", [{}, {"WindowCenter": 40}, {"WindowCenter": None, "WindowWidth": None}])
@pytest.mark.parametrize("shared", [True, False])
def test_a_frame_that_says_nothing_hides_no_window(shared, facts):
    ds = in_group(image(ramp(0, 1000), WindowCenter=300, WindowWidth=100), shared, **facts)
    assert draw(ds).window == "300 / 100"


def test_a_frame_that_says_nothing_hides_no_window_of_all():
    ds = in_group(
        image(ramp(0, 1000), WindowCenter=300, WindowWidth=100), True, WindowCenter=500, WindowWidth=50
    )
    assert draw(in_group(ds)).window == "500 / 50"


def test_a_frame_that_says_nothing_hides_no_rescale():
    ds = image(ramp(1000, 1255), RescaleSlope=1, RescaleIntercept=-1000, **WINDOW)
    ds.PerFrameFunctionalGroupsSequence = [having(PixelValueTransformationSequence=[Dataset()])]
    assert seen(ds)[9].tolist() == list(range(256))


def test_a_frame_that_says_nothing_hides_no_shape():
    ds = image(np.zeros((50, 100), "u1"), PixelSpacing=[2, 1])
    ds.PerFrameFunctionalGroupsSequence = [having(PixelMeasuresSequence=[Dataset()])]
    picture = draw(ds).pictures[0]
    assert (picture.width, picture.height) == (256, 256)


# What cannot be read


def broken_tables():
    for name, item in {
        "no-descriptor": having(LUTData=[1, 2, 3]),
        "two-numbers": having(LUTDescriptor=[256, 0], LUTData=DOWN),
        "no-data": having(LUTDescriptor=[256, 0, 8]),
        "empty-data": table([], count=256),
        "short": table(DOWN[:100], count=256),
        "means-65536": table(DOWN, count=0, bits=16),
        "neither-bytes-nor-words": table(DOWN[:200], count=256),
        "empty": Dataset(),
    }.items():
        yield pytest.param([item], id=name)
    yield pytest.param(b"\1\2", id="no-sequence")


@pytest.mark.parametrize("sequence", [*broken_tables()])
def test_a_broken_table_for_display_costs_no_picture(sequence):
    def with_table(**more):
        ds = image(ramp(7000, 8000), **more)
        ds.add_new("VOILUTSequence", "OB" if isinstance(sequence, bytes) else "SQ", sequence)
        return ds

    if isinstance(sequence, bytes):
        assert draw(with_table()).window == "7007–7988 (from the image)"
    else:
        assert draw(with_table()).window == "7007–7988 (from the image, whose table is damaged)"
    assert seen(with_table())[9, [0, 255]].tolist() == [0, 255]
    assert draw(with_table(WindowCenter=7500, WindowWidth=100)).window == "7500 / 100"


def test_the_next_table_is_used():
    ds = image(ramp(dtype="u1"), VOILUTSequence=[table(DOWN[:9], count=256), table(DOWN)])
    assert seen(ds)[9].tolist() == DOWN


@pytest.mark.parametrize("sequence", [*broken_tables()])
def test_after_a_broken_table_of_the_modality_the_window_means_nothing(sequence):
    """It is in units that nobody can tell any more."""
    ds = image(ramp(7000, 8000), WindowCenter=7500, WindowWidth=100)
    ds.add_new("ModalityLUTSequence", "OB" if isinstance(sequence, bytes) else "SQ", sequence)
    if isinstance(sequence, bytes):
        assert draw(ds).window == "7500 / 100"
        return
    assert draw(ds).window == "7007–7988 (from the image, whose table is damaged)"
    assert seen(ds)[9, [0, 255]].tolist() == [0, 255]
    ds.RescaleSlope, ds.RescaleIntercept = 1, 0
    assert draw(ds).window == "7500 / 100"


def test_frames_after_a_broken_table_have_one_contrast():
    ds = image(np.stack([ramp(0, 100), ramp(0, 1000)]), ModalityLUTSequence=[Dataset()], **WINDOW)
    assert seen(ds, 0).max() < 40


def test_a_table_with_fewer_bits_than_it_says_is_not_black():
    """Eight bits in words that are said to have sixteen."""
    ds = image(ramp(dtype="u1"), VOILUTSequence=[table(DOWN, bits=16)])
    assert seen(ds)[9].tolist() == DOWN


@pytest.mark.parametrize("vr", ["OW", "US"])
@pytest.mark.parametrize("count", [256, 255])
def test_a_table_of_bytes_is_unpacked(count, vr):
    item = having(LUTDescriptor=[count, 0, 8])
    packed = bytes(DOWN[:count]) + bytes(count % 2)
    item.add_new("LUTData", vr, packed if vr == "OW" else np.frombuffer(packed, "<u2").tolist())
    shown = seen(image(ramp(0, 255, "u1"), VOILUTSequence=[item]))[9]
    assert shown[:count].tolist() == DOWN[:count]
    assert shown[255] == DOWN[count - 1]


def test_a_table_for_values_below_zero_may_be_written_as_unsigned():
    """Of unsigned pixels that the rescale makes negative (PS3.3 C.11.2.1.1)."""
    ds = image(ramp(0, 255, "<u2"), RescaleSlope=1, RescaleIntercept=-100)
    ds.VOILUTSequence = [table(DOWN, first=2**16 - 100)]
    assert seen(ds)[9].tolist() == DOWN


# What shows nothing


@pytest.mark.parametrize(
    ("low", "high", "centre", "width"),
    [
        (0, 1000, -5000, 100),
        (0, 1000, 5000, 100),
        (0, 1000, 9000, 2000),
        (0, 255, 0, 65535),
        (0, 255, 1e6, 1e9),
        (0, 255, 32768, 32768),
        (0, 255, 1e300, 1e300),
    ],
)
@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_a_window_that_shows_nothing_gives_way(low, high, centre, width, function):
    ds = image(ramp(low, high), WindowCenter=centre, WindowWidth=width, VOILUTFunction=function)
    assert draw(ds).window.endswith("(from the image)")
    assert seen(ds)[9, [0, 255]].tolist() == [0, 255]


def test_it_gives_way_to_the_next():
    ds = image(ramp(0, 1000), WindowCenter=[-5000, 500], WindowWidth=[10, 100])
    assert draw(ds).window == "500 / 100"
    ds = image(ramp(dtype="u1"), WindowCenter=-500, WindowWidth=10, VOILUTSequence=[table(DOWN)])
    assert seen(ds)[9].tolist() == DOWN
    ds = in_group(image(ramp(0, 1000), WindowCenter=500, WindowWidth=100), WindowCenter=-500, WindowWidth=10)
    assert draw(ds).window == "500 / 100"


def test_a_window_of_which_there_is_half_is_passed_over():
    ds = image(ramp(0, 1000), WindowCenter=[300, 500], WindowWidth=[0, 100])
    assert draw(ds).window == "500 / 100"


def test_a_table_that_shows_nothing_gives_way():
    ds = image(ramp(dtype="u1"), VOILUTSequence=[table([7] * 256), table(DOWN)])
    assert seen(ds)[9].tolist() == DOWN


def test_padding_is_nothing_to_see():
    pixels = ramp(0, 1000)
    pixels[:50] = 30000
    ds = image(pixels, PixelPaddingValue=30000, WindowCenter=20000, WindowWidth=10000)
    assert draw(ds).window == "7–988 (from the image)"


def test_a_small_bright_spot_is_something_to_see():
    """So small that it is not among the pixels that are looked at to find a range."""
    pixels = np.zeros((1024, 1024), "<i2")
    pixels[512:514, 511], pixels[:9, :9] = 1000, -2000
    ds = image(pixels, PixelPaddingValue=-2000, WindowCenter=1000, WindowWidth=100)
    assert draw(ds).window == "1000 / 100"


def test_air_beside_a_patient_is_rightly_black():
    air = np.random.default_rng(1).normal(-1000, 60, (256, 256)).astype("<i2")
    air[200:] = -750
    ds = image(air, Modality="CT", WindowCenter=40, WindowWidth=400)
    assert (draw(ds).window, seen(ds).max()) == ("40 / 400", 0)


def test_an_empty_frame_is_rightly_black():
    ds = image(np.random.default_rng(1).integers(0, 30, (64, 64)).astype("<u2"), Modality="MR")
    ds.WindowCenter, ds.WindowWidth = 600, 1000
    assert (draw(ds).window, seen(ds).max()) == ("600 / 1000", 0)


def test_an_image_of_one_value_keeps_its_window():
    assert draw(image(np.full((9, 9), 7, "<u2"), WindowCenter=600, WindowWidth=1000)).window == "600 / 1000"


def test_a_range_of_large_numbers_is_written_in_few_letters():
    assert draw(image(ramp(0, 1000), RescaleSlope="1e300")).window == "7e+300–9.88e+302 (from the image)"
    assert draw(image(ramp(0, 1000), RescaleSlope="1000")).window == "7000–988000 (from the image)"


def test_a_photometric_interpretation_in_small_letters_is_inverted_too():
    ds = image(ramp(), PhotometricInterpretation="monochrome1", **WINDOW)
    assert seen(ds)[9].tolist() == list(range(255, -1, -1))
