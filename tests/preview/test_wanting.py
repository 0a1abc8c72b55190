"""What is wanted, by a click or without one: one errand for everybody, and nothing that nobody asked for."""

import re
from datetime import timedelta

import pytest
import redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import select, update
from support.inspecting import panel_polls, text_of
from support.installation import source_block
from support.studies import OKAFOR, study

from fetch.model import Study
from fetch.records import StudyRow
from preview.demo.archive import Archive
from preview.errands import wanting
from preview.errands.asking import note_study
from preview.page.status import PATIENCE
from preview.queue import reconciling
from preview.records import Arrival, Errand, FetchRow, InstanceRow, NoteRow, Outcome, Scope


def queued(url: str, name: str) -> list[str]:
    """The ids of the rows that this queue holds, in its order."""
    queue = Queue(name, connection=redis.Redis.from_url(url), serializer=JSONSerializer)
    return [job.args[0] for job in queue.jobs]


@pytest.fixture
def row(site) -> StudyRow:
    return noted(site, "1.2.3")


def noted(site, uid: str, **more) -> StudyRow:
    with site.parts.records.write() as session:
        return note_study(session, Study("main", uid, OKAFOR, **more), site.parts.now)


def stored(site, fetch_id) -> FetchRow:
    with site.parts.records.read() as session:
        return session.get_one(FetchRow, fetch_id)


def fetches(site) -> list[FetchRow]:
    with site.parts.records.read() as session:
        return list(session.scalars(select(FetchRow).order_by(FetchRow.wanted_at)))


def change(site, fetch_id, **values) -> None:
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).where(FetchRow.id == fetch_id).values(**values))


def resting(site, row, seconds: float = 60, **more) -> str:
    """A fetch that failed for now."""
    fetch_id = wanting.want(site.parts, row)
    until = site.parts.now + timedelta(seconds=seconds)
    early = site.parts.now - timedelta(minutes=10)
    change(
        site, fetch_id, next_try_at=until, attempt=1, begun_at=early, wanted_at=early, rung_at=early, **more
    )
    return fetch_id


# --- widening


def test_a_wish_for_everything_widens_one_for_posters_and_never_the_other_way_round(site, row):
    posters = wanting.want(site.parts, row, scope=Scope.POSTERS)
    assert stored(site, posters).scope is Scope.POSTERS
    assert wanting.want(site.parts, row) == posters
    assert stored(site, posters).scope is Scope.ALL
    assert wanting.want(site.parts, row, scope=Scope.POSTERS) == posters
    assert stored(site, posters).scope is Scope.ALL


def test_whoever_asks_for_more_than_posters_takes_his_place_in_the_row_then(site, row):
    posters = wanting.want(site.parts, row, scope=Scope.POSTERS)
    early = site.parts.now - timedelta(minutes=10)
    change(site, posters, wanted_at=early)
    wanting.want(site.parts, row)
    assert stored(site, posters).wanted_at > early
    widened = stored(site, posters).wanted_at
    wanting.want(site.parts, row)
    assert stored(site, posters).wanted_at == widened  # who asks for the same again gains and loses nothing


def test_a_click_is_served_before_what_nobody_clicked_for(site, row, clean_redis):
    quiet = wanting.want(site.parts, noted(site, "1.2.4"), scope=Scope.POSTERS)
    widened = wanting.want(site.parts, noted(site, "1.2.5"), scope=Scope.POSTERS)
    first = wanting.want(site.parts, row)
    wanting.want(site.parts, noted(site, "1.2.5"))
    assert queued(clean_redis, "fetches") == [first, widened]
    assert quiet in queued(clean_redis, "posters")


def test_a_fetch_and_an_enlarging_of_one_study_are_two_errands(site, row):
    wanting.want(site.parts, row)
    wanting.want(site.parts, row, Errand.ENLARGE, around=7)
    assert {fetch.errand for fetch in fetches(site)} == {Errand.FETCH, Errand.ENLARGE}


def test_a_second_look_moves_what_is_enlarged(site, row):
    first = wanting.want(site.parts, row, Errand.ENLARGE, around=7)
    assert wanting.want(site.parts, row, Errand.ENLARGE, around=8) == first
    assert stored(site, first).around == 8


# --- ahead


