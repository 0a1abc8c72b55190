"""The study preview in a browser: stepping, scrubbing and playing, by keys, wheel, finger, or links alone."""

import re

import pytest
from playwright.sync_api import expect
from support.installation import Installation, source_block
from support.serving import served
from support.studies import OKAFOR, study
from support.visits import Visit, opened

from preview.demo.archive import Archive

IMAGES = 40


@pytest.fixture(scope="module")
def fetched(tmp_path_factory, redis_url):
    """An installation with one study that is there: two series of forty images, six of one."""
    from support.inspecting import InspectingClient

    uid = "1.2.826.0.1.3680043.8.498.7"
    instances = study(series=2, images=IMAGES, study_uid=uid, SeriesDescription="Axial")
    for number in range(3, 9):
        (one,) = study(images=1, study_uid=uid, SeriesDescription="Scout", SeriesNumber=number)
        instances.append(one)
    with Archive("MAIN").start() as archive:
        site = Installation(
            tmp_path_factory.mktemp("gallery"), [source_block("main", archive.port, aet="MAIN")], redis_url
        )
        site.app.test_client_class = InspectingClient
        here = opened(site, site.app.test_client(), archive, instances)
        here.fetch()
        with served(site) as address:
            yield here, address
        site.parts.records.engine.dispose()


@pytest.fixture
def reader(fetched, chromium):
    """Open the study in a browser of its own."""
    contexts = []

    def opens(size=(1280, 900), **settings):
        here, address = fetched
        settings.setdefault("viewport", {"width": size[0], "height": size[1]})
        contexts.append(chromium.new_context(**settings))
        page = contexts[-1].new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(address + here.site.launch(OKAFOR))
        here.site.ask_all()
        page.goto(page.url.split("?")[0] + here.path[here.path.index("/studies/") :])
        return page

    yield opens
    for context in contexts:
        assert not [complaint for page in context.pages for complaint in page.complaints]
        context.close()


def position(page) -> int:
    return int(re.search(r"image (\d+) of 40", page.locator("#position").inner_text())[1])


def is_at(page, number: int) -> None:
    """The words, the slider, the strip of images, and at the end the address all say so."""
    expect(page.locator("#position")).to_have_text(f"image {number} of 40")
    expect(page.locator("#slider")).to_have_value(str(number))
    current = page.locator("#film a[aria-current]")
    expect(current.locator("img")).to_have_attribute("alt", f"image {number} of 40")
    page.wait_for_function("() => location.href === document.querySelector('#film a[aria-current]').href")
    expect(page.locator("#large")).to_have_attribute("alt", re.compile(f"image {number} of 40"))


def all_are_here(page) -> None:
    """Every small picture has been brought ahead."""
    page.wait_for_function(
        """() => [...document.querySelectorAll("#film img")].every((one) => {
            const known = performance.getEntriesByName(one.src).length, again = new Image();
            if (known) again.src = one.src;
            return known && again.complete; // at once only what the page holds
        })"""
    )


def test_the_keys_step_through_images_and_series_once_the_picture_has_the_focus(reader):
    page = reader()
    start = position(page)
    page.keyboard.press("ArrowRight")
    assert position(page) == start, "a key must not act while the focus is elsewhere"
    page.locator("#easel").click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    is_at(page, start + 1)
    page.keyboard.press("End")
    is_at(page, 40)
    page.keyboard.press("Home")
    is_at(page, 1)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".strip a[aria-current]")).to_contain_text("S:2")
    page.keyboard.press("ArrowUp")
    expect(page.locator(".strip a[aria-current]")).to_contain_text("S:1")


def test_the_focus_stays_in_the_preview_when_a_series_of_one_image_has_no_slider(reader):
    page = reader()
    page.locator("#easel").click()
    for _ in range(2):
        before = page.locator(".strip a[aria-current]").get_attribute("id")
        page.keyboard.press("ArrowDown")
        expect(page.locator(".strip a[aria-current]")).not_to_have_attribute("id", before)
    expect(page.locator("#slider")).to_have_count(0)
    page.keyboard.press("ArrowUp")
    expect(page.locator(".strip a[aria-current]")).to_contain_text("S:2")


def test_scrubbing_waits_for_no_picture(reader):
    """Each picture was brought before, and is on the screen in the same moment as its number."""
    page = reader()
    all_are_here(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "-256.png" in request.url else None)
    late = page.evaluate(
        """async () => {
            const slider = document.getElementById("slider"), large = document.getElementById("large");
            let late = 0;
            for (let at = 1; at <= 40; at += 1) {
                slider.value = at;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
                late += !(large.complete && large.naturalWidth && !large.classList.contains("late"));
                await new Promise(requestAnimationFrame);
            }
            return late;
        }"""
    )
    assert late == 0
    assert asked == []
    is_at(page, 40)


def test_the_wheel_a_drag_and_a_finger_scrub(reader):
    page = reader(has_touch=True)
    start = position(page)
    page.locator("#easel").hover()
    page.mouse.wheel(0, 100)
    page.wait_for_function("start => Number(document.getElementById('slider').value) > start", arg=start)
    at = position(page)
    box = page.locator("#easel").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 300, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, y, steps=4)
    page.mouse.up()
    assert position(page) < at
    at = position(page)
    touch = page.context.new_cdp_session(page)
    for kind, x in (("Start", 200), ("Move", 240), ("Move", 300), ("End", None)):
        points = [{"x": box["x"] + x, "y": y}] if x else []
        touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    page.wait_for_function("at => Number(document.getElementById('slider').value) > at", arg=at)
    is_at(page, position(page))


