"""Every way in which the demo archive can misbehave.

What archives do in the field, and the words that act it out:

=========================================================  ==================================================
caps its answers, with a status or without a word          ``caps_answers(n, status)``
says 0xFF01 for a key that it does not know                asked with a key that it does not know
takes a wildcard in a date, or a bare "-", for an error    asked so
takes an empty or foreign id for every patient             ``ignores_patient_id()``
adds a wildcard to the id                                  ``matches_beginnings()``
wants every unique key above the level (0xA900)            asked without; ``answers(0xA900)``
refuses a key to match, such as ModalitiesInStudy          ``refuses_keys(...)``
leaves return keys and counts out                          ``omits_return_keys(...)``
answers once an image where once a study was asked         ``repeats_answers(n)``
counts wrongly; changes its count between tries            ``counts_wrong(n)``; ``archive.add()``
dates of zeros or dots                                     ``answers_with(StudyDate="00000000")``
ids padded, in other case; another issuer                  ``answers_with(...)``, ``answers_with_issuer()``
a character set that is absent or not the one meant        ``claims_charset(...)``
no InstanceNumber 1, an order of its own                   ``shuffles()``
streams answers, or "pending", without an end              ``reports_pending_for_ever()``
lists a study no longer                                    ``archive.remove(study_uid)``
no C-GET; a C-GET that always fails                        ``refuses_get()``, ``answers(0xA702, Kind.GET)``
no UID lists; no request at a level                        ``refuses_uid_lists()``, ``refuses_level(level)``
fails where reports are offered compressed                 ``shuns_compressed_reports()``
accepts compressed images, then crashes                    ``breaks_on_compressed()``
does not know the destination, by a status or silently     ``unknown_destination()``, ``moves_to_nobody()``
no originator in the C-STORE of a C-MOVE                   ``hides_originator()``
images after the final response of a C-MOVE                ``sends_late(seconds)``
success with 0 of 0; success though all failed             ``claims_success_but_sends_nothing()``,
                                                           ``fails_all_with_success()``
some fail; fewer come than it says                         ``fails_some(n)``, ``leaves_out(n)``
nearline: nothing now, everything after a while            ``offline(then_after=seconds)``
takes no notice of a C-CANCEL                              ``ignores_cancel()``
drops the line: after n, or after seconds                  ``drops_after(n)``, ``drops_after_seconds(s)``
drops the line after n, and is away from then on           ``breaks_down_after(n)``
allows few associations (transient rejection)              ``takes_at_most(n)``
unknown titles, refusals for good or for now               ``refuses_association(reason)``
hangs: on opening, in the middle; is slow                  ``hangs()``, ``hangs_in_get()``, ``slow()``,
                                                           ``throttled(bytes_per_second)``
ids of several patients inside one study                   ``sends_someone_else()``
another study of the patient besides; everything twice     ``sends_foreign_instances(n)``, ``sends_twice()``
an instance that nobody asked for, or a hostile UID        ``wrong_uid(uid)``
images without pixels                                      ``no_pixel_data()``, ``empty_pixel_data()``
bytes of another syntax than agreed; a PDU of 4 GiB        ``mislabels_syntax()``, ``claims_giant_pdu()``
it does so at first only                                   ``first(n, how)``
=========================================================  ==================================================
"""

import time
import urllib.request
from io import BytesIO
from threading import Thread

import pytest
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.dsutils import decode
from requestor import (
    CT,
    HELD,
    PLAIN,
    VERIFICATION,
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
from preview.demo.behaviour import Kind, Stranger
from preview.demo.contexts import FIND_MODEL, GET_MODEL, MOVE_MODEL


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("calling", (1, 1, 3)), ("called", (1, 1, 7)), ("busy", (2, 3, 2)), ("permanent", (1, 1, 1))],
)
def test_it_refuses_the_association_for_the_reason_named(archive, reason, expected):
    archive.behave(b.refuses_association(reason))
    assert rejection(connect(archive.port)) == expected


def test_it_hangs_before_the_association_until_it_behaves_well(archive):
    archive.behave(b.hangs())
    started = time.monotonic()
    assert not connect(archive.port).is_established
    assert time.monotonic() - started >= 1.4
    archive.behave_well()
    assert studies(archive, PatientID="P2") == {"4"}


def test_it_hangs_in_the_middle_of_a_find(archive):
    archive.behave(b.hangs_in_find(after=1))
    rows, status = find(archive, StudyInstanceUID="")
    assert (len(rows), status) == (1, None)
    archive.behave(b.hangs_in_find())
    assert find(archive, StudyInstanceUID="9.9") == ([], None)


