"""C-MOVE back to our own receiver: what comes is delivered once, what comes late is waited for."""

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from peers import of, source
from pydicom import dcmread
from support.dcmqrscp import Dcmqrscp
from support.installation import eventually, free_port
from support.orthanc import Orthanc
from support.pushing import encoded, file_of, pieces, push, pushing
from support.studies import STRANGER, study

from fetch.errors import FetchError, RequestFault, SetupFault, SourceUnreachable
from fetch.model import Instance, Level, Local, Received, Share, Timeouts, Way
from fetch.reasons import Reason
from fetch.retrieve import Means, Retrieval
from fetch.sources import silence as silence_module
from fetch.sources.move import carrying, move
from fetch.sources.receiver import Receiver
from fetch.sources.silence import Silence
from fetch.spool import Spool
from preview.demo import behaviour
from preview.demo.behaviour import Kind, Stranger

LOCAL = Local("PREVIEW", 0)
LASTING = Timeouts(connect=2, association=5, message=5, network=5)


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool", reserve=0)


@pytest.fixture
def datasets():
    return study(images=6, series=2)


@pytest.fixture
def home(archive, spool, datasets):
    """The archive of the tests holds the study, and knows the receiver as a place to send to."""
    for ds in (*datasets, *study(STRANGER)):
        archive.add(ds)
    main = of(archive, timeouts=LASTING)
    wants = lambda _source, study_uid: study_uid == datasets[0].StudyInstanceUID  # noqa: E731
    other = of(archive, "other", aet="OTHER", timeouts=LASTING)
    with Receiver(LOCAL, [main, other], spool, wants).start() as receiver:
        archive.peers["PREVIEW"] = ("127.0.0.1", receiver.port)
        yield main


@dataclass
class Got:
    """What was delivered; each file is deleted, as by whoever has drawn it."""

    instances: list[str] = field(default_factory=list)
    refused: list[Reason] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    abort: object = None

    def deliver(self, received):
        assert dcmread(received.file, stop_before_pixels=True).SOPInstanceUID == received.instance_uid
        received.file.unlink()
        self.instances.append(received.instance_uid)

    def opened(self, abort):
        self.abort = abort

    def refuse(self, reason, foreign):
        self.refused.append(reason)
        self.foreign.append(foreign)


@contextmanager
def bringing(main, spool, datasets, got=None, **how):
    got = got or Got()
    how = {"still": 1.0, "silence": so_long(3), **how}
    uid = datasets[0].StudyInstanceUID
    with carrying(main, LOCAL, spool, uid, got.deliver, got.opened, refused=got.refuse, **how) as bring:
        yield bring, got


def so_long(seconds, **more):
    return Silence(seconds, seconds, seconds, **more)


def uids(datasets):
    return {ds.SOPInstanceUID for ds in datasets}


def share_of(datasets, level=Level.IMAGE):
    study_uid, series_uid = datasets[0].StudyInstanceUID, datasets[0].SeriesInstanceUID
    instances = tuple(Instance(ds.SeriesInstanceUID, ds.SOPInstanceUID) for ds in datasets)
    return {
        Level.IMAGE: Share(study_uid, series_uid, instances),
        Level.SERIES: Share(study_uid, series_uid),
        Level.STUDY: Share(study_uid),
    }[level]


# What is asked for comes


def test_several_shares_come_over_one_association(home, archive, spool, datasets):
    with bringing(home, spool, datasets) as (bring, got):
        first = bring(share_of(datasets[:1]))
        assert (first.completed, first.failed, first.status, got.instances) == (
            *(1, 0, 0x0000),
            [datasets[0].SOPInstanceUID],
        )
        assert bring(share_of(datasets[1:6])).completed == 5
        assert bring(share_of(datasets[6:], Level.SERIES)).completed == 6
        assert archive.associations == 1
    assert len(got.instances) == 12
    assert set(got.instances) == uids(datasets)
    asked = archive.asked(Kind.MOVE)
    assert [request.level for request in asked] == ["IMAGE", "IMAGE", "SERIES"]
    assert asked[1].keys["SOPInstanceUID"].split("\\") == [ds.SOPInstanceUID for ds in datasets[1:6]]
    assert asked[1].keys["SeriesInstanceUID"] == datasets[0].SeriesInstanceUID
    assert {request.keys["MoveDestination"] for request in asked} == {"PREVIEW"}


