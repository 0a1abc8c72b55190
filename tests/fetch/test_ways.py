"""Every way to retrieve with real archives of two makes: by C-GET, by C-MOVE to our receiver, by DICOMweb."""

from collections import Counter
from dataclasses import replace

import pytest
from peers import source
from support.dcmqrscp import Dcmqrscp
from support.installation import free_port
from support.orthanc import Orthanc
from support.studies import study

from fetch.errors import RequestFault, SetupFault, SourceRefused
from fetch.model import Instance, Local, Received, Timeouts, Way, Web
from fetch.notes import Note, Noted
from fetch.reasons import Reason
from fetch.retrieve import Means, Retrieval
from fetch.sources.receiver import Receiver
from fetch.spool import Spool
from preview.demo import behaviour as b
from preview.demo.archive import Archive

LASTING = Timeouts(connect=2, association=5, message=10, network=10)
IMAGES = 45


@pytest.fixture(scope="module")
def local():
    return Local("PREVIEW", free_port())


@pytest.fixture(scope="module")
def spool(tmp_path_factory):
    return Spool(tmp_path_factory.mktemp("spool"))


@pytest.fixture(scope="module")
def datasets():
    return study(images=IMAGES // 3, series=3)


@pytest.fixture(scope="module")
def of_orthanc(tmp_path_factory, datasets, local):
    known = {"PREVIEW": ("127.0.0.1", local.port)}
    with Orthanc(tmp_path_factory.mktemp("orthanc"), dicomweb=True, known=known).running() as running:
        running.store(datasets)
        web = Web(f"{running.http}/dicom-web")
        yield source(running.port, "orthanc", aet=running.aet, timeouts=LASTING, web=web)


@pytest.fixture(scope="module")
def of_dcmtk(tmp_path_factory, datasets, local):
    known = {"PREVIEW": ("127.0.0.1", local.port)}
    with Dcmqrscp(tmp_path_factory.mktemp("dcmqrscp"), known=known).running() as running:
        running.store(datasets)
        yield source(running.port, "dcmtk", aet=running.aet, timeouts=LASTING)


@pytest.fixture
def receiving(local, spool, of_orthanc, of_dcmtk):
    with Receiver(local, [of_orthanc, of_dcmtk], spool, lambda _source, _study: True).start(), spool.served():
        yield


def bring(one, local, spool, study_uid, *ways, **more):
    """The UIDs that arrived, and what was noted."""
    arrived, said = [], []
    with spool.scratch("tests") as scratch:
        means = Means(ways=ways, spool=spool, scratch=scratch, **more)
        with Retrieval(one, local, study_uid, means) as brought:
            for event in brought:
                if isinstance(event, Received):
                    arrived.append(event.instance_uid)
                    if event.file:
                        event.file.unlink()
                elif isinstance(event, Noted):
                    said.append((event.note, event.facts.get("reason") or event.facts.get("way")))
    brought.said = said
    return arrived, brought


@pytest.mark.parametrize(
    ("archive", "way"),
    [
        ("of_orthanc", Way.GET),
        ("of_orthanc", Way.MOVE),
        ("of_orthanc", Way.WADO),
        ("of_dcmtk", Way.GET),
        ("of_dcmtk", Way.MOVE),
    ],
)
def test_a_study_arrives_whole_in_every_way(request, receiving, local, spool, datasets, archive, way):
    one = request.getfixturevalue(archive)
    arrived, brought = bring(one, local, spool, datasets[0].StudyInstanceUID, way)
    assert Counter(arrived) == Counter(ds.SOPInstanceUID for ds in datasets)
    assert brought.given_up == {}
    assert brought.learned.works == {way}
    assert (Note.WAY, str(way)) in brought.said


def test_a_source_that_speaks_only_dicomweb_is_listed_and_brought_over_it(of_orthanc, local, spool, datasets):
    one = replace(of_orthanc, protocol="dicomweb", host="", port=0, aet="")
    arrived, _ = bring(one, local, spool, datasets[0].StudyInstanceUID, Way.WADO)
    assert len(arrived) == IMAGES


def test_thumbnails_that_the_archive_draws_come_with_the_header_that_tells_whose_they_are(
    of_orthanc, local, spool, datasets
):
    one = replace(of_orthanc, web=replace(of_orthanc.web, rendered=True))
    means = Means(ways=[Way.WADO], rendered=True)
    with Retrieval(one, local, datasets[0].StudyInstanceUID, means) as brought:
        drawn = [event for event in brought if isinstance(event, Received)]
    assert len(drawn) == IMAGES
    assert all(event.rendered and b"OKAFOR" in event.data for event in drawn)


def test_without_a_receiver_no_archive_is_asked_to_send(of_orthanc, local, spool, datasets):
    with pytest.raises(SourceRefused) as raised:
        bring(of_orthanc, local, spool, datasets[0].StudyInstanceUID, Way.MOVE)
    assert raised.value.reason is Reason.RECEIVER_DOWN


def test_a_receiver_that_an_archive_cannot_reach_is_explained(of_orthanc, local, spool, datasets):
    with spool.served(), pytest.raises(SetupFault) as raised:
        bring(of_orthanc, local, spool, datasets[0].StudyInstanceUID, Way.MOVE)
    assert raised.value.reason in (Reason.MOVED_NOWHERE, Reason.RECEIVER_UNKNOWN)


def test_an_archive_that_offers_no_c_get_is_asked_to_send_and_the_log_says_so(tmp_path, local, datasets):
    spool = Spool(tmp_path)
    peers = {"PREVIEW": ("127.0.0.1", local.port)}
    with Archive("MAIN", datasets=datasets, peers=peers).start() as archive:
        archive.behave(b.refuses_get())
        one = source(archive.port, "main", timeouts=LASTING)
        with Receiver(local, [one], spool, lambda _source, _study: True).start(), spool.served():
            arrived, brought = bring(one, local, spool, datasets[0].StudyInstanceUID, Way.GET, Way.MOVE)
    assert len(arrived) == IMAGES
    assert (Note.FELL_BACK, "not-supported") in brought.said
    assert brought.learned.works == {Way.MOVE}
    assert brought.learned.fails == {Way.GET: Reason.NOT_SUPPORTED}


def test_a_study_of_kinds_that_c_get_does_not_offer_says_nothing_of_other_studies(tmp_path, local, datasets):
    spool, peers = Spool(tmp_path), {"PREVIEW": ("127.0.0.1", local.port)}
    odd = Instance(datasets[0].SeriesInstanceUID, datasets[0].SOPInstanceUID, "1.2.826.0.1.3680043.9.7.1")
    with Archive("MAIN", datasets=datasets, peers=peers).start() as archive:
        one = source(archive.port, "main", timeouts=LASTING)
        means = Means(ways=(Way.GET, Way.MOVE), spool=spool, scratch=tmp_path)
        with (
            Receiver(local, [one], spool, lambda _source, _study: True).start(),
            spool.served(),
            Retrieval(one, local, datasets[0].StudyInstanceUID, means, only=[odd]) as brought,
        ):
            events = list(brought)
    arrived = [event.instance_uid for event in events if isinstance(event, Received)]
    fallen = [event.facts["reason"] for event in events if getattr(event, "note", None) is Note.FELL_BACK]
    assert (arrived, fallen) == ([odd.instance_uid], ["not-offered"])
    assert (brought.learned.works, brought.learned.fails) == ({Way.MOVE}, {})


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (b.claims_success_but_sends_nothing(), Reason.NOTHING_SENT),
        (b.answers(0xC000, b.Kind.GET), Reason.REQUEST_FAILED),
    ],
)
def test_a_way_that_brings_nothing_gives_way_to_the_next(of_orthanc, local, spool, datasets, how, reason):
    with Archive("MAIN", datasets=datasets).start() as archive:
        archive.behave(how)
        one = source(archive.port, "main", timeouts=LASTING, web=of_orthanc.web)
        arrived, brought = bring(one, local, spool, datasets[0].StudyInstanceUID, Way.GET, Way.WADO)
    assert len(arrived) == IMAGES
    assert brought.learned.fails == {Way.GET: reason}


