"""A 400-slice CT on a real Orthanc: from the click to the first and last thumbnail, and the memory."""

import os
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright
from support.browser import launched
from support.installation import Installation, source_block
from support.orthanc import Orthanc
from support.studies import study

from fetch.model import Patient, PatientIdentity

SLICES = 400
PATIENT = Patient(PatientIdentity("PERF1", "HOSP"), "Perf^Test", date(1970, 1, 1), "F")


def main() -> None:
    print(f"{os.cpu_count()} cores; {SLICES} slices of 512 x 512, 12 bits in 16, Orthanc on this machine")
    with tempfile.TemporaryDirectory() as folder, Orthanc(Path(folder) / "orthanc").running() as orthanc:
        orthanc.store(_noisy(study(PATIENT, images=SLICES, size=512)))
        site = Installation(Path(folder), [source_block("main", orthanc.port, aet=orthanc.aet)], "embedded")
        with site.running(redis=True) as address:
            _measure(site, address)


def _noisy(datasets):
    """Noise, so that a picture compresses as a real one does."""
    noise = np.random.default_rng(7)
    for ds in datasets:
        pixels = np.frombuffer(ds.PixelData, "<u2") + noise.integers(0, 60, 512 * 512).astype("<u2")
        ds.PixelData = np.clip(pixels, 0, 4095).astype("<u2").tobytes()
    return datasets


def _measure(site: Installation, address: str) -> None:
    with sync_playwright() as playwright:
        page = launched(playwright).new_page()
        page.goto(address + site.launch(PATIENT))
        page.get_by_role("article").wait_for(timeout=20_000)
        with PeakMemory(site.processes["worker"].pid) as memory:
            began = time.monotonic()
            page.get_by_role("button", name="Fetch", exact=True).click()
            page.locator(".poster img, .posters img").first.wait_for(timeout=60_000)
            first = time.monotonic() - began
            page.get_by_text(f"Complete, {SLICES} of {SLICES} images").wait_for(timeout=120_000)
            last = time.monotonic() - began
    fetch = _fetch(site)
    print(f"click to first thumbnail on the page   {first:6.2f} s")
    print(f"click to the page saying complete      {last:6.2f} s")
    print(f"start of the job to first thumbnail    {fetch.first_thumbnail_s:6.2f} s")
    print(f"start of the job to the last           {fetch.seconds:6.2f} s")
    print(f"peak memory, worker and children (PSS) {memory.peak / 2**20:6.0f} MiB")


def _fetch(site: Installation):
    from sqlalchemy import select

    from preview.records import FetchRow

    with site.parts.records.read() as session:
        return session.scalars(select(FetchRow)).one()


class PeakMemory:
    """The largest sum of PSS over a process and everything below it, looked at ten times a second."""

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self.peak = max(self.peak, sum(_pss(pid) for pid in _family(self._pid)))


def _family(pid: int) -> list[int]:
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(child for one in below for child in _family(int(one)))]


def _pss(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))


if __name__ == "__main__":
    main()
