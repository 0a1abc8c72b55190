"""The demo, started as a new user starts it."""

import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from pydicom import dcmread
from support.inspecting import text_of
from support.installation import ROOT
from support.ohif import drawing_browser, shown, watched


@contextmanager
def demo(folder, target="demo"):
    """`make demo` in a session of its own; the folder's name is in the environment of all it starts."""
    process = subprocess.Popen(
        ["make", target],
        cwd=ROOT,
        env={**os.environ, "DEMO_FOLDER": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=60)


def read_until(process, words: str) -> str:
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def processes_of(folder) -> list[str]:
    """What still runs of the demo in this folder, by its command line; honcho gives each a session."""
    alive = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            command = (process / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if f"DEMO_FOLDER={folder}".encode() in environment:
            alive.append(command)
    return alive


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def started(folder):
    with demo(folder) as process:
        yield read_until(process, "Ctrl-C stops everything")


@pytest.fixture
def with_studies(started, folder, tmp_path):
    """A folder where the studies are made already, which takes most of a first start."""
    for archive in ("main", "outside"):
        shutil.copytree(folder / archive, tmp_path / archive)
    return tmp_path


def page(address: str) -> str:
    # As browsers do, it takes a Secure cookie from this machine without https.
    policy = DefaultCookiePolicy(secure_protocols=("http", "https"))
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar(policy)))
    return browser.open(address, timeout=10).read().decode()


def test_each_demo_person_has_a_link_that_opens_their_page(started):
    links = re.findall(r"(Dr Adams|Dr Chen|Sam Patel),.*?(http://\S+)", started)
    assert [person for person, _ in links] == ["Dr Adams", "Dr Chen", "Sam Patel"]
    for (_, address), name in zip(links, ("OKAFOR, Adaeze", "LINDQVIST, Göran", "BROWN, Jon"), strict=True):
        assert name in text_of(page(address))


def test_the_clinical_application_lists_every_patient(started):
    address = re.search(r"in a frame:\s+(http://\S+)", started)[1]
    text = text_of(page(address))
    for family in ("OKAFOR", "LINDQVIST", "NAKAMURA", "BROWN", "MEYER"):
        assert family in text


def test_the_plain_demo_says_that_it_has_no_viewer(started):
    assert "This demo has no OHIF viewer." in started
    assert "OHIF is ready" not in started


def test_a_second_demo_in_the_same_folder_is_refused(started, folder):
    with demo(folder) as process:
        said, _ = process.communicate(timeout=60)
    assert "A demo already runs" in said


def test_ctrl_c_leaves_no_process_and_the_next_start_uses_what_is_there(with_studies):
    for _ in range(2):
        began = time.monotonic()
        with demo(with_studies) as process:
            said = read_until(process, "Ctrl-C stops everything")
            took = time.monotonic() - began
            assert any("preview.demo.archive" in command for command in processes_of(with_studies))
            os.killpg(process.pid, signal.SIGINT)
            rest, _ = process.communicate(timeout=60)
        assert processes_of(with_studies) == []
        assert "Traceback" not in said + rest
    assert took < 20  # a second start takes about 4 s alone; the machine may be busy


def test_sigterm_to_make_alone_leaves_no_process_either(with_studies):
    with demo(with_studies) as process:
        read_until(process, "Ctrl-C stops everything")
        process.terminate()
        process.communicate(timeout=60)
        assert processes_of(with_studies) == []


# --- the full demo: a real Orthanc, and the real OHIF


def test_the_full_demo_opens_a_study_in_the_viewer_and_starts_again_after_ctrl_c(with_studies):
    folder = with_studies
    with demo(folder, "demo-full") as process:
        said = _read_until_all(process)
        viewer = re.search(r"OHIF is ready on (http://\S+)", said)[1]
        link = re.search(r"Dr Adams,.*?(http://\S+)", said)[1]
        _a_study_is_read(link, viewer, folder / "main")
        rest = _stopped(process, folder)
    assert "Traceback" not in said + rest
    for secret in (folder / "orthanc-password", folder / "orthanc" / "orthanc.json"):
        assert secret.stat().st_mode & 0o077 == 0
    assert (folder / "orthanc-password").read_text() not in said + rest

    loaded = (folder / "orthanc" / "loaded").stat().st_mtime_ns
    with demo(folder, "demo-full") as process:
        said = read_until(process, "Orthanc MAIN is ready")
        rest = _stopped(process, folder)
    assert "Traceback" not in said + rest
    assert (folder / "orthanc" / "loaded").stat().st_mtime_ns == loaded


def _read_until_all(process) -> str:
    said = ""
    for words in ("OHIF is ready", "Orthanc MAIN is ready", "Ctrl-C stops everything"):
        if words not in said:
            said += read_until(process, words)
    return said


def _a_study_is_read(link: str, viewer: str, studies: Path) -> None:
    """As the doctor does it: her link, the first study of the patient, its button."""
    held = {dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in studies.rglob("*.dcm")}
    with sync_playwright() as playwright, drawing_browser(playwright) as browser:
        preview, opened = browser.new_page(), watched(browser)
        preview.goto(link)
        address = preview.get_by_role("link", name="Open in viewer").first.get_attribute("href")
        assert address.startswith(f"{viewer}/viewer?")
        opened.goto(address)
        assert held & set(shown(opened))


def _stopped(process, folder) -> str:
    assert any("/orthanc.json" in command for command in processes_of(folder))
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert processes_of(folder) == []
    return rest
