"""The patient's imaging page: what every archive answered, and a card for each study."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select
from support.inspecting import paces, panel_polls, text_of
from support.installation import source_block
from support.studies import OKAFOR, STRANGER, study

from fetch.model import PatientIdentity
from preview.demo.archive import Archive
from preview.demo.behaviour import answers, caps_answers, nothing_listens, refuses_association
from preview.records import AskRow

TODAY = date.today()


def fill(archive, *studies):
    for instances in studies:
        for ds in instances:
            archive.add(ds)


def cards(html: str) -> list[str]:
    return [text_of(card) for card in re.findall(r'<article class="card".*?</article>', html, re.DOTALL)]


def said_by(html: str, source: str) -> str:
    """What the page says about one source."""
    return text_of(re.search(rf'<li id="answer-{source}".*?</li>', html, re.DOTALL)[0])


def asks(site) -> list[AskRow]:
    with site.parts.records.read() as session:
        return list(session.scalars(select(AskRow).order_by(AskRow.wanted_at)))


@pytest.fixture
def outside():
    """A second archive."""
    with Archive("OTHER").start() as running:
        yield running


@pytest.fixture
def both(install, archive, outside):
    """An installation with two archives of one issuer, both trusted."""
    return install(
        source_block("main", archive.port, aet="MAIN"), source_block("other", outside.port, aet="OTHER")
    )


def test_a_study_of_the_patient_has_a_card(site, client, archive):
    fill(archive, study(StudyDescription="Chest with contrast", images=2, series=2))
    html = client.page(client.opened(site))
    (card,) = cards(html)
    for said in ("Chest with contrast", "01-Nov-2026 10:15", "Main archive", "Accession A1", "CT"):
        assert said in card
    assert "2 series · 4 images" in card
    assert "Not fetched yet." in card
    assert "1 study" in text_of(html)


def test_the_page_says_who_it_is_and_that_it_is_not_for_diagnosis(site, client):
    text = text_of(client.page(client.opened(site)))
    assert "OKAFOR, Adaeze Born 14-Jul-1975" in text
    assert "Gender Female Patient no. 4471902 issued by HOSP" in text
    assert "Not for diagnosis." in text


def test_another_patients_study_has_no_card(site, client, archive):
    fill(archive, study(STRANGER, StudyDescription="Somebody else"))
    assert "Somebody else" not in client.page(client.opened(site))


def test_cards_stand_newest_first(site, client, archive):
    for day in ("20260101", "20261101", "", "20260601"):
        fill(archive, study(day=day))
    html = client.page(client.opened(site))
    dates = [re.search(r"\d\d-\w{3}-2026|Date unknown", card)[0] for card in cards(html)]
    assert dates == ["01-Nov-2026", "01-Jun-2026", "01-Jan-2026", "Date unknown"]


def test_an_undated_study_appears_whatever_the_range(site, client, archive):
    fill(archive, study(day="", StudyDescription="Old film"))
    path = client.opened(site)
    response = client.press(client.page(path), "Today")
    site.ask_all()
    (card,) = cards(client.page(response.headers["Location"]))
    assert "Old film" in card
    assert "Date unknown" in card


# --- what each archive answered


def test_a_source_with_studies_was_searched(site, client, archive):
    fill(archive, study())
    assert re.fullmatch(
        r"✓ Searched Main archive \d\d:\d\d", said_by(client.page(client.opened(site)), "main")
    )


def test_none_is_said_with_the_range_and_a_way_on(site, client):
    html = client.page(client.opened(site))
    assert said_by(html, "main").endswith(": none in this range")
    year_ago = TODAY - timedelta(days=365)
    text = text_of(html)
    assert f"No imaging found for this patient between {year_ago:%d-%b-%Y} and {TODAY:%d-%b-%Y}" in text
    assert 'Choose "All" to search every date.' in text


def test_studies_outside_the_dates_are_counted(site, client, archive):
    fill(archive, study(day="20010101"), study(day="20020202"))
    html = client.page(client.opened(site))
    assert "2 more outside these dates" in said_by(html, "main")
    assert not cards(html)


def test_an_outage_is_never_shown_as_absent(site, client, archive):
    archive.behave(answers(0xA700))
    text = text_of(client.page(client.opened(site)))
    assert "No imaging found" not in text
    assert "Not searched Main archive" in text
    assert "Radiology 2345" in text


@pytest.mark.parametrize(
    ("behaviour", "sentence", "next_step"),
    [
        (refuses_association("calling"), "does not know our AE title", ""),
        (answers(0xA700), "ran out of resources", "ask for a shorter date range"),
        (answers(0xC001), "refused our request", "needs the imaging administrator"),
    ],
)
def test_an_outage_has_its_sentence_and_its_next_step(site, client, archive, behaviour, sentence, next_step):
    archive.behave(behaviour)
    html = client.page(client.opened(site))
    said = said_by(html, "main")
    assert "✕ Not searched Main archive" in said
    assert sentence in said
    assert next_step in said
    assert "Imaging may exist there. It is asked again by itself as soon as it answers." in said
    assert "For urgent images, call Radiology 2345." in said
    assert "Not every archive could be asked." in text_of(html)


def test_a_shortened_answer_says_so_and_what_to_do(site, client, archive):
    fill(archive, *(study(images=1) for _ in range(4)))
    archive.behave(caps_answers(2, 0xA700))
    html = client.page(client.opened(site))
    said = said_by(html, "main")
    assert "▲ Searched in part Main archive" in said
    assert "more studies than it gives in one answer. Ask for a shorter date range" in said
    assert len(cards(html)) == 2


def test_a_source_of_another_issuer_is_asked_by_name_and_says_what_to_do(install, archive):
    site = install(source_block("main", archive.port, aet="MAIN", issuer="RIVERSIDE"))
    client = site.app.test_client()
    html = client.page(client.opened(site))
    said = said_by(html, "main")
    nothing = "nothing under this name and birth date. This patient's number there is not known."
    assert nothing in said
    assert "Ask that provider for the images, or ask staff to match the patient's number there." in said
    assert "No imaging found" not in text_of(html)
    assert all(request.keys["PatientID"] == "" for request in archive.requests)


def test_a_dead_source_beside_an_empty_one_never_reads_as_none(install, archive):
    with nothing_listens() as port:
        site = install(source_block("main", archive.port, aet="MAIN"), source_block("other", port))
        client = site.app.test_client()
        html = client.page(client.opened(site))
    assert "none in this range" in said_by(html, "main")
    told = "Nothing answers at the archive's address. Imaging may exist there. It is asked again by itself"
    assert told in said_by(html, "other")
    assert "No imaging found" not in text_of(html)


def test_before_the_answers_the_page_asks_for_patience(site, client):
    html = client.page(client.opened(site, ask=False))
    assert "Asking the archives, please wait." in text_of(html)
    assert "Asking Main archive" in said_by(html, "main")
    assert paces(html) == [pytest.approx(1, rel=0.15)]


def test_a_study_that_is_only_withheld_is_not_called_none_nor_unasked(site, client, archive):
    fill(archive, study(replace(OKAFOR, birth_date=date(1957, 7, 14)), StudyDescription="Whose?"))
    html = client.page(client.opened(site))
    text = text_of(html)
    assert "1 study at Main archive may belong to this patient. Staff are checking." in text
    assert "Nothing can be shown yet." in text
    for wrong in ("No imaging found", "Not every archive could be asked", "Whose?", "1957"):
        assert wrong not in html


def test_several_withheld_studies_are_counted_in_the_plural(site, client, archive):
    nobody = replace(OKAFOR, name="")
    fill(archive, study(nobody), study(nobody), study())
    html = client.page(client.opened(site))
    assert "2 studies at Main archive may belong to this patient. Staff are checking." in said_by(
        html, "main"
    )
    assert len(cards(html)) == 1


# --- two sources


def test_a_study_that_two_sources_hold_is_one_card_that_names_both(both, archive, outside):
    instances = study()
    fill(archive, instances)
    fill(outside, instances)
    client = both.app.test_client()
    (card,) = cards(client.page(client.opened(both)))
    assert "Main archive and Other archive" in card


def test_two_sources_that_disagree_about_whose_it_is_withhold_it(both, archive, outside):
    uid = generate_uid()
    fill(archive, study(study_uid=uid, StudyDescription="Whose?"))
    fill(outside, study(replace(OKAFOR, name="OKAFORD^Adaeze"), study_uid=uid, StudyDescription="Whose?"))
    client = both.app.test_client()
    html = client.page(client.opened(both))
    assert not cards(html)
    assert "Whose?" not in html
    for source in ("main", "other"):
        assert " archive may belong to this patient. Staff are checking." in said_by(html, source)


def test_a_card_disappears_when_a_second_source_says_it_is_somebody_elses(both, archive, outside):
    uid = generate_uid()
    fill(archive, study(study_uid=uid))
    client = both.app.test_client()
    path = client.opened(both)
    html = client.page(path)
    (link,) = set(re.findall(r'action="([^"]*/fetch)"', html))
    fill(outside, study(replace(OKAFOR, name="OKAFORD^Adaeze"), study_uid=uid))
    client.press(html, "Ask the archives again")
    both.ask_all()
    assert not cards(client.page(path))
    assert client.get(link.removesuffix("/fetch")).status_code == 404


def test_a_quarrel_that_one_reader_finds_takes_the_card_off_every_readers_page(both, archive, outside):
    uid = generate_uid()
    fill(archive, study(study_uid=uid))
    first, second = both.app.test_client(), both.app.test_client()
    path = first.opened(both)
    assert len(cards(first.page(path))) == 1
    fill(outside, study(replace(OKAFOR, name="OKAFORD^Adaeze"), study_uid=uid))
    second.opened(both)
    assert not cards(first.page(path))


# --- dates


@pytest.mark.parametrize(
    ("button", "days"),
    [("Today", 0), ("7 days", 7), ("30 days", 30), ("Recent (1 year)", 365), ("All", None)],
)
def test_a_preset_asks_for_its_range_and_leads_to_its_page(site, client, button, days):
    response = client.press(client.page(client.opened(site)), button)
    assert response.status_code == 303
    span = (None, None) if days is None else (TODAY - timedelta(days=days), TODAY)
    last = asks(site)[-1]
    assert (last.start, last.end) == span
    site.ask_all()
    html = client.page(response.headers["Location"])
    assert re.search(rf'value="[^"]*" aria-current="true">\s*{re.escape(button)}</button>', html)
    assert "No imaging found" in text_of(html)


def test_an_own_range_is_asked_for(site, client, archive):
    fill(archive, study(day="20200505", StudyDescription="Then"), study(StudyDescription="Now"))
    html = client.page(client.opened(site))
    response = client.press(html, "Show", **{"from": "2020-05-05", "to": "2020-05-05"})
    assert response.status_code == 303
    assert "from=2020-05-05&to=2020-05-05" in response.headers["Location"]
    site.ask_all()
    html = client.page(response.headers["Location"])
    assert [("Then" in card) for card in cards(html)] == [True]
    assert 'name="from" value="2020-05-05"' in html


@pytest.mark.parametrize(
    "typed", [{"from": "2026-02-02", "to": "2026-01-01"}, {"from": "yesterday"}, {"to": "2026-02-30"}]
)
def test_a_wrong_range_is_refused_with_the_way_back(site, client, typed):
    path = client.opened(site)
    response = client.press(client.page(path), "Show", **typed)
    assert response.status_code == 422
    assert "This is no range of dates" in response.text
    assert client.get(path, query_string=typed).status_code == 422
    assert len(asks(site)) == 1


def test_pressing_twice_asks_once(site, client):
    html = client.page(client.opened(site))
    client.press(html, "7 days")
    client.press(html, "7 days")
    assert len(asks(site)) == 2  # the one of opening, and one for both presses


def test_asking_again_puts_the_question_again(site, client, archive):
    path = client.opened(site)
    html = client.page(path)
    assert "No imaging found" in text_of(html)
    fill(archive, study())
    response = client.press(html, "Ask the archives again")
    assert response.status_code == 303
    site.ask_all()
    assert len(cards(client.page(response.headers["Location"]))) == 1


def test_a_range_that_was_never_asked_for_says_so(site, client):
    path = client.opened(site)
    html = client.page(f"{path}?from=2020-01-01&to=2020-01-02")
    assert "The archives have not been asked for these dates yet." in text_of(html)
    assert "No imaging found" not in text_of(html)


# --- kinds


def test_a_kind_filters_the_cards_and_the_address_keeps_the_dates(site, client, archive):
    fill(archive, study(), study(Modality="MR", StudyDescription="Head"))
    path = client.opened(site)
    html = client.page(path)
    (link,) = re.findall(r'id="kind-MR" href="([^"]*)"', html)
    html = client.page(link.replace("&amp;", "&"))
    (card,) = cards(html)
    assert "Head" in card
    assert "1 of 2 studies shown" in text_of(html)
    assert "from=" in link
    assert re.search(r'id="kind-MR"[^>]*aria-current="true"', html)
    assert not re.search(r'id="kind-all"[^>]*aria-current', html)


def test_a_kind_that_nothing_has_is_not_called_none(site, client, archive):
    fill(archive, study())
    html = client.page(f"{client.opened(site)}?modality=US")
    assert "No study of this kind" in text_of(html)
    assert "No imaging found" not in text_of(html)


def test_fetching_from_a_filtered_page_leads_back_to_it(site, client, archive):
    fill(archive, study(), study(Modality="MR"))
    path = client.opened(site)
    html = client.page(f"{path}?modality=MR&from=2026-01-01&to=")
    client.press(html, "Ask the archives again")
    site.ask_all()
    response = client.press(client.page(f"{path}?modality=MR&from=2026-01-01&to="), "Fetch")
    assert response.status_code == 303
    for kept in ("modality=MR", "from=2026-01-01", "#study-"):
        assert kept in response.headers["Location"]


# --- hostile texts

HOSTILE = """"><script>alert(1)</script>'&amp;"""


