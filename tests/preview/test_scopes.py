"""This study, the last year, everything: which studies a page shows, and what it offers beside them."""

import re
from dataclasses import replace
from html import unescape

import pytest
from sqlalchemy import select
from support.inspecting import text_of
from support.listed import found, studies
from support.studies import OKAFOR

from preview.entrance import access
from preview.records import AskRow, FetchRow, Role
from preview.routes.imaging import _code


def launched(site, client, **wish) -> str:
    """Opened by the clinical application for what the wish says; the path of the page."""
    with site.parts.records.write() as session:
        code = access.prepare(
            session,
            role=Role.REFERRER,
            patient=OKAFOR,
            person="",
            now=site.parts.now,
            wish=access.Wish(**wish),
        )
    return client.get(f"/open/{code}").headers["Location"]


def tabs(html: str) -> list[str]:
    row = re.search(r'<span class="tabs">(.*?)</span>', html, re.DOTALL)[1]
    return [text_of(tab) for tab in re.findall(r"<(?:a|button).*?</(?:a|button)>", row, re.DOTALL)]


def chosen(html: str) -> list[str]:
    """What is marked as the current choice."""
    return [
        text_of(one)
        for one in re.findall(
            r'<(?:a|button) class="(?:tab|chip)"[^>]*aria-current="true".*?</(?:a|button)>', html, re.DOTALL
        )
    ]


def numbers(html: str) -> list[str]:
    return re.findall(r"</span>\s*No\. (\d+)\s*<span", html)


@pytest.fixture
def meant(site, client):
    """The page of a patient who was opened for the third of five studies."""
    path = launched(site, client, accession="A2")
    found(site, studies(5))
    return path


def this_study(html: str) -> str:
    return unescape(re.search(r'id="this-study" href="([^"]*)"', html)[1])


def test_without_a_study_that_was_meant_there_is_no_such_tab(site, client):
    html = client.page(client.opened(site))
    assert tabs(html) == ["Recent (1 year)", "All"]
    assert "1 of" not in text_of(html)


def test_the_study_that_was_meant_has_a_tab(client, meant):
    html = client.page(meant)
    assert tabs(html) == ["This study", "Recent (1 year)", "All"]
    assert numbers(html) == ["2", "0", "1", "3", "4"]
    html = client.page(this_study(html))
    assert numbers(html) == ["2"]
    assert chosen(html) == ["This study"]
    assert "1 of 5 studies shown" in text_of(html)
    assert "To compare two studies" not in text_of(html)


def test_the_address_of_this_study_names_neither_it_nor_the_patient(client, meant):
    address = this_study(client.page(meant))
    assert address == f"{meant}?from=&to=&view=this"


def test_from_this_study_a_tab_leads_to_all(site, client, meant):
    html = client.page(this_study(client.page(meant)))
    response = client.press(html, "All")
    assert response.status_code == 303
    assert "view" not in response.headers["Location"]
    found(site, [])
    assert chosen(client.page(response.headers["Location"]))[0] == "All"


def test_asking_again_stays_with_this_study(client, meant):
    html = client.page(this_study(client.page(meant)))
    assert "view=this" in client.press(html, "Ask the archives again").headers["Location"]


def test_a_meant_study_that_is_not_there_is_not_called_none(site, client):
    path = launched(site, client, accession="ELSEWHERE")
    found(site, studies(2))
    text = text_of(client.page(this_study(client.page(path))))
    assert "The study that the clinical application meant is not shown here." in text
    assert "The study is not among those found" in text
    assert "No imaging found" not in text


def test_the_view_in_an_address_means_nothing_where_no_study_was_meant(site, client):
    path = client.opened(site, ask=False)
    found(site, studies(2))
    assert len(numbers(client.page(f"{path}?view=this"))) == 2


def test_another_range_keeps_the_kind(site, client):
    path = client.opened(site, ask=False)
    found(site, studies(8))
    response = client.press(client.page(f"{path}?modality=CT"), "7 days")
    assert "modality=CT" in response.headers["Location"]


@pytest.mark.parametrize("written", ["a\x00b", "C T", "x" * 17, "<b>", "../"])
def test_what_is_no_code_is_not_repeated(written):
    assert _code(written) == ""


# --- what has not been fetched


def test_what_nobody_has_fetched_is_counted_and_fetched_at_once(site, client):
    path = client.opened(site, ask=False)
    some = studies(5)
    found(site, some[:2])
    found(site, some[2:], series=0)
    html = client.page(path)
    assert "Also in Main archive: 3 studies, not fetched." in text_of(html)
    before = html.index("Also in Main archive")
    assert html.index("No. 1") < before < html.index("No. 2"), "below what has pictures"
    response = client.press(html, "Fetch all")
    assert response.headers["Location"].endswith("#studies")
    with site.parts.records.read() as session:
        wanted = session.scalars(select(FetchRow).where(FetchRow.finished_at.is_(None))).all()
    assert len(wanted) == 3
    assert "Also in Main archive" not in text_of(client.page(path))


def test_one_study_alone_has_its_own_button(site, client):
    path = client.opened(site, ask=False)
    found(site, studies(1), series=0)
    assert "Also in" not in text_of(client.page(path))


def test_fetching_all_of_another_source_fetches_nothing(site, client):
    path = client.opened(site, ask=False)
    found(site, studies(3), series=0)
    client.press(client.page(path), "Fetch all", source="other")
    with site.parts.records.read() as session:
        assert not session.scalars(select(FetchRow)).all()


def test_fetching_all_of_a_filtered_page_fetches_that_kind(site, client):
    path = client.opened(site, ask=False)
    found(site, [replace(one, modalities=("CT",)) for one in studies(2)], series=0)
    found(site, [replace(one, modalities=("MR",)) for one in studies(3)], series=0)
    response = client.press(client.page(f"{path}?modality=CT"), "Fetch all")
    assert "modality=CT" in response.headers["Location"]
    with site.parts.records.read() as session:
        assert len(session.scalars(select(FetchRow)).all()) == 2


def test_studies_outside_the_dates_can_be_shown(site, client):
    path = client.opened(site, ask=False)
    found(site, studies(1), outside=4)
    html = client.page(path)
    assert "Also in Main archive: 4 studies outside these dates, not fetched." in text_of(html)
    client.press(html, "Show all dates")
    with site.parts.records.read() as session:
        last = session.scalars(select(AskRow).order_by(AskRow.wanted_at.desc())).first()
    assert (last.start, last.end) == (None, None)
