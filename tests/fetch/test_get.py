"""C-GET over one association, and the plan: what arrives, what is offered, what goes wrong."""

import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from peers import IMPATIENT, LOCAL, answer, answering, hangs_up, of, only_echoes, source
from peers import got as bring
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import (
    JPEG2000,
    BasicTextSRStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    MRImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    RLELossless,
    generate_uid,
)
from pynetdicom import AllStoragePresentationContexts
from support.studies import STRANGER, study

from fetch.errors import FetchError, RequestFault, SetupFault, SourceRefused, SourceUnreachable, UnsafeQuery
from fetch.model import Instance, Plan, Share
from fetch.notes import Note, Noted
from fetch.reasons import Reason
from fetch.retrieve import Means, Retrieval
from fetch.sources import contexts, dimse, get
from preview.demo import behaviour as b
from preview.demo.archive import Archive
from preview.demo.behaviour import Kind

NOWHERE = Path("/nonexistent")
"""For objects too large for memory: there are none here."""


@pytest.fixture
def archive():
    with Archive("MAIN", datasets=study(study_uid="1.1", images=4, series=2)).start() as running:
        yield running


def bring_until(one, error):
    """How much arrived before this kind of error was raised, and the error."""
    arrived = []
    with pytest.raises(error) as raised:
        bring(one, arrived=arrived)
    return len(arrived), raised.value


def compressed(name, uid="1.2", number=1):
    """A sample of pydicom's under a header of ours, its encoding untouched."""
    sample = dcmread(get_testdata_file(name, download=False))
    (ds,) = study(study_uid=uid, images=1, SOPClassUID=sample.SOPClassUID, InstanceNumber=number)
    ds.file_meta.TransferSyntaxUID = sample.file_meta.TransferSyntaxUID
    for elem in sample:
        if elem.tag.group in (0x0028, 0x7FE0):
            ds.add(elem)
    ds["PixelData"].is_undefined_length = True
    return ds


@contextmanager
def soon(seconds):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


# What arrives


def test_everything_arrives_and_the_archive_reports_it(archive):
    arrived, reported = bring(of(archive))
    held = {held.header.SOPInstanceUID for held in archive._holdings}
    assert len(arrived) == 8
    assert {received.instance_uid for received in arrived} == held
    assert {received.sop_class for received in arrived} == {CTImageStorage}
    assert (reported.completed, reported.failed, reported.status) == (8, 0, 0x0000)


def test_only_the_study_asked_for_arrives(archive):
    for ds in study(STRANGER, study_uid="1.9"):
        archive.add(ds)
    arrived, _ = bring(of(archive))
    assert len(arrived) == 8
    (asked,) = archive.asked(Kind.GET)
    assert (asked.level, asked.keys["StudyInstanceUID"]) == ("STUDY", "1.1")


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        ("693_J2KI.dcm", JPEG2000),
        ("MR_small_RLE.dcm", RLELossless),
        ("SC_rgb_jpeg_dcmtk.dcm", JPEGBaseline8Bit),
    ],
)
def test_a_compressed_object_arrives_in_the_syntax_in_which_it_is_stored(archive, name, syntax):
    stored = compressed(name)
    archive.add(stored)
    (received,), reported = bring(of(archive), "1.2", classes=[str(stored.SOPClassUID)])
    assert (received.transfer_syntax, reported.failed) == (syntax, 0)
    assert stored.PixelData in received.data


def test_with_classes_unknown_what_the_archive_cannot_send_is_reported_as_failed(archive):
    # one context then holds every compressed syntax, and the archive settles on one of them
    archive.add(compressed("693_J2KI.dcm", "1.1"))
    arrived, reported = bring(of(archive), classes=[])
    assert (len(arrived), reported.completed, reported.failed, reported.status) == (8, 8, 1, 0xB000)


