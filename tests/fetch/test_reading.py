"""Reading what archives and devices write, without an archive."""

from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from support.studies import study

from fetch.sources import reading

NAME = "Люкceмбypг^Роза"


def from_a_file(charset=None) -> Dataset:
    """The header of an image with that name in ISO 8859-5, as it is read from a file."""
    (ds,) = study(images=1)
    del ds.SpecificCharacterSet
    if charset is not None:
        ds.SpecificCharacterSet = charset
    ds.PatientName, ds.StudyDescription = NAME.encode("iso8859_5"), "Череп".encode("iso8859_5")
    file = BytesIO()
    ds.save_as(file, enforce_file_format=True)
    return dcmread(BytesIO(file.getvalue()))


@pytest.mark.parametrize("named", [None, ""])
def test_an_image_that_names_no_character_set_is_read_in_the_sources(named):
    ds = reading.with_charset(from_a_file(named), "ISO_IR 144")
    assert (reading.text(ds, "PatientName"), reading.text(ds, "StudyDescription")) == (NAME, "Череп")


def test_the_character_set_that_an_image_names_is_not_replaced():
    ds = reading.with_charset(from_a_file("ISO_IR 144"), "ISO_IR 100")
    assert reading.text(ds, "PatientName") == NAME


def test_without_a_character_set_of_the_source_nothing_is_changed():
    ds = from_a_file()
    assert reading.with_charset(ds, "") is ds
    assert reading.text(ds, "PatientName") != NAME


def test_the_sex_is_one_letter_also_where_the_capital_of_a_letter_is_two():
    ds = Dataset()
    ds.PatientSex = "ß"
    assert reading.patient(ds).sex == "S"
