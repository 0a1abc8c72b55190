"""An id that two of our patients have, or had: it identifies neither, and staff are told why."""

import sqlite3
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError
from support.hospital import OUTSIDE, SECRET
from support.studies import OKAFOR, STRANGER

from fetch.model import Patient, PatientIdentity
from preview.matching import deciding, known, listing, rejudging
from preview.matching.records import CrossReferenceRow, FormerHolderRow, KnownRow, ToJudgeRow, Verdict
from preview.records import ContextRow

BEFORE = Patient(OKAFOR.identity, "KOWALSKI^Anna", date(1931, 2, 11), "F")
"""Who had the number a generation ago."""
TWIN = replace(OKAFOR, name="OKAFOR^Adaora")


def know(clinic, *patients: Patient) -> None:
    with clinic.parts.records.write() as session:
        known.note(session, patients, clinic.parts.now)


def doubts(clinic) -> list[list[str]]:
    return [row.doubts for row in clinic.waiting()]


def test_an_id_that_was_given_out_again_is_known_as_shared_and_certain_for_neither(clinic):
    know(clinic, BEFORE)
    clinic.hold(OKAFOR, clinic.archive)
    path = clinic.opened()
    assert SECRET not in clinic.client.page(path)
    assert doubts(clinic) == [["id-shared"]]
    (row,) = clinic.waiting()
    how = {"person": "Sam", "seen": listing.seen(row), "reason": "The old number was given out again"}
    deciding.decide(clinic.parts, row.key, Verdict.SAME, **how)
    assert SECRET in clinic.client.page(path)


def test_what_was_shown_under_an_id_vanishes_once_it_is_given_to_somebody_else(clinic):
    clinic.hold(OKAFOR, clinic.archive)
    path = clinic.opened()
    assert SECRET in clinic.client.page(path)
    know(clinic, BEFORE)
    assert SECRET not in clinic.client.page(path)


def test_both_in_one_file_are_both_remembered_and_loading_it_twice_keeps_each_once(clinic):
    for _ in range(2):
        know(clinic, BEFORE, OKAFOR)
    with clinic.parts.records.read() as session:
        former = {row.patient.name for row in session.scalars(select(FormerHolderRow))}
        (now,) = session.scalars(select(KnownRow))
    assert former == {"KOWALSKI^Anna", "OKAFOR^Adaeze"}
    assert now.patient == OKAFOR


@pytest.mark.parametrize(
    "corrected",
    [
        replace(OKAFOR, name="GREEN^Adaeze"),
        replace(OKAFOR, birth_date=date(1975, 7, 15)),
        replace(OKAFOR, name="OKAFOR^Ada"),
        replace(OKAFOR, name="", birth_date=None),
    ],
)
def test_a_marriage_or_a_correction_makes_no_second_holder(clinic, corrected):
    know(clinic, corrected, OKAFOR)
    clinic.hold(OKAFOR, clinic.archive)
    assert SECRET in clinic.client.page(clinic.opened())


def test_two_known_patients_whose_ids_are_one_but_for_zeros_are_certain_for_neither(clinic):
    know(clinic, replace(BEFORE, identity=PatientIdentity("0004471902", "HOSP")))
    clinic.hold(OKAFOR, clinic.archive)
    assert SECRET not in clinic.client.page(clinic.opened())
    assert doubts(clinic) == [["id-shared"]]


def test_what_was_certain_by_a_number_that_somebody_new_has_too_waits_for_staff_at_once(clinic):
    """Nobody has to open the first patient again before staff see it."""
    clinic.hold(OKAFOR, clinic.archive)
    path = clinic.opened()
    assert SECRET in clinic.client.page(path)
    know(clinic, replace(BEFORE, identity=PatientIdentity("0004471902", "HOSP")))
    rejudging.judge_waiting(clinic.parts)
    assert doubts(clinic) == [["id-shared"]]
    assert "1 study at" in clinic.client.page(path)


def test_who_has_the_number_of_another_issuer_is_not_judged_again(clinic):
    know(clinic, OKAFOR)
    know(clinic, replace(STRANGER, identity=PatientIdentity(OKAFOR.identity.patient_id, "RIVERSIDE")))
    with clinic.parts.records.read() as session:
        assert session.scalars(select(ToJudgeRow)).all() == []


def test_two_records_of_one_person_under_one_number_are_certain_for_neither_until_they_are_merged(clinic):
    know(clinic, replace(OKAFOR, identity=PatientIdentity("0004471902", "HOSP")))
    clinic.hold(OKAFOR, clinic.archive)
    assert SECRET not in clinic.client.page(clinic.opened())
    assert doubts(clinic) == [["several-qualify"]]


