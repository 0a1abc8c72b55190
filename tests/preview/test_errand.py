"""The errand of fetching against an archive that misbehaves: what is kept, and what is said."""

import shutil
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from support.installation import source_block
from support.studies import OKAFOR, STRANGER, study

from fetch.find import find_study
from fetch.model import Received
from fetch.records import StudyRow, UnmatchedRow
from preview import errand, wanting
from preview.asking import note_study
from preview.claim import SILENT, Claim
from preview.demo.behaviour import (
    Kind,
    answers,
    claims_success_but_sends_nothing,
    drops_after,
    hangs_in_get,
    leaves_out,
    nothing_listens,
    omits_return_keys,
    refuses_association,
    refuses_get,
    sends_someone_else,
)
from preview.demo.behaviour import Stranger as Someone
from preview.pictures.drawing import Drawn
from preview.pictures.thumbnail import card_drawing
from preview.records import Arrival, FetchRow, InstanceRow, Outcome


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
    errand.fetch(site.parts, fetch_id)
    return stored(site, fetch_id)


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
    assert pictures(site) == 6 + 1  # the poster is there enlarged too
    assert 0 < fetch.first_thumbnail_s <= fetch.seconds


def test_success_with_some_missing_is_incomplete(site, archive, held):
    archive.behave(leaves_out(2))
    fetch = fetched(site, held)
    assert (fetch.outcome, fetch.expected, fetch.arrived) == (Outcome.INCOMPLETE, 6, 4)
    assert fetch.reason == "some-missing"


def test_the_missing_images_arrive_on_the_second_try_and_the_others_are_kept(site, archive, held):
    archive.behave(leaves_out(2))
    fetched(site, held)
    archive.behave_well()
    fetch = fetched(site, held)
    assert (fetch.outcome, fetch.arrived) == (Outcome.COMPLETE, 6)


def test_success_with_nothing_is_a_failure_that_can_be_retried(site, archive, held):
    archive.behave(claims_success_but_sends_nothing())
    fetch = fetched(site, held)
    assert (fetch.outcome, fetch.reason, fetch.drawn) == (Outcome.FAILED, "nothing-sent", 0)
    archive.behave_well()
    assert fetched(site, held).outcome is Outcome.COMPLETE


@pytest.mark.parametrize(
    ("behaviour", "outcome", "reason"),
    [
        (drops_after(3), Outcome.INCOMPLETE, "connection-lost"),
        (hangs_in_get(after=3), Outcome.INCOMPLETE, "no-answer"),
        (answers(0xA702, Kind.GET), Outcome.FAILED, "out-of-resources"),
        (answers(0xC000, Kind.GET), Outcome.FAILED, "request-failed"),
        (refuses_get(), Outcome.FAILED, "not-supported"),
        (refuses_association("calling"), Outcome.FAILED, "calling-aet-unknown"),
        (refuses_association("busy"), Outcome.FAILED, "busy"),
    ],
)
def test_every_way_of_failing_is_a_state_with_its_reason(site, archive, held, behaviour, outcome, reason):
    archive.behave(behaviour)
    fetch = fetched(site, held)
    assert (fetch.outcome, fetch.reason) == (outcome, reason)
    assert fetch.drawn == (3 if outcome is Outcome.INCOMPLETE else 0)
    assert fetch.active_study is None


@pytest.mark.parametrize("how", list(Someone))
def test_another_patients_image_among_them_is_withheld_and_listed(site, archive, held, how):
    for ds in study(STRANGER):
        archive.add(ds)
    archive.behave(sends_someone_else(how))
    fetch = fetched(site, held)
    assert fetch.withheld == 1
    assert fetch.outcome is Outcome.INCOMPLETE
    assert arrivals(site, held).count(Arrival.WITHHELD) == 1
    assert pictures(site) <= 6 + 1
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
    assert fetched(site, held).outcome is Outcome.INCOMPLETE


def test_a_count_that_is_larger_than_the_list_is_believed(site, archive, held):
    with site.parts.records.write() as session:
        session.execute(update(StudyRow).values(instance_count=480))
    fetch = fetched(site, held)
    assert (fetch.outcome, fetch.expected, fetch.arrived) == (Outcome.INCOMPLETE, 480, 6)


