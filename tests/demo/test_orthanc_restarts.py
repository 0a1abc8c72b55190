"""An Orthanc that ends by itself is started again, and the demo goes on."""

import os
import signal
import subprocess
import sys

import pytest
import urllib3
from support.installation import ROOT, below, eventually, free_port

from preview.demo.studies import STAMP
from preview.entrance.secret import secret_key


@pytest.mark.timeout(300)
def test_an_orthanc_that_is_killed_is_there_again(tmp_path):
    studies, http = tmp_path / "studies", free_port()
    studies.mkdir()
    (studies / STAMP).write_text("none")
    password = secret_key(tmp_path / "password")
    words = ["--aet", "MAIN", "--port", str(free_port()), "--http-port", str(http)]
    words += ["--folder", str(tmp_path / "orthanc"), "--studies", str(studies)]
    words += ["--password-file", str(tmp_path / "password")]
    headers = urllib3.make_headers(basic_auth=f"demo:{password}")

    def answers() -> bool:
        try:
            got = urllib3.request("GET", f"http://127.0.0.1:{http}/system", headers=headers, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return got.status == 200

    command = [sys.executable, "-m", "preview.demo.viewer.orthanc", *words]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        # Killed a moment earlier, when it only just answers, it would be one that did not even start.
        assert "is ready" in running.stdout.readline()
        (orthanc,) = below(running.pid)
        os.kill(orthanc, signal.SIGKILL)
        eventually(lambda: below(running.pid) not in ([], [orthanc]) and answers(), 150)
        assert running.poll() is None
    finally:
        running.terminate()
        running.wait(60)
