"""Grey values as the standard and the modality want them, seen in the pixels of the pictures."""

from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from made import encoded
from PIL import Image
from pydicom import Dataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    JPEGLSLossless,
    NuclearMedicineImageStorage,
    PositronEmissionTomographyImageStorage,
    RLELossless,
    RTDoseStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    XRayAngiographicImageStorage,
)
from samples import image, ramp

from preview.pictures.pixels import Pixels
from preview.pictures.thumbnail import draw


def in_runs(ds):
    ds.compress(RLELossless)
    return ds


def in_jpeg_ls(ds):
    """Whole words, as a toolkit that does not look at the bits stored gives them to its encoder."""
    words = np.frombuffer(ds.PixelData, "<u2").reshape(ds.Rows, ds.Columns)
    return encoded(ds, JPEGLSLossless, imagecodecs.jpegls_encode(words))


def seen(ds, place=0):
    return np.asarray(Image.open(BytesIO(draw(ds).pictures[place].png))).astype(int)


def middle(pixels, centre=128, width=256, **more):
    return seen(image(pixels, WindowCenter=centre, WindowWidth=width, **more))[128]


@pytest.mark.parametrize("sop_class", [UltrasoundImageStorage, SecondaryCaptureImageStorage])
def test_eight_bits_that_were_a_machines_screen_are_not_stretched(sop_class):
    drawing = draw(image(ramp(20, 120, "u1"), SOPClassUID=sop_class))
    assert drawing.window == "0–255 (from the image)"
    shades = np.asarray(Image.open(BytesIO(drawing.pictures[0].png)))
    assert (shades.min(), shades.max()) == (20, 120)


def test_more_than_eight_bits_are_no_screen():
    assert seen(image(ramp(20, 1200, "<u2"), SOPClassUID=UltrasoundImageStorage)).max() == 255


def test_the_air_beside_a_patient_costs_no_contrast():
    pixels = np.full((256, 256), -1000, "<i2")
    pixels[100:140, 100:140] = np.linspace(-100, 200, 40).astype("<i2")
    shown = seen(image(pixels, Modality="CT"))[110]
    assert shown[0] == 0
    assert shown[101] < 10
    assert shown[120] == pytest.approx(128, abs=8)
    assert shown[138] > 245


def test_an_image_of_air_alone_is_drawn():
    assert seen(image(ramp(-1024, -1000), Modality="CT")).max() == 255


def test_pet_is_black_on_white_however_it_is_described():
    pixels = np.zeros((256, 256), "<i2")
    pixels[100:120, 100:120] = 5000
    plain = image(pixels, SOPClassUID=PositronEmissionTomographyImageStorage)
    assert (seen(plain)[0, 0], seen(plain)[110, 110]) == (255, 0)
    plain.PhotometricInterpretation = "MONOCHROME1"
    assert seen(plain)[0, 0] == 255, "said twice is not inverted twice"


def test_a_small_hot_spot_is_seen_in_nuclear_medicine():
    pixels = np.zeros((256, 256), "<i2")
    pixels[100:140, 100:140] = 40
    pixels[110:113, 110:113] = 80
    shown = seen(image(pixels, SOPClassUID=NuclearMedicineImageStorage))
    assert shown[0, 0] == 0
    assert shown[130, 130] > 100
    assert shown[111, 111] > shown[130, 130]


def test_an_image_without_counts_is_drawn():
    assert seen(image(np.zeros((8, 8), "u1"), SOPClassUID=NuclearMedicineImageStorage)).max() == 0


def test_a_dose_is_drawn_up_to_its_maximum():
    shown = seen(image(ramp(0, 10_000, "<u2"), SOPClassUID=RTDoseStorage))[0]
    assert shown[250] < shown[255] == 255


@pytest.mark.parametrize(
    ("dtype", "padding", "written"),
    [("<i2", -2000, 63536), ("<u2", 63536, -2000), ("<i2", -2000, -2000)],
)
def test_padding_is_known_also_with_the_wrong_sign(dtype, padding, written):
    pixels = ramp(1000, 1100, dtype)
    pixels[:100] = padding
    ds = image(pixels)
    ds.add_new("PixelPaddingValue", "SL", written)
    drawing = draw(ds)
    assert drawing.window == "1000–1098 (from the image)"


@pytest.mark.parametrize(
    ("sign", "word", "written"), [("<u2", 63536, 63536), ("<u2", 63536, -2000), ("<i2", -32768, -32768)]
)
@pytest.mark.parametrize("encode", [lambda ds: ds, in_runs, in_jpeg_ls])
def test_padding_that_has_no_room_in_the_bits_of_the_values_is_known(sign, word, written, encode):
    pixels = ramp(1000, 1100, sign)
    pixels[:100] = word
    ds = image(pixels, BitsStored=12, HighBit=11, WindowCenter=1050, WindowWidth=100)
    ds.add_new("PixelPaddingValue", "SL", written)
    shown = seen(encode(ds))
    assert shown[:99].max() == 0
    assert shown[200].max() > 250


def test_padding_above_the_bits_is_known_in_a_large_image(monkeypatch):
    monkeypatch.setattr("preview.pictures.pixels.LARGE", 2**10)
    monkeypatch.setattr("preview.pictures.bands.LARGE", 2**10)
    pixels = np.repeat(np.repeat(ramp(1000, 1100, "<u2"), 4, axis=0), 4, axis=1)
    pixels[:400] = 63536
    facts = {"BitsStored": 12, "HighBit": 11, "PixelPaddingValue": 63536}
    shown = seen(image(pixels, WindowCenter=1050, WindowWidth=100, **facts))
    assert shown[:99].max() == 0
    assert shown[200].max() > 250


