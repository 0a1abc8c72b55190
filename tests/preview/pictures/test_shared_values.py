"""Values that objects have in common are converted once, and are what pydicom makes of each by itself."""

from contextlib import suppress
from dataclasses import replace
from io import BytesIO

import pytest
from edge_cases import edge_cases
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.uid import ImplicitVRLittleEndian
from samples import ct, received, sample

from fetch.model import Received
from fetch.sources.reading import with_charset
from preview.pictures import shared_values
from preview.pictures.parsing import be_lenient, parse
from preview.pictures.pixels import BAD_INPUT

SAMPLES = ("CT_small.dcm", "MR_small.dcm", "rtplan.dcm", "test-SR.dcm", "rtdose.dcm", "JPEG2000.dcm")
KEYWORDS = (
    "PatientName",
    "WindowCenter",
    "PixelPaddingValue",
    "SmallestImagePixelValue",
    "ImageType",
    "Rows",
)


def implicit(ds) -> Received:
    out = DicomBytesIO()
    out.is_little_endian, out.is_implicit_VR = True, True
    write_dataset(out, ds)
    return replace(received(ds), transfer_syntax=ImplicitVRLittleEndian, data=out.getvalue())


def by_pydicom(came, charset="") -> Dataset:
    is_implicit = came.transfer_syntax == ImplicitVRLittleEndian
    ds = read_dataset(BytesIO(came.data), is_implicit, True, stop_when=lambda tag, *_: tag >= 0x7FE00000)
    return with_charset(ds, charset)


def value(ds, keyword):
    with suppress(*BAD_INPUT):
        return ds.get(keyword, "nothing")
    return "unreadable"


def are_alike(came):
    """Twice: what was converted before is there the second time."""
    for _ in range(2):
        ours, theirs = parse(came).ds, by_pydicom(came)
        keywords = {*theirs.dir(), *KEYWORDS}
        assert {k: value(ours, k) for k in keywords} == {k: value(theirs, k) for k in keywords}
        assert {k: k in ours for k in keywords} == {k: k in theirs for k in keywords}
        assert ours == theirs


@pytest.fixture(autouse=True)
def leniently():
    be_lenient()
    shared_values._kept.clear()


@pytest.mark.parametrize("written", [received, implicit])
@pytest.mark.parametrize("name", SAMPLES)
def test_every_value_is_what_pydicom_makes_of_it(name, written):
    are_alike(written(sample(name)))


def test_so_it_is_of_odd_objects_one_after_another():
    for _, ds in edge_cases():
        if (
            not ds.file_meta.TransferSyntaxUID.is_encapsulated
            and ds.file_meta.TransferSyntaxUID.is_little_endian
        ):
            are_alike(received(ds))
            are_alike(implicit(ds))


def test_what_two_objects_have_in_common_is_converted_once():
    one, other = parse(received(ct())).ds, parse(received(ct(InstanceNumber=9))).ds
    assert one["RescaleSlope"] is other["RescaleSlope"]
    assert (one.InstanceNumber, other.InstanceNumber) == (1, 9)


def test_the_same_bytes_mean_what_the_character_set_says():
    came = received(ct(SpecificCharacterSet="ISO_IR 144", PatientName="Иванов^Пётр"))
    other = received(ct(SpecificCharacterSet="ISO_IR 126", PatientName="Αλφα^Βητα"))
    name = bytes(parse(came).ds.PatientName.encode(["iso8859_5"]))
    assert str(parse(other).ds.PatientName) == "Αλφα^Βητα"
    assert name == "Иванов^Пётр".encode("iso8859_5")
    alike = [parse(received(ct()), charset).ds for charset in ("", "ISO_IR 144")]
    assert [str(ds.PatientName) for ds in alike] == [str(ct().PatientName)] * 2


def test_what_depends_on_the_rest_of_its_object_is_nobody_elses():
    """Whether a padding value has a sign is said somewhere else, where no value representation is written."""
    for signed, padding in ((0, 63536), (1, -2000), (0, 63536)):
        ds = ct(PixelRepresentation=signed)
        ds.add_new("PixelPaddingValue", "SS" if signed else "US", padding)
        assert parse(implicit(ds)).ds.PixelPaddingValue == padding


def test_what_is_kept_is_bounded():
    for number in range(shared_values._MOST + 10):
        assert parse(received(ct(InstanceNumber=number))).ds.InstanceNumber == number
    assert len(shared_values._kept) <= shared_values._MOST