def test_a_whole_study_comes_at_once(home, spool, datasets):
    with bringing(home, spool, datasets) as (bring, got):
        assert bring(share_of(datasets, Level.STUDY)).completed == 12
    assert sorted(got.instances) == sorted(uids(datasets))


def test_when_all_is_here_nothing_is_waited_for(home, spool, datasets):
    with bringing(home, spool, datasets, still=30) as (bring, _):
        began = time.monotonic()
        bring(share_of(datasets[:6]))
        bring(share_of(datasets, Level.STUDY))
        assert time.monotonic() - began < 10


def test_files_are_delivered_while_the_archive_is_still_sending(home, archive, spool, datasets):
    archive.behave(behaviour.slow(0.2))
    times = []

    class Timed(Got):
        def deliver(self, received):
            times.append(time.monotonic())
            super().deliver(received)

    with bringing(home, spool, datasets, Timed()) as (bring, _):
        bring(share_of(datasets[:6]))
        ended = time.monotonic()
    assert ended - times[0] > 0.8


def test_what_waits_in_the_spool_is_delivered_and_not_asked_for_again(home, archive, spool, datasets):
    for ds in datasets[:4]:
        part = spool.incoming / "x.part"
        part.write_bytes(file_of(ds))
        spool.publish(part, ds.StudyInstanceUID, ds.SOPInstanceUID)
    with bringing(home, spool, datasets) as (bring, got):
        assert bring(share_of(datasets[:3])).completed == 3
        assert archive.asked(Kind.MOVE) == []
        assert set(got.instances) == uids(datasets[:4])
        assert bring(share_of(datasets[4:6])).completed == 2
    assert len(got.instances) == 6


def test_an_instance_that_is_asked_for_again_comes_again(home, spool, datasets):
    with bringing(home, spool, datasets) as (bring, got):
        bring(share_of(datasets[:2]))
        bring(share_of(datasets[:2]))
    assert len(got.instances) == 4


def test_a_slow_taker_holds_up_the_delivery_and_loses_nothing(home, spool, datasets):
    class Slow(Got):
        def deliver(self, received):
            time.sleep(0.3)
            super().deliver(received)

    with bringing(home, spool, datasets, Slow(), silence=so_long(1.0), still=0.2) as (bring, got):
        bring(share_of(datasets, Level.STUDY))
    assert set(got.instances) == uids(datasets)


# What comes late, or not at all


def test_images_that_come_after_the_final_response_are_waited_for(home, archive, spool, datasets):
    archive.behave(behaviour.sends_late(0.7))
    with bringing(home, spool, datasets, still=5) as (bring, got):
        assert bring(share_of(datasets[:6])).completed == 6
        assert set(got.instances) == uids(datasets[:6])
        bring(share_of(datasets, Level.STUDY))
        assert set(got.instances) == uids(datasets)


def test_they_are_waited_for_until_none_has_come_for_so_long(home, archive, spool, datasets):
    archive.behave(behaviour.leaves_out(2))
    with bringing(home, spool, datasets, still=0.8) as (bring, got):
        began = time.monotonic()
        assert bring(share_of(datasets[:6])).completed == 6
        assert 0.8 < time.monotonic() - began < 4
    assert len(got.instances) == 4


def test_what_comes_of_other_studies_meanwhile_is_not_waited_for(home, archive, spool, datasets):
    archive.behave(behaviour.leaves_out(2))
    _, port = archive.peers["PREVIEW"]
    first, large = *study(images=1), *study(images=1, size=512)
    under_way, over = threading.Event(), threading.Event()

    def sends_without_end():
        with pushing(port, aet="OTHER") as assoc:
            assoc.send_c_store(first)
            for _ in pieces(assoc, encoded(large)):
                under_way.set()
                if over.wait(0.05):
                    break
            assoc.abort()

    with bringing(home, spool, datasets, still=0.8) as (bring, got):
        thread = threading.Thread(target=sends_without_end)
        thread.start()
        under_way.wait(5)
        began = time.monotonic()
        bring(share_of(datasets[:6]))
        took = time.monotonic() - began
    over.set()
    thread.join()
    assert took < 5
    assert len(got.instances) == 4


