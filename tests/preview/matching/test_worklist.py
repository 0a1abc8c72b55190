"""The list as staff look through it: in order, filtered, as a table without formulas."""

import csv
import io
from dataclasses import replace
from datetime import date

import pytest
from support.hospital import OUTSIDE
from support.studies import OKAFOR, STRANGER

from fetch.model import PatientIdentity
from preview.matching import candidates, deciding, known, listing
from preview.matching.listing import Filters
from preview.matching.records import Verdict


def keys(clinic, **filters) -> list[str]:
    with clinic.parts.records.read() as session:
        return [row.study.description for row in listing.listed(session, Filters(**filters)).rows]


def filled(clinic) -> str:
    """Something of each urgency; the path of her page."""
    clinic.hold(OUTSIDE, StudyDescription="Probable")
    clinic.hold(replace(OUTSIDE, name="OKAFOR^Brigitte"), StudyDescription="Possible")
    clinic.hold(replace(STRANGER, identity=OKAFOR.identity), clinic.archive, StudyDescription="Conflict")
    return clinic.opened()


def test_one_id_that_may_be_two_people_comes_first_then_the_likely_ones(clinic):
    filled(clinic)
    assert keys(clinic) == ["Conflict", "Probable", "Possible"]


def test_filters_hold_together(clinic):
    filled(clinic)
    assert keys(clinic, source="outside") == ["Probable", "Possible"]
    assert keys(clinic, grade="probable") == ["Probable"]
    assert keys(clinic, why="id-reused") == ["Conflict"]
    assert keys(clinic, source="outside", why="id-reused") == []
    assert keys(clinic, owner="") == ["Conflict", "Probable", "Possible"]
    assert keys(clinic, owner="Sam") == []
    assert keys(clinic, why='"%_') == keys(clinic)
    row = clinic.waiting()[0]
    deciding.assign(clinic.parts, row.key, owner="Sam", seen=listing.seen(row))
    assert keys(clinic, owner="Sam") == ["Conflict"]


def test_one_page_at_a_time_with_the_number_of_all(clinic):
    filled(clinic)
    with clinic.parts.records.read() as session:
        found = listing.listed(session, Filters(), most=1)
        assert (len(found.rows), found.total, listing.open_count(session)) == (1, 3, 3)


def through(clinic, **filters) -> list[str]:
    """Page by page, one row each."""
    seen, after = [], ""
    with clinic.parts.records.read() as session:
        while True:
            page = listing.listed(session, Filters(**filters), after, most=1)
            seen += [row.study.description for row in page.rows]
            if not (after := page.next):
                return seen


def test_the_next_page_goes_on_behind_the_last_row(clinic):
    filled(clinic)
    assert through(clinic) == ["Conflict", "Probable", "Possible"]
    with clinic.parts.records.read() as session:
        first = listing.listed(session, Filters(), most=1)
    row = first.rows[0]  # leaves the list meanwhile: nothing is skipped
    deciding.decide(clinic.parts, row.key, Verdict.OTHER, person="Sam", seen=listing.seen(row))
    with clinic.parts.records.read() as session:
        rest = listing.listed(session, Filters(), first.next)
    assert [row.study.description for row in rest.rows] == ["Probable", "Possible"]
    for row in rest.rows:
        deciding.decide(clinic.parts, row.key, Verdict.OTHER, person="Sam", seen=listing.seen(row))
    assert sorted(through(clinic, settled=True)) == ["Conflict", "Possible", "Probable"]


@pytest.mark.parametrize("after", ["", "x", "1.2", "1.2.3.4", "-1.2.3", "9" * 30, "9.9.99999999999", "²"])
def test_no_page_of_the_list_is_the_first(clinic, after):
    filled(clinic)
    with clinic.parts.records.read() as session:
        assert len(listing.listed(session, Filters(), after).rows) == 3


def test_every_reason_is_counted(clinic):
    filled(clinic)
    with clinic.parts.records.read() as session:
        counted = listing.reasons(session)
    assert (counted["id-reused"], counted["given-differs"], counted["no-longer-listed"]) == (1, 2, 0)


