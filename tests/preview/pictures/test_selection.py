"""What a key object selection says of which images, by its title; nothing odd in it can raise."""

import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage, KeyObjectSelectionDocumentStorage
from samples import received

from preview.pictures.drawing import Drawers
from preview.pictures.header import read_header
from preview.pictures.report import report
from preview.pictures.selection import Purpose, Selected, selection


def having(**elements):
    ds = Dataset()
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def image(uid, frames=None, kind="IMAGE"):
    named = having(ReferencedSOPInstanceUID=uid)
    if frames:
        named.ReferencedFrameNumber = frames
    return having(ValueType=kind, RelationshipType="CONTAINS", ReferencedSOPSequence=[named])


def key_objects(*content, code="113000", meaning="Of Interest", scheme="DCM"):
    title = having(CodeValue=code, CodingSchemeDesignator=scheme, CodeMeaning=meaning)
    return having(
        SOPClassUID=KeyObjectSelectionDocumentStorage,
        ConceptNameCodeSequence=[title],
        ContentSequence=list(content),
    )


def test_a_selection_of_interest_makes_what_it_names_key():
    said = selection(key_objects(image("1.2.3"), image("1.2.4", [7, 9])))
    assert (said.title, said.purpose) == ("Of Interest", Purpose.KEY)
    assert said.images == (Selected("1.2.3"), Selected("1.2.4", (7, 9)))


@pytest.mark.parametrize("code", ["113001", "113037", "113038", "113039"])
def test_a_rejection_note_never_makes_its_images_key(code):
    ds = key_objects(image("1.2.3"), code=code, meaning="Of Interest")
    assert selection(ds).purpose is Purpose.REJECTED
    assert selection(ds).title != "Of Interest"
    assert read_header(ds).references == ()


@pytest.mark.parametrize(
    "code", ["113010", "113030", "113031", "113032", "113033", "113034", "113035", "113036"]
)
def test_a_list_of_what_there_is_makes_nothing_key(code):
    ds = key_objects(image("1.2.3"), code=code, meaning="Something")
    assert selection(ds).purpose is Purpose.LIST
    assert read_header(ds).references == ()


@pytest.mark.parametrize(
    ("ds", "title"),
    [
        (key_objects(image("1.2.3"), code="K1", meaning="Befund", scheme="99HOSPITAL"), "Befund"),
        (key_objects(image("1.2.3"), code="113001", meaning="Prior", scheme="99HOSPITAL"), "Prior"),
        (key_objects(image("1.2.3"), meaning=""), "Of Interest"),
        (having(SOPClassUID=KeyObjectSelectionDocumentStorage, ContentSequence=[image("1.2.3")]), ""),
    ],
)
def test_a_title_of_somebodys_own_or_none_makes_key_as_well(ds, title):
    said = selection(ds)
    assert (said.title, said.purpose, said.images) == (title, Purpose.KEY, (Selected("1.2.3"),))


def test_what_is_beside_the_images_is_not_marked():
    named = image("1.2.3")
    named.ReferencedSOPSequence[0].ReferencedSOPSequence = [having(ReferencedSOPInstanceUID="1.2.8")]
    evidence = having(ReferencedSOPSequence=[having(ReferencedSOPInstanceUID="1.2.9")])
    ds = key_objects(named, image("1.2.7", kind="COMPOSITE"))
    ds.CurrentRequestedProcedureEvidenceSequence = [having(ReferencedSeriesSequence=[evidence])]
    assert [one.instance_uid for one in selection(ds).images] == ["1.2.3"]
    assert "1.2.9" in read_header(ds).references


def test_an_image_named_twice_is_one_image_with_all_its_frames():
    ds = key_objects(image("1.2.3", [1]), image("1.2.4"), image("1.2.3", [5]))
    assert selection(ds).images == (Selected("1.2.3", (1, 5)), Selected("1.2.4"))


@pytest.mark.parametrize("uid", ["", "1.2.x", "1" * 65, "1..2"])
def test_what_is_no_uid_is_left_out(uid):
    assert [one.instance_uid for one in selection(key_objects(image(uid), image("1.2.4"))).images] == [
        "1.2.4"
    ]


def test_there_is_an_end_to_it():
    many = selection(key_objects(*(image(f"1.2.{number}", list(range(1, 200))) for number in range(2000))))
    assert len(many.images) == 500
    assert all(len(one.frames) <= 64 for one in many.images)


def test_other_objects_select_nothing():
    ds = key_objects(image("1.2.3"))
    ds.SOPClassUID = CTImageStorage
    assert selection(ds) is None


def test_its_card_says_what_it_is():
    rejection = key_objects(image("1.2.3"), code="113037", meaning="")
    told = report(rejection)
    assert (told.title, told.lines[0]) == ("Rejected for Patient Safety Reasons", "1 image")


def test_it_comes_out_of_the_drawing_process():
    ds = key_objects(image("1.2.3", [2]))
    with Drawers(1) as drawers:
        header = drawers.submit(received(ds)).result().header
    assert header.selection == selection(ds)
