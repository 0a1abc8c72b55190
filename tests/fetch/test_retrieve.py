"""Bringing a study: posters first, over several associations, whatever the archive does meanwhile."""

import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

import pytest
from peers import IMPATIENT, LOCAL, hangs_up, of, only_echoes, source
from pydicom.uid import KeyObjectSelectionDocumentStorage, MRImageStorage
from support.studies import STRANGER, study

from fetch.conveyor import MOST_WAITING
from fetch.errors import FetchError, RequestFault, SetupFault, SourceRefused, SourceUnreachable, UnsafeQuery
from fetch.model import Plan, Received, Series, Timeouts, Way
from fetch.notes import Note, Noted
from fetch.reasons import Reason
from fetch.retrieve import Means, Retrieval
from preview.demo import behaviour as b
from preview.demo.archive import Archive
from preview.demo.behaviour import Kind

PATIENT = Timeouts(connect=2, association=20, message=20, network=20)
"""Time-outs that no test waits for: whatever ends sooner was ended by us."""


@pytest.fixture
def archive():
    with Archive("MAIN", datasets=study(study_uid="1.1", images=12, series=2)).start() as running:
        yield running


def everything(archive):
    return {held.header.SOPInstanceUID for held in archive._holdings}


def retrieval(one, study_uid="1.1", **more):
    return Retrieval(one, LOCAL, study_uid, more.pop("means", Means()), tick=0.1, **more)


def bring(one, **more):
    """The UIDs that arrived in their order, and the retrieval."""
    with retrieval(one, **more) as brought:
        events = [event for event in brought if event is not None]
    brought.events = events
    return [event.instance_uid for event in events if isinstance(event, Received)], brought


def bring_until(one, error, **more):
    """What arrived before this kind of error was raised, and the error."""
    arrived = []
    with retrieval(one, **more) as brought, pytest.raises(error) as raised:
        arrived.extend(event for event in brought if isinstance(event, Received))
    return len(arrived), raised.value


def notes(brought):
    return [event.note for event in brought.events if isinstance(event, Noted)]


@contextmanager
def soon(seconds):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def _all_gone():
    """No thread of a retrieval, and no association that it opened, is left."""
    names = ("coordinate", "list", "carry")
    end = time.monotonic() + 3
    while time.monotonic() < end:
        left = [
            t for t in threading.enumerate() if t.name.startswith(names) or getattr(t, "is_requestor", False)
        ]
        if not left:
            return
        time.sleep(0.02)
    raise AssertionError(left)


# What arrives, and in which order


def test_everything_that_is_listed_arrives_once(archive):
    arrived, brought = bring(of(archive))
    assert Counter(arrived) == Counter(everything(archive))
    assert brought.given_up == {}
    _all_gone()


def test_the_list_is_handed_out_too(archive):
    _, brought = bring(of(archive))
    series = [event for event in brought.events if isinstance(event, Series)]
    assert [len(one.instances) for one in series] == [12, 12]
    (plan,) = [event for event in brought.events if isinstance(event, Plan)]
    assert plan.total == 24


def test_the_first_named_comes_first_and_the_middles_before_the_rest():
    with Archive("MAIN", datasets=study(study_uid="1.1", images=40, series=3)).start() as archive:
        arrived, brought = bring(of(archive, associations=1))
    series = [event for event in brought.events if isinstance(event, Series)]
    middles = {one.instances[20].instance_uid for one in series}
    assert arrived[0] == series[0].instances[0].instance_uid
    assert middles <= set(arrived[:4])


def test_only_what_is_missing_is_asked_for(archive):
    held = sorted(everything(archive))[:20]
    arrived, _ = bring(of(archive), held=held)
    assert sorted(arrived) == sorted(everything(archive))[20:]
    asked = [uid for one in archive.asked(Kind.GET) for uid in one.keys["SOPInstanceUID"].split("\\")]
    assert not set(asked) & set(held)


