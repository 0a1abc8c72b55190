"""Bringing a study to the viewer's archive, a real Orthanc, with whatever its source does meanwhile."""

import re
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from threading import Thread, Timer

import pytest
import urllib3
from support.inspecting import panel_polls, text_of
from support.installation import eventually, source_block
from support.orthanc import Orthanc
from support.studies import OKAFOR, STRANGER, study

from fetch.records import StudyRow
from preview.demo.behaviour import (
    Kind,
    answers,
    claims_success_but_sends_nothing,
    hangs_in_move,
    leaves_out,
    nothing_listens,
    says_nothing_between,
    sends_someone_else,
    slow,
)
from preview.errands import bringing, wanting
from preview.errands.asking import note_study
from preview.errands.bringing import _Bringing
from preview.records import Errand, FetchRow, Outcome

VIEWER = "VIEWER"


@pytest.fixture(scope="module")
def viewers_archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("viewers-archive")
    with Orthanc(folder, aet=VIEWER, dicomweb=True).running() as running:
        yield running


@pytest.fixture
def site(install, archive, viewers_archive):
    archive.peers[VIEWER] = ("127.0.0.1", viewers_archive.port)
    web = viewers_archive.http
    return install(
        source_block("main", archive.port, aet="MAIN"),
        viewer_lines=f'url = "{web}/app/explorer.html"\ndicomweb = "{web}/dicom-web"\naet = "{VIEWER}"',
    )


@pytest.fixture
def held(archive):
    """A study of six images at the source, and nowhere else."""
    datasets = study(images=6)
    for ds in datasets:
        archive.add(ds)
    return datasets


@pytest.fixture
def page(client, site, held):
    return client.opened(site)


def errands(site) -> list[FetchRow]:
    with site.parts.records.read() as session:
        return [row for row in session.query(FetchRow) if row.errand is Errand.BRING]


def brought(site, client, page) -> str:
    client.press(client.page(page), "Bring to the viewer")
    site.fetch_all()
    return text_of(client.page(page))


def test_a_study_that_the_viewer_lacks_is_said_before_the_click_and_has_no_link(client, page):
    html = client.page(page)
    assert "Not in the viewer yet." in text_of(html)
    assert 'target="ohif"' not in html
    assert "Bring to the viewer" in text_of(html)


def test_brought_to_the_viewer_it_opens(site, client, page):
    said = brought(site, client, page)
    (row,) = errands(site)
    assert (row.outcome, row.expected, row.arrived) == (Outcome.COMPLETE, 6, 6)
    assert "Not in the viewer yet." not in said
    assert "Open in viewer" in said
    assert "Not fetched yet." in said  # the one has nothing to do with the other


def test_while_it_is_brought_the_page_says_so_with_counts_and_polls(site, client, page):
    html = client.page(page)
    client.press(html, "Bring to the viewer")
    html = client.page(page)
    assert "Waiting to bring this study to the viewer." in text_of(html)
    assert panel_polls(html)
    with site.parts.records.write() as session:
        row = session.query(FetchRow).one()
        row.begun_at = row.beat_at = site.parts.now
        row.expected, row.arrived, row.attempt = 6, 2, 1
    said = text_of(client.page(page))
    assert "Bringing the study to the viewer, please wait. 2 of 6 images sent." in said
    assert "Bring to the viewer" not in said.replace("Bringing the study to the viewer", "")


def test_fewer_in_the_viewer_than_at_the_source_opens_and_says_so(site, client, page, viewers_archive, held):
    viewers_archive.store(held[:2])
    html = client.page(page)
    assert "2 of 6 in the viewer." in text_of(html)
    assert re.search(r'<a[^>]*target="ohif" rel="noopener"', html)
    assert "2 of 6" not in brought(site, client, page)


def test_a_source_that_keeps_some_back_does_not_look_as_if_it_had_sent_all(site, client, page, archive):
    archive.behave(leaves_out(2))
    said = brought(site, client, page)
    (row,) = errands(site)
    assert (row.outcome, row.reason, row.arrived) == (Outcome.INCOMPLETE, "not-at-viewer", 4)
    assert "4 of 6 in the viewer." in said
    assert "the viewer does not have all of it" in said


def test_success_with_nothing_sent_is_a_failure(site, client, page, archive):
    archive.behave(claims_success_but_sends_nothing())
    said = brought(site, client, page)
    assert errands(site)[0].outcome is Outcome.FAILED
    assert "could not be brought to the viewer" in said
    assert "Not in the viewer yet." in said


@pytest.mark.parametrize(("status", "reason"), [(0xA801, "destination-unknown"), (0xC001, "request-failed")])
def test_a_refusal_has_its_reason_and_next_step(site, client, page, archive, status, reason):
    archive.behave(answers(status, Kind.MOVE))
    said = brought(site, client, page)
    (row,) = errands(site)
    assert (row.outcome, row.reason) == (Outcome.FAILED, reason)
    assert "could not be brought to the viewer" in said
    assert "say reference F-" in said
    assert "Bring to the viewer" in said


