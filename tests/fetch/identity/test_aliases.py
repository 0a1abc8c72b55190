"""Other ids, the name at birth and short forms of given names: evidence for staff, never proof by itself."""

from dataclasses import replace
from datetime import date

import pytest
from pydicom import Dataset

from fetch.identity import Agreement, Context, Field, Grade, Remark, judge, rank
from fetch.model import Aliases, Patient, PatientIdentity
from fetch.sources import identifiers, reading

HERE = Context(frozenset({"HOSP", "RIVERSIDE"}), today=date(2026, 11, 25))
BELL = Patient(PatientIdentity("4471902", "HOSP"), "BELL^Adaeze", date(1975, 7, 14), "F")
AT_BIRTH = Aliases(names=("OKAFOR",))
THERE = PatientIdentity("RR-20931", "RIVERSIDE")


def says(field: Field, asked: Patient, found: Patient) -> Agreement:
    return next(one.agreement for one in judge(asked, found, HERE).fields if one.field is field)


def test_a_name_at_birth_on_either_side_makes_a_married_name_probable_and_never_certain():
    before = replace(BELL, identity=THERE, name="OKAFOR^Adaeze")
    assert judge(BELL, before, HERE).grade is Grade.POSSIBLE
    for asked, found in (
        (replace(BELL, aliases=AT_BIRTH), before),
        (BELL, replace(before, aliases=Aliases(names=("BELL^Adaeze",)))),
    ):
        judged = judge(asked, found, HERE)
        assert (judged.grade, Remark.OTHER_NAME in judged.remarks) == (Grade.PROBABLE, True)
        assert says(Field.FAMILY, asked, found) is Agreement.SIMILAR


def test_a_name_at_birth_beside_the_same_trusted_id_is_one_person():
    assert judge(replace(BELL, aliases=AT_BIRTH), replace(BELL, name="OKAFOR^Adaeze"), HERE).certain
    sister = replace(BELL, name="OKAFOR^Adaora")
    assert not judge(replace(BELL, aliases=AT_BIRTH), sister, HERE).certain


@pytest.mark.parametrize("swapped", [False, True])
def test_the_id_among_the_others_of_either_side_is_evidence_and_no_proof(swapped):
    found = replace(BELL, identity=THERE, aliases=Aliases(ids=(BELL.identity,)))
    asked, found = (found, BELL) if swapped else (BELL, found)
    judged = judge(asked, found, HERE)
    assert (judged.grade, Remark.OTHER_ID in judged.remarks) == (Grade.PROBABLE, True)


def test_two_ids_of_one_issuer_of_which_one_is_said_to_be_the_others_are_probable():
    prior = replace(BELL, identity=PatientIdentity("77", "HOSP"))
    assert judge(BELL, prior, HERE).grade is Grade.POSSIBLE
    assert judge(BELL, replace(prior, aliases=Aliases(ids=(BELL.identity,))), HERE).grade is Grade.PROBABLE


@pytest.mark.parametrize("number", ["0", "UNKNOWN", "*"])
def test_a_placeholder_among_the_other_ids_is_nobodys(number):
    nobody = PatientIdentity(number, "HOSP")
    found = replace(BELL, identity=THERE, aliases=Aliases(ids=(nobody,)))
    assert Remark.OTHER_ID not in judge(replace(BELL, identity=nobody), found, HERE).remarks


def test_somebody_of_whom_an_other_id_is_ours_is_never_certainly_somebody_else():
    stranger = Patient(THERE, "KOWALSKI^Anna", date(1931, 2, 11), "F")
    assert judge(BELL, stranger, HERE).grade is Grade.CERTAINLY_NOT
    assert judge(BELL, replace(stranger, aliases=Aliases(ids=(BELL.identity,))), HERE).grade is Grade.POSSIBLE


@pytest.mark.parametrize(("one", "other"), [("Elizabeth", "Liz"), ("Bob", "Robert"), ("Johann", "Hans")])
def test_a_short_form_of_the_given_name_raises_the_rank_and_is_never_certain(one, other):
    ours, theirs = (replace(BELL, name=f"BELL^{given}") for given in (one, other))
    assert says(Field.GIVEN, ours, theirs) is Agreement.SIMILAR
    assert judge(ours, theirs, HERE).grade is Grade.PROBABLE
    stranger = replace(ours, name="BELL^Gertrude")
    ranked = rank(replace(theirs, identity=THERE), [stranger, ours], HERE)
    assert ranked[0].patient is ours


def test_other_ids_and_names_are_asked_for_and_read_however_they_are_written():
    asked = identifiers.of_study(PatientID="1")
    assert {"OtherPatientIDs", "PatientBirthName"} <= {e.keyword for e in asked}
    ds, item = Dataset(), Dataset()
    item.PatientID, item.IssuerOfPatientID = "77", "OLD"
    ds.OtherPatientIDsSequence = [item]
    ds.OtherPatientIDs = ["88", ""]
    ds.PatientBirthName = "OKAFOR"
    said = reading.patient(ds, issuer="HOSP").aliases
    assert said.ids == (PatientIdentity("77", "OLD"), PatientIdentity("88", "HOSP"))
    assert said.names == ("OKAFOR",)
    assert reading.patient(Dataset()).aliases == Aliases()


def test_who_leaves_them_out_describes_the_same_person():
    assert replace(BELL, aliases=AT_BIRTH) == BELL
