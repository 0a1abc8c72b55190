"""The judge: which grade, by which road, and every doubt by a case of its own."""

from dataclasses import replace
from datetime import date

import pytest
from support.studies import OKAFOR

from fetch.identity import Context, Doubt, Grade, Remark, judge
from fetch.model import Patient, PatientIdentity

TRUSTED = Context(frozenset({"HOSP"}), today=date(2026, 11, 25))
OUTSIDE = replace(OKAFOR, identity=PatientIdentity("RR-20931", "RIVERSIDE"))
BORN = date(1975, 7, 14)


def called(name: str, patient: Patient = OKAFOR) -> Patient:
    return replace(patient, name=name)


def numbered(patient_id: str, issuer: str = "HOSP") -> Patient:
    return replace(OKAFOR, identity=PatientIdentity(patient_id, issuer))


def born(day: date | None, text: str = "") -> Patient:
    return replace(OKAFOR, birth_date=day, birth_date_text=text)


def grade(found: Patient, asked: Patient = OKAFOR, context: Context = TRUSTED) -> Grade:
    return judge(asked, found, context).grade


def doubts(found: Patient, asked: Patient = OKAFOR, context: Context = TRUSTED) -> set[Doubt]:
    judgement = judge(asked, found, context)
    assert judgement.certain is not bool(judgement.doubts)
    return set(judgement.doubts)


# The same id from a trusted issuer


def test_the_same_id_from_a_trusted_issuer_with_the_same_name_and_birth_date_is_certain():
    judgement = judge(OKAFOR, OKAFOR, TRUSTED)
    assert (judgement.grade, judgement.remarks) == (Grade.CERTAIN, (Remark.SAME_ID,))


@pytest.mark.parametrize("written", ["4471902 ", " 4471902", "04471902", "447-1902", "447 1902"])
def test_padding_leading_zeros_and_hyphens_do_not_make_another_id(written):
    assert grade(numbered(written)) is Grade.CERTAIN


@pytest.mark.parametrize("written", ["447190", "44719021", "4471902a", "A4471902", "4471903", "4471920"])
def test_an_id_that_is_only_similar_is_never_certain(written):
    assert doubts(numbered(written)) == {Doubt.ID_SIMILAR}
    assert grade(numbered(written)) is Grade.PROBABLE


def test_two_ids_of_one_issuer_are_two_people_until_somebody_says_otherwise():
    assert doubts(numbered("9990001")) == {Doubt.ID_DIFFERS}
    assert grade(numbered("9990001")) is Grade.POSSIBLE


def test_two_sides_without_an_id_are_at_best_probable():
    assert doubts(numbered(""), asked=numbered("")) == {Doubt.ID_MISSING}
    assert grade(numbered(""), asked=numbered("")) is Grade.PROBABLE


@pytest.mark.parametrize(
    ("issuer", "doubt"),
    [
        ("RIVERSIDE", {Doubt.ISSUER_DIFFERS, Doubt.ISSUER_UNTRUSTED}),
        ("hosp", {Doubt.ISSUER_SIMILAR, Doubt.ISSUER_UNTRUSTED}),
        ("", {Doubt.ISSUER_MISSING}),
    ],
)
def test_the_same_id_under_another_issuer_is_never_certain(issuer, doubt):
    assert doubts(numbered("4471902", issuer)) == doubt


def test_an_untrusted_issuer_is_a_doubt_even_if_everything_agrees():
    assert doubts(OKAFOR, context=Context()) == {Doubt.ISSUER_UNTRUSTED}
    assert grade(OKAFOR, context=Context()) is Grade.PROBABLE


def test_an_issuer_that_was_assumed_is_as_good_and_said():
    judgement = judge(OKAFOR, OKAFOR, replace(TRUSTED, issuer_assumed=True))
    assert judgement.remarks == (Remark.SAME_ID, Remark.ISSUER_ASSUMED)


def test_a_birth_date_that_is_missing_on_either_side_is_a_doubt():
    assert doubts(born(None)) == {Doubt.BIRTH_DATE_MISSING}
    assert doubts(OKAFOR, asked=born(None)) == {Doubt.BIRTH_DATE_MISSING}
    assert doubts(born(None), asked=born(None)) == {Doubt.BIRTH_DATE_MISSING}


def test_an_unreadable_birth_date_proves_nothing_even_if_both_sides_write_the_same():
    odd = born(None, "1975")
    assert doubts(odd, asked=odd) == {Doubt.BIRTH_DATE_UNREADABLE}


@pytest.mark.parametrize(
    ("day", "doubt"),
    [
        (date(1957, 7, 14), Doubt.BIRTH_DATE_SIMILAR),
        (date(1975, 7, 15), Doubt.BIRTH_DATE_SIMILAR),
        (date(1975, 1, 1), Doubt.BIRTH_DATE_SIMILAR),
        (date(1946, 2, 28), Doubt.BIRTH_DATE_DIFFERS),
    ],
)
def test_another_birth_date_is_a_doubt(day, doubt):
    assert doubts(born(day)) == {doubt}
    assert grade(born(day)) is not Grade.CERTAINLY_NOT


@pytest.mark.parametrize("name", ["", "^Adaeze", "  ^Adaeze", "^^^DR"])
def test_a_family_name_that_is_missing_on_either_side_is_a_doubt(name):
    assert Doubt.NAME_MISSING in doubts(called(name))
    assert Doubt.NAME_MISSING in doubts(OKAFOR, asked=called(name))
    assert Doubt.NAME_MISSING in doubts(called(name), asked=called(name))


def test_a_given_name_that_is_missing_is_a_doubt():
    assert doubts(called("OKAFOR")) == {Doubt.GIVEN_MISSING}


def test_every_doubt_is_named_not_only_the_first():
    other = Patient(PatientIdentity("9", "RIVERSIDE"), "STRANGER^Sam", date(1931, 1, 31), "M")
    assert doubts(other) == {
        Doubt.ID_PLACEHOLDER,
        Doubt.ISSUER_DIFFERS,
        Doubt.ISSUER_UNTRUSTED,
        Doubt.BIRTH_DATE_DIFFERS,
        Doubt.NAME_DIFFERS,
        Doubt.GIVEN_DIFFERS,
        Doubt.SEX_DIFFERS,
    }
    assert grade(other) is Grade.CERTAINLY_NOT


def test_a_doubt_is_found_again_by_the_code_that_is_stored():
    assert [Doubt.of(doubt.code) for doubt in Doubt] == list(Doubt)
    assert len({doubt.code for doubt in Doubt}) == len(Doubt)
    assert Doubt.of("source-untrusted") is Doubt.ISSUER_UNTRUSTED
