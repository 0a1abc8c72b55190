"""What a context may show changes with what the archive says, at once and everywhere."""

import re

from sqlalchemy import select
from support.studies import OKAFOR, STRANGER, study

from fetch.find import find_study
from preview.demo.behaviour import answers, omits_return_keys
from preview.errands import wanting
from preview.errands.asking import note_study
from preview.records import FetchRow, InstanceRow, Outcome


def pictures(html: str) -> list[str]:
    return re.findall(r'<img src="([^"]+)"', html)


def fetched(site, client, path) -> list[str]:
    """Fetch what the page offers; the addresses of its pictures."""
    client.press(client.page(path), "Fetch")
    site.fetch_all()
    return pictures(client.page(path))


def given_to(patient, datasets, archive) -> None:
    """What a mix-up correction at the archive does."""
    for ds in datasets:
        ds.PatientID, ds.PatientName = patient.identity.patient_id, patient.name
        ds.PatientBirthDate, ds.PatientSex = f"{patient.birth_date:%Y%m%d}", patient.sex
        archive.add(ds)


def test_a_study_that_the_archive_gives_to_somebody_else_leaves_the_first_patients_page(
    site, client, archive
):
    datasets = study(OKAFOR, StudyDescription="Mixed up")
    for ds in datasets:
        archive.add(ds)
    hers = client.opened(site)
    (seen,) = fetched(site, client, hers)
    given_to(STRANGER, datasets, archive)
    his = client.opened(site, STRANGER)
    assert "Mixed up" not in client.page(hers)
    assert client.get(seen).status_code == 404
    page = client.page(his)
    assert "Mixed up" in page
    assert pictures(page) == []  # what was drawn under her name is not his
    assert "Not fetched yet." in page


def test_pictures_drawn_for_the_second_patient_never_reach_the_first(site, client, archive):
    datasets = study(OKAFOR)
    for ds in datasets:
        archive.add(ds)
    hers = client.opened(site)
    given_to(STRANGER, datasets, archive)
    (his_picture,) = fetched(site, client, client.opened(site, STRANGER))
    assert pictures(client.page(hers)) == []
    assert client.get(hers + "/pictures/" + his_picture.split("/pictures/")[1]).status_code == 404


def test_a_page_of_an_older_range_does_not_show_what_is_withheld_now(site, client, archive):
    datasets = study(OKAFOR)
    for ds in datasets:
        archive.add(ds)
    path = client.opened(site)
    older = client.press(client.page(path), "30 days").headers["Location"]
    site.ask_all()
    assert "CT Thorax" in client.page(older)
    for ds in datasets:
        ds.PatientName = "SOMEBODY^Else"
        archive.add(ds)
    client.press(client.page(path), "All")
    site.ask_all()
    assert "CT Thorax" not in client.page(older)


def test_a_study_that_the_archive_no_longer_lists_is_not_shown(site, client, archive):
    for ds in study(OKAFOR):
        archive.add(ds)
    path = client.opened(site)
    (seen,) = fetched(site, client, path)
    archive.behave(answers(0x0000))
    client.press(client.page(path), "Ask the archives again")
    site.ask_all()
    assert client.get(seen).status_code == 404


def test_an_outage_takes_no_picture_away(site, client, archive):
    for ds in study(OKAFOR):
        archive.add(ds)
    path = client.opened(site)
    (seen,) = fetched(site, client, path)
    archive.behave(answers(0xA700))
    client.press(client.page(path), "Ask the archives again")
    site.ask_all()
    assert client.get(seen).status_code == 200


def fetched_from_a_shell(site, study_uid) -> FetchRow:
    """What an integrator does who tries an archive."""
    found = find_study(site.settings.sources[0], site.settings.local, study_uid)
    with site.parts.records.write() as session:
        row = note_study(session, found, site.parts.now)
    fetch_id = wanting.want(site.parts, row)
    site.fetch_all()
    with site.parts.records.read() as session:
        return session.get_one(FetchRow, fetch_id)


def test_what_was_drawn_for_nobody_never_becomes_the_patients(site, client, archive):
    datasets = study(STRANGER, PatientID="", IssuerOfPatientID="")
    for ds in datasets:
        archive.add(ds)
    archive.behave(omits_return_keys("PatientID"))
    fetch = fetched_from_a_shell(site, datasets[0].StudyInstanceUID)
    assert (fetch.outcome, fetch.drawn) == (Outcome.COMPLETE, 3)  # it is the trial of an archive
    drawn = [path.parent.name + "/" + path.name for path in (site.folder / "shelf").rglob("*.png")]
    archive.behave_well()
    given_to(OKAFOR, datasets, archive)
    path = client.opened(site)
    html = client.page(path)
    assert "CT Thorax" in html
    assert "Not fetched yet." in html
    assert pictures(html) == []
    assert {client.get(f"{path}/pictures/{one}").status_code for one in drawn} == {404}
    with site.parts.records.read() as session:
        assert session.scalars(select(InstanceRow)).all() == []


def test_a_study_that_was_only_asked_for_again_keeps_its_pictures(site, client, archive):
    for ds in study(OKAFOR):
        archive.add(ds)
    path = client.opened(site)
    (seen,) = fetched(site, client, path)
    client.press(client.page(path), "Ask the archives again")
    site.ask_all()
    assert pictures(client.page(path)) == [seen]
    assert client.get(seen).status_code == 200
