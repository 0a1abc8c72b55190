"""The same application on PostgreSQL: it migrates, walks, agrees on who works, and outlives its server."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import delete, func, inspect, select, text, update
from support.inspecting import InspectingClient, text_of
from support.installation import context_key, source_block
from support.postgresql import OnPostgreSQL
from support.studies import OKAFOR, study

from fetch.find import find_study
from fetch.model import Answer, AnswerKind, Received, Study
from fetch.reasons import Reason
from fetch.records import Base, StudyRow, insert_new
from preview.database import migrate
from preview.errands import asking, fetching, wanting
from preview.errands.asking import note_study
from preview.errands.claim import Claim, Superseded
from preview.errands.progress import Progress
from preview.pictures.drawing import Drawn
from preview.pictures.selection import Purpose, Selected, Selection
from preview.pictures.thumbnail import card_drawing
from preview.records import ContextRow, FetchRow, InstanceRow, Outcome, Scope
from preview.studies import posters, selections

AT_ONCE = 8


@pytest.fixture
def site(server, tmp_path, clean_redis, archive):
    """An installation of a database of its own, with the misbehaving archive as its only source."""
    source = source_block("main", archive.port, aet="MAIN")
    installation = OnPostgreSQL(tmp_path, [source], clean_redis, database=server.new_database())
    installation.app.test_client_class = InspectingClient
    yield installation
    installation.parts.records.engine.dispose()


@pytest.fixture
def held(site, archive) -> StudyRow:
    """A study at the archive, found and noted."""
    datasets = study()
    for ds in datasets:
        archive.add(ds)
    found = find_study(site.settings.sources[0], site.settings.local, datasets[0].StudyInstanceUID)
    with site.parts.records.write() as session:
        return note_study(session, found, site.parts.now)


def at_once(what, times: int = AT_ONCE) -> list:
    """The results of doing it in several threads that all start in the same moment."""
    start = threading.Barrier(times)

    def one(_number):
        start.wait(10)
        return what()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(one, range(times)))


def count(site, table) -> int:
    with site.parts.records.read() as session:
        return session.scalar(select(func.count()).select_from(table))


# --- the schema


def test_the_migrated_schema_is_the_one_of_the_models(site):
    with site.parts.records.engine.connect() as connection:
        assert connection.dialect.name == "postgresql"
        assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_several_may_migrate_at_once(site):
    with site.parts.records.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    at_once(lambda: migrate(site.parts.records, site.settings.app), 3)
    with site.parts.records.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


# --- the walk


def test_from_the_clinical_application_to_the_pictures(site, archive):
    for ds in study(series=2, images=2, StudyDescription="Chest with contrast"):
        archive.add(ds)
    client = site.app.test_client()
    path = client.opened(site)
    html = client.page(path)
    assert "Chest with contrast" in text_of(html)
    assert "Not fetched yet." in text_of(html)
    client.press(html, "Fetch")
    site.fetch_all()
    key = re.search(r'id="study-(\w+)"', html)[1]
    html = client.page(f"{path}/studies/{key}")
    assert "Complete" in text_of(html)
    pictures = set(re.findall(r'<img[^>]* src="([^"]+)"', html))
    assert len(pictures) >= 3  # of the chosen series both, and the middle of the other
    assert {client.get(picture).status_code for picture in pictures} == {200}


def test_the_poster_is_chosen_by_place_and_a_key_image_comes_before_it(site, archive):
    datasets = study(images=5)
    for ds, height in zip(datasets, (40, 0, 10, 30, 20), strict=True):
        ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, height], [1, 0, 0, 0, 1, 0]
        archive.add(ds)
    client = site.app.test_client()
    path = client.opened(site)
    client.press(client.page(path), "Fetch")
    site.fetch_all()
    with site.parts.records.read() as session:
        poster = session.scalars(select(InstanceRow).where(InstanceRow.poster)).one()
        study_row = poster.study_row
    assert (poster.place, poster.axis, poster.poster_frame) == (20.0, [0.0, 0.0, 1.0], 1)
    assert "3/5" in text_of(client.page(path))
    title = Selection("Of Interest", Purpose.KEY, (Selected(datasets[1].SOPInstanceUID),))
    with site.parts.records.write() as session:
        for _ in range(2):  # a document that is drawn again
            selections.keep(session, study_row, "1.2.3", title)
        posters.choose(session, study_row, over=True)
    assert "★ Key image 5/5" in text_of(client.page(path))


@pytest.mark.parametrize(
    ("address", "status"),
    [("{page}%00", 403), ("{page}/studies/%00", 404), ("{page}/pictures/%00/x.png", 404)],
)
def test_an_address_with_a_nul_is_no_fault_of_the_database(site, address, status):
    """PostgreSQL refuses a text with one; SQLite just finds nothing."""
    client = site.app.test_client()
    assert client.get(address.format(page=client.opened(site, ask=False))).status_code == status


@pytest.mark.parametrize(
    ("keyword", "outcome"),
    [("SeriesInstanceUID", Outcome.COMPLETE), ("SOPInstanceUID", Outcome.FAILED)],
)
def test_a_uid_that_is_too_long_for_its_column_ends_no_worker(site, archive, keyword, outcome):
    """An archive may list what DICOM does not allow; such an image can never be sent to us."""
    for ds in study(images=1, **{keyword: f"1.2.{'3' * 70}"}):
        archive.add(ds)
    client = site.app.test_client()
    client.press(client.page(client.opened(site)), "Fetch")
    fetch_to_the_end(site)
    with site.parts.records.read() as session:
        assert session.scalars(select(FetchRow)).one().outcome is outcome


def fetch_to_the_end(site):
    """Through every rest that follows when something did not come."""
    for _ in range(4):
        site.fetch_all()
        with site.parts.records.write() as session:
            session.execute(update(FetchRow).values(next_try_at=None))


def test_a_uid_with_a_nul_costs_one_image_and_no_worker(site, archive):
    datasets = study(images=3)
    datasets[1].SOPInstanceUID = "1.2.3\x004"
    datasets[1].file_meta.MediaStorageSOPInstanceUID = "1.2.34"
    for ds in datasets:
        archive.add(ds)
    client = site.app.test_client()
    client.press(client.page(client.opened(site)), "Fetch")
    fetch_to_the_end(site)
    with site.parts.records.read() as session:
        fetch = session.scalars(select(FetchRow)).one()
    assert (fetch.outcome, fetch.reason, fetch.drawn) == (Outcome.INCOMPLETE, "some-missing", 2)


# --- several at once


def test_of_several_claims_of_one_fetch_one_wins(site, held):
    fetch_id = wanting.want(site.parts, held)
    claims = at_once(lambda: Claim.take(site.parts.records, fetch_id, site.parts.now))
    (won,) = [claim for claim in claims if claim is not None]
    assert won.attempt == 1


def test_several_who_ask_for_one_study_get_one_fetch(site, held):
    assert len(set(at_once(lambda: wanting.want(site.parts, held)))) == 1
    assert count(site, FetchRow) == 1


def test_a_study_that_several_note_is_kept_once(site, held):
    """Without the row of the fixture, so that all of them insert it."""
    with site.parts.records.write() as session:
        session.delete(session.get_one(StudyRow, held.id))

    def note() -> int:
        with site.parts.records.write() as session:
            return note_study(session, held.study, site.parts.now).id

    assert len(set(at_once(note))) == 1
    assert count(site, StudyRow) == 1


def test_two_archives_that_name_the_same_studies_in_opposite_order_do_not_wait_for_each_other(site):
    """Each of two patients' questions writes about the rows of the other too, as many as an archive lists."""
    patients = OKAFOR, replace(OKAFOR, name="SOMEBODY^Else")
    studies = [Study("main", f"1.2.{number}", OKAFOR) for number in range(100)]
    main = site.settings.sources[0]
    asks = [asking.want(site.parts, opened_for(site, patient), None, None) for patient in patients]

    def note(place: int) -> None:
        ordered = tuple(studies[::-1] if place else studies)
        described = tuple(replace(study, patient=patients[place]) for study in ordered)
        answer = Answer(main, AnswerKind.FOUND, described)
        start.wait(10)
        asking._note(site.parts, asks[place].id, patients[place], answer)

    for _ in range(3):  # first all of them are new, and then each is described as somebody else's
        start = threading.Barrier(2)
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(note, range(2)))
    assert count(site, StudyRow) == 100


