"""Hundreds of thousands of people who are easily taken for somebody else: none of them is certain."""

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from support import febrl
from support.lookalikes import NEVER, TWINS, Lookalikes

from fetch.identity import Context, Grade, given_names, judge

EACH = 26_000
IN_USE = frozenset(name for patient in febrl.originals().values() for name in given_names(patient))
"""As it is where our own patients are known."""
TRUSTED = Context(frozenset({febrl.ISSUER}), names_in_use=IN_USE, today=date(2026, 11, 25))


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


def test_twins_under_each_others_id_are_not_certain_where_both_names_are_in_use(people):
    """What is left has one of two given names (Lachlan and Lachlan-John), which one person may leave out."""
    originals = [*febrl.originals().values()]
    other = graded(originals, "twin", 1)[Grade.CERTAIN]
    similar = graded(originals, "twin_of_similar_name", 2)[Grade.CERTAIN]
    print(f"\ntwins certain: {other} of {EACH}, of similar name {similar} of {EACH}")
    assert other / EACH < 0.001
    assert similar / EACH < 0.003


def test_twins_of_whose_names_nothing_is_known_are_certain_only_where_a_slip_of_the_pen_could_be():
    """Whoever tells the judge no names: reported rather than forbidden."""
    cases = Lookalikes([*febrl.originals().values()], 2).of("twin_of_similar_name", 3_000)
    unknown = replace(TRUSTED, names_in_use=frozenset())
    certain = sum(judge(case.asked, case.found, unknown).certain for case in cases)
    print(f"\nof similar name, no names known: {certain} of 3000")
    assert certain / 3_000 < 0.14
