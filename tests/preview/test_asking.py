"""The errand of asking: every answer is kept as it comes, and a question is never lost nor asked for ever."""

from datetime import timedelta

from sqlalchemy import select, update
from support.inspecting import text_of
from support.installation import source_block
from support.studies import OKAFOR, STRANGER, study

from fetch.records import StudyRow, UnmatchedRow
from preview import asking
from preview.demo.archive import Archive
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
        assert session.scalars(select(UnmatchedRow)).all() == []


def test_same_id_under_another_issuer_is_never_shown(site, client, archive):
    for ds in study(OKAFOR, IssuerOfPatientID="ELSEWHERE"):
        archive.add(ds)
    path = client.get(site.launch(OKAFOR)).headers["Location"]
    site.ask_all()
    html = client.page(path)
    assert "CT Thorax" not in html
    assert "1 study there may belong to this patient." in text_of(html)


def test_a_stranger_under_the_same_id_waits_for_staff(site, client, archive):
    for ds in study(OKAFOR, PatientName=STRANGER.name, PatientBirthDate="19310131"):
        archive.add(ds)
    asked(site, client)
    with site.parts.records.read() as session:
        (row,) = session.scalars(select(UnmatchedRow)).all()
    assert set(row.doubts) == {"birth-date-differs", "name-differs"}
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