def test_different_syntaxes_of_one_class_arrive_each_in_its_own(archive):
    both = [compressed("693_J2KI.dcm", "1.3", 1), *study(study_uid="1.3", images=1)]
    for ds in both:
        archive.add(ds)
    arrived, reported = bring(of(archive), "1.3")
    assert {received.transfer_syntax for received in arrived} == {JPEG2000, ExplicitVRLittleEndian}
    assert reported.completed == 2


def test_with_classes_unknown_the_usual_ones_arrive(archive):
    for sop_class in (MRImageStorage, BasicTextSRStorage, MultiFrameTrueColorSecondaryCaptureImageStorage):
        for ds in study(study_uid="1.1", images=1, SOPClassUID=sop_class):
            archive.add(ds)
    arrived, reported = bring(of(archive), classes=[])
    assert (len(arrived), reported.completed) == (11, 11)


def test_a_class_that_nobody_has_heard_of_arrives_if_it_is_known_beforehand():
    private = "1.2.840.10008.5.1.4.1.1.4.4"  # Legacy Converted Enhanced PET, not among the usual ones
    with Archive("MAIN", datasets=study(study_uid="1.1", SOPClassUID=private)).start() as archive:
        arrived, _ = bring(of(archive), classes=[private])
        assert len(arrived) == 3


@pytest.mark.parametrize("listed", ["not a uid", "", "1.2.*", "1.2." + "3" * 80])
def test_a_class_that_is_no_uid_does_not_end_the_retrieval(archive, listed):
    arrived, _ = bring(of(archive), classes=[listed, CTImageStorage])
    assert len(arrived) == 8


# What is offered


def test_what_is_offered_for_unknown_classes_fits_into_one_association():
    offered, roles = contexts.for_storage([])
    assert len(offered) <= 127  # and one for C-GET itself
    assert {cx.abstract_syntax for cx in offered} == {role.sop_class_uid for role in roles}
    assert CTImageStorage in {cx.abstract_syntax for cx in offered}


@pytest.mark.parametrize("count", [1, 10, 11, 60, 64, 200])
def test_however_many_classes_are_known_the_offer_fits_and_roles_are_for_what_is_offered(count):
    known = [str(cx.abstract_syntax) for cx in AllStoragePresentationContexts]
    known = [*known, *(generate_uid() for _ in range(200))][:count]
    offered, roles = contexts.for_storage(known)
    assert len(offered) <= 127
    assert {role.sop_class_uid for role in roles} == {cx.abstract_syntax for cx in offered}
    if count <= 60:
        assert {cx.abstract_syntax for cx in offered} == set(known)


def test_neither_deflated_nor_big_endian_is_ever_offered_nor_anything_implicit_about_pixels():
    for classes in ([], [CTImageStorage], [CTImageStorage, BasicTextSRStorage]):
        offered, _ = contexts.for_storage(classes)
        syntaxes = {syntax for cx in offered for syntax in cx.transfer_syntax}
        assert not syntaxes & {DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian}
        assert ExplicitVRLittleEndian in syntaxes


def test_no_compressed_syntax_is_offered_for_what_has_no_pixels():
    offered, _ = contexts.for_storage([BasicTextSRStorage])
    assert not {s for cx in offered for s in cx.transfer_syntax} & set(contexts.COMPRESSED)


# The plan


def test_what_cannot_be_kept_is_said_once_each_and_is_not_the_archives_failure(archive, monkeypatch):
    monkeypatch.setattr(get, "IN_MEMORY", 10)
    with Retrieval(of(archive), LOCAL, "1.1", Means(scratch=NOWHERE)) as brought:
        events = list(brought)
    refused = [event.facts for event in events if isinstance(event, Noted) and event.note is Note.REFUSED]
    assert refused == [{"reason": "not-kept"}] * 8
    assert set(brought.given_up.values()) == {Reason.NOT_KEPT}
    assert len(brought.given_up) == 8


