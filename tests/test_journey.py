"""The user story, in a real browser, with real processes, against a real Orthanc."""

import re
from datetime import date

import pytest
from playwright.sync_api import expect
from pydicom.uid import generate_uid
from support.installation import source_block
from support.studies import study

from fetch.model import Patient, PatientIdentity
from preview.records import Role

OVERHEAR = """() => {
    window.said = new Set();
    setInterval(() => said.add(document.querySelector(".status").innerText), 20);
}"""


PATIENT = Patient(PatientIdentity("J-4471902", "HOSP"), "OKAFOR^Adaeze", date(1975, 7, 14), "F")
STUDY_UID = generate_uid()


@pytest.fixture(scope="module")
def stored(orthanc):
    """A real Orthanc with one large CT of the patient."""
    chest = study(PATIENT, images=800, size=256, study_uid=STUDY_UID, StudyDescription="Chest with contrast")
    orthanc.store(chest)
    return orthanc


@pytest.fixture
def hospital(install, stored):
    return install(source_block("main", stored.port, aet=stored.aet))


def test_a_referring_doctor_sees_the_pictures_arrive(hospital, chromium):
    with hospital.running() as address:
        context = chromium.new_context(viewport={"width": 1160, "height": 900})
        page = context.new_page()
        complaints = []
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))

        # she opens the patient from the clinical application
        page.goto(address + hospital.launch(PATIENT))
        expect(page.get_by_role("heading", level=1)).to_have_text("OKAFOR, Adaeze")
        expect(page.get_by_text("Not for diagnosis.")).to_be_visible()
        assert PATIENT.identity.patient_id not in page.url

        # the archive answers, and the study has a card
        card = page.get_by_role("article", name=re.compile("Chest with contrast"))
        expect(card).to_be_visible(timeout=15_000)
        expect(page.locator("#answer-main")).to_contain_text("Searched Main archive")

        # she asks for it, is told to wait and how far it is, and the pictures come by themselves
        card.get_by_role("button", name="Fetch").click()
        page.evaluate(OVERHEAR)
        expect(card.get_by_text("Complete, 800 of 800 images")).to_be_visible(timeout=30_000)
        said = " | ".join(page.evaluate("() => [...said]"))
        assert "Fetching study, please wait." in said
        assert re.search(r"\d+ of 800 images received", said), said
        poster = card.get_by_role("img").first
        expect(poster).to_be_visible()
        assert poster.evaluate("image => image.complete && image.naturalWidth") == 256

        # nothing polls any more
        polls = []
        page.on("request", lambda request: polls.append(request.url) if "updates" in request.url else None)
        page.wait_for_timeout(3_000)
        assert polls == []

        # the viewer's link is the study's, in one named tab
        link = card.get_by_role("link", name=re.compile("Open in viewer"))
        assert link.get_attribute("href") == (f"http://127.0.0.1:3000/viewer?StudyInstanceUIDs={STUDY_UID}")
        assert (link.get_attribute("target"), link.get_attribute("rel")) == ("ohif", "noopener")

        # she opens the preview and steps through it
        card.get_by_role("link", name="Open preview").click()
        large = page.locator("#large")
        expect(large).to_be_visible()
        first = large.get_attribute("src")
        page.get_by_role("link", name=re.compile("Next image")).click()
        expect(large).not_to_have_attribute("src", first)
        expect(page.get_by_text("NOT FOR DIAGNOSIS ·")).to_be_visible()
        assert complaints == []
        context.close()


def test_it_works_without_scripts(hospital, chromium):
    with hospital.running() as address:
        context = chromium.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(address + hospital.launch(PATIENT))
        expect(page.get_by_role("article")).to_be_visible(timeout=20_000)
        page.get_by_role("button", name="Fetch", exact=True).click()
        expect(page.get_by_text("Complete, 800 of 800 images")).to_be_visible(timeout=30_000)
        context.close()


def test_staff_see_how_many_studies_wait_for_them(hospital, chromium):
    with hospital.running() as address:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(address + hospital.launch(None, Role.STAFF))
        expect(page.get_by_role("heading", level=1)).to_have_text("Unmatched studies")
        expect(page.get_by_role("link", name=re.compile("Unmatched studies"))).to_contain_text("0")
        context.close()


def test_focus_stays_where_it_is_while_the_page_fills(hospital, chromium):
    with hospital.running() as address:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(address + hospital.launch(PATIENT))
        card = page.get_by_role("article")
        expect(card).to_be_visible(timeout=15_000)
        card.get_by_role("button", name="Fetch").click()
        expect(card.get_by_role("button", name="Fetch", exact=True)).to_have_count(0)  # the new page is there
        link = card.get_by_role("link", name=re.compile("Open in viewer"))
        link.focus()
        expect(card.get_by_text("Complete, 800 of 800 images")).to_be_visible(timeout=30_000)
        expect(link).to_be_focused()
        context.close()
