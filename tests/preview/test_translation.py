"""Every sentence goes through gettext: in a language of ⟦brackets⟧, nothing but data stands outside them."""

import re
from dataclasses import replace
from io import BytesIO

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from flask_babel import Babel
from sqlalchemy import text, update
from support.inspecting import parsed
from support.installation import ROOT, source_block
from support.studies import OKAFOR, study

from fetch.identity import Doubt
from fetch.reasons import Reason
from preview.demo.behaviour import caps_answers, leaves_out, nothing_listens, refuses_association
from preview.records import AskRow, ContextRow, FetchRow, InstanceRow, Role

METHODS = [
    ("templates/**.html", "jinja2"),
    ("app.py", "python"),
    ("preview/**.py", "python"),
    ("fetch/**.py", "python"),
]
SAID_IN = ("alt", "aria-label", "title", "placeholder")
DATA = re.compile(
    r"OKAFOR|Adaeze|4471902|HOSP\b|City Hospital|Radiology 2345|Main archive|Other archive|CT Thorax|CT\b"
    r"|MR\b|Axial \d|\bA1\b|F-[0-9A-F]{6}|E-[0-9A-F]{6}|S:\d+|Dr Referrer"
)
"""What the tests put in: names, ids, labels of the settings; and references, and DICOM's short names."""


@pytest.fixture(scope="module")
def sentences() -> list:
    """Every message that pybabel would extract; plural forms as pairs."""
    strict = {"templates/**.html": {"silent": "false"}}
    found = extract_from_dir(str(ROOT), METHODS, strict, directory_filter=ours)
    return list(dict.fromkeys(message for _, _, message, _, _ in found))


def ours(folder: str) -> bool:
    relative = folder.removeprefix(str(ROOT)).strip("/")
    return not relative.startswith((".", "tests", "var", "preview/demo", "node_modules"))


@pytest.fixture(scope="module")
def brackets(sentences, tmp_path_factory):
    """The folder of the catalogue of the language of brackets, under the name of English."""
    catalogue = Catalog(locale="en")
    for message in sentences:
        forms = message if isinstance(message, tuple) else (message,)
        bracketed = tuple(f"⟦{form}⟧" for form in forms)
        catalogue.add(message, bracketed if isinstance(message, tuple) else bracketed[0])
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    folder = tmp_path_factory.mktemp("translations")
    (folder / "en" / "LC_MESSAGES").mkdir(parents=True)
    (folder / "en" / "LC_MESSAGES" / "messages.mo").write_bytes(compiled.getvalue())
    return folder


@pytest.fixture
def translated(install, brackets):
    """Make an installation whose reader reads brackets."""

    def installed(*sources: str):
        site = install(*sources)
        site.app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(brackets)
        Babel(site.app)
        return site

    return installed


def untranslated(html: str) -> list[str]:
    """The visible words that stand outside brackets and are no data."""
    whole = "<html" in html
    said = []
    for element in parsed(html, whole=whole):
        if element.tag not in {"script", "style", "time"}:
            said.append(element.text)
        said.append(element.tail)
        said += [element.get(name) for name in SAID_IN]
    return [left for one in said if one and (left := words_outside(one))]


def words_outside(said: str) -> str:
    while re.search(r"⟦[^⟦⟧]*⟧", said):
        said = re.sub(r"⟦[^⟦⟧]*⟧", "", said)
    left = DATA.sub("", said).strip()
    return left if re.search(r"[^\W\d_]", left) else ""


def check(response, least: int = 3) -> None:
    assert response.text.count("⟦") >= least, "nothing was translated"
    assert untranslated(response.text) == []


def press(client, html: str, button: str) -> None:
    assert client.press(html, f"⟦{button}⟧").status_code == 303


def test_the_language_of_brackets_is_checked_by_its_words():
    assert untranslated("<p>⟦Hello ⟦you⟧⟧ 12 · <time>22-Nov-2026</time> CT Thorax</p>") == []
    assert untranslated('<p>Hello</p><img alt="Scan">') == ["Hello", "Scan"]
    assert untranslated("<p>⟦A⟧ tail <b>⟦x⟧</b> after</p>") == ["tail", "after"]


def test_there_are_sentences(sentences):
    assert len(sentences) > 120
    assert any(isinstance(message, tuple) for message in sentences)


@pytest.mark.parametrize("reason", Reason)
def test_the_sentences_of_a_reason_are_extracted(sentences, reason):
    assert {reason.sentence, reason.next_step} <= set(sentences)


@pytest.mark.parametrize("doubt", Doubt)
def test_the_sentence_of_a_doubt_is_extracted(sentences, doubt):
    assert doubt.sentence in sentences


def test_the_patients_page_is_translated_in_every_state(translated, archive):
    with nothing_listens() as port:
        site = translated(
            source_block("main", archive.port, aet="MAIN"),
            source_block("other", port),
            source_block("third", archive.port, aet="MAIN", issuer="RIVERSIDE", label="Other archive"),
        )
        client = site.app.test_client()
        path = client.opened(site, ask=False)
        check(client.get(path))
        site.ask_all()
        check(client.get(path))
        for ds in (*study(), *study(Modality="MR", ReferringPhysicianName="Dr Referrer"), *study(day="")):
            archive.add(ds)
        for ds in study(replace(OKAFOR, birth_date=None)):
            archive.add(ds)
        for ds in study(day="19990101"):
            archive.add(ds)
        press(client, client.page(path), "Ask the archives again")
        site.ask_all()
        check(client.get(path), 20)
    for query in ("?modality=MR", "?modality=US", "?from=2001-01-01&to="):
        check(client.get(path + query))
    archive.behave(caps_answers(1, 0xA700))
    press(client, client.page(path), "Ask the archives again")
    site.ask_all()
    check(client.get(path), 20)


