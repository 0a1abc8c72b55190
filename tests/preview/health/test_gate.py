"""A source that is down refuses at once with its reason, lets one through, and is believed when back."""

import time
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from support.installation import free_port, source_block
from support.studies import OKAFOR, study

from fetch.errors import FetchError, trouble
from fetch.find import find
from fetch.model import AnswerKind, PatientQuery
from fetch.reasons import Reason
from preview.demo.behaviour import hangs_in_get, refuses_association
from preview.health import journal
from preview.health.records import Condition, HealthRow, OutageRow
from preview.health.standing import State, state_of


def row(site, source="main") -> HealthRow:
    with site.parts.records.read() as session:
        return session.get(HealthRow, source)


def outages(site) -> list[OutageRow]:
    with site.parts.records.read() as session:
        return list(session.scalars(select(OutageRow)))


def ask(site):
    sources, local = site.settings.sources, site.settings.local
    return find(PatientQuery(OKAFOR), sources, local, allowance=site.parts.lines)


def change(site, **values) -> None:
    with site.parts.records.write() as session:
        session.execute(update(HealthRow).values(**values))


def later(site, **values) -> None:
    """As if the next trial were due."""
    change(site, trial_until=site.parts.now, **values)


def test_the_first_question_that_cannot_be_put_begins_an_outage(site, archive):
    archive.stop()
    (answer,) = ask(site)
    assert answer.reason is Reason.CONNECTION_REFUSED
    now = row(site)
    assert (now.condition, now.reason) == (Condition.DOWN, "connection-refused")
    assert now.next_probe_at <= site.parts.now, "it is not looked at at once"
    (outage,) = outages(site)
    assert (outage.condition, outage.ended_at) == (Condition.DOWN, None)


def test_a_dead_archive_fails_fast_with_its_known_reason(site, archive):
    archive.behave(refuses_association("called"))
    ask(site)
    before = archive.associations
    began = time.monotonic()
    answers = [ask(site)[0] for _ in range(5)]
    assert time.monotonic() - began < 1
    assert {(a.kind, a.reason) for a in answers} == {(AnswerKind.OUTAGE, Reason.CALLED_AET_UNKNOWN)}
    assert archive.associations == before


def test_only_one_party_finds_out_whether_it_is_back(site, archive):
    archive.behave(refuses_association("called"))
    ask(site)
    later(site)
    (source,) = site.settings.sources
    with site.parts.lines.line(source, party="fetch-1"), site.parts.lines.line(source, party="fetch-1"):
        with pytest.raises(FetchError) as refused, site.parts.lines.line(source, party="fetch-2"):
            pass
        assert refused.value.reason is Reason.CALLED_AET_UNKNOWN


def test_a_trial_that_fails_is_not_repeated_at_once_and_one_that_does_not_ends_the_outage(site, archive):
    archive.add(study(OKAFOR)[0])
    archive.behave(refuses_association("called"))
    ask(site)
    later(site)
    before = archive.associations
    ask(site)
    ask(site)
    assert archive.associations == before + 1
    archive.behave_well()
    later(site)
    (answer,) = ask(site)
    assert answer.kind is AnswerKind.FOUND
    assert row(site).condition is Condition.UP
    (outage,) = outages(site)
    assert outage.ended_at
    (answer,) = ask(site)
    assert answer.kind is AnswerKind.FOUND


def test_a_dead_archive_does_not_hold_up_a_living_one(install, archive):
    archive.add(study(OKAFOR)[0])
    site = install(source_block("dead", free_port()), source_block("main", archive.port, aet="MAIN"))
    ask(site)
    began = time.monotonic()
    dead, main = ask(site)
    assert (dead.kind, main.kind) == (AnswerKind.OUTAGE, AnswerKind.FOUND)
    assert time.monotonic() - began < 1


def test_what_is_known_for_long_is_not_believed(site, archive):
    archive.stop()
    ask(site)
    old = site.parts.now - timedelta(seconds=2 * site.settings.app.probe_every + 1)
    change(site, checked_at=old)
    assert state_of(row(site), site.parts.now, site.settings.app) is State.NOT_CHECKED
    archive.add(study(OKAFOR)[0])
    archive.start(archive.port)
    (answer,) = ask(site)
    assert answer.kind is AnswerKind.FOUND


def test_what_breaks_in_the_middle_of_a_fetch_is_for_a_probe_to_explain(site, archive):
    archive.behave(hangs_in_get())
    up, app = journal.Finding(Condition.UP), site.settings.app
    with site.parts.records.write() as session:
        journal.note(session, site.settings.sources[0], up, site.parts.now, app)
    with suppress(FetchError), site.parts.lines.line(site.settings.sources[0], party="fetch"):
        raise trouble(Reason.CONNECTION_LOST)
    now = row(site)
    assert now.condition is Condition.UP
    assert now.next_probe_at <= site.parts.now
    assert not outages(site)


@pytest.mark.parametrize("reason", [Reason.LINES_TAKEN, Reason.REQUEST_FAILED, Reason.NOT_KEPT])
def test_what_says_nothing_of_the_archive_changes_nothing(site, reason):
    with suppress(FetchError), site.parts.lines.line(site.settings.sources[0], urgent=True):
        raise trouble(reason)
    assert row(site) is None or row(site).condition is None


def test_nobody_asks_a_paused_archive(site, archive):
    with site.parts.records.write() as session:
        journal.pause(session, "main", "Sam Patel", site.parts.now)
    (answer,) = ask(site)
    assert answer.reason is Reason.PAUSED
    assert archive.associations == 0
    with site.parts.records.write() as session:
        journal.resume(session, site.settings.sources[0], site.parts.now)
    (answer,) = ask(site)
    assert answer.kind is AnswerKind.ABSENT


def test_without_a_database_an_archive_is_asked(site, archive):
    """Its lines are counted in the database too, and say so themselves."""
    assert site.parts.lines._admit(site.settings.sources[0], "anybody") is False
    site.parts.records.engine.dispose()
    for file in site.folder.glob("preview.db*"):
        file.unlink()
    (site.folder / "preview.db").mkdir()
    assert site.parts.lines._admit(site.settings.sources[0], "anybody") is False
