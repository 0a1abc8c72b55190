"""What ends unasked is started again, what is wrong from the start ends everything, Ctrl-C stops it all."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.installation import ROOT, eventually

from preview.supervised import Supervised

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
        f"redis: exec sleep 100\nlate: exec {sys.executable} {tmp_path / 'late.py'}\nsoon: exec sleep 100\n"
    )
    begin = f"from preview import processes, supervisor; supervisor.PATIENCE_S = {patience}; processes.main()"
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


def test_redis_stops_when_nobody_needs_it_any_more(tmp_path):
    said, _ = stopped(tmp_path, seconds=1, patience=30)
    assert said.index("late.1 stopped") < said.index("sending SIGTERM to redis.1")
    assert "redis.1 stopped (rc=-15)" in said


def test_sigterm_ends_it_like_ctrl_c(tmp_path):
    said, _ = stopped(tmp_path, seconds=0, patience=30, told=signal.SIGTERM)
    assert "soon.1 stopped" in said
    assert "so everything was stopped" not in said


def test_nothing_is_left_when_the_terminal_is_closed(tmp_path):
    said, _ = stopped(tmp_path, seconds=0, patience=30, told=signal.SIGHUP)
    pids = re.findall(r"started \(pid=(\d+)\)", said)
    assert len(pids) == 3
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


def test_what_ends_at_once_without_saying_that_it_failed_is_a_failure_all_the_same(tmp_path):
    running = begun(tmp_path, "bad: exec true", "good: exec sleep 100")
    said, _ = running.communicate(timeout=60)
    assert "bad.1 stopped (rc=0)" in said
    assert running.returncode == 1


def test_told_to_stop_before_all_have_started_it_stops_all(tmp_path):
    early = (
        "import os; from preview.supervised import Supervised; begin = Supervised.start; "
        "Supervised.start = lambda self: (begin(self), os.kill(os.getpid(), 15)); "
        "processes.main()"
    )
    running = begun(tmp_path, "one: exec sleep 100", "two: exec sleep 100", code=early)
    said, _ = running.communicate(timeout=60)
    assert (running.returncode, "Traceback" in said) == (0, False)
    assert said.count("stopped (rc=-15)") == 2


# --- what ends unasked

TRAPPED = """trap 'echo %s >> ended; exit' TERM; touch begun; echo ready; while sleep 0.1; do :; done"""
"""Notes that it was told to stop."""

QUICK = (
    "from preview import supervised; supervised.WELL_S, supervised._FIRST_PAUSE_S = {well}, {pause}; "
    "supervised._LONGEST_PAUSE_S = {pause}; processes.main()"
)
"""What runs so long ran well, and so long it rests before it is started again."""


@contextmanager
def supervised(folder, *lines: str, well=0.0, pause=0.1):
    """Told to stop at the end: nothing may be left then."""
    running = begun(folder, *lines, code=QUICK.format(well=well, pause=pause))
    try:
        yield running
        running.terminate()
        running.stdout.read()
        assert running.wait(60) == 0
    finally:
        running.kill()


def read_until(running, words: str, times: int = 1) -> str:
    said = ""
    for line in running.stdout:
        said += line
        if said.count(words) == times:
            return said
    raise AssertionError(said)


def pid_of(name: str, said: str) -> int:
    """Of its newest start."""
    return int(re.findall(rf"{name} started \(pid=(\d+)\)", said)[-1])


def test_what_is_killed_is_started_again_and_the_others_run_on(tmp_path):
    lines = ("bad: echo all is well; exec sleep 100", "good: exec sleep 100")
    with supervised(tmp_path, *lines) as running:
        first = read_until(running, "all is well")
        good = pid_of("good.1", first) if "good.1 started" in first else None
        os.kill(pid_of("bad.1", first), signal.SIGKILL)
        then = read_until(running, "all is well", 2)  # once quoted, once said anew
        good = good or pid_of("good.1", first + then)
        assert pid_of("bad.1", then) != pid_of("bad.1", first)
        assert Path(f"/proc/{good}").exists()
    assert "bad.1 ended unasked (SIGKILL) and is started again in 0 s. It said last: all is well" in then
    assert not Path(f"/proc/{good}").exists()


def test_killed_at_its_first_start_it_was_not_wrong_from_the_start(tmp_path):
    with supervised(tmp_path, "bad: exec sleep 100", well=60) as running:
        os.kill(pid_of("bad.1", read_until(running, "bad.1 started")), signal.SIGKILL)
        read_until(running, "bad.1 started")


def test_what_ran_well_and_ended_by_itself_is_started_again(tmp_path):
    with supervised(tmp_path, "bad: sleep 0.5; echo no memory; exit 3", well=0.3) as running:
        said = read_until(running, "ended unasked", 2)
    assert (
        said.count("bad.1 ended unasked (exit code 3) and is started again in 0 s. It said last: no memory")
        == 2
    )


def test_its_children_end_with_it_also_where_they_hold_its_output(tmp_path):
    with supervised(tmp_path, "bad: sleep 100 & echo child $!; exec sleep 100") as running:
        said = read_until(running, "child ")
        child = int(re.search(r"child (\d+)", said)[1])
        os.kill(pid_of("bad.1", said), signal.SIGKILL)
        read_until(running, "bad.1 started")
        assert not is_alive(child)


def test_who_ends_over_and_over_is_said_so_and_the_others_run_on(tmp_path):
    """Its first start is no failure of its own: it is killed."""
    lines = (
        "bad: test -e once && echo no such table && exit 3; touch once; kill -9 $$",
        "good: exec sleep 100",
    )
    with supervised(tmp_path, *lines, well=60) as running:
        said = read_until(running, "bad.1 has ended 5 times in a row")
        assert Path(f"/proc/{pid_of('good.1', said)}").exists()
        assert said.count("ended unasked") == 4
        read_until(running, "bad.1 has ended 6 times in a row")
    assert "everything else goes on. It is tried again in 0 s. It said last: no such table" in said


def test_each_pause_is_longer_than_the_one_before_up_to_half_a_minute_and_short_after_it_ran_well():
    process = Supervised("one", "true", None)
    pauses = []
    for process.failures in [*range(8), 5000]:
        pauses.append(process.rest())
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30, 30]


@pytest.mark.parametrize(("seconds", "pause"), [(0.6, 1), (0, 16)])
def test_after_it_ran_well_the_pause_is_short_again(monkeypatch, seconds, pause):
    monkeypatch.setattr("preview.supervised.WELL_S", 0.5 if seconds else 60)
    process = Supervised("one", f"exec sleep {seconds}", None)
    process.failures = 3
    process.start()
    eventually(lambda: process.pid is None or process.clear_up())
    assert process.rest() == pause


def test_what_never_breaks_a_line_is_cut_and_takes_no_memory():
    process = Supervised("one", "exec head -c 10000000 /dev/zero | tr '\\0' x", None)
    process.start()
    heard, end = [], None
    while end is None:
        now = process.lines()
        assert len(now) <= 1, "one look reads what a pipe holds, no more"
        heard += now
        end = process.clear_up()
    heard += end[1]
    assert sum(map(len, heard)) == 10_000_000
    assert max(map(len, heard)) == 1 << 16


def test_who_never_stops_talking_does_not_keep_the_others_from_being_heard(tmp_path):
    with supervised(tmp_path, "loud: exec yes", "good: echo all is well; exec sleep 100") as running:
        read_until(running, "all is well")


@pytest.mark.parametrize("told", [None, signal.SIGINT])
def test_where_nobody_reads_any_more_all_is_stopped_in_order(tmp_path, told):
    """`make demo | head`, and Ctrl-C at `make start | tee log`, which ends the reader too."""
    late = f"redis: {TRAPPED % 'redis'}", f"web: {TRAPPED % 'web'}"
    running = begun(tmp_path, *late, "loud: while sleep 0.1; do echo more; done")
    said = read_until(running, "ready", 2)
    running.stdout.close()
    if told:
        running.send_signal(told)
    assert running.wait(60) == 0
    assert (tmp_path / "ended").read_text().split() == ["web", "redis"]
    assert not [pid for pid in re.findall(r"started \(pid=(\d+)\)", said) if is_alive(int(pid))]


def test_a_line_that_cannot_be_written_ends_nothing(tmp_path):
    full = "import sys; sys.stdout = open('/dev/full', 'w'); "
    running = begun(tmp_path, f"web: {TRAPPED % 'web'}", code=f"{full}processes.main()")
    eventually((tmp_path / "begun").exists)
    time.sleep(1)
    assert running.poll() is None
    running.terminate()
    running.communicate(timeout=60)
    assert (tmp_path / "ended").read_text() == "web\n"


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_told_to_stop_in_a_pause_it_stops_at_once(tmp_path, told):
    lines = ("bad: exec sleep 100", "good: exec sleep 100")
    running = begun(tmp_path, *lines, code=QUICK.format(well=0, pause=50))
    said = read_until(running, "good.1 started")
    os.kill(pid_of("bad.1", said), signal.SIGKILL)
    read_until(running, "is started again in 50 s")
    began = time.monotonic()
    running.send_signal(told)
    assert running.wait(60) == 0
    assert time.monotonic() - began < 15
    assert not is_alive(pid_of("good.1", said))


def test_a_machine_that_refuses_another_process_is_asked_again(tmp_path):
    refuses = (
        "from preview.supervised import Supervised; begin = Supervised.start; "
        "Supervised.start = lambda self: begin(self) if self.failures != 1 else self.refuse(); "
        "Supervised.refuse = lambda self: open('/nowhere/at/all'); "
    )
    running = begun(tmp_path, "bad: exec sleep 100", code=refuses + QUICK.format(well=60, pause=0.1))
    os.kill(pid_of("bad.1", read_until(running, "bad.1 started")), signal.SIGKILL)
    said = read_until(running, "bad.1 started")
    assert "bad.1 ended unasked (No such file or directory) and is started again" in said
    running.terminate()
    assert running.wait(60) == 0


def test_who_closes_its_output_lives_on_and_is_not_listened_to_all_the_time(tmp_path):
    with supervised(tmp_path, "mute: echo bye; exec sleep 100 >&- 2>&-") as running:
        said = read_until(running, "bye")
        before = seconds_of_processor(running.pid)
        time.sleep(1)
        assert seconds_of_processor(running.pid) - before < 0.3
        assert is_alive(pid_of("mute.1", said))


def test_if_the_supervisor_is_killed_nothing_runs_on_unwatched(tmp_path):
    running = begun(tmp_path, "one: exec sleep 100")
    pid = pid_of("one.1", read_until(running, "one.1 started"))
    running.kill()
    running.wait(60)
    eventually(lambda: not is_alive(pid))


def is_alive(pid: int) -> bool:
    """What has ended and nobody has asked about is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def seconds_of_processor(pid: int) -> float:
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


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
