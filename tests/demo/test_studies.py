"""The demo sets hold what the demo promises, and every file of them is sound."""

import hashlib
from collections import defaultdict
from datetime import date, timedelta

import pytest
from pydicom import dcmread
from pydicom.uid import UID, JPEGExtended12Bit, JPEGLSLossless

from preview.demo import studies
from preview.demo.headers import ROOT, SeriesHead, StudyHead, instance
from preview.demo.people import BROWN, LINDQVIST, MEYER, NAKAMURA, OKAFOR, PATIENTS
from preview.demo.studies import make_main, make_outside

TODAY = date(2026, 11, 22)
NO_DECODER = {JPEGLSLossless, JPEGExtended12Bit}
PRECIOUS = "notes.txt"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("demo")
    return make_main(base / "main", TODAY), make_outside(base / "outside", TODAY)


def by_study(folder):
    found = defaultdict(list)
    for path in sorted(folder.rglob("*.dcm")):
        ds = dcmread(path, stop_before_pixels=True)
        found[int(ds.StudyInstanceUID.removeprefix(f"{ROOT}."))].append(ds)
    return found


@pytest.fixture(scope="module")
def main(folders):
    return by_study(folders[0])


@pytest.fixture(scope="module")
def outside(folders):
    return by_study(folders[1])


def test_there_are_five_patients_and_more_than_twelve_studies(main, outside):
    assert len(PATIENTS) == 5
    assert len(main) + len(outside) >= 12
    assert {ds.IssuerOfPatientID for study in main.values() for ds in study} == {"HOSP"}
    assert {ds.IssuerOfPatientID for study in outside.values() for ds in study} == {"RIVERSIDE"}


def test_the_recorded_patients_are_those_of_the_images(main):
    seen = {(ds.PatientID, str(ds.PatientName)) for study in main.values() for ds in study}
    for patient in (OKAFOR, LINDQVIST, NAKAMURA, BROWN):
        assert (patient.identity.patient_id, patient.name) in seen
    assert MEYER.identity.patient_id not in {patient_id for patient_id, _ in seen}


def test_the_chest_ct_has_scouts_slices_and_a_report(main):
    series = defaultdict(int)
    for ds in main[1]:
        series[ds.Modality, ds.SeriesNumber] += 1
    assert series == {("CT", 1): 2, ("CT", 2): 120, ("SR", 3): 1, ("KO", 4): 1}


def test_two_selections_name_images_of_their_own_study(main):
    titles = {}
    for number in (1, 7):
        own = {ds.SOPInstanceUID for ds in main[number]}
        (selection,) = [ds for ds in main[number] if ds.Modality == "KO"]
        named = [
            item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
            for item in selection.ContentSequence
            if item.ValueType == "IMAGE"
        ]
        titles[selection.ConceptNameCodeSequence[0].CodeMeaning] = len(named)
        assert set(named) <= own
    assert titles == {"Of Interest": 2, "Rejected for Quality Reasons": 1}


def test_the_slices_of_a_head_are_not_numbered_in_the_order_in_which_they_lie(main):
    slices = sorted((ds for ds in main[7] if ds.SeriesNumber == 1), key=lambda ds: ds.InstanceNumber)
    heights = [float(ds.ImagePositionPatient[2]) for ds in slices]
    assert len(set(heights)) == 24
    assert heights[:12] == sorted(heights[:12]) == sorted(heights)[::2]


def test_the_promised_kinds_of_images_are_there(main):
    assert [ds.PhotometricInterpretation for ds in main[2]] == ["MONOCHROME1"] * 2
    assert (main[3][0].NumberOfFrames, main[3][0].PhotometricInterpretation) == (32, "RGB")
    assert len(main[5]) < 120
    assert len(main[7]) == 73
    assert len({ds.file_meta.TransferSyntaxUID for ds in main[8]}) >= 5


