"""Every sentence goes through gettext: in a language of ⟦brackets⟧, nothing but data stands outside them."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from io import BytesIO

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask_babel import Babel
from sqlalchemy import select, text, update
from support.inspecting import parsed
from support.installation import source_block
from support.listed import found
from support.listed import studies as listed
from support.sentences import extracted
from support.studies import OKAFOR, study

from fetch.identity import Agreement, Doubt, Field, Remark
from fetch.notes import Note
from fetch.reasons import Reason
from fetch.records import UnmatchedRow
from preview.demo.behaviour import caps_answers, leaves_out, nothing_listens, refuses_association
from preview.entrance import access
from preview.fallback.records import NoticeRow
from preview.matching import unmatched
from preview.matching.records import Verdict
from preview.pictures.selection import _TITLES, Purpose, Selected, Selection
from preview.records import AskRow, ContextRow, FetchRow, InstanceRow, NoteRow, Role, SeriesRow
from preview.routes import refusals
from preview.studies import selections

SAID_IN = ("alt", "aria-label", "title", "placeholder")
DATA = re.compile(
    r"OKAFOR|Adaeze|4471902|HOSP\b|City Hospital|Radiology 2345|Main archive|Other archive|CT Thorax|CT\b"
    r"|MR\b|Axial \d|\bA1\b|F-[0-9A-F]{6}|E-[0-9A-F]{6}|S:\d+|Dr Referrer"
    r"|14-Jul-1975|English|Deutsch|\bv\b"
)
"""What the tests put in: names, ids, labels of the settings; and references, and DICOM's short names.

