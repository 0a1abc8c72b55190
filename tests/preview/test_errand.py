"""The errand of fetching against an archive that misbehaves: what is kept, and what is said."""

import shutil
import time
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import select, update
from support.installation import eventually, source_block
from support.studies import OKAFOR, STRANGER, study

from app import create_app
from fetch.find import find_study
from fetch.model import Received
from fetch.records import StudyRow, UnmatchedRow
from fetch.settings import load_settings
from preview.demo.behaviour import (
    Kind,
    answers,
    breaks_down_after,
    caps_answers,
    claims_success_but_sends_nothing,
    counts_wrong,
    drops_after,
    hangs_in_get,
    leaves_out,
    nothing_listens,
    offline,
    omits_return_keys,
    refuses_association,
    refuses_get,
    sends_someone_else,
    slow,
    wrong_uid,
)
from preview.demo.behaviour import Stranger as Someone
from preview.errands import fetching, wanting
from preview.errands import progress as progress_module
from preview.errands.asking import note_study
from preview.errands.claim import SILENT, Claim
from preview.pictures import drawing_process
from preview.pictures.drawing import Drawn
from preview.pictures.header import read_header
from preview.pictures.thumbnail import card_drawing
from preview.records import Arrival, FetchRow, InstanceRow, NoteRow, Outcome, Scope


def noted(site, study_uid) -> StudyRow:
    """The study as the archive describes it, kept in the database."""
    found = find_study(site.settings.sources[0], site.settings.local, study_uid)
    with site.parts.records.write() as session:
        return note_study(session, found, site.parts.now)


@pytest.fixture
def held(site, archive):
    """A study of six images at the archive."""
    datasets = study(images=6)
    for ds in datasets:
        archive.add(ds)
    return noted(site, datasets[0].StudyInstanceUID)


def fetched(site, row) -> FetchRow:
    fetch_id = wanting.want(site.parts, row)
    fetching.fetch(site.parts, fetch_id)
    return stored(site, fetch_id)


def ended(site, row) -> FetchRow:
    """As ``fetched``, but tried again at once, whenever it rests, until it ends by itself."""
    fetch = fetched(site, row)
    for _ in range(4):
        if fetch.finished_at is None:
            fetch = fetched(site, row)
    assert fetch.finished_at is not None
    return fetch


def rests(fetch) -> bool:
    """Is it tried again by itself?"""
    waits = fetch.next_try_at is not None and fetch.beat_at is None
    return waits and fetch.finished_at is None and fetch.active_study is not None


def stored(site, fetch_id) -> FetchRow:
    with site.parts.records.read() as session:
        return session.get_one(FetchRow, fetch_id)


def arrivals(site, row) -> list[Arrival]:
    with site.parts.records.read() as session:
        return list(session.scalars(select(InstanceRow.arrival).where(InstanceRow.study_row == row.id)))


def pictures(site) -> int:
    return len(list((site.folder / "shelf").rglob("*.png")))


def test_everything_that_is_listed_arrives_and_is_drawn(site, held):
    fetch = fetched(site, held)
    assert (fetch.outcome, fetch.expected, fetch.arrived, fetch.drawn) == (Outcome.COMPLETE, 6, 6, 6)
    assert arrivals(site, held) == [Arrival.PICTURE] * 6
    assert pictures(site) == 6  # too small to be enlarged
    assert 0 < fetch.first_thumbnail_s <= fetch.seconds


def test_success_with_some_missing_is_incomplete(site, archive, held):
    archive.behave(leaves_out(2))
    fetch = ended(site, held)
    assert (fetch.outcome, fetch.expected) == (Outcome.INCOMPLETE, 6)
    assert 0 < fetch.arrived < 6  # two of every request, however small
    assert (fetch.reason, fetch.tries) == ("some-missing", 2)
    assert arrivals(site, held).count(Arrival.GIVEN_UP) == 6 - fetch.arrived


def test_the_missing_images_arrive_on_the_second_try_and_the_others_are_kept(site, archive, held):
    archive.behave(leaves_out(2))
    fetched(site, held)
    archive.behave_well()
    fetch = fetched(site, held)
    assert (fetch.outcome, fetch.arrived) == (Outcome.COMPLETE, 6)


