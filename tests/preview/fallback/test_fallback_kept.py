"""A workstation that once opened the plan has it, also with the whole application off."""

import time

import pytest
from playwright.sync_api import Error, expect
from support.installation import eventually, source_block

READY = "navigator.serviceWorker.ready.then(() => caches.has('fallback-plan'))"


@pytest.fixture
def hospital(install):
    return install(source_block("main", 1))


@pytest.mark.parametrize("opened", ["/fallback", "/"])
def test_the_plan_opens_with_the_whole_application_off(hospital, chromium, opened):
    page = chromium.new_context().new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    with hospital.running() as address:
        page.goto(address + opened)
        if opened == "/":  # any page of ours in a tab of its own will do
            page.evaluate("navigator.serviceWorker.getRegistration('/fallback').then(r => r && r.active)")
            page.wait_for_function("caches.has('fallback-plan')")
        else:
            assert page.evaluate(READY)
        assert complaints == []
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    with pytest.raises(Error):
        page.context.new_page().goto(address + "/")  # it is off
    begun = time.monotonic()
    page.goto(address + "/fallback")
    assert time.monotonic() - begun < 5
    expect(page.get_by_role("heading", level=1)).to_have_text("Fallback plan for imaging, City Hospital")
    expect(page.get_by_text("Helpdesk Radiology 2345").last).to_be_visible()
    colour = page.locator("table th").first.evaluate("cell => getComputedStyle(cell).borderTopStyle")
    assert colour == "solid", "its style is kept with it"
    page.get_by_role("link", name="Downtime log form (one page)").click()
    expect(page.get_by_role("heading", name="Downtime log, City Hospital")).to_be_visible()
    with pytest.raises(Error):
        page.context.new_page().goto(address + "/unmatched")  # nothing else is kept


def test_only_the_plan_is_kept_and_a_new_one_replaces_it(hospital, chromium):
    page = chromium.new_context().new_page()
    with hospital.running() as address:
        page.goto(address + "/fallback")
        assert page.evaluate(READY)
        page.goto(address + "/fallback?x=1#plan")
        keys = (
            "caches.open('fallback-plan').then(c => c.keys()).then(k => k.map(r => new URL(r.url).pathname))"
        )
        assert page.evaluate("caches.keys()") == ["fallback-plan"]
        assert page.evaluate(keys) == ["/fallback"]
        file = hospital.settings.app.fallback_folder / "fallback.html"
        changed = file.read_text().replace("City Hospital", "Changed Hospital")

        def is_seen() -> bool:  # the second web process may still be putting its own there
            file.write_text(changed)
            page.goto(address + "/fallback")
            return "Changed Hospital" in page.get_by_role("heading", level=1).inner_text()

        eventually(is_seen)
    page.goto(address + "/fallback")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Changed Hospital")


def test_a_server_that_only_says_that_it_is_broken_does_not_replace_the_plan(hospital, chromium):
    page = chromium.new_context().new_page()
    with hospital.running() as address:
        page.goto(address + "/fallback")
        assert page.evaluate(READY)
        page.context.route("**/fallback", lambda route: route.fulfill(status=502, body="bad gateway"))
        page.goto(address + "/fallback")
        expect(page.get_by_role("heading", level=1)).to_contain_text("City Hospital")


def test_starting_the_web_server_puts_the_files_where_another_may_read_them(hospital):
    folder = hospital.settings.app.fallback_folder
    assert not folder.exists()
    with hospital.running():
        end = time.monotonic() + 20
        while not (folder / "fallback.html").exists() and time.monotonic() < end:
            time.sleep(0.05)
    assert {file.name for file in folder.iterdir()} == {"fallback.html", "fallback.pdf", "fallback-log.pdf"}
    assert folder.stat().st_mode & 0o777 == 0o755
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}


def test_the_kept_plan_says_by_itself_that_its_review_is_overdue(hospital, chromium):
    page = chromium.new_context().new_page()
    said = page.get_by_text("The review of this plan is overdue")
    with hospital.running() as address:
        page.goto(address + "/fallback")
        assert page.evaluate(READY)
        page.evaluate(
            """async () => {
              const cache = await caches.open("fallback-plan");
              const kept = await cache.match("/fallback", { ignoreVary: true });
              const due = '<head><meta name="review-due" content="2020-01-31">';
              const text = (await kept.text()).replace("<head>", due);
              await cache.put("/fallback", new Response(text, { headers: kept.headers }));
            }"""
        )
        expect(said).to_be_hidden()
    page.goto(address + "/fallback")
    expect(said).to_be_visible()
