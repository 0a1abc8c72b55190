"""From the clinical application in, and out to the real OHIF on a real Orthanc, in a real browser."""

import re
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect, sync_playwright
from support.installation import Installation, free_port, source_block
from support.ohif import RENDERED, drawing_browser, ohif, shown
from support.orthanc import Orthanc
from support.signing import KEY, client_block
from support.studies import study
from werkzeug.serving import make_server

from preview.demo.archive import Archive
from preview.demo.clinic import Preview, create_clinic
from preview.demo.people import OKAFOR

NOW = study(OKAFOR, day="20261101", images=5, size=64, StudyDescription="Chest now")
BEFORE = study(OKAFOR, day="20260105", images=5, size=64, StudyDescription="Chest before")
ELSEWHERE = study(OKAFOR, day="20260606", images=4, size=64, StudyDescription="Chest elsewhere")
"""At a source of its own: the viewer does not have it yet."""


@dataclass
class Hospital:
    site: Installation
    preview: str
    clinic: str
    viewer_port: int
    orthanc: Orthanc


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    orthanc = Orthanc(tmp_path_factory.mktemp("orthanc"), dicomweb=True, password=True)
    with orthanc.running():
        orthanc.store([*NOW, *BEFORE])
        yield orthanc


@pytest.fixture(scope="module")
def hospital(tmp_path_factory, redis_url, orthanc):
    folder = tmp_path_factory.mktemp("hospital")
    clinic_port, viewer_port = free_port(), free_port()
    with ExitStack() as running:
        elsewhere = Archive("ELSEWHERE", datasets=ELSEWHERE).start()
        running.callback(elsewhere.stop)
        elsewhere.peers[orthanc.aet] = ("127.0.0.1", orthanc.port)
        web = f"http://127.0.0.1:{viewer_port}"
        site = Installation(
            folder,
            [
                source_block("main", orthanc.port, aet=orthanc.aet, viewer_source="main"),
                source_block("elsewhere", elsewhere.port, aet="ELSEWHERE", viewer_source="main"),
                client_block(folder),
            ],
            redis_url,
            app_lines=f'embed_origins = ["http://localhost:{clinic_port}"]',
            viewer_lines=f'url = "{web}/viewer"\ndicomweb = "{web}/dicom-web"\naet = "{orthanc.aet}"',
        )
        address = running.enter_context(site.running())
        running.enter_context(clinical_application(clinic_port, address))
        yield Hospital(site, address, f"http://localhost:{clinic_port}", viewer_port, orthanc)
        site.parts.records.engine.dispose()


