"""The first elements of a data set: found in anything that is one, and nothing else does harm."""

import struct
import time
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence
from pynetdicom.dsutils import encode
from support.pushing import encoded, file_of
from support.studies import study

from fetch import elements
from fetch.elements import NotDicom

UNDEFINED = b"\xff\xff\xff\xff"
ITEM, ITEM_END, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"


def uids(tmp_path, data, implicit=False):
    path = tmp_path / "data"
    path.write_bytes(data)
    with path.open("rb") as file:
        wanted = (elements.SOP_INSTANCE_UID, elements.STUDY_INSTANCE_UID)
        found = elements.texts(file, wanted, until=elements.STUDY_INSTANCE_UID, implicit=implicit)
        return found, file.tell()


def crowded():
    """With sequences on the way, nested, of defined and of undefined length, and a private block."""
    (ds,) = study(images=1)
    inner = Dataset()
    inner.CodeValue, inner.StudyInstanceUID = "1", "9.9.9"
    outer = Dataset()
    outer.PurposeOfReferenceCodeSequence = Sequence([inner])
    outer.StudyInstanceUID = "8.8.8"
    ds.ReferencedStudySequence = Sequence([outer, outer])
    ds.ReferencedPatientSequence = Sequence([])
    ds.private_block(0x0009, "SOMEBODY", create=True).add_new(0x01, "UN", b"x" * 70_000)
    return ds


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("undefined", [True, False])
def test_the_uids_of_the_object_itself_are_found_whatever_comes_before_them(tmp_path, implicit, undefined):
    ds = crowded()
    for sequence in (ds["ReferencedStudySequence"], ds["ReferencedPatientSequence"]):
        sequence.is_undefined_length = undefined
    for item in ds.ReferencedStudySequence:
        item.is_undefined_length_sequence_item = undefined
        item["PurposeOfReferenceCodeSequence"].is_undefined_length = undefined
    found, at = uids(tmp_path, encode(ds, implicit, True), implicit)
    assert found == {
        elements.SOP_INSTANCE_UID: ds.SOPInstanceUID,
        elements.STUDY_INSTANCE_UID: ds.StudyInstanceUID,
    }
    assert at < len(encode(ds, implicit, True)) - len(ds.PixelData)


def test_an_unknown_element_of_undefined_length_holds_implicit_items(tmp_path):
    inside = b"\x08\x00\x18\x00" + struct.pack("<L", 4) + b"9.9\0"
    unknown = b"\x09\x00\x01\x10UN\0\0" + UNDEFINED
    unknown += ITEM + UNDEFINED + inside + ITEM_END + bytes(4) + SEQUENCE_END + bytes(4)
    (ds,) = study(images=1)
    data = encoded(ds)
    behind = data.index(b"\x10\x00\x10\x00PN")
    found, _ = uids(tmp_path, data[:behind] + unknown + data[behind:])
    assert found[elements.SOP_INSTANCE_UID] == ds.SOPInstanceUID
    assert found[elements.STUDY_INSTANCE_UID] == ds.StudyInstanceUID


def test_what_is_written_before_a_data_set_makes_a_file_that_everybody_reads():
    (ds,) = study(images=1)
    syntax = ds.file_meta.TransferSyntaxUID
    written = elements.part_10(ds.SOPClassUID, ds.SOPInstanceUID, syntax) + encoded(ds)
    read = dcmread(BytesIO(written))
    assert read == ds
    assert read.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    assert read.file_meta.TransferSyntaxUID == syntax


def test_file_meta_information_written_by_others_is_read(tmp_path):
    (ds,) = study(images=1)
    path = tmp_path / "one.dcm"
    path.write_bytes(file_of(ds))
    with path.open("rb") as file:
        assert elements.file_meta(file) == (
            ds.SOPClassUID,
            ds.SOPInstanceUID,
            ds.file_meta.TransferSyntaxUID,
        )
        assert encoded(ds).startswith(file.read(20))


NESTED = b"\x08\x00\x40\x11SQ\0\0" + UNDEFINED + ITEM + UNDEFINED


@pytest.mark.parametrize(
    "data",
    [
        b"\x08\x00\x18\x00",
        b"\x08\x00\x18\x00UI\xff\xff1.2",
        b"\x08\x00\x18\x00UI\x40\x001.2",
        b"\x08\x00\x18\x00??\x04\x001.2\0",
        b"\x08\x00\x16\x00UN\0\0\xfe\xff\xff\xff",
        b"\x08\x00\x16\x00UN\0",
        b"\x08\x00\x40\x11SQ\0\0" + UNDEFINED,
        b"\x08\x00\x40\x11SQ\0\0" + UNDEFINED + ITEM_END + bytes(4),
        b"\x08\x00\x40\x11SQ\0\0" + UNDEFINED + b"\x08\x00\x18\x00\x04\0\0\x001.2\0",
        NESTED * 60_000,
        b"\x08\x00\x05\x00CS\0\0" * 60_000,
        bytes(range(256)) * 100,
        b"\xff" * 1000,
    ],
)
def test_what_is_no_data_set_is_refused_at_once(tmp_path, data):
    began = time.monotonic()
    with pytest.raises(NotDicom):
        uids(tmp_path, data)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("text", ["1", "1.2.840.10008", "0.01", "9" * 64])
def test_a_uid_is_digits_and_dots(text):
    assert elements.is_uid(text)


@pytest.mark.parametrize(
    "text", ["", ".1", "1.", "1..2", "1.2a", "../1", "1.2\n", "9" * 65, "1.2\\1.3", "１.2"]
)
def test_anything_else_is_no_uid(text):
    assert not elements.is_uid(text)
