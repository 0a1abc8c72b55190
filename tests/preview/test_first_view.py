"""What a reader sees without scrolling; the page stays still under whoever steps through a series."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from pydicom.uid import generate_uid
from sqlalchemy import delete
from support.inspecting import InspectingClient
from support.installation import Installation, source_block
from support.serving import served
from support.studies import OKAFOR, study
from support.visits import opened

from preview.demo.archive import Archive
from preview.demo.headers import OF_INTEREST, SeriesHead, StudyHead, selection
from preview.fallback.records import NoticeRow

UID = "1.2.826.0.1.3680043.8.498.8"
DESKTOPS = [(1280, 900), (1366, 768), (1920, 1080)]


@pytest.fixture(scope="module")
def fetched(tmp_path_factory, redis_url):
    """A study that is there, the last of its twenty images marked as key; two of other kinds are not."""
    images = study(images=20, study_uid=UID, size=256)
    ko = selection(
        SeriesHead(StudyHead(1, OKAFOR, None, ""), 90, "KO", "Key"), OF_INTEREST, images[-1:], "Here."
    )
    ko.StudyInstanceUID, ko.SeriesInstanceUID = UID, generate_uid()
    ko.SOPInstanceUID = ko.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    with Archive("MAIN").start() as archive, Archive("OTHER").start() as other:
        blocks = [
            source_block("main", archive.port, aet="MAIN"),
            source_block("other", other.port, aet="OTHER"),
        ]
        site = Installation(tmp_path_factory.mktemp("first"), blocks, redis_url)
        site.app.test_client_class = InspectingClient
        here = opened(site, site.app.test_client(), archive, [*images, ko])
        here.fetch()
        for modality, day in (("MR", "20260901"), ("US", "20260801")):
            archive.add(study(images=1, Modality=modality, day=day)[0])
        site.ask_all()
        with served(site) as address:
            yield here, address
        site.parts.records.engine.dispose()


@pytest.fixture
def warned(fetched):
    """A notice stands above every page."""
    with told(fetched[0].site, WARNING="Work"):
        yield


@pytest.fixture
def warned_thrice(fetched):
    outage, planned = (
        "Riverside Radiology is away; call 2345.",
        "On Sunday all archives are away for two hours.",
    )
    with told(fetched[0].site, OUTAGE=outage, WARNING="Work", PLANNED=planned):
        yield


@contextmanager
def told(site, **notices: str):
    now = site.parts.now
    times = {"starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(hours=8)}
    with site.parts.records.write() as session:
        for urgency, text in notices.items():
            session.add(NoticeRow(urgency=urgency, text=text, made_at=now, made_by="Dr Adams", **times))
    yield
    with site.parts.records.write() as session:
        session.execute(delete(NoticeRow))


@pytest.fixture
def reader(fetched, chromium):
    """Open the study, or the patient's page, in a window of this size."""
    contexts = []

    def opens(size, of="study"):
        here, address = fetched
        contexts.append(chromium.new_context(viewport={"width": size[0], "height": size[1]}))
        page = contexts[-1].new_page()
        page.goto(address + here.site.launch(OKAFOR))
        here.site.ask_all()
        path = page.url.split("?")[0]
        page.goto(path + here.path[here.path.index("/studies/") :] if of == "study" else page.url)
        page.wait_for_load_state("networkidle")
        return page

    yield opens
    for context in contexts:
        context.close()


def box(page, what: str) -> dict:
    return page.locator(what).first.bounding_box()


def bottom(page, what: str) -> float:
    place = box(page, what)
    return place["y"] + place["height"]


def places(page) -> tuple:
    parts = ("h1", "#easel", "#slider", "#film")
    return page.evaluate("() => scrollY"), *(round(box(page, what)["y"]) for what in parts)


