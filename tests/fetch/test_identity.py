"""Whose study is it? Every doubt by a case of its own."""

from dataclasses import replace
from datetime import date

import pytest
from support.studies import OKAFOR

from fetch.identity import Doubt, disagree, judge, same_nobody, same_person
from fetch.model import Patient, PatientIdentity, Source, Study

SOURCE = Source("main", "Main archive", "127.0.0.1", 104, "MAIN", "HOSP", trusted=True)
UNTRUSTED = replace(SOURCE, trusted=False)
BORN = OKAFOR.birth_date


def called(name: str, patient: Patient = OKAFOR) -> Patient:
    return replace(patient, name=name)


def numbered(patient_id: str, issuer: str = "HOSP") -> Patient:
    return replace(OKAFOR, identity=PatientIdentity(patient_id, issuer))


def doubts(found: Patient, asked: Patient = OKAFOR, source: Source = SOURCE) -> set[Doubt]:
    judgement = judge(asked, found, source)
    assert judgement.certain is not bool(judgement.doubts)
    return set(judgement.doubts)


# judge


def test_a_study_is_certain_if_id_issuer_birth_date_and_family_name_agree_at_a_trusted_source():
    assert judge(OKAFOR, OKAFOR, SOURCE).certain


def test_given_name_and_sex_do_not_decide():
    assert doubts(replace(OKAFOR, name="OKAFOR^Ada", sex="O")) == set()
    assert doubts(called("OKAFOR")) == set()


@pytest.mark.parametrize("written", ["447190", "44719021", "04471902", "4471902 ", "4471902a", ""])
def test_an_id_that_is_written_differently_is_a_doubt(written):
    assert doubts(numbered(written)) == {Doubt.ID_DIFFERS}


def test_two_sides_without_an_id_are_not_the_same_patient():
    assert doubts(numbered(""), asked=numbered("")) == {Doubt.ID_DIFFERS}


def test_the_case_of_an_id_is_part_of_it():
    assert doubts(numbered("PERF1"), asked=numbered("perf1")) == {Doubt.ID_DIFFERS}


@pytest.mark.parametrize("issuer", ["RIVERSIDE", "hosp", ""])
def test_the_same_id_under_another_issuer_is_never_certain(issuer):
    assert doubts(numbered("4471902", issuer)) == {Doubt.ISSUER_DIFFERS}


def test_an_untrusted_source_is_a_doubt_even_if_everything_agrees():
    assert doubts(OKAFOR, source=UNTRUSTED) == {Doubt.SOURCE_UNTRUSTED}


def test_a_birth_date_that_is_missing_on_either_side_is_a_doubt():
    unborn = replace(OKAFOR, birth_date=None)
    assert doubts(unborn) == {Doubt.BIRTH_DATE_MISSING}
    assert doubts(OKAFOR, asked=unborn) == {Doubt.BIRTH_DATE_MISSING}
    assert doubts(unborn, asked=unborn) == {Doubt.BIRTH_DATE_MISSING}


def test_an_unreadable_birth_date_is_a_missing_one_even_if_both_sides_write_the_same():
    odd = replace(OKAFOR, birth_date=None, birth_date_text="1975")
    assert doubts(odd, asked=odd) == {Doubt.BIRTH_DATE_MISSING}


@pytest.mark.parametrize("born", [date(1957, 7, 14), date(1975, 7, 15), date(1975, 4, 17)])
def test_another_birth_date_is_a_doubt(born):
    assert doubts(replace(OKAFOR, birth_date=born)) == {Doubt.BIRTH_DATE_DIFFERS}


@pytest.mark.parametrize("name", ["", "^Adaeze", "  ^Adaeze", "=オカフォー^アダエゼ"])
def test_a_family_name_that_is_missing_on_either_side_is_a_doubt(name):
    assert doubts(called(name)) == {Doubt.NAME_MISSING}
    assert doubts(OKAFOR, asked=called(name)) == {Doubt.NAME_MISSING}
    assert doubts(called(name), asked=called(name)) == {Doubt.NAME_MISSING}


@pytest.mark.parametrize("name", ["STRANGER^Adaeze", "OKAFO^Adaeze", "OKAFOR-SMITH^Adaeze", "Adaeze^OKAFOR"])
def test_another_family_name_is_a_doubt(name):
    assert doubts(called(name)) == {Doubt.NAME_DIFFERS}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("OKAFOR^Adaeze", "okafor^adaeze"),
        ("OKAFOR^Adaeze", " OKAFOR ^Adaeze"),
        ("SJÖGREN", "Sjo\u0308gren"),
        ("Sjo\u0308gren", "SJÖGREN"),
        ("STRASSER", "Straßer"),
        ("NAKAMURA^Hanako", "Nakamura^Hanako=中村^花子=なかむら^はなこ"),
    ],
)
def test_case_and_composition_do_not_make_another_name(ours, theirs):
    assert doubts(called(theirs), asked=called(ours)) == set()


@pytest.mark.parametrize(("ours", "theirs"), [("SJÖGREN", "SJOGREN"), ("MÜLLER", "MUELLER"), ("ÅKE", "ÄKE")])
def test_another_accent_makes_another_name(ours, theirs):
    assert doubts(called(theirs), asked=called(ours)) == {Doubt.NAME_DIFFERS}


def test_every_doubt_is_named_not_only_the_first():
    other = Patient(PatientIdentity("9", "RIVERSIDE"), "STRANGER^Sam", date(1931, 1, 31))
    assert doubts(other, source=UNTRUSTED) == {
        Doubt.ID_DIFFERS,
        Doubt.ISSUER_DIFFERS,
        Doubt.SOURCE_UNTRUSTED,
        Doubt.BIRTH_DATE_DIFFERS,
        Doubt.NAME_DIFFERS,
    }


def test_a_doubt_is_found_again_by_the_code_that_is_stored():
    assert [Doubt.of(doubt.code) for doubt in Doubt] == list(Doubt)
    assert len({doubt.code for doubt in Doubt}) == len(Doubt)


# same_person: the header of a received image


def test_an_image_with_the_same_id_name_and_birth_date_is_the_patients():
    assert same_person(OKAFOR, OKAFOR)


def test_what_the_header_of_an_image_leaves_out_does_not_contradict():
    assert same_person(OKAFOR, Patient(PatientIdentity("4471902", "")))


@pytest.mark.parametrize(
    "image",
    [
        numbered("9990001"),
        numbered(""),
        numbered("4471902 x"),
        numbered("4471902", "RIVERSIDE"),
        called("STRANGER^Sam"),
        replace(OKAFOR, birth_date=date(1931, 1, 31)),
    ],
)
def test_an_image_that_contradicts_in_anything_or_has_no_id_is_somebody_elses(image):
    assert not same_person(OKAFOR, image)


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