def test_of_posters_only_one_a_series_comes_and_the_first(archive):
    arrived, brought = bring(of(archive), posters_only=True)
    assert len(arrived) == 3
    assert brought.given_up == {}


def test_images_that_a_key_object_selection_names_come_when_they_are_hurried():
    datasets = study(study_uid="1.1", images=120)
    selection = study(study_uid="1.1", images=1, SOPClassUID=KeyObjectSelectionDocumentStorage, Modality="KO")
    marked = datasets[77].SOPInstanceUID
    with Archive("MAIN", datasets=[*datasets, *selection]).start() as archive:
        archive.behave(b.slow(0.01))
        order = []
        with retrieval(of(archive, associations=1)) as brought:
            for event in brought:
                if isinstance(event, Received):
                    order.append(event.instance_uid)
                    if event.sop_class == KeyObjectSelectionDocumentStorage:
                        brought.hurry([marked])
    assert len(order) == 121
    assert order.index(marked) <= order.index(selection[0].SOPInstanceUID) + 34


def test_named_instances_are_brought_without_asking_for_a_list(archive):
    _, first = bring(of(archive))
    wanted = [event for event in first.events if isinstance(event, Series)][1].instances[3:5]
    archive.requests.clear()
    arrived, _ = bring(of(archive), only=wanted)
    assert sorted(arrived) == sorted(i.instance_uid for i in wanted)
    assert not archive.asked(Kind.FIND)


def test_several_kinds_of_objects_in_one_study_all_arrive():
    mixed = [*study(study_uid="1.1", images=9), *study(study_uid="1.1", images=9, SOPClassUID=MRImageStorage)]
    with Archive("MAIN", datasets=mixed).start() as archive:
        arrived, _ = bring(of(archive))
    assert len(arrived) == 18


# Several associations


def test_as_many_associations_as_are_allowed_work_at_the_same_time():
    with Archive("MAIN", datasets=study(study_uid="1.1", images=160)).start() as archive:
        archive.behave(b.throttled(100_000))
        with soon(2.6):  # one alone takes more than 4 s
            arrived, _ = bring(of(archive, associations=4))
    assert len(arrived) == 160


def test_never_more_associations_than_are_allowed():
    with Archive("MAIN", datasets=study(study_uid="1.1", images=160)).start() as archive:
        archive.behave(b.takes_at_most(2))
        arrived, brought = bring(of(archive, associations=2))
    assert len(arrived) == 160
    assert not {Note.FEWER_LINES, Note.LINE_LOST} & set(notes(brought))


def test_an_archive_that_takes_fewer_than_the_settings_say_is_served_with_fewer():
    with Archive("MAIN", datasets=study(study_uid="1.1", images=160)).start() as archive:
        archive.behave(b.takes_at_most(2))
        arrived, brought = bring(of(archive, associations=5))
    assert len(arrived) == 160
    assert Note.FEWER_LINES in notes(brought)


def test_one_line_that_drops_costs_only_its_part(archive):
    archive.behave(b.drops_after(3))
    arrived, brought = bring(of(archive))
    assert Counter(arrived) == Counter(everything(archive))
    assert Note.LINE_LOST in notes(brought)


# What an archive does not take


def test_lists_that_are_refused_are_asked_for_one_by_one(archive):
    archive.behave(b.refuses_uid_lists())
    arrived, brought = bring(of(archive))
    assert Counter(arrived) == Counter(everything(archive))
    assert Note.NO_LISTS in notes(brought)
    assert brought.learned.image_lists is False


def test_an_archive_that_retrieves_no_single_images_is_asked_for_whole_series(archive):
    archive.behave(b.refuses_level("IMAGE", Kind.GET))
    arrived, _ = bring(of(archive))
    assert Counter(arrived) == Counter(everything(archive))
    assert "SERIES" in {one.level for one in archive.asked(Kind.GET)}


def test_an_archive_that_lists_no_images_is_asked_for_whole_series(archive):
    archive.behave(b.refuses_level("IMAGE", Kind.FIND))
    arrived, _ = bring(of(archive))
    assert Counter(arrived) == Counter(everything(archive))


