"""The list as a page: filtered by address, searched without one, page by page, taken on, downloaded."""

import csv
import io
import re
from dataclasses import replace

import pytest
from sqlalchemy import update
from support.hospital import OUTSIDE
from support.inspecting import text_of
from support.people import as_person
from support.studies import OKAFOR, STRANGER

from fetch.records import UnmatchedRow
from preview.matching import listing
from preview.matching.records import StrangersRow
from preview.records import AskRow, Role


@pytest.fixture
def desk(clinic):
    """The address of the list, and whoever looks at it."""
    clinic.hold(OUTSIDE, StudyDescription="Probable", AccessionNumber="R-2277")
    clinic.hold(replace(OUTSIDE, name="OKAFOR^Brigitte"), StudyDescription="Possible")
    clinic.hold(replace(STRANGER, identity=OKAFOR.identity), clinic.archive, StudyDescription="Conflict")
    clinic.opened()
    client = clinic.site.app.test_client()
    return client, f"/staff/{as_person(clinic.site, client, 'Sam', Role.STAFF)}/unmatched"


def titles(html: str) -> list[str]:
    return re.findall(r"(Probable|Possible|Conflict) <span class=\"when\"", html)


def test_the_most_urgent_come_first_with_reason_source_age_and_grade(clinic, desk):
    client, path = desk
    html = client.page(path)
    assert titles(html) == ["Conflict", "Probable", "Possible"]
    assert "3 studies wait" in text_of(html)
    first = text_of(re.search(r"<article.*?</article>", html, re.DOTALL)[0])
    assert "Main archive" in first
    assert "waiting since" in first
    assert "(less than a minute)" in first
    assert "The id is the same, the person is not: it may have been given out again." in first
    assert "agrees: Patient id, Issuer of the id" in first
    assert "differs: Family name, Given name, Birth date, Sex" in first


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?source=outside", ["Probable", "Possible"]),
        ("?why=id-reused", ["Conflict"]),
        ("?owner=nobody", ["Conflict", "Probable", "Possible"]),
        ("?owner=me", []),
        ("?state=settled", []),
        ("?state=handed-on", []),
        ("?state=second", []),
        ("?source=outside&why=id-reused", []),
        ("?source=elsewhere&why=x&state=y&owner=z&after=q", ["Conflict", "Probable", "Possible"]),
    ],
)
def test_filters_stand_in_the_address(desk, query, shown):
    client, path = desk
    html = client.page(path + query)
    assert titles(html) == shown
    assert shown or "Nothing here with these filters" in html


def test_each_reason_is_offered_with_its_number(desk):
    client, path = desk
    html = client.page(path)
    assert "The given name differs. (2)" in html
    assert html.index("(2)") < html.index("may have been given out again. (1)")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("brig", ["Possible"]),
        ("okafor adaeze", ["Conflict", "Probable", "Possible"]),
        ("RR-20931", ["Probable", "Possible"]),
        ("rr-20931 brigitte", ["Possible"]),
        ("R-2277", ["Probable"]),
        ("R-22", []),
        ("1931-01-31", ["Conflict"]),
        ("stranger", ["Conflict"]),
        ("nobody", []),
        ("%", []),
        ("", []),
        ("\0", []),
    ],
)
def test_a_search_stands_in_no_address(desk, words, shown):
    client, path = desk
    answer = client.press(client.page(path), "Search", words=words)
    assert answer.status_code == 200
    assert titles(answer.text) == shown
    assert shown or "Nothing found" in answer.text


def test_what_is_settled_is_found_by_a_search_too(clinic, desk):
    client, path = desk
    with clinic.parts.records.write() as session:
        session.execute(update(UnmatchedRow).values(settled_at=clinic.parts.now))
    assert titles(client.page(path)) == []
    answer = client.press(client.page(path), "Search", words="brigitte")
    assert titles(answer.text) == ["Possible"]
    assert "Look at the decision" in answer.text


def test_page_by_page(desk, monkeypatch):
    client, path = desk
    monkeypatch.setattr(listing.listed, "__defaults__", ("", 1))
    seen, address = [], path
    while address:
        html = client.page(address)
        seen += titles(html)
        following = re.search(r'id="next" rel="next" href="([^"]*)"', html)
        address = following[1].replace("&amp;", "&") if following else ""
    assert seen == ["Conflict", "Probable", "Possible"]
    assert "First page" in html


def test_who_takes_it_on_is_said_and_the_filters_stay(clinic, desk):
    client, path = desk
    answer = client.press(client.page(path + "?source=outside"), "Assign to me")
    assert re.search(r"\?source=outside#unmatched-\w{32}$", answer.headers["Location"])
    mine = client.page(path + "?owner=me")
    assert titles(mine) == ["Probable"]
    assert "taken on by Sam" in text_of(mine)
    client.press(mine, "Give back")
    assert titles(client.page(path + "?owner=me")) == []


def test_of_two_who_take_it_on_the_second_is_told(clinic, desk):
    client, path = desk
    other = clinic.site.app.test_client()
    theirs = other.page(f"/staff/{as_person(clinic.site, other, 'Pat', Role.STAFF)}/unmatched")
    client.press(client.page(path), "Assign to me")
    answer = other.press(theirs, "Assign to me")
    assert answer.status_code == 409
    assert "taken on by Sam" in text_of(answer.text)


def test_the_table_has_what_the_filters_let_through_and_no_formula(clinic, desk):
    client, path = desk
    clinic.hold(OUTSIDE, StudyDescription="=HYPERLINK(1)")
    clinic.opened()
    answer = client.press(client.page(path + "?source=outside"), "Download as CSV")
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "attachment; filename=unmatched-20" in answer.headers["Content-Disposition"]
    lines = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert {line["description"] for line in lines} == {"Probable", "Possible", "'=HYPERLINK(1)"}
    assert {line["source"] for line in lines} == {"Outside archive"}
    assert lines[0]["images id"] == "RR-20931"


def test_answers_about_other_people_are_one_line_a_source_and_question(clinic, desk):
    client, path = desk
    with clinic.parts.records.write() as session:
        ask = session.query(AskRow).first()
        session.merge(StrangersRow(ask=ask.id, source="outside", count=7, at=clinic.parts.now))
    html = client.page(path)
    assert re.search(r"<li>.*Outside archive: 7 answers</li>", html)
    assert (
        "STRANGER"
        not in re.search(r'<details class="history" id="strangers".*?</details>', html, re.DOTALL)[0]
    )


def test_the_number_that_waits_is_in_the_header_of_every_page_of_staff(clinic, desk):
    client, path = desk
    key = path.split("/")[2]
    row = f"{path}/{clinic.waiting()[0].key}"
    for address in (path, row, f"/staff/{key}/archives", f"/admin/{key}/notices", f"/admin/{key}/fallback",
                    f"/staff/{key}/downtime"):  # fmt: skip
        assert "Unmatched studies 3" in text_of(client.page(address)), address
    confirming = client.press(client.page(row), "Another person")
    assert "Unmatched studies 3" in text_of(confirming.text)


def test_staff_get_from_the_patients_page_to_the_list_and_nobody_else_does(clinic, desk):
    html = clinic.client.page(clinic.opened(role=Role.STAFF))
    assert (
        "2 studies at Outside archive may belong to this patient."
        " Waiting for a decision of staff: Unmatched studies"
    ) in text_of(html)
    assert "Staff are checking." not in text_of(html)
    html = clinic.site.app.test_client()
    path = html.opened(clinic.site)
    said = text_of(html.page(path))
    assert "2 studies at Outside archive may belong to this patient. Staff are checking." in said
    assert "Unmatched studies" not in said
