"""The study page: its series, its pictures, where its fetch stands, and the way to the viewer."""

import re
from dataclasses import replace
from functools import partial

import pytest
from support.inspecting import panel_polls, text_of
from support.installation import source_block
from support.studies import OKAFOR, STRANGER, study
from support.visits import UID, Visit, change_fetch, fetches, large, opened

from preview.demo.behaviour import (
    Stranger,
    answers,
    claims_success_but_sends_nothing,
    leaves_out,
    omits_return_keys,
    refuses_association,
    sends_someone_else,
)
from preview.demo.holdings import Held, held_from_dataset


@pytest.fixture
def visit(site, client, archive):
    """Open the study that ``study(…)`` makes of the arguments."""
    return partial(opened, site, client, archive)


def test_before_it_is_fetched_there_is_a_button_and_no_picture(visit):
    here = visit()
    html = here.html()
    assert "Not fetched yet." in text_of(html)
    assert "No pictures of this series have been fetched." in text_of(html)
    assert "<img" not in html


def test_the_series_strip_names_every_series_with_its_picture(visit):
    html = visit(series=2, images=2, SeriesDescription="Axial").fetch()
    strip = re.search(r'<nav class="strip".*?</nav>', html, re.DOTALL)[0]
    assert text_of(strip) == "Axial CT S:1 · 2 images Axial CT S:2 · 2 images"
    assert strip.count("<img") == 2
    assert strip.count('aria-current="true"') == 1


def test_the_enlarged_picture_says_that_it_is_not_for_diagnosis_and_where_it_stands(visit):
    here = visit(images=3)
    html = here.fetch()
    assert (
        "NOT FOR DIAGNOSIS · REDUCED-QUALITY PREVIEW" in re.search(r"<figure.*?</figure>", html, re.DOTALL)[0]
    )
    assert "image 2 of 3" in large(html)
    assert "CT, series 1, Axial 1" in large(html)
    assert "non-diagnostic preview" in large(html)
    assert "Window 40 / 400" in text_of(html)
    assert "Not for diagnosis." in text_of(html)
    source = re.search(r'id="large" src="([^"]*)"', html)[1]
    assert here.client.get(source).data.startswith(b"\x89PNG")


def test_previous_and_next_walk_through_the_series(visit):
    here = visit(images=3)
    html = here.fetch()
    seen = []
    while before := re.search(r'id="before" rel="prev" href="([^"]*)"', html):
        html = here.client.page(before[1].replace("&amp;", "&"))
    while True:
        seen.append(re.search(r"image (\d) of 3", large(html))[1])
        after = re.search(r'id="after" rel="next" href="([^"]*)"', html)
        if not after:
            break
        html = here.client.page(after[1].replace("&amp;", "&"))
    assert seen == ["1", "2", "3"]


def test_an_image_of_the_grid_can_be_chosen(visit):
    here = visit(images=3)
    html = here.fetch()
    links = re.findall(r'<li><a id="image-[^"]*" href="([^"]*)"', html)
    assert len(links) == 3
    html = here.client.page(links[2].replace("&amp;", "&"))
    assert "image 3 of 3" in large(html)
    assert len(re.findall(r'id="image-[^>]*aria-current', html)) == 1


def test_an_address_that_names_no_image_shows_the_usual_one(visit):
    here = visit()
    here.fetch()
    for query in ({"series": 99}, {"instance": "x"}, {"frame": -1}, {"series": "9" * 40}):
        assert "image 2 of 3" in large(here.html(**query)), query


def test_the_way_back_and_the_way_to_the_viewer(visit):
    here = visit()
    html = here.html()
    assert f'href="{here.patient_page}"' in html
    link = f"http://127.0.0.1:3000/viewer?StudyInstanceUIDs={UID}"
    assert f'href="{link}" target="ohif" rel="noopener"' in html


# --- where the fetch stands


def test_a_study_that_came_with_gaps_says_do_not_assume(visit, archive):
    here = visit(images=4)
    archive.behave(leaves_out(1))
    html = here.fetch_to_the_end()
    text = text_of(html)
    gaps = r"Fetched with gaps: [1-3] of 4 images\. Series 1 \(Axial 1\) lacks [1-3] images?\."
    assert re.search(gaps, text)
    assert "Do not assume this preview is complete." in text
    assert "The archive did not send every image it lists. Fetch the missing images" in text
    assert not panel_polls(html)
    archive.behave_well()
    here.client.press(html, "Fetch the missing images")
    here.site.fetch_all()
    assert "Complete, 4 of 4 images" in here.text()


@pytest.mark.parametrize("how", Stranger)
def test_withheld_images_are_counted_and_never_shown(visit, archive, how):
    for ds in study(STRANGER, images=1, SeriesDescription="Strange"):
        archive.add(ds)
    here = visit(images=9)
    archive.behave(sends_someone_else(how))
    html = here.fetch()
    withheld = re.search(r"(\d) images? (?:is|are) withheld: it is not certain that", text_of(html))[1]
    assert "Fetched with gaps" in text_of(html)
    assert "Strange" not in html
    shown = len(re.findall(r'<li><a id="image-', html))
    assert shown == (9 if how is Stranger.EXTRA else 9 - int(withheld))