def test_what_is_settled_is_found_apart(clinic):
    filled(clinic)
    row = clinic.waiting()[0]
    deciding.decide(clinic.parts, row.key, Verdict.OTHER, person="Sam", seen=listing.seen(row))
    assert keys(clinic) == ["Probable", "Possible"]
    assert keys(clinic, settled=True) == ["Conflict"]


def test_nothing_in_the_table_is_a_formula(clinic):
    hostile = replace(OUTSIDE, name="=cmd|'/C calc'!A0^X", birth_date=date(1975, 7, 14))
    clinic.hold(replace(hostile, name="OKAFOR^=1+1"), StudyDescription='=HYPERLINK("http://x")')
    clinic.hold(OUTSIDE, StudyDescription="\t=1", AccessionNumber="@SUM(A1)")
    clinic.opened()
    with clinic.parts.records.read() as session:
        rows = list(listing.csv_rows(session, Filters(), {"outside": "-1+1 archive"}))
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    head, *lines = csv.reader(io.StringIO(written.getvalue()))
    assert head == list(listing.HEAD)
    assert lines
    assert all(len(line) == len(head) for line in lines)
    assert not [cell for line in lines for cell in line if cell.lstrip()[:1] in "=+-@" and cell.strip()]


def test_the_table_has_both_sides(clinic):
    clinic.hold(OUTSIDE)
    clinic.opened()
    with clinic.parts.records.read() as session:
        head, line = listing.csv_rows(session, Filters(), {"outside": "Outside archive"})
    said = dict(zip(head, line, strict=True))
    assert (said["images id"], said["images issuer"]) == ("RR-20931", "RIVERSIDE")
    assert (said["record id"], said["record issuer"]) == ("4471902", "HOSP")
    assert said["images born"] == said["record born"] == "1975-07-14"
    assert said["source"] == "Outside archive"


# --- candidates, and search


def test_the_candidates_are_ranked_and_the_one_asked_for_is_always_among_them(clinic):
    clinic.hold(OUTSIDE)
    clinic.opened()
    namesakes = [
        replace(OKAFOR, identity=PatientIdentity(f"55{number:05}", "HOSP")) for number in range(1, 15)
    ]
    with clinic.parts.records.write() as session:
        known.note(session, [*namesakes, STRANGER], clinic.parts.now)
    with clinic.parts.records.read() as session:
        found = candidates.candidates(session, clinic.row(), clinic.parts.settings.sources)
    assert len(found) == 10
    assert [one.patient.identity for one in found if one.is_asked] == [OKAFOR.identity]
    assert all(one.patient.name == OKAFOR.name for one in found)
    assert STRANGER.identity not in {one.patient.identity for one in found}


def test_known_patients_are_found_by_what_is_known_of_them(clinic):
    other = replace(STRANGER, name="MÜLLER-LÜDENSCHEIDT^Jürgen")
    with clinic.parts.records.write() as session:
        known.note(session, [OKAFOR, other], clinic.parts.now)

    def found(**by) -> set[str]:
        with clinic.parts.records.read() as session:
            return {patient.identity.patient_id for patient in known.search(session, **by).patients}

    hers, his = {OKAFOR.identity.patient_id}, {STRANGER.identity.patient_id}
    assert found(name="oka") == found(name="adaeze OKAFOR") == hers
    assert found(name="muller") == found(name="Mueller") == found(name="müller jürg") == his
    assert found(birth_date=OKAFOR.birth_date) == found(patient_id=" 4471902 ") == hers
    assert found(name="oka", birth_date=STRANGER.birth_date) == set()
    assert found() == found(name="  ") == found(name="%") == found(name="\0") == set()


def test_a_search_that_finds_too_many_says_so(clinic):
    many = [replace(OKAFOR, identity=PatientIdentity(f"6{n:04}", "HOSP")) for n in range(30)]
    with clinic.parts.records.write() as session:
        known.note(session, many, clinic.parts.now)
        found = known.search(session, name="okafor")
    assert (len(found.patients), found.more) == (20, True)
