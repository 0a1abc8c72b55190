"""The demo archive as a requestor sees it: matching, retrieval, and as a program."""

import os
import signal
import subprocess
import sys
import time

import pytest
from pydicom.uid import (
    JPEG2000,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import AE, evt
from requestor import (
    CT,
    HELD,
    PLAIN,
    connect,
    connected,
    dcmtk,
    find,
    get,
    instance,
    keys,
    rejection,
    studies,
)

from preview.demo import behaviour as b
from preview.demo.archive import Archive
from preview.demo.behaviour import Kind
from preview.demo.contexts import FIND_MODEL, GET_MODEL, MOVE_MODEL
from preview.demo.matching import BadKey, matches

# Matching


@pytest.mark.parametrize(
    ("keyword", "wanted", "present", "expected"),
    [
        ("PatientID", "P1", ("P1",), True),
        ("PatientID", "p1", ("P1",), False),
        ("PatientID", "P", ("P1",), False),
        ("PatientID", "P*", ("P1",), True),
        ("PatientID", "P?", ("P1",), True),
        ("PatientID", "P?", ("P12",), False),
        ("PatientID", "", (), True),
        ("PatientID", "*", (), True),
        ("PatientID", "P.", ("P1",), False),
        ("PatientName", "okafor*", ("OKAFOR^Adaeze",), True),
        ("PatientName", "okafor", ("OKAFOR^Adaeze",), False),
        ("PatientName", "中村^花子", ("Nakamura^Hanako=中村^花子",), True),
        ("StudyDate", "20260101-20261231", ("20260301",), True),
        ("StudyDate", "20260302-", ("20260301",), False),
        ("StudyDate", "-20260301", ("20260301",), True),
        ("StudyDate", "-20260301", (), False),
        ("StudyDate", "20260101-", ("",), False),
        ("StudyTime", "1015", ("101559",), True),
        ("ModalitiesInStudy", "MR", ("CT", "MR"), True),
        ("StudyInstanceUID", "1.2\\1.3", ("1.3",), True),
        ("StudyInstanceUID", "1.*", ("1.3",), False),
    ],
)
def test_keys_match_as_the_standard_says(keyword, wanted, present, expected):
    assert matches(keyword, wanted, present) is expected


@pytest.mark.parametrize("wanted", ["-", "2026*", "yesterday"])
def test_a_date_that_is_none_is_an_error(archive, wanted):
    with pytest.raises(BadKey):
        matches("StudyDate", wanted, ("20260301",))
    assert find(archive, StudyDate=wanted) == ([], 0xC000)


def test_a_patient_id_finds_exactly_that_patients_studies(archive):
    assert studies(archive, PatientID="P1") == {"1", "2", "3"}
    assert studies(archive, PatientID="P1", IssuerOfPatientID="OTHER") == set()
    assert studies(archive, PatientID="P") == set()
    assert studies(archive) == {"1", "2", "3", "4", "9"}


def test_a_date_range_leaves_undated_studies_out(archive):
    assert studies(archive, PatientID="P1", StudyDate="20240101-20261231") == {"1", "2"}
    assert studies(archive, PatientID="P1", StudyDate="20250102-") == {"1"}
    assert studies(archive, PatientID="P1", StudyDate="-20250101") == {"2"}
    assert studies(archive, PatientID="P1", StudyDate="") == {"1", "2", "3"}


def test_names_are_found_in_any_case_and_any_script(archive):
    assert studies(archive, PatientName="lindqvist^gör*") == {"9"}
    assert studies(archive, PatientName="中村*") == {"4"}
    rows, _ = find(archive, PatientName="", StudyInstanceUID="1.2.4")
    assert str(rows[0].PatientName) == "Nakamura^Hanako=中村^花子=なかむら^はなこ"


def test_a_japanese_name_travels_in_its_own_character_set():
    name = "NAKAMURA^Hanako=中村^花子=なかむら^はなこ"
    held = instance(1, 1, 1, name=name, SpecificCharacterSet=["", "ISO 2022 IR 87"])
    with Archive("MAIN", datasets=[held]).start() as archive:
        rows, _ = find(archive, PatientName="中村*")
    assert str(rows[0].PatientName) == name
    assert list(rows[0].SpecificCharacterSet) == ["", "ISO 2022 IR 87"]


def test_the_return_keys_asked_for_come_back_and_no_others(archive):
    rows, _ = find(
        archive,
        StudyInstanceUID="1.2.1",
        ModalitiesInStudy="",
        NumberOfStudyRelatedSeries="",
        NumberOfStudyRelatedInstances="",
        AccessionNumber="",
    )
    (row,) = rows
    assert list(row.ModalitiesInStudy) == ["CT", "MR"]
    assert (row.NumberOfStudyRelatedSeries, row.NumberOfStudyRelatedInstances) == (2, 6)
    assert row.AccessionNumber == ""
    assert row.SpecificCharacterSet == "ISO_IR 192"
    assert "PatientID" not in row


def test_series_and_images_are_found_below_their_study(archive):
    rows, _ = find(
        archive, "SERIES", StudyInstanceUID="1.2.1", Modality="", NumberOfSeriesRelatedInstances=""
    )
    assert [(row.Modality, row.NumberOfSeriesRelatedInstances) for row in rows] == [("CT", 4), ("MR", 2)]
    rows, _ = find(archive, "IMAGE", StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.2", InstanceNumber="")
    assert [(row.SOPInstanceUID, row.InstanceNumber) for row in rows] == [("1.2.1.2.1", 1), ("1.2.1.2.2", 2)]


def test_a_missing_unique_key_is_a_mismatch(archive):
    assert find(archive, "SERIES", Modality="CT") == ([], 0xA900)
    assert find(archive, "IMAGE", StudyInstanceUID="1.2.1") == ([], 0xA900)
    assert find(archive, "PATIENT", PatientID="P1") == ([], 0xA900)
    assert get(archive, "SERIES", SeriesInstanceUID="1.2.1.1")[2].Status == 0xA900


def test_a_key_it_does_not_know_is_said_to_be_unsupported(archive):
    with connected(archive) as assoc:
        query = keys("STUDY", StudyInstanceUID="1.2.1", PatientComments="anything")
        assert next(iter(assoc.send_c_find(query, FIND_MODEL)))[0].Status == 0xFF01


def test_a_cancel_ends_a_find(archive):
    archive.behave(b.slow(0.05))
    with connected(archive) as assoc:
        statuses = []
        for status, _ in assoc.send_c_find(keys("STUDY", StudyInstanceUID=""), FIND_MODEL, msg_id=7):
            statuses.append(status.Status)
            if len(statuses) == 1:
                assoc.send_c_cancel(7, query_model=FIND_MODEL)
    assert statuses[-1] == 0xFE00
    assert len(statuses) < 5


def test_it_remembers_what_it_was_asked_and_by_whom(archive):
    find(archive, PatientID="P1", StudyDate="20260101-")
    (asked,) = archive.requests
    assert (asked.kind, asked.level, asked.calling) == (Kind.FIND, "STUDY", "TESTER")
    assert asked.keys["PatientID"] == "P1"
    assert asked.keys["StudyDate"] == "20260101-"


# Retrieval


def test_a_study_arrives_whole_with_true_counts(archive):
    arrived, replies, last = get(archive, StudyInstanceUID="1.2.1")
    assert len(arrived) == 6
    assert [r.NumberOfRemainingSuboperations for r in replies[:-1]] == [5, 4, 3, 2, 1, 0]
    assert [r.NumberOfCompletedSuboperations for r in replies[:-1]] == [1, 2, 3, 4, 5, 6]
    assert (last.Status, last.NumberOfCompletedSuboperations, last.NumberOfFailedSuboperations) == (0, 6, 0)
    assert arrived[0][2].PixelData == HELD[0].PixelData


def test_single_instances_are_sent_by_a_list_of_uids(archive):
    uids = ["1.2.1.1.2", "1.2.1.1.4"]
    arrived, _, _ = get(
        archive, "IMAGE", StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.1", SOPInstanceUID=uids
    )
    assert [uid for uid, _, _ in arrived] == uids
    arrived, _, _ = get(archive, "SERIES", StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.2")
    assert len(arrived) == 2


def test_an_unknown_study_is_an_empty_success(archive):
    arrived, _, last = get(archive, StudyInstanceUID="9.9")
    assert (arrived, last.Status, last.NumberOfCompletedSuboperations) == ([], 0, 0)


def test_a_compressed_object_is_sent_untouched(archive):
    arrived, _, last = get(archive, contexts=[*PLAIN, (CT, JPEG2000)], StudyInstanceUID="1.2.9")
    assert last.Status == 0
    ((_, syntax, ds),) = arrived
    assert syntax == JPEG2000
    assert ds.PixelData == HELD[-1].PixelData


def test_a_compressed_object_fails_where_only_plain_ones_are_taken(archive):
    arrived, _, last = get(archive, StudyInstanceUID="1.2.9")
    assert (arrived, last.Status, last.NumberOfFailedSuboperations) == ([], 0xA702, 1)


def test_a_plain_object_is_converted_to_the_other_plain_syntax(archive):
    arrived, _, last = get(archive, contexts=[(CT, ImplicitVRLittleEndian)], StudyInstanceUID="1.2.2")
    ((_, syntax, ds),) = arrived
    assert (syntax, last.Status) == (ImplicitVRLittleEndian, 0)
    assert ds.PixelData == HELD[6].PixelData


def test_a_move_sends_to_a_known_peer_only(archive):
    with Archive("PEER").start() as peer:
        archive.peers["PEER"] = ("127.0.0.1", peer.port)
        with connected(archive) as assoc:
            replies = list(assoc.send_c_move(keys("STUDY", StudyInstanceUID="1.2.1"), "PEER", MOVE_MODEL))
            assert (replies[-1][0].Status, replies[-1][0].NumberOfCompletedSuboperations) == (0, 6)
            assert len(peer.asked(Kind.STORE)) == 6
            assert studies(peer) == {"1"}
            replies = list(assoc.send_c_move(keys("STUDY", StudyInstanceUID="1.2.9"), "PEER", MOVE_MODEL))
            assert replies[-1][0].Status == 0
            replies = list(assoc.send_c_move(keys("STUDY", StudyInstanceUID="1.2.1"), "NOBODY", MOVE_MODEL))
            assert replies[-1][0].Status == 0xA801


def test_what_is_pushed_can_be_found_and_fetched():
    with Archive("EMPTY").start() as archive:
        ae = AE("PUSHER")
        ae.add_requested_context(CT, ExplicitVRLittleEndian)
        assoc = ae.associate("127.0.0.1", archive.port, ae_title="EMPTY")
        assert assoc.send_c_store(HELD[0]).Status == 0
        assoc.release()
        assert studies(archive, PatientID="P1") == {"1"}


def test_only_known_callers_and_the_right_title_get_in():
    with Archive("MAIN", known_callers={"FRIEND"}).start() as archive:
        assert rejection(connect(archive.port)) == (1, 1, 3)
        assert rejection(connect(archive.port, calling="FRIEND", aet="OTHER")) == (1, 1, 7)
        with connected(archive, calling="FRIEND") as assoc:
            assert assoc.send_c_echo().Status == 0


def test_a_large_series_arrives_in_about_a_second():
    slices = [instance(1, 1, n, Rows=512, Columns=512, PixelData=bytes(512 * 512 * 2)) for n in range(1, 121)]
    count = []
    with Archive("MAIN", datasets=slices).start() as archive:
        handlers = [(evt.EVT_C_STORE, lambda event: count.append(event.request) or 0x0000)]
        with connected(archive, contexts=PLAIN, handlers=handlers) as assoc:
            started = time.monotonic()
            replies = list(assoc.send_c_get(keys("STUDY", StudyInstanceUID="1.2.1"), GET_MODEL))
            took = time.monotonic() - started
    assert replies[-1][0].NumberOfCompletedSuboperations == len(count) == 120
    assert took < 6, took  # about 1 s alone, both ends in one process; the machine may be busy


# As a program, and with DCMTK


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("held")
    for number, ds in enumerate(HELD):
        ds.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    command = [sys.executable, "-m", "preview.demo.archive", "--aet", "MAIN", "--port", "0"]
    command += ["--folder", str(folder), "--peer", "PEER=127.0.0.1:9"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    yield process, int(line.rsplit(":", 1)[1])
    process.kill()
    process.wait()


def test_dcmtk_can_ask_and_fetch(program, tmp_path):
    _, port = program
    assert dcmtk("echoscu", port).returncode == 0
    found = dcmtk(
        "findscu",
        port,
        "-S",
        "-k",
        "QueryRetrieveLevel=STUDY",
        "-k",
        "PatientID=P2",
        "-k",
        "StudyInstanceUID",
    )
    assert "1.2.4" in found.stdout + found.stderr
    asked = ["-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2.1"]
    fetched = dcmtk("getscu", port, "-S", "-od", str(tmp_path), *asked)
    assert fetched.returncode == 0, fetched.stderr
    assert len(list(tmp_path.iterdir())) == 6


def test_dcmtk_can_move(archive, tmp_path):
    with Archive("PEER").start() as peer:
        archive.peers["PEER"] = ("127.0.0.1", peer.port)
        asked = ["-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2.1"]
        moved = dcmtk("movescu", archive.port, "-S", "-aem", "PEER", *asked, cwd=tmp_path)
        assert moved.returncode == 0, moved.stderr
        assert len(peer.asked(Kind.STORE)) == 6


def test_the_program_ends_at_once_when_told_to(program):
    process, port = program
    open_line = connect(port)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=2) == 0
    open_line.abort()