def test_moving_over_the_tile_of_a_series_looks_through_it(reader):
    page = reader()
    tile = page.locator(".strip a").nth(1)
    image = tile.locator("img")
    poster = image.get_attribute("src")
    box = tile.locator(".picture").bounding_box()
    seen = set()
    for part in (0.11, 0.16, 0.51, 0.91):
        page.mouse.move(box["x"] + box["width"] * part, box["y"] + 20)
        expect(tile.locator(".scrubbed")).to_have_text(f"{int(40 * part) + 1}/40")
        seen.add(image.get_attribute("src"))
    assert len(seen) == 4
    page.mouse.move(5, 5)
    expect(image).to_have_attribute("src", poster)
    expect(tile.locator(".scrubbed")).to_have_count(0)


def test_the_posters_of_the_patients_page_can_be_looked_through_too(reader):
    page = reader()
    page.locator(".back a").click()
    tile = page.locator(".posters a").nth(1)
    box = tile.locator(".picture").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.26, box["y"] + 20)
    expect(tile.locator(".scrubbed")).to_have_text("11/40")
    expect(tile.locator(".position:visible")).to_have_count(1)


def test_it_plays_only_when_asked_and_stops_when_asked(reader):
    page = reader()
    start = position(page)
    all_are_here(page)
    assert position(page) == start
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("start => Number(document.getElementById('slider').value) > start + 3", arg=start)
    page.get_by_role("button", name="Stop").click()
    stopped = position(page)
    page.wait_for_timeout(400)
    assert position(page) == stopped
    is_at(page, stopped)


def test_who_wants_little_motion_gets_it_slowly_and_once(reader):
    page = reader(reduced_motion="reduce")
    all_are_here(page)
    page.locator("#easel").click()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    is_at(page, 39)
    page.keyboard.press(" ")
    expect(page.locator("#play")).to_have_text("Play")
    is_at(page, 40)


def test_a_poll_does_not_take_the_picture_away_under_whoever_moves(reader):
    """One that was sent before is dropped when its answer comes; none is sent meanwhile."""
    page = reader()
    page.locator("#easel").click()
    start = position(page)
    how = "{source: '#panel', target: '#panel', select: '#panel', swap: 'morph:outerHTML'}"
    page.evaluate(
        """() => {
            const words = document.getElementById("position");
            window.seen = [];
            new MutationObserver(() => seen.push(words.textContent))
                .observe(words, { childList: true, characterData: true, subtree: true });
        }"""
    )
    page.evaluate(f"() => {{ htmx.ajax('GET', location.href, {how}); }}")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(60)
    is_at(page, start + 6)
    numbers = [int(re.search(r"image (\d+)", words)[1]) for words in page.evaluate("() => seen")]
    assert numbers == sorted(numbers), "it jumped back"


def test_series_are_filtered_and_the_filter_outlives_a_refresh(reader):
    page = reader()
    page.locator("#easel").click()
    page.keyboard.press("/")
    page.keyboard.type("axial")
    expect(page.locator("#narrowed")).to_have_text("2 / 8")
    expect(page.locator(".strip li:visible")).to_have_count(2)
    page.locator(".strip a:visible").nth(1).click()
    expect(page.locator(".strip a[aria-current]")).to_contain_text("S:2")
    expect(page.locator("#narrow")).to_have_value("axial")
    expect(page.locator(".strip li:visible")).to_have_count(2)


def test_what_is_known_of_the_image_can_be_copied(reader):
    page = reader(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_text("About this image").click()
    page.get_by_role("button", name="Copy: Image UID").click()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == page.locator("#uid-image").inner_text()
    expect(page.locator("[data-copy=uid-image]")).to_have_text("Copied")
    page.locator("#easel").click()
    page.keyboard.press("ArrowRight")
    is_at(page, position(page))
    expect(page.locator("#uid-image")).to_be_visible()
    assert page.locator("#uid-image").inner_text() != copied


def test_without_scripts_links_do_it(reader):
    page = reader(java_script_enabled=False)
    start = position(page)
    expect(page.locator("#play")).to_be_hidden()
    expect(page.locator("#slider")).to_be_hidden()
    page.get_by_role("link", name="Next image").click()
    assert position(page) == start + 1
    page.locator("#film a").nth(30).click()
    assert position(page) == 31
    page.locator(".strip a").nth(1).click()
    expect(page.locator(".strip a[aria-current]")).to_contain_text("S:2")


def test_a_list_of_a_series_is_only_for_whoever_may_see_the_study(fetched):
    here, _ = fetched
    here: Visit
    address = re.search(r'data-pictures="([^"]*)"', here.html())[1]
    answer = here.client.get(address)
    assert len(answer.json["pictures"]) == IMAGES
    assert answer.json["pictures"][2]["at"] == "3/40"
    assert here.client.get(answer.json["pictures"][2]["src"]).status_code == 200
    assert here.client.get(address.rsplit("/", 1)[0] + "/99999").status_code == 404
    assert here.client.get(address.rsplit("/", 1)[0] + "/" + "9" * 30).status_code == 404
    assert here.site.app.test_client().get(address).status_code == 403