def test_it_hangs_in_the_middle_of_a_get(archive):
    archive.behave(b.hangs_in_get(after=2))
    arrived, _, last = get(archive, StudyInstanceUID="1.2.1")
    assert (len(arrived), last.get("Status")) == (2, None)


def test_it_drops_the_line(archive):
    archive.behave(b.drops_after(2))
    arrived, _, last = get(archive, StudyInstanceUID="1.2.1")
    assert (len(arrived), last.get("Status")) == (2, None)
    assert len(studies(archive)) == 5
    archive.behave(b.drops_after(3, Kind.FIND))
    rows, status = find(archive, StudyInstanceUID="")
    assert (len(rows), status) == (3, None)


def test_it_breaks_down_until_it_is_told_otherwise(archive):
    archive.behave(b.breaks_down_after(2))
    arrived, _, last = get(archive, StudyInstanceUID="1.2.1")
    assert (len(arrived), last.get("Status")) == (2, None)
    with pytest.raises(AssertionError):
        get(archive, StudyInstanceUID="1.2.1")
    archive.behave_well()
    assert get(archive, StudyInstanceUID="1.2.1")[2].Status == 0


def test_it_claims_success_and_sends_nothing(archive):
    archive.behave(b.claims_success_but_sends_nothing())
    arrived, replies, last = get(archive, StudyInstanceUID="1.2.1")
    assert (arrived, len(replies), last.Status, last.NumberOfCompletedSuboperations) == ([], 1, 0, 0)
    assert len(studies(archive)) == 5


@pytest.mark.parametrize("how", Stranger)
def test_it_sends_someone_else(archive, how):
    archive.behave(b.sends_someone_else(how))
    arrived, _, last = get(archive, StudyInstanceUID="1.2.1")
    commanded = {uid for uid, _, _ in arrived}
    (stranger,) = [(uid, ds) for uid, _, ds in arrived if ds.PatientID != "P1"]
    assert (last.Status, stranger[1].StudyInstanceUID) == (0, "1.2.4")
    assert {f"1.2.1.1.{n}" for n in (1, 2, 3, 4)} <= commanded
    assert (stranger[0] == stranger[1].SOPInstanceUID) is (how is not Stranger.COMMAND_LIES)
    assert len(arrived) == 6 + (how is Stranger.EXTRA)


@pytest.mark.parametrize("status", [0xA702, 0xA700, 0xA900, 0xC000, 0x0122])
def test_it_answers_with_any_status(archive, status):
    archive.behave(b.answers(status))
    assert find(archive, StudyInstanceUID="") == ([], status)
    arrived, _, last = get(archive, StudyInstanceUID="1.2.1")
    assert (arrived, last.Status) == ([], status)


def test_a_status_can_be_for_one_kind_of_question_only(archive):
    archive.behave(b.answers(0xA702, Kind.GET))
    assert len(studies(archive)) == 5
    assert get(archive, StudyInstanceUID="1.2.1")[2].Status == 0xA702


def test_it_leaves_instances_out_and_counts_them_as_completed(archive):
    archive.behave(b.leaves_out(2))
    arrived, _, last = get(archive, StudyInstanceUID="1.2.1")
    assert (len(arrived), last.Status) == (4, 0)
    assert (last.NumberOfCompletedSuboperations, last.NumberOfFailedSuboperations) == (6, 0)


def test_it_leaves_instances_out_and_admits_it(archive):
    archive.behave(b.leaves_out(2, admits=True))
    arrived, _, last = get(archive, StudyInstanceUID="1.2.1")
    assert (len(arrived), last.Status) == (4, 0xB000)
    assert (last.NumberOfCompletedSuboperations, last.NumberOfFailedSuboperations) == (4, 2)


def test_it_ignores_the_patient_id(archive):
    archive.behave(b.ignores_patient_id())
    assert studies(archive, PatientID="P1") == {"1", "2", "3", "4", "9"}


def test_it_caps_its_answers(archive):
    archive.behave(b.caps_answers(2))
    assert len(studies(archive)) == 2
    archive.behave(b.caps_answers(2, 0xA700))
    rows, status = find(archive, StudyInstanceUID="")
    assert (len(rows), status) == (2, 0xA700)