def test_success_with_nothing_is_a_failure_that_can_be_retried(site, archive, held):
    archive.behave(claims_success_but_sends_nothing())
    fetch = fetched(site, held)
    assert (rests(fetch), fetch.reason, fetch.drawn) == (True, "nothing-sent", 0)
    fetch = ended(site, held)
    assert (fetch.outcome, fetch.reason, fetch.drawn) == (Outcome.FAILED, "nothing-sent", 0)
    archive.behave_well()
    assert fetched(site, held).outcome is Outcome.COMPLETE


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (drops_after(0), "connection-lost"),
        (hangs_in_get(), "no-answer"),
        (answers(0xA702, Kind.GET), "out-of-resources"),
        (refuses_association("busy"), "busy"),
    ],
)
def test_what_may_pass_by_itself_is_tried_again_by_itself_and_stays_wanted(
    site, archive, held, behaviour, reason
):
    archive.behave(behaviour)
    for tries in (1, 2, 3, 4):
        fetch = fetched(site, held)
        assert rests(fetch)
        assert (fetch.reason, fetch.drawn, fetch.tries) == (reason, 0, tries)
    archive.behave_well()
    assert fetched(site, held).outcome is Outcome.COMPLETE


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (answers(0xC000, Kind.GET), "request-failed"),
        (refuses_get(), "not-supported"),
        (refuses_association("calling"), "calling-aet-unknown"),
    ],
)
def test_what_somebody_has_to_change_is_said_and_not_tried_again(site, archive, held, behaviour, reason):
    archive.behave(behaviour)
    fetch = fetched(site, held)
    assert (fetch.outcome, fetch.reason, fetch.drawn) == (Outcome.FAILED, reason, 0)
    assert fetch.active_study is None


def test_a_resting_fetch_is_not_taken_up_before_its_time(site, archive, held):
    archive.behave(refuses_association("busy"))
    fetch = fetched(site, held)
    archive.behave_well()
    fetching.fetch(site.parts, fetch.id)
    assert rests(stored(site, fetch.id))
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(next_try_at=site.parts.now))
    fetching.fetch(site.parts, fetch.id)
    assert stored(site, fetch.id).outcome is Outcome.COMPLETE


def test_a_line_that_drops_in_the_middle_costs_nothing(site, archive, held):
    archive.behave(drops_after(3))
    assert fetched(site, held).outcome is Outcome.COMPLETE
    assert "line-lost" in log_of(site)


def log_of(site) -> list[str]:
    with site.parts.records.read() as session:
        return list(session.scalars(select(NoteRow.code).order_by(NoteRow.id)))


def test_the_log_says_what_happened(site, archive, held):
    archive.behave(leaves_out(1, admits=True))
    ended(site, held)
    codes = log_of(site)
    assert codes[:2] == ["way", "listed"]
    assert {"reported-failed", "tried", "resumed"} <= set(codes)


# Posters


def posters(site, row) -> FetchRow:
    fetch_id = wanting.want(site.parts, row, scope=Scope.POSTERS)
    fetching.fetch(site.parts, fetch_id)
    return stored(site, fetch_id)


def test_posters_are_the_first_and_the_middle_of_each_series(site, archive):
    datasets = study(images=9, series=2)
    for ds in datasets:
        archive.add(ds)
    fetch = posters(site, noted(site, datasets[0].StudyInstanceUID))
    assert (fetch.outcome, fetch.expected, fetch.drawn) == (Outcome.COMPLETE, 18, 3)


def test_the_rest_is_brought_by_a_wish_for_everything(site, held):
    posters(site, held)
    fetch = fetched(site, held)
    assert (fetch.outcome, fetch.drawn) == (Outcome.COMPLETE, 6)


def test_a_wish_for_everything_widens_a_fetch_of_posters(site, held):
    first = wanting.want(site.parts, held, scope=Scope.POSTERS)
    assert wanting.want(site.parts, held) == first
    fetching.fetch(site.parts, first)
    assert (stored(site, first).outcome, stored(site, first).drawn) == (Outcome.COMPLETE, 6)


