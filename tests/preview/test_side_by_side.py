"""Two studies ticked and opened side by side: what leads to the viewer, and what stands in the way."""

import re
from dataclasses import replace
from datetime import date
from html import unescape

import pytest
from sqlalchemy import update
from support.inspecting import text_of
from support.installation import source_block
from support.listed import found, studies
from support.studies import OKAFOR, study
from support.web_archive import WebArchive

from fetch.model import Study
from fetch.records import StudyRow
from preview.page import Card, Door, Opening, Pairing, Poster, Progress, Status, pair_of

VIEWER = "http://127.0.0.1:3000"


@pytest.fixture
def some():
    """The newest first."""
    return studies(3)


@pytest.fixture
def path(site, client, some):
    path = client.opened(site, ask=False)
    found(site, some)
    return path


def ticks(html: str) -> list[str]:
    """The keys that can be ticked, in the order of the cards."""
    return re.findall(r'<input type="checkbox" id="tick-\w+" name="study" value="(\w+)" form="compare"', html)


def compare(client, path: str, *keys: str):
    return client.get(f"{path}/compare", query_string=[("study", key) for key in keys])


def test_two_ticked_studies_open_side_by_side_the_newer_one_left(client, path, some):
    keys = ticks(client.page(path))
    assert len(keys) == 3
    for ticked in (keys[0], keys[2]), (keys[2], keys[0]):
        response = compare(client, path, *ticked)
        assert response.status_code == 303
        address = response.headers["Location"]
        newer, older = some[0].study_uid, some[2].study_uid
        assert address.startswith(
            f"{VIEWER}/viewer?StudyInstanceUIDs={newer},{older}&initialSeriesInstanceUID="
        )
        assert address.endswith("&hangingProtocolId=@ohif/hpCompare")


def test_studies_that_were_not_fetched_open_as_well(site, client):
    path = client.opened(site, ask=False)
    found(site, studies(2), series=0)
    address = compare(client, path, *ticks(client.page(path))).headers["Location"]
    assert "initialSeries" not in address


def test_the_form_leads_there_without_scripts_and_names_no_study_by_what_identifies_it(client, path, some):
    html = client.page(path)
    form = re.search(r'<form class="comparing scripted"[^>]*>.*?</form>', html, re.DOTALL)[0]
    assert f'action="{path}/compare"' in form
    assert 'method="get"' in form
    assert 'target="ohif"' in form
    assert "disabled" not in form, "only a script may wait for the second tick"
    assert not any(one.study_uid in form for one in some)


def test_a_browser_may_follow_the_form_to_the_viewer_and_nowhere_else(client, path):
    policy = client.get(path).headers["Content-Security-Policy"]
    assert f"form-action 'self' {VIEWER};" in policy


def test_a_tick_stays_when_the_page_is_refreshed(client, path):
    assert len(re.findall(r'<input type="checkbox"[^>]* data-kept>', client.page(path))) == 3


def test_one_tick_offers_the_second(client, path):
    keys = ticks(client.page(path))
    response = compare(client, path, keys[1])
    assert response.status_code == 409
    said = text_of(response.text)
    assert "Two studies are compared. Choose the second one." in said
    assert "OKAFOR, Adaeze Born 14-Jul-1975" in said
    links = [unescape(link) for link in re.findall(r'id="with-\w+" href="([^"]*)"', response.text)]
    assert len(links) == 2
    assert client.get(links[0]).status_code == 303


@pytest.mark.parametrize(
    ("which", "sentence"),
    [
        ((), "Two studies are compared. Tick both on the patient's page."),
        ((0, 0), "Choose the second one."),
        ((0, 1, 2), "Two studies are compared, and more were ticked."),
    ],
)
def test_any_other_number_of_ticks_is_said(client, path, which, sentence):
    keys = ticks(client.page(path))
    response = compare(client, path, *(keys[one] for one in which))
    assert response.status_code == 409
    assert sentence in text_of(response.text)


# --- who may see what


