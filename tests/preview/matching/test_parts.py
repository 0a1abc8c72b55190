"""A study that holds two patients: the foreign part is withheld, by whom it names, and staff decide."""

import re
from dataclasses import replace

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import select, text
from support.inspecting import text_of
from support.installation import ROOT
from support.people import as_person
from support.studies import OKAFOR, STRANGER, study

from fetch.model import PatientIdentity
from fetch.records import PartRow, Records, UnmatchedRow, open_database
from preview.database import migrate
from preview.matching import deciding, listing
from preview.matching.deciding import Refused
from preview.matching.records import Verdict
from preview.records import Arrival, FetchRow, InstanceRow

UID = "1.2.826.99.1"
MISTYPED = replace(OKAFOR, identity=PatientIdentity("4471920", "HOSP"))
"""Two digits of her number exchanged at the console."""


@pytest.fixture
def mixed(clinic):
    """The page of a study of five images, of which two name somebody else; all of it was fetched."""
    hold(clinic, (OKAFOR, 3), (MISTYPED, 2))
    path = clinic.opened()
    clinic.client.press(clinic.client.page(path), "Fetch")
    clinic.site.fetch_all()
    return path


def hold(clinic, *people: tuple) -> None:
    for patient, images in people:
        for ds in study(patient, images=images, study_uid=UID):
            clinic.archive.add(ds)


def parts_of(clinic) -> list[UnmatchedRow]:
    return [row for row in clinic.waiting() if row.part]


def decided(clinic, row, verdict, reason="Mistyped at the console", **how):
    seen = listing.seen(row)
    return deciding.decide(clinic.parts, row.key, verdict, person="Sam", seen=seen, reason=reason, **how)


def undone(clinic, row) -> None:
    with clinic.parts.records.read() as session:
        row = listing.one(session, row.key)
    deciding.undo(clinic.parts, row.key, person="Sam", seen=listing.seen(row))


def pictures(clinic, path: str) -> list[str]:
    """The addresses of all small pictures of the study, each series on its page; a poster of each."""
    key = re.search(r'id="study-(\w+)"', clinic.client.page(path))[1]
    first = clinic.client.page(f"{path}/studies/{key}")
    series = sorted(set(re.findall(r"[?;&]series=(\d+)", first)))
    pages = [first, *(clinic.client.page(f"{path}/studies/{key}?series={one}") for one in series)]
    return sorted({one for html in pages for one in re.findall(r'src="([^"]*-256\.png)"', html)})


def last_fetch(clinic) -> tuple:
    with clinic.parts.records.read() as session:
        row = session.scalars(select(FetchRow).order_by(FetchRow.wanted_at.desc())).first()
    return str(row.outcome), row.reason, row.drawn, row.withheld


def test_the_foreign_part_is_withheld_and_listed_by_whom_it_names(clinic, mixed):
    assert len(pictures(clinic, mixed)) == 3
    assert last_fetch(clinic) == ("INCOMPLETE", "some-withheld", 3, 2)
    (row,) = clinic.waiting()
    assert row.doubts == ["foreign-images"]
    assert row.found == MISTYPED
    assert row.patient == OKAFOR
    assert row.evidence["fields"]["id"] == "similar"


def test_each_whom_they_name_is_a_part_of_its_own(clinic):
    hold(clinic, (OKAFOR, 2), (MISTYPED, 2), (STRANGER, 1))
    path = clinic.opened()
    clinic.client.press(clinic.client.page(path), "Fetch")
    clinic.site.fetch_all()
    rows = parts_of(clinic)
    assert {row.found for row in rows} == {MISTYPED, STRANGER}
    (mistyped,) = [row for row in rows if row.found == MISTYPED]
    decided(clinic, mistyped, Verdict.SAME)
    assert len(pictures(clinic, path)) == 4
    assert [row.found for row in parts_of(clinic)] == [STRANGER]
    assert last_fetch(clinic) == ("INCOMPLETE", "some-withheld", 4, 1)


