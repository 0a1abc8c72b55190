"""Staff decide whose a study is: at once, everywhere, with a history, and never twice by mistake."""

import re
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from support.hospital import OUTSIDE, SECRET
from support.inspecting import polled_address, text_of
from support.studies import OKAFOR, STRANGER

from fetch.model import PatientIdentity
from preview.matching import deciding, known, listing, rejudging, unmatched
from preview.matching.deciding import Refused
from preview.matching.records import Verdict


def decide(clinic, verdict, row=None, *, person="Sam", seen="", **how):
    row = row or clinic.row()
    return deciding.decide(
        clinic.parts, row.key, verdict, person=person, seen=seen or listing.seen(row), **how
    )


def refusal(clinic, verdict, **how) -> str:
    with pytest.raises(Refused) as refused:
        decide(clinic, verdict, **how)
    return refused.value.why


def test_a_study_of_another_provider_waits_until_staff_say_whose_it_is(clinic):
    clinic.hold()
    path = clinic.opened()
    said = text_of(clinic.client.page(path))
    assert SECRET not in said
    assert "1 study at Outside archive may belong to this patient. Staff are checking." in said
    assert clinic.row().grade == "probable"
    decide(clinic, Verdict.SAME)
    assert SECRET in clinic.client.page(path)
    assert clinic.waiting() == []
    (decision,) = clinic.decisions()
    assert (decision.verdict, decision.person, decision.rules) == (Verdict.SAME, "Sam", clinic.row().rules)
    assert (decision.asked["name"], decision.found["id"]) == (OKAFOR.name, "RR-20931")


def test_in_a_tab_that_is_open_already_it_appears_and_vanishes_with_the_next_poll_pictures_too(clinic):
    clinic.hold()
    path = clinic.opened()
    tab = polled_address(clinic.client.page(path))
    assert clinic.client.get(tab).status_code == 204
    decide(clinic, Verdict.SAME)
    panel = clinic.client.get(tab).text
    assert SECRET in panel
    clinic.client.press(clinic.client.page(path), "Fetch")
    clinic.site.fetch_all()
    html = clinic.client.page(path)
    (picture,) = re.findall(r'<img src="([^"]+)"', html)
    etag = clinic.client.get(picture).headers["ETag"]
    study_page = re.search(r'href="(/patients/\w+/studies/\w+)"', html)[1]
    study_tab = polled_address(clinic.client.page(study_page))
    row = clinic.row()
    deciding.undo(clinic.parts, row.key, person="Sam", seen=listing.seen(row))
    assert clinic.client.get(picture, headers={"If-None-Match": etag}).status_code == 404
    panel = clinic.client.get(polled_address(html)).text
    assert SECRET not in panel
    assert picture not in panel
    assert clinic.client.get(study_tab, headers={"HX-Request": "true"}).status_code == 404
    assert clinic.client.get(study_page).status_code == 404


def test_what_was_said_to_be_somebody_else_does_not_come_back_however_often_it_is_asked_for(clinic):
    clinic.hold()
    path = clinic.opened()
    decide(clinic, Verdict.OTHER)
    for _ in range(2):
        clinic.again(path)
    assert clinic.waiting() == []
    said = text_of(clinic.client.page(path))
    assert "may belong" not in said
    assert SECRET not in said


def test_whoever_cannot_tell_hands_it_on_and_it_goes_on_waiting(clinic):
    clinic.hold()
    path = clinic.opened()
    row = clinic.row()
    deciding.assign(clinic.parts, row.key, owner="Sam", seen=listing.seen(row))
    decide(clinic, Verdict.UNSURE)
    (row,) = clinic.waiting()
    assert (row.unsure, row.owner) == (True, "")
    assert SECRET not in clinic.client.page(path)


def test_what_is_no_patient_is_nobodys_for_whomever_it_is_found(clinic):
    clinic.hold()
    path = clinic.opened()
    decide(clinic, Verdict.NOBODY)
    namesake = replace(OKAFOR, identity=PatientIdentity("5550001", "HOSP"))
    his = clinic.opened(namesake)
    assert clinic.waiting() == []
    for page in (path, his):
        assert "may belong" not in text_of(clinic.client.page(page))


def test_one_decision_settles_every_study_under_the_same_id(clinic):
    for day in ("20261101", "20261102", "20261103"):
        clinic.hold(day=day)
    path = clinic.opened()
    assert len(clinic.waiting()) == 3
    decide(clinic, Verdict.SAME, clinic.waiting()[0])
    assert clinic.waiting() == []
    assert clinic.client.page(path).count(f"{SECRET}\n") == 3
    assert clinic.verdicts() == [Verdict.SAME, Verdict.AUTO, Verdict.AUTO]


