"""Decisions on PostgreSQL: of many who decide at once one does, and no decision is ever changed."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from support.hospital import OUTSIDE, SECRET, Clinic
from support.inspecting import InspectingClient
from support.installation import Installation, source_block
from support.studies import OKAFOR

from fetch.model import PatientIdentity
from fetch.settings import Settings, load_settings
from preview.demo.archive import Archive
from preview.matching import deciding, known, listing, merging, rejudging, searching
from preview.matching.deciding import Refused
from preview.matching.listing import Filters
from preview.matching.records import Verdict

AT_ONCE = 6
OTHER = replace(OKAFOR, identity=PatientIdentity("5550001", "HOSP"))


@dataclass(kw_only=True)
class OnPostgreSQL(Installation):
    """Its settings file names SQLite; the environment names PostgreSQL, and wins."""

    database: str

    @property
    def settings(self) -> Settings:
        return load_settings(self.file, {"PREVIEW_APP__DATABASE": self.database})


@pytest.fixture
def clinic(server, tmp_path, clean_redis, archive):
    with Archive("OUT").start() as outside:
        sources = [
            source_block("main", archive.port, aet="MAIN"),
            source_block("outside", outside.port, aet="OUT", issuer="RIVERSIDE"),
        ]
        site = OnPostgreSQL(tmp_path, sources, clean_redis, database=server.new_database())
        site.app.test_client_class = InspectingClient
        yield Clinic(site, archive, outside)
        site.parts.records.engine.dispose()


def at_once(what) -> Counter[str]:
    """What came of doing it with each number, all in the same moment."""
    start = threading.Barrier(AT_ONCE)

    def one(number: int) -> str:
        start.wait(10)
        try:
            what(number)
        except Refused as refused:
            return refused.why
        return "done"

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return Counter(threads.map(one, range(AT_ONCE)))


def test_of_many_staff_who_decide_about_one_row_one_does_and_the_others_are_told(clinic):
    clinic.hold()
    path = clinic.opened()
    row, verdicts = clinic.row(), (Verdict.SAME, Verdict.OTHER)
    seen = listing.seen(row)

    def decide(number: int) -> None:
        deciding.decide(clinic.parts, row.key, verdicts[number % 2], person=f"P{number}", seen=seen)

    assert at_once(decide) == {"done": 1, "outdated": AT_ONCE - 1}
    (decision,) = clinic.decisions()
    assert (SECRET in clinic.client.page(path)) == (decision.verdict is Verdict.SAME)


def test_of_many_who_link_one_id_to_two_patients_one_does(clinic):
    clinic.hold()
    clinic.opened()
    clinic.opened(OTHER)
    rows = clinic.waiting()
    assert len(rows) == 2

    def link(number: int) -> None:
        row = rows[number % 2]
        deciding.decide(
            *(clinic.parts, row.key, Verdict.SAME),
            person=f"P{number}",
            seen=listing.seen(row),
            reason="Sure",
        )

    said = at_once(link)
    assert said["done"] == 1
    assert set(said) <= {"done", "outdated", "linked-elsewhere"}
    assert clinic.live_links() == 1


def test_the_whole_way_there_and_back(clinic):
    clinic.hold()
    path = clinic.opened()
    row = clinic.row()
    deciding.decide(clinic.parts, row.key, Verdict.SAME, person="Sam", seen=listing.seen(row))
    assert SECRET in clinic.client.page(path)
    with clinic.parts.records.write() as session:
        merging.merge(session, OTHER.identity, OKAFOR.identity, "Sam", clinic.parts.now)
    rejudging.keep_up(clinic.parts)
    row = clinic.row()
    deciding.undo(clinic.parts, row.key, person="Sam", seen=listing.seen(row))
    assert SECRET not in clinic.client.page(path)
    with clinic.parts.records.read() as session:
        assert listing.listed(session, Filters(why="demographics-alone", source="outside")).total <= 1
        assert len(list(listing.csv_rows(session, Filters(), {}))) == 2
        assert known.search(session, name="oka").patients[0].identity == OKAFOR.identity
        assert known.search(session, name="\0").patients == ()
    assert clinic.verdicts() == [Verdict.SAME, Verdict.MERGE, Verdict.UNDO]


def test_patients_who_become_known_at_once_are_kept_once(clinic):
    def note(number: int) -> None:
        many = [replace(OKAFOR, identity=PatientIdentity(str(n), "HOSP")) for n in range(100, 200)]
        with clinic.parts.records.write() as session:
            known.note(session, many[:: -1 if number % 2 else 1], clinic.parts.now)

    assert at_once(note) == {"done": AT_ONCE}


@pytest.mark.parametrize("statement", ["UPDATE decisions SET person = 'x'", "DELETE FROM decisions"])
def test_no_decision_is_ever_changed(clinic, statement):
    clinic.hold()
    clinic.opened()
    row = clinic.row()
    deciding.decide(clinic.parts, row.key, Verdict.OTHER, person="Sam", seen=listing.seen(row))
    with pytest.raises(DatabaseError), clinic.parts.records.engine.begin() as connection:
        connection.execute(text(statement))


def test_the_list_is_looked_through_page_by_page_and_searched(clinic):
    for name in ("OKAFOR^Adaeze", "OKAFOR^Brigitte", "OKAFOR^Chidi"):
        clinic.hold(replace(OUTSIDE, name=name))
    clinic.opened()
    with clinic.parts.records.read() as session:
        first = listing.listed(session, Filters(), most=2)
        rest = listing.listed(session, Filters(), first.next)
        assert (len(first.rows), len(rest.rows)) == (2, 1)
        assert searching.search(session, "brigitte").total == 1
        assert listing.reasons(session)["given-differs"] == 2
        assert known.numbered(session, 2**40) is None
        ids = known.numbers(session, [OKAFOR.identity])
        assert known.numbered(session, ids[OKAFOR.identity]) == OKAFOR
    row = first.rows[0]
    deciding.decide(clinic.parts, row.key, Verdict.OTHER, person="Sam", seen=listing.seen(row))
    with clinic.parts.records.read() as session:
        settled = listing.listed(session, Filters(settled=True), most=1)
        assert [one.key for one in settled.rows] == [row.key]
        assert listing.listed(session, Filters(settled=True), "0.99999999999999999.1").rows