def test_after_same_person_the_images_are_shown_at_once_and_after_undo_they_vanish(clinic, mixed):
    (row,) = clinic.waiting()
    before = pictures(clinic, mixed)
    decided(clinic, row, Verdict.SAME)
    shown = pictures(clinic, mixed)
    assert len(shown) == 5
    released = [one for one in shown if one not in before]
    assert all(clinic.client.get(one).status_code == 200 for one in released)
    assert clinic.waiting() == []
    assert last_fetch(clinic) == ("COMPLETE", None, 5, 0)
    undone(clinic, row)
    assert pictures(clinic, mixed) == before
    assert [clinic.client.get(one).status_code for one in released] == [404, 404]
    assert [one.key for one in clinic.waiting()] == [row.key]
    assert last_fetch(clinic) == ("INCOMPLETE", "some-withheld", 3, 2)
    assert clinic.verdicts() == [Verdict.SAME, Verdict.UNDO]


def test_what_was_released_stays_so_when_the_study_is_fetched_again(clinic, mixed):
    (row,) = clinic.waiting()
    decided(clinic, row, Verdict.SAME)
    with clinic.parts.records.write() as session:
        for one in session.scalars(select(InstanceRow)):
            one.arrival, one.frames = Arrival.EXPECTED, []
        for fetch in session.scalars(select(FetchRow)):
            session.delete(fetch)
    clinic.client.press(clinic.client.page(mixed), "Fetch")
    clinic.site.fetch_all()
    assert last_fetch(clinic) == ("COMPLETE", None, 5, 0)
    assert len(pictures(clinic, mixed)) == 5
    assert clinic.waiting() == []


@pytest.mark.parametrize("verdict", [Verdict.OTHER, Verdict.NOBODY])
def test_what_is_somebody_elses_stays_withheld_and_nobody_is_asked_again(clinic, mixed, verdict):
    (row,) = clinic.waiting()
    decided(clinic, row, verdict)
    assert clinic.waiting() == []
    clinic.client.press(clinic.client.page(mixed), "Fetch the missing images")
    clinic.site.fetch_all()
    assert clinic.waiting() == []
    assert len(pictures(clinic, mixed)) == 3
    undone(clinic, row)
    assert len(parts_of(clinic)) == 1


def test_against_a_conflict_a_reason_is_required(clinic, mixed):
    (row,) = clinic.waiting()
    with pytest.raises(Refused) as refused:
        decided(clinic, row, Verdict.SAME, reason=" ")
    assert refused.value.why == "needs-reason"


def test_nothing_is_released_inside_a_study_that_is_not_certain_itself(clinic):
    nobody = replace(OKAFOR, birth_date=None)
    hold(clinic, (nobody, 2), (MISTYPED, 1))
    clinic.opened()
    sam = clinic.site.app.test_client()
    key = as_person(clinic.site, sam, "Sam")
    (whole,) = clinic.waiting()
    sam.page(f"/staff/{key}/unmatched/{whole.key}")
    clinic.site.fetch_all()
    (part,) = parts_of(clinic)
    with pytest.raises(Refused) as refused:
        decided(clinic, part, Verdict.SAME)
    assert refused.value.why == "study-first"
    decided(clinic, whole, Verdict.SAME)
    decided(clinic, part, Verdict.SAME)
    assert clinic.waiting() == []


def test_staff_see_the_pictures_under_their_banner_and_nobody_else_does(clinic, mixed):
    (row,) = clinic.waiting()
    sam = clinic.site.app.test_client()
    key = as_person(clinic.site, sam, "Sam")
    html = sam.page(f"/staff/{key}/unmatched/{row.key}")
    assert "Whose images are these?" in html
    assert "Only 2 images inside this study are meant" in html
    assert "Identity not confirmed." in html
    addresses = re.findall(r'src="([^"]*\.png)"', html)
    assert len(addresses) == 2
    assert all(sam.get(one).status_code == 200 for one in addresses)
    with clinic.parts.records.read() as session:
        (part,) = session.scalars(select(PartRow))
    context = mixed.split("/")[2]
    for one in addresses:
        assert clinic.client.get(one).status_code == 403
        name = one.rsplit("/", 1)[1]
        assert clinic.client.get(f"/patients/{context}/pictures/{part.key}/{name}").status_code == 404
        assert clinic.client.get(f"/patients/{context}/pictures/{row.study.key}/{name}").status_code == 404