def test_it_refuses_get_and_nothing_else(archive):
    archive.behave(b.refuses_get())
    with connected(archive) as assoc:
        accepted = {cx.abstract_syntax for cx in assoc.accepted_contexts}
    assert accepted == {VERIFICATION, FIND_MODEL, MOVE_MODEL}


def test_it_is_slow(archive):
    archive.behave(b.slow(0.1))
    started = time.monotonic()
    assert len(studies(archive)) == 5
    assert time.monotonic() - started >= 0.5


def test_it_omits_return_keys(archive):
    archive.behave(b.omits_return_keys("ModalitiesInStudy", "NumberOfStudyRelatedInstances"))
    rows, _ = find(archive, StudyInstanceUID="1.2.1", ModalitiesInStudy="", NumberOfStudyRelatedInstances="")
    assert "ModalitiesInStudy" not in rows[0]
    assert "NumberOfStudyRelatedInstances" not in rows[0]


def test_it_answers_with_another_issuer(archive):
    archive.behave(b.answers_with_issuer("ELSEWHERE"))
    rows, _ = find(archive, PatientID="P1", IssuerOfPatientID="")
    assert {row.IssuerOfPatientID for row in rows} == {"ELSEWHERE"}


def test_two_behaviours_go_together():
    both = b.slow(0.1) & b.caps_answers(3)
    assert (both.seconds_per_message, both.cap) == (0.1, 3)


def test_a_closed_port_and_a_web_server_are_no_archives():
    with b.nothing_listens() as port:
        assert not connect(port).is_established
    with b.not_dicom() as port:
        assert not connect(port).is_established
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2)


def test_stopping_is_quick_even_while_it_hangs():
    archive = Archive("MAIN").start()
    archive.behave(b.hangs())
    ae = AE("TESTER")
    ae.acse_timeout = 0.3
    ae.add_requested_context(VERIFICATION)
    ae.associate("127.0.0.1", archive.port, ae_title="MAIN")
    started = time.monotonic()
    archive.stop()
    assert time.monotonic() - started < 1
    assert not connect(archive.port).is_established


# Associations


def test_it_takes_so_many_associations_at_once_and_rejects_the_next_for_now(archive):
    archive.behave(b.takes_at_most(2))
    before = archive.most_at_once
    with connected(archive), connected(archive) as second:
        assert rejection(connect(archive.port)) == (2, 3, 2)
        second.release()
        with connected(archive) as again:
            assert again.send_c_echo().Status == 0
    assert archive.most_at_once == max(before, 2)


def test_it_drops_the_line_after_a_while_whatever_is_under_way(archive):
    archive.behave(b.drops_after_seconds(1) & b.slow(0.3))
    arrived, _, last = get(archive, StudyInstanceUID="1.2.1")
    assert 0 < len(arrived) < 6
    assert "Status" not in last


def test_it_refuses_any_service(archive):
    archive.behave(b.refuses_services(Kind.MOVE, Kind.FIND))
    with connected(archive) as assoc:
        accepted = {cx.abstract_syntax for cx in assoc.accepted_contexts}
    assert accepted == {VERIFICATION, GET_MODEL}


def test_it_hangs_up_where_a_report_is_offered_compressed(archive):
    archive.behave(b.shuns_compressed_reports())
    report = "1.2.840.10008.5.1.4.1.1.88.11"
    assert connect(archive.port, [*PLAIN, (CT, JPEG2000), (report, ExplicitVRLittleEndian)]).is_established
    assert connect(archive.port, [(report, JPEG2000)]).is_aborted


