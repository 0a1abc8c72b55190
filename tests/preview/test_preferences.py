"""What a reader prefers: the language and the theme of every page, and that they are remembered."""

import re
from datetime import date

import pytest

from preview.languages import FOLDER, catalogue, languages
from preview.words import day


def lang(html: str) -> str:
    return re.search(r'<html lang="([^"]*)"', html)[1]


def test_the_language_is_the_browsers_until_another_is_chosen(client):
    german = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
    assert lang(client.get("/").text) == "en"
    assert lang(client.get("/", headers=german).text) == "de"
    assert lang(client.get("/?lang=en", headers=german).text) == "en"
    assert lang(client.get("/", headers=german).text) == "en", "what was chosen is remembered"
    assert lang(client.get("/", headers={"Accept-Language": "tlh"}).text) == "en"


def test_the_theme_is_the_systems_until_another_is_chosen(client):
    auto = client.get("/").text
    assert 'media="(prefers-color-scheme: light)"' in auto
    light = client.get("/?theme=light").text
    assert "light.css" in light
    assert "prefers-color-scheme" not in light
    dark = client.get("/status?theme=dark").text
    assert "light.css" not in dark
    assert "light.css" not in client.get("/").text, "what was chosen is remembered"
    assert client.get("/?theme=auto").text.count("prefers-color-scheme") == 1


@pytest.mark.parametrize("address", ["/?lang=xx", "/?lang=../de", "/?theme=pink", "/?lang=&theme="])
def test_what_there_is_not_changes_nothing(client, address):
    html = client.get(address).text
    assert lang(html) == "en"
    assert 'media="(prefers-color-scheme: light)"' in html


def test_a_choice_keeps_what_the_page_shows(site, client):
    path = client.opened(site)
    html = client.get(f"{path}?from=2026-01-01&to=&modality=CT&lang=de").text
    other = re.search(r'id="theme-dark" href="([^"]*)"', html)[1]
    assert other == "?from=2026-01-01&amp;to=&amp;modality=CT&amp;theme=dark"


def test_dates_have_the_month_in_the_readers_language(site):
    for language, said in (("en", "22-Oct-2026"), ("de", "22-Okt-2026")):
        with site.app.test_request_context(headers={"Accept-Language": language}):
            assert f">{said}<" in day(date(2026, 10, 22))


def test_a_language_is_a_file_and_whatever_there_is_is_offered(client):
    assert set(languages()) == {"en", *(file.stem for file in FOLDER.glob("*.po"))}
    html = client.get("/").text
    for code, name in languages().items():
        assert re.search(rf'id="language-{code}"[^>]*>{name}</a>', html)
    assert catalogue("en").gettext("Not known") == "Not known"
