"""The status poll: nothing while nothing is new, else the same panel as the page, and an end."""

import re
import socket
import time

import pytest
from sqlalchemy import update
from support.inspecting import inspect_html, inspect_names, panel_polls, parsed, polled_address, text_of
from support.installation import free_port, source_block
from support.studies import OKAFOR, study

from fetch.records import StudyRow
from preview.records import ContextRow, FetchRow

HX = {"HX-Request": "true"}


def panel(html: str) -> str:
    """The panel, but for the forms' tokens, which change with the second, and its pace, set by chance."""
    found = re.search(r'<section id="panel".*</section>', html, re.DOTALL)[0]
    return re.sub(r'(name="csrf_token" value=|hx-trigger=)"[^"]*"', r"\1", found)


def live_region(html: str) -> str | None:
    spoken = re.search(r'<p id="live"[^>]*hx-swap-oob="morph">(.*?)</p>', html, re.DOTALL)
    return text_of(spoken[1]) if spoken else None


def run(site, arrived: int, expected: int | None = 480) -> None:
    """A worker that has come so far."""
    now = site.parts.now
    with site.parts.records.write() as session:
        session.execute(
            update(FetchRow).values(begun_at=now, beat_at=now, expected=expected, arrived=arrived)
        )


@pytest.fixture
def waiting(site, client, archive):
    """The path of the patient's page while its one study waits to be fetched."""
    for ds in study():
        archive.add(ds)
    path = client.opened(site)
    client.press(client.page(path), "Fetch")
    return path


@pytest.fixture(params=["patient", "study"])
def page(request, client, waiting):
    """Either page that polls, by its path."""
    if request.param == "patient":
        return waiting
    key = re.search(r'id="study-(\w+)"', client.page(waiting))[1]
    return f"{waiting}/studies/{key}"


def test_while_nothing_is_new_a_poll_answers_204_with_nothing(client, page):
    response = client.poll(client.page(page))
    assert (response.status_code, response.data) == (204, b"")


def test_what_is_new_is_the_same_panel_as_the_page(site, client, page):
    before = client.page(page)
    run(site, 120, expected=None)
    response = client.poll(before)
    assert response.status_code == 200
    assert panel(response.text) == panel(client.page(page))
    assert client.poll(response.text).status_code == 204


def test_the_last_panel_does_not_poll(site, client, page):
    before = client.page(page)
    site.fetch_all()
    final = client.poll(before).text
    assert "Complete, 3 of 3 images" in text_of(final)
    assert not panel_polls(final)
    assert 'aria-busy="true"' not in final
    looks = re.search(
        r'<div id="banner" hx-get="/patients/[\w/]+/watch/updates[^"]*" hx-target="#panel"', final
    )
    assert looks, "nobody looks for outages, and for what staff decide, any more"
    assert panel(final) == panel(client.page(page))


def test_the_poll_keeps_what_the_address_names(client, waiting):
    address = polled_address(client.page(f"{waiting}?modality=CT"))
    for kept in ("modality=CT", "from=", "to="):
        assert kept in address


def test_only_a_milestone_is_read_aloud(site, client, page):
    html = client.page(page)
    heard = []
    for arrived in (0, 60, 120, 121, 239, 240, 480):
        run(site, arrived)
        response = client.poll(html)
        if response.status_code == 200:
            heard.append(live_region(response.text))
            html = response.text
    assert [text and re.findall(r"\d+ of \d+", text) for text in heard] == [
        ["0 of 480"],
        None,
        ["120 of 480"],
        None,
        None,
        ["240 of 480"],
        ["480 of 480"],
    ]


def test_the_end_is_read_aloud(site, client, page):
    html = client.page(page)
    site.fetch_all()
    assert live_region(client.poll(html).text) == "CT Thorax: Fetched completely."


def test_the_page_itself_has_the_live_region_but_says_nothing_in_it(client, page):
    assert re.search(r'<p id="live"[^>]* role="status"[^>]*></p>', client.page(page))


# --- when something is gone


def test_the_poll_of_a_session_that_has_ended_gets_a_final_panel_that_says_so(site, client, page):
    html = client.page(page)
    with site.parts.records.write() as session:
        session.execute(update(ContextRow).values(ends_at=site.parts.now))
    response = client.poll(html)
    assert response.status_code == 200
    assert 'id="panel"' in response.text
    assert not panel_polls(response.text)
    assert "Your session has ended. Open the patient again" in text_of(response.text)
    assert "OKAFOR" not in response.text


def test_the_poll_of_another_browser_gets_nothing_of_the_patient(site, client, page):
    address = polled_address(client.page(page))
    response = site.app.test_client().get(address, headers=HX)
    assert "CT Thorax" not in response.text
    assert not panel_polls(response.text)


def test_the_poll_of_a_study_that_may_not_be_shown_any_more_takes_it_off_the_screen(site, client, waiting):

    key = re.search(r'id="study-(\w+)"', client.page(waiting))[1]
    html = client.page(f"{waiting}/studies/{key}")
    with site.parts.records.write() as session:
        session.execute(update(StudyRow).values(patient_name="SOMEBODY^Else"))
    response = client.poll(html)
    assert response.status_code == 404
    assert 'id="panel"' in response.text
    assert not panel_polls(response.text)
    assert "This is no longer shown." in text_of(response.text)
    # htmx swaps a 404 only because it is told to
    assert '{"code":"404","swap":true}' in html


@pytest.fixture
def bell_gone(install, archive):
    """An installation whose Redis is gone."""
    for ds in study():
        archive.add(ds)
    redis = f"redis://127.0.0.1:{free_port()}/0"
    return install(source_block("main", archive.port, aet="MAIN"), redis=redis)