def test_it_sends_no_faster_than_it_is_told_over_each_association():
    slices = [instance(1, 1, n, Rows=256, Columns=256, PixelData=bytes(131_072)) for n in range(1, 5)]
    with Archive("MAIN", datasets=slices).start() as archive:
        archive.behave(b.throttled(1_000_000))
        began = time.monotonic()
        threads = [Thread(target=get, args=(archive,), kwargs={"StudyInstanceUID": "1.2.1"}) for _ in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert 0.45 < time.monotonic() - began < 3  # both at once: half a megabyte each


# Questions


def test_it_refuses_lists_of_uids(archive):
    archive.behave(b.refuses_uid_lists())
    below = {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1"}
    several = ["1.2.1.1.1", "1.2.1.1.2"]
    assert get(archive, "IMAGE", SOPInstanceUID=several, **below)[2].Status == 0xA900
    assert find(archive, "IMAGE", SOPInstanceUID=several, **below) == ([], 0xA900)
    assert len(get(archive, "IMAGE", SOPInstanceUID="1.2.1.1.1", **below)[0]) == 1


def test_it_refuses_a_level_of_retrievals_only_or_of_finds_only(archive):
    below = {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1", "SOPInstanceUID": "1.2.1.1.1"}
    archive.behave(b.refuses_level("IMAGE"))
    assert get(archive, "IMAGE", **below)[2].Status == 0xA900
    assert len(find(archive, "IMAGE", **below)[0]) == 1
    archive.behave(b.refuses_level("IMAGE", Kind.FIND) & b.refuses_level("SERIES"))
    assert len(get(archive, "IMAGE", **below)[0]) == 1
    assert find(archive, "IMAGE", **below) == ([], 0xA900)
    below.pop("SOPInstanceUID")
    assert get(archive, "SERIES", **below)[2].Status == 0xA900


def test_it_refuses_to_match_a_key(archive):
    archive.behave(b.refuses_keys("ModalitiesInStudy"))
    assert find(archive, StudyInstanceUID="", ModalitiesInStudy="CT") == ([], 0xC000)
    assert len(studies(archive, ModalitiesInStudy="")) == 5


def test_it_behaves_so_towards_the_first_requests_only(archive):
    archive.behave(b.first(1, b.claims_success_but_sends_nothing()))
    assert len(studies(archive)) == 5
    assert [len(get(archive, StudyInstanceUID="1.2.1")[0]) for _ in range(2)] == [0, 6]
    archive.behave(b.first(2, b.refuses_association("busy"), Kind.ASSOCIATION))
    assert [connect(archive.port).is_established for _ in range(3)] == [False, False, True]


def test_it_is_pending_for_ever(archive):
    archive.behave(b.reports_pending_for_ever())
    with connected(archive, contexts=PLAIN) as assoc:
        replies = assoc.send_c_get(keys("STUDY", StudyInstanceUID="1.2.1"), GET_MODEL)
        seen = [next(replies)[0] for _ in range(10)]
        assoc.abort()
    assert {status.Status for status in seen} == {0xFF00}
    archive.behave(b.reports_pending_for_ever(Kind.FIND))
    with connected(archive) as assoc:
        replies = assoc.send_c_find(keys("STUDY", StudyInstanceUID=""), FIND_MODEL)
        assert {next(replies)[0].Status for _ in range(50)} == {0xFF00}
        assoc.abort()


def test_it_ignores_a_cancel(archive):
    archive.behave(b.ignores_cancel() & b.slow(0.05))
    with connected(archive) as assoc:
        statuses = []
        for status, _ in assoc.send_c_find(keys("STUDY", StudyInstanceUID=""), FIND_MODEL, msg_id=7):
            statuses.append(status.Status)
            if len(statuses) == 1:
                assoc.send_c_cancel(7, query_model=FIND_MODEL)
    assert statuses == [0xFF00] * 5 + [0x0000]


# Finds


def test_it_adds_a_wildcard_to_the_patient_id(archive):
    archive.behave(b.matches_beginnings())
    assert studies(archive, PatientID="P") == {"1", "2", "3", "4", "9"}


def test_it_counts_wrong(archive):
    archive.behave(b.counts_wrong(3))
    rows, _ = find(archive, StudyInstanceUID="1.2.1", NumberOfStudyRelatedInstances="")
    assert rows[0].NumberOfStudyRelatedInstances == 9
    archive.behave_well()
    rows, _ = find(archive, StudyInstanceUID="1.2.1", NumberOfStudyRelatedInstances="")
    assert rows[0].NumberOfStudyRelatedInstances == 6


def test_it_answers_with_anything_and_holds_on_to_the_truth(archive):
    archive.behave(b.answers_with_dates("00000000") & b.answers_with(PatientID=" p1 ", StudyID="7"))
    rows, _ = find(archive, StudyInstanceUID="1.2.1", StudyDate="", PatientID="")
    assert (rows[0].StudyDate, rows[0].PatientID.strip(), rows[0].StudyID) == ("00000000", "p1", "7")
    archive.behave_well()
    rows, _ = find(archive, StudyInstanceUID="1.2.1", StudyDate="", PatientID="")
    assert (rows[0].StudyDate, rows[0].PatientID) == ("20260301", "P1")


@pytest.mark.parametrize("charset", ["", "ISO_IR 100"])
def test_it_claims_another_character_set_than_that_of_its_bytes(archive, charset):
    archive.behave(b.claims_charset(charset))
    rows, _ = find(archive, StudyInstanceUID="1.2.9", PatientName="")
    assert rows[0].get("SpecificCharacterSet", "") == charset
    assert str(rows[0].PatientName).encode("latin-1").decode() == "LINDQVIST^Göran"


def test_it_answers_once_an_image(archive):
    archive.behave(b.repeats_answers(6))
    rows, _ = find(archive, StudyInstanceUID="1.2.1")
    assert [row.StudyInstanceUID for row in rows] == ["1.2.1"] * 6


def test_its_answers_and_instances_have_an_order_of_their_own(archive):
    archive.behave(b.shuffles())
    below = {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1"}
    found = [row.SOPInstanceUID for row in find(archive, "IMAGE", **below)[0]]
    came = [uid for uid, _, _ in get(archive, "SERIES", **below)[0]]
    assert found == came != sorted(came)


def test_a_study_can_go_and_grow():
    with Archive("MAIN", datasets=HELD).start() as archive:
        archive.add(instance(2, 1, 2))
        rows, _ = find(archive, StudyInstanceUID="1.2.2", NumberOfStudyRelatedInstances="")
        assert rows[0].NumberOfStudyRelatedInstances == 2
        archive.remove("1.2.2")
        assert "2" not in studies(archive)


# Retrievals


def test_some_fail_and_are_named(archive):
    archive.behave(b.fails_some(2))
    arrived, _, last = get(archive, StudyInstanceUID="1.2.1")
    assert (len(arrived), last.Status) == (4, 0xB000)
    assert (last.NumberOfCompletedSuboperations, last.NumberOfFailedSuboperations) == (4, 2)
    assert failed(archive) == {"1.2.1.2.1", "1.2.1.2.2"}
    archive.behave(b.fails_some(2) & b.names_no_failures())
    assert failed(archive) == set()


def failed(archive):
    """What the final response names as failed."""
    with connected(archive, contexts=PLAIN, handlers=[(evt.EVT_C_STORE, lambda _: 0x0000)]) as assoc:
        replies = list(assoc.send_c_get(keys("STUDY", StudyInstanceUID="1.2.1"), GET_MODEL))
    identifier = replies[-1][1]
    return set(identifier.get("FailedSOPInstanceUIDList", ())) if identifier else set()


def test_all_fail_and_it_calls_that_a_success(archive):
    archive.behave(b.fails_all_with_success())
    arrived, _, last = get(archive, StudyInstanceUID="1.2.1")
    assert (arrived, last.Status) == ([], 0x0000)
    assert (last.NumberOfCompletedSuboperations, last.NumberOfFailedSuboperations) == (0, 6)


def test_it_may_keep_its_counts_and_its_progress_to_itself(archive):
    archive.behave(b.says_no_counts() & b.says_nothing_between())
    arrived, replies, last = get(archive, StudyInstanceUID="1.2.1")
    assert (len(arrived), len(replies), last.Status) == (6, 1, 0)
    assert "NumberOfCompletedSuboperations" not in last
    archive.behave_well()
    assert get(archive, StudyInstanceUID="1.2.1")[2].NumberOfCompletedSuboperations == 6


def test_it_is_offline_until_the_tape_is_there(archive):
    archive.behave(b.offline(then_after=0.5))
    rows, _ = find(archive, StudyInstanceUID="1.2.1", InstanceAvailability="")
    assert rows[0].InstanceAvailability == "NEARLINE"
    assert (len(get(archive, StudyInstanceUID="1.2.1")[0])) == 0
    time.sleep(0.6)
    assert (len(get(archive, StudyInstanceUID="1.2.1")[0])) == 6
    archive.behave_well()
    assert find(archive, InstanceAvailability="")[0][0].InstanceAvailability == "ONLINE"


def test_it_sends_instances_of_another_study_besides(archive):
    archive.behave(b.sends_foreign_instances(2))
    arrived, _, last = get(archive, StudyInstanceUID="1.2.1")
    foreign = [(uid, ds) for uid, _, ds in arrived if ds.StudyInstanceUID != "1.2.1"]
    assert (len(arrived), len(foreign), last.Status) == (8, 2, 0)
    assert {ds.PatientID for _, ds in foreign} == {"P1"}
    assert all(uid == ds.SOPInstanceUID for uid, ds in foreign)


def test_it_sends_everything_twice(archive):
    archive.behave(b.sends_twice())
    arrived, _, last = get(archive, StudyInstanceUID="1.2.1")
    assert (len(arrived), len({uid for uid, _, _ in arrived})) == (12, 6)
    assert last.NumberOfCompletedSuboperations == 12


@pytest.mark.parametrize("uid", ["2.25.999", "../../etc/passwd", "1." * 31 + "1"])
def test_the_command_names_an_instance_that_nobody_asked_for(archive, uid):
    archive.behave(b.wrong_uid(uid))
    commanded = [one for one, _, _ in get(archive, StudyInstanceUID="1.2.1")[0]]
    assert (commanded.count(uid), len(commanded)) == (1, 6)


def test_images_come_without_pixels(archive):
    archive.behave(b.no_pixel_data())
    assert not any("PixelData" in ds for _, _, ds in get(archive, StudyInstanceUID="1.2.1")[0])
    archive.behave(b.empty_pixel_data())
    assert not any(ds.PixelData for _, _, ds in get(archive, StudyInstanceUID="1.2.1")[0])


def test_the_bytes_are_not_of_the_syntax_agreed(archive):
    archive.behave(b.mislabels_syntax())
    came = []

    def on_store(event):
        came.append(event.request.DataSet.getvalue())
        return 0x0000

    with connected(archive, contexts=PLAIN, handlers=[(evt.EVT_C_STORE, on_store)]) as assoc:
        list(assoc.send_c_get(keys("STUDY", StudyInstanceUID="1.2.2"), GET_MODEL))
    assert decode(BytesIO(came[0]), True, True).StudyInstanceUID == "1.2.2"


def test_it_breaks_where_it_has_to_send_a_compressed_object(archive):
    archive.behave(b.breaks_on_compressed())
    arrived, _, last = get(archive, contexts=[*PLAIN, (CT, JPEG2000)], StudyInstanceUID="1.2.9")
    assert (arrived, last.get("Status")) == ([], None)
    assert len(get(archive, StudyInstanceUID="1.2.1")[0]) == 6


def test_it_announces_a_pdu_of_four_gigabytes(archive, tmp_path):
    archive.behave(b.claims_giant_pdu())
    asked = ["-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.2.1"]
    said = dcmtk("getscu", archive.port, "-v", "-S", "-od", str(tmp_path), *asked)
    assert said.returncode != 0
    assert "PDU" in said.stderr + said.stdout
    assert not list(tmp_path.iterdir())


# C-MOVE


@pytest.fixture
def peer(archive):
    with Archive("PEER").start() as running:
        archive.peers["PEER"] = ("127.0.0.1", running.port)
        yield running


def move(archive, study="1.2.1", to="PEER"):
    with connected(archive) as assoc:
        replies = list(assoc.send_c_move(keys("STUDY", StudyInstanceUID=study), to, MOVE_MODEL))
    return replies[-1][0]


def test_it_moves_to_nobody(archive, peer):
    archive.behave(b.moves_to_nobody())
    for destination in ("PEER", "NOBODY"):
        last = move(archive, to=destination)
        assert (last.Status, last.NumberOfCompletedSuboperations) == (0, 6)
    assert not peer.requests


def test_it_does_not_know_the_destination(archive, peer):
    archive.behave(b.unknown_destination())
    assert move(archive).Status == 0xA801
    assert len(get(archive, StudyInstanceUID="1.2.1")[0]) == 6


def test_half_of_a_move_comes_late(archive, peer):
    archive.behave(b.sends_late(0.4))
    last = move(archive)
    assert (last.Status, last.NumberOfCompletedSuboperations) == (0, 6)
    assert len(peer.asked(Kind.STORE)) == 3
    time.sleep(1)
    assert len(peer.asked(Kind.STORE)) == 6


def test_it_does_not_say_which_move_an_image_belongs_to(archive):
    named = []

    def on_store(event):
        named.append(event.request.MoveOriginatorMessageID)
        return 0x0000

    ae = AE("TAKER")
    ae.add_supported_context(CT)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    archive.peers["TAKER"] = ("127.0.0.1", server.socket.getsockname()[1])
    move(archive, "1.2.2", "TAKER")
    archive.behave(b.hides_originator())
    move(archive, "1.2.2", "TAKER")
    server.shutdown()
    assert named[0] is not None
    assert named[1] is None


def test_it_hangs_and_drops_in_the_middle_of_a_move(archive, peer):
    archive.behave(b.drops_after(2, Kind.MOVE))
    assert "Status" not in move(archive)
    archive.behave(b.hangs_in_move(after=1))
    assert "Status" not in move(archive)
    archive.behave_well()
    assert move(archive).Status == 0
