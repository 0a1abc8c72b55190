"""Identity: 5,000 rows judged against 5,000 of ours (FEBRL4); 100,000 patients loaded, once and again."""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from support import febrl
from support.installation import ROOT, Installation, free_port, source_block

from bench.figures import figure
from preview.cli.people import NEEDED

MEBI = 1024
PATIENTS = 100_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        _judged(Path(folder))
        _loaded(Path(folder))


def _judged(folder: Path) -> None:
    for name, file in (("asked", "dataset4a.csv"), ("found", "dataset4b.csv")):
        _table(folder / f"{name}.csv", NEEDED, febrl.rows(file))
    files = ("--asked", str(folder / "asked.csv"), "--found", str(folder / "found.csv"))
    output = _run(("identity", "judge", *files, "--trust", febrl.ISSUER, "--json"), "judged", goal=60)
    rows = [json.loads(line) for line in output.splitlines()]
    linked = [row for row in rows if row["linked"]]
    figure("linked, of which 2,836 were to beat", len(linked), "rows")
    figure("linked to somebody else", sum(row["linked"] != row["key"] for row in linked), "rows", goal=0)
    among = sum(row["key"] in row["candidates"] for row in rows)
    figure("the right one among the first ten", among, "rows")


def _loaded(folder: Path) -> None:
    people = [row for row in febrl.rows("dataset4a.csv") if row["family"]]
    columns = ("id", "issuer", "family", "given", "birth_date", "sex")
    rows = (people[number % len(people)] | {"id": f"{number + 1000}"} for number in range(PATIENTS))
    file = _table(folder / "patients.csv", columns, rows)
    installed = Installation(folder, [source_block("main", free_port())], "redis://127.0.0.1:1/0")
    environment = {"PREVIEW_SETTINGS": str(installed.file)}
    for what in ("loaded", "loaded again"):
        _run(("patients", "load", str(file)), what, goal=30, environment=environment)


def _table(file: Path, columns: Sequence[str], rows: Iterable[dict[str, str]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return file


def _run(
    arguments: Sequence[str], what: str, *, goal: float, environment: dict[str, str] | None = None
) -> str:
    """The command as it is started from a shell, and what it took from its start to its end."""
    command = [sys.executable, "-m", "flask", "--app", "app", *arguments]
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(command, cwd=ROOT, stdout=output, env=os.environ | (environment or {}))
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
        if status:
            raise SystemExit(f"{' '.join(command[4:6])} failed")
        output.seek(0)
        figure(f"{what}: by the clock", seconds)
        figure(f"{what}: of the processors", used.ru_utime + used.ru_stime, goal=goal)
        figure(f"{what}: most memory", used.ru_maxrss / MEBI, "MiB")
        return output.read()