def test_a_source_that_is_gone_has_its_reason(install, client, page, site, archive):
    client.press(client.page(page), "Bring to the viewer")
    archive.stop()
    site.fetch_all()
    assert errands(site)[0].reason == "connection-refused"


def test_cancel_ends_it_within_seconds(site, client, page, archive):
    archive.behave(slow(2))
    client.press(client.page(page), "Bring to the viewer")
    (row,) = errands(site)
    timer = Timer(1.5, lambda: client_cancels(site, row))
    timer.start()
    began = time.monotonic()
    site.fetch_all()
    assert time.monotonic() - began < 6
    (row,) = errands(site)
    assert row.outcome is Outcome.CANCELLED
    assert "Cancelled" in text_of(client.page(page))


def test_who_presses_the_button_again_right_after_cancel_does_not_wait(
    site, client, page, archive, held, monkeypatch
):
    archive.behave(slow(2))
    client.press(client.page(page), "Bring to the viewer")
    (row,) = errands(site)
    look = _Bringing._look
    pressed: list[float] = []

    def press(self) -> None:
        if archive.asked(Kind.MOVE) and not pressed:
            client_cancels(site, row)
        look(self)
        if self._cancelled and not pressed:
            archive.behave_well()
            wanting.want(site.parts, row.study, Errand.BRING)
            pressed.append(time.monotonic())

    monkeypatch.setattr(_Bringing, "_look", press)
    site.fetch_all()
    assert time.monotonic() - pressed[0] < 6
    (row,) = errands(site)
    assert (row.outcome, row.arrived) == (Outcome.COMPLETE, 6)


@pytest.mark.parametrize(
    ("sent", "outcome", "reason"), [(0, "FAILED", "no-answer"), (2, "INCOMPLETE", "fell-silent")]
)
def test_an_archive_that_stops_in_the_middle_is_given_up_and_this_is_said(
    site, client, page, archive, monkeypatch, sent, outcome, reason
):
    monkeypatch.setattr(bringing, "_SILENCE_S", 3.0)
    archive.behave(hangs_in_move(sent))
    began = time.monotonic()
    said = brought(site, client, page)
    assert time.monotonic() - began < 30
    (row,) = errands(site)
    assert (row.outcome, row.reason) == (Outcome[outcome], reason)
    assert "could not be brought to the viewer" in said
    assert "Bring to the viewer" in said


def test_an_archive_that_counts_nothing_is_not_given_up_while_images_reach_the_viewer(
    site, client, page, archive, monkeypatch
):
    monkeypatch.setattr(bringing, "_SILENCE_S", 8.0)  # an answer of the viewer's archive stands for five
    archive.behave(says_nothing_between() & slow(3))
    brought(site, client, page)
    (row,) = errands(site)
    assert (row.outcome, row.arrived) == (Outcome.COMPLETE, 6)


def test_while_nothing_comes_the_page_says_until_when_it_is_waited_for(site, client, page):
    client.press(client.page(page), "Bring to the viewer")
    now = site.parts.now
    with site.parts.records.write() as session:
        row = session.query(FetchRow).one()
        row.begun_at = row.moved_at = now - timedelta(seconds=45)
        row.beat_at, row.attempt, row.expected, row.arrived = now, 1, 6, 2
    said = text_of(client.page(page))
    assert "The archive has sent nothing for 40 seconds. If that lasts, it ends here at" in said
    with site.parts.records.write() as session:
        session.query(FetchRow).one().reason = "lines-taken"
    said = text_of(client.page(page))
    assert "Every connection that this archive allows us is in use. It starts by itself" in said
    assert "has sent nothing" not in said


def test_while_it_waits_for_a_connection_this_is_written_down(site, client, page):
    client.press(client.page(page), "Bring to the viewer")
    main = site.settings.sources[0]
    with ExitStack() as taken:
        for number in range(main.associations):
            taken.enter_context(site.parts.lines.line(main, party=f"other {number}"))
        working = Thread(target=site.fetch_all)
        working.start()
        eventually(lambda: errands(site)[0].reason == "lines-taken", 10)
    working.join(30)
    (row,) = errands(site)
    assert (row.outcome, row.reason) == (Outcome.COMPLETE, None)


def client_cancels(site, row) -> None:
    wanting.cancel(site.parts, row.study, Errand.BRING)


def test_a_study_may_be_fetched_and_brought_at_the_same_time(site, client, page):
    client.press(client.page(page), "Bring to the viewer")
    client.press(client.page(page), "Fetch")
    site.fetch_all()
    with site.parts.records.read() as session:
        ended = {row.errand: row.outcome for row in session.query(FetchRow)}
    assert ended == {Errand.FETCH: Outcome.COMPLETE, Errand.BRING: Outcome.COMPLETE}