def at_rest(page, number: int) -> None:
    """The image is the one the server was asked for."""
    expect(page.locator("#position")).to_have_text(f"image {number} of 20")
    page.wait_for_function("() => location.href === document.querySelector('#film a[aria-current]').href")
    expect(page.locator("#panel.htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


@pytest.mark.parametrize("size", DESKTOPS)
def test_the_page_stays_still_while_somebody_steps_through_a_series(reader, warned, size):
    """It does not scroll, and the line that says of one image that it is key has its place."""
    page = reader(size)
    expect(page.locator("#position")).to_have_text("image 20 of 20")
    before = places(page)
    easel = box(page, "#easel")
    page.mouse.move(easel["x"] + easel["width"] / 2, easel["y"] + easel["height"] / 2)
    page.mouse.wheel(0, -100)
    at_rest(page, 18)
    assert places(page) == before
    page.mouse.click(easel["x"] + 20, easel["y"] + 20)
    page.keyboard.press("ArrowRight")
    at_rest(page, 19)
    assert places(page) == before
    page.keyboard.press("End")
    at_rest(page, 20)
    assert places(page) == before


def first_view_has_all(page, size) -> None:
    top, picture = box(page, "#easel")["y"], box(page, "#large")
    assert top >= 0
    assert picture["height"] >= 160
    assert picture["y"] + picture["height"] <= box(page, ".step")["y"]
    words = box(page, ".margin")
    assert abs(words["x"] + words["width"] / 2 - picture["x"] - picture["width"] / 2) <= 2
    for control in ("#play", "#slider", "#before"):
        assert bottom(page, control) <= size[1], control


@pytest.mark.parametrize("size", DESKTOPS)
def test_picture_slider_and_play_are_on_the_screen_together(reader, warned, size):
    first_view_has_all(reader(size), size)


@pytest.mark.parametrize("size", DESKTOPS)
def test_they_still_are_while_a_fetch_is_waiting(fetched, reader, warned, size):
    here, _ = fetched
    here.client.press(here.html(), "Fetch again")
    page = reader(size)
    expect(page.locator("#panel")).to_have_attribute("aria-busy", "true")
    first_view_has_all(page, size)
    here.site.fetch_all()


def test_they_still_are_under_three_notices_on_a_low_screen(reader, warned_thrice):
    first_view_has_all(reader((1280, 720)), (1280, 720))


@pytest.mark.parametrize("size", [(1280, 720), (1024, 720), (1366, 620), (740, 500), (360, 640)])
def test_no_control_covers_the_words_under_the_picture(reader, warned_thrice, size):
    """Wherever one has scrolled to, as long as part of the picture is on the screen."""
    page = reader(size)
    for _ in range(40):
        picture = box(page, "#large")
        if -picture["height"] < picture["y"] < size[1] - 150:
            assert page.evaluate(COVERED) in (False, None)
        page.evaluate("() => scrollBy(0, 40)")
    assert page.evaluate("() => scrollY") > 0


COVERED = """() => {
    const { left, right, top, bottom } = document.querySelector(".margin").getBoundingClientRect();
    const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return at && !at.closest(".under");
}"""


@pytest.mark.parametrize("size", DESKTOPS)
def test_a_notice_that_comes_meanwhile_pushes_no_control_off_the_screen(fetched, reader, request, size):
    page = reader(size)
    request.getfixturevalue("warned")
    page.locator("#easel").click()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#banner")).to_contain_text("Work")
    first_view_has_all(page, size)


@pytest.mark.parametrize(("of", "what"), [("patient", ".posters .picture"), ("study", "#easel")])
def test_on_a_phone_part_of_a_picture_is_on_the_first_screen(reader, of, what):
    """With two archives, several kinds and key images; what can be pressed is still large enough."""
    page = reader((360, 800), of)
    assert box(page, what)["y"] <= 720
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    low = page.evaluate(
        """() => [...document.querySelectorAll("main :is(button, summary, .chip, .tab, .tick, input)")]
            .filter((one) => one.checkVisibility() && one.type !== "checkbox" && one.type !== "hidden")
            .filter((one) => Math.min(one.offsetHeight, one.offsetWidth) < 24).map((one) => one.outerHTML)"""
    )
    assert low == []