def test_what_comes_in_without_an_end_is_not_waited_for_without_an_end(home, archive, spool, datasets):
    """Of an association that has sent nothing yet it cannot be told what it sends."""
    archive.behave(behaviour.leaves_out(2))
    _, port = archive.peers["PREVIEW"]
    (large,) = study(images=1, size=512)
    under_way, over = threading.Event(), threading.Event()

    def trickles():
        with pushing(port, aet="OTHER") as assoc:
            for _ in pieces(assoc, encoded(large)):
                under_way.set()
                if over.wait(0.2):
                    break
            assoc.abort()

    quick = of(archive, timeouts=Timeouts(connect=2, association=5, message=1, network=1))
    with bringing(quick, spool, datasets, still=0.8, silence=so_long(2)) as (bring, got):
        thread = threading.Thread(target=trickles)
        thread.start()
        under_way.wait(5)
        threading.Timer(10, over.set).start()
        began = time.monotonic()
        bring(share_of(datasets[:6]))
        took = time.monotonic() - began
    over.set()
    thread.join()
    assert 2 <= took < 5
    assert len(got.instances) == 4


def test_what_the_archive_admits_as_failed_is_not_waited_for(home, archive, spool, datasets):
    archive.behave(behaviour.leaves_out(2, admits=True))
    with bringing(home, spool, datasets, still=30) as (bring, got):
        reported = bring(share_of(datasets[:6]))
    assert (reported.completed, reported.failed, reported.status) == (4, 2, 0xB000)
    assert set(reported.failed_uids) == uids(datasets[4:6])
    assert len(got.instances) == 4


def test_an_archive_without_counts_is_waited_for_until_the_list_is_here(home, archive, spool, datasets):
    archive.behave(behaviour.says_no_counts() & behaviour.sends_late(0.5))
    with bringing(home, spool, datasets, still=20) as (bring, got):
        reported = bring(share_of(datasets[:6]))
        assert (reported.completed, reported.failed) == (None, None)
        assert set(got.instances) == uids(datasets[:6])


@pytest.mark.parametrize(
    "how",
    [behaviour.claims_success_but_sends_nothing(), behaviour.moves_to_nobody()],
    ids=["none", "nowhere"],
)
def test_success_without_an_image_is_reported_as_the_archive_says(home, archive, spool, datasets, how):
    archive.behave(how)
    with bringing(home, spool, datasets, still=0.3) as (bring, got):
        assert bring(share_of(datasets[:6])).status == 0x0000
    assert got.instances == []


def test_what_comes_twice_is_delivered_twice(home, archive, spool, datasets):
    archive.behave(behaviour.sends_twice())
    with bringing(home, spool, datasets) as (bring, got):
        bring(share_of(datasets[:3]))
    assert sorted(got.instances) == sorted([*uids(datasets[:3])] * 2)


@pytest.mark.parametrize("says_why", [True, False], ids=["originator", "no originator"])
def test_another_patients_study_never_comes_in_and_this_is_told(home, archive, spool, datasets, says_why):
    strange = behaviour.sends_someone_else(Stranger.EXTRA)
    archive.behave(strange if says_why else strange & behaviour.hides_originator())
    with bringing(home, spool, datasets) as (bring, got):
        reported = bring(share_of(datasets[:6]))
        assert set(got.instances) == uids(datasets[:6])
        assert reported.failed == 1
        reason = Reason.OTHER_STUDY if says_why else Reason.NOT_REQUESTED
        assert got.refused == [reason]
        bring(share_of(datasets[:6]))
    assert got.refused == [reason] * 2
    assert len(set(got.foreign)) == 1
    assert not [path for path in spool.incoming.parent.rglob("*") if path.is_file()]


def test_of_two_studies_that_are_asked_for_the_right_one_is_told(home, archive, spool, datasets):
    archive.behave(behaviour.sends_someone_else(Stranger.EXTRA))
    other = study(images=2)
    with bringing(home, spool, other) as (_, others), bringing(home, spool, datasets) as (bring, got):
        bring(share_of(datasets[:6]))
    assert got.refused == [Reason.OTHER_STUDY]
    assert others.refused == list(spool.refusals(other[0].StudyInstanceUID)) == []