def test_an_archive_that_lists_nothing_still_sends_the_study(archive):
    archive.behave(b.answers(0xA900, Kind.FIND))
    arrived, _ = bring(of(archive))
    assert Counter(arrived) == Counter(everything(archive))


def test_a_list_that_was_cut_short_is_made_up_for(archive):
    archive.behave(b.caps_answers(5))
    arrived, brought = bring(of(archive))
    assert Counter(arrived) == Counter(everything(archive))
    assert Note.DUPLICATE not in notes(brought)
    assert len(archive.sent) <= len(everything(archive)) + 3  # the posters come once by name, too


@pytest.mark.parametrize("associations", [1, 2, 4])
def test_where_a_list_was_cut_short_and_no_whole_is_to_be_had_what_it_names_comes(associations):
    with Archive("MAIN", datasets=study(study_uid="1.1", images=12, series=4)).start() as archive:
        no_whole = b.refuses_level("SERIES", Kind.GET) & b.refuses_level("STUDY", Kind.GET)
        archive.behave(b.caps_answers(5) & no_whole)
        arrived, error = bring_until(replace(of(archive), associations=associations), FetchError)
        assert (arrived, error.reason) == (20, Reason.REQUEST_FAILED)
        assert len(archive.sent) == 20


def test_an_archive_that_counts_too_much_is_not_asked_for_ever(archive):
    archive.behave(b.counts_wrong(7))
    arrived, _ = bring(of(archive))
    assert Counter(arrived) == Counter(everything(archive))
    assert len(archive.asked(Kind.GET)) < 20


def test_what_is_counted_and_not_listed_is_asked_for_in_the_list_once_more_and_then_said(archive):
    archive.behave(b.counts_wrong(7))
    _, brought = bring(of(archive))
    asked = [one.level for one in archive.asked(Kind.FIND)]
    assert Counter(asked) == {"SERIES": 1, "IMAGE": 4}
    assert [(one.series.expected, one.lacks) for one in brought.counted_more] == [(19, 7), (19, 7)]


def test_a_series_that_was_asked_for_as_a_whole_before_is_not_sent_again(archive):
    archive.behave(b.counts_wrong(7))
    _, brought = bring(of(archive))
    settled = {one.series.series_uid: one.series.expected for one in brought.counted_more}
    archive.sent.clear()
    arrived, again = bring(of(archive), held=everything(archive), settled=settled)
    assert (arrived, archive.sent, again.counted_more) == ([], [], ())


def test_an_archive_that_refuses_the_optional_keys_of_a_series_is_asked_without_them(archive):
    archive.behave(b.refuses_keys("InstanceAvailability"))
    arrived, _ = bring(of(archive))
    assert Counter(arrived) == Counter(everything(archive))


def test_an_image_that_is_archived_and_does_not_come_is_given_up_as_archived(archive):
    archive.behave(b.offline(then_after=600))
    arrived, brought = bring(of(archive))
    assert arrived == []
    assert set(brought.given_up.values()) == {Reason.ARCHIVED}


def test_a_way_is_not_blamed_for_what_is_archived(archive, tmp_path):
    archive.behave(b.offline(then_after=600))
    means = Means(ways=(Way.GET, Way.WADO))
    _, error = bring_until(of(archive), SourceRefused, means=means)
    assert error.reason is Reason.ARCHIVED


def test_posters_wait_for_what_a_selection_names_however_long_it_takes_to_read(archive):
    (document,) = study(
        study_uid="1.1", SOPClassUID=KeyObjectSelectionDocumentStorage, images=1, Modality="KO"
    )
    archive.add(document)
    named = max(everything(archive) - {document.SOPInstanceUID})
    arrived = []
    with retrieval(of(archive), posters_only=True, reads_selections=True) as brought:
        for event in brought:
            if isinstance(event, Received):
                arrived.append(event.instance_uid)
                if event.sop_class == KeyObjectSelectionDocumentStorage:
                    time.sleep(2)
                    brought.read(event.instance_uid, [named])
    assert named in arrived
    _all_gone()