def opened_for(site, patient) -> ContextRow:
    client = site.app.test_client()
    key = context_key(client.get(site.launch(patient)).headers["Location"])
    with site.parts.records.read() as session:
        return session.get_one(ContextRow, key)


def test_a_study_may_be_given_to_somebody_else_while_its_fetch_writes(site, held):
    """The one forgets what the other writes down; neither waits for the other for ever."""
    done = threading.Event()
    patients = OKAFOR, replace(OKAFOR, name="SOMEBODY^Else")

    def give() -> None:
        for turn in range(60):
            with site.parts.records.write() as session:
                note_study(session, replace(held.study, patient=patients[turn % 2]), site.parts.now)
        done.set()

    with ThreadPoolExecutor(1) as threads:
        giving = threads.submit(give)
        while not done.is_set() and not giving.done():
            claim = Claim.take(site.parts.records, wanting.want(site.parts, held), site.parts.now)
            with suppress(Superseded):
                write_for_a_while(Progress(site.parts, claim), done)
        giving.result()


def write_for_a_while(progress: Progress, done: threading.Event) -> None:
    number = 0
    while not done.is_set():
        number += 1
        card = Drawn(None, card_drawing("", "", (32,)))
        progress.take(Received("", f"1.2.3.{number}", "", b""), card)
        progress.flush()