def test_only_studies_that_somebody_asked_for_and_that_do_not_rest_are_ahead(site, row):
    wanting.want(site.parts, noted(site, "1.2.4"), scope=Scope.POSTERS)
    wanting.want(site.parts, noted(site, "1.2.5"), Errand.ENLARGE, around=7)
    resting(site, noted(site, "1.2.6"))
    wanting.want(site.parts, noted(site, "1.2.7"))
    mine = stored(site, wanting.want(site.parts, row))
    with site.parts.records.read() as session:
        line = wanting.line(session)
    assert line.ahead(mine, site.parts.now) == 1
    assert line.ahead(mine, site.parts.now + timedelta(seconds=61)) == 2


# --- resting


def test_a_new_wish_ends_the_rest_and_rings(site, row, clean_redis):
    fetch_id = resting(site, row)
    redis.Redis.from_url(clean_redis).flushall()
    assert wanting.want(site.parts, row) == fetch_id
    assert stored(site, fetch_id).next_try_at is None
    assert queued(clean_redis, "fetches") == [fetch_id]
    assert site.parts.now - stored(site, fetch_id).wanted_at < PATIENCE


def test_a_fetch_that_rests_is_not_rung_for_until_its_rest_is_over(site, row, clean_redis):
    fetch_id = resting(site, row)
    for ring in (reconciling.ring_for_everything, wanting.ring_all):
        redis.Redis.from_url(clean_redis).flushall()
        ring(site.parts)
        assert queued(clean_redis, "fetches") == []
        change(site, fetch_id, next_try_at=site.parts.now)
        ring(site.parts)
        assert queued(clean_redis, "fetches") == [fetch_id]
        change(site, fetch_id, next_try_at=site.parts.now + timedelta(seconds=60))


def test_a_rest_that_was_short_is_over_as_soon_as_it_is_over(site, row, clean_redis):
    now = site.parts.now
    fetch_id = resting(site, row, seconds=0)
    change(site, fetch_id, rung_at=now - timedelta(seconds=2), next_try_at=now - timedelta(seconds=1))
    redis.Redis.from_url(clean_redis).flushall()
    reconciling.ring_for_everything(site.parts)
    assert queued(clean_redis, "fetches") == [fetch_id]
    rung = stored(site, fetch_id).rung_at
    reconciling.ring_for_everything(site.parts)
    assert stored(site, fetch_id).rung_at == rung


def test_who_stops_trying_ends_it_at_once_and_the_log_says_so(site, row):
    fetch_id = resting(site, row, reason="no-answer")
    wanting.cancel(site.parts, row)
    ended = stored(site, fetch_id)
    assert (ended.outcome, ended.next_try_at, ended.active_study) == (Outcome.CANCELLED, None, None)
    assert ended.finished_at
    with site.parts.records.read() as session:
        assert [note.code for note in session.scalars(select(NoteRow))] == ["cancelled"]


def test_a_fetch_that_is_under_way_is_only_told_to_stop(site, row):
    fetch_id = wanting.want(site.parts, row)
    change(site, fetch_id, beat_at=site.parts.now)
    wanting.cancel(site.parts, row)
    assert stored(site, fetch_id).finished_at is None
    with site.parts.records.read() as session:
        assert session.scalars(select(NoteRow)).all() == []


# --- posters without a click


@pytest.fixture
def posting(install, archive):
    """An installation that fetches the posters of the newest two studies."""
    return install(source_block("main", archive.port, aet="MAIN"), app_lines="poster_studies = 2")


def fill(archive, *days: str) -> None:
    for day in days:
        for ds in study(day=day, StudyDescription=day):
            archive.add(ds)


def wanted_days(site) -> list[str]:
    return sorted(fetch.study.description for fetch in fetches(site))


def test_opening_a_patient_wants_the_posters_of_the_newest_studies(posting, archive, clean_redis):
    fill(archive, "20261101", "20260901", "20261001")
    posting.app.test_client().opened(posting)
    assert wanted_days(posting) == ["20261001", "20261101"]
    assert {fetch.scope for fetch in fetches(posting)} == {Scope.POSTERS}
    assert len(queued(clean_redis, "posters")) == 2
    assert queued(clean_redis, "fetches") == []


