"""FEBRL4 judged as a whole: how many are certain, that none of them is false, where the right one stands."""

from datetime import date

import pytest
from support import febrl

from fetch.identity import Grade
from fetch.identity.register import Entry, Match, Register

TODAY = date(2026, 11, 25)


def matched(*, with_id: bool) -> list[Match]:
    asked = [Entry(key, patient) for key, patient in febrl.originals(with_id=with_id).items()]
    found = [Entry(key, patient) for key, patient in febrl.duplicates(with_id=with_id).items()]
    return list(Register(asked, [febrl.ISSUER], TODAY).match(found))


@pytest.fixture(scope="module")
def with_id() -> list[Match]:
    return matched(with_id=True)


@pytest.fixture(scope="module")
def without_id() -> list[Match]:
    return matched(with_id=False)


def graded(matches: list[Match], grade: Grade) -> int:
    return sum(match.judgement.grade is grade for match in matches)


def right_among(matches: list[Match], first: int) -> int:
    return sum(match.found.key in [one.key for one in match.candidates[:first]] for match in matches)


def false(matches: list[Match]) -> list[str]:
    return [match.found.key for match in matches if match.linked and match.linked.key != match.found.key]


def report(title: str, matches: list[Match]) -> None:
    counts = ", ".join(f"{graded(matches, grade)} {grade}" for grade in Grade)
    among = ", ".join(f"first {n}: {right_among(matches, n)}" for n in (1, 5, 10))
    print(f"\nFEBRL4 {title}: {counts}; false: {len(false(matches))}; right one among {among}")


def test_with_ids_most_are_certain_and_not_one_is_false(with_id):
    report("with id", with_id)
    assert false(with_id) == []
    assert graded(with_id, Grade.CERTAIN) >= 3_200


def test_with_ids_the_right_one_is_among_the_first_ten_and_nobody_is_dropped(with_id):
    assert len(with_id) == 5_000
    assert all(match.candidates for match in with_id)
    assert right_among(with_id, 10) >= 4_995


def test_without_ids_nobody_is_certain(without_id):
    report("without id", without_id)
    assert graded(without_id, Grade.CERTAIN) == 0


def test_without_ids_the_right_one_is_among_the_first(without_id):
    assert len(without_id) == 5_000
    assert right_among(without_id, 5) >= 4_935
    assert right_among(without_id, 10) >= 4_950


def test_where_half_of_all_are_unknown_to_us_not_one_is_false():
    """As with images of other providers: most of what they have is about people whom we never saw."""
    known = [Entry(key, patient) for key, patient in febrl.originals().items() if int(key) % 2]
    found = [Entry(key, patient) for key, patient in febrl.duplicates().items()]
    assert false(list(Register(known, [febrl.ISSUER], TODAY).match(found))) == []
