"""Somebody presses a button in the very moment in which a try ends: neither a wish nor a Cancel is lost."""

import time

import pytest
from sqlalchemy import select, update
from support.studies import study

from fetch.find import find_study
from fetch.reasons import Reason
from fetch.records import StudyRow
from fetch.retrieve import Retrieval
from preview.demo.behaviour import Kind as Request
from preview.demo.behaviour import (
    answers,
    hangs_in_find,
    hangs_in_get,
    leaves_out,
    omits_return_keys,
    refuses_association,
    slow,
)
from preview.errands import fetching, wanting
from preview.errands.asking import note_study
from preview.errands.claim import Claim
from preview.errands.progress import Progress
from preview.records import FetchRow, NoteRow, Outcome, Scope


def kept(site, archive, **more) -> StudyRow:
    datasets = study(**{"images": 6} | more)
    for ds in datasets:
        archive.add(ds)
    found = find_study(site.settings.sources[0], site.settings.local, datasets[0].StudyInstanceUID)
    with site.parts.records.write() as session:
        return note_study(session, found, site.parts.now)


@pytest.fixture
def held(site, archive) -> StudyRow:
    """A study of six images at the archive."""
    return kept(site, archive)


def stored(site) -> FetchRow:
    with site.parts.records.read() as session:
        return session.scalars(select(FetchRow)).one()


def log_of(site) -> list[str]:
    with site.parts.records.read() as session:
        return list(session.scalars(select(NoteRow.code).order_by(NoteRow.id)))


def fetch(site, held, then, scope: Scope = Scope.ALL) -> FetchRow:
    """What is stored after one run; ``then`` happens whenever it has just looked at what is wanted."""
    fetching.fetch(site.parts, wanting.want(site.parts, held, scope=scope), lambda *_: then())
    return stored(site)


def once(*steps):
    """One step at each call, and at the end nothing any more."""
    left = list(steps)
    return lambda: left.pop(0)() if left else None


# --- Cancel


def test_cancel_in_the_moment_in_which_a_try_fails_for_now_ends_it(site, archive, held):
    archive.behave(refuses_association("busy"))
    ended = fetch(site, held, lambda: wanting.cancel(site.parts, held))
    assert (ended.outcome, ended.reason, ended.next_try_at) == (Outcome.CANCELLED, None, None)
    assert (ended.active_study, ended.finished_at is not None) == (None, True)
    assert log_of(site)[-3:] == ["tried", "cancelled", "ended"]


def test_cancel_in_the_moment_in_which_a_try_fails_for_good_is_what_the_end_says(site, archive, held):
    archive.behave(answers(0xC000, Request.GET))
    assert fetch(site, held, lambda: wanting.cancel(site.parts, held)).outcome is Outcome.CANCELLED
    assert log_of(site)[-2:] == ["cancelled", "ended"]


def test_what_is_all_here_when_somebody_presses_cancel_is_complete(site, held):
    progress = begun(site, held)
    wanting.cancel(site.parts, held)
    assert progress.finish(Outcome.COMPLETE, None, {})
    assert stored(site).outcome is Outcome.COMPLETE


def test_posters_that_were_widened_and_then_cancelled_are_not_called_complete(site, held):
    progress = begun(site, held, Scope.POSTERS)
    wanting.want(site.parts, held)
    wanting.cancel(site.parts, held)
    assert progress.finish(Outcome.COMPLETE, None, {})
    assert stored(site).outcome is Outcome.CANCELLED


def begun(site, held, scope: Scope = Scope.ALL) -> Progress:
    fetch_id = wanting.want(site.parts, held, scope=scope)
    return Progress(site.parts, Claim.take(site.parts.records, fetch_id, site.parts.now))