A birth date that is compared letter by letter is in the reader's language, but no ``time`` element.
"""


@pytest.fixture(scope="module")
def sentences() -> list:
    return list(extracted())


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


@pytest.mark.parametrize("reason", [*Doubt, *Remark])
def test_the_sentence_of_a_reason_for_a_grade_is_extracted(sentences, reason):
    assert reason.sentence in sentences


def test_what_a_field_says_is_extracted(sentences):
    assert {field.label for field in Field} | {one.sentence for one in Agreement} <= set(sentences)


def test_many_studies_and_their_comparison_are_translated(translated):
    site = translated(source_block("main", 1))
    client = site.app.test_client()
    path = client.opened(site, ask=False)
    keys = found(
        site, listed(20, description="CT Thorax", accession="A1", modalities=("CT",)), series=0, outside=4
    )
    html = client.page(path)
    check(client.get(path), 20)
    check(client.get(unescape(re.search(r'id="older" href="([^"]*)"', html)[1])), 20)
    for ticked in ([], keys[:1], keys[:3], [keys[0], "0" * 32]):
        check(client.get(f"{path}/compare", query_string=[("study", key) for key in ticked]))


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
    {"outcome": "COMPLETE", "expected": 2, "arrived": 2},
    {"outcome": "COMPLETE", "expected": 7, "arrived": 7},
    {"reason": "no-answer", "next_try_at": "soon", "tries": 1, "begun_at": "now"},
    {"reason": "busy", "next_try_at": "soon", "tries": 2, "begun_at": "now", "arrived": 1},
    {"reason": "busy", "next_try_at": "soon", "tries": 10, "begun_at": "now", "arrived": 1, "expected": 3},
    {"scope": "POSTERS"},
    {"scope": "POSTERS", "begun_at": "then", "beat_at": "then"},
    {"scope": "POSTERS", "reason": "no-answer", "next_try_at": "soon", "tries": 20},
    {"scope": "POSTERS", "reason": "no-answer", "next_try_at": "soon", "tries": 3, "arrived": 1},
    {"scope": "POSTERS", "outcome": "COMPLETE", "arrived": 1},
    {"scope": "POSTERS", "outcome": "INCOMPLETE", "arrived": 2, "withheld": 1, "reason": "some-withheld"},
    {"scope": "POSTERS", "outcome": "FAILED", "reason": "no-answer"},
    {"scope": "POSTERS", "outcome": "CANCELLED", "arrived": 1},
    {"scope": "POSTERS", "begun_at": "now", "beat_at": "now", "cancel_at": "now"},
    {"begun_at": "then", "beat_at": "then", "cancel_at": "now"},
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
    times = {"now": now, "then": now.replace(year=2025), "soon": now + timedelta(minutes=9)}
    blank = dict.fromkeys(
        ("begun_at", "beat_at", "outcome", "finished_at", "reason", "next_try_at", "cancel_at")
    )
    blank |= {"scope": "ALL", "tries": 0}
    note_everything(site)
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


def note_everything(site) -> None:
    """Every line that a log can have, and gaps in every series."""
    facts = {"count": 2, "series": 3, "way": "c-move", "reason": "no-answer", "instead": "single images"}
    said = [(note, facts) for note in Note] + [(note, facts | {"count": 1}) for note in Note if note.many]
    with site.parts.records.write() as session:
        fetch = session.scalars(select(FetchRow)).one()
        lines = [NoteRow(fetch=fetch.id, at=site.parts.now, code=n.code, facts=f) for n, f in said]
        session.add_all(lines)
        session.execute(update(SeriesRow).values(expected=9))
        for n in range(9):
            session.add(
                SeriesRow(study_row=fetch.study_row, series_uid=f"1.{n}", number=n or None, expected=n)
            )
        unsent = {"study_row": fetch.study_row, "arrival": "GIVEN_UP", "reason": "reported-failed"}
        session.add(InstanceRow(instance_uid="1.2.3", **unsent))


def test_the_larger_picture_is_spoken_of_in_translation(translated, archive):
    site = translated(source_block("main", archive.port, aet="MAIN"))
    for ds in study(size=512, images=9):
        archive.add(ds)
    client = site.app.test_client()
    path = client.opened(site)
    press(client, client.page(path), "Fetch")
    site.fetch_all()
    with site.parts.records.read() as session:
        small = next(row for row in session.scalars(select(InstanceRow)) if 640 not in row.sizes)
    page = _study_page(path, client.page(path))
    address = f"{page}?series={small.series_row}&instance={small.id}&frame=1"
    check(client.get(address), 10)
    for more in ({"wanted_at": site.parts.now.replace(year=2025)}, *({"outcome": o} for o in FINAL)):
        values = more | {"reason": "no-answer" if more.get("outcome") == "FAILED" else None}
        if "outcome" in more:
            values |= {"finished_at": site.parts.now, "active_study": None}
        with site.parts.records.write() as session:
            enlarging = FetchRow.errand == "ENLARGE"
            session.execute(update(FetchRow).where(enlarging).values(**values))
        check(client.get(address.replace("?", "/updates?v=old&")), 10)


FINAL = ("FAILED", "INCOMPLETE", "CANCELLED")


def test_what_is_no_longer_listed_is_translated(translated, archive):
    site = translated(source_block("main", archive.port, aet="MAIN"))
    datasets = study()
    for ds in datasets:
        archive.add(ds)
    client, colleague = site.app.test_client(), site.app.test_client()
    path, theirs = client.opened(site), colleague.opened(site)
    archive.remove(datasets[0].StudyInstanceUID)
    press(client, client.page(path), "Ask the archives again")
    site.ask_all()
    check(colleague.get(theirs), 10)


@pytest.mark.parametrize("note", Note)
def test_the_sentence_of_a_note_is_extracted(sentences, note):
    assert ((note.sentence, note.many) if note.many else note.sentence) in sentences


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


def test_the_titles_of_selections_are_extracted(sentences):
    assert {title for title, _ in _TITLES.values()} <= set(sentences)


@pytest.mark.parametrize("purpose", [Purpose.KEY, Purpose.REJECTED])
def test_what_a_selection_says_of_an_image_is_translated(translated, archive, purpose):
    site = translated(source_block("main", archive.port, aet="MAIN"))
    for ds in study():
        archive.add(ds)
    client = site.app.test_client()
    path = client.opened(site)
    press(client, client.page(path), "Fetch")
    site.fetch_all()
    with site.parts.records.write() as session:
        row = session.scalars(select(InstanceRow)).first()
        said = Selection("For Surgery", purpose, (Selected(row.instance_uid),))
        selections.keep(session, row.study_row, "1.2.3", said)
    html = client.page(path)
    check(client.get(path))
    key = re.search(r'id="study-(\w+)"', html)[1]
    page = client.get(f"{path}/studies/{key}?instance={row.id}&series={row.series_row}")
    check(page)
    assert "⟦For Surgery⟧" in page.text


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


def test_comparing_deciding_and_undoing_are_translated(translated, archive):
    site = translated(source_block("main", archive.port, aet="MAIN"))
    for ds in (*study(replace(OKAFOR, sex="M", name="OKAFOR^Adaeze^^Dr Referrer"), day=""), *study()):
        archive.add(ds)
    client = site.app.test_client()
    client.opened(site)
    pages = f"/staff/{staff_pages(site, client, Role.STAFF)}/unmatched"
    with site.parts.records.read() as session:
        row = f"{pages}/{session.scalars(select(UnmatchedRow)).one().key}"
    for query in ("", "?state=settled", "?state=handed-on&source=main", "?owner=me", "?after=0.0.0"):
        check(client.get(pages + query), 20)
    check(client.press(client.page(pages), "⟦Search⟧", words="OKAFOR"), 20)
    check(client.press(client.page(pages), "⟦Search⟧", words="HOSP"), 20)
    check(client.get(row), 30)
    site.fetch_all()
    check(client.get(f"{row}/updates?v=old", headers={"HX-Request": "true"}), 5)
    for name in ("", "OKAFOR", "HOSP"):
        check(client.press(client.page(row), "⟦Search⟧", name=name), 30)
    check(client.press(client.page(row), "⟦Same person⟧", verdict=""), 30)
    for verdict in VERDICTS:
        check(client.press(client.page(row), f"⟦{verdict}⟧"), 20)
    confirming = client.press(client.page(row), "⟦Same person⟧").text
    check(_confirmed(client, confirming, reason=""), 20)
    assert _confirmed(client, confirming, reason="OKAFOR").status_code == 303
    check(_confirmed(client, confirming, reason="OKAFOR"), 30)
    check(client.get(row), 20)
    check(client.get(f"{row}/updates?v=old", headers={"HX-Request": "true"}), 5)
    check(client.get(pages))
    note_every_verdict(site)
    check(client.get(row), 20)


VERDICTS = ("Same person", "Another person", "Cannot tell, hand on", "Not a patient")


def _confirmed(client, html: str, **more: str):
    return client.press(html, "⟦Confirm⟧: ⟦Same person⟧", **more)


def note_every_verdict(site) -> None:
    with site.parts.records.write() as session:
        row = session.scalars(select(UnmatchedRow)).one()
        for verdict in Verdict:
            unmatched.decided(session, row, verdict, site.parts.now, person="Dr Referrer")


@pytest.mark.parametrize(
    "why",
    [
        *("outdated", "no-choice", "needs-reason", "images-of-another", "same-person", "linked-elsewhere"),
        *("nobody-chosen", "unknown-patient", "nothing-to-undo", "nameless", "study-first"),
    ],
)
def test_why_nothing_was_decided_is_translated(translated, archive, why):
    site = translated(source_block("main", archive.port, aet="MAIN"))
    with site.app.test_request_context():
        assert refusals.sentence(why).startswith("⟦")


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


def staff_pages(site, client, role: Role = Role.ADMIN) -> str:
    """Come in as one of the staff; the key of the context."""
    with site.parts.records.write() as session:
        code = access.prepare(session, role=role, patient=None, person="Dr Referrer", now=site.parts.now)
    return client.get(f"/open/{code}").headers["Location"].split("/")[2]


def test_the_fallback_plan_is_translated_for_readers_and_writers(translated, archive):
    site = translated(source_block("main", archive.port, aet="MAIN"))
    client = site.app.test_client()
    check(client.get("/fallback"), 80)
    pages = f"/admin/{staff_pages(site, client)}/fallback"
    check(client.get(pages))
    check(client.get(f"{pages}/edit"), 60)
    form = client.page(f"{pages}/edit")
    save = "⟦Save this version for approval⟧"
    check(client.press(form, save, review_due="2020-01-01"), 60)
    assert client.press(form, save, **{"call.pacs.name": "OKAFOR"}).status_code == 303
    check(client.get("/fallback"), 80)
    check(client.get(f"{pages}?printed=no"), 20)
    with site.parts.records.engine.begin() as connection:
        connection.execute(text("UPDATE fallback_plans SET author = 'OKAFOR'"))
    check(client.get(pages), 20)
    press(client, client.page(pages), "Approve, and show it to everybody")
    check(client.get(pages))
    check(client.get("/fallback"), 80)


def test_notices_are_translated(translated, archive):
    site = translated(source_block("main", archive.port, aet="MAIN"))
    client = site.app.test_client()
    pages = f"/admin/{staff_pages(site, client)}/notices"
    check(client.get(pages))
    html = client.page(pages)
    check(client.press(html, "⟦Show it to everybody⟧", text="CT Thorax"), 10)
    now = site.parts.now
    for urgency, begins, ends in (("INFO", -1, 1), ("PLANNED", 1, 2), ("OUTAGE", -2, -1), ("WARNING", -1, 1)):
        with site.parts.records.write() as session:
            times = {"starts_at": now + timedelta(hours=begins), "ends_at": now + timedelta(hours=ends)}
            session.add(NoticeRow(urgency=urgency, text="CT Thorax", made_at=now, made_by="OKAFOR", **times))
    press(client, client.page(pages), "Withdraw")
    check(client.get(pages), 20)


def test_what_is_missing_after_an_outage_is_translated(translated, archive):
    with nothing_listens() as port:
        site = translated(source_block("main", archive.port, aet="MAIN"), source_block("other", port))
        for ds in (*study(), *study(Modality="MR")):
            archive.add(ds)
        client = site.app.test_client()
        path = client.opened(site)
        press(client, client.page(path), "Fetch")
        staff = site.app.test_client()
        pages = f"/staff/{staff_pages(site, staff)}/downtime"
        for outcome in (None, "COMPLETE", "INCOMPLETE", "FAILED", "CANCELLED"):
            done = {"finished_at": site.parts.now if outcome else None, "expected": 3 if outcome else None}
            with site.parts.records.write() as session:
                session.execute(update(FetchRow).values(outcome=outcome, arrived=2, **done))
            check(staff.get(pages), 20)
    values = {"time": "2026-01-01T10:00", "patient_name": "OKAFOR", "study": "CT Thorax"}
    check(staff.press(staff.page(pages), "⟦Enter this row⟧", **values), 20)
    assert (
        staff.press(staff.page(pages), "⟦Enter this row⟧", patient_id="4471902", **values).status_code == 303
    )
    check(staff.get(pages), 20)
    press(staff, staff.page(pages), "Nothing of it is open any more")
