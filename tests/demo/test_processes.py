"""Ctrl-C: what stops late is waited for, and the log is not flooded."""

import os
import signal
import subprocess
import sys
import time

from support.installation import ROOT

LATE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(%s), sys.exit(0)))
print("ready", flush=True)
time.sleep(60)
"""


def stopped(tmp_path, seconds: float, patience: float) -> tuple[str, float]:
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
            running.send_signal(signal.SIGINT)
            began = time.monotonic()
    running.wait(60)
    return said, time.monotonic() - began


def test_what_stops_late_is_waited_for(tmp_path):
    said, _ = stopped(tmp_path, seconds=7, patience=30)
    assert "SIGKILL" not in said
    assert "late.1 stopped (rc=0)" in said


def test_what_does_not_stop_is_killed_and_said_once(tmp_path):
    said, took = stopped(tmp_path, seconds=50, patience=1)
    assert said.count("SIGKILL") == 1
    assert took < 30
