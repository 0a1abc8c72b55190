"""What is in the files: pixels and a disclaimer, the same every time, and not a word about anybody."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian
from samples import image, jpeg_image, ramp, received, sample

from preview.pictures.drawing import Drawers
from preview.pictures.thumbnail import draw, draw_rendered

SENTINEL = "ZZSENTINEL"


def personal(ds):
    """With somebody's name and numbers wherever an object may have them."""
    for keyword in ("PatientName", "ReferringPhysicianName", "OperatorsName", "OtherPatientNames"):
        setattr(ds, keyword, f"{SENTINEL}^A")
    for keyword in ("PatientID", "AccessionNumber", "StudyDescription", "InstitutionName", "StudyID"):
        setattr(ds, keyword, SENTINEL)
    for keyword in ("WindowCenterWidthExplanation", "PatientComments", "ImageComments", "ContentLabel"):
        setattr(ds, keyword, SENTINEL)
    ds.add_new(0x00091001, "LO", SENTINEL)
    ds.OtherPatientIDsSequence = [Dataset()]
    ds.OtherPatientIDsSequence[0].PatientID = SENTINEL
    return ds


def pdf():
    out = BytesIO()
    Image.new("RGB", (90, 90), (200, 30, 30)).save(out, "PDF", title=SENTINEL, author=SENTINEL)
    ds = image(ramp(), EncapsulatedDocument=out.getvalue(), DocumentTitle=SENTINEL)
    ds.SOPClassUID = EncapsulatedPDFStorage
    return ds


def commented():
    out = BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 30)).save(out, "JPEG", comment=SENTINEL.encode())
    return jpeg_image([out.getvalue()])


OBJECTS = {
    "a grey image": lambda: sample("CT_small.dcm"),
    "an image with graphics": lambda: sample("examples_overlay.dcm"),
    "colours": lambda: sample("SC_rgb_rle.dcm"),
    "a comment in the pixels": commented,
    "a palette": lambda: sample("examples_palette.dcm"),
    "a report": lambda: sample("reportsi.dcm"),
    "a waveform": lambda: sample("waveform_ecg.dcm"),
    "a structure set": lambda: sample("rtstruct.dcm"),
    "a segmentation": lambda: sample("liver_1frame.dcm"),
    "a document": pdf,
    "pixels that are missing": lambda: image(ramp(), PixelData=b""),
}


def chunks(png):
    """Each with its name and data; the check sums are right and nothing stands behind the last one."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place = 8
    while place < len(png):
        (length,) = struct.unpack_from(">L", png, place)
        name, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert struct.unpack_from(">L", png, place + 8 + length) == (zlib.crc32(name + data),)
        yield name, data
        place += 12 + length


@pytest.mark.parametrize("kind", OBJECTS)
def test_nothing_of_the_object_is_in_the_file_but_its_pixels(kind):
    drawing = draw(personal(OBJECTS[kind]()))
    assert drawing.pictures
    for picture in drawing.pictures:
        found = dict(chunks(picture.png))
        assert list(found) == [b"IHDR", b"tEXt", b"IDAT", b"IEND"]
        assert found[b"tEXt"] == b"Disclaimer\0Not for diagnosis"
        assert SENTINEL.encode() not in picture.png + zlib.decompress(found[b"IDAT"])
    assert SENTINEL not in repr(drawing)


def test_nothing_of_an_archives_own_picture_is_in_the_file_either():
    out = BytesIO()
    Image.new("L", (64, 64), 9).save(out, "JPEG", comment=SENTINEL.encode())
    drawing = draw_rendered(personal(sample("CT_small.dcm")), out.getvalue())
    assert [name for name, _ in chunks(drawing.pictures[0].png)] == [b"IHDR", b"tEXt", b"IDAT", b"IEND"]
    assert SENTINEL not in repr(drawing)


@pytest.mark.parametrize("kind", OBJECTS)
def test_two_processes_draw_the_same_bytes(kind):
    ds = OBJECTS[kind]()
    if not ds.get("SOPInstanceUID"):
        ds.SOPInstanceUID = "1.2.3"
    here = draw(ds)
    assert here == draw(OBJECTS[kind]())
    if ds.file_meta.get("TransferSyntaxUID", "") == ExplicitVRLittleEndian:
        with Drawers(1) as drawers:
            assert drawers.submit(received(ds)).result().drawing.pictures == here.pictures


@pytest.mark.parametrize(
    ("ds", "mode"),
    [
        (sample("CT_small.dcm"), "L"),
        (sample("examples_overlay.dcm"), "L"),
        (sample("SC_rgb_rle.dcm"), "RGB"),
        (sample("test-SR.dcm"), "RGB"),
    ],
)
def test_grey_is_written_as_grey(ds, mode):
    assert Image.open(BytesIO(draw(ds).pictures[0].png)).mode == mode


def test_a_picture_is_neither_rotated_nor_flipped():
    pixels = np.zeros((256, 256), "u1")
    pixels[:20, :40] = 200
    for facts in (
        {},
        {"PatientOrientation": ["P", "F"]},
        {"FieldOfViewHorizontalFlip": "YES", "ImageLaterality": "L"},
    ):
        ds = image(pixels, WindowCenter=128, WindowWidth=256, **facts)
        shown = np.asarray(Image.open(BytesIO(draw(ds).pictures[0].png)))
        assert (shown[10, 30] > 150, shown[30, 10], shown[250, 250]) == (True, 0, 0)