def test_one_study_is_undated_and_one_older_than_a_year(main):
    assert {number for number, study in main.items() if not study[0].StudyDate} == {6}
    year_ago = f"{TODAY - timedelta(days=365):%Y%m%d}"
    assert {n for n, study in main.items() if "" < study[0].StudyDate < year_ago} == {5, 10}


def test_browns_id_also_carries_other_people(main):
    told = {
        (str(s[0].PatientName), s[0].PatientBirthDate) for s in main.values() if s[0].PatientID == "4419350"
    }
    assert told == {("BROWN^Jon", "19610309"), ("BROWN^Jon", "19360903"), ("GREEN^Peter", "19610309")}


def test_the_outside_provider_shares_a_study_and_has_a_swapped_year(main, outside):
    assert set(main) & set(outside) == {2}
    assert outside[2][0].PatientID == "RR-20931"
    assert "19570714" in {study[0].PatientBirthDate for study in outside.values()}
    assert any(str(study[0].PatientName) == LINDQVIST.name for study in outside.values())


def test_every_uid_is_ours_valid_and_used_once(main, outside):
    for archive in (main, outside):
        uids = [ds.SOPInstanceUID for study in archive.values() for ds in study]
        assert len(uids) == len(set(uids))
        assert all(UID(uid).is_valid and uid.startswith(f"{ROOT}.") for uid in uids)


def test_the_file_meta_information_agrees_with_the_data_set(main, outside):
    for ds in (ds for archive in (main, outside) for study in archive.values() for ds in study):
        assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
        assert ds.file_meta.MediaStorageSOPClassUID == ds.SOPClassUID


def test_nothing_of_the_samples_patients_is_left(folders):
    for path in (folders[0] / "study-8").rglob("*.dcm"):
        ds = dcmread(path)
        assert str(ds.PatientName) == LINDQVIST.name
        assert {elem.tag.group for elem in ds} <= {0x0008, 0x0010, 0x0018, 0x0020, 0x0028, 0x7FE0}
        assert b"CompressedSamples" not in path.read_bytes()


def test_pictures_can_be_decoded_where_a_decoder_is_installed(folders):
    decoded = 0
    for folder in folders:
        for path in sorted(folder.rglob("*.dcm"))[::5] + sorted((folder / "study-8").rglob("*.dcm")):
            ds = dcmread(path)
            if "PixelData" in ds and ds.file_meta.TransferSyntaxUID not in NO_DECODER:
                assert ds.pixel_array.std() > 0, path
                decoded += 1
    assert decoded > 50


def test_the_set_is_made_once_a_month(folders, monkeypatch):
    main, _ = folders
    monkeypatch.setattr(studies, "main_studies", lambda _: pytest.fail("made again"))
    assert make_main(main, TODAY) == main
    monkeypatch.setattr(studies, "outside_studies", lambda _: iter(()))
    assert make_outside(main.parent / "other", TODAY) == main.parent / "other"
    before = (main.parent / "other" / studies.STAMP).read_text()
    make_outside(main.parent / "other", TODAY + timedelta(days=30))
    assert (main.parent / "other" / studies.STAMP).read_text() != before


def test_an_interrupted_making_leaves_nothing_behind(tmp_path, monkeypatch):
    def breaks(_):
        yield instance(SeriesHead(StudyHead(1, OKAFOR, TODAY, "Half"), 1, "CT", "Half"), 1)
        raise KeyboardInterrupt

    monkeypatch.setattr(studies, "main_studies", breaks)
    with pytest.raises(KeyboardInterrupt):
        make_main(tmp_path / "main", TODAY)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_somebody_elses_is_never_replaced(tmp_path):
    (tmp_path / PRECIOUS).write_text("mine")
    with pytest.raises(FileExistsError):
        make_main(tmp_path, TODAY)
    assert (tmp_path / PRECIOUS).read_text() == "mine"


def test_the_pictures_are_the_same_every_time(tmp_path, folders):
    again = make_outside(tmp_path / "again", TODAY)
    for path in sorted(again.rglob("*.dcm"))[::9]:
        other = folders[1] / path.relative_to(again)
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest()