def test_hostile_texts_are_shown_as_text(site, client, archive):
    fill(
        archive,
        study(
            StudyDescription=HOSTILE,
            AccessionNumber="<b>1",
            ReferringPhysicianName="<i>Dr^X",
            SeriesDescription=HOSTILE,
        ),
    )
    path = client.opened(site)
    client.press(client.page(path), "Fetch")
    site.fetch_all()
    html = client.page(path)
    preview = client.page(re.search(r'id="preview-\w+" href="([^"]*)"', html)[1])
    for page in (html, preview):
        assert "<script>alert" not in page
        assert "<b>1" not in page
        assert "<i>Dr" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_a_hostile_name_of_the_patient_is_shown_as_text(site, client, archive):
    mallory = replace(OKAFOR, identity=PatientIdentity("<u>66", "HOSP"), name=HOSTILE)
    fill(archive, study(mallory))
    html = client.page(client.opened(site, mallory))
    assert "<script>alert" not in html
    assert "<u>66" not in html
    assert len(cards(html)) == 1


def test_a_text_of_ten_thousand_letters_does_not_break_the_page(site, client, archive):
    fill(archive, study(StudyDescription="x" * 10_000, AccessionNumber="y" * 10_000))
    (card,) = cards(client.page(client.opened(site)))
    assert len(card) < 2_000


