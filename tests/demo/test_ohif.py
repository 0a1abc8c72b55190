"""The demo's viewer: the real OHIF on a real Orthanc, and what its web server lets through."""

import base64
import hashlib
import tarfile
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urlsplit

import pytest
import urllib3
from playwright.sync_api import sync_playwright
from pydicom.uid import generate_uid
from support.installation import free_port
from support.ohif import drawing_browser, ohif, shown, watched
from support.orthanc import Orthanc
from support.studies import study

from preview.demo.viewer import ohif as package
from preview.demo.viewer import server
from preview.demo.viewer.orthanc import USER
from preview.viewer.links import image_link, study_link

STUDY_UID = generate_uid()


@dataclass(frozen=True)
class Viewer:
    url: str
    orthanc: Orthanc
    datasets: list

    def get(self, path, method="GET", **headers):
        """As it is written: no client tidies the path on the way."""
        server = urlsplit(self.url)
        with urllib3.HTTPConnectionPool(server.hostname, server.port) as pool:
            return pool.urlopen(method, path, headers=headers, redirect=False, retries=False, timeout=10)


@pytest.fixture(scope="module")
def viewer(tmp_path_factory):
    orthanc = Orthanc(tmp_path_factory.mktemp("orthanc"), dicomweb=True, password=True)
    datasets = list(study(study_uid=STUDY_UID, images=5, size=64, StudyDescription="CT Thorax"))
    with orthanc.running(), ohif(orthanc) as url:
        orthanc.store(datasets)
        yield Viewer(url, orthanc, datasets)


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = drawing_browser(playwright)
        yield browser.new_context()
        browser.close()


# --- OHIF itself


def test_it_opens_at_the_image_of_the_link(viewer, chromium):
    asked = viewer.datasets[3]
    link = image_link(f"{viewer.url}/viewer", "", STUDY_UID, asked.SeriesInstanceUID, asked.SOPInstanceUID)
    page = watched(chromium)
    page.goto(link)
    assert shown(page, lambda uids: uids == [asked.SOPInstanceUID])
    page.close()


def test_a_link_may_name_the_data_source(viewer, chromium):
    page = watched(chromium)
    page.goto(study_link(f"{viewer.url}/viewer", "main", STUDY_UID))
    assert set(shown(page)) <= {ds.SOPInstanceUID for ds in viewer.datasets}
    page.close()


# --- its web server: the pages


def test_every_path_of_ohif_is_its_one_page_and_a_missing_file_is_missing(viewer):
    for path in ("/", "/viewer", "/viewer/main?StudyInstanceUIDs=1.2"):
        answer = viewer.get(path)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "Cross-Origin-Opener-Policy" not in answer.headers
    assert viewer.get("/nothing.js").status == 404


def test_scripts_have_their_type_and_what_has_a_hash_in_its_name_is_kept(viewer):
    bundle = next(package.DIST.glob("app.bundle.*.js"))
    answer = viewer.get(f"/{bundle.name}", method="HEAD")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "immutable" in answer.headers["Cache-Control"]
    ours = viewer.get("/app-config.js")
    assert ours.headers["Cache-Control"] == "no-cache"


# --- its web server: the way to the archive


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_written(viewer, method):
    for path in ("/dicom-web/studies", f"/dicom-web/studies/{STUDY_UID}", "/wado"):
        assert viewer.get(path, method).status == 405


@pytest.mark.parametrize(
    "path",
    [
        "/instances",
        "/system",
        "/dicom-web/servers",
        "/dicom-web/info",
        "/dicom-web/studies/../../instances",
        "/dicom-web/studies/%2e%2e/%2e%2e/instances",
        "/dicom-web/../instances",
    ],
)
def test_nothing_but_dicomweb_is_reached(viewer, path):
    answer = viewer.get(path)
    assert answer.status == 404 or b'<div id="root">' in answer.data
    assert all(ds.SOPInstanceUID.encode() not in answer.data for ds in viewer.datasets)


def test_a_list_of_fields_is_understood_as_browsers_write_it(viewer):
    answer = viewer.get(f"/dicom-web/studies?StudyInstanceUID={STUDY_UID}&includefield=00080090%2C00081030")
    assert answer.json()[0]["00081030"]["Value"] == ["CT Thorax"]
    head = viewer.get(f"/dicom-web/studies?StudyInstanceUID={STUDY_UID}", method="HEAD")
    assert (head.status, head.headers["Content-Type"]) == (200, "application/dicom+json")