def test_a_study_may_be_wanted_in_the_moment_in_which_its_fetch_ends(site, held):
    done = threading.Event()

    def end() -> None:
        ended = {"finished_at": site.parts.now, "outcome": Outcome.COMPLETE, "active_study": None}
        while not done.is_set():
            with site.parts.records.write() as session:
                session.execute(update(FetchRow).where(FetchRow.active_study == held.id).values(ended))

    with ThreadPoolExecutor(1) as threads:
        ending = threads.submit(end)
        try:
            wanted = [wanting.want(site.parts, held) for _ in range(300)]
        finally:
            done.set()
        ending.result()
    assert len(set(wanted)) == count(site, FetchRow)


def test_a_wish_that_comes_while_a_cancelled_fetch_ends_is_kept(site, held):
    fetch_id = wanting.want(site.parts, held)
    progress = Progress(site.parts, Claim.take(site.parts.records, fetch_id, site.parts.now))
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(cancel_at=site.parts.now))
    with ThreadPoolExecutor(1) as threads:
        with site.parts.records.write() as session:
            session.execute(update(FetchRow).values(cancel_at=None))  # Fetch, not yet committed
            ending = threads.submit(progress.finish, Outcome.CANCELLED, None, {})
            wait([ending], timeout=0.5)
        ending.result()
    with site.parts.records.read() as session:
        assert session.get_one(FetchRow, fetch_id).outcome is None


def begun(site, held, scope: Scope = Scope.ALL) -> Progress:
    fetch_id = wanting.want(site.parts, held, scope=scope)
    return Progress(site.parts, Claim.take(site.parts.records, fetch_id, site.parts.now))


def only(site) -> FetchRow:
    with site.parts.records.read() as session:
        return session.scalars(select(FetchRow)).one()


def while_written(site, values, what, *args):
    """What it returns when it began while somebody writes this of the fetch, and has not committed yet."""
    with ThreadPoolExecutor(1) as threads:
        with site.parts.records.write() as session:
            session.execute(update(FetchRow).values(**values))
            ending = threads.submit(what, *args)
            wait([ending], timeout=0.5)
        return ending.result()


def test_a_cancel_that_comes_while_a_try_fails_for_now_ends_it(site, held):
    progress = begun(site, held)
    until = site.parts.now + timedelta(hours=1)
    pressed = {"cancel_at": site.parts.now}
    assert while_written(site, pressed, progress.rest, Reason.NO_ANSWER, until, {})
    assert (only(site).outcome, only(site).next_try_at) == (Outcome.CANCELLED, None)


def test_a_cancel_that_comes_while_a_fetch_fails_is_what_its_end_says(site, held):
    progress = begun(site, held)
    pressed = {"cancel_at": site.parts.now}
    assert while_written(site, pressed, progress.finish, Outcome.FAILED, Reason.NOT_SUPPORTED, {})
    assert (only(site).outcome, only(site).reason) == (Outcome.CANCELLED, None)


@pytest.mark.parametrize("ending", ["rest", "finish", "fail"])
def test_a_click_that_comes_while_a_try_for_posters_ends_is_served_at_once(site, held, ending):
    progress = begun(site, held, Scope.POSTERS)
    until = site.parts.now + timedelta(hours=1)
    what = {
        "rest": partial(progress.rest, Reason.NO_ANSWER, until, {}),
        "finish": partial(progress.finish, Outcome.COMPLETE, None, {}),
        "fail": partial(progress.finish, Outcome.FAILED, Reason.NOT_SUPPORTED, {}),
    }[ending]
    assert not while_written(site, {"scope": Scope.ALL}, what)
    assert (only(site).outcome, only(site).next_try_at) == (None, None)
    assert progress.claim.scope is Scope.ALL
    assert what()  # and not once more, whatever comes of it


