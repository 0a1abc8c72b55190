"""Each language says everything: every sentence, with the same places to fill in, and nothing else."""

import re

import pytest
from babel.messages.pofile import read_po
from support.inspecting import text_of
from support.sentences import extracted
from test_study import visit  # noqa: F401
from translations import __main__ as making

from preview.languages import FOLDER

PLACE = re.compile(r"%\(\w+\)s")


@pytest.fixture(scope="module", params=sorted(file.stem for file in FOLDER.glob("*.po")))
def written(request):
    with (FOLDER / f"{request.param}.po").open("rb") as file:
        return read_po(file, locale=request.param)


def test_german_is_one_of_them():
    assert (FOLDER / "de.po").is_file()


def test_every_sentence_is_translated(written):
    missing = [
        sentence
        for sentence in extracted()
        if not (found := written.get(sentence)) or not found.string or not all(_forms(found.string))
    ]
    assert missing == []


def test_nothing_is_translated_that_nobody_says(written):
    said = set(extracted())
    assert [message.id for message in written if message.id and message.id not in said] == []


def test_every_place_to_fill_in_is_there(written):
    for message in written:
        asked = set(PLACE.findall(str(message.id)))
        for form in _forms(message.string):
            here = set(PLACE.findall(form))
            assert here <= asked, message.id
            assert asked - here <= ({"%(num)s"} if message.pluralizable else set()), message.id


def test_the_pages_are_in_german(visit):  # noqa: F811
    here = visit()
    here.client.get(f"{here.path}?lang=de")
    here.client.press(here.html(), "Abrufen")
    here.site.fetch_all()
    text = here.text()
    assert "Nicht zur Befundung." in text
    assert "Vollständig, 3 von 3 Bildern" in text
    assert "Bild 2 von 3" in text
    assert "Durchsucht: Main archive" in text_of(here.client.get(here.patient_page).text)


def _forms(string) -> tuple[str, ...]:
    return string if isinstance(string, tuple) else (string,)


def test_another_language_begins_with_every_sentence_and_keeps_what_is_translated(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "FOLDER", tmp_path)
    assert len(making.renew("fr")) == len(extracted())
    file = tmp_path / "fr.po"
    translated = 'msgid "Not known"\nmsgstr "Inconnu"\n\nmsgid "Nobody says this"\nmsgstr "Personne"\n'
    file.write_text(file.read_text().replace('msgid "Not known"\nmsgstr ""\n', translated))
    assert len(making.renew("fr")) == len(extracted()) - 1
    assert 'msgid "Not known"\nmsgstr "Inconnu"\n' in file.read_text()
    assert "Nobody says this" not in file.read_text()
