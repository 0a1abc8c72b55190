"""The errand of asking: every answer is kept as it comes, and a question is never lost nor asked for ever."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from support.inspecting import text_of
from support.installation import source_block
from support.studies import OKAFOR, STRANGER, study

from fetch.model import Answer, AnswerKind, Approach
from fetch.records import StudyRow, UnmatchedRow
from preview.demo.archive import Archive
from preview.demo.behaviour import answers, caps_answers
from preview.errands import asking
from preview.records import AnswerRow, AskRow


def asked(site, client, patient=OKAFOR):
    """Open the patient and let the worker ask; the newest ask."""
    client.get(site.launch(patient))
    site.ask_all()
    return newest(site)


def newest(site) -> AskRow:
    with site.parts.records.read() as session:
        return session.scalars(select(AskRow).order_by(AskRow.wanted_at.desc())).first()


def test_asking_twice_for_one_question_does_no_harm(site, client, archive):
    for ds in study():
        archive.add(ds)
    ask = asked(site, client)
    asking.ask(site.parts, ask.id)
    with site.parts.records.read() as session:
        assert len(session.scalars(select(AnswerRow)).all()) == 1
        assert len(session.scalars(select(StudyRow)).all()) == 1


def test_a_question_whose_worker_died_is_taken_up_again(site, client, archive):
    client.get(site.launch(OKAFOR))
    ask = newest(site)
    with site.parts.records.write() as session:
        begun = site.parts.now - asking.GIVEN_UP - timedelta(seconds=1)
        session.execute(update(AskRow).values(begun_at=begun, attempt=1))
    asking.ask(site.parts, ask.id)
    assert newest(site).finished_at is not None


def test_a_question_that_ends_every_worker_is_given_up_and_said(site, client, archive):
    path = client.get(site.launch(OKAFOR)).headers["Location"]
    with site.parts.records.write() as session:
        begun = site.parts.now - asking.GIVEN_UP - timedelta(seconds=1)
        session.execute(update(AskRow).values(begun_at=begun, attempt=asking.MOST_ATTEMPTS))
    site.ask_all()
    text = text_of(client.page(path))
    assert "Asking this archive stopped unexpectedly." in text
    assert "No imaging found" not in text


def test_two_archives_that_disagree_about_whose_study_it_is_withhold_it_everywhere(install, archive):
    uid = "1.2.826.0.1.3680043.8.498.77"
    with Archive("OTHER").start() as other:
        for ds in study(OKAFOR, study_uid=uid):
            archive.add(ds)
        namesake = study(OKAFOR, study_uid=uid, PatientName="SOMEBODY^Else")
        site = install(
            source_block("main", archive.port, aet="MAIN"), source_block("other", other.port, aet="OTHER")
        )
        client = site.app.test_client()
        path = client.opened(site)
        assert "CT Thorax" in client.page(path)
        for ds in namesake:
            other.add(ds)
        asked(site, client)
        assert "CT Thorax" not in client.page(path)  # also where it was shown before
    with site.parts.records.read() as session:
        doubts = [row.doubts for row in session.scalars(select(UnmatchedRow))]
    assert all("sources-disagree" in codes for codes in doubts)
    assert len(doubts) == 2


def test_what_was_corrected_at_the_archive_leaves_the_staff_list(site, client, archive):
    datasets = study(OKAFOR, PatientBirthDate="19310131")
    for ds in datasets:
        archive.add(ds)
    asked(site, client)
    for ds in datasets:
        ds.PatientBirthDate = "19750714"
        archive.add(ds)
    path = client.opened(site)
    assert "CT Thorax" in client.page(path)
    with site.parts.records.read() as session:
        assert session.scalars(select(UnmatchedRow).where(UnmatchedRow.settled_at.is_(None))).all() == []


def test_same_id_under_another_issuer_is_never_shown(site, client, archive):
    for ds in study(OKAFOR, IssuerOfPatientID="ELSEWHERE"):
        archive.add(ds)
    path = client.get(site.launch(OKAFOR)).headers["Location"]
    site.ask_all()
    html = client.page(path)
    assert "CT Thorax" not in html
    assert "1 study at Main archive may belong to this patient." in text_of(html)


def test_a_stranger_under_the_same_id_waits_for_staff(site, client, archive):
    for ds in study(OKAFOR, PatientName=STRANGER.name, PatientBirthDate="19310131"):
        archive.add(ds)
    asked(site, client)
    with site.parts.records.read() as session:
        (row,) = session.scalars(select(UnmatchedRow)).all()
    assert set(row.doubts) == {"id-reused", "birth-date-differs", "name-differs", "given-differs"}
    assert row.patient == OKAFOR
    assert row.study.patient.name == STRANGER.name


def test_asking_again_counts_only_when_the_question_is_answered(site, client, archive):
    path = client.get(site.launch(OKAFOR)).headers["Location"]
    for _ in range(3):
        client.press(client.page(path), "Ask the archives again")
    assert asks(site) == 1
    site.ask_all()
    client.press(client.page(path), "Ask the archives again")
    assert asks(site) == 2


def asks(site) -> int:
    with site.parts.records.read() as session:
        return len(session.scalars(select(AskRow)).all())


# --- what an archive no longer lists


def doubts(site) -> dict[str, list[str]]:
    """What waits for staff, by its description."""
    with site.parts.records.read() as session:
        rows = session.scalars(select(UnmatchedRow).where(UnmatchedRow.settled_at.is_(None))).all()
        return {row.study.description: row.doubts for row in rows}


def hold(archive, description: str, patient=OKAFOR, **more) -> str:
    """Put a study into the archive; its UID."""
    datasets = study(patient, StudyDescription=description, **more)
    for ds in datasets:
        archive.add(ds)
    return datasets[0].StudyInstanceUID


def ask_again(site, client, path: str, button: str = "Ask the archives again") -> str:
    """The path of the page of the new question, once it is answered."""
    response = client.press(client.page(path), button)
    site.ask_all()
    return response.headers["Location"]


def test_what_an_archive_no_longer_lists_leaves_every_page_and_waits_for_staff(site, client, archive):
    hold(archive, "Kept")
    gone = hold(archive, "Removed")
    path = client.opened(site)
    colleague = site.app.test_client()
    theirs = colleague.opened(site)
    other_tab = ask_again(site, client, path, "All")
    preview = re.search(r'id="title-(\w+)">\s*<span[^>]*>CT</span>\s*Removed', client.page(path))[1]
    archive.remove(gone)
    ask_again(site, client, path)
    for who, page in ((client, path), (client, other_tab), (colleague, theirs)):
        html = who.page(page)
        assert "Kept" in html
        assert "Removed" not in html
    assert colleague.get(f"{theirs}/studies/{preview}").status_code == 404
    assert doubts(site) == {"Removed": ["no-longer-listed"]}
    said = "1 study that it listed before is no longer listed there; staff see it."
    assert said in text_of(colleague.page(theirs))


def test_what_is_listed_again_is_shown_again(site, client, archive):
    datasets = study(StudyDescription="Back")
    for ds in datasets:
        archive.add(ds)
    path = client.opened(site)
    archive.remove(datasets[0].StudyInstanceUID)
    ask_again(site, client, path)
    assert doubts(site) == {"Back": ["no-longer-listed"]}
    for ds in datasets:
        archive.add(ds)
    ask_again(site, client, path)
    assert "Back" in client.page(path)
    assert doubts(site) == {}


@pytest.mark.parametrize("behaviour", [answers(0xA700), caps_answers(1, 0xA700)])
def test_an_answer_that_is_not_whole_takes_nothing_away(site, client, archive, behaviour):
    hold(archive, "First")
    gone = hold(archive, "Second", day="20261102")
    path = client.opened(site)
    archive.remove(gone)
    hold(archive, "Third", day="20261103")
    archive.behave(behaviour)
    ask_again(site, client, path)
    with site.parts.records.read() as session:
        assert not session.scalars(select(StudyRow).where(StudyRow.unlisted_at.is_not(None))).all()
    assert doubts(site) == {}


def test_a_question_about_other_dates_takes_nothing_away(site, client, archive):
    gone = hold(archive, "Old", day="20200101")
    hold(archive, "New")
    path = client.opened(site)
    everything = ask_again(site, client, path, "All")
    assert "Old" in client.page(everything)
    archive.remove(gone)
    ask_again(site, client, path, "Recent (1 year)")
    assert "Old" in client.page(everything)
    assert doubts(site) == {}
    ask_again(site, client, path, "All")
    assert "Old" not in client.page(everything)
    assert doubts(site) == {"Old": ["no-longer-listed"]}


def test_an_undated_study_that_is_gone_is_noticed_whatever_the_dates(site, client, archive):
    gone = hold(archive, "Undated", day="")
    path = client.opened(site)
    archive.remove(gone)
    ask_again(site, client, path, "Today")
    assert doubts(site) == {"Undated": ["no-longer-listed"]}


def test_a_study_whose_date_was_corrected_is_not_taken_for_gone(site, client, archive):
    datasets = study(StudyDescription="Redated")
    for ds in datasets:
        archive.add(ds)
    path = client.opened(site)
    for ds in datasets:
        ds.StudyDate = "20200101"
        archive.add(ds)
    ask_again(site, client, path)
    assert doubts(site) == {}


def test_a_study_that_is_somebody_elses_now_is_not_taken_for_gone(site, client, archive):
    datasets = study(StudyDescription="Mixed up")
    for ds in datasets:
        archive.add(ds)
    path = client.opened(site)
    for ds in datasets:
        ds.PatientID, ds.PatientName = STRANGER.identity.patient_id, STRANGER.name
        ds.PatientBirthDate, ds.PatientSex = "19310131", "M"
        archive.add(ds)
    theirs = site.app.test_client()
    his = theirs.opened(site, STRANGER)
    ask_again(site, client, path)
    assert doubts(site) == {}
    assert "Mixed up" in theirs.page(his)


def test_what_was_doubted_before_stays_beside_it(site, client, archive):
    gone = hold(archive, "Whose?", PatientBirthDate="19310131")
    path = client.opened(site)
    assert doubts(site) == {"Whose?": ["birth-date-differs"]}
    archive.remove(gone)
    ask_again(site, client, path)
    assert doubts(site) == {"Whose?": ["birth-date-differs", "no-longer-listed"]}


def test_an_answer_to_an_older_question_does_not_hide_what_a_newer_one_found(site, client, archive):
    datasets = study(StudyDescription="New")
    for ds in datasets:
        archive.add(ds)
    client.opened(site)
    ask = newest(site)
    with site.parts.records.write() as session:
        session.execute(update(AskRow).values(begun_at=site.parts.now - timedelta(seconds=30)))
    late = Answer(
        site.settings.sources[0], AnswerKind.ABSENT, approach=Approach((OKAFOR.identity.patient_id,))
    )
    asking._note(site.parts, ask.id, OKAFOR, late)
    assert doubts(site) == {}