def test_none_and_paused_and_forgotten_are_translated(translated, archive):
    site = translated(source_block("main", archive.port, aet="MAIN"))
    client = site.app.test_client()
    path = client.opened(site)
    check(client.get(path))
    with site.parts.records.write() as session:
        session.execute(
            update(AskRow).values(
                finished_at=None, begun_at=None, wanted_at=site.parts.now.replace(year=2025)
            )
        )
    check(client.get(path))


STATES = [
    {},
    {"beat_at": "now", "begun_at": "now", "expected": 480, "arrived": 120},
    {"beat_at": "now", "begun_at": "now", "expected": None, "arrived": 1},
    {"beat_at": "then", "begun_at": "then", "expected": 480, "arrived": 120},
    {"outcome": "COMPLETE", "expected": 3, "arrived": 3},
    {"outcome": "COMPLETE", "expected": None, "arrived": 3},
    {"outcome": "INCOMPLETE", "expected": 3, "arrived": 2, "withheld": 1, "reason": "some-missing"},
    {"outcome": "INCOMPLETE", "expected": None, "arrived": 2, "reason": "connection-lost"},
    {"outcome": "FAILED", "reason": "nothing-sent"},
    {"outcome": "FAILED", "reason": "rejected"},
    {"outcome": "CANCELLED", "arrived": 1},
]


def test_the_study_page_is_translated_in_every_state(translated, archive):
    site = translated(source_block("main", archive.port, aet="MAIN"))
    for ds in study(series=2):
        archive.add(ds)
    client = site.app.test_client()
    path = client.opened(site)
    html = client.page(path)
    study_page = _study_page(path, html)
    check(client.get(study_page))
    press(client, html, "Fetch")
    check(client.get(study_page))
    site.fetch_all()
    check(client.get(study_page), 10)
    now = site.parts.now
    times = {"now": now, "then": now.replace(year=2025)}
    blank = {"begun_at": None, "beat_at": None, "outcome": None, "finished_at": None, "reason": None}
    for state in STATES:
        values = blank | {name: times.get(value, value) for name, value in state.items()}
        if values["outcome"]:
            values |= {"finished_at": now}
        with site.parts.records.write() as session:
            session.execute(update(FetchRow).values(withheld=0, arrived=0, expected=None))
            session.execute(update(FetchRow).values(**values))
        for address in (path, study_page):
            check(client.get(address))
            check(client.get(f"{address}/updates?v=old", headers={"HX-Request": "true"}))


def _study_page(path: str, html: str) -> str:
    return f"{path}/studies/{re.search(r'id=.study-(.{32})', html)[1]}"


def test_a_stored_reason_is_translated_where_it_is_shown(translated, archive):
    site = translated(source_block("main", archive.port, aet="MAIN"))
    for ds in study(images=1):
        archive.add(ds)
    client = site.app.test_client()
    path = client.opened(site)
    press(client, client.page(path), "Fetch")
    site.fetch_all()
    with site.parts.records.write() as session:
        session.execute(update(InstanceRow).values(reason=Reason.STOPPED.sentence))
    check(client.get(_study_page(path, client.page(path))))


def test_the_list_of_unmatched_studies_is_translated(translated, archive):
    site = translated(source_block("main", archive.port, aet="MAIN"))
    client = site.app.test_client()
    path = client.opened(site, None, Role.STAFF)
    check(client.get(path))
    for ds in (*study(replace(OKAFOR, birth_date=None, sex="")), *study(replace(OKAFOR, name=""))):
        archive.add(ds)
    client.opened(site, OKAFOR, Role.STAFF)
    with site.parts.records.engine.begin() as connection:
        every = ", ".join(f'"{doubt.code}"' for doubt in Doubt)
        connection.execute(text("UPDATE unmatched SET doubts = :doubts"), {"doubts": f"[{every}]"})
    check(client.get(path), 20)


def test_refusals_are_translated(translated, archive):
    site = translated(source_block("main", archive.port, aet="MAIN"))
    client = site.app.test_client()
    check(client.get("/"))
    path = client.opened(site)
    for address in (
        "/nowhere",
        "/open/used",
        "/unmatched",
        f"{path}?from=x",
        f"/staff/{path[10:]}/unmatched",
    ):
        check(client.get(address))
    check(client.post(f"{path}/ask"))
    check(client.post(path))
    check(client.get(f"{path}/studies/x/updates", headers={"HX-Request": "true"}), 2)
    with site.parts.records.write() as session:
        session.execute(update(ContextRow).values(ends_at=site.parts.now))
    check(client.get(f"{path}/updates", headers={"HX-Request": "true"}), 2)
    with site.parts.records.engine.begin() as connection:
        connection.execute(text("UPDATE contexts SET role = 'nobody'"))
    check(client.get(path))
    with site.parts.records.engine.begin() as connection:
        connection.execute(text("ALTER TABLE contexts RENAME TO lost"))
    check(client.get(path))


def test_failed_fetches_are_translated_as_they_happen(translated, archive):
    site = translated(source_block("main", archive.port, aet="MAIN"))
    for ds in study():
        archive.add(ds)
    client = site.app.test_client()
    path = client.opened(site)
    archive.behave(refuses_association())
    press(client, client.page(path), "Fetch")
    site.fetch_all()
    check(client.get(path))
    archive.behave(leaves_out(1))
    press(client, client.page(path), "Try now")
    site.fetch_all()
    check(client.get(path))