def test_posters_that_cannot_be_had_are_given_up_after_a_few_tries(site, archive, held):
    archive.behave(refuses_association("busy"))
    for _ in range(3):
        fetch = posters(site, held)
    assert (fetch.outcome, fetch.reason) == (Outcome.FAILED, "busy")


@pytest.mark.parametrize("how", list(Someone))
def test_another_patients_image_among_them_is_withheld_and_listed(site, archive, held, how):
    for ds in study(STRANGER):
        archive.add(ds)
    archive.behave(sends_someone_else(how))  # one in every request
    fetch = fetched(site, held)
    assert fetch.withheld >= 1
    assert fetch.drawn + fetch.withheld <= 6 + (how is Someone.EXTRA)
    assert fetch.outcome is not Outcome.COMPLETE
    assert fetch.reason == "some-withheld"
    assert arrivals(site, held).count(Arrival.WITHHELD) == fetch.withheld
    assert pictures(site) == fetch.drawn
    with site.parts.records.read() as session:
        (unmatched,) = session.scalars(select(UnmatchedRow)).all()
    assert unmatched.doubts == ["foreign-images"]


def test_a_study_of_nothing_but_somebody_elses_images_says_so(site, archive):
    datasets = study(images=2)
    for ds in datasets:
        archive.add(ds)
    row = noted(site, datasets[0].StudyInstanceUID)
    with site.parts.records.write() as session:
        session.execute(update(StudyRow).values(patient_name="SOMEBODY^Else"))
    fetch = fetched(site, row)
    assert (fetch.outcome, fetch.reason, fetch.drawn) == (Outcome.FAILED, "some-withheld", 0)


def test_what_the_archive_itself_reports_as_failed_is_never_complete(site, archive, held):
    archive.behave(leaves_out(2, admits=True))
    fetch = ended(site, held)
    assert fetch.outcome is Outcome.INCOMPLETE
    with site.parts.records.read() as session:
        given_up = select(InstanceRow.reason).where(InstanceRow.arrival == Arrival.GIVEN_UP)
        assert session.scalars(given_up).all() == ["reported-failed"] * (6 - fetch.drawn)


def test_a_count_that_is_larger_than_the_list_is_believed(site, archive, held):
    with site.parts.records.write() as session:
        session.execute(update(StudyRow).values(instance_count=480))
    fetch = ended(site, held)
    assert (fetch.outcome, fetch.expected, fetch.arrived) == (Outcome.INCOMPLETE, 480, 6)


def test_pictures_that_vanished_from_the_shelf_are_drawn_again(site, archive, held):
    fetched(site, held)
    shutil.rmtree(site.folder / "shelf")
    assert fetched(site, held).outcome is Outcome.COMPLETE
    assert pictures(site) == 6


def test_an_archive_that_does_not_count_leaves_the_total_unknown(site, archive):
    datasets = study(images=3)
    for ds in datasets:
        archive.add(ds)
    archive.behave(
        omits_return_keys("NumberOfStudyRelatedInstances", "NumberOfSeriesRelatedInstances", "SOPInstanceUID")
    )
    fetch = fetched(site, noted(site, datasets[0].StudyInstanceUID))
    assert (fetch.outcome, fetch.expected, fetch.arrived) == (Outcome.COMPLETE, None, 3)


UNCOUNTED = omits_return_keys(
    "NumberOfStudyRelatedInstances", "NumberOfSeriesRelatedInstances", "SOPInstanceUID"
)


def test_an_archive_that_sent_less_than_it_says_is_not_complete_without_a_list_either(site, archive):
    datasets = study(images=6)
    for ds in datasets:
        archive.add(ds)
    archive.behave(leaves_out(2) & UNCOUNTED)
    row = noted(site, datasets[0].StudyInstanceUID)
    fetch = ended(site, row)
    assert (fetch.outcome, fetch.reason) == (Outcome.INCOMPLETE, "some-missing")
    assert (fetch.expected, fetch.arrived) == (None, 4)
    archive.behave(UNCOUNTED)
    fetch = fetched(site, row)  # four of the six that it delivers now are here already
    assert (fetch.outcome, fetch.arrived) == (Outcome.COMPLETE, 6)


