"""A patient with very many studies: fifteen on each page, wherever the reader is in the list."""

import re
from dataclasses import replace
from datetime import date, timedelta
from html import unescape

import pytest
from sqlalchemy import update
from support.inspecting import polled_address, text_of
from support.listed import found, studies

from fetch.model import Study
from fetch.records import StudyRow
from preview.records import FetchRow

HX = {"HX-Request": "true"}


@pytest.fixture
def path(client, site):
    """Every second study is an MR; the newest is called 44."""
    path = client.opened(site, ask=False)
    found(site, [numbered(number) for number in range(45)], series=0)
    return path


def numbered(number: int) -> Study:
    (one,) = studies(1, description=f"No. {number}", modalities=("MR" if number % 2 else "CT",))
    return replace(one, study_date=date(2026, 1, 1) + timedelta(days=number))


def shown(html: str) -> list[int]:
    """The numbers of the cards, in their order."""
    return [int(number) for number in re.findall(r"</span>\s*No\. (\d+)\s*<span", html)]


def link(html: str, which: str) -> str:
    """Where the link to the newer or older page leads; "" without one."""
    found = re.search(rf'id="{which}" href="([^"#]*)#studies"', html)
    return unescape(found[1]) if found else ""


def down_from(client, number: int, **values: object) -> None:
    with client.application.extensions["preview"].records.write() as session:
        session.execute(update(StudyRow).where(StudyRow.description == f"No. {number}").values(**values))


def test_links_lead_to_older_studies_and_back(client, path):
    first = client.page(path)
    assert shown(first) == list(range(44, 29, -1))
    assert "15 of 45 studies shown" in text_of(first)
    assert "30 older studies" in text_of(first)
    assert not link(first, "newer")
    second = client.page(link(first, "older"))
    assert shown(second) == list(range(29, 14, -1))
    assert "Studies 16 to 30 of 45" in text_of(second)
    third = client.page(link(second, "older"))
    assert shown(third) == list(range(14, -1, -1))
    assert "Studies 31 to 45 of 45" in text_of(third)
    assert not link(third, "older")
    assert shown(client.page(link(third, "newer"))) == shown(second)
    assert shown(client.page(link(second, "newer"))) == shown(first)


def test_a_filter_has_pages_of_its_own_and_keeps_to_them(client, path):
    first = client.page(f"{path}?modality=MR")
    assert shown(first) == list(range(43, 13, -2))
    assert "15 of 45 studies shown" in text_of(first)
    second = client.page(link(first, "older"))
    assert shown(second) == [13, 11, 9, 7, 5, 3, 1]
    assert "Studies 16 to 22 of 22" in text_of(second)
    all_kinds = unescape(re.search(r'id="kind-all" href="([^"]*)"', second)[1])
    assert "after" not in all_kinds, "another filter begins with the newest"


def test_a_newer_study_moves_no_page_that_somebody_reads(site, client, path):
    older = link(client.page(path), "older")
    before = shown(client.page(older))
    found(site, [numbered(99)], series=0)
    assert shown(client.page(path))[0] == 99
    assert shown(client.page(older)) == before


def test_a_page_stays_where_it_was_when_the_study_before_it_is_withheld(client, path):
    older = link(client.page(path), "older")
    down_from(client, 30, patient_name="SOMEBODY^Else")
    html = client.page(older)
    assert shown(html) == list(range(29, 14, -1))
    assert "Studies 15 to 29 of 44" in text_of(html)


def test_the_poll_of_an_older_page_brings_that_page(site, client, path):
    older = client.page(link(client.page(path), "older"))
    client.press(older, "Fetch")
    address = polled_address(client.page(link(client.page(path), "older")))
    assert "after=" in address
    assert client.get(address, headers=HX).status_code == 204
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(cancel_at=site.parts.now))
    assert shown(client.get(address, headers=HX).text) == list(range(29, 14, -1))


def test_a_fetch_on_an_older_page_leads_back_to_it(client, path):
    response = client.press(client.page(link(client.page(path), "older")), "Fetch")
    assert shown(client.page(response.headers["Location"])) == list(range(29, 14, -1))


def test_the_older_pages_last_study_may_disappear(client, path):
    first = client.page(f"{path}?modality=MR")
    older = link(first, "older")
    for number in range(13, 0, -2):
        down_from(client, number, patient_name="SOMEBODY^Else")
    assert shown(client.page(older)) == [15], "rather the last one than none"


@pytest.mark.parametrize("after", ["x", "0" * 32, "%00", "9" * 400, "../..", "'"])
def test_any_address_is_a_page(client, path, after):
    assert shown(client.page(f"{path}?after={after}")) == list(range(44, 29, -1))