def test_the_plan_lists_series_and_instances_in_the_order_of_their_numbers():
    third = study(study_uid="1.1", images=1, SeriesNumber=3)
    tenth = study(study_uid="1.1", images=12, SeriesNumber=10)
    unnumbered = study(study_uid="1.1", images=1, SeriesNumber=None)
    with Archive("MAIN", datasets=[*unnumbered, *reversed(tenth), *third]).start() as archive:
        plan = dimse.plan(of(archive), LOCAL, "1.1")
    assert [series.number for series in plan.series] == [3, 10, None]
    assert [i.number for i in plan.series[1].instances] == list(range(1, 13))
    assert [series.expected for series in plan.series] == [1, 12, 1]
    assert plan.total == len(plan.instances) == 14


def test_the_plan_says_what_a_series_is(archive):
    series = dimse.plan(of(archive), LOCAL, "1.1").series[1]
    assert (series.modality, series.description, series.number) == ("CT", "Axial 2", 2)
    assert {i.sop_class for i in series.instances} == {CTImageStorage}
    assert {i.series_uid for i in series.instances} == {series.series_uid}


def test_instances_without_a_number_come_last():
    numbered = study(study_uid="1.1", images=2)
    odd = study(study_uid="1.1", images=1)[0]
    odd.SeriesInstanceUID, odd.InstanceNumber = numbered[0].SeriesInstanceUID, None
    with Archive("MAIN", datasets=[odd, *numbered]).start() as archive:
        (series,) = dimse.plan(of(archive), LOCAL, "1.1").series
    assert [i.number for i in series.instances] == [1, 2, None]


@pytest.mark.parametrize(
    "keyword", ["SeriesNumber", "Modality", "SeriesDescription", "InstanceNumber", "SOPClassUID"]
)
def test_whatever_the_archive_leaves_out_the_plan_still_has_a_total(archive, keyword):
    archive.behave(b.omits_return_keys(keyword))
    plan = dimse.plan(of(archive), LOCAL, "1.1")
    assert (plan.total, len(plan.instances)) == (8, 8)
    arrived, _ = bring(of(archive), classes={i.sop_class for i in plan.instances})
    assert len(arrived) == 8


def test_without_counts_the_list_of_images_is_the_total(archive):
    archive.behave(b.omits_return_keys("NumberOfSeriesRelatedInstances"))
    assert dimse.plan(of(archive), LOCAL, "1.1").total == 8


@pytest.mark.parametrize("status", [None, 0xA700])
def test_a_list_of_images_that_was_cut_short_does_not_make_the_study_smaller(archive, status):
    archive.behave(b.caps_answers(2, status))
    plan = dimse.plan(of(archive), LOCAL, "1.1")
    assert [series.expected for series in plan.series] == [4, 4]
    assert (plan.total, len(plan.instances)) == (8, 4)


def test_a_list_of_images_cut_short_by_an_archive_that_gives_no_count_leaves_the_total_unknown(archive):
    archive.behave(b.caps_answers(2, 0xA700) & b.omits_return_keys("NumberOfSeriesRelatedInstances"))
    plan = dimse.plan(of(archive), LOCAL, "1.1")
    assert (plan.total, [series.expected for series in plan.series]) == (None, [None, None])


def test_a_list_of_series_that_was_cut_short_leaves_the_total_unknown(archive):
    archive.behave(b.caps_answers(1, 0xA700))
    assert dimse.plan(of(archive), LOCAL, "1.1").total is None


def test_an_archive_that_lists_no_images_still_tells_how_many():
    with answering(answer(SeriesInstanceUID="1.5", NumberOfSeriesRelatedInstances=7), at="SERIES") as port:
        plan = dimse.plan(source(port), LOCAL, "1.1")
    assert (plan.total, plan.instances) == (7, ())


def test_a_study_the_archive_does_not_have_has_an_unknown_total(archive):
    assert dimse.plan(of(archive), LOCAL, "9.9") == Plan((), None)