def test_an_instance_under_a_uid_that_is_none_is_refused_and_the_others_are_drawn(site, archive):
    datasets = study(images=3)
    datasets[1].SOPInstanceUID = "1.2.3\x004"
    datasets[1].file_meta.MediaStorageSOPInstanceUID = "1.2.34"
    for ds in datasets:
        archive.add(ds)
    row = noted(site, datasets[0].StudyInstanceUID)
    fetch = ended(site, row)
    assert (fetch.outcome, fetch.reason, fetch.drawn) == (Outcome.INCOMPLETE, "some-missing", 2)
    with site.parts.records.read() as session:
        uids = session.scalars(select(InstanceRow.instance_uid).where(InstanceRow.arrival == Arrival.PICTURE))
        assert set(uids) == {datasets[0].SOPInstanceUID, datasets[2].SOPInstanceUID}


@pytest.mark.parametrize("uid", ["../../etc/passwd", "letters", "1..2"])
def test_an_object_under_a_hostile_uid_is_refused_and_the_log_says_so(site, archive, held, uid):
    archive.behave(wrong_uid(uid))
    assert ended(site, held).outcome is not Outcome.COMPLETE
    assert "refused" in log_of(site)
    assert not [path for path in site.folder.rglob("*") if "passwd" in path.name or "letters" in path.name]


@pytest.mark.parametrize("uid", ["1.2.3\x004", f"1.2.{'3' * 70}"])
def test_an_unreadable_instance_under_a_uid_that_cannot_be_kept_is_withheld(site, held, uid):
    progress = fetching.Progress(
        site.parts, Claim.take(site.parts.records, wanting.want(site.parts, held), site.parts.now)
    )
    unreadable = Drawn(None, card_drawing("", "", (32,)))
    progress.take(Received("", uid, "", b""), unreadable)
    progress.flush()
    assert pictures(site) == 0
    with site.parts.records.read() as session:
        fetch = session.scalars(select(FetchRow)).one()
        assert (fetch.arrived, fetch.drawn, fetch.withheld) == (1, 0, 1)


def test_the_first_picture_of_a_series_is_written_down_before_the_others(site, archive, monkeypatch):
    monkeypatch.setattr(progress_module, "_BATCH_S", 3600.0)
    monkeypatch.setattr(progress_module, "_NEWS_S", 0.0)
    datasets = study(images=2, series=2)
    for ds in datasets:
        archive.add(ds)
    row = noted(site, datasets[0].StudyInstanceUID)
    progress = fetching.Progress(
        site.parts, Claim.take(site.parts.records, wanting.want(site.parts, row), site.parts.now)
    )
    written = []
    for ds in datasets:
        drawn = Drawn(read_header(ds), card_drawing("", "", (32,)))
        progress.take(Received(ds.SOPClassUID, ds.SOPInstanceUID, "", b""), drawn)
        progress.beat()
        written.append(len(arrivals(site, row)))
    assert written == [1, 1, 3, 3]


def test_a_dead_archive_is_tried_again_with_its_reason(install):
    with nothing_listens() as port:
        site = install(source_block("main", port))
        with site.parts.records.write() as session:
            row = StudyRow(source="main", study_uid="1.2.3", seen_at=site.parts.now)
            row.patient = OKAFOR
            session.add(row)
        fetch = fetched(site, row)
    assert (rests(fetch), fetch.reason) == (True, "connection-refused")


def test_a_source_that_left_the_settings_is_said(site, held):
    with site.parts.records.write() as session:
        session.execute(update(StudyRow).values(source="gone"))
    assert fetched(site, held).reason == "source-gone"


def test_asking_twice_for_one_study_is_one_fetch(site, held):
    assert wanting.want(site.parts, held) == wanting.want(site.parts, held)


def test_a_fetch_in_good_hands_is_not_taken_from_them(site, held):
    fetch_id = wanting.want(site.parts, held)
    assert Claim.take(site.parts.records, fetch_id, site.parts.now)
    assert Claim.take(site.parts.records, fetch_id, site.parts.now) is None