def test_asking_again_does_not_want_what_was_wanted_before_nor_older_ones_instead(posting, archive):
    fill(archive, "20261101", "20260901", "20261001")
    client = posting.app.test_client()
    path = client.opened(posting)
    ended = {"finished_at": posting.parts.now, "outcome": Outcome.COMPLETE, "active_study": None}
    for fetch in fetches(posting):
        change(posting, fetch.id, **ended)
    client.press(client.page(path), "Ask the archives again")
    posting.ask_all()
    assert wanted_days(posting) == ["20261001", "20261101"]


@pytest.mark.parametrize(
    ("scope", "outcome", "again"),
    [
        (Scope.POSTERS, Outcome.FAILED, True),
        (Scope.POSTERS, Outcome.CANCELLED, False),
        (Scope.ALL, Outcome.FAILED, False),
        (Scope.ALL, Outcome.CANCELLED, False),
    ],
)
def test_posters_that_failed_are_tried_again_and_nothing_that_a_person_has_seen_end(
    posting, archive, scope, outcome, again
):
    fill(archive, "20261101")
    client = posting.app.test_client()
    path = client.opened(posting)
    (fetch,) = fetches(posting)
    change(posting, fetch.id, scope=scope, outcome=outcome, finished_at=posting.parts.now, active_study=None)
    client.press(client.page(path), "Ask the archives again")
    posting.ask_all()
    assert (len(fetches(posting)) == 2) == again


def test_a_study_of_which_something_is_drawn_needs_no_posters(posting, archive):
    fill(archive, "20261101")
    client = posting.app.test_client()
    path = client.opened(posting)
    (fetch,) = fetches(posting)
    with posting.parts.records.write() as session:
        session.delete(session.get_one(FetchRow, fetch.id))
        drawn = InstanceRow(study_row=fetch.study_row, instance_uid="1.2.3", arrival=Arrival.PICTURE)
        session.add(drawn)
    client.press(client.page(path), "Ask the archives again")
    posting.ask_all()
    assert fetches(posting) == []


def test_nothing_is_fetched_of_what_is_not_certainly_the_patients(posting, archive):
    for ds in study(PatientBirthDate="19310131"):
        archive.add(ds)
    posting.app.test_client().opened(posting)
    assert fetches(posting) == []


def test_posters_come_once_for_a_study_that_two_archives_hold(install, archive):
    instances = study()
    with Archive("OTHER").start() as other:
        for ds in instances:
            archive.add(ds)
        for ds in instances[:2]:
            other.add(ds)
        site = install(
            source_block("other", other.port, aet="OTHER"),
            source_block("main", archive.port, aet="MAIN"),
            app_lines="poster_studies = 12",
        )
        site.app.test_client().opened(site)
    assert [fetch.study.source for fetch in fetches(site)] == ["main"]  # it has more of it


def test_where_none_are_to_be_fetched_none_are(site, client, archive):
    fill(archive, "20261101")
    client.opened(site)
    assert fetches(site) == []


def test_the_page_polls_until_the_posters_are_there(posting, archive):
    fill(archive, "20261101")
    client = posting.app.test_client()
    html = client.page(client.opened(posting, ask=False))
    posting.ask_all()
    panel = client.poll(html).text
    assert "Fetching the first pictures." in panel
    assert 'hx-trigger="every' in panel


def test_first_pictures_are_there_without_a_click_and_the_rest_with_one(posting, archive):
    for ds in study(images=20, series=2):
        archive.add(ds)
    client = posting.app.test_client()
    path = client.opened(posting)
    posting.fetch_all()
    html = client.page(path)
    assert re.search(r"Showing [23] of 40 images. The rest has not been fetched.", text_of(html))
    assert html.count("<img") == 2
    assert not panel_polls(html)
    client.press(html, "Fetch all")
    posting.fetch_all()
    assert "Complete, 40 of 40 images" in text_of(client.page(path))


def test_a_study_of_which_the_posters_are_everything_is_complete(posting, archive):
    for ds in study(images=1, series=2):
        archive.add(ds)
    client = posting.app.test_client()
    path = client.opened(posting)
    posting.fetch_all()
    html = client.page(path)
    assert "Complete, 2 of 2 images" in text_of(html)
    assert "Fetch all" not in html