def looked_at(one, local, study_uid, *ways):
    """The UIDs of the first pictures of a study that nobody has asked for yet."""
    with Retrieval(one, local, study_uid, Means(ways=ways), posters_only=True) as brought:
        return [event.instance_uid for event in brought if isinstance(event, Received)], brought


def test_first_pictures_are_brought_in_the_way_that_brings_single_images(of_orthanc, local, datasets):
    long = study(images=40)
    with Archive("MAIN", datasets=long).start() as archive:
        archive.behave(b.refuses_level("IMAGE", b.Kind.GET))
        one = source(archive.port, "main", timeouts=LASTING)
        with pytest.raises(RequestFault) as raised:
            looked_at(one, local, long[0].StudyInstanceUID, Way.GET)
        assert raised.value.reason is Reason.NO_SINGLE_IMAGES
    with Archive("MAIN", datasets=datasets).start() as archive:
        archive.behave(b.refuses_level("IMAGE", b.Kind.GET))
        one = source(archive.port, "main", timeouts=LASTING, web=of_orthanc.web)
        arrived, brought = looked_at(one, local, datasets[0].StudyInstanceUID, Way.GET)
        assert (len(arrived), brought.given_up) == (IMAGES, {})  # its series are short


def test_where_one_way_refuses_single_images_the_next_brings_them(tmp_path, local):
    long = study(images=40)
    with (
        Orthanc(tmp_path, dicomweb=True).running() as other,
        Archive("MAIN", datasets=long).start() as archive,
    ):
        other.store(long)
        archive.behave(b.refuses_level("IMAGE", b.Kind.GET))
        one = source(archive.port, "main", timeouts=LASTING, web=Web(f"{other.http}/dicom-web"))
        arrived, brought = looked_at(one, local, long[0].StudyInstanceUID, Way.GET, Way.WADO)
    assert len(arrived) == 2  # the first and the middle one
    assert brought.learned.works == {Way.WADO}
    assert Way.GET not in brought.learned.fails


def test_images_that_come_after_the_final_response_are_waited_for(tmp_path, local, datasets):
    spool = Spool(tmp_path)
    peers = {"PREVIEW": ("127.0.0.1", local.port)}
    with Archive("MAIN", datasets=datasets, peers=peers).start() as archive:
        archive.behave(b.sends_late(1.0))
        one = source(archive.port, "main", timeouts=LASTING)
        with Receiver(local, [one], spool, lambda _source, _study: True).start(), spool.served():
            arrived, brought = bring(one, local, spool, datasets[0].StudyInstanceUID, Way.MOVE)
    assert Counter(arrived) == Counter(ds.SOPInstanceUID for ds in datasets)
    assert brought.given_up == {}
