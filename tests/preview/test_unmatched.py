"""The list of studies that are not provably their patient's: everything for staff, nothing for others."""

import re
from dataclasses import replace
from datetime import date

import pytest
from pydicom.uid import generate_uid
from support.inspecting import text_of
from support.installation import source_block
from support.studies import OKAFOR, STRANGER, study

from fetch.identity import Doubt
from fetch.model import Patient
from preview.demo.archive import Archive
from preview.demo.behaviour import (
    Stranger,
    answers_with_issuer,
    leaves_out,
    sends_someone_else,
)
from preview.matching.why import Why, sentence
from preview.records import Role


def rows(html: str) -> list[str]:
    return re.findall(r'<article class="card" id="unmatched-\w+".*?</article>', html, re.DOTALL)


def doubts(row: str) -> list[str]:
    listed = re.search(r'<ul class="doubts">.*?</ul>', row, re.DOTALL)[0]
    return [text_of(one).removeprefix("▲ ") for one in re.findall(r"<li>.*?</li>", listed, re.DOTALL)]


def cells(row: str) -> dict[str, tuple[str, str]]:
    """What the table of a row says: on the images, in the record."""
    lines = re.findall(
        r"<tr><th scope=\"row\">(.*?)</th>\s*<td[^>]*>(.*?)</td>\s*<td[^>]*>(.*?)</td></tr>", row, re.DOTALL
    )
    unmarked = [[re.sub("</?mark>", "", cell) for cell in line] for line in lines]
    return {head: (text_of(images), text_of(record)) for head, images, record in unmarked}


def as_staff(site) -> str:
    client = site.app.test_client()
    return client.page(client.opened(site, None, Role.STAFF))


SECRET = "Whose is this"

DOUBTFUL = {
    Doubt.BIRTH_DATE_MISSING: replace(OKAFOR, birth_date=None),
    Doubt.BIRTH_DATE_DIFFERS: replace(OKAFOR, birth_date=date(1931, 1, 31)),
    Doubt.NAME_MISSING: replace(OKAFOR, name="^Adaeze"),
    Doubt.NAME_DIFFERS: replace(OKAFOR, name="BROWN^Adaeze"),
    Doubt.GIVEN_DIFFERS: replace(OKAFOR, name="OKAFOR^Brigitte"),
    Doubt.SUFFIX_DIFFERS: replace(OKAFOR, name="OKAFOR^Adaeze^^^Jr"),
    Doubt.SEX_DIFFERS: replace(OKAFOR, sex="M"),
}


def whom(doubt: Doubt) -> Patient:
    """A suffix is only somebody else's where the record has another one."""
    return replace(OKAFOR, name="OKAFOR^Adaeze^^^Sr") if doubt is Doubt.SUFFIX_DIFFERS else OKAFOR


@pytest.mark.parametrize("doubt", DOUBTFUL)
def test_a_doubtful_study_is_listed_with_its_doubt_and_not_shown(site, client, archive, doubt):
    for ds in study(DOUBTFUL[doubt], StudyDescription=SECRET):
        archive.add(ds)
    html = client.page(client.opened(site, whom(doubt)))
    (row,) = rows(as_staff(site))
    assert doubts(row) == [doubt.sentence]
    assert SECRET in row
    assert SECRET not in html
    assert "1 study at Main archive may belong to this patient." in text_of(html)


def test_an_id_of_another_issuer_is_doubtful(site, client, archive):
    for ds in study(StudyDescription=SECRET):
        archive.add(ds)
    archive.behave(answers_with_issuer("RIVERSIDE"))
    assert SECRET not in client.page(client.opened(site))
    (row,) = rows(as_staff(site))
    assert doubts(row) == [Doubt.ISSUER_DIFFERS.sentence, Doubt.ISSUER_UNTRUSTED.sentence]
    assert cells(row)["Patient no."] == ("4471902 issued by RIVERSIDE", "4471902 issued by HOSP")


def test_an_issuer_that_was_assumed_is_called_so(site, client, archive):
    for ds in study(replace(OKAFOR, birth_date=None)):
        archive.add(ds)
    archive.behave(answers_with_issuer(""))
    client.opened(site)
    (row,) = rows(as_staff(site))
    assert cells(row)["Patient no."] == ("4471902 issued by HOSP, assumed", "4471902 issued by HOSP")


def test_a_study_of_an_untrusted_source_is_listed(install, archive):
    site = install(source_block("main", archive.port, aet="MAIN", trusted=False))
    for ds in study(StudyDescription=SECRET):
        archive.add(ds)
    client = site.app.test_client()
    assert SECRET not in client.page(client.opened(site))
    (row,) = rows(as_staff(site))
    assert doubts(row) == [Doubt.ISSUER_UNTRUSTED.sentence]