@pytest.mark.parametrize(
    ("how", "error"),
    [
        (b.answers(0xA900), RequestFault),
        (b.hangs_in_find(), SourceUnreachable),
        (b.drops_after(1, Kind.FIND), SourceUnreachable),
        (b.refuses_association("busy"), SourceRefused),
        (b.refuses_association("calling"), SetupFault),
    ],
)
def test_a_plan_that_cannot_be_had_is_an_error(archive, how, error):
    archive.behave(how)
    with pytest.raises(error):
        dimse.plan(of(archive, timeouts=IMPATIENT), LOCAL, "1.1")


# What goes wrong


def test_a_success_with_nothing_behind_it_reports_nothing(archive):
    archive.behave(b.claims_success_but_sends_nothing())
    arrived, reported = bring(of(archive))
    assert (arrived, reported.completed, reported.status) == ([], 0, 0x0000)


def test_what_is_left_out_and_counted_as_sent_shows_only_in_what_arrived(archive):
    archive.behave(b.leaves_out(3))
    arrived, reported = bring(of(archive))
    assert (len(arrived), reported.completed, reported.failed, reported.status) == (5, 8, 0, 0x0000)


def test_what_is_left_out_and_admitted_is_reported(archive):
    archive.behave(b.leaves_out(3, admits=True))
    arrived, reported = bring(of(archive))
    assert (len(arrived), reported.completed, reported.failed, reported.status) == (5, 5, 3, 0xB000)


@pytest.mark.parametrize("after", [0, 1, 5])
def test_what_arrived_before_the_line_dropped_is_handed_over_before_the_error(archive, after):
    archive.behave(b.drops_after(after))
    count, error = bring_until(of(archive), SourceUnreachable)
    assert (count, error.reason) == (after, Reason.CONNECTION_LOST)
    assert error.reason.retriable


def test_after_a_drop_a_second_attempt_brings_everything(archive):
    archive.behave(b.drops_after(2))
    bring_until(of(archive), SourceUnreachable)
    archive.behave_well()
    assert len(bring(of(archive))[0]) == 8


@pytest.mark.parametrize("after", [0, 3])
def test_an_archive_that_hangs_is_given_up_after_its_time_out(archive, after):
    archive.behave(b.hangs_in_get(after))
    with soon(2.5):
        count, error = bring_until(of(archive, timeouts=IMPATIENT), SourceUnreachable)
    assert (count, error.reason) == (after, Reason.NO_ANSWER)


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (0xA701, SourceRefused, Reason.OUT_OF_RESOURCES),
        (0xA702, SourceRefused, Reason.OUT_OF_RESOURCES),
        (0xA900, RequestFault, Reason.REQUEST_FAILED),
        (0xC000, RequestFault, Reason.REQUEST_FAILED),
        (0x0122, SetupFault, Reason.NOT_SUPPORTED),
        (0xFE00, SourceUnreachable, Reason.CONNECTION_LOST),
    ],
)
def test_a_status_that_is_not_success_is_an_error_of_the_right_kind(archive, status, error, reason):
    archive.behave(b.answers(status, Kind.GET))
    count, raised = bring_until(of(archive), error)
    assert (count, raised.reason) == (0, reason)
    assert f"0x{status:04X}" in str(raised)


def test_an_archive_that_offers_no_c_get_is_a_matter_of_set_up(archive):
    archive.behave(b.refuses_get())
    count, error = bring_until(of(archive), SetupFault)
    assert (count, error.reason) == (0, Reason.NOT_SUPPORTED)
    assert not archive.asked(Kind.GET)


@pytest.mark.parametrize(
    ("kinds", "reason"),
    [(["1.2.3.99"], Reason.NOT_OFFERED), ([], Reason.NOT_SUPPORTED)],
    ids=["odd", "usual"],
)
def test_only_where_the_usual_kinds_are_not_taken_c_get_is_not_supported(monkeypatch, kinds, reason):
    monkeypatch.setattr(contexts, "_IMAGES", [])
    monkeypatch.setattr(contexts, "_OTHERS", ["1.2.3.98"])
    with Archive("MAIN", datasets=study(study_uid="1.1")).start() as archive:
        with pytest.raises(SetupFault) as raised:
            bring(of(archive), classes=kinds)
        assert not archive.asked(Kind.GET)
    assert raised.value.reason is reason


