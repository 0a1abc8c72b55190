"""What the benchmarks look at: CT studies that compress as real ones do, archives, and installations."""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
from pydicom import Dataset
from sqlalchemy import select
from support.installation import BIN, ROOT, Installation, source_block
from support.studies import study

from fetch.model import Patient, PatientIdentity
from preview.records import FetchRow

PATIENT = Patient(PatientIdentity("PERF1", "HOSP"), "Perf^Test", date(1970, 1, 1), "F")
OTHER = Patient(PatientIdentity("PERF2", "HOSP"), "Perf^Other", date(1980, 1, 1), "M")
PATIENCE = {"message_timeout": 60, "network_timeout": 60, "association_timeout": 10, "connect_timeout": 5}


def ct(images: int, size: int = 512, series: int = 1, patient: Patient = PATIENT) -> list[Dataset]:
    """A body with organs in the noise of a scanner, 12 bits in 16; ``images`` in each series."""
    datasets = study(patient, images=images, series=series, size=size)
    for number, ds in enumerate(datasets):
        ds.PixelData = slice_of_body(size, number).tobytes()
    return datasets


def slice_of_body(size: int, number: int) -> np.ndarray:
    body, inside, outside = _body(size)
    grain = np.roll(inside, 7 * number, axis=0) + np.roll(outside, 13 * number, axis=1)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    angle = number * 0.013
    spine = (x - 0.1 * np.cos(angle)) ** 2 + (y - 0.35) ** 2 < 0.01
    return np.clip(body + grain + 700 * spine, 0, 4095).astype("<u2")


@cache
def _body(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hounsfield units + 1024 of what does not move, and the noise within and around it."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    noise = np.random.default_rng(7)
    flesh = (x / 0.85) ** 2 + (y / 0.65) ** 2 < 1
    lungs = ((np.abs(x) - 0.4) / 0.26) ** 2 + ((y + 0.05) / 0.42) ** 2 < 1
    body = np.where(lungs, 220.0, np.where(flesh, 1070.0, 24.0))
    grain = noise.normal(0, 1, (2, size, size))
    return body, grain[0] * 18 * flesh, grain[1] * 6 * ~flesh


@contextmanager
def archive(folder: Path, datasets: Iterable[Dataset] = (), *arguments: str) -> Iterator[int]:
    """The demo archive as a process of its own: its port. It holds these, and what lies in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, ds in enumerate(datasets):
        ds.save_as(folder / f"{number:05}.dcm", enforce_file_format=True)
    command = [sys.executable, "-m", "preview.demo.archive", "--aet", "MAIN", "--port", "0"]
    command += ["--folder", str(folder), *arguments]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield int(running.stdout.readline().rsplit(":", 1)[1])
    finally:
        running.terminate()
        running.wait(20)


def site(folder: Path, port: int, aet: str = "MAIN", associations: int = 4) -> Installation:
    """An installation with one archive, which fetches nothing by itself."""
    folder.mkdir(parents=True)
    block = source_block("main", port, aet=aet, **PATIENCE | {"associations": associations})
    return Installation(folder, [block], "embedded", app_lines="poster_studies = 0")


@contextmanager
def running(site: Installation, workers: int = 1) -> Iterator[str]:
    """Its address, once so many workers listen."""
    with site.running(redis=True) as address, ExitStack() as stack:
        for _ in range(workers - 1):
            stack.enter_context(_one_more_worker(site))
        until(lambda: site.parts.bell.has_worker("fetches"))
        time.sleep(2)  # the others listen a moment later
        yield address


@contextmanager
def _one_more_worker(site: Installation) -> Iterator[None]:
    command = [str(BIN / "flask"), "--app", str(ROOT / "app.py"), "worker", "fetches"]
    with (site.folder / "processes.log").open("ab") as log:
        worker = subprocess.Popen(command, env=site.environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(20)


@dataclass(frozen=True)
class Fetched:
    """One fetch as the database has it; seconds since the job began."""

    began: float
    seconds: float
    drawn: int
    outcome: str


def fetched(site: Installation) -> list[Fetched]:
    """Every fetch that is finished."""
    with site.parts.records.read() as session:
        rows = session.scalars(select(FetchRow).where(FetchRow.finished_at.is_not(None))).all()
    return [
        Fetched(
            row.begun_at.timestamp(),
            row.finished_at.timestamp() - row.begun_at.timestamp(),
            row.drawn,
            str(row.outcome),
        )
        for row in rows
    ]


def by_command(site: Installation, study_uid: str) -> Fetched:
    """`flask fetch --wait`; the figures are the job's own, without the start of the command."""
    ran = site.flask("fetch", "--source", "main", "--study", study_uid, "--wait", "--json", timeout=600)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    return fetched(site)[-1]


def until(true, seconds: float = 120, pause: float = 0.02) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(pause)