def test_a_study_about_which_two_sources_disagree_is_listed_once_for_each(install, archive):
    with Archive("OTHER").start() as outside:
        site = install(
            source_block("main", archive.port, aet="MAIN"), source_block("other", outside.port, aet="OTHER")
        )
        uid = generate_uid()
        for holder, patient in ((archive, OKAFOR), (outside, replace(OKAFOR, name="OKAFORD^Adaeze"))):
            for ds in study(patient, study_uid=uid):
                holder.add(ds)
        site.app.test_client().opened(site)
    listed = rows(as_staff(site))
    assert len(listed) == 2
    assert all(Doubt.SOURCES_DISAGREE.sentence in doubts(row) for row in listed)
    assert {re.search(r"(Main|Other) archive", row)[0] for row in listed} == {"Main archive", "Other archive"}


def test_images_of_somebody_else_inside_a_study_put_it_on_the_list(site, client, archive):
    for ds in (*study(), *study(STRANGER)):
        archive.add(ds)
    path = client.opened(site)
    archive.behave(sends_someone_else(Stranger.UNDER_THE_ASKED_UID))
    client.press(client.page(path), "Fetch")
    site.fetch_all()
    (row,) = rows(as_staff(site))
    assert doubts(row) == [Doubt.FOREIGN_IMAGES.sentence]
    assert "STRANGER" not in row


@pytest.fixture
def mixed(site, client, archive):
    """The page of a study in which a fetch found somebody else's image."""
    for ds in (*study(images=9), *study(STRANGER)):
        archive.add(ds)
    path = client.opened(site)
    archive.behave(sends_someone_else(Stranger.UNDER_THE_ASKED_UID))
    client.press(client.page(path), "Fetch")
    site.fetch_all()
    archive.behave_well()
    return path


def test_images_of_somebody_else_stay_on_the_list_however_often_the_patient_is_opened(site, mixed):
    misspelt = replace(OKAFOR, name="BROWN^Adaeze")
    site.app.test_client().opened(site, misspelt)
    (row,) = rows(as_staff(site))
    assert doubts(row) == [Doubt.NAME_DIFFERS.sentence, Doubt.FOREIGN_IMAGES.sentence]
    site.app.test_client().opened(site)
    (row,) = rows(as_staff(site))
    assert doubts(row) == [Doubt.FOREIGN_IMAGES.sentence]


def test_a_fetch_in_which_every_image_is_the_patients_takes_the_study_from_the_list(site, client, mixed):
    client.press(client.page(mixed), "Fetch the missing images")
    site.fetch_all()
    assert "Complete, 9 of 9 images" in text_of(client.page(mixed))
    assert rows(as_staff(site)) == []


def test_a_fetch_takes_nothing_from_the_list_that_asking_doubts(site, client, mixed):
    html = client.page(mixed)
    misspelt = replace(OKAFOR, name="BROWN^Adaeze")
    client.press(html, "Fetch the missing images")
    site.app.test_client().opened(site, misspelt)
    site.fetch_all()
    (row,) = rows(as_staff(site))
    assert doubts(row) == [Doubt.NAME_DIFFERS.sentence]


def test_a_fetch_with_gaps_takes_nothing_from_the_list(site, client, archive, mixed):
    archive.behave(leaves_out(1))
    client.press(client.page(mixed), "Fetch the missing images")
    site.fetch_all()
    (row,) = rows(as_staff(site))
    assert doubts(row) == [Doubt.FOREIGN_IMAGES.sentence]


def test_whatever_can_be_doubted_says_so_to_staff():
    assert all(sentence(one.code) for one in (*Doubt, *Why))
    assert sentence("source-untrusted") == Doubt.ISSUER_UNTRUSTED.sentence  # as it was once called
    assert sentence("of-a-later-version") == ""


def test_both_identities_stand_side_by_side(site, client, archive):
    images = replace(OKAFOR, name="OKAFOUR^Ada", birth_date=date(1957, 7, 14), sex="M")
    for ds in study(images, StudyDescription=SECRET):
        archive.add(ds)
    html = client.page(client.opened(site))
    (row,) = rows(as_staff(site))
    shown = cells(row)
    assert shown["Name"] == ("OKAFOUR, Ada", "OKAFOR, Adaeze")
    assert [born[:11] for born in shown["Born"]] == ["14-Jul-1957", "14-Jul-1975"]
    assert shown["Gender"] == ("Male", "Female")
    differences = (Doubt.BIRTH_DATE_SIMILAR, Doubt.GIVEN_SIMILAR, Doubt.SEX_DIFFERS)
    assert {doubt.sentence for doubt in differences} <= set(doubts(row))
    for theirs in ("OKAFOUR", "1957", SECRET):
        assert theirs not in html


def test_asking_again_lists_it_once_and_the_header_counts_it(site, client, archive):
    for ds in study(replace(OKAFOR, birth_date=None)):
        archive.add(ds)
    path = client.opened(site, OKAFOR, Role.STAFF)
    client.press(client.page(path), "Ask the archives again")
    site.ask_all()
    assert len(rows(as_staff(site))) == 1
    assert "Unmatched studies 1" in text_of(client.page(path))


def test_hostile_texts_in_the_list_are_shown_as_text(site, client, archive):
    hostile = replace(OKAFOR, name="<script>alert(1)</script>^X")
    for ds in study(hostile, StudyDescription="<img src=x onerror=alert(1)>"):
        archive.add(ds)
    client.opened(site)
    html = as_staff(site)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert len(rows(html)) == 1