def test_an_order_that_was_brought_for_two_patients_is_certain_for_neither(clinic):
    clinic.hold(OUTSIDE, AccessionNumber="ORDER-4711")
    double = replace(OKAFOR, identity=PatientIdentity("5550001", "HOSP"))
    path, _ = clinic.opened(), clinic.opened(double)
    with clinic.parts.records.write() as session:
        session.execute(update(ContextRow).values(accession="ORDER-4711"))
    assert SECRET not in clinic.client.page(path)


def test_an_id_that_the_cross_reference_manager_gave_to_two_patients_is_certain_for_neither(clinic):
    clinic.hold()
    path = clinic.opened()
    double = replace(OKAFOR, identity=PatientIdentity("5550001", "HOSP"))
    know(clinic, double)
    ids = [[OUTSIDE.identity.issuer, OUTSIDE.identity.patient_id]]
    keep(clinic, OKAFOR.identity, ids)
    assert SECRET in clinic.client.page(path)
    keep(clinic, double.identity, ids)
    assert SECRET not in clinic.client.page(path)


def share(clinic) -> None:
    """Somebody else had the number before, and no patient is judged again for it."""
    with clinic.parts.records.write() as session:
        former = FormerHolderRow(print="x", number=OKAFOR.identity.patient_id, until=clinic.parts.now)
        former.patient = BEFORE
        session.add(former)


def test_a_page_puts_before_staff_once_what_it_withholds_and_they_do_not_know(clinic):
    clinic.hold(OKAFOR, clinic.archive)
    path = clinic.opened()
    share(clinic)
    for _ in range(2):
        assert SECRET not in clinic.client.page(path)
        with clinic.parts.records.read() as session:
            (waits,) = session.scalars(select(ToJudgeRow))
        assert waits.patient_id == OKAFOR.identity.patient_id
    rejudging.judge_waiting(clinic.parts)
    assert doubts(clinic) == [["id-shared"]]
    clinic.client.page(path)
    with clinic.parts.records.read() as session:
        assert session.scalars(select(ToJudgeRow)).all() == []


def test_a_page_from_before_the_record_was_corrected_does_not_have_the_patient_judged_for_ever(clinic):
    stale = replace(OKAFOR, birth_date=date(1975, 7, 15))
    clinic.hold(OKAFOR, clinic.archive)
    path = clinic.opened(stale)
    know(clinic, OKAFOR)
    for _ in range(2):
        rejudging.judge_waiting(clinic.parts)
        clinic.client.page(path)
        with clinic.parts.records.read() as session:
            assert session.scalars(select(ToJudgeRow)).all() == []


def test_a_page_is_shown_also_while_nothing_can_be_written(clinic, monkeypatch):
    clinic.hold(OKAFOR, clinic.archive)
    path = clinic.opened()
    share(clinic)

    def full(*_args):
        raise OperationalError("", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr(known, "judge_again", full)
    assert SECRET not in clinic.client.page(path)


def test_of_many_issuers_that_number_alike_only_the_same_one_is_judged_again(clinic):
    for issuer in ("HOSP", "HOSP&1.2.3&ISO", "OTHER", "HOSPICE"):
        know(clinic, replace(OKAFOR, identity=PatientIdentity("4471902", issuer)))
    rejudging.judge_waiting(clinic.parts)
    with clinic.parts.records.write() as session:
        session.execute(delete(ToJudgeRow))
    know(clinic, replace(OKAFOR, identity=PatientIdentity("0004471902", "HOSP")))
    with clinic.parts.records.read() as session:
        again = {(row.issuer, row.patient_id) for row in session.scalars(select(ToJudgeRow))}
    assert again == {("HOSP", "4471902"), ("HOSP&1.2.3&ISO", "4471902")}


def keep(clinic, identity: PatientIdentity, ids: list[list[str]]) -> None:
    with clinic.parts.records.write() as session:
        row = CrossReferenceRow(issuer=identity.issuer, patient_id=identity.patient_id, known=True, ids=ids)
        row.answered_at = clinic.parts.now + timedelta(hours=1)
        session.merge(row)


def test_a_name_that_another_patient_of_ours_has_is_no_slip_of_the_pen(clinic):
    """Of twins each has a name of her own, however near the two are."""
    slip = replace(OKAFOR, name="OKAFOR^Adaese")
    clinic.hold(slip, clinic.archive)
    path = clinic.opened()
    assert SECRET in clinic.client.page(path)
    know(clinic, replace(STRANGER, name="STRANGER^Adaese"))
    assert SECRET not in clinic.client.page(path)
    rejudging.judge_waiting(clinic.parts)
    assert doubts(clinic) == [["given-similar"]]