# What goes wrong


def test_what_does_not_come_is_given_up_after_a_few_tries(archive):
    archive.behave(b.claims_success_but_sends_nothing())
    arrived, brought = bring(of(archive))
    assert arrived == []
    assert set(brought.given_up.values()) == {Reason.NOT_SENT}
    assert len(brought.given_up) == 24
    assert len(archive.asked(Kind.GET)) < 40


def test_what_the_archive_reports_as_failed_is_known_by_name(archive):
    archive.behave(b.fails_some(1))
    _, brought = bring(of(archive))
    assert Reason.REPORTED_FAILED in brought.given_up.values()


def test_what_comes_twice_is_handed_out_once(archive):
    archive.behave(b.sends_twice())
    arrived, brought = bring(of(archive))
    assert Counter(arrived) == Counter(everything(archive))
    assert Note.DUPLICATE in notes(brought)


@pytest.mark.parametrize("uid", ["../../etc/passwd", "abc", "1.2.3 4", "1..2"])
def test_an_object_under_a_hostile_uid_is_refused_with_its_reason_and_the_rest_arrives(uid):
    datasets = study(study_uid="1.1", images=3)
    with Archive("MAIN", datasets=datasets).start() as archive:
        archive.behave(b.wrong_uid(uid))
        arrived, brought = bring(of(archive))
    assert uid not in arrived
    assert Note.REFUSED in notes(brought)


@pytest.mark.parametrize(
    ("how", "error", "reason"),
    [
        (b.drops_after(0), SourceUnreachable, Reason.CONNECTION_LOST),
        (b.answers(0xA702, Kind.GET), SourceRefused, Reason.OUT_OF_RESOURCES),
        (b.answers(0xC000, Kind.GET), RequestFault, Reason.REQUEST_FAILED),
        (b.refuses_get(), SetupFault, Reason.NOT_SUPPORTED),
        (b.refuses_association("busy"), SourceRefused, Reason.BUSY),
        (b.refuses_association("calling"), SetupFault, Reason.CALLING_AET_UNKNOWN),
    ],
)
def test_an_archive_that_will_not_send_is_an_error_of_the_right_kind(archive, how, error, reason):
    archive.behave(how)
    count, raised = bring_until(of(archive), error)
    assert (count, raised.reason) == (0, reason)
    _all_gone()


def test_an_archive_that_falls_silent_is_given_up_after_its_time_out(archive):
    archive.behave(b.hangs_in_get(0))
    with soon(8):
        count, error = bring_until(of(archive, timeouts=IMPATIENT), SourceUnreachable)
    assert (count, error.reason) == (0, Reason.NO_ANSWER)


def test_an_archive_that_hangs_again_and_again_still_gives_everything_in_the_end(archive):
    archive.behave(b.hangs_in_get(6))
    arrived, _ = bring(of(archive, timeouts=IMPATIENT))
    assert Counter(arrived) == Counter(everything(archive))


def test_a_port_on_which_nothing_listens_or_somebody_else_does_is_an_error():
    with b.nothing_listens() as port:
        assert bring_until(source(port), SourceUnreachable)[1].reason is Reason.CONNECTION_REFUSED
    with b.not_dicom() as port:
        assert bring_until(source(port), SetupFault)[1].reason is Reason.NOT_DICOM
    with only_echoes() as port:
        assert bring_until(source(port), SetupFault)[1].reason is Reason.NOT_SUPPORTED


def test_an_archive_that_hangs_up_at_once_is_an_error():
    with hangs_up() as port:
        assert bring_until(source(port), SourceUnreachable)[0] == 0


@pytest.mark.parametrize("study_uid", ["", " ", "*", "1.1\\1.2", "1.?"])
def test_a_study_uid_that_could_mean_several_studies_is_refused_before_anything_is_sent(archive, study_uid):
    with pytest.raises(UnsafeQuery):
        retrieval(of(archive), study_uid=study_uid)
    assert archive.associations == 0


