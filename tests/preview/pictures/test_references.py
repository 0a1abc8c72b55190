"""The images that a radiologist marked: named by key object selections and presentation states."""

import pytest
from pydicom import Dataset, Sequence
from pydicom.uid import CTImageStorage, KeyObjectSelectionDocumentStorage
from samples import received

from preview.pictures.drawing import Drawers

GREY_STATE, COLOUR_STATE = "1.2.840.10008.5.1.4.1.1.11.1", "1.2.840.10008.5.1.4.1.1.11.2"


@pytest.fixture(scope="module")
def drawers():
    with Drawers(1) as drawers:
        yield drawers


def having(**elements):
    ds = Dataset()
    for keyword, value in elements.items():
        if keyword.endswith("UID"):
            ds.add_new(keyword, "UI", value)
        else:
            setattr(ds, keyword, Sequence(value))
    return ds


def images(*uids):
    return [having(ReferencedSOPInstanceUID=uid) for uid in uids]


def chosen(*uids):
    return having(ContentSequence=[having(ReferencedSOPSequence=images(uid)) for uid in uids])


def selection(*, content=(), evidence=()):
    ds = chosen(*content)
    ds.SOPClassUID = KeyObjectSelectionDocumentStorage
    series = having(ReferencedSeriesSequence=[having(ReferencedSOPSequence=images(*evidence))])
    ds.CurrentRequestedProcedureEvidenceSequence = [series]
    return ds


def state(sop_class, *uids):
    ds = having(ReferencedSeriesSequence=[having(ReferencedImageSequence=images(uid)) for uid in uids])
    ds.SOPClassUID = sop_class
    return ds


def references(drawers, ds):
    return drawers.submit(received(ds)).result().header.references


def test_a_selection_names_what_its_author_chose_and_then_its_evidence(drawers):
    ds = selection(content=["1.2.3", "1.2.4"], evidence=["1.2.4", "1.2.5"])
    assert references(drawers, ds) == ("1.2.3", "1.2.4", "1.2.5")


def test_what_was_chosen_may_stand_deeper_in_the_content(drawers):
    ds = selection()
    ds.ContentSequence = [chosen("1.2.3"), having(ContentSequence=[chosen("1.2.4")])]
    assert references(drawers, ds) == ("1.2.3", "1.2.4")


@pytest.mark.parametrize("sop_class", [GREY_STATE, COLOUR_STATE])
def test_a_presentation_state_names_the_images_that_it_is_for(drawers, sop_class):
    assert references(drawers, state(sop_class, "1.2.3", "1.2.4")) == ("1.2.3", "1.2.4")


def test_an_image_that_refers_to_others_does_not_mark_them(drawers):
    assert references(drawers, state(CTImageStorage, "1.2.3")) == ()


@pytest.mark.parametrize(
    "uid", ["../../etc/passwd", "1.2.abc", "1.2.*", "", "1" * 65, "1.2.3\\1.2.4", ".1", "1..2"]
)
def test_only_what_is_a_uid_is_named(drawers, uid):
    assert references(drawers, selection(content=["1.2.3", uid, "1.2.4"])) == ("1.2.3", "1.2.4")


def test_five_hundred_are_enough(drawers):
    ds = selection(evidence=[f"1.2.{number}" for number in range(2000)])
    assert references(drawers, ds) == tuple(f"1.2.{number}" for number in range(500))


def test_content_without_end_ends(drawers):
    ds = chosen("1.2.9")
    for _ in range(60):
        ds = having(ContentSequence=[ds, *chosen("1.2.3").ContentSequence])
    ds.SOPClassUID = KeyObjectSelectionDocumentStorage
    assert references(drawers, ds) == ("1.2.3",)


@pytest.mark.parametrize("sequence", ["ContentSequence", "CurrentRequestedProcedureEvidenceSequence"])
def test_a_sequence_that_is_none_names_nothing(drawers, sequence):
    ds = Dataset()
    ds.SOPClassUID = KeyObjectSelectionDocumentStorage
    ds.add_new(sequence, "LO", "1.2.3")
    assert references(drawers, ds) == ()