def test_fetch_right_after_cancel_does_not_make_what_was_stopped_complete(site, archive):
    """Without a list, nothing but the end of the request says that more would have come."""
    omitted = ("NumberOfStudyRelatedInstances", "NumberOfSeriesRelatedInstances", "SOPInstanceUID")
    archive.behave(omits_return_keys(*omitted) & slow(0.05))
    held = kept(site, archive, images=200)

    def press() -> None:
        if stored(site).cancel_at is not None:
            archive.behave(omits_return_keys(*omitted))
            wanting.want(site.parts, held)
            stopped_with.append(stored(site).drawn)
        elif stored(site).drawn >= 5 and not pressed:
            wanting.cancel(site.parts, held)
            pressed.append("Cancel")

    pressed: list[str] = []
    stopped_with: list[int] = []
    ended = fetch(site, held, press)
    assert 5 <= stopped_with[0] < 200
    assert (ended.outcome, ended.drawn, ended.cancel_at) == (Outcome.COMPLETE, 200, None)


@pytest.mark.parametrize("asked", [Request.FIND, Request.GET])
def test_fetch_right_after_cancel_goes_on_at_once(site, archive, held, asked):
    """Whoever hears the bell of the second press finds the fetch in good hands, and leaves it."""
    archive.behave(hangs_in_find() if asked is Request.FIND else hangs_in_get(2))
    pressed: list[float] = []

    def press() -> None:
        if stored(site).cancel_at is not None:
            archive.behave_well()
            wanting.want(site.parts, held)
            pressed.append(time.monotonic())
        elif archive.asked(asked) and not pressed:
            wanting.cancel(site.parts, held)

    ended = fetch(site, held, press)
    assert time.monotonic() - pressed[0] < 3
    assert (ended.outcome, ended.drawn, ended.cancel_at) == (Outcome.COMPLETE, 6, None)
    assert "cancelled" not in log_of(site)


# --- a click on Fetch while nothing but the first pictures are fetched


@pytest.mark.parametrize(
    "how",
    [refuses_association("busy"), answers(0xC000, Request.GET), leaves_out(1)],
    ids=["for now", "for good", "with gaps"],
)
def test_a_click_in_the_moment_in_which_posters_fail_is_served_at_once(site, archive, held, how):
    archive.behave(how)

    def click() -> None:
        wanting.want(site.parts, held)
        archive.behave_well()

    ended = fetch(site, held, click, Scope.POSTERS)
    assert (ended.outcome, ended.drawn, ended.scope) == (Outcome.COMPLETE, 6, Scope.ALL)


def test_a_click_is_served_once_and_then_rests_like_any_other(site, archive, held):
    archive.behave(refuses_association("busy"))
    rests = fetch(site, held, lambda: wanting.want(site.parts, held), Scope.POSTERS)
    assert (rests.outcome, rests.scope, rests.tries) == (None, Scope.ALL, 1)
    assert rests.next_try_at is not None
    assert log_of(site).count("tried") == 2


def test_a_click_that_comes_too_late_for_a_try_is_no_gap(site, held, monkeypatch):
    """The try has heard of it, but had nothing left to ask for when it did."""
    monkeypatch.setattr(Retrieval, "widen", lambda _: None)
    ended = fetch(site, held, once(lambda: wanting.want(site.parts, held)), Scope.POSTERS)
    assert (ended.outcome, ended.drawn, ended.tries) == (Outcome.COMPLETE, 6, 0)
    assert "tried" not in log_of(site)


def test_a_click_while_posters_come_needs_no_second_list(site, archive):
    archive.behave(slow(0.2))
    held = kept(site, archive, images=9, series=3)
    ended = fetch(site, held, once(lambda: wanting.want(site.parts, held)), Scope.POSTERS)
    assert (ended.outcome, ended.drawn) == (Outcome.COMPLETE, 27)
    assert log_of(site).count("listed") == 1


def test_tries_for_posters_do_not_count_against_whoever_clicks(site, held):
    wanting.want(site.parts, held, scope=Scope.POSTERS)
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(tries=2))
    wanting.want(site.parts, held)
    assert stored(site).tries == 0


def test_a_widened_try_that_fails_is_the_first(site, held):
    progress = begun(site, held, Scope.POSTERS)
    wanting.want(site.parts, held)
    assert not progress.rest(Reason.BUSY, site.parts.now, {})
    assert progress.rest(Reason.BUSY, site.parts.now, {})
    assert stored(site).tries == 1
