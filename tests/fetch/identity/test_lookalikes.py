"""Hundreds of thousands of people who are easily taken for somebody else: none of them is certain."""

from collections import Counter
from datetime import date

import pytest
from support import febrl
from support.lookalikes import NEVER, TWINS, Lookalikes

from fetch.identity import Context, Grade, judge

EACH = 26_000
TRUSTED = Context(frozenset({febrl.ISSUER}), today=date(2026, 11, 25))


@pytest.fixture(scope="module")
def people() -> list:
    return [*febrl.originals().values(), *febrl.duplicates().values()]


def graded(people: list, kind: str, seed: int, count: int = EACH) -> Counter:
    cases = Lookalikes(people, seed).of(kind, count)
    counts = Counter(judge(case.asked, case.found, TRUSTED).grade for case in cases)
    shown = "  ".join(f"{grade}: {counts[grade]:>6}" for grade in Grade)
    print(f"\n{kind:<28}  {shown}")
    return counts


def test_there_are_at_least_300_000_cases():
    assert EACH * len((*NEVER, *TWINS)) >= 300_000


@pytest.mark.parametrize("kind", NEVER)
def test_who_is_somebody_else_is_never_certain(people, kind):
    assert graded(people, kind, NEVER.index(kind))[Grade.CERTAIN] == 0


@pytest.mark.parametrize("kind", ["stranger_with_the_same_id", "reused_id", "junior_and_senior"])
def test_whoever_has_the_very_id_stays_on_the_list(people, kind):
    assert graded(people, kind, 77, 3_000)[Grade.CERTAINLY_NOT] == 0


def test_twins_under_each_others_id_are_certain_only_where_a_slip_of_the_pen_could_be():
    """Reported rather than forbidden; with the sex on both sides, half of these fall away too."""
    originals = [*febrl.originals().values()]
    other = graded(originals, "twin", 1)[Grade.CERTAIN]
    similar = graded(originals, "twin_of_similar_name", 2)[Grade.CERTAIN]
    assert other / EACH < 0.002
    assert similar / EACH < 0.14