def test_where_it_cannot_be_told_which_study_was_asked_for_none_is_accused(home, archive, spool, datasets):
    archive.behave(behaviour.sends_someone_else(Stranger.EXTRA) & behaviour.hides_originator())
    other = study(images=2)
    with bringing(home, spool, other) as (_, others), bringing(home, spool, datasets) as (bring, got):
        bring(share_of(datasets[:6]))
    assert got.refused == others.refused == []


def test_what_another_archive_sends_by_itself_is_nobodys_fault(home, archive, spool, datasets):
    archive.behave(behaviour.hangs_in_move(1))
    _, port = archive.peers["PREVIEW"]
    with pytest.raises(FetchError), bringing(home, spool, datasets, silence=so_long(1)) as (bring, got):
        waits = threading.Thread(target=lambda: push(port, *study(STRANGER), aet="OTHER"))
        waits.start()
        bring(share_of(datasets[:6]))
    waits.join()
    assert got.refused == []


def test_what_the_receiver_refused_is_told(home, archive, spool, datasets):
    archive.behave(behaviour.wrong_uid("1.2.3.4"))
    with bringing(home, spool, datasets) as (bring, got):
        reported = bring(share_of(datasets[:6]))
    assert got.refused == [Reason.WRONG_UID]
    assert (len(got.instances), reported.failed) == (5, 1)


# What goes wrong


def test_an_archive_that_does_not_know_us_as_a_destination_says_so(home, archive, spool, datasets):
    archive.peers.clear()
    with pytest.raises(SetupFault) as raised, bringing(home, spool, datasets) as (bring, _):
        bring(share_of(datasets[:1]))
    assert raised.value.reason is Reason.RECEIVER_UNKNOWN


def test_the_viewers_archive_as_an_unknown_destination_is_another_matter(home, datasets):
    with pytest.raises(SetupFault) as raised:
        move(home, LOCAL, datasets[0].StudyInstanceUID, "VIEWER", lambda _: None)
    assert raised.value.reason is Reason.DESTINATION_UNKNOWN


def test_an_archive_without_the_service_says_so_at_once(home, archive, spool, datasets):
    archive.behave(behaviour.refuses_services(Kind.MOVE))
    with pytest.raises(SetupFault) as raised, bringing(home, spool, datasets):
        pass
    assert raised.value.reason is Reason.NOT_SUPPORTED


def test_a_level_that_is_refused_is_a_fault_of_this_request_and_the_line_goes_on(
    home, archive, spool, datasets
):
    archive.behave(behaviour.refuses_uid_lists())
    with bringing(home, spool, datasets) as (bring, got):
        with pytest.raises(RequestFault) as raised:
            bring(share_of(datasets[:6]))
        assert raised.value.reason is Reason.REQUEST_FAILED
        assert bring(share_of(datasets[:1])).completed == 1
    assert len(got.instances) == 1


def test_a_line_that_breaks_keeps_what_came_before(home, archive, spool, datasets):
    archive.behave(behaviour.drops_after(3, Kind.MOVE))
    got = Got()
    with pytest.raises(SourceUnreachable) as raised, bringing(home, spool, datasets, got) as (bring, _):
        bring(share_of(datasets[:6]))
    assert raised.value.reason is Reason.CONNECTION_LOST
    assert len(got.instances) == 3


def test_an_archive_that_falls_silent_is_given_up_after_so_long(home, archive, spool, datasets):
    archive.behave(behaviour.hangs_in_move(2))
    got, began = Got(), time.monotonic()
    quick = of(archive, timeouts=Timeouts(connect=2, association=5, message=1, network=1))
    hung = bringing(quick, spool, datasets, got, silence=so_long(1.5))
    with pytest.raises(SourceUnreachable) as raised, hung as (bring, _):
        bring(share_of(datasets[:6]))
    assert raised.value.reason is Reason.FELL_SILENT
    assert 1.5 < time.monotonic() - began < 6
    assert len(got.instances) == 2


