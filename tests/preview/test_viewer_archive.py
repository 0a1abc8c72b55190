"""What the viewer's archive is asked, and how every kind of answer is understood."""

import threading
import time
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.installation import eventually, free_port
from support.orthanc import Orthanc
from support.studies import OKAFOR, study

from fetch.settings import Viewer
from preview.viewer.archive import ViewerArchive
from preview.viewer.links import CHECKING, NOT_CHECKED, Entry, Held, Holding

UID = "1.2.840.99.1"


class Answering:
    """A web server that answers every request with the same, and remembers what it was asked."""

    def __init__(self, status: int = 200, body: bytes = b"[]", seconds: float = 0) -> None:
        self.status, self.body, self.seconds = status, body, seconds
        self.paths: list[str] = []

    @contextmanager
    def running(self):
        answering = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answering.paths.append(self.path)
                time.sleep(answering.seconds)
                self.send_response(answering.status)
                self.send_header("Content-Length", str(len(answering.body)))
                self.end_headers()
                self.wfile.write(answering.body)

            def log_message(self, *_: object) -> None:
                """Not on the terminal."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    folder = tmp_path_factory.mktemp("viewers-archive")
    with Orthanc(folder, dicomweb=True, password=True).running() as running:
        running.store(study(images=4, study_uid=UID))
        yield running


def viewer(address: str, **more) -> Viewer:
    return Viewer(url=f"{address}/viewer", dicomweb=f"{address}/dicom-web", **more)


@pytest.fixture
def sign_in(orthanc, tmp_path):
    """A file with what the archive's web server wants to hear."""
    file = tmp_path / "sign-in"
    file.write_text(b64decode(orthanc.headers["authorization"].removeprefix("Basic ")).decode())
    file.chmod(0o600)
    return file


def settled(archive, uids, seconds=10):
    """What is known as soon as nothing is looked for any more."""
    end = time.monotonic() + seconds
    while CHECKING in (held := archive.look(uids)).values() and time.monotonic() < end:
        time.sleep(0.05)
    return held


def test_a_real_archive_says_how_many_images_it_has(orthanc, sign_in):
    archive = ViewerArchive(viewer(orthanc.http, dicomweb_auth_file=sign_in))
    assert replace(archive.ask(UID), at=None) == Held(
        Holding.HELD, 4, Entry("4471902", "OKAFOR^Adaeze", "19750714")
    )
    assert archive.ask("1.2.840.99.2").holding is Holding.ABSENT


def test_a_real_archive_that_refuses_our_sign_in_is_not_one_that_lacks_the_study(orthanc):
    assert ViewerArchive(viewer(orthanc.http)).ask(UID).holding is Holding.REFUSED


@pytest.mark.parametrize(
    ("status", "body", "holding"),
    [
        (200, b"[]", Holding.ABSENT),
        (204, b"", Holding.ABSENT),
        (401, b"", Holding.REFUSED),
        (403, b"[]", Holding.REFUSED),
        (404, b"[]", Holding.UNCLEAR),
        (400, b"", Holding.UNCLEAR),
        (302, b"", Holding.UNCLEAR),
        (500, b"", Holding.UNCLEAR),
        (502, b"[]", Holding.DOWN),
        (503, b"", Holding.DOWN),
        (200, b"<html>sign in</html>", Holding.UNCLEAR),
        (200, b"{}", Holding.UNCLEAR),
        (200, b"[1]", Holding.UNCLEAR),
        (200, b'[{"0020000D": {"Value": ["1.2.3"]}}]', Holding.UNCLEAR),
        (200, b"[%s]" % b",".join([b'{"0020000D": {"Value": ["1.2.840.99.1"]}}'] * 2), Holding.UNCLEAR),
        (200, b'[{"0020000D": {"vr": "UI", "Value": ["1.2.840.99.1"]}}]', Holding.HELD),
        (200, b'[{"0020000D": {"Value": ["1.2.840.99.1"]}, "00201208": {"Value": ["x"]}}]', Holding.HELD),
        (200, b'[{"0020000D": {"Value": ["1.2.840.99.1"]}, "00201208": {"Value": [7]}}]', Holding.HELD),
    ],
)
def test_every_answer_is_taken_for_what_it_is(status, body, holding):
    with Answering(status, body).running() as address:
        held = ViewerArchive(viewer(address)).ask(UID)
    assert held.holding is holding
    assert held.instances == (7 if b"[7]" in body else None)


def test_a_viewer_that_is_not_there_is_down():
    assert ViewerArchive(viewer(f"http://127.0.0.1:{free_port()}")).ask(UID).holding is Holding.DOWN