def test_a_fetch_whose_worker_fell_silent_is_taken_over_and_the_first_can_no_longer_write(site, held):
    fetch_id = wanting.want(site.parts, held)
    early = site.parts.now - SILENT - timedelta(seconds=1)
    first = Claim.take(site.parts.records, fetch_id, early)
    fetching.fetch(site.parts, fetch_id)
    done = stored(site, fetch_id)
    assert (done.attempt, done.outcome) == (2, Outcome.COMPLETE)
    with pytest.raises(fetching.Superseded):
        fetching.Progress(site.parts, first).finish(Outcome.FAILED, None, {})
    assert stored(site, fetch_id).outcome is Outcome.COMPLETE


def test_another_host_goes_on_where_the_first_one_stopped_and_asks_only_for_what_is_missing(
    site, archive, held, tmp_path
):
    """They share the database and the shelf, and nothing else."""
    archive.behave(breaks_down_after(4))
    assert rests(fetched(site, held))
    here = len({path.parent.name + path.name for path in (site.folder / "shelf").rglob("*.png")})
    assert 0 < here < 6
    archive.behave_well()
    archive.sent.clear()
    other = create_app(load_settings(site.file, {"PREVIEW_APP__SPOOL": str(tmp_path / "elsewhere")}))
    parts = other.extensions["preview"]
    try:
        fetching.fetch(parts, wanting.want(parts, held))
    finally:
        parts.records.engine.dispose()
    with site.parts.records.read() as session:
        assert session.scalars(select(FetchRow.outcome)).one() is Outcome.COMPLETE
    assert (len(archive.sent), arrivals(site, held)) == (6 - here, [Arrival.PICTURE] * 6)


def test_a_fetch_that_keeps_ending_its_worker_is_given_up_with_a_reason(site, held):
    fetch_id = wanting.want(site.parts, held)
    for _ in range(3):
        Claim.take(site.parts.records, fetch_id, site.parts.now)
        with site.parts.records.write() as session:
            session.execute(update(FetchRow).values(beat_at=site.parts.now - SILENT * 2))
    fetching.fetch(site.parts, fetch_id)
    assert (stored(site, fetch_id).outcome, stored(site, fetch_id).reason) == (Outcome.FAILED, "stopped")


def test_one_that_goes_on_each_time_may_lose_its_worker_often(site, archive, held):
    fetch_id = wanting.want(site.parts, held)
    for _ in range(5):
        claim = Claim.take(site.parts.records, fetch_id, site.parts.now)
        with site.parts.records.write() as session:
            session.execute(update(FetchRow).values(beat_at=site.parts.now - SILENT * 2, crashes=0))
    assert claim.attempt == 5
    fetching.fetch(site.parts, fetch_id)
    assert stored(site, fetch_id).outcome is Outcome.COMPLETE


@pytest.mark.parametrize("how", [slow(0.05), hangs_in_get(12)])
def test_a_cancelled_fetch_ends_within_two_seconds_and_keeps_what_arrived(site, archive, how):
    datasets = study(images=200)
    for ds in datasets:
        archive.add(ds)
    row = noted(site, datasets[0].StudyInstanceUID)
    fetch_id = wanting.want(site.parts, row)
    archive.behave(how)
    running = Thread(target=fetching.fetch, args=(site.parts, fetch_id))
    running.start()
    eventually(lambda: stored(site, fetch_id).drawn >= 5)
    wanting.cancel(site.parts, row)
    began = time.monotonic()
    eventually(lambda: stored(site, fetch_id).finished_at, seconds=10)
    assert time.monotonic() - began < 2
    running.join(10)
    fetch = stored(site, fetch_id)
    assert fetch.outcome is Outcome.CANCELLED
    assert 5 <= fetch.drawn < 200
    assert arrivals(site, row).count(Arrival.PICTURE) == fetch.drawn


