"""Whose is an image by its own header, and do several sources describe one study's patient alike?"""

from dataclasses import replace
from datetime import date

import pytest
from support.studies import OKAFOR

from fetch.identity import disagree, same_nobody, same_person
from fetch.model import Patient, PatientIdentity, Study


def called(name: str, patient: Patient = OKAFOR) -> Patient:
    return replace(patient, name=name)


def numbered(patient_id: str, issuer: str = "HOSP") -> Patient:
    return replace(OKAFOR, identity=PatientIdentity(patient_id, issuer))


# same_person: the header of a received image


def test_an_image_with_the_same_id_name_and_birth_date_is_the_patients():
    assert same_person(OKAFOR, OKAFOR)


def test_what_the_header_of_an_image_leaves_out_does_not_contradict():
    assert same_person(OKAFOR, Patient(PatientIdentity("4471902", "")))


@pytest.mark.parametrize(
    "image",
    [
        replace(OKAFOR, name="okafor^ADAEZE"),
        replace(OKAFOR, name="Ókafor^Adaèze"),
        replace(OKAFOR, name="OKAFOR ^ Adaeze ^^^"),
        replace(OKAFOR, name="OKAFOR"),
        replace(OKAFOR, name="OKAFOR^A"),
        replace(OKAFOR, name="OKAFOR ADAEZE"),
        replace(OKAFOR, name="ADAEZE^OKAFOR"),
        replace(OKAFOR, name=""),
        replace(OKAFOR, sex=""),
        replace(OKAFOR, sex="O"),
        replace(OKAFOR, birth_date=None, birth_date_text="1975"),
        numbered(" 4471902"),
        numbered("04471902"),
        numbered("4471902", "HOSP&1.2.3&ISO"),
        numbered("4471902", ""),
    ],
)
def test_what_an_image_writes_otherwise_without_meaning_something_else_does_not_contradict(image):
    assert same_person(OKAFOR, image)


@pytest.mark.parametrize(
    "image",
    [
        numbered("9990001"),
        numbered("0"),
        called("OKAFO^Adaeze"),
        called("OKAFOR^Zoltan"),
        called("ADAEZE^OKAFO"),
        called("STRANGER?^Adaeze"),
        replace(OKAFOR, sex="M"),
        replace(OKAFOR, birth_date=date(1975, 7, 15)),
        numbered(""),
        numbered("4471902 x"),
        numbered("4471902", "RIVERSIDE"),
        called("STRANGER^Sam"),
        replace(OKAFOR, birth_date=date(1931, 1, 31)),
    ],
)
def test_an_image_that_contradicts_in_anything_or_has_no_id_is_somebody_elses(image):
    assert not same_person(OKAFOR, image)


@pytest.mark.parametrize(
    "written", ["M\ufffdller^ANNA", "M?ller^ANNA", "MÃ¼ller^ANNA", "MUELLER^ANNA", "muller^anna"]
)
def test_a_letter_that_was_lost_on_the_way_does_not_contradict(written):
    assert same_person(called("Müller^Anna"), called(written))


def test_suffix_and_middle_name_contradict_where_both_sides_have_one():
    assert not same_person(called("OKAFOR^Adaeze^^^SR"), called("OKAFOR^Adaeze^^^JR"))
    assert not same_person(called("OKAFOR^Adaeze^Bo"), called("OKAFOR^Adaeze^Chi"))
    assert same_person(called("OKAFOR^Adaeze^Bo^^SR"), called("OKAFOR^Adaeze"))


def test_two_sides_without_an_id_are_never_proof_of_one_person():
    assert not same_person(numbered(""), numbered(""))
    assert not same_person(numbered(""), OKAFOR)


def test_an_image_without_an_id_fits_a_study_without_one_if_nothing_else_contradicts():
    nobody = numbered("")
    assert same_nobody(nobody, nobody)
    assert same_nobody(nobody, Patient(PatientIdentity("", "")))
    assert not same_nobody(nobody, called("STRANGER^Sam", nobody))
    assert not same_nobody(nobody, replace(nobody, birth_date=date(1931, 1, 31)))
    assert not same_nobody(nobody, numbered("", "RIVERSIDE"))


def test_an_id_on_either_side_is_somebodys():
    assert not same_nobody(OKAFOR, OKAFOR)
    assert not same_nobody(numbered(""), OKAFOR)
    assert not same_nobody(OKAFOR, numbered(""))


# disagree: one study UID at several sources


def seen(patient: Patient, source: str = "main") -> Study:
    return Study(source, "1.2.3", patient)


def test_one_source_alone_cannot_disagree():
    assert not disagree([seen(OKAFOR)])
    assert not disagree([])


def test_sources_with_ids_of_their_own_agree_if_the_person_is_the_same():
    assert not disagree([seen(OKAFOR), seen(numbered("RR-20931", "RIVERSIDE"), "outside")])


@pytest.mark.parametrize("other", [called("STRANGER^Sam"), replace(OKAFOR, birth_date=date(1957, 7, 14))])
def test_sources_that_name_different_people_disagree_in_any_order(other):
    assert disagree([seen(OKAFOR), seen(other, "outside")])
    assert disagree([seen(other), seen(OKAFOR, "outside")])
    assert disagree([seen(OKAFOR), seen(OKAFOR, "second"), seen(other, "third")])


@pytest.mark.parametrize("other", [called(""), replace(OKAFOR, birth_date=None), numbered("")])
def test_what_a_source_leaves_out_of_the_patient_contradicts_nobody(other):
    assert not disagree([seen(OKAFOR), seen(other, "outside")])
    assert not disagree([seen(other), seen(OKAFOR, "outside")])
    assert not disagree([seen(other), seen(other, "outside")])


@pytest.mark.parametrize("other", [called("STRANGER^Sam"), replace(OKAFOR, birth_date=date(1957, 7, 14))])
def test_a_source_that_leaves_everything_out_does_not_hide_that_two_others_disagree(other):
    nobody = Patient(PatientIdentity("", ""))
    assert disagree([seen(nobody), seen(OKAFOR, "second"), seen(other, "third")])


def test_two_ids_under_one_issuer_disagree_even_if_name_and_birth_date_agree():
    assert disagree([seen(OKAFOR), seen(numbered("9990001"), "outside")])
    assert disagree([seen(numbered("RR-1", "RIVERSIDE")), seen(OKAFOR), seen(numbered("9990001"), "third")])


def test_two_ids_of_which_nobody_knows_the_issuer_do_not_disagree():
    assert not disagree([seen(numbered("1", "")), seen(numbered("2", ""), "outside")])
