"""Two identities side by side: what is marked, and which parts of a name are shown."""

import pytest

from fetch.identity import Agreement, Field
from fetch.model import Patient, PatientIdentity
from preview.page.comparing import by_agreement, name_lines, pieces

NOBODY = PatientIdentity("", "")


def shown(one: str, other: str) -> tuple[str, str]:
    """Both sides, what differs in brackets."""
    return tuple("".join(f"[{p.text}]" if p.differs else p.text for p in side) for side in pieces(one, other))


@pytest.mark.parametrize(
    ("one", "other", "ours", "theirs"),
    [
        ("OKAFOR", "OKAFOR", "OKAFOR", "OKAFOR"),
        ("14-Jul-1957", "14-Jul-1975", "14-Jul-19[57]", "14-Jul-19[75]"),
        ("OKAFOR", "OKAFOUR", "OKAFOR", "OKAFO[U]R"),
        ("Jon", "Joan", "Jon", "Jo[a]n"),
        ("MULLER", "MÜLLER", "M[U]LLER", "M[Ü]LLER"),
        ("00123", "123", "[00]123", "123"),
        ("BROWN", "OKAFOR", "[BROWN]", "[OKAFOR]"),
        ("GREEN", "BROWN", "[GREEN]", "[BROWN]"),
        ("4471902", "RR-20931", "[4471902]", "[RR-20931]"),
        ("", "OKAFOR", "", "OKAFOR"),
        ("OKAFOR", "", "OKAFOR", ""),
        ("okafor", "OKAFOR", "[okafor]", "[OKAFOR]"),
        ("岡田", "岡本", "岡[田]", "岡[本]"),
    ],
)
def test_what_differs_is_marked_on_both_sides(one, other, ours, theirs):
    assert shown(one, other) == (ours, theirs)
    assert shown(other, one) == (theirs, ours)


@pytest.mark.parametrize("one", ["a" * 1024, "ab" * 512, "<b>&", "\u0301e\u0301"])
@pytest.mark.parametrize("other", ["b" * 1024, "ba" * 512, "", "x"])
def test_nothing_of_a_value_is_lost(one, other):
    ours, theirs = pieces(one, other)
    assert "".join(piece.text for piece in ours) == one
    assert "".join(piece.text for piece in theirs) == other


@pytest.mark.parametrize(
    ("one", "other", "marked"),
    [
        ("OKAFOR, Adaeze Marie", "OKAFOR, Adaeze", "OKAFOR, Adaeze[ Marie]"),
        ("OKAFOUR, Adaeze Marie", "OKAFOR, Adaeze", "OKAFO[U]R, Adaeze[ Marie]"),
        ("Anna", "Ana", "An[n]a"),
        ("44719022", "4471902", "4471902[2]"),
    ],
)
def test_what_one_side_has_more_is_marked_where_a_reader_looks_for_it(one, other, marked):
    for ours in (pieces(one, other)[0], pieces(other, one)[1]):
        assert "".join(f"[{piece.text}]" if piece.differs else piece.text for piece in ours) == marked
        assert "".join(piece.text for piece in ours) == one


def test_family_and_given_name_always_and_whatever_else_there_is():
    images = Patient(NOBODY, "OKAFOR^Adaeze^M^Dr^Jr=岡^花")
    lines = [
        (line.part.value, line.images, line.record) for line in name_lines(images, Patient(NOBODY, "OKAFOR"))
    ]
    assert lines == [
        ("family", "OKAFOR", "OKAFOR"),
        ("given", "Adaeze", ""),
        ("middle", "M", ""),
        ("suffix", "Jr", ""),
        ("prefix", "Dr", ""),
        ("ideographic", "岡 花", ""),
    ]
    assert [line.part.value for line in name_lines(Patient(NOBODY), Patient(NOBODY))] == ["family", "given"]


def test_stored_evidence_in_short_leaves_out_what_nobody_has_and_what_another_version_said():
    fields = {
        "id": "agree",
        "sex": "differ",
        "middle": "missing",
        "given": "missing",
        "shoe-size": "agree",
        "family": "?",
    }
    assert by_agreement(fields) == (
        (Agreement.AGREE, (Field.ID,)),
        (Agreement.DIFFER, (Field.SEX,)),
        (Agreement.MISSING, (Field.GIVEN,)),
    )