def test_an_error_says_nothing_of_the_patient(archive):
    for how in (b.drops_after(0), b.answers(0xA702), b.refuses_association("busy"), b.refuses_get()):
        archive.behave(how)
        written = str(bring_until(of(archive), FetchError)[1])
        assert not [part for part in ("4471902", "OKAFOR", "1.1") if part in written]


# Ending it early, and going slowly


def received(brought):
    return (event for event in brought if isinstance(event, Received))


def test_leaving_early_aborts_at_once_and_leaves_no_thread(archive):
    archive.behave(b.slow(0.2))
    with soon(3), retrieval(of(archive, timeouts=PATIENT)) as brought:
        assert next(received(brought))
    _all_gone()


@pytest.mark.parametrize("how", [b.hangs_in_get(2), b.hangs_in_get(), b.hangs_in_find(), b.hangs()])
def test_leaving_while_the_archive_hangs_aborts_at_once_and_leaves_no_thread(archive, how):
    archive.behave(how)
    with soon(3), retrieval(of(archive, timeouts=PATIENT)) as brought:
        assert None in islice(brought, 12)
    _all_gone()


def test_stopping_hands_out_what_came_before_and_ends(archive):
    archive.behave(b.slow(0.05))
    arrived = 0
    with soon(3), retrieval(of(archive, timeouts=PATIENT)) as brought, suppress_fetch_error():
        for _ in received(brought):
            arrived += 1
            if arrived == 3:
                brought.stop()
    assert 3 <= arrived < 24
    _all_gone()


@contextmanager
def suppress_fetch_error():
    try:
        yield
    except FetchError:
        return


def test_leaving_by_an_error_of_ones_own_aborts_too(archive):
    archive.behave(b.hangs_in_get(1))
    with soon(3), pytest.raises(KeyError), retrieval(of(archive, timeouts=PATIENT)) as brought:
        next(received(brought))
        raise KeyError
    _all_gone()


def test_while_nothing_comes_the_waiting_is_told(archive):
    archive.behave(b.hangs_in_get())
    with retrieval(of(archive, timeouts=PATIENT)) as brought:
        assert [event for event in islice(brought, 30) if event is None]


def test_a_consumer_that_takes_its_time_holds_back_the_archive():
    datasets = study(study_uid="1.1", images=300)
    with Archive("MAIN", datasets=datasets).start() as archive:
        one = of(archive, timeouts=PATIENT)
        with retrieval(one) as brought:
            next(received(brought))
            time.sleep(2)  # in which all 300 would come
            sent = len(archive.sent)
    assert sent <= 1 + MOST_WAITING + 4 * one.associations  # and a few of each on their way


def test_a_consumer_that_takes_its_time_gets_everything_in_the_end():
    with Archive("MAIN", datasets=study(study_uid="1.1", images=150)).start() as archive:
        one = of(archive, timeouts=Timeouts(connect=1, association=1, message=0.3, network=0.3))
        with retrieval(one) as brought:
            arrived = 0
            for _ in received(brought):
                arrived += 1
                if arrived in (1, 30):
                    time.sleep(0.5)  # longer than the time-outs, which are for the archive and not for us
        assert arrived == 150


def test_strangers_images_are_handed_out_to_be_judged_and_known_as_not_listed(archive):
    for ds in study(STRANGER, study_uid="1.9"):
        archive.add(ds)
    archive.behave(b.sends_someone_else(b.Stranger.EXTRA))
    arrived, brought = bring(of(archive))
    strangers = [uid for uid in arrived if not brought.is_listed(uid)]
    assert len(strangers) == 1


def test_a_class_that_is_no_uid_does_not_end_the_retrieval():
    with Archive("MAIN", datasets=study(study_uid="1.1", images=3)).start() as archive:
        archive.behave(b.omits_return_keys("SOPClassUID"))
        assert len(bring(of(archive))[0]) == 3
