"""Images of somebody else in a study: what one try saw of them, the next one does not forget."""

import shutil

import pytest
from sqlalchemy import delete, select, update
from support.studies import STRANGER, study

from fetch.find import find_study
from fetch.notes import Note, noted
from fetch.reasons import Reason
from fetch.records import StudyRow, UnmatchedRow
from preview.demo.behaviour import Stranger, breaks_down_after, refuses_association, sends_someone_else
from preview.errands import fetching, wanting
from preview.errands.asking import note_study
from preview.errands.claim import SILENT, Claim
from preview.errands.progress import Progress
from preview.records import FetchRow, Outcome, Scope
from preview.studies import contents


@pytest.fixture
def images() -> list:
    return study(images=6)


@pytest.fixture
def held(site, archive, images) -> StudyRow:
    """A study of six images, at an archive that also has one of somebody else."""
    for ds in [*images, *study(STRANGER)]:
        archive.add(ds)
    found = find_study(site.settings.sources[0], site.settings.local, images[0].StudyInstanceUID)
    with site.parts.records.write() as session:
        return note_study(session, found, site.parts.now)


def fetched(site, held) -> FetchRow:
    fetch_id = wanting.want(site.parts, held)
    fetching.fetch(site.parts, fetch_id)
    with site.parts.records.read() as session:
        return session.get_one(FetchRow, fetch_id)


def doubts(site) -> list[list[str]]:
    with site.parts.records.read() as session:
        waiting = select(UnmatchedRow).where(UnmatchedRow.settled_at.is_(None))
        return [row.doubts for row in session.scalars(waiting)]


def broken_off(site, archive, held) -> FetchRow:
    """One try that gets a few of her images and one of somebody else, and then no association any more."""
    archive.behave(sends_someone_else(Stranger.EXTRA) & breaks_down_after(4))
    fetch = fetched(site, held)
    assert fetch.next_try_at is not None
    archive.behave_well()
    return fetch


def test_what_a_try_withheld_stays_on_the_list_though_the_next_try_brings_the_rest(site, archive, held):
    first = broken_off(site, archive, held)
    assert (first.withheld, 0 < first.drawn < 6) == (1, True)
    assert doubts(site) == [["foreign-images"]]
    fetch = fetched(site, held)
    assert fetch.id == first.id
    assert (fetch.outcome, fetch.reason) == (Outcome.INCOMPLETE, "some-withheld")
    assert (fetch.drawn, fetch.withheld) == (6, 1)
    assert doubts(site) == [["foreign-images"]]


def test_what_a_killed_try_withheld_is_told_to_staff_by_the_next(site, archive, held):
    """The first had no time to: what it drew and counted is all that is there."""
    first = broken_off(site, archive, held)
    with site.parts.records.write() as session:
        session.execute(delete(UnmatchedRow))
        silent = site.parts.now - 2 * SILENT
        session.execute(update(FetchRow).values(next_try_at=None, beat_at=silent))
    fetching.fetch(site.parts, first.id)
    with site.parts.records.read() as session:
        fetch = session.get_one(FetchRow, first.id)
    assert (fetch.outcome, fetch.reason, fetch.withheld) == (Outcome.INCOMPLETE, "some-withheld", 1)
    assert doubts(site) == [["foreign-images"]]


def test_what_was_withheld_among_the_posters_is_not_forgotten_when_everything_is_wanted(site, archive, held):
    fetch_id = wanting.want(site.parts, held, scope=Scope.POSTERS)
    progress = Progress(site.parts, Claim.take(site.parts.records, fetch_id, site.parts.now))
    progress.begin()
    progress.note(noted(Note.REFUSED, reason=Reason.OTHER_STUDY.code))
    assert len(progress.withheld) == 1
    progress.begin()
    assert len(progress.withheld) == 1
    progress.note(noted(Note.REFUSED, reason=Reason.OTHER_STUDY.code))  # the same one, refused again
    assert len(progress.withheld) == 1


def test_where_all_images_come_anew_what_earlier_fetches_withheld_is_gone_though_a_try_broke_off(
    site, archive, held
):
    archive.behave(sends_someone_else(Stranger.EXTRA))
    assert fetched(site, held).reason == "some-withheld"
    shutil.rmtree(site.folder / "shelf")
    archive.behave(refuses_association("busy"))
    assert fetched(site, held).next_try_at is not None
    assert doubts(site) == [["foreign-images"]]
    archive.behave_well()
    fetch = fetched(site, held)
    assert (fetch.outcome, fetch.drawn, fetch.withheld) == (Outcome.COMPLETE, 6, 0)
    assert doubts(site) == []


def test_once_the_archive_has_removed_a_misfiled_image_the_study_may_be_brought_to_the_viewer(
    site, archive, held, images
):
    archive.add(study(STRANGER, images=1, study_uid=held.study_uid)[0])
    assert fetched(site, held).reason == "some-withheld"
    assert holds_strangers(site, held)
    archive.remove(held.study_uid)
    for ds in images:
        archive.add(ds)
    shutil.rmtree(site.folder / "shelf")
    assert fetched(site, held).outcome is Outcome.COMPLETE
    assert doubts(site) == []
    assert not holds_strangers(site, held)


def test_once_staff_have_dismissed_what_a_fetch_saw_the_next_one_forgets_it(site, archive, held):
    archive.behave(sends_someone_else(Stranger.EXTRA))
    assert fetched(site, held).reason == "some-withheld"
    archive.behave_well()
    with site.parts.records.write() as session:
        session.execute(delete(UnmatchedRow))
    assert fetched(site, held).outcome is Outcome.COMPLETE
    assert not holds_strangers(site, held)


def holds_strangers(site, held) -> bool:
    """Then the study is not brought to the viewer."""
    with site.parts.records.read() as session:
        return contents.holds_strangers(session, held.id)