def test_counters_that_go_on_without_an_image_are_not_believed_for_ever(home, archive, spool, datasets):
    archive.behave(behaviour.reports_pending_for_ever(Kind.MOVE))
    quick = of(archive, timeouts=Timeouts(connect=2, association=5, message=0.3, network=1))
    began = time.monotonic()
    waits = bringing(quick, spool, datasets, silence=so_long(0.3))
    with pytest.raises(SourceUnreachable) as raised, waits as (bring, _):
        bring(share_of(datasets[:6]))
    assert raised.value.reason is Reason.NO_ANSWER
    assert 1.5 <= time.monotonic() - began < 8


def test_when_all_is_here_its_final_response_is_not_waited_for_long(home, archive, spool, datasets):
    archive.behave(behaviour.hangs_in_move(6))
    got, began = Got(), time.monotonic()
    hung = bringing(home, spool, datasets, got, silence=Silence(60, 60, after=1))
    with pytest.raises(SourceUnreachable) as raised, hung as (bring, _):
        bring(share_of(datasets[:6]))
    assert raised.value.reason is Reason.FELL_SILENT
    assert time.monotonic() - began < 10
    assert set(got.instances) == uids(datasets[:6])


def test_a_study_is_complete_though_no_final_response_ever_comes(home, archive, spool, datasets, monkeypatch):
    monkeypatch.setattr(silence_module, "_ALL_HERE_S", 0.5)
    archive.behave(behaviour.hangs_in_move(6))
    means = Means(ways=(Way.MOVE,), spool=spool)
    with spool.served(), Retrieval(home, LOCAL, datasets[0].StudyInstanceUID, means) as brought:
        arrived = [event.instance_uid for event in brought if isinstance(event, Received)]
    assert (set(arrived), brought.given_up) == (uids(datasets), {})
    assert len(arrived) == len(set(arrived))


@pytest.mark.parametrize(
    ("begun", "done", "more", "seconds"),
    [
        (False, False, {}, 120),
        (True, False, {}, 60),
        (True, True, {}, 10),
        (False, False, {"archived": lambda: True}, 600),
        (True, False, {"archived": lambda: True}, 600),
        (True, True, {"archived": lambda: True}, 10),
        (False, False, {"archived": lambda: True, "patient": lambda: False}, 30),
    ],
)
def test_how_long_an_archive_may_stand_still(begun, done, more, seconds):
    assert Silence(**more).longest(begun=begun, done=done) == seconds


def test_an_archive_may_be_silent_as_long_as_the_settings_say():
    patient = Silence().at_least(300)
    assert patient.longest(begun=False, done=False) == patient.longest(begun=True, done=False) == 300


def test_for_pictures_that_nobody_asked_for_an_archive_is_given_up_sooner(
    home, archive, spool, datasets, monkeypatch
):
    monkeypatch.setattr(silence_module, "_HURRIED_S", 0.5)
    archive.behave(behaviour.hangs_in_move())
    means, began = Means(ways=(Way.MOVE,), spool=spool), time.monotonic()
    posters = Retrieval(home, LOCAL, datasets[0].StudyInstanceUID, means, posters_only=True)
    with spool.served(), pytest.raises(SourceUnreachable) as raised, posters as brought:
        list(brought)
    assert raised.value.reason is Reason.NO_ANSWER
    assert time.monotonic() - began < 6


def test_once_somebody_asks_for_everything_it_is_given_its_time(home, archive, spool, datasets, monkeypatch):
    monkeypatch.setattr(silence_module, "_HURRIED_S", 0.5)
    archive.behave(behaviour.hangs_in_move())
    asked_since, began = time.monotonic() + 0.2, time.monotonic()
    quick = of(archive, timeouts=Timeouts(connect=2, association=5, message=1, network=1))
    waits = bringing(
        quick, spool, datasets, silence=so_long(2, patient=lambda: time.monotonic() > asked_since)
    )
    with pytest.raises(SourceUnreachable), waits as (bring, _):
        bring(share_of(datasets[:6]))
    assert time.monotonic() - began > 2


def test_long_silence_is_normal_while_files_still_come(home, archive, spool, datasets):
    archive.behave(behaviour.says_nothing_between() & behaviour.slow(0.5))
    quick = of(archive, timeouts=Timeouts(connect=2, association=5, message=1, network=1))
    with bringing(quick, spool, datasets, silence=so_long(1.5)) as (bring, got):
        assert bring(share_of(datasets[:6])).completed == 6
    assert len(got.instances) == 6


