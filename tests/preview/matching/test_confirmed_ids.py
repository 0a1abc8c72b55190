"""Under an id that staff have confirmed by one study there are others: what each of them is said to be."""

import re
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import update
from support.desk import Desk
from support.hospital import OUTSIDE, SECRET
from support.inspecting import text_of
from support.studies import OKAFOR

from fetch.identity import Doubt
from fetch.model import PatientIdentity
from preview.matching import deciding, listing, merging, rejudging
from preview.matching.records import Verdict
from preview.records import ContextRow

SAME = "Same person"
LAPSED, CONTRADICTED = Doubt.LINK_LAPSED, Doubt.LINK_CONTRADICTED
ANOTHER = replace(OUTSIDE, birth_date=date(1957, 7, 14))
HISTORY = "staff had confirmed"
MAY_BELONG = "1 study at Outside archive may belong to this patient. Staff are checking."


@pytest.fixture
def sam(clinic):
    return Desk(clinic)


@pytest.fixture
def confirmed(clinic, sam):
    """The page of the patient, one of whose studies staff have confirmed."""
    clinic.hold(study_uid="1.2.77")
    path = clinic.opened()
    sam.decides(SAME)
    return path


def of_study(clinic, description: str, *, settled: bool = False):
    rows = clinic.waiting(settled=settled)
    return next(row for row in rows if row.described.description == description)


def test_a_study_that_nobody_has_confirmed_is_never_said_to_have_been(clinic, sam, confirmed):
    clinic.hold(ANOTHER, StudyDescription="Another")
    clinic.again(confirmed)
    said = text_of(clinic.client.page(confirmed))
    assert SECRET in said
    assert MAY_BELONG in said
    assert HISTORY not in said
    (row,) = clinic.waiting()
    assert {CONTRADICTED.code, "birth-date-similar"} <= set(row.doubts)
    assert LAPSED.code not in row.doubts
    assert row.urgency == 2
    for html in (sam.client.page(sam.list), sam.page(row), sam.confirming(SAME, sam.page(row))):
        assert CONTRADICTED.sentence in text_of(html)
        assert LAPSED.sentence not in text_of(html)
    assert 'id="before"' not in sam.page(row)


def test_the_study_that_was_confirmed_is_said_to_have_changed_since(clinic, sam, confirmed):
    clinic.outside.remove("1.2.77")
    clinic.hold(ANOTHER, study_uid="1.2.77")
    clinic.again(confirmed)
    said = text_of(clinic.client.page(confirmed))
    assert f"1 of these {HISTORY}" in said
    (row,) = clinic.waiting()
    assert LAPSED.code in row.doubts
    assert CONTRADICTED.code not in row.doubts
    assert LAPSED.sentence in text_of(sam.page())


def test_when_the_record_changes_that_is_said_of_every_study_which_agreed_before(clinic, confirmed):
    clinic.hold(day="20261102")
    clinic.hold(ANOTHER, StudyDescription="Another")
    clinic.again(confirmed)
    clinic.client.get(clinic.site.launch(replace(OKAFOR, birth_date=date(1931, 1, 31))))
    rejudging.keep_up(clinic.parts)
    told = {row.described.description: set() for row in clinic.waiting()}
    for row in clinic.waiting():
        told[row.described.description] |= {LAPSED.code, CONTRADICTED.code} & set(row.doubts)
    assert told == {SECRET: {LAPSED.code}, "Another": {CONTRADICTED.code}}
    assert f"2 of these {HISTORY}" in text_of(clinic.client.page(confirmed))


def test_another_study_may_be_confirmed_too_and_then_both_are_shown(clinic, sam, confirmed):
    clinic.hold(ANOTHER, StudyDescription="Another")
    clinic.again(confirmed)
    (row,) = clinic.waiting()
    sam.decides(SAME, "The year was mistyped there.", sam.page(row))
    said = text_of(clinic.client.page(confirmed))
    assert SECRET in said
    assert "Another" in said
    assert "may belong" not in said


def test_before_an_id_is_confirmed_no_more_is_promised_than_happens(clinic, sam):
    for number, patient in enumerate((OUTSIDE, OUTSIDE, ANOTHER)):
        clinic.hold(patient, StudyDescription=f"Study {number}")
    path = clinic.opened()
    html = sam.confirming(SAME, sam.page(of_study(clinic, "Study 0")))
    promised = text_of(re.search(r'<p id="effect">.*?</p>', html, re.DOTALL)[0])
    assert "every other one under this id whose name, birth date and sex agree, then appears" in promised
    assert "at an archive" not in promised
    sam.client.press(html, f"Confirm: {SAME}")
    said = text_of(clinic.client.page(path))
    assert [f"Study {number}" in said for number in range(3)] == [True, True, False]


# --- off the list by what was decided of another


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (SAME, "by another decision of staff it is this patient's."),
        ("Another person", "by another decision of staff it is not this patient's."),
        ("Not a patient", "by another decision of staff it is not this patient's."),
    ],
)
def test_what_a_decision_on_another_study_settled_is_not_said_to_be_certain_by_itself(
    clinic, sam, verdict, told
):
    for number in range(2):
        clinic.hold(StudyDescription=f"Study {number}")
    path = clinic.opened()
    sam.decides(verdict, html=sam.page(of_study(clinic, "Study 0")))
    said = text_of(clinic.client.page(path))
    assert ("Study 1" in said) is (verdict == SAME)
    said = text_of(sam.page(of_study(clinic, "Study 1", settled=True)))
    assert f"It is off the list: {told}" in said
    assert "nobody had to decide" not in said