def test_nobody_brings_what_is_not_certainly_the_patients(site, client, archive, held):
    """Another patient's study, and one of the patient's id under another name."""
    path = client.opened(site, STRANGER)
    other = client.opened(site, OKAFOR)
    key = re.search(r'id="study-(\w+)"', client.page(other))[1]
    token = re.search(r'name="csrf_token" value="([^"]*)"', client.page(other))[1]
    answer = client.post(f"{path}/studies/{key}/bring", data={"csrf_token": token})
    assert answer.status_code == 404
    assert errands(site) == []


def test_without_a_way_to_the_viewer_there_is_no_button(install, archive, held, viewers_archive):
    web = viewers_archive.http
    site = install(
        source_block("main", archive.port, aet="MAIN"),
        viewer_lines=f'url = "{web}/app/explorer.html"\ndicomweb = "{web}/dicom-web"',
    )
    client = site.app.test_client()
    path = client.opened(site)
    html = client.page(path)
    assert "Not in the viewer yet. To read it now, call Radiology 2345." in text_of(html)
    assert "Bring to the viewer" not in html
    key = re.search(r'id="study-(\w+)"', html)[1]
    token = re.search(r'name="csrf_token" value="([^"]*)"', html)[1]
    assert client.post(f"{path}/studies/{key}/bring", data={"csrf_token": token}).status_code == 404


def received(viewers_archive, uid) -> int:
    found = urllib3.request("GET", f"{viewers_archive.http}/dicom-web/studies/{uid}/instances", timeout=5)
    return len(found.json()) if found.status == 200 else 0


def test_a_study_that_turns_out_to_be_another_patients_is_not_sent(site, client, page, held, viewers_archive):
    """Between the press of the button and the worker, the archive has corrected whose it is."""
    client.press(client.page(page), "Bring to the viewer")
    uid = held[0].StudyInstanceUID
    with site.parts.records.write() as session:
        row = session.query(StudyRow).filter_by(study_uid=uid).one()
        note_study(session, replace(row.study, patient=STRANGER), site.parts.now)
    site.fetch_all()
    assert errands(site) == []
    assert received(viewers_archive, uid) == 0


def test_a_study_with_images_of_somebody_else_is_not_sent(site, client, page, held, archive, viewers_archive):
    for ds in study(STRANGER):
        archive.add(ds)
    archive.behave(sends_someone_else())
    html = client.page(page)
    token = re.search(r'name="csrf_token" value="([^"]*)"', html)[1]
    address = re.search(r'action="([^"]*/bring)"', html)[1]
    client.press(html, "Fetch")
    site.fetch_all()
    assert "Bring to the viewer" not in client.page(page)
    assert client.post(address, data={"csrf_token": token}).status_code == 404
    assert received(viewers_archive, held[0].StudyInstanceUID) == 0


def test_a_study_that_the_viewer_has_under_another_patient_is_not_offered(
    site, client, page, held, viewers_archive
):
    uid = held[0].StudyInstanceUID
    viewers_archive.store(study(STRANGER, study_uid=uid))
    html = client.page(page)
    assert "is filed under another patient" in text_of(html)
    assert 'target="ohif"' not in html


# --- the other things that are said before the click


def opened_with(install, archive, viewer_lines):
    site = install(source_block("main", archive.port, aet="MAIN"), viewer_lines=viewer_lines)
    client = site.app.test_client()
    return client.page(client.opened(site))


def test_a_viewer_that_is_down_is_said_before_the_click(install, archive, held):
    with nothing_listens() as port:
        web = f"http://127.0.0.1:{port}"
        html = opened_with(install, archive, f'url = "{web}/viewer"\ndicomweb = "{web}/dicom-web"')
    assert "The viewer does not answer. Opening it may fail." in text_of(html)


def test_a_sign_in_that_is_refused_is_not_a_missing_study(install, archive, held, tmp_path):
    with Orthanc(tmp_path / "closed", dicomweb=True, password=True).running() as closed:
        html = opened_with(
            install, archive, f'url = "{closed.http}/viewer"\ndicomweb = "{closed.http}/dicom-web"'
        )
    assert "It refuses our sign-in" in text_of(html)
    assert "Not in the viewer" not in html
    assert 'target="ohif"' in html


def test_without_an_address_of_its_archive_the_link_is_live_and_nothing_is_said_of_what_it_has(
    install, archive, held
):
    html = opened_with(install, archive, 'url = "http://127.0.0.1:3000/viewer"')
    assert "was not checked" not in text_of(html)
    assert 'target="ohif"' in html


def test_where_there_is_no_viewer_the_button_explains_what_is_missing(install, archive, held):
    lines = 'url = "http://127.0.0.1:3000/viewer"\nmissing = "The viewer comes in March."'
    html = opened_with(install, archive, lines)
    assert "Open in viewer The viewer comes in March." in text_of(html)
    assert 'target="ohif"' not in html
