"""What an archive lists of a study: each instance as it is named, each series when complete, the plan."""

import threading
import time
from contextlib import contextmanager

import pytest
from peers import IMPATIENT, LOCAL, answer, answering, of, serving, source
from pydicom.uid import KeyObjectSelectionDocumentStorage
from pynetdicom import evt
from support.studies import study

from fetch.errors import FetchError, RequestFault, SourceUnreachable, UnsafeQuery
from fetch.model import Instance, Plan, Series
from fetch.reasons import Reason
from fetch.sources import protocol
from preview.demo import behaviour as b
from preview.demo.archive import Archive
from preview.demo.behaviour import Kind
from preview.demo.contexts import FIND_MODEL


@pytest.fixture
def archive():
    with Archive("MAIN", datasets=study(study_uid="1.1", images=4, series=2)).start() as running:
        yield running


def listed(one, study_uid="1.1"):
    return list(protocol.listing(one, LOCAL, study_uid))


def test_instances_come_first_then_their_series_and_last_the_plan(archive):
    kinds = [type(event) for event in listed(of(archive))]
    assert kinds == [*[Instance] * 4, Series, *[Instance] * 4, Series, Plan]
    assert archive.associations == 1


def test_the_plan_holds_what_was_listed(archive):
    events = listed(of(archive))
    plan = events[-1]
    assert list(plan.series) == [event for event in events if isinstance(event, Series)]
    assert set(plan.instances) == {event for event in events if isinstance(event, Instance)}
    assert plan.total == 8


def test_an_instance_is_there_before_the_next_one_is_named(archive):
    archive.behave(b.slow(0.2))
    began = time.monotonic()
    listing = protocol.listing(of(archive), LOCAL, "1.1")
    assert isinstance(next(listing), Instance)
    assert time.monotonic() - began < 1  # two series and one image; all of it takes two seconds
    listing.close()


def test_key_object_selections_are_listed_first_and_stand_where_they_belong_in_the_plan():
    (selection,) = study(study_uid="1.1", images=1, Modality="KO", SeriesNumber=900)
    selection.SOPClassUID = selection.file_meta.MediaStorageSOPClassUID = KeyObjectSelectionDocumentStorage
    with Archive("MAIN", datasets=[*study(study_uid="1.1"), selection]).start() as archive:
        first, *_, plan = listed(of(archive))
    assert first.instance_uid == selection.SOPInstanceUID
    assert [series.number for series in plan.series] == [1, 900]


def test_an_archive_that_refuses_the_level_of_images_gives_series_with_their_counts():
    held = answer(SeriesInstanceUID="1.5", NumberOfSeriesRelatedInstances=7)
    with answering(held, at="SERIES") as port:
        series, plan = listed(source(port))
    assert (series.series_uid, series.instances, series.expected) == ("1.5", (), 7)
    assert plan == Plan((series,), 7)


def test_an_archive_that_refuses_the_level_of_series_is_an_error():
    with answering(answer(), at="STUDY") as port, pytest.raises(RequestFault):
        listed(source(port))


@pytest.mark.parametrize("uid", ["", "1.2\\1.3", "1.*", "1." + "2" * 63, "../1.2"])
def test_an_instance_whose_uid_is_none_is_left_out_and_leaves_the_total_unknown(uid):
    named = [
        answer(SeriesInstanceUID="1.5", SOPInstanceUID="1.5.1"),
        answer(SeriesInstanceUID="1.5", SOPInstanceUID=uid),
    ]
    with answering(*named) as port:
        events = listed(source(port))
    usable = {event.instance_uid for event in events if isinstance(event, Instance)}
    assert usable <= {"1.5.1", "../1.2"}  # what stands in no path may be asked for
    assert events[-1].total in {None, 2}
    assert (events[-1].total is None) == (len(usable) == 1)


def test_a_series_whose_uid_is_none_is_never_asked_about_and_leaves_the_total_unknown():
    named = [answer(SeriesInstanceUID="1.5", SOPInstanceUID="1.5.1"), answer(SeriesInstanceUID="1.*")]
    with answering(*named) as port:
        plan = listed(source(port))[-1]
    assert [series.series_uid for series in plan.series] == ["1.5"]
    assert plan.total is None


def test_a_series_or_instance_that_is_listed_twice_is_one():
    named = [answer(SeriesInstanceUID="1.5", SOPInstanceUID="1.5.1")] * 3
    with answering(*named) as port:
        instance, series, plan = listed(source(port))
    assert (instance.instance_uid, series.expected, plan.total) == ("1.5.1", 1, 1)


@contextmanager
def stopping(how):
    """A peer with one series of many images, that lists one of them and then does this with the line."""

    def on_find(event):
        if event.identifier.QueryRetrieveLevel == "SERIES":
            yield 0xFF00, answer(SeriesInstanceUID="1.5")
            yield 0x0000, None
            return
        yield 0xFF00, answer(SOPInstanceUID="1.5.1")
        how(event)

    with serving([FIND_MODEL], (evt.EVT_C_FIND, on_find)) as port:
        yield port


def test_another_thread_can_end_it():
    let_go, aborts = threading.Event(), []
    with stopping(lambda _: let_go.wait(5)) as port:
        listing = protocol.listing(source(port), LOCAL, "1.1", aborts.append)
        assert isinstance(next(listing), Instance)
        began = time.monotonic()
        threading.Timer(0.2, aborts[0]).start()
        with pytest.raises(SourceUnreachable):
            list(listing)
        assert time.monotonic() - began < 0.9  # its own time-out is a second
        let_go.set()


def test_whoever_leaves_early_leaves_no_association_behind(archive):
    listing = protocol.listing(of(archive), LOCAL, "1.1")
    next(listing)
    listing.close()
    assert len(archive.asked(Kind.FIND)) == 2  # the second series was never asked about


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (lambda event: event.assoc.abort(), Reason.CONNECTION_LOST),
        (lambda _: time.sleep(0.9), Reason.NO_ANSWER),
    ],
)
def test_what_was_listed_before_the_line_broke_was_handed_out(how, reason):
    with stopping(how) as port:
        listing = protocol.listing(source(port, timeouts=IMPATIENT), LOCAL, "1.1")
        assert next(listing).instance_uid == "1.5.1"
        with pytest.raises(FetchError) as raised:
            next(listing)
    assert raised.value.reason is reason


@pytest.mark.parametrize("study_uid", ["", "*", "1.1\\1.2"])
def test_a_study_uid_that_could_mean_several_is_refused(archive, study_uid):
    with pytest.raises(UnsafeQuery):
        listed(of(archive), study_uid)
    assert archive.associations == 0