def test_undo_puts_all_of_them_back_and_keeps_the_history(clinic):
    for day in ("20261101", "20261102"):
        clinic.hold(day=day)
    clinic.opened()
    first = clinic.waiting()[0]
    decide(clinic, Verdict.SAME, first)
    row = next(row for row in clinic.waiting(settled=True) if row.key == first.key)
    deciding.undo(clinic.parts, row.key, person="Kim", seen=listing.seen(row), reason="The wrong one")
    assert len(clinic.waiting()) == 2
    assert clinic.live_links() == 0
    with clinic.parts.records.read() as session:
        told = deciding.history(session, listing.one(session, first.key))
    assert [(one.verdict, one.person) for one in told] == [(Verdict.SAME, "Sam"), (Verdict.UNDO, "Kim")]
    assert told[1].refers == told[0].id
    assert told[1].reason == "The wrong one"


def test_nothing_that_nobody_decided_can_be_taken_back(clinic):
    clinic.hold()
    clinic.opened()
    row = clinic.row()
    with pytest.raises(Refused, match="nothing-to-undo"):
        deciding.undo(clinic.parts, row.key, person="Sam", seen=listing.seen(row))


# --- conflicts, and people who are faster


def test_against_a_conflict_a_reason_is_required(clinic):
    clinic.hold(replace(OUTSIDE, sex="M"))
    path = clinic.opened()
    assert refusal(clinic, Verdict.SAME) == "needs-reason"
    assert refusal(clinic, Verdict.SAME, reason="  ") == "needs-reason"
    assert clinic.decisions() == []
    decide(clinic, Verdict.SAME, reason="She says so herself")
    assert SECRET in clinic.client.page(path)
    assert clinic.decisions()[0].reason == "She says so herself"


def test_the_second_of_two_staff_is_told(clinic):
    clinic.hold()
    clinic.opened()
    seen = listing.seen(clinic.row())
    decide(clinic, Verdict.SAME, seen=seen)
    assert refusal(clinic, Verdict.OTHER, seen=seen, person="Kim") == "outdated"
    assert clinic.verdicts() == [Verdict.SAME]


def test_nobody_decides_about_what_has_changed_since_they_looked(clinic):
    clinic.hold(study_uid="1.2.77")
    path = clinic.opened()
    seen = listing.seen(clinic.row())
    clinic.outside.remove("1.2.77")
    clinic.hold(replace(OUTSIDE, name="OKAFOR^Ada"), study_uid="1.2.77")
    clinic.again(path)
    assert refusal(clinic, Verdict.SAME, seen=seen) == "outdated"


def test_a_row_that_never_was_is_refused(clinic):
    with pytest.raises(Refused, match="gone"):
        deciding.decide(clinic.parts, "f" * 32, Verdict.SAME, person="Sam", seen="")
    with pytest.raises(Refused, match="gone"):
        deciding.decide(clinic.parts, "\0", Verdict.SAME, person="Sam", seen="")


def test_one_id_of_a_source_is_linked_to_one_patient_only(clinic):
    clinic.hold()
    hers = clinic.opened()
    namesake = replace(OKAFOR, identity=PatientIdentity("5550001", "HOSP"))
    his = clinic.opened(namesake)
    mine, theirs = sorted(clinic.waiting(), key=lambda row: row.patient_id)
    decide(clinic, Verdict.SAME, mine)
    assert clinic.waiting() == []  # that it is hers settles that it is not the other's
    with clinic.parts.records.read() as session:
        theirs = listing.one(session, theirs.key)
    with pytest.raises(Refused, match="linked-elsewhere"):
        decide(clinic, Verdict.SAME, theirs, person="Kim", reason="I am sure")
    assert SECRET in clinic.client.page(hers)
    assert SECRET not in clinic.client.page(his)
    assert clinic.live_links() == 1


def test_of_an_id_that_is_undone_the_other_patient_waits_again(clinic):
    clinic.hold()
    clinic.opened()
    clinic.opened(replace(OKAFOR, identity=PatientIdentity("5550001", "HOSP")))
    mine, _ = sorted(clinic.waiting(), key=lambda row: row.patient_id)
    decide(clinic, Verdict.SAME, mine)
    with clinic.parts.records.read() as session:
        mine = listing.one(session, mine.key)
    deciding.undo(clinic.parts, mine.key, person="Sam", seen=listing.seen(mine))
    assert len(clinic.waiting()) == 2


def test_another_known_patient_may_be_chosen_and_has_it_on_an_open_page_at_once(clinic):
    clinic.hold()
    clinic.opened()
    brown = replace(OKAFOR, identity=PatientIdentity("777", "HOSP"), name="BROWN^Adaeze", birth_date=None)
    his = clinic.opened(brown)
    assert SECRET not in clinic.client.page(his)
    (row,) = [row for row in clinic.waiting() if row.patient_id == OKAFOR.identity.patient_id]
    decide(clinic, Verdict.SAME, row, patient=brown.identity, reason="The request form says so")
    assert SECRET in clinic.client.page(his)
    assert clinic.waiting() == []