@pytest.mark.parametrize(
    "how",
    [behaviour.hangs_in_move(1), behaviour.leaves_out(3), behaviour.slow(0.3)],
    ids=["silent", "waiting", "sending"],
)
def test_it_ends_within_a_second_when_somebody_cancels(home, archive, spool, datasets, how):
    archive.behave(how)
    got, aborted = Got(), []

    def cancel():
        eventually(lambda: got.instances, 10)
        time.sleep(0.5)
        aborted.append(time.monotonic())
        got.abort()

    thread = threading.Thread(target=cancel)
    thread.start()
    with (
        pytest.raises(FetchError),
        bringing(home, spool, datasets, got, still=30, silence=so_long(30)) as (bring, _),
    ):
        bring(share_of(datasets[:6]))
    assert time.monotonic() - aborted[0] < 2
    thread.join()


def test_a_fault_of_the_taker_ends_the_association(home, archive, spool, datasets):
    class Broken(Got):
        def deliver(self, received):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), bringing(home, spool, datasets, Broken()) as (bring, _):
        bring(share_of(datasets[:6]))
    eventually(lambda: not [t for t in threading.enumerate() if t.name == "move"], 5)


def test_posters_come_first_then_the_sweep_and_one_request_at_a_time(archive, spool):
    datasets = study(images=24, series=3)
    for ds in datasets:
        archive.add(ds)
    main = of(archive, timeouts=LASTING, associations=4)
    uid = datasets[0].StudyInstanceUID
    with Receiver(LOCAL, [main], spool, lambda *_: True).start() as receiver, spool.served():
        archive.peers["PREVIEW"] = ("127.0.0.1", receiver.port)
        with Retrieval(main, LOCAL, uid, Means(ways=(Way.MOVE,), spool=spool)) as brought:
            arrived = [event.instance_uid for event in brought if isinstance(event, Received)]
            posters = {one for one in uids(datasets) if brought.is_poster(one)}
    assert sorted(arrived) == sorted(uids(datasets))
    assert len(posters) == 4  # the first, and the middle of each series
    assert set(arrived[:4]) == posters
    asked = [one.keys["SOPInstanceUID"].split("\\") for one in archive.asked(Kind.MOVE)]
    assert len(asked) <= 4 + 3 * 4  # each poster; of each series every 8th, 4th, 2nd, the rest
    assert archive.most_at_once <= 2  # the list, and one that asks


# Real archives


@pytest.fixture(scope="module")
def held():
    return study(images=8, series=2)


@pytest.fixture(scope="module", params=["orthanc", "dcmtk"])
def real(request, held, tmp_path_factory):
    """A real archive that knows the receiver, as a source, and the receiver's port."""
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    known = {"PREVIEW": ("127.0.0.1", port)}
    if request.param == "orthanc":
        with Orthanc(folder, known=known).running() as running:
            running.store(held)
            yield source(running.port, aet=running.aet, timeouts=LASTING), port
    else:
        with Dcmqrscp(folder, known=known).running() as running:
            running.store(held)
            yield source(running.port, aet="DCMTK", timeouts=LASTING), port


def test_a_real_archive_sends_images_series_and_study(real, spool, held):
    main, port = real
    receiver = Receiver(Local("PREVIEW", port), [main], spool, lambda *_: True)
    with receiver.start(), bringing(main, spool, held, still=5, silence=so_long(20)) as (bring, got):
        assert bring(share_of(held[:1])).completed == 1
        assert bring(share_of(held[1:8])).completed == 7
        assert bring(share_of(held[8:], Level.SERIES)).completed == 8
        assert sorted(got.instances) == sorted(uids(held))
        assert bring(share_of(held, Level.STUDY)).completed == 16
    assert len(got.instances) == 32


def test_a_real_archive_that_cannot_reach_us_does_not_claim_success(real, spool, held):
    main, _ = real
    try:
        with bringing(main, spool, held, still=1, silence=so_long(20)) as (bring, _):
            reported = bring(share_of(held[:1]))
    except FetchError as refused:
        assert refused.reason is not None
    else:
        assert (reported.failed, reported.failed_uids) == (
            1,
            tuple(uids(held[:1])),
        )  # it names what it could not send