@pytest.mark.parametrize("images", [10, 60])
def test_a_cancelled_fetch_does_not_wait_for_what_takes_long_to_draw(site, archive, monkeypatch, images):
    """Be it that all of it waits to be drawn, or that more came than may wait."""
    datasets = study(images=images)
    for ds in datasets:
        archive.add(ds)
    row = noted(site, datasets[0].StudyInstanceUID)
    fetch_id = wanting.want(site.parts, row)
    quick = {ds.SOPInstanceUID for ds in datasets[:3]}
    draw_task = drawing_process.draw_task

    def slowly(task):
        if task.source.instance_uid not in quick:
            time.sleep(8)
        return draw_task(task)

    monkeypatch.setattr(drawing_process, "draw_task", slowly)  # before the drawing processes are forked
    running = Thread(target=fetching.fetch, args=(site.parts, fetch_id))
    running.start()
    eventually(lambda: stored(site, fetch_id).drawn >= 1, seconds=20)
    time.sleep(1)
    wanting.cancel(site.parts, row)
    began = time.monotonic()
    eventually(lambda: stored(site, fetch_id).finished_at, seconds=60)
    assert time.monotonic() - began < 2
    running.join(2)
    assert not running.is_alive()
    fetch = stored(site, fetch_id)
    assert fetch.outcome is Outcome.CANCELLED
    assert 1 <= fetch.drawn <= 3
    assert arrivals(site, row).count(Arrival.PICTURE) == fetch.drawn


def test_a_waiting_fetch_is_cancelled_at_once(site, held):
    fetch_id = wanting.want(site.parts, held)
    wanting.cancel(site.parts, held)
    assert stored(site, fetch_id).outcome is Outcome.CANCELLED
    fetching.fetch(site.parts, fetch_id)
    assert stored(site, fetch_id).drawn == 0


def test_garbage_costs_one_picture_and_never_the_fetch(site, archive):
    datasets = study(images=3)
    datasets[1].PixelData = b"\0\0"
    datasets[2].Rows = 60000
    for ds in datasets:
        archive.add(ds)
    row = noted(site, datasets[0].StudyInstanceUID)
    fetch = fetched(site, row)
    assert fetch.outcome is Outcome.COMPLETE
    assert sorted(arrivals(site, row)) == [Arrival.CARD, Arrival.CARD, Arrival.PICTURE]


# Lists that are cut short


@pytest.mark.parametrize(
    "how",
    [
        caps_answers(5),
        caps_answers(5, 0xA700)
        & omits_return_keys("NumberOfStudyRelatedInstances", "NumberOfSeriesRelatedInstances"),
    ],
)
def test_what_a_list_leaves_out_is_brought_and_kept_all_the_same(site, archive, how):
    datasets = study(images=12, series=1)
    for ds in datasets:
        archive.add(ds)
    archive.behave(how)
    fetch = fetched(site, noted(site, datasets[0].StudyInstanceUID))
    assert (fetch.outcome, fetch.drawn) == (Outcome.COMPLETE, 12)


def test_series_that_a_list_leaves_out_are_brought_and_kept_too(site, archive):
    datasets = study(images=2, series=8)
    for ds in datasets:
        archive.add(ds)
    row = noted(site, datasets[0].StudyInstanceUID)
    with site.parts.records.write() as session:
        session.execute(update(StudyRow).values(instance_count=None, series_count=None))
    archive.behave(caps_answers(5, 0xA700))
    fetch = fetched(site, row)
    assert (fetch.outcome, fetch.drawn) == (Outcome.COMPLETE, 16)


def test_what_is_counted_and_not_listed_is_said_and_nothing_that_is_here_is_sent_again(site, archive):
    datasets = study(images=12, series=2)
    for ds in datasets:
        archive.add(ds)
    archive.behave(counts_wrong(3))
    row = noted(site, datasets[0].StudyInstanceUID)
    fetch = fetched(site, row)
    assert (rests(fetch), fetch.reason, fetch.drawn) == (True, "counted-more", 24)
    assert log_of(site).count("counted-more") == 2
    archive.sent.clear()
    fetch = ended(site, row)
    assert (fetch.outcome, fetch.reason, fetch.drawn) == (Outcome.INCOMPLETE, "counted-more", 24)
    fetched(site, row)  # somebody presses the button again
    assert archive.sent == []