def test_what_is_certain_by_itself_is_said_to_be(clinic, sam):
    clinic.hold(AccessionNumber="ORDER-4711")
    path = clinic.opened()
    with clinic.parts.records.write() as session:
        session.execute(update(ContextRow).values(accession="ORDER-4711"))
    clinic.again(path)
    assert "certainly this patient's, and nobody had to decide." in text_of(sam.page())


# --- two that each took a decision of their own

YEAR_OFF = replace(OUTSIDE, birth_date=date(1957, 7, 14))
MISREAD = replace(OUTSIDE, birth_date=date(1975, 4, 7))
TWO = {"Year": YEAR_OFF, "Misread": MISREAD}


@pytest.fixture
def both(clinic, sam, confirmed):
    """The page of the patient, of whom staff have confirmed two more that each say another birth date."""
    for description, patient in TWO.items():
        clinic.hold(patient, StudyDescription=description)
    clinic.again(confirmed)
    for description in TWO:
        sam.decides(SAME, "Mistyped there.", sam.page(of_study(clinic, description)))
    return confirmed


def undo(clinic, row) -> None:
    deciding.undo(clinic.parts, row.key, person="Sam", seen=listing.seen(row))


def shown(clinic, path: str) -> list[str]:
    said = text_of(clinic.client.page(path))
    return [description for description in (SECRET, *TWO) if description in said]


def test_two_that_contradict_the_record_each_in_its_way_stay_confirmed_side_by_side(clinic, both):
    for _ in range(2):
        assert shown(clinic, both) == [SECRET, *TWO]
        assert clinic.waiting() == []
        assert clinic.live_links() == 1
        clinic.again(both)


@pytest.mark.parametrize(("undone", "left"), [("Year", "Misread"), ("Misread", "Year")])
def test_taking_back_one_of_the_two_leaves_the_other_confirmed(clinic, both, undone, left):
    undo(clinic, of_study(clinic, undone, settled=True))
    assert shown(clinic, both) == [SECRET, left]
    assert [row.described.description for row in clinic.waiting()] == [undone]
    undo(clinic, of_study(clinic, left, settled=True))
    assert shown(clinic, both) == [SECRET]
    assert clinic.live_links() == 1


def test_once_everything_is_taken_back_nothing_is_confirmed(clinic, both):
    for description in ("Year", SECRET, "Misread"):
        undo(clinic, of_study(clinic, description, settled=True))
    assert shown(clinic, both) == []
    assert clinic.live_links() == 0
    assert len(clinic.waiting()) == 3


def test_another_person_said_of_one_that_contradicts_takes_nothing_back_of_the_others(clinic, both):
    clinic.hold(replace(OUTSIDE, birth_date=date(1970, 1, 2)), StudyDescription="Third")
    clinic.again(both)
    row = of_study(clinic, "Third")
    how = {"person": "Sam", "seen": listing.seen(row), "reason": "Born in another year"}
    deciding.decide(clinic.parts, row.key, Verdict.OTHER, **how)
    assert shown(clinic, both) == [SECRET, *TWO]
    undo(clinic, of_study(clinic, "Third", settled=True))
    assert shown(clinic, both) == [SECRET, *TWO]
    assert [row.described.description for row in clinic.waiting()] == ["Third"]


def test_to_confirm_one_study_again_leaves_nothing_behind_that_its_undo_would_not_end(clinic, sam, confirmed):
    clinic.opened(replace(OKAFOR, birth_date=date(1990, 1, 2)))  # the record is wrong for a while
    rejudging.keep_up(clinic.parts)
    sam.decides(SAME, "It is hers all the same")
    clinic.opened(OKAFOR)
    rejudging.keep_up(clinic.parts)
    undo(clinic, clinic.row())
    assert clinic.live_links() == 0
    assert shown(clinic, confirmed) == []
    assert len(clinic.waiting()) == 1


OLD = replace(OKAFOR, identity=PatientIdentity("OLD1", OKAFOR.identity.issuer))


def test_after_two_patients_are_no_longer_one_each_keeps_what_was_confirmed_of_them(clinic, sam):
    old = clinic.opened(OLD)
    with clinic.parts.records.write() as session:
        merging.merge(session, OLD.identity, OKAFOR.identity, "Sam", clinic.parts.now)
    clinic.hold(study_uid="1.2.77")
    path = clinic.opened()
    row = next(row for row in clinic.waiting() if row.patient.identity == OKAFOR.identity)
    sam.decides(SAME, "", sam.page(row))
    clinic.hold(YEAR_OFF, StudyDescription="Year")
    clinic.again(path)
    row = of_study(clinic, "Year")
    how = {"person": "Sam", "seen": listing.seen(row), "reason": "Mistyped", "patient": OLD.identity}
    deciding.decide(clinic.parts, row.key, Verdict.SAME, **how)
    with clinic.parts.records.write() as session:
        merging.unmerge(session, OLD.identity, "Sam", clinic.parts.now)
    rejudging.keep_up(clinic.parts)
    for page in (path, old):
        clinic.again(page)
    assert shown(clinic, path) == [SECRET]
    assert shown(clinic, old) == ["Year"]
