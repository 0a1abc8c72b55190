"""Every kind of object has a name that a reader knows, also one that nobody here has met."""

import numpy as np
import pytest
from made import shades
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, EncapsulatedPDFStorage, UID_dictionary
from samples import image

from preview.pictures.kinds import kind_name, not_an_image, says_image
from preview.pictures.thumbnail import DrawingKind, draw

ROOT = "1.2.840.10008.5.1.4.1.1."
CLASSES = [
    uid for uid, (name, kind, *_) in UID_dictionary.items() if kind == "SOP Class" and "Storage" in name
]


def of(sop_class):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.SOPClassUID = sop_class
    return ds


def test_there_are_many_classes():
    assert len(CLASSES) > 180


@pytest.mark.parametrize("sop_class", CLASSES)
def test_every_class_of_the_standard_is_a_card_with_its_name(sop_class):
    name = kind_name(sop_class)
    assert not name[0].islower()
    assert "nknown" not in name
    assert "Storage" not in name or "commitment" in name or sop_class.startswith("1.2.840.10008.5.1.1"), name
    drawing = draw(of(sop_class))
    assert drawing.kind is DrawingKind.CARD
    if sop_class == EncapsulatedPDFStorage:
        return
    says = "The image does not say how large it is." if says_image(sop_class) else f"{name}: not an image"
    assert drawing.reason == says


@pytest.mark.parametrize(
    ("arc", "name"),
    [
        ("66", "Raw data"),
        ("66.6", "Tractography results"),
        ("66.7", "Label map segmentation"),
        ("66.8", "Height map segmentation"),
        ("66.99", "Unknown kind of object"),
        ("9.100.1", "Presentation state of a waveform"),
        ("9.4.1", "Audio recording"),
        ("9.7.1", "Waveform (EEG)"),
        ("88.50", "Mammography CAD report"),
        ("88.73", "Radiation dose report"),
        ("11.12", "Presentation state"),
    ],
)
def test_what_is_no_image_is_called_by_its_name(arc, name):
    assert (kind_name(ROOT + arc), not_an_image(ROOT + arc)) == (name, name)


@pytest.mark.parametrize(
    "arc",
    [
        *("2", "2.1", "2.2", "4.1", "4.4", "13.1.3", "1.2", "3.1", "12.1", "130", "20", "77.1.4", "77.1.5.4"),
        *("481.1", "7.3", "30", "14.1"),
    ],
)
def test_every_kind_of_image_of_frames_is_a_strip_with_a_poster(arc):
    """CT and MR, enhanced or not, tomosynthesis, mammography, ultrasound, angiography, PET, photographs."""
    stack = np.stack([shades(12, "<u2")] * 5)
    drawing = draw(image(stack, SOPClassUID=ROOT + arc, BitsStored=12, HighBit=11))
    assert (drawing.kind, drawing.frames, drawing.poster) == (DrawingKind.MULTIFRAME, 5, 3)
    assert drawing.reason is None


def test_pixels_of_a_kind_that_nobody_knows_are_drawn():
    assert draw(image(shades(8, "u1"), SOPClassUID="1.2.3.4.5")).kind is DrawingKind.IMAGE


@pytest.mark.parametrize("arc", ["6.2", "30", "481.2", "81.1"])
def test_an_image_that_is_not_called_so_is_one(arc):
    assert UID(ROOT + arc).name != ROOT + arc
    assert says_image(ROOT + arc)
    assert not_an_image(ROOT + arc) is None


def test_what_only_the_file_says_is_believed():
    """A DICOMDIR has no SOP class of its own."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    assert draw(ds).reason == "Table of contents (DICOMDIR): not an image"
    ds.SOPClassUID = ROOT + "66"
    assert draw(ds).reason == "Raw data: not an image"


def test_a_class_of_somebody_s_own_has_no_name():
    assert kind_name("1.2.3.4") == kind_name("") == "Unknown kind of object"
    assert draw(of("1.2.3.4")).reason == "Unknown kind of object: not an image"
