"""The demo, started as a new user starts it."""

import os
import re
import signal
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import pytest
from support.inspecting import text_of
from support.installation import ROOT


@contextmanager
def demo(folder):
    """`make demo` in a session of its own, so that whatever it leaves behind can be found."""
    process = subprocess.Popen(
        ["make", "demo"],
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
            process.communicate(timeout=20)


def read_until(process, words: str) -> str:
    said = ""
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def session_members(session: int) -> list[str]:
    """What still runs in this session, by its command line."""
    alive = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session = stat.read_text().rsplit(")", 1)[1].split()[:4]
            command = (stat.parent / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its_session) == session and state != "Z":
            alive.append(command)
    return alive


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def started(folder):
    with demo(folder) as process:
        yield read_until(process, "Ctrl-C stops everything")


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


def test_a_second_demo_in_the_same_folder_is_refused(started, folder):
    with demo(folder) as process:
        said, _ = process.communicate(timeout=20)
    assert "A demo already runs" in said


def test_ctrl_c_leaves_no_process_and_the_next_start_uses_what_is_there(tmp_path):
    for _ in range(2):
        began = time.monotonic()
        with demo(tmp_path) as process:
            said = read_until(process, "Ctrl-C stops everything")
            took = time.monotonic() - began
            os.killpg(process.pid, signal.SIGINT)
            rest, _ = process.communicate(timeout=20)
        assert session_members(process.pid) == []
        assert "Traceback" not in said + rest
    assert took < 20  # a second start takes about 4 s alone; the machine may be busy