def test_when_a_series_that_was_asked_for_as_a_whole_has_grown_it_is_brought(site, archive):
    datasets = study(images=12, series=1)
    for ds in datasets[:11]:
        archive.add(ds)
    archive.behave(counts_wrong(3))
    row = noted(site, datasets[0].StudyInstanceUID)
    ended(site, row)
    archive.add(datasets[11])
    archive.behave_well()
    row = noted(site, datasets[0].StudyInstanceUID)
    assert (fetched(site, row).outcome, fetched(site, row).drawn) == (Outcome.COMPLETE, 12)


def test_a_series_without_a_list_that_is_here_is_not_sent_again(site, archive):
    datasets = study(images=6, series=2)
    for ds in datasets:
        archive.add(ds)
    archive.behave(leaves_out(2) & omits_return_keys("SOPInstanceUID"))
    row = noted(site, datasets[0].StudyInstanceUID)
    fetched(site, row)
    gone = next(iter((site.folder / "shelf").rglob("*.png")))
    archive.behave(omits_return_keys("SOPInstanceUID"))
    assert fetched(site, row).outcome is Outcome.COMPLETE
    archive.sent.clear()
    gone.unlink()
    assert fetched(site, row).outcome is Outcome.COMPLETE
    assert len(archive.sent) == 1  # whose picture is gone


WITHOUT_COUNTS = omits_return_keys("NumberOfStudyRelatedInstances", "NumberOfSeriesRelatedInstances")


def listed_short(site, archive, how, *, images, series):
    """A study that came whole from an archive which lists only part of it."""
    datasets = study(images=images, series=series)
    for ds in datasets:
        archive.add(ds)
    archive.behave(how)
    row = noted(site, datasets[0].StudyInstanceUID)
    assert (fetched(site, row).outcome, archive.sent != []) == (Outcome.COMPLETE, True)
    archive.sent.clear()
    return row


CUT_SHORT = [
    (caps_answers(5, 0xA700) & WITHOUT_COUNTS, 12, 1),
    (caps_answers(5) & WITHOUT_COUNTS, 2, 8),
    (caps_answers(5, 0xA700) & WITHOUT_COUNTS, 2, 8),
    (caps_answers(5), 12, 1),
    (omits_return_keys("SOPInstanceUID"), 6, 2),
    (answers(0xA900, Kind.FIND), 6, 2),
]
"""The list of images, that of series, or all of it."""


@pytest.mark.parametrize(("how", "images", "series"), CUT_SHORT[:1] + CUT_SHORT[2:5])
def test_of_what_is_not_listed_only_the_missing_is_asked_for_once_it_is_known(
    site, archive, how, images, series
):
    row = listed_short(site, archive, how, images=images, series=series)
    for gone in list((site.folder / "shelf").rglob("*.png")):
        gone.unlink()
        assert (fetched(site, row).outcome, len(archive.sent)) == (Outcome.COMPLETE, 1)
        archive.sent.clear()
    fetched(site, row)  # somebody presses the button again
    assert archive.sent == []


@pytest.mark.parametrize("how", [caps_answers(5, 0xA700), caps_answers(5, 0xA700) & WITHOUT_COUNTS])
def test_a_whole_that_breaks_off_is_asked_for_again_and_the_log_says_why(site, archive, how):
    datasets = study(images=2, series=8)
    for ds in datasets:
        archive.add(ds)
    archive.behave(how & drops_after(12))
    row = noted(site, datasets[0].StudyInstanceUID)
    first = fetched(site, row)
    assert (rests(first), 10 < first.drawn < 16) == (True, True)
    assert "nameless" in log_of(site)
    archive.behave(how)
    assert (ended(site, row).outcome, fetched(site, row).drawn) == (Outcome.COMPLETE, 16)
    archive.sent.clear()
    fetched(site, row)
    assert archive.sent == []


def test_a_study_on_tape_says_so_and_is_brought_when_it_is_there(site, archive, held):
    archive.behave(offline(then_after=3600))
    fetch = fetched(site, held)
    assert (rests(fetch), fetch.reason, fetch.drawn) == (True, "archived", 0)
    assert "archived" in log_of(site)
    archive.behave_well()
    assert fetched(site, held).outcome is Outcome.COMPLETE