def test_a_patient_whom_nobody_knows_cannot_be_chosen(clinic):
    clinic.hold()
    clinic.opened()
    assert refusal(clinic, Verdict.SAME, patient=PatientIdentity("404", "HOSP")) == "unknown-patient"


# --- a second person


@pytest.fixture
def careful(clinic):
    clinic.site.file.write_text(f"{clinic.site.file.read_text()}\n[identity]\nsecond_person = true\n")
    parts = replace(clinic.parts, settings=clinic.site.settings)
    clinic.site.app.extensions["preview"] = parts
    return clinic


def test_what_waits_for_a_second_person_has_no_effect_until_somebody_else_confirms_it(careful):
    careful.hold()
    path = careful.opened()
    assert decide(careful, Verdict.SAME).waits
    assert SECRET not in careful.client.page(path)
    row = careful.row()
    with pytest.raises(Refused, match="same-person"):
        deciding.confirm(careful.parts, row.key, person="Sam", seen=listing.seen(row))
    deciding.confirm(careful.parts, row.key, person="Kim", seen=listing.seen(row))
    assert SECRET in careful.client.page(path)
    assert careful.verdicts() == [Verdict.SAME, Verdict.CONFIRM]
    row = careful.row()
    deciding.undo(careful.parts, row.key, person="Kim", seen=listing.seen(row))
    assert SECRET not in careful.client.page(path)


def test_a_second_person_may_decline(careful):
    careful.hold()
    path = careful.opened()
    decide(careful, Verdict.SAME)
    row = careful.row()
    deciding.confirm(careful.parts, row.key, person="Kim", seen=listing.seen(row), agree=False)
    (row,) = careful.waiting()
    assert row.proposed is None
    assert SECRET not in careful.client.page(path)
    with careful.parts.records.read() as session:
        assert deciding.standing(session, row) is None


# --- what is kept


@pytest.mark.parametrize("statement", ["UPDATE decisions SET person = 'x'", "DELETE FROM decisions"])
def test_no_decision_is_ever_changed(clinic, statement):
    clinic.hold()
    clinic.opened()
    decide(clinic, Verdict.SAME)
    with pytest.raises(DatabaseError), clinic.parts.records.engine.begin() as connection:
        connection.execute(text(statement))


def test_a_link_holds_while_both_sides_say_what_they_said(clinic):
    clinic.hold(study_uid="1.2.77")
    path = clinic.opened()
    decide(clinic, Verdict.SAME)
    clinic.outside.remove("1.2.77")
    clinic.hold(replace(STRANGER, identity=OUTSIDE.identity), study_uid="1.2.77")
    clinic.again(path)
    assert SECRET not in clinic.client.page(path)
    (row,) = clinic.waiting()
    assert "link-lapsed" in row.doubts
    assert clinic.verdicts()[-1] is Verdict.REOPEN
    said = text_of(clinic.client.page(path))
    assert "of these staff had confirmed; since then the record or the archive says something else" in said


def test_other_demographics_in_the_record_put_what_was_confirmed_back(clinic):
    clinic.hold()
    path = clinic.opened()
    decide(clinic, Verdict.SAME)
    clinic.client.get(
        clinic.site.launch(replace(OKAFOR, name="BROWN^Brigitte", birth_date=date(1931, 1, 31)))
    )
    assert SECRET not in clinic.client.page(path)  # in the tab of before too
    rejudging.keep_up(clinic.parts)
    (row,) = clinic.waiting()
    assert "link-lapsed" in row.doubts


def test_what_is_known_of_a_patient_is_what_the_record_said_last(clinic):
    clinic.client.get(clinic.site.launch(OKAFOR))
    clinic.client.get(clinic.site.launch(replace(OKAFOR, name="OKAFOR-BELL^Adaeze")))
    with clinic.parts.records.read() as session:
        assert known.said_of(session, OKAFOR.identity).name == "OKAFOR-BELL^Adaeze"


# --- images of somebody else inside


def test_whose_a_study_is_says_nothing_of_images_inside_it_that_name_somebody_else(clinic):
    clinic.hold()
    path = clinic.opened()
    with clinic.parts.records.write() as session:
        row = listing.one(session, clinic.row().key)
        unmatched.note_foreign(session, row.study, row.patient, clinic.parts.now)
    decide(clinic, Verdict.SAME)
    assert SECRET in clinic.client.page(path)
    (row,) = clinic.waiting()
    assert row.doubts == ["foreign-images"]
    assert refusal(clinic, Verdict.SAME, row=row) == "images-of-another"
    decide(clinic, Verdict.OTHER, row)
    assert clinic.waiting() == []
    assert SECRET in clinic.client.page(path)  # those images are the other person's, not the study