def test_pixels_and_metadata_come_as_they_are(viewer):
    ds = viewer.datasets[0]
    series = f"/dicom-web/studies/{STUDY_UID}/series/{ds.SeriesInstanceUID}"
    assert len(viewer.get(f"{series}/metadata").json()) == 5
    accept = "multipart/related; type=application/octet-stream; transfer-syntax=*"
    frame = viewer.get(f"{series}/instances/{ds.SOPInstanceUID}/frames/1", Accept=accept)
    assert frame.status == 200
    assert ds.PixelData in frame.data
    wado = f"/wado?requestType=WADO&studyUID={STUDY_UID}&seriesUID={ds.SeriesInstanceUID}"
    answer = viewer.get(f"{wado}&objectUID={ds.SOPInstanceUID}&contentType=application/dicom")
    assert ds.PixelData in answer.data


def test_bulk_data_is_named_on_our_own_address_and_comes_as_bytes_are_asked_for(viewer):
    ds = viewer.datasets[0]
    at = f"/dicom-web/studies/{STUDY_UID}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}"
    metadata = viewer.get(f"{at}/metadata", Forwarded="host=elsewhere.example;proto=https").json()[0]
    uri = metadata["7FE00010"]["BulkDataURI"]
    assert uri.startswith(f"{viewer.url}/dicom-web/")
    bulk = viewer.get(uri.removeprefix(viewer.url), Accept="application/octet-stream")
    assert bulk.status == 200
    assert ds.PixelData in bulk.data


def test_the_password_is_in_no_answer_and_no_browser_is_asked_for_one(viewer):
    secret = viewer.orthanc.password_file.read_text()
    both = base64.b64encode(f"{USER}:{secret}".encode()).decode()
    paths = ("/", "/app-config.js", "/dicom-web/studies", "/dicom-web/studies/x", "/wado", "/nothing.js")
    for answer in map(viewer.get, paths):
        everything = f"{answer.headers}{answer.data.decode(errors='replace')}"
        assert secret not in everything
        assert both not in everything
    wrong = viewer.get("/dicom-web/studies", Authorization="Basic bm9ib2R5OndpdGhvdXQ=")
    assert (wrong.status, "WWW-Authenticate" in wrong.headers) == (200, False)  # ours is used, not theirs


def test_the_archive_itself_wants_its_password(viewer):
    answer = urllib3.request("GET", f"{viewer.orthanc.http}/dicom-web/studies", retries=False)
    assert answer.status == 401


def test_a_wrong_password_of_ours_shows_no_sign_in_box(viewer, tmp_path):
    impostor = Orthanc(tmp_path, password=True)
    archive = server.Archive(viewer.orthanc.http, impostor.password_file.read_text())
    answer = server.create_viewer(package.DIST, archive).test_client().get("/dicom-web/studies")
    assert answer.status_code == 401
    assert "WWW-Authenticate" not in answer.headers


def test_an_archive_that_is_away_is_said_to_be(tmp_path):
    nobody = server.Archive(f"http://127.0.0.1:{free_port()}", "secret")
    answer = server.create_viewer(tmp_path, nobody).test_client().get("/dicom-web/studies")
    assert (answer.status_code, "does not answer" in answer.text) == (502, True)


def test_another_name_of_this_machine_is_refused(viewer):
    assert viewer.get("/dicom-web/studies", Host="attacker.example").status == 400


# --- the package from npm


def test_what_is_not_the_pinned_package_is_not_used(tmp_path):
    fetched = tmp_path / "package.tgz"
    fetched.write_bytes(b"something else")
    with pytest.raises(SystemExit, match="not used"):
        package.check(fetched, package.INTEGRITY)
    digest = base64.b64encode(hashlib.sha512(b"something else").digest()).decode()
    package.check(fetched, f"sha512-{digest}")


def test_only_what_is_served_is_unpacked(tmp_path):
    names = ("package/LICENSE", "package/dist/index.html", "package/dist/ort/ort.js", "package/dist/a/b.js")
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as packed:
        for name in names:
            packed.addfile(tarfile.TarInfo(name), BytesIO())
    into = package.unpack(tmp_path / "package.tgz", tmp_path / "dist")
    assert sorted(str(p.relative_to(into)) for p in into.rglob("*.*")) == ["a/b.js", "index.html"]


def test_without_npm_or_its_registry_a_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(package, "DIST", tmp_path / "ohif" / "0")
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'ENOTFOUND the registry' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(SystemExit, match=r"could not fetch @ohif/app.*ENOTFOUND"):
        package.obtain()
    assert list((tmp_path / "ohif").iterdir()) == []
    monkeypatch.setattr(package.shutil, "which", lambda *_, **__: None)
    with pytest.raises(SystemExit, match="make install"):
        package.obtain()