def test_pictures_that_vanished_from_the_shelf_are_drawn_again(site, archive, held):
    fetched(site, held)
    shutil.rmtree(site.folder / "shelf")
    assert fetched(site, held).outcome is Outcome.COMPLETE
    assert pictures(site) == 6 + 1


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
    fetch = fetched(site, row)
    assert (fetch.outcome, fetch.reason) == (Outcome.INCOMPLETE, "some-missing")
    assert (fetch.expected, fetch.arrived) == (None, 4)
    archive.behave(UNCOUNTED)
    fetch = fetched(site, row)  # four of the six that it delivers now are here already
    assert (fetch.outcome, fetch.arrived) == (Outcome.COMPLETE, 6)


def test_an_instance_under_a_uid_that_cannot_be_kept_is_withheld_and_the_others_are_drawn(site, archive):
    datasets = study(images=3)
    datasets[1].SOPInstanceUID = "1.2.3\x004"
    datasets[1].file_meta.MediaStorageSOPInstanceUID = "1.2.34"
    for ds in datasets:
        archive.add(ds)
    row = noted(site, datasets[0].StudyInstanceUID)
    fetch = fetched(site, row)
    assert (fetch.outcome, fetch.reason) == (Outcome.INCOMPLETE, "some-withheld")
    assert (fetch.arrived, fetch.drawn, fetch.withheld) == (3, 2, 1)
    with site.parts.records.read() as session:
        uids = session.scalars(select(InstanceRow.instance_uid).where(InstanceRow.arrival == Arrival.PICTURE))
        assert set(uids) == {datasets[0].SOPInstanceUID, datasets[2].SOPInstanceUID}


@pytest.mark.parametrize("uid", ["1.2.3\x004", f"1.2.{'3' * 70}"])
def test_an_unreadable_instance_under_a_uid_that_cannot_be_kept_is_withheld(site, held, uid):
    progress = errand.Progress(
        site.parts, Claim.take(site.parts.records, wanting.want(site.parts, held), site.parts.now)
    )
    unreadable = Drawn(None, card_drawing("", "", (32,)))
    progress.take(Received("", uid, "", b""), unreadable)
    progress.flush()
    assert pictures(site) == 0
    with site.parts.records.read() as session:
        fetch = session.scalars(select(FetchRow)).one()
        assert (fetch.arrived, fetch.drawn, fetch.withheld) == (1, 0, 1)


def test_a_dead_archive_is_a_failure_with_its_reason(install):
    with nothing_listens() as port:
        site = install(source_block("main", port))
        with site.parts.records.write() as session:
            row = StudyRow(source="main", study_uid="1.2.3", seen_at=site.parts.now)
            row.patient = OKAFOR
            session.add(row)
        fetch = fetched(site, row)
    assert (fetch.outcome, fetch.reason) == (Outcome.FAILED, "connection-refused")


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
    errand.fetch(site.parts, fetch_id)
    done = stored(site, fetch_id)
    assert (done.attempt, done.outcome) == (2, Outcome.COMPLETE)
    with pytest.raises(errand.Superseded):
        errand.Progress(site.parts, first).finish(Outcome.FAILED, None)
    assert stored(site, fetch_id).outcome is Outcome.COMPLETE


def test_a_fetch_that_keeps_ending_its_worker_is_given_up_with_a_reason(site, held):
    fetch_id = wanting.want(site.parts, held)
    for _ in range(3):
        Claim.take(site.parts.records, fetch_id, site.parts.now)
        with site.parts.records.write() as session:
            session.execute(update(FetchRow).values(beat_at=site.parts.now - SILENT * 2))
    errand.fetch(site.parts, fetch_id)
    assert (stored(site, fetch_id).outcome, stored(site, fetch_id).reason) == (Outcome.FAILED, "stopped")


def test_a_cancelled_fetch_keeps_what_arrived(site, archive):
    datasets = study(images=200)
    for ds in datasets:
        archive.add(ds)
    row = noted(site, datasets[0].StudyInstanceUID)
    fetch_id = wanting.want(site.parts, row)
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(cancel_at=site.parts.now))
    errand.fetch(site.parts, fetch_id)
    fetch = stored(site, fetch_id)
    assert fetch.outcome is Outcome.CANCELLED
    assert 0 < fetch.drawn < 200


def test_a_waiting_fetch_is_cancelled_at_once(site, held):
    fetch_id = wanting.want(site.parts, held)
    wanting.cancel(site.parts, held)
    assert stored(site, fetch_id).outcome is Outcome.CANCELLED
    errand.fetch(site.parts, fetch_id)
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
