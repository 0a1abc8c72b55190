"""Ctrl-C: what stops late is waited for, and the log is not flooded."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.installation import ROOT

LATE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(%s), sys.exit(0)))
print("ready", flush=True)
time.sleep(60)
"""


def stopped(tmp_path, seconds: float, patience: float, told=signal.SIGINT) -> tuple[str, float]:
    """Start something that takes so long to stop, press Ctrl-C, and read what was said."""
    (tmp_path / "late.py").write_text(LATE % seconds)
    (tmp_path / "Procfile").write_text(
        f"late: exec {sys.executable} {tmp_path / 'late.py'}\nsoon: exec sleep 100\n"
    )
    begin = f"from preview import processes; processes.PATIENCE_S = {patience}; processes.main()"
    running = subprocess.Popen(
        [sys.executable, "-c", begin, "start"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    said = ""
    for line in running.stdout:
        said += line
        if "ready" in line:
            running.send_signal(told)
            began = time.monotonic()
    assert running.wait(60) == 0, "somebody wanted it to end"
    return said, time.monotonic() - began


def test_what_stops_late_is_waited_for(tmp_path):
    said, _ = stopped(tmp_path, seconds=7, patience=30)
    assert "SIGKILL" not in said
    assert "late.1 stopped (rc=0)" in said


def test_what_does_not_stop_is_killed_and_said_once(tmp_path):
    said, took = stopped(tmp_path, seconds=50, patience=1)
    assert said.count("SIGKILL") == 1
    assert took < 30


def test_sigterm_ends_it_like_ctrl_c(tmp_path):
    said, _ = stopped(tmp_path, seconds=0, patience=30, told=signal.SIGTERM)
    assert "soon.1 stopped" in said
    assert "so everything was stopped" not in said


def test_nothing_is_left_when_the_terminal_is_closed(tmp_path):
    said, _ = stopped(tmp_path, seconds=0, patience=30, told=signal.SIGHUP)
    pids = re.findall(r"started \(pid=(\d+)\)", said)
    assert len(pids) == 2
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def begun(folder, *lines: str, code: str = "processes.main()") -> subprocess.Popen:
    (folder / "Procfile").write_text("\n".join(lines) + "\n")
    return subprocess.Popen(
        [sys.executable, "-c", f"from preview import processes; {code}", "start"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_what_ends_everything_is_said_at_the_end(tmp_path):
    running = begun(tmp_path, "bad: echo the port is taken; exit 3", "good: exec sleep 100")
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 3
    assert said.splitlines()[-1].endswith(
        "bad.1 ended, so everything was stopped. It said last: the port is taken"
    )


def test_told_to_stop_before_all_have_started_it_stops_all(tmp_path):
    early = (
        "import honcho.manager, os; begin = honcho.manager.Manager._start; "
        "honcho.manager.Manager._start = lambda self: (begin(self), os.kill(os.getpid(), 15)); "
        "processes.main()"
    )
    running = begun(tmp_path, "one: exec sleep 100", "two: exec sleep 100", code=early)
    said, _ = running.communicate(timeout=60)
    assert (running.returncode, "Traceback" in said) == (0, False)
    assert said.count("stopped (rc=-15)") == 2


# --- what would end every process


def started(folder, **environment: str) -> subprocess.CompletedProcess:
    """As `make start` does it."""
    (folder / "Procfile").write_text("one: exec echo it has begun\ntwo: exec echo it has begun\n")
    return subprocess.run(
        [sys.executable, "-m", "preview.processes", "start"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_wrong_settings_are_said_once_and_nothing_is_started(tmp_path):
    (tmp_path / "preview.toml").write_text((ROOT / "fetch/example.toml").read_text())
    done = started(tmp_path, PREVIEW_LOCAL__PORT="abc")
    assert done.returncode == 1
    assert done.stderr.count("local.port = 'abc'") == 1
    assert "begun" not in done.stdout


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_an_address_that_somebody_else_listens_on_is_said_once_with_what_to_do(tmp_path, host):
    (tmp_path / "preview.toml").write_text((ROOT / "fetch/example.toml").read_text())
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host.strip("[]"), 0), family=family) as taken:
        address = f"{host}:{taken.getsockname()[1]}"
        done = started(tmp_path, PREVIEW_APP__LISTEN=address)
    assert done.returncode == 1
    assert f"cannot listen on {address} (app.listen): Address already in use" in done.stderr
    assert "begun" not in done.stdout
    assert "begun" in started(tmp_path, PREVIEW_APP__LISTEN=address).stdout
