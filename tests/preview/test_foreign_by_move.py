"""An archive that sends another study with what a C-MOVE asks for: refused, noted, listed, never shown."""

import pytest
from sqlalchemy import select
from support.sending import sending_site
from support.studies import OKAFOR, STRANGER, study

from fetch.records import UnmatchedRow
from preview.demo.behaviour import Stranger, hides_originator, sends_foreign_instances, sends_someone_else
from preview.errands import fetching, wanting
from preview.records import Arrival, FetchRow, InstanceRow, NoteRow, Outcome


@pytest.fixture
def site(install):
    """An archive that sends to our receiver, and a study of it; two others are there that nobody wants."""
    wanted = study(images=6)
    everything = [*wanted, *study(STRANGER), *study(OKAFOR, images=2)]
    with sending_site(install, everything, lambda _source, uid: uid == wanted[0].StudyInstanceUID) as made:
        yield made


def fetched(site) -> FetchRow:
    fetch_id = wanting.want(site.parts, site.row)
    fetching.fetch(site.parts, fetch_id)
    with site.parts.records.read() as session:
        return session.get_one(FetchRow, fetch_id)


def doubts(site) -> list[list[str]]:
    with site.parts.records.read() as session:
        waiting = select(UnmatchedRow).where(UnmatchedRow.settled_at.is_(None))
        return [row.doubts for row in session.scalars(waiting)]


@pytest.mark.parametrize(
    ("how", "count"), [(sends_someone_else(Stranger.EXTRA), 1), (sends_foreign_instances(2), 2)]
)
def test_it_is_withheld_once_each_noted_and_listed_for_staff(site, how, count):
    site.archive.behave(how)  # in every request
    fetch = fetched(site)
    assert (fetch.outcome, fetch.reason) == (Outcome.INCOMPLETE, "some-withheld")
    assert (fetch.drawn, fetch.withheld) == (6, count)
    with site.parts.records.read() as session:
        notes = {row.code: row.facts for row in session.scalars(select(NoteRow).where(NoteRow.code != "way"))}
        arrivals = list(session.scalars(select(InstanceRow.arrival)))
    assert notes["refused"] == {"reason": "other-study"}
    assert notes["foreign"] == {"count": count}
    assert arrivals == [Arrival.PICTURE] * 6
    assert doubts(site) == [["foreign-images"]]
    assert len(list((site.folder / "shelf").rglob("*.png"))) == 6


def test_what_comes_at_the_same_time_by_chance_is_noted_and_accuses_nobody(site):
    site.archive.behave(sends_someone_else(Stranger.EXTRA) & hides_originator())
    fetch = fetched(site)
    assert (fetch.outcome, fetch.drawn, fetch.withheld) == (Outcome.COMPLETE, 6, 0)
    with site.parts.records.read() as session:
        notes = {row.code: row.facts for row in session.scalars(select(NoteRow))}
    assert notes["refused"] == {"reason": "not-requested"}
    assert "foreign" not in notes
    assert doubts(site) == []


def test_a_fetch_that_has_nothing_to_ask_for_takes_no_study_off_the_list(site):
    site.archive.behave(sends_someone_else(Stranger.EXTRA))
    fetched(site)
    site.archive.behave_well()
    for _ in range(2):  # however often somebody clicks
        fetch = fetched(site)
        assert (fetch.outcome, fetch.reason) == (Outcome.INCOMPLETE, "some-withheld")
        assert (fetch.drawn, fetch.withheld) == (6, 1)  # so the page says so, and does not offer the viewer
        assert doubts(site) == [["foreign-images"]]


def test_once_the_archive_sends_only_what_is_asked_for_the_study_leaves_the_list(site):
    site.archive.behave(sends_someone_else(Stranger.EXTRA))
    fetched(site)
    site.archive.behave_well()
    for picture in (site.folder / "shelf").rglob("*.png"):
        picture.unlink()
    fetch = fetched(site)
    assert (fetch.outcome, fetch.withheld) == (Outcome.COMPLETE, 0)
    assert doubts(site) == []
