"""The embedded Redis has one owner, who stops it, and who reclaims what a killed owner left behind."""

import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from support.installation import BIN, ROOT, source_block


@pytest.fixture
def embedded(install, archive):
    return install(source_block("main", archive.port, aet="MAIN"), redis="embedded")


@contextmanager
def owner(site):
    process = subprocess.Popen(
        [str(BIN / "flask"), "--app", str(ROOT / "app.py"), "redis"], env=site.environment, cwd=ROOT
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def pid_of(site, not_this: int = 0, seconds: float = 10) -> int:
    """The server's own word for its pid, once it answers."""
    client = redis.Redis(unix_socket_path=str(site.folder / "redis" / "redis.sock"))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            pid = client.info("server")["process_id"]
        except redis.RedisError:
            pid = 0
        if pid and pid != not_this:
            return pid
        time.sleep(0.05)
    raise TimeoutError("no Redis")


def runs(pid: int) -> bool:
    """A zombie does not run any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while runs(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not runs(pid)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_stopping_the_owner_stops_redis(embedded, sent):
    with owner(embedded) as process:
        server = pid_of(embedded)
        process.send_signal(sent)
        assert process.wait(10) == 0
        assert gone(server)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_an_owner_that_is_told_to_stop_twice_leaves_no_redis(embedded, sent):
    with owner(embedded) as process:
        server = pid_of(embedded)
        process.send_signal(sent)
        time.sleep(0.3)
        process.send_signal(sent)
        assert process.wait(10) == 0
        assert gone(server)


def test_a_redis_whose_owner_was_killed_is_reclaimed(embedded):
    with owner(embedded) as killed:
        left = pid_of(embedded)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    assert runs(left)
    with owner(embedded) as process:
        fresh = pid_of(embedded, not_this=left)
        assert gone(left)
        process.terminate()
        process.wait(10)
        assert gone(fresh)


def test_a_redis_that_dies_is_started_again(embedded):
    with owner(embedded) as process:
        first = pid_of(embedded)
        subprocess.run(["kill", "-9", str(first)], check=True)
        assert pid_of(embedded, not_this=first)
        process.terminate()
        process.wait(10)


def test_only_this_user_can_reach_it(embedded):
    with owner(embedded) as process:
        pid_of(embedded)
        folder = embedded.folder / "redis"
        assert folder.stat().st_mode & 0o077 == 0
        assert (folder / "redis.sock").stat().st_mode & 0o077 == 0
        process.terminate()
        process.wait(10)