@pytest.mark.parametrize(
    ("behaviour", "said", "tried_again"),
    [
        (claims_success_but_sends_nothing(), "reported success but sent no images.", True),
        (answers(0xA702), "ran out of resources while it worked on our request.", True),
        (refuses_association(), "does not know our AE title PREVIEW. It is fetched by itself", False),
    ],
)
def test_a_failed_fetch_says_why_and_what_to_do(visit, archive, behaviour, said, tried_again):
    here = visit()
    archive.behave(behaviour)
    html = here.fetch()
    assert "The study could not be fetched." in text_of(html)
    assert said in text_of(html)
    assert ("Next try" in html) == tried_again
    assert panel_polls(html)  # what a wrong setting ended goes on once the archive takes our requests again
    archive.behave_well()
    here.client.press(html, "Try now")
    here.site.fetch_all()
    assert "Complete, 3 of 3 images" in here.text()


def test_where_every_image_is_withheld_the_page_says_so(visit, archive):
    for ds in study(STRANGER, images=1):
        archive.add(ds)
    here = visit(images=1)
    archive.behave(sends_someone_else(Stranger.UNDER_THE_ASKED_UID))
    text = text_of(here.fetch())
    assert "could not be fetched. 1 image is withheld: it is not certain that it is this patient's." in text


def test_a_failure_for_the_administrator_has_a_reference_without_patient_data(visit, archive):
    here = visit()
    archive.behave(refuses_association())
    reference = re.search(r"say reference (F-[0-9A-F]{6})", text_of(here.fetch()))[1]
    assert fetches(here.site)[0].id.upper().startswith(reference[2:])


def test_a_study_that_waits_says_how_many_are_ahead(visit, archive):
    for ds in study(images=1, day="20261102", StudyDescription="First"):
        archive.add(ds)
    here = visit()
    html = here.client.page(here.patient_page)
    here.client.press(html, "Fetch")
    here.client.press(here.client.page(here.patient_page), "Fetch")
    text = text_of(here.client.page(here.patient_page))
    assert text.count("Waiting to fetch this study.") == 2
    assert text.count("1 study is ahead of yours.") == 1


def test_while_it_runs_the_counts_are_shown_with_a_bar(visit):
    here = visit()
    here.client.press(here.html(), "Fetch")
    now = here.site.parts.now
    change_fetch(here.site, begun_at=now, beat_at=now, expected=480, arrived=120)
    html = here.html()
    assert "Fetching study, please wait. 120 of 480 images received." in text_of(html)
    assert '<progress aria-label="Images received" max="480" value="120">' in html
    assert "The first pictures appear here as they arrive." in text_of(html)


def test_while_the_archive_has_not_said_how_many_the_bar_has_no_end(visit, archive):
    archive.behave(omits_return_keys("NumberOfStudyRelatedInstances"))
    here = visit()
    here.client.press(here.html(), "Fetch")
    now = here.site.parts.now
    change_fetch(here.site, begun_at=now, beat_at=now, expected=None, arrived=120)
    html = here.html()
    assert "120 images received. The archive has not said how many there are." in text_of(html)
    assert re.search(r'<progress aria-label="Images received"\s*>', html)


def test_a_killed_worker_is_said_to_have_stopped(visit):
    here = visit()
    here.client.press(here.html(), "Fetch")
    long_ago = here.site.parts.now.replace(year=2025)
    change_fetch(here.site, begun_at=long_ago, beat_at=long_ago, expected=480, arrived=120)
    text = here.text()
    assert "Fetching has stopped unexpectedly. 120 of 480 images received. It starts again" in text
    assert "please wait" not in text


def test_an_object_that_cannot_be_drawn_has_a_card_and_says_why(visit):
    here = visit(PixelData=b"")
    html = here.fetch()
    assert "Complete, 3 of 3 images" in text_of(html)
    assert re.search(r"<p class=\"muted settled\">[A-Z][^<]+\.</p>", html)


# --- without JavaScript


def test_without_javascript_the_page_reloads_only_while_something_may_change(visit):
    here = visit()
    refresh = re.compile(r'<noscript><meta http-equiv="refresh" content="5[^"]*"></noscript>')
    assert not refresh.search(here.html())
    here.client.press(here.html(), "Fetch")
    assert refresh.search(here.html())
    assert refresh.search(here.client.page(here.patient_page))
    here.site.fetch_all()
    assert not refresh.search(here.html())
    assert not refresh.search(here.client.page(here.patient_page))


