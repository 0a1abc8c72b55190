"""A patient with very many studies: fifty on each page, fifteen of them at first, wherever the reader is."""

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
    """Every second study is an MR; the newest is called 129."""
    path = client.opened(site, ask=False)
    found(site, [numbered(number) for number in range(130)], series=0)
    return path


def numbered(number: int) -> Study:
    (one,) = studies(1, description=f"No. {number}", modalities=("MR" if number % 2 else "CT",))
    return replace(one, study_date=date(2026, 5, 1) + timedelta(days=number))


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


def whole(html: str) -> str:
    """Where the page asks for the rest of its cards when the reader comes near; "" if they have all come."""
    found = re.search(r'<div hx-get="([^"]*)" hx-trigger="revealed"', html)
    return unescape(found[1]) if found else ""


def older(client, html: str) -> str:
    """The whole next page, by links alone."""
    if rest := re.search(r'id="older" href="([^"#]*)#study-', html):
        html = client.page(unescape(rest[1]))
    return link(html, "older") + "&whole=1"


def test_links_lead_to_older_studies_and_back(client, path):
    first = client.page(f"{path}?whole=1")
    assert shown(first) == list(range(129, 79, -1))
    assert "50 of 130 studies shown" in text_of(first)
    assert "80 older studies" in text_of(first)
    assert not link(first, "newer")
    second = client.page(older(client, first))
    assert shown(second) == list(range(79, 29, -1))
    assert "Studies 51 to 100 of 130" in text_of(second)
    third = client.page(older(client, second))
    assert shown(third) == list(range(29, -1, -1))
    assert "Studies 101 to 130 of 130" in text_of(third)
    assert not link(third, "older")
    assert shown(client.page(link(third, "newer"))) == shown(second)[:15]
    assert shown(client.page(link(second, "newer"))) == shown(first)[:15]


def test_fifteen_come_at_first_and_the_rest_of_the_page_when_the_reader_comes_near(client, path):
    first = client.page(path)
    assert shown(first) == list(range(129, 114, -1))
    assert "15 of 130 studies shown" in text_of(first)
    rest = client.get(whole(first), headers=HX)
    assert shown(rest.text) == list(range(129, 79, -1))
    assert not whole(rest.text)
    assert "whole=1" in unescape(re.search(r'id="banner" hx-get="([^"]*)"', rest.text)[1]), "it stays whole"


def test_without_scripts_a_link_brings_the_rest_of_the_page(client, path):
    first = client.page(path)
    assert "Show 35 more studies" in text_of(first)
    address = re.search(r'id="older" href="([^"#]*)#study-', first)[1]
    assert shown(client.page(unescape(address))) == list(range(129, 79, -1))


def test_a_page_that_has_room_for_all_has_no_further_ones(client, path):
    for number in range(100):
        down_from(client, number, patient_name="SOMEBODY^Else")
    first = client.page(path)
    assert "Show 15 more studies" in text_of(first)
    rest = client.page(f"{path}?whole=1")
    assert shown(rest) == list(range(129, 99, -1))
    assert not link(rest, "older")


def test_a_filter_has_pages_of_its_own_and_keeps_to_them(client, path):
    first = client.page(f"{path}?modality=MR&whole=1")
    assert shown(first) == list(range(129, 29, -2))
    assert "50 of 130 studies shown" in text_of(first)
    second = client.page(older(client, first))
    assert shown(second) == list(range(29, 0, -2))
    assert "Studies 51 to 65 of 65" in text_of(second)
    all_kinds = unescape(re.search(r'id="kind-all" href="([^"]*)"', second)[1])
    assert "after" not in all_kinds, "another filter begins with the newest"


def test_a_newer_study_moves_no_page_that_somebody_reads(site, client, path):
    second = older(client, client.page(path))
    before = shown(client.page(second))
    found(site, [numbered(199)], series=0)
    assert shown(client.page(path))[0] == 199
    assert shown(client.page(second)) == before


def test_a_page_stays_where_it_was_when_the_study_before_it_is_withheld(client, path):
    second = older(client, client.page(path))
    down_from(client, 80, patient_name="SOMEBODY^Else")
    html = client.page(second)
    assert shown(html) == list(range(79, 29, -1))
    assert "Studies 50 to 99 of 129" in text_of(html)


def test_the_poll_of_an_older_page_brings_that_page(site, client, path):
    second = older(client, client.page(path))
    client.press(client.page(second), "Fetch")
    address = polled_address(client.page(second))
    assert "after=" in address
    assert client.get(address, headers=HX).status_code == 204
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(cancel_at=site.parts.now))
    assert shown(client.get(address, headers=HX).text) == list(range(79, 29, -1))


def test_a_fetch_on_an_older_page_leads_back_to_it(client, path):
    response = client.press(client.page(older(client, client.page(path))), "Fetch")
    assert shown(client.page(response.headers["Location"])) == list(range(79, 29, -1))


def test_the_older_pages_last_study_may_disappear(client, path):
    second = older(client, client.page(f"{path}?modality=MR"))
    for number in range(29, 0, -2):
        down_from(client, number, patient_name="SOMEBODY^Else")
    assert shown(client.page(second)) == [31], "rather the last one than none"


@pytest.mark.parametrize("after", ["x", "0" * 32, "%00", "9" * 400, "../..", "'"])
def test_any_address_is_a_page(client, path, after):
    assert shown(client.page(f"{path}?after={after}")) == list(range(129, 114, -1))
