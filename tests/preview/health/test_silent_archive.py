"""An archive that is silent while somebody waits for it is looked at long before any time-out ends."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import delete, update
from support.inspecting import text_of
from support.installation import eventually, process, source_block
from support.studies import OKAFOR, study
from support.visits import change_fetch

from fetch.reasons import Reason
from fetch.records import StudyRow
from preview.demo.behaviour import hangs_in_find
from preview.errands import wanting
from preview.health import probing
from preview.health.journal import Finding, note
from preview.health.probing import Prober
from preview.health.records import Condition, HealthRow
from preview.health.standing import State, state_of
from preview.records import AnswerRow, AskRow, ContextRow

PATIENT = {"association_timeout": 10, "message_timeout": 60, "network_timeout": 60}
"""A source whose requests may be silent for a minute."""


@pytest.fixture
def site(install, archive):
    archive.add(study(OKAFOR)[0])
    return install(source_block("main", archive.port, aet="MAIN", associations=1, **PATIENT))


def row(site) -> HealthRow:
    with site.parts.records.read() as session:
        return session.get(HealthRow, "main")


def was_well(site, seconds: float) -> None:
    """It answered so long ago."""
    (source,) = site.settings.sources
    moment = site.parts.now - timedelta(seconds=seconds)
    with site.parts.records.write() as session:
        note(session, source, Finding(Condition.UP, seconds=0.1), moment, site.settings.app)
        later = {"next_probe_at": moment + timedelta(seconds=30)}
        session.execute(update(HealthRow).values(later))


def is_due(site) -> bool:
    return bool(Prober(site.parts).due())


def under_way(site, moved: float, begun: float = 60) -> None:
    """A fetch that a worker is at, to which something came so many seconds ago."""
    with site.parts.records.read() as session:
        study_row = session.query(StudyRow).first()
    wanting.want(site.parts, study_row)
    now = site.parts.now
    change_fetch(
        site,
        beat_at=now,
        begun_at=now - timedelta(seconds=begun),
        moved_at=now - timedelta(seconds=moved),
    )


def still_asked(site, seconds: float) -> None:
    """The question was begun so long ago, and nobody has answered it."""
    moment = site.parts.now - timedelta(seconds=seconds)
    with site.parts.records.write() as session:
        session.execute(update(AskRow).values(begun_at=moment, finished_at=None))
        session.execute(delete(AnswerRow))


def nobody_looks(site) -> None:
    """Whoever opened a patient has done so long ago."""
    with site.parts.records.write() as session:
        session.execute(update(ContextRow).values(ends_at=site.parts.now + timedelta(hours=1)))


def test_while_somebody_uses_the_preview_an_archive_is_looked_at_more_often(site, client):
    client.opened(site)
    was_well(site, 11)
    nobody_looks(site)
    assert not is_due(site)
    client.opened(site)
    was_well(site, 9)
    assert not is_due(site)
    was_well(site, 11)
    assert is_due(site)
    assert not is_due(site), "two looks at once"


def test_a_question_that_waits_for_an_answer_has_the_archive_looked_at(site, client):
    client.opened(site)
    nobody_looks(site)
    was_well(site, 6)
    for seconds, looked in ((2, False), (6, True)):
        still_asked(site, seconds)
        assert is_due(site) is looked


@pytest.mark.parametrize(("moved", "looked"), [(2, False), (6, True)])
def test_a_fetch_to_which_nothing_comes_has_the_archive_looked_at(site, client, moved, looked):
    client.opened(site)
    nobody_looks(site)
    under_way(site, moved)
    was_well(site, 7)
    assert is_due(site) is looked


def test_images_that_came_before_it_fell_silent_do_not_speak_for_an_archive(site, client, archive):
    client.opened(site)
    under_way(site, moved=6)
    was_well(site, 10)
    archive.stop()
    Prober(site.parts).look(site.settings.sources[0])
    assert row(site).condition is Condition.DOWN


def test_where_nothing_comes_and_no_line_is_left_to_ask_it_is_said_to_be_slow(site, client, monkeypatch):
    monkeypatch.setattr(probing, "_PATIENCE_S", 0.3)
    client.opened(site)
    under_way(site, moved=20)
    was_well(site, 40)
    answered = row(site).answered_at
    (source,) = site.settings.sources
    prober = Prober(site.parts)
    with site.parts.lines.line(source, party="the fetch"):
        prober.look(source)
        assert (row(site).condition, row(site).answered_at) == (Condition.SLOW, answered)
        assert "Main archive answers more slowly than usual since" in text_of(client.page("/"))
        assert prober.due() == [], "it is tried again and again"
        change_fetch(site, moved_at=site.parts.now + timedelta(seconds=1))
        prober.look(source)
    assert row(site).condition is Condition.UP


def test_so_is_one_whose_only_line_a_question_holds(site, client, monkeypatch):
    monkeypatch.setattr(probing, "_PATIENCE_S", 0.3)
    client.opened(site)
    (source,) = site.settings.sources
    for seconds, condition in ((1, Condition.UP), (15, Condition.SLOW)):
        still_asked(site, seconds)
        was_well(site, 40)
        with site.parts.lines.line(source, urgent=True):
            Prober(site.parts).look(source)
            assert row(site).condition is condition


def test_a_listing_that_gets_on_is_not_said_to_be_slow(site, client, monkeypatch):
    monkeypatch.setattr(probing, "_PATIENCE_S", 0.3)
    client.opened(site)
    under_way(site, moved=6)
    was_well(site, 8)
    (source,) = site.settings.sources
    with site.parts.lines.line(source, party="the fetch"):
        Prober(site.parts).look(source)
    assert row(site).condition is Condition.UP


def test_after_the_clock_was_set_back_what_is_known_of_later_is_not_believed(site, client, archive):
    was_well(site, -3600)
    with site.parts.records.write() as session:
        future = site.parts.now + timedelta(hours=1)
        session.execute(update(HealthRow).values(probing_until=future, over_at=future))
    assert state_of(row(site), site.parts.now, site.settings.app) is State.NOT_CHECKED
    assert "can be reached again" not in text_of(client.page("/"))
    assert is_due(site)


def test_after_the_clock_was_set_back_an_archive_that_was_down_is_tried(site, archive):
    (source,) = site.settings.sources
    with site.parts.records.write() as session:
        down = Finding(Condition.DOWN, Reason.CONNECTION_REFUSED)
        note(session, source, down, site.parts.now, site.settings.app)
        session.execute(update(HealthRow).values(trial_until=site.parts.now + timedelta(hours=1)))
    with site.parts.lines.line(source, urgent=True):
        pass
    assert row(site).condition is Condition.UP


def test_that_an_archive_hangs_is_said_before_the_question_put_to_it_gives_up(install, archive):
    """The real process; with these time-outs the question itself would end after a minute."""
    site = install(source_block("main", archive.port, aet="MAIN", **PATIENT))
    client = site.app.test_client()
    with process(site, "prober"):
        eventually(lambda: row(site) is not None and row(site).condition is Condition.UP)
        client.opened(site, ask=False)
        archive.behave(hangs_in_find())
        asking = threading.Thread(target=site.ask_all)
        asking.start()
        try:
            eventually(lambda: "Main archive answers only in part since" in text_of(client.page("/")), 40)
            assert asking.is_alive()
        finally:
            archive.stop()
            asking.join(70)