def test_a_study_uid_that_is_none_has_no_link_to_the_viewer(site, client, archive):
    fill(archive, study(study_uid="1.2.x&evil=1"), study(study_uid="1.2.3", StudyDescription="Good"))
    html = client.page(client.opened(site))
    links = re.findall(r'href="([^"]*)" target="ohif" rel="noopener"', html)
    assert links == ["http://127.0.0.1:3000/viewer?StudyInstanceUIDs=1.2.3"]


# --- fetching


def test_fetching_shows_the_pictures(site, client, archive):
    fill(archive, study(images=3))
    path = client.opened(site)
    client.press(client.page(path), "Fetch")
    assert "Waiting to fetch this study." in text_of(client.page(path))
    site.fetch_all()
    html = client.page(path)
    assert "Complete, 3 of 3 images" in text_of(html)
    assert not panel_polls(html)


def test_every_series_has_its_poster_and_a_large_study_says_how_many_more(site, client, archive):
    fill(archive, study(images=1, series=8))
    path = client.opened(site)
    client.press(client.page(path), "Fetch")
    site.fetch_all()
    html = client.page(path)
    posters = re.findall(r'<img src="([^"]*)"', html)
    assert len(posters) == 6
    assert "2 more series in the preview" in text_of(html)
    assert 'alt="CT, series 1, Axial 1, non-diagnostic preview"' in html
    for poster in posters:
        assert client.get(poster).data.startswith(b"\x89PNG")