def test_a_study_of_somebody_else_opens_nothing_and_tells_nothing(site, client, path):
    keys = ticks(client.page(path))
    with site.parts.records.write() as session:
        session.execute(update(StudyRow).where(StudyRow.key == keys[1]).values(patient_name="SOMEBODY^Else"))
    response = compare(client, path, keys[0], keys[1])
    assert response.status_code == 409
    assert "Not all of the ticked studies are shown any more." in text_of(response.text)
    for hidden in ("No. 1", "SOMEBODY", "StudyInstanceUIDs=" + keys[1]):
        assert hidden not in response.text


@pytest.mark.parametrize("key", ["0" * 32, "x", "%00", "../..", "' OR 1=1"])
def test_a_guessed_key_opens_nothing(client, path, key):
    response = compare(client, path, ticks(client.page(path))[0], key)
    assert response.status_code == 409
    assert "Not all of the ticked studies are shown any more." in text_of(response.text)


def test_another_browser_compares_nothing(site, client, path):
    keys = ticks(client.page(path))
    response = compare(site.app.test_client(), path, *keys[:2])
    assert response.status_code == 403
    assert "viewer?" not in response.text


# --- what the viewer has


@pytest.fixture
def halfway(install):
    """The viewer's archive has one of two studies; the page's client, path, and both."""
    has, lacks = studies(2)
    with WebArchive(study(study_uid=has.study_uid)).running() as viewer:
        address = f"http://127.0.0.1:{viewer.port}/web"
        site = install(
            source_block("main", 1), viewer_lines=f'url = "{address}/viewer"\ndicomweb = "{address}"'
        )
        client = site.app.test_client()
        path = client.opened(site, ask=False)
        yield client, path, found(site, [has, lacks])


def test_a_study_that_the_viewer_lacks_cannot_be_ticked_and_is_named(halfway):
    client, path, keys = halfway
    response = compare(client, path, *keys)
    assert response.status_code == 409
    said = text_of(response.text)
    assert "The two studies cannot be opened side by side." in said
    assert "Not in the viewer yet." in said
    assert keys[1] not in ticks(client.page(path))


def card(door: Door, day: date = date(2026, 11, 1), source: str = "", **more) -> Card:
    one = Study("main", "1.2.3", OKAFOR, study_date=day, **more)
    return Card("key", one, ("Main",), (), Progress(Status.NOT_FETCHED), Opening(door, source))


@pytest.mark.parametrize(
    ("doors", "pairing"),
    [
        ((Door.OPEN, Door.OPEN), Pairing.OPENS),
        ((Door.OPEN, Door.PART), Pairing.OPENS),
        ((Door.NOT_CHECKED, Door.NOT_CHECKED), Pairing.OPENS),
        ((Door.DOWN, Door.DOWN), Pairing.OPENS),
        ((Door.OPEN, Door.CHECKING), Pairing.CHECKING),
        ((Door.OPEN, Door.ABSENT), Pairing.CLOSED),
        ((Door.CHECKING, Door.OTHER_PATIENT), Pairing.CLOSED),
        ((Door.NO_LINK, Door.OPEN), Pairing.CLOSED),
        ((Door.NO_VIEWER, Door.NO_VIEWER), Pairing.CLOSED),
    ],
)
def test_both_must_open(doors, pairing):
    assert pair_of([card(door) for door in doors], 2).pairing is pairing


def test_one_link_names_one_place():
    apart = [card(Door.OPEN, source="a"), card(Door.OPEN, source="b")]
    assert pair_of(apart, 2).pairing is Pairing.APART


def test_the_series_to_begin_with_is_one_with_a_picture_and_no_report():
    posters = (
        Poster("1.1", "SR", "Report", 1, 1, picture="a/b.png"),
        Poster("1.2", "CT", "Awaited", 2, 1),
        Poster("1.3", "CT", "Axial", 3, 1, picture="a/c.png"),
    )
    newer = replace(card(Door.OPEN), posters=posters)
    assert pair_of([card(Door.OPEN, date(2020, 1, 1)), newer], 2).series_uid == "1.3"
    assert pair_of([], 0).series_uid == ""