def test_a_viewer_whose_archive_lives_without_it_is_down_too(orthanc, sign_in):
    pages = f"http://127.0.0.1:{free_port()}/viewer"
    settings = Viewer(url=pages, dicomweb=f"{orthanc.http}/dicom-web", dicomweb_auth_file=sign_in)
    archive = ViewerArchive(settings)
    assert settled(archive, [UID])[UID].holding is Holding.DOWN
    assert archive.ask(UID).holding is Holding.HELD


def test_without_an_address_nobody_asks():
    assert ViewerArchive(Viewer(url="http://127.0.0.1:1/viewer")).look([UID]) == {UID: NOT_CHECKED}


def test_a_page_does_not_wait_for_a_viewer_that_hangs():
    with Answering(seconds=3).running() as address:
        archive = ViewerArchive(viewer(address))
        began = time.monotonic()
        assert archive.look([UID]) == {UID: CHECKING}
        assert time.monotonic() - began < 1


def test_an_answer_is_kept_for_a_while_and_asked_for_again_when_something_has_happened():
    server = Answering()
    with server.running() as address:
        archive = ViewerArchive(viewer(address))
        for _ in range(3):
            assert archive.look([UID])[UID].holding is Holding.ABSENT
        assert len(server.paths) == 1
        archive.look([UID], {UID: datetime.now(UTC)})
        assert len(server.paths) == 2


def test_many_studies_are_asked_for_at_once_and_each_once():
    server = Answering()
    uids = [f"1.2.{n}" for n in range(40)]
    with server.running() as address:
        held = ViewerArchive(viewer(address)).look(uids + uids)
    assert {one.holding for one in held.values()} <= {Holding.ABSENT, Holding.CHECKING}
    assert sorted(held) == sorted(uids)
    assert len(server.paths) <= 40


def test_an_old_answer_stands_until_the_new_one_is_there(monkeypatch):
    """Else a page with many studies and a slow archive would never be done."""
    server = Answering(seconds=0.2)
    uids = [f"1.2.{n}" for n in range(12)]
    with server.running() as address:
        archive = ViewerArchive(viewer(address))
        settled(archive, uids)
        monkeypatch.setattr("preview.viewer.archive.FRESH", timedelta(0))
        for _ in range(5):
            assert {held.holding for held in archive.look(uids).values()} == {Holding.ABSENT}


def test_what_has_happened_in_the_last_minute_is_seen_at_once(monkeypatch):
    """A page that polls no more must not show what was true a while ago."""
    server = Answering()
    with server.running() as address:
        archive = ViewerArchive(viewer(address))
        assert settled(archive, [UID])[UID].holding is Holding.ABSENT
        server.status = 503
        monkeypatch.setattr("preview.viewer.archive.FRESH", timedelta(0))
        assert archive.look([UID])[UID].holding is Holding.DOWN


def test_one_answer_speaks_for_an_archive_that_is_away():
    archive = ViewerArchive(viewer(f"http://127.0.0.1:{free_port()}"))
    held = settled(archive, [f"1.2.{n}" for n in range(40)], seconds=3)
    assert {one.holding for one in held.values()} == {Holding.DOWN}


@pytest.mark.parametrize("body", [b"[" * 100_000, b" " * (2 << 20), b"\xff\xfe", b'[{"0020000D": 7}]'])
def test_nonsense_is_unclear_and_the_next_answer_counts_again(monkeypatch, body):
    server = Answering(body=body)
    with server.running() as address:
        archive = ViewerArchive(viewer(address))
        assert settled(archive, [UID])[UID].holding is Holding.UNCLEAR
        server.body = b"[]"
        monkeypatch.setattr("preview.viewer.archive.FRESH", timedelta(0))
        eventually(lambda: archive.look([UID])[UID].holding is Holding.ABSENT)


def test_a_sign_in_that_is_being_replaced_is_unclear_for_that_moment(orthanc, sign_in, monkeypatch):
    archive = ViewerArchive(viewer(orthanc.http, dicomweb_auth_file=sign_in))
    held = sign_in.read_text()
    sign_in.unlink()
    assert settled(archive, [UID])[UID].holding is Holding.UNCLEAR
    sign_in.write_text(held)
    monkeypatch.setattr("preview.viewer.archive.FRESH", timedelta(0))
    eventually(lambda: archive.look([UID])[UID].holding is Holding.HELD)


@pytest.mark.parametrize(
    ("entry", "other"),
    [
        (Entry(), False),
        (Entry("4471902", "OKAFOR^Adaeze", "19750714"), False),
        (Entry("RIS-4471902", "OKAFOR^A", "19750714"), False),
        (Entry("4471902", "MARRIED^Adaeze", "19750714"), False),
        (Entry("4471902", "OKAFOR^Adaeze", "19310131"), True),
        (Entry("9990001", "STRANGER^Sam", ""), True),
    ],
)
def test_a_study_that_is_filed_under_another_patient_is_known_as_such(entry, other):
    assert entry.is_other_than(OKAFOR) is other
