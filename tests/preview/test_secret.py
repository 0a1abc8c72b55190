"""The key that signs sessions."""

import stat
import subprocess
import sys

from support.installation import ROOT

from preview.entrance.secret import secret_key

START = "import sys; from pathlib import Path; from preview.entrance.secret import secret_key; {}"
WAIT_AND_PRINT = START.format("sys.stdin.readline(); print(secret_key(Path(sys.argv[1])))")


def test_the_key_is_made_on_the_first_start_and_kept(tmp_path):
    path = tmp_path / "var" / "secret"
    key = secret_key(path)
    assert len(key) == 64
    assert secret_key(path) == key


def test_nobody_else_may_read_it(tmp_path):
    secret_key(tmp_path / "secret")
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_two_installations_have_two_keys(tmp_path):
    assert secret_key(tmp_path / "one") != secret_key(tmp_path / "two")


def test_processes_that_start_together_share_one_key(tmp_path):
    path = tmp_path / "secret"
    command = [sys.executable, "-c", WAIT_AND_PRINT, str(path)]
    starts = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for start in starts:
        start.stdin.write("now\n")
        start.stdin.flush()
    keys = {start.communicate(timeout=30)[0].strip() for start in starts}
    assert keys == {path.read_text()}
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]