@pytest.mark.parametrize(
    ("refusal", "error"),
    [("calling", SetupFault), ("called", SetupFault), ("busy", SourceRefused), ("permanent", SetupFault)],
)
def test_a_refused_association_is_an_error(archive, refusal, error):
    archive.behave(b.refuses_association(refusal))
    assert bring_until(of(archive), error)[0] == 0


def test_a_port_on_which_nothing_listens_or_somebody_else_does_is_an_error():
    with b.nothing_listens() as port:
        assert bring_until(source(port), SourceUnreachable)[1].reason is Reason.CONNECTION_REFUSED
    with b.not_dicom() as port:
        assert bring_until(source(port), SetupFault)[1].reason is Reason.NOT_DICOM
    with only_echoes() as port:
        assert bring_until(source(port), SetupFault)[1].reason is Reason.NOT_SUPPORTED


def test_an_archive_that_hangs_up_at_once_is_an_error():
    with hangs_up() as port:
        for _ in range(5):
            assert bring_until(source(port), SourceUnreachable)[0] == 0


def test_an_unknown_host_is_an_error():
    assert bring_until(source(104, host="pacs..invalid"), SourceUnreachable)[1].reason is Reason.HOST_UNKNOWN


@pytest.mark.parametrize("study_uid", ["", " ", "*", "1.1\\1.2", "1.?"])
def test_a_study_uid_that_could_mean_several_studies_is_refused_before_anything_is_sent(archive, study_uid):
    with pytest.raises(UnsafeQuery):
        Retrieval(of(archive), LOCAL, study_uid)
    with pytest.raises(UnsafeQuery):
        dimse.plan(of(archive), LOCAL, study_uid)
    assert archive.associations == 0


def test_an_error_says_nothing_of_the_patient(archive):
    for how in (b.drops_after(1), b.answers(0xA702), b.refuses_association("busy"), b.refuses_get()):
        archive.behave(how)
        written = str(bring_until(of(archive), FetchError)[1])
        assert not [part for part in ("4471902", "OKAFOR", "1.1") if part in written]


# Some of it


def test_a_list_of_images_is_brought_in_one_request_and_several_follow_over_one_association(archive):
    instances = dimse.plan(of(archive), LOCAL, "1.1").series[0].instances
    arrived = []
    with get.carrying(of(archive), LOCAL, [], arrived.append, lambda _: None, NOWHERE) as brings:
        before = archive.associations
        for some in (instances[:3], instances[3:]):
            brings(Share("1.1", instances[0].series_uid, some))
    assert [r.instance_uid for r in arrived] == [i.instance_uid for i in instances]
    assert archive.associations == before
    assert [asked.level for asked in archive.asked(Kind.GET)] == ["IMAGE", "IMAGE"]


def test_the_failed_ones_are_named(archive):
    archive.behave(b.leaves_out(2, admits=True))
    instances = dimse.plan(of(archive), LOCAL, "1.1").series[0].instances
    with get.carrying(of(archive), LOCAL, [], lambda _: None, lambda _: None, NOWHERE) as brings:
        reported = brings(Share("1.1", instances[0].series_uid, instances))
    assert (reported.failed, reported.failed_uids) == (2, tuple(i.instance_uid for i in instances[-2:]))


def test_one_image_that_the_archive_does_not_have_is_no_error(archive):
    missing = Share("1.1", "1.5", (Instance("1.5", "1.5.1"),))
    with get.carrying(of(archive), LOCAL, [], lambda _: None, lambda _: None, NOWHERE) as brings:
        assert not brings(missing).completed
