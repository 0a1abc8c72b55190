"""Each source is asked by the right id: a confirmed one first, ours where it is the same, else by name."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update
from support.hospital import OUTSIDE, SECRET
from support.inspecting import text_of
from support.people import as_person
from support.studies import OKAFOR, STRANGER

from fetch.model import Aliases, Patient, PatientIdentity
from fetch.records import StudyRow
from preview.demo.behaviour import Kind, answers, answers_with, caps_answers, hangs_in_find
from preview.entrance import access
from preview.matching import deciding, known, listing
from preview.matching.approaches import names_of
from preview.matching.records import Verdict
from preview.records import ContextRow, Role

ORDER = "ORDER-4711"


def brought(clinic, patient: Patient = OKAFOR, accession: str = ORDER) -> str:
    """The page of a launch that was about this order."""
    with clinic.parts.records.write() as session:
        wish = access.Wish(accession=accession)
        how = {"role": Role.REFERRER, "person": "", "now": clinic.parts.now, "wish": wish}
        code = access.prepare(session, patient=patient, **how)
    path = clinic.client.get(f"/open/{code}").headers["Location"]
    clinic.site.ask_all()
    return path


def asked_by(archive) -> list[dict[str, str]]:
    """What each question of the archive matched by."""
    keys = ("PatientID", "PatientName", "PatientBirthDate")
    return [{key: one.keys[key] for key in keys if one.keys.get(key)} for one in archive.asked(Kind.FIND)]


def test_an_archive_of_another_issuer_is_asked_by_name_and_birth_date_both_ways_round(clinic):
    clinic.opened()
    assert all(one.keys() == {"PatientID"} for one in asked_by(clinic.archive))
    by_name = asked_by(clinic.outside)
    assert {one["PatientBirthDate"] for one in by_name} == {"19750714"}
    assert {one["PatientName"] for one in by_name} == {"OKAFOR*", "Adaeze*"}
    assert not any("PatientID" in one for one in by_name)


def test_a_confirmed_id_is_what_it_is_asked_by_from_then_on(clinic):
    clinic.hold()
    path = clinic.opened()
    row = clinic.row()
    deciding.decide(clinic.parts, row.key, Verdict.SAME, person="Sam", seen=listing.seen(row))
    before = len(clinic.outside.requests)
    clinic.again(path)
    later = asked_by(clinic.outside)[before:]
    assert {one["PatientID"] for one in later} == {"RR-20931"}
    said = text_of(clinic.client.page(path))
    assert "Searched Outside archive" in said
    assert "by name" not in said


@pytest.mark.parametrize("issuer", ["RIVERSIDE&1.2.3&ISO", "ANOTHER"])
def test_a_confirmed_id_is_asked_for_where_it_was_found_however_its_issuer_is_written(clinic, issuer):
    """Else it would be looked for by a name that may be another one there, and not be found."""
    clinic.hold(replace(OUTSIDE, identity=PatientIdentity("RR-20931", issuer)))
    path = clinic.opened()
    row = clinic.row()
    assert row.found.identity.issuer == issuer
    deciding.decide(clinic.parts, row.key, Verdict.SAME, person="Sam", seen=listing.seen(row))
    clinic.outside.requests.clear()
    clinic.again(path)
    assert {one.get("PatientID") for one in asked_by(clinic.outside)} == {"RR-20931"}
    assert SECRET in clinic.client.page(path)


def test_an_archive_of_our_own_issuer_is_asked_by_our_id_however_that_is_written(clinic):
    clinic.opened(replace(OKAFOR, identity=PatientIdentity("4471902", "HOSP&1.2.3&ISO")))
    assert {one.get("PatientID") for one in asked_by(clinic.archive)} == {"4471902"}


def test_nothing_under_the_name_never_reads_as_none(clinic):
    said = text_of(clinic.client.page(clinic.opened()))
    sentence = "nothing under this name and birth date. This patient's number there is not known."
    assert sentence in said
    assert "Imaging may exist there, perhaps under an earlier name or another spelling." in said
    assert "No imaging found" not in said
    assert "Not every archive could be asked." in said


def test_what_the_name_finds_is_said_not_to_be_all(clinic):
    clinic.hold()
    said = text_of(clinic.client.page(clinic.opened()))
    assert "Searched by name and birth date only Outside archive" in said
    assert "More imaging may exist there." in said


def test_without_a_birth_date_nobody_is_asked_for_by_name(clinic):
    clinic.opened(replace(OKAFOR, birth_date=None))
    assert clinic.outside.requests == []


def test_people_who_are_certainly_others_are_a_number_and_nothing_of_them_is_kept(clinic):
    """As of an archive that takes no notice of what it is asked by."""
    for day in ("20261101", "20261102", "20261103"):
        clinic.hold(day=day)
    clinic.outside.behave(answers_with(PatientName="BROWN^Peter", PatientBirthDate="19310131"))
    said = text_of(clinic.client.page(clinic.opened()))
    assert "nothing under this name and birth date" in said
    assert clinic.waiting() == []
    with clinic.parts.records.read() as session:
        (counted,) = listing.counted(session)
        assert session.scalars(select(StudyRow)).all() == []
    assert (counted.source, counted.count) == ("outside", 3)


@pytest.mark.parametrize("how", [answers(0xA700), hangs_in_find()])
def test_an_archive_that_does_not_answer_by_name_is_an_outage(clinic, how):
    clinic.outside.behave(how)
    said = text_of(clinic.client.page(clinic.opened()))
    assert "Not searched Outside archive" in said
    assert "nothing under this name" not in said


def test_an_answer_by_name_that_is_cut_short_says_so(clinic):
    for day in ("20261101", "20261102", "20261103"):
        clinic.hold(day=day)
    clinic.outside.behave(caps_answers(2, 0xA700))
    said = text_of(clinic.client.page(clinic.opened()))
    assert "Searched in part Outside archive" in said
    assert "2 studies at Outside archive may belong to this patient." in said


NAMES = {
    "OKAFOR^Adaeze": {"OKAFOR", "Adaeze"},
    "Müller^Jürgen": {"Müller", "MULLER", "MUELLER", "Jürgen", "JURGEN", "JUERGEN"},
    "DE LA CRUZ^Ana": {"DE LA CRUZ", "DE", "Ana"},
    "DOE JOHN": {"DOE JOHN", "DOE"},
    "O*^A?na": set(),
    "^": set(),
    "X^Y": set(),
    "O'BRIEN^Pat": {"O'BRIEN", "OBRIEN", "Pat"},
    "YAMADA^Tarou=山田^太郎": {"YAMADA", "Tarou", "山田", "太郎"},
    "A\\B^C\\D": set(),
}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_looked_for_of_a_name(name):
    looked_for = names_of(replace(OKAFOR, name=name))
    assert set(looked_for) == NAMES[name]
    assert len(looked_for) <= 8


def test_a_name_of_a_hundred_words_asks_no_more_than_eight_questions():
    long = "^".join(f"{'ä' * n} {'ö' * n}" for n in range(2, 30))
    assert len(names_of(replace(OKAFOR, name=long))) <= 8


def test_nobody_has_no_name():
    assert names_of(Patient(OKAFOR.identity)) == ()
    assert names_of(replace(OUTSIDE, name="")) == ()


# --- by the order that the launch brought


def test_an_order_is_asked_for_at_every_archive_whatever_id_the_study_has_there(clinic):
    """Under another number and another spelling of the name, neither of which is asked for."""
    clinic.hold(replace(OUTSIDE, name="OKAFOUR^ADA"), AccessionNumber=ORDER)
    clinic.hold(
        replace(OKAFOR, identity=PatientIdentity("77-1", "OLD")), clinic.archive, AccessionNumber=ORDER
    )
    path = brought(clinic)
    for archive in (clinic.archive, clinic.outside):
        assert ORDER in [one.keys.get("AccessionNumber") for one in archive.asked(Kind.FIND)]
    assert SECRET in clinic.client.page(path)  # the one whose name and birth date agree
    (row,) = clinic.waiting()
    assert row.study.source == "outside"
    assert row.evidence["fields"]["accession"] == "agree"


def test_without_a_birth_date_an_archive_of_another_issuer_is_asked_for_the_order_alone(clinic):
    nobody = replace(OKAFOR, birth_date=None)
    clinic.hold(AccessionNumber=ORDER)
    brought(clinic, nobody)
    assert [one.keys.get("AccessionNumber") for one in clinic.outside.asked(Kind.FIND)] == [ORDER]
    assert len(clinic.waiting()) == 1


def test_somebody_else_with_the_same_order_number_is_counted_and_nothing_of_them_is_kept(clinic):
    clinic.hold(STRANGER, clinic.outside, AccessionNumber=ORDER)
    brought(clinic)
    assert clinic.waiting() == []
    with clinic.parts.records.read() as session:
        assert session.scalars(select(StudyRow)).all() == []
        assert sum(row.count for row in listing.counted(session)) == 1


def test_an_archive_that_takes_no_notice_of_the_order_gives_nobody_elses_study(clinic):
    for day in ("20261101", "20261102"):
        clinic.hold(STRANGER, clinic.archive, day=day, AccessionNumber="A9")
    clinic.archive.behave(answers_with(AccessionNumber=""))
    assert SECRET not in clinic.client.page(brought(clinic))
    with clinic.parts.records.read() as session:
        assert session.scalars(select(StudyRow)).all() == []


@pytest.mark.parametrize("accession", ["*", "A?1", "A\\1"])
def test_an_order_with_a_wildcard_is_not_asked_for(clinic, accession):
    brought(clinic, accession=accession)
    assert not any(one.keys.get("AccessionNumber") for one in clinic.archive.asked(Kind.FIND))


# --- what is no longer there


def test_what_an_archive_that_is_asked_by_name_no_longer_has_waits_for_staff(clinic):
    uid = clinic.hold()
    path = clinic.opened()
    assert [row.doubts[-1] for row in clinic.waiting()] != ["no-longer-listed"]
    clinic.hold(replace(STRANGER, birth_date=OKAFOR.birth_date))
    clinic.outside.remove(uid)
    clinic.again(path)
    (row,) = clinic.waiting()
    assert "no-longer-listed" in row.doubts
    clinic.hold(study_uid=uid)
    clinic.again(path)
    (row,) = clinic.waiting()
    assert "no-longer-listed" not in row.doubts


def test_what_is_still_there_under_a_name_that_is_not_asked_for_is_not_said_to_be_gone(clinic):
    clinic.hold(replace(OUTSIDE, name="OKAFOUR^ADA"), AccessionNumber=ORDER)
    path = brought(clinic)
    with clinic.parts.records.write() as session:
        session.execute(update(ContextRow).values(accession=""))
    clinic.again(path)
    assert [row for row in clinic.waiting() if "no-longer-listed" in row.doubts] == []


# --- other names and ids


def test_a_married_name_is_found_by_the_name_at_birth_and_waits_for_staff(clinic):
    clinic.hold()
    bell = replace(OKAFOR, name="BELL^Adaeze", aliases=Aliases(names=("OKAFOR",)))
    with clinic.parts.records.write() as session:
        known.note(session, [bell], clinic.parts.now)
    path = clinic.opened(replace(bell, aliases=Aliases()))
    assert "OKAFOR*" in [one.get("PatientName") for one in asked_by(clinic.outside)]
    assert SECRET not in clinic.client.page(path)
    (row,) = clinic.waiting()
    assert (row.grade, row.evidence["remarks"]) == ("probable", ["other-name"])


def test_a_study_keeps_what_its_archive_says_of_other_names_and_ids(clinic):
    clinic.hold()
    clinic.outside.behave(answers_with(PatientBirthName="OKORO", OtherPatientIDs="4471902"))
    clinic.opened()
    (row,) = clinic.waiting()
    assert row.study.patient.aliases == Aliases((PatientIdentity("4471902", "RIVERSIDE"),), ("OKORO",))
    sam = clinic.site.app.test_client()
    key = as_person(clinic.site, sam, "Sam")
    said = text_of(sam.page(f"/staff/{key}/unmatched/{row.key}"))
    assert "Other names OKORO" in said
    assert "Other numbers 4471902 issued by RIVERSIDE" in said