def test_a_cancel_that_comes_while_a_fetch_ends_does_not_end_the_next_wish(site, held):
    """It was pressed for the one that is ending; in the same moment somebody else presses Fetch again."""
    wanting.want(site.parts, held)
    now = site.parts.now
    ended = {"finished_at": now, "outcome": Outcome.COMPLETE, "active_study": None}
    with ThreadPoolExecutor(1) as threads:
        with site.parts.records.write() as session:
            session.execute(update(FetchRow).values(**ended))
            session.add(FetchRow(study_row=held.id, active_study=held.id, wanted_at=now))
            session.flush()
            cancelling = threads.submit(wanting.cancel, site.parts, held)
            wait([cancelling], timeout=0.5)
        cancelling.result()
    with site.parts.records.read() as session:
        assert {row.outcome for row in session.scalars(select(FetchRow))} == {Outcome.COMPLETE, None}


@pytest.mark.parametrize("ending", ["rest", "finish"])
def test_clicks_and_cancels_that_race_with_the_end_of_a_try_always_have_an_effect(site, held, ending):
    for turn in range(20):
        progress = begun(site, held, Scope.POSTERS)
        attempt = progress.claim.attempt
        end = {
            "rest": partial(progress.rest, Reason.NO_ANSWER, site.parts.now + timedelta(hours=1), {}),
            "finish": partial(progress.finish, Outcome.COMPLETE, None, {}),
        }[ending]
        press = wanting.want if turn % 2 else wanting.cancel
        start = threading.Barrier(2)

        def at_the_same_time(what, start=start):
            start.wait(10)
            return what()

        with ThreadPoolExecutor(2) as threads:
            done, _ = threads.map(at_the_same_time, (end, partial(press, site.parts, held)))
        with site.parts.records.read() as session:
            newest = session.scalars(select(FetchRow).order_by(FetchRow.wanted_at.desc())).first()
        if press is wanting.cancel:
            assert newest.outcome in (Outcome.CANCELLED, Outcome.COMPLETE), turn
        else:
            is_new_or_awake = newest.attempt in (0, attempt) and newest.next_try_at is None
            assert (newest.scope, newest.outcome, is_new_or_awake) == (Scope.ALL, None, True), (turn, done)
        with site.parts.records.write() as session:
            session.execute(delete(FetchRow))


# --- the server goes, and comes back


def test_without_its_server_the_page_says_so_and_then_works_again(site, server, held):
    client = site.app.test_client()
    path = client.opened(site)
    before = client.page(path)
    with server.stopped():
        said = text_of(client.page(path, status=503))
        assert "The database cannot be reached What was asked for before is kept." in said
        assert "Try again in a minute" in said
        assert not re.search(r"psycopg|OperationalError|Traceback|127\.0\.0\.1|\.py\b", said)
        wish = client.press(before, "Fetch")
        assert wish.status_code == 503
        assert "Your request was not saved." in text_of(wish.text)
    assert count(site, FetchRow) == 0
    client.press(client.page(path), "Fetch")
    site.fetch_all()
    assert "Complete" in text_of(client.page(path))


def test_a_command_without_its_server_says_what_to_check(site, server):
    with server.stopped():
        ran = site.flask("launch")
    assert ran.returncode == 1
    assert "The database in app.database cannot be opened" in ran.stderr
    assert "Traceback" not in ran.stderr


# --- what is new, and what is not


def test_of_a_row_that_is_there_already_nobody_is_told_that_it_is_new(site, held):
    again = {"source": held.source, "study_uid": held.study_uid, "seen_at": site.parts.now}
    with site.parts.records.write() as session:
        assert not insert_new(session, StudyRow, again)
        assert insert_new(session, StudyRow, again | {"study_uid": "1.2.999"})


def test_a_study_that_is_given_to_somebody_else_keeps_nothing_that_was_drawn_for_the_first(site, held):
    fetching.fetch(site.parts, wanting.want(site.parts, held))
    assert count(site, InstanceRow) > 0
    theirs = replace(held.study, patient=replace(OKAFOR, name="SOMEBODY^Else"))
    with site.parts.records.write() as session:
        assert note_study(session, theirs, site.parts.now).key != held.key
    assert count(site, InstanceRow) == 0