def test_a_page_without_anything_to_wait_for_does_not_poll(site, client, archive):
    fill(archive, study())
    html = client.page(client.opened(site))
    assert not panel_polls(html)
    assert "http-equiv" not in html


def test_another_browser_sees_its_own_patient_only(site, archive):
    fill(archive, study(), study(STRANGER, StudyDescription="Strange"))
    mine, theirs = site.app.test_client(), site.app.test_client()
    assert "Strange" not in mine.page(mine.opened(site))
    html = theirs.page(theirs.opened(site, STRANGER))
    assert "Strange" in html
    assert "OKAFOR" not in html


def test_what_is_known_stays_on_the_page_while_the_archive_is_away(site, client, archive):
    """The question that an outage left without an answer takes nothing away from the doctor."""
    for ds in study(StudyDescription="Chest"):
        archive.add(ds)
    path = client.opened(site)
    client.press(client.page(path), "Fetch")
    site.fetch_all()
    pictures = re.findall(r'<img src="([^"]+)"', client.page(path))
    archive.stop()
    client.press(client.page(path), "Ask the archives again")
    old = "No newer answer has come since; newer studies and images may exist."
    assert old not in text_of(client.page(path)), "it is still being asked"
    for said in (text_of(client.page(path)), site.ask_all() or text_of(client.page(path))):
        assert "Chest" in said
        assert "Complete, 3 of 3 images" in said
        assert ("Not searched" in said) == (old in said)
        assert "No imaging found" not in said
    assert "Not searched Main archive" in text_of(client.page(path))
    assert re.findall(r'<img src="([^"]+)"', client.page(path)) == pictures
    assert client.get(pictures[0]).status_code == 200
