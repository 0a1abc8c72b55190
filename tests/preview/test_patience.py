"""How long a fetch rests, and whether it is tried again."""

import pytest

from fetch.reasons import Reason, Trouble
from preview.errands.patience import rest, tries_again
from preview.records import Outcome, Scope


@pytest.mark.parametrize(
    ("tries", "longest"), [(1, 10), (2, 30), (3, 120), (4, 600), (5, 1800), (6, 3600), (60, 3600)]
)
def test_rests_grow_to_an_hour_and_are_spread_over_all_of_it(tries, longest):
    assert rest(tries, 1.0).total_seconds() == longest
    assert rest(tries, 0.5).total_seconds() == longest / 2
    assert rest(tries, 0.0).total_seconds() == 1


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.trouble is Trouble.UNREACHABLE])
def test_an_archive_that_cannot_be_reached_is_tried_for_ever(reason):
    assert tries_again(Outcome.FAILED, reason, Scope.ALL, 1000)
    assert tries_again(Outcome.INCOMPLETE, reason, Scope.ALL, 1000)


@pytest.mark.parametrize(
    "reason", [reason for reason in Reason if reason.trouble in (Trouble.SETUP, Trouble.REQUEST)]
)
def test_what_somebody_has_to_change_is_never_tried_by_itself(reason):
    assert not tries_again(Outcome.FAILED, reason, Scope.ALL, 1)


@pytest.mark.parametrize("reason", [Reason.SOME_MISSING, Reason.NOTHING_SENT, Reason.NOT_DRAWN])
def test_gaps_that_stay_are_left_to_a_person(reason):
    assert tries_again(Outcome.INCOMPLETE, reason, Scope.ALL, 2)
    assert not tries_again(Outcome.INCOMPLETE, reason, Scope.ALL, 3)


def test_posters_are_tried_a_few_times():
    assert tries_again(Outcome.FAILED, Reason.CONNECTION_REFUSED, Scope.POSTERS, 2)
    assert not tries_again(Outcome.FAILED, Reason.CONNECTION_REFUSED, Scope.POSTERS, 3)


@pytest.mark.parametrize("outcome", [Outcome.COMPLETE, Outcome.CANCELLED])
def test_what_has_ended_stays_so(outcome):
    assert not tries_again(outcome, None, Scope.ALL, 1)
    assert not tries_again(outcome, Reason.BUSY, Scope.ALL, 1)


def test_an_archive_that_says_each_time_that_it_cannot_is_left_to_a_person_one_day():
    assert tries_again(Outcome.FAILED, Reason.OUT_OF_RESOURCES, Scope.ALL, 11)
    assert not tries_again(Outcome.FAILED, Reason.OUT_OF_RESOURCES, Scope.ALL, 12)
