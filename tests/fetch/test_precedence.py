"""Who goes first, and who gives way."""

from datetime import UTC, datetime, timedelta

from fetch.precedence import NOBODY, Held, Turns, Wish, party_of

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def held(*parties: str) -> tuple[Held, ...]:
    """Lines of these parties in the slots 0, 1, …"""
    return tuple(Held(slot, f"{party}{slot}", party) for slot, party in enumerate(parties))


def wish(party: str, second: float = 0, *, name: str = "", urgent: bool = False) -> Wish:
    since = NOW + timedelta(seconds=second)
    return Wish(name or f"{party}@{second}", NOBODY if urgent else party, urgent, since)


def question(second: float = 0) -> Wish:
    return wish("question", second, urgent=True)


def leaving(turns: Turns) -> set[str]:
    return {line.holder for line in turns.held if turns.gives_way(line.holder)}


def served(turns: Turns) -> list[str]:
    """The waiting who may take a line now."""
    return [one.holder for one in turns.wishes if turns.is_next(one)]


# --- whose turn it is


def test_a_free_line_is_for_whoever_asks():
    turns = Turns(2, held("a"), ())
    assert turns.is_next(wish("a"))
    assert turns.is_next(question())


def test_nobody_is_next_while_all_are_taken():
    assert served(Turns(2, held("a", "b"), (question(), wish("c")))) == []


def test_a_question_goes_before_a_fetch_that_came_first():
    assert served(Turns(1, (), (wish("a", 0), question(5)))) == ["question@5"]


def test_who_came_first_goes_first_among_equals():
    assert served(Turns(1, (), (wish("b", 2), wish("a", 1)))) == ["a@1"]
    assert served(Turns(1, (), (question(2), question(1)))) == ["question@1"]


def test_as_many_are_next_as_there_are_free_lines():
    waiting = (wish("c", 3), wish("a", 1), wish("b", 2), question(9))
    assert served(Turns(3, (), waiting)) == ["a@1", "b@2", "question@9"]


def test_a_party_without_a_line_goes_before_one_that_has_some():
    assert served(Turns(3, held("a", "a"), (wish("a", 1), wish("b", 2)))) == ["b@2"]


def test_free_lines_are_shared_out_between_parties():
    waiting = (wish("a", 1, name="a1"), wish("a", 1, name="a2"), wish("b", 2, name="b1"))
    assert served(Turns(2, (), waiting)) == ["a1", "b1"]


def test_lines_beyond_a_lowered_allowance_are_counted():
    turns = Turns(2, held("a", "a", "a"), (question(),))
    assert turns.free == -1
    assert served(turns) == []


# --- who gives way


def test_nobody_gives_way_when_nobody_waits():
    assert leaving(Turns(2, held("a", "a"), ())) == set()


def test_nobody_gives_way_while_a_line_is_free():
    assert leaving(Turns(3, held("a", "a"), (question(),))) == set()
    assert leaving(Turns(3, held("a", "a"), (wish("b"),))) == set()


def test_any_fetch_gives_way_to_a_question():
    assert leaving(Turns(1, held("a"), (question(),))) == {"a0"}


def test_only_as_many_lines_give_way_as_there_are_questions():
    assert leaving(Turns(3, held("a", "a", "a"), (question(1),))) == {"a2"}
    assert leaving(Turns(3, held("a", "a", "a"), (question(1), question(2)))) == {"a1", "a2"}
    assert leaving(Turns(4, held("a", "a", "a"), (question(1), question(2)))) == {"a2"}


def test_the_party_with_most_lines_gives_way():
    assert leaving(Turns(4, held("a", "a", "a", "b"), (question(),))) == {"a2"}


def test_a_question_does_not_give_way():
    assert leaving(Turns(2, held("a", NOBODY), (question(1), question(2)))) == {"a0"}


def test_a_party_with_several_lines_gives_one_to_a_party_without():
    assert leaving(Turns(3, held("a", "a", "a"), (wish("b", 1, name="1"), wish("b", 1, name="2")))) == {"a2"}
    assert leaving(Turns(3, held("a", "a", "a"), (wish("b"), wish("c")))) == {"a1", "a2"}


def test_a_party_never_gives_away_its_only_line_to_another_fetch():
    assert leaving(Turns(1, held("a"), (wish("b"),))) == set()
    assert leaving(Turns(3, held("a", "a", "b"), (wish("c"), wish("d"), wish("e")))) == {"a1"}


def test_a_party_that_has_a_line_waits_for_more():
    assert leaving(Turns(3, held("a", "a", "b"), (wish("b"),))) == set()


def test_a_free_line_that_a_question_takes_is_not_there_for_a_party():
    assert leaving(Turns(3, held("a", "a"), (question(), wish("b")))) == {"a1"}


def test_who_was_served_between_two_looks_makes_nobody_give_way():
    lines = (*held("a"), Held(1, "question@1", NOBODY))
    assert leaving(Turns(2, lines, (question(1),))) == set()


def test_a_line_beyond_a_lowered_allowance_gives_way_too():
    assert leaving(Turns(1, held("a", "a", "a"), (question(),))) == {"a0", "a1", "a2"}


# --- whose a line is


def test_who_names_no_party_is_one():
    assert party_of("", "me", urgent=False) == "me"
    assert party_of("fetch", "me", urgent=False) == "fetch"
    assert party_of("fetch", "me", urgent=True) == NOBODY