@contextmanager
def clinical_application(port: int, preview: str):
    server = make_server("127.0.0.1", port, create_clinic(Preview(preview, KEY.encode())), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = drawing_browser(playwright)
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(RENDERED)
    yield context
    context.close()


@pytest.fixture
def viewer(hospital):
    with ohif(hospital.orthanc, hospital.viewer_port) as address:
        yield address


def card(page, name: str):
    return page.get_by_role("article", name=re.compile(name))


def fetched(page, name: str):
    """The card of a study whose pictures are here."""
    one = card(page, name)
    expect(one).to_be_visible(timeout=15_000)
    if one.get_by_role("button", name="Fetch").count():
        one.get_by_role("button", name="Fetch").click()
    expect(one.get_by_text("Complete, ")).to_be_visible(timeout=20_000)
    return one


def test_from_a_frame_of_the_clinical_application_to_the_image_and_its_prior_in_ohif(
    hospital, browser, viewer
):
    clinic = browser.new_page()
    alerts = []
    clinic.on("dialog", lambda dialog: alerts.append(dialog.message))
    clinic.goto(hospital.clinic)
    clinic.get_by_role("button", name="Imaging here").first.click()
    expect(clinic.frame_locator("iframe").get_by_role("heading", level=1)).to_have_text("OKAFOR, Adaeze")
    frame = clinic.frame(name="imaging")
    assert frame.url.startswith(hospital.preview)
    assert OKAFOR.identity.patient_id not in frame.url
    (cookie,) = browser.cookies(hospital.preview)
    assert (cookie["sameSite"], cookie["secure"], cookie["httpOnly"]) == ("None", True, True)

    # the pictures come, and one of them is opened where it can be read
    fetched(frame, "Chest now").get_by_role("link", name="Open preview").click()
    frame.locator(".grid a").nth(3).click()
    expect(frame.locator("figcaption")).to_contain_text("image 4 of 5")
    asked = NOW[3].SOPInstanceUID
    assert asked in frame.get_by_role("link", name="Open this image in viewer").get_attribute("href")
    with clinic.expect_popup() as opened:
        frame.get_by_role("link", name="Open this image in viewer").click()
    tab = opened.value
    assert tab.url.startswith(f"{viewer}/viewer/main?StudyInstanceUIDs={NOW[0].StudyInstanceUID}&")
    assert shown(tab, lambda uids: uids == [asked]) == [asked]

    # the prior beside it, in the same tab: current left, prior right
    frame.get_by_text("Compare with another study").click()
    frame.locator("#compare").get_by_role("link", name=re.compile("Chest before")).click()
    tab.wait_for_url("**hpCompare**")
    now, before = ({ds.SOPInstanceUID for ds in one} for one in (NOW, BEFORE))
    uids = shown(tab, lambda uids: len(uids) > 1 and all(uids[:2]), seconds=60)
    assert uids[0] in now
    assert uids[1] in before
    assert [page for page in browser.pages if page.url.startswith(viewer)] == [tab]
    assert alerts == []


@pytest.mark.parametrize("first", ["Chest before", "Chest now"])
def test_two_ticked_studies_stand_side_by_side_in_ohif(hospital, browser, viewer, first):
    """In whichever order they are ticked: the newer one left, and OHIF has loaded both."""
    page = browser.new_page()
    page.goto(hospital.clinic)
    with page.expect_popup() as opened:
        page.get_by_role("button", name="In a tab").first.click()
    tab = opened.value
    names = sorted(("Chest before", "Chest now"), key=lambda name: name != first)
    for name in names:
        fetched(tab, name).get_by_label("Compare").check()
    expect(tab.locator("#ticked")).to_have_text("Two studies are ticked.")
    with tab.expect_popup() as opened:
        tab.get_by_role("button", name="Compare in the viewer").click()
    reading = opened.value
    reading.wait_for_url(f"{viewer}/viewer/main?StudyInstanceUIDs=**hpCompare**")
    now, before = ({ds.SOPInstanceUID for ds in one} for one in (NOW, BEFORE))
    uids = shown(reading, lambda uids: len(uids) > 1 and all(uids[:2]), seconds=60)
    assert uids[0] in now
    assert uids[1] in before
    loaded = reading.evaluate(
        "() => services.displaySetService.getActiveDisplaySets().map((one) => one.StudyInstanceUID)"
    )
    assert {NOW[0].StudyInstanceUID, BEFORE[0].StudyInstanceUID} <= set(loaded)


def test_a_study_that_the_viewer_lacks_is_said_so_and_brought_and_opens(hospital, browser, viewer):
    page = browser.new_page()
    page.goto(hospital.clinic)
    with page.expect_popup() as opened:
        page.get_by_role("button", name="In a tab").first.click()
    tab = opened.value
    elsewhere = card(tab, "Chest elsewhere")
    expect(elsewhere.get_by_text("Not in the viewer yet.")).to_be_visible(timeout=15_000)
    expect(elsewhere.get_by_role("link", name="Open in viewer")).to_have_count(0)
    elsewhere.get_by_role("button", name="Bring to the viewer").click()
    link = elsewhere.get_by_role("link", name="Open in viewer")
    expect(link).to_be_visible(timeout=30_000)
    expect(elsewhere.get_by_text("Not in the viewer yet.")).to_have_count(0)
    assert link.get_attribute("rel") == "noopener"
    with tab.expect_popup() as opened:
        link.click()
    assert set(shown(opened.value)) <= {ds.SOPInstanceUID for ds in ELSEWHERE}


def test_a_viewer_that_is_stopped_is_said_before_the_click(hospital, browser):
    page = browser.new_page()
    page.goto(hospital.clinic)
    with page.expect_popup() as opened:
        page.get_by_role("button", name="In a tab").first.click()
    tab = opened.value
    expect(card(tab, "Chest now")).to_be_visible(timeout=15_000)
    for _ in range(6):  # what was known a few seconds ago is not asked for again
        if card(tab, "Chest now").get_by_text("The viewer does not answer.").count():
            return
        tab.wait_for_timeout(1500)
        tab.reload()
    pytest.fail(card(tab, "Chest now").inner_text())


def test_where_the_browser_refuses_cookies_in_a_frame_a_tab_of_its_own_opens(hospital, browser):
    """The frame comes back without the cookie that it was given, and the link is still good."""
    clinic = browser.new_page()
    clinic.goto(hospital.clinic)
    comes_back = f"{hospital.preview}{hospital.site.launch(OKAFOR)}?back=1"
    clinic.evaluate("address => { document.querySelector('iframe').src = address; }", comes_back)
    inside = clinic.frame_locator("iframe")
    expect(inside.get_by_role("heading", level=1)).to_have_text("This browser refuses our cookie here")
    with clinic.expect_popup() as opened:
        inside.get_by_role("link", name="Open in a new tab").click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("OKAFOR, Adaeze")


def test_staff_open_the_unmatched_list_without_a_patient(hospital, browser):
    page = browser.new_page()
    page.goto(f"{hospital.clinic}/?person=patel")
    page.get_by_role("button", name="List here").click()
    heading = page.frame_locator("iframe").get_by_role("heading", level=1)
    expect(heading).to_have_text("Unmatched studies")
