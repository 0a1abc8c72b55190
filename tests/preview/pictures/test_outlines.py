"""Of what somebody outlined or planned a card says how much and of what kind, not what they called it."""

import pytest
from pydicom import Dataset
from test_documents import a, having

from preview.pictures.report import report

ROOT = "1.2.840.10008.5.1.4.1.1."
INITIALS = "PTV_LiW"


def code(meaning, scheme="SCT"):
    return [having(CodeValue="1", CodingSchemeDesignator=scheme, CodeMeaning=meaning)]


def segment(meaning="", scheme="SCT"):
    said = {"SegmentedPropertyTypeCodeSequence": code(meaning, scheme)} if meaning else {}
    return having(SegmentLabel=INITIALS, SegmentDescription=INITIALS, **said)


def lines(ds):
    ds.PatientName, ds.PatientID = "Li^Wei", "1234567"
    told = report(ds)
    assert INITIALS not in f"{told.title}{told.lines}"
    assert told.title == ""
    return told.lines


@pytest.mark.parametrize("arc", ["66.4", "66.5", "66.7", "66.8"])
def test_segments_are_counted_and_named_by_their_codes(arc):
    ds = a(ROOT + arc, SegmentSequence=[segment("Liver"), segment("Kidney"), segment("Kidney"), segment()])
    assert lines(ds) == ("4 segments", "Liver", "Kidney (2)")


@pytest.mark.parametrize("scheme", ["99WARD", "L", "l", ""])
def test_a_code_of_somebodys_own_means_anything(scheme):
    assert lines(a(ROOT + "66.4", SegmentSequence=[segment(INITIALS, scheme)])) == ("1 segment",)


def test_a_code_that_names_the_patient_is_left_out():
    assert lines(a(ROOT + "66.4", SegmentSequence=[segment("Tumor of Wei")])) == ("1 segment", "…")


def test_structures_are_counted_and_named_by_their_types():
    rois = [having(ROINumber=number, ROIName=INITIALS) for number in range(4)]
    told = [
        having(RTROIInterpretedType=kind, ROIObservationLabel=INITIALS) for kind in ("PTV", INITIALS, "ORGAN")
    ]
    told.append(having(RTROIInterpretedType="ORGAN", RTROIIdentificationCodeSequence=code("Heart")))
    ds = a(
        ROOT + "481.3",
        StructureSetROISequence=rois,
        RTROIObservationsSequence=told,
        StructureSetLabel=INITIALS,
    )
    assert lines(ds) == ("4 structures", "Planning target volume (PTV)", "Organ", "Heart")


@pytest.mark.parametrize(("arc", "sequence"), [("481.5", "BeamSequence"), ("481.8", "IonBeamSequence")])
def test_a_plan_says_how_many_beams_and_fractions_it_has(arc, sequence):
    groups = [having(NumberOfFractionsPlanned=25), having(NumberOfFractionsPlanned=5), having()]
    ds = a(ROOT + arc, FractionGroupSequence=groups, RTPlanLabel=INITIALS, RTPlanName=INITIALS)
    setattr(ds, sequence, [having(BeamName=INITIALS)])
    assert lines(ds) == ("1 beam", "30 fractions")


def test_tracks_and_annotations_are_counted():
    tracks = [having(TrackSetLabel=INITIALS, TrackSetAnatomicalTypeCodeSequence=code("Corticospinal tract"))]
    assert lines(a(ROOT + "66.6", TrackSetSequence=tracks)) == ("1 track set", "Corticospinal tract")
    groups = [having(AnnotationGroupLabel=INITIALS)] * 2
    assert lines(a(ROOT + "91.1", AnnotationGroupSequence=groups)) == ("2 annotation groups",)


@pytest.mark.parametrize("arc", ["11.1", "11.2", "66.1", "66.3", "481.3", "481.5", "66.4"])
def test_the_label_of_the_whole_is_not_shown(arc):
    labels = ("ContentLabel", "ContentDescription", "StructureSetLabel", "StructureSetName", "RTPlanLabel")
    assert lines(a(ROOT + arc, **dict.fromkeys(labels, INITIALS))) == ()


def test_a_count_is_no_patients_number():
    ds = a(ROOT + "66.4", SegmentSequence=[segment()] * 12)
    ds.PatientID = "12"
    assert report(ds).lines == ("12 segments",)


def test_what_is_no_sequence_says_nothing():
    ds = Dataset()
    ds.SOPClassUID = ROOT + "481.3"
    ds.add_new("StructureSetROISequence", "LO", "PTV")
    assert lines(ds) == ()