@pytest.mark.parametrize(("first", "last"), [(-2000, -1500), (-1500, -2000)])
def test_a_range_of_padding_is_left_out(first, last):
    pixels = ramp(1000, 1100)
    pixels[:50], pixels[50:100] = -2000, -1700
    drawing = draw(image(pixels, PixelPaddingValue=first, PixelPaddingRangeLimit=last))
    assert drawing.window == "1000–1098 (from the image)"
    assert np.asarray(Image.open(BytesIO(drawing.pictures[0].png)))[:99].max() == 0


def test_padding_of_an_inverted_image_is_black_too():
    pixels = ramp(0, 255)
    pixels[:100] = -1
    ds = image(
        pixels,
        PixelPaddingValue=-1,
        PhotometricInterpretation="MONOCHROME1",
        WindowCenter=128,
        WindowWidth=256,
    )
    assert seen(ds)[50].max() == 0
    assert seen(ds)[200, 0] == 255


def test_padding_of_floating_point_pixels_is_left_out():
    ds = image(ramp(0, 1000, "<i4"))
    del ds.PixelData, ds.PixelRepresentation, ds.BitsStored, ds.HighBit
    pixels = ramp(10, 20, "<f4")
    pixels[:100] = -1e9
    ds.FloatPixelData, ds.FloatPixelPaddingValue = pixels.tobytes(), -1e9
    assert draw(ds).window == "10.1–19.9 (from the image)"


def test_signed_values_of_twelve_bits_ignore_what_stands_above_them():
    values = ramp(-2000, 2000)
    stored = values.view("<u2") & 0x0FFF
    facts = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 1, "centre": 0, "width": 4000}
    clean = middle(stored, **facts)
    assert (clean == middle(stored | 0x5000, **facts)).all()
    assert (np.diff(clean) >= 0).all()
    assert (clean[0], clean[-1]) == (0, 255)


@pytest.mark.parametrize(("dtype", "bits"), [("u1", 8), ("<u2", 10), ("<u2", 16), ("<u4", 32), ("<i4", 32)])
def test_every_depth_is_drawn(dtype, bits):
    shown = middle(ramp(0, 200, dtype), centre=100, width=200, BitsStored=bits, HighBit=bits - 1)
    assert (shown[0], shown[-1]) == (0, 255)
    assert (np.diff(shown) >= 0).all()


def test_single_bits_are_drawn():
    bits = np.zeros((16, 16), "u1")
    bits[:, 8:] = 1
    ds = image(bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    ds.PixelData = np.packbits(bits, bitorder="little").tobytes()
    shown = seen(ds)[128]
    assert (shown[0], shown[255]) == (0, 255)


def test_single_bits_in_big_endian_words_are_in_their_order():
    bits = np.random.default_rng(1).integers(
        0, 2, (3, 11, 13), "u1"
    )  # no frame begins at a word but the first
    ds = image(bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    packed = np.packbits(bits.ravel(), bitorder="little")  # 54 bytes
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    for vr, pixels in (("OB", packed), ("OW", packed.view("<u2").astype(">u2"))):
        ds.PixelData = pixels.tobytes()
        ds["PixelData"].VR = vr
        for index in range(3):
            assert (Pixels(ds).decode(index).samples == bits[index]).all()


def test_a_rescale_of_one_frame_counts_for_it_alone():
    ds = image(np.stack([ramp(), ramp()]), WindowCenter=1128, WindowWidth=256)
    ds.PerFrameFunctionalGroupsSequence = []
    for intercept in (1000, 900):
        item, group = Dataset(), Dataset()
        item.RescaleSlope, item.RescaleIntercept = 1, intercept
        group.PixelValueTransformationSequence = [item]
        ds.PerFrameFunctionalGroupsSequence.append(group)
    assert (seen(ds, 0)[0, 0], seen(ds, 0)[0, 255]) == (0, 255)
    assert (seen(ds, 1)[0, 100], seen(ds, 1)[0, 255]) == (0, 155)


def test_what_all_frames_share_counts_for_each():
    ds, voi, group = image(np.stack([ramp(), ramp()])), Dataset(), Dataset()
    voi.WindowCenter, voi.WindowWidth = 200, 2
    group.FrameVOILUTSequence = [voi]
    ds.SharedFunctionalGroupsSequence = [group]
    assert [seen(ds, place)[0, [199, 201]].tolist() for place in (0, 1)] == [[0, 255]] * 2


def test_a_table_with_more_bits_than_it_says_does_not_saturate():
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [256, 0, 8], [value * 16 for value in range(256)]
    shown = seen(image(ramp(dtype="u1"), VOILUTSequence=[table]))[0]
    assert shown[128] == pytest.approx(128, abs=1)


def test_a_table_for_signed_values_may_be_written_as_unsigned():
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [256, 65536 - 100, 8], list(range(256))
    shown = seen(image(ramp(-100, 155), VOILUTSequence=[table]))[0]
    assert shown.tolist() == list(range(256))


@pytest.mark.parametrize(("relationship", "applied"), [("LOG", False), ("DISP", False), ("LIN", True)])
def test_the_dose_table_of_an_angiography_is_not_for_looking_at(relationship, applied):
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [256, 0, 8], list(range(255, -1, -1))
    ds = image(
        ramp(dtype="u1"), SOPClassUID=XRayAngiographicImageStorage, PixelIntensityRelationship=relationship
    )
    ds.ModalityLUTSequence = [table]
    assert seen(ds)[0, 0] == (255 if applied else 0)
