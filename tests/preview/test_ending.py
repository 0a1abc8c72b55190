"""How a fetch ends: complete is only ever said of what is."""

from dataclasses import replace

import pytest

from fetch.reasons import Reason
from preview.errands.ending import Account, judge_completeness
from preview.records import Outcome, Scope

ALL = Account(Scope.ALL, 3, {"a", "b", "c"}, {"a", "b", "c"}, set(), set(), {})


def judged(**more):
    return judge_completeness(replace(ALL, **more))


def test_everything_that_is_listed_is_complete():
    assert judged() == (Outcome.COMPLETE, None)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"held": {"a", "b"}}, Reason.SOME_MISSING),
        ({"total": 4}, Reason.COUNTED_MORE),
        ({"total": 4, "refused": True}, Reason.SOME_MISSING),
        ({"short": True}, Reason.COUNTED_MORE),
        ({"held": {"a", "b"}, "given_up": {"c": Reason.ARCHIVED}}, Reason.ARCHIVED),
        ({"given_up": {"d": Reason.NOT_SENT}}, Reason.SOME_MISSING),
        ({"listed": set(), "total": None, "short": True}, Reason.SOME_MISSING),
        ({"withheld": {"x"}}, Reason.SOME_WITHHELD),
        ({"crashed": {"c"}}, Reason.NOT_DRAWN),
        ({"held": {"a", "b"}, "given_up": {"c": Reason.TOO_LARGE}}, Reason.TOO_LARGE),
        (
            {"held": {"a"}, "given_up": {"b": Reason.NOT_SENT, "c": Reason.TOO_LARGE}},
            Reason.SOME_MISSING,
        ),
    ],
)
def test_whatever_lacks_is_a_gap_with_its_reason(more, reason):
    assert judged(**more) == (Outcome.INCOMPLETE, reason)


@pytest.mark.parametrize(
    ("given_up", "reason"),
    [
        ({}, Reason.NOTHING_SENT),
        ({"a": Reason.NOT_SENT}, Reason.NOTHING_SENT),
        ({"a": Reason.NOT_KEPT}, Reason.NOT_KEPT),
        ({"a": Reason.ARCHIVED, "b": Reason.ARCHIVED}, Reason.ARCHIVED),
        ({"a": Reason.NOT_KEPT, "b": Reason.NOT_SENT}, Reason.NOTHING_SENT),
        ({"a": Reason.NOT_SENT, "b": Reason.REPORTED_FAILED}, Reason.REPORTED_FAILED),
    ],
)
def test_nothing_at_all_is_a_failure(given_up, reason):
    assert judged(held=set(), given_up=given_up) == (Outcome.FAILED, reason)


def test_without_a_list_and_a_count_what_came_is_all_there_is_known_to_be():
    assert judged(listed=set(), total=None) == (Outcome.COMPLETE, None)


def test_posters_are_complete_without_the_rest_but_not_without_a_poster():
    posters = {"scope": Scope.POSTERS, "held": {"b"}}
    assert judged(**posters) == (Outcome.COMPLETE, None)
    assert judged(**posters, given_up={"a": Reason.NOT_SENT}) == (Outcome.INCOMPLETE, Reason.SOME_MISSING)