def quickly(client, address: str, seconds: float = 1, **more):
    began = time.monotonic()
    response = client.get(address, **more)
    assert time.monotonic() - began < seconds
    assert response.status_code == 200
    return response.text


def test_without_redis_the_question_is_paused(bell_gone):
    client = bell_gone.app.test_client()
    path = client.opened(bell_gone, ask=False)
    html = quickly(client, path)
    assert "Fetching is paused. The archives have not been asked yet. Your request is kept" in text_of(html)
    assert panel_polls(html)


def test_without_redis_a_fetch_is_paused_and_the_page_answers_at_once(bell_gone):
    client = bell_gone.app.test_client()
    path = client.opened(bell_gone)
    html = quickly(client, path)
    assert "Fetching is paused" in text_of(html)
    assert "What was fetched before is still here" not in text_of(html)
    assert client.press(html, "Fetch").status_code == 303
    html = quickly(client, path)
    assert "Fetching is paused. What was fetched before is still here." in text_of(html)
    address = polled_address(html)
    assert "Fetching is paused." in quickly(client, re.sub(r"v=[^&]*", "v=old", address), headers=HX)
    bell_gone.fetch_all()
    assert "Complete, 3 of 3 images" in text_of(quickly(client, address, headers=HX))


def test_a_redis_that_takes_the_call_and_never_answers_does_not_hold_up_the_page(install, archive):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        site = install(
            source_block("main", archive.port, aet="MAIN"),
            redis=f"redis://127.0.0.1:{silent.getsockname()[1]}/0",
        )
        client = site.app.test_client()
        path = client.opened(site, ask=False)
        assert "Fetching is paused." in text_of(quickly(client, path, seconds=2))


@pytest.fixture
def database_gone(site, client, page):
    """The address of a page and of its poll, once the database cannot be opened any more."""
    address = polled_address(client.page(page))
    site.parts.records.engine.dispose()
    for file in site.folder.glob("preview.db*"):
        file.unlink()
    (site.folder / "preview.db").mkdir()
    return page, address


def test_without_the_database_page_and_poll_say_503_and_leak_nothing(client, database_gone, caplog):
    for address, headers in zip(database_gone, ({}, HX), strict=True):
        response = client.get(address, headers=headers)
        assert response.status_code == 503
        assert "The database cannot be reached" in text_of(response.text)
        assert "Radiology 2345" in text_of(response.text)
        for leak in ("sqlite", "preview.db", "Traceback", "OperationalError", "OKAFOR"):
            assert leak not in response.text
    assert "database cannot be reached" in caplog.text
    assert "OKAFOR" not in caplog.text


def test_without_its_tables_the_database_counts_as_gone(site, client, waiting):
    with site.parts.records.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("DROP TABLE answers")
    response = client.get(waiting)
    assert response.status_code == 503
    assert "no such table" not in response.text


# --- the inspecting client itself

GOOD = "<!doctype html><html><head><title>A · B</title></head><body><h1>A</h1>{}</body></html>"


def test_a_good_page_passes_the_inspection():
    inspect_html(GOOD.format("<p id='a'>x</p>"), whole=True)
    inspect_html('<section id="panel" aria-busy="false"><p>x</p></section><p id="live"></p>', whole=False)


@pytest.mark.parametrize(
    "bad",
    [
        "<p><div>x</div></p>",
        "<p>a</b></p>",
        "<table><tr><div>x</div></tr></table>",
        '<a href="/x" href="/y">x</a>',
        '<a href="/x"class="y">x</a>',
        "<p>&bogus; x</p>",
        "<form><form></form></form>",
        "<div>",
        '<p id="a">x</p><p id=a>x</p>',
        '<p id="a b">x</p>',
        "<script>alert(1)</script>",
        '<p style="color:red">x</p>',
        '<a href="/x"></a>',
        '<a href="/x"><img src="/y" alt=""></a>',
        '<img src="/x">',
        '<form method="post"><button>x</button></form>',
        '<article aria-labelledby="nobody"><p>x</p></article>',
        '<a href="/patients/4471902">x</a>',
        "<h1>A</h1>",
        "<p>{{ x }}</p>",
        '<section id="panel" aria-busy="true"><p>x</p></section>',
        '<section id="panel" aria-busy="false" hx-get="/x" hx-trigger="every 1s"><p>x</p></section>',
    ],
)
def test_the_inspection_finds(bad):
    with pytest.raises((AssertionError, ValueError)):
        inspect_html(GOOD.format(bad), whole=True)


@pytest.mark.parametrize(
    "bad", ["<p><div>x</div></p>", "<section><p>x</section></p>", "<ul><li>x</ul></div>"]
)
def test_the_inspection_finds_errors_in_a_panel_too(bad):
    with pytest.raises(AssertionError):
        inspect_html(bad, whole=False)


def test_a_picture_with_a_text_names_its_link():
    inspect_names(parsed('<a href="/x"><img src="/y" alt="CT"></a>', whole=False), None)


def test_the_client_inspects_error_pages_too(client):
    client.application.add_url_rule("/bad", view_func=lambda: ("<p><div></div></p>", 418))
    with pytest.raises(AssertionError):
        client.get("/bad")


def test_the_patient_of_these_tests_would_be_noticed_in_an_address():
    with pytest.raises(AssertionError):
        inspect_html(GOOD.format(f'<a href="/?n={OKAFOR.family_name}">x</a>'), whole=True)