def test_without_javascript_a_live_page_can_be_held_still_to_type_dates_or_a_reason(visit):
    here = visit()
    here.client.press(here.html(), "Fetch")
    for address in (here.patient_page, "/status"):
        held = re.search(r'<a href="([^"]*still=1)">Hold it still', here.client.page(address))[1].replace(
            "&amp;", "&"
        )
        still = here.client.page(held)
        assert 'http-equiv="refresh"' not in still
        going = re.search(r'<a href="([^"]*)">Let it come anew again', still)[1].replace("&amp;", "&")
        assert 'http-equiv="refresh"' in here.client.page(going)
    here.site.fetch_all()
    assert "Hold it still" not in here.client.page(here.patient_page)


def test_without_javascript_the_buttons_lead_back_to_the_page_they_are_on(visit):
    here = visit()
    response = here.client.press(here.html(), "Fetch")
    assert (response.status_code, response.headers["Location"]) == (303, here.path)
    response = here.client.press(here.html(), "Cancel")
    assert (response.status_code, response.headers["Location"]) == (303, here.path)
    response = here.client.press(here.client.page(here.patient_page), "Fetch again")
    assert response.status_code == 303
    assert response.headers["Location"].startswith(f"{here.patient_page}?")


# --- cancel, and asking twice


def test_cancelling_before_a_worker_begins_ends_it_at_once(visit, archive):
    here = visit()
    here.client.press(here.html(), "Fetch")
    here.client.press(here.html(), "Cancel")
    html = here.html()
    assert re.search(r"Fetch cancelled by you at \d\d:\d\d . 0 images were kept.", text_of(html))
    assert not panel_polls(html)
    here.site.fetch_all()
    assert not archive.asked("C-GET")


def test_cancelling_a_running_fetch_asks_its_worker_to_stop(visit):
    here = visit()
    here.client.press(here.html(), "Fetch")
    change_fetch(here.site, begun_at=here.site.parts.now, beat_at=here.site.parts.now)
    here.client.press(here.html(), "Cancel")
    (fetch,) = fetches(here.site)
    assert fetch.cancel_at
    assert fetch.finished_at is None


def test_cancelling_what_is_finished_changes_nothing(visit):
    here = visit()
    here.client.press(here.html(), "Fetch")
    waiting = here.html()
    here.site.fetch_all()
    here.client.press(waiting, "Cancel")
    assert "Complete, 3 of 3 images" in here.text()


def test_asking_twice_is_one_fetch(visit):
    here = visit()
    html = here.html()
    here.client.press(html, "Fetch")
    here.client.press(html, "Fetch")
    assert len(fetches(here.site)) == 1


def test_two_people_asking_for_one_study_share_its_fetch(visit):
    here = visit()
    colleague = here.site.app.test_client()
    theirs = colleague.opened(here.site, OKAFOR)
    here.client.press(here.html(), "Fetch")
    assert "Waiting to fetch this study." in text_of(colleague.page(theirs))
    # a page that was opened before still has its button
    html = here.html()
    token = re.search(r'name="csrf_token" value="([^"]*)"', colleague.page(theirs))[1]
    key = re.search(r"/studies/(\w+)", html)[1]
    response = colleague.post(f"{theirs}/studies/{key}/fetch", data={"csrf_token": token})
    assert response.status_code == 303
    assert len(fetches(here.site)) == 1
    here.site.fetch_all()
    for text in (here.text(), text_of(colleague.page(theirs))):
        assert "Complete, 3 of 3 images" in text


def test_whoever_cancels_cancels_for_both_and_either_may_ask_again(visit):
    here = visit()
    here.client.press(here.html(), "Fetch")
    here.client.press(here.html(), "Cancel")
    here.client.press(here.html(), "Fetch again")
    here.site.fetch_all()
    assert "Complete, 3 of 3 images" in here.text()
    assert len(fetches(here.site)) == 2


def without_character_set(ds) -> Held:
    """The instance as many archives send it: its texts in some character set, which it does not name."""
    held = held_from_dataset(ds)
    length = len(ds.SpecificCharacterSet) + len(ds.SpecificCharacterSet) % 2
    element = b"\x08\0\x05\0CS" + length.to_bytes(2, "little")
    start = held.data.index(element)
    return replace(held, origin=held.data[:start] + held.data[start + len(element) + length :])


@pytest.mark.parametrize("charset", ["ISO_IR 144", ""])
def test_where_images_name_no_character_set_only_another_name_is_withheld(install, archive, charset):
    patient = replace(OKAFOR, name="ИВАНОВА^Роза")
    datasets = study(patient, study_uid=UID, SpecificCharacterSet="ISO_IR 144")
    datasets[-1].PatientName = "ПЕТРОВА^Роза"
    for ds in datasets:
        archive.hold(without_character_set(ds))
    site = install(source_block("main", archive.port, aet="MAIN", charset=charset))
    client = site.app.test_client()
    path = client.opened(site, patient)
    key = re.search(r'id="study-(\w+)"', client.page(path))[1]
    visit = Visit(site, client, path, f"{path}/studies/{key}")
    visit.fetch()
    assert "1 image is withheld" in visit.text()  # letters lost on the way name nobody else
