"""What staff saw and took along of doubtful studies is on record, and nobody changes the record."""

import json
import re

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from support.hospital import OUTSIDE
from support.people import as_person
from support.studies import OKAFOR

from preview.matching.records import AccessKind, AccessRow
from preview.records import Role


def accesses(clinic) -> list[AccessRow]:
    with clinic.parts.records.read() as session:
        return list(session.scalars(select(AccessRow).order_by(AccessRow.id)))


@pytest.fixture
def desk(clinic):
    """Sam's browser, the list, and the page of a study whose pictures have come."""
    clinic.hold()
    clinic.opened()
    sam = clinic.site.app.test_client()
    key = as_person(clinic.site, sam, "Sam", Role.STAFF)
    page = f"/staff/{key}/unmatched/{clinic.row().key}"
    sam.page(page)
    clinic.site.fetch_all()
    return sam, f"/staff/{key}/unmatched", page


def test_pictures_that_staff_look_at_are_one_record_for_each_opening(clinic, desk):
    sam, _, page = desk
    assert accesses(clinic) == []
    addresses = re.findall(r'src="([^"]*\.png)"', sam.page(page))
    for address in addresses * 2:
        assert sam.get(address).status_code == 200
    (row,) = accesses(clinic)
    assert (row.kind, row.person, row.role) == (AccessKind.PICTURES, "Sam", "staff")
    assert row.study_uid == clinic.row().study.study_uid
    assert (row.patient_id, row.issuer) == (OKAFOR.identity.patient_id, OKAFOR.identity.issuer)
    assert row.found["id"] == OUTSIDE.identity.patient_id


def test_whoever_is_refused_a_picture_leaves_no_record_of_having_seen_it(clinic, desk):
    sam, _, page = desk
    (address,) = re.findall(r'src="([^"]*\.png)"', sam.page(page))[:1]
    assert clinic.client.get(address).status_code == 403
    assert accesses(clinic) == []


def test_the_list_as_a_file_is_on_record_with_its_filters_and_how_many(clinic, desk):
    sam, table, _ = desk
    sam.press(sam.page(f"{table}?source=outside"), "Download as CSV")
    (row,) = accesses(clinic)
    assert (row.kind, row.person, row.count, row.details) == (
        AccessKind.LIST,
        "Sam",
        1,
        {"source": "outside"},
    )


def test_the_list_from_a_shell_is_on_record_too_and_can_be_printed(clinic, desk):
    runner = clinic.site.app.test_cli_runner()
    assert runner.invoke(args=["unmatched", "list", "--csv"]).exit_code == 0
    said = json.loads(runner.invoke(args=["unmatched", "accesses"]).output.splitlines()[0])
    assert (said["kind"], said["role"], said["count"]) == ("list", "shell", 1)
    assert said["person"]


@pytest.mark.parametrize("statement", ["UPDATE accesses SET person = 'Pat'", "DELETE FROM accesses"])
def test_no_record_is_ever_changed(clinic, desk, statement):
    sam, table, _ = desk
    sam.press(sam.page(table), "Download as CSV")
    with pytest.raises(DBAPIError, match="never changed"), clinic.parts.records.write() as session:
        session.execute(text(statement))
    assert [row.person for row in accesses(clinic)] == ["Sam"]