def test_it_is_decided_on_the_page_and_the_study_opens_complete(clinic, mixed):
    (row,) = clinic.waiting()
    sam = clinic.site.app.test_client()
    key = as_person(clinic.site, sam, "Sam")
    html = sam.page(f"/staff/{key}/unmatched/{row.key}")
    asked = sam.press(html, "Same person")
    assert "These 2 images are then shown with the rest of the study" in asked.text
    sam.press(asked.text, "Confirm: Same person", reason="Mistyped at the console")
    assert len(pictures(clinic, mixed)) == 5


def test_whoever_says_they_are_somebody_elses_is_told_how_that_patient_comes_to_see_them(clinic, mixed):
    (row,) = clinic.waiting()
    sam = clinic.site.app.test_client()
    key = as_person(clinic.site, sam, "Sam")
    address = f"/staff/{key}/unmatched/{row.key}"
    said = "have the archive move them into a study of that patient"
    asked = sam.press(sam.page(address), "Another person")
    assert said in text_of(asked.text)
    sam.press(asked.text, "Confirm: Another person")
    assert said in text_of(sam.page(address))


def test_when_the_archive_gives_the_study_to_somebody_else_nothing_stays_released(clinic, mixed):
    (row,) = clinic.waiting()
    decided(clinic, row, Verdict.SAME)
    clinic.archive.remove(UID)
    hold(clinic, (replace(OKAFOR, name="OKAFOR^Adaeze^M"), 3), (MISTYPED, 2))
    clinic.again(mixed)
    clinic.client.press(clinic.client.page(mixed), "Fetch")
    clinic.site.fetch_all()
    assert len(pictures(clinic, mixed)) == 3
    assert [one.key for one in parts_of(clinic)] == [row.key]


def test_a_decision_that_was_made_before_parts_were_told_apart_is_kept(clinic, tmp_path):
    """SQLite makes the table anew to which decisions refer."""
    records = Records(open_database(f"sqlite:///{tmp_path}/old.db"))
    config = Config()
    config.set_main_option("script_location", str(ROOT / "preview" / "migrations"))
    with records.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0008")
        for statement in OLD:
            connection.execute(text(statement))
        connection.commit()
    migrate(records, clinic.site.settings.app)
    with records.engine.connect() as connection:
        kept = "SELECT count(*) FROM decisions JOIN unmatched ON unmatched.id = decisions.unmatched"
        assert connection.execute(text(kept)).scalar() == 1
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


WHO = {"patient_id": "1", "issuer": "H", "patient_name": "A^B", "birth_date_text": "", "sex": "F"}
SEEN = {"first_seen_at": "2026-11-01", "last_seen_at": "2026-11-01"}
TEXTS = dict.fromkeys(("study_date_text", "study_time", "description", "accession", "referrer"), "")


def row_of(table: str, **values: object) -> str:
    shown = ", ".join(f"'{value}'" for value in values.values())
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({shown})"


OLD = (
    row_of(
        "studies",
        id=1,
        key="k",
        source="main",
        study_uid="1.2.3",
        issuer_assumed=0,
        modalities="[]",
        seen_at="2026-11-01",
        **TEXTS,
        **WHO,
    ),
    row_of(
        "unmatched",
        id=1,
        key="u",
        study_row=1,
        doubts="[]",
        grade="",
        evidence="{}",
        rules="",
        urgency=9,
        owner="",
        unsure=0,
        **SEEN,
        **WHO,
    ),
    row_of(
        "decisions",
        id=1,
        at="2026-11-01",
        verdict="OTHER",
        person="Sam",
        unmatched=1,
        waits=0,
        source="main",
        study_uid="1.2.3",
        mark="m",
        issuer="H",
        patient_id="1",
        asked="{}",
        found="{}",
        grade="",
        evidence="{}",
        rules="",
        reason="",
    ),
)
