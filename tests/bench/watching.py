"""200 browsers watch two patients while two fetches run: how long page and poll take; what a poll costs."""

import asyncio
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import urllib3
from support.installation import Installation
from support.orthanc import Orthanc

from bench.crowd import Crowd, Seen, poll_in
from bench.figures import figure
from bench.hospital import OTHER, PATIENT, ct, running, site
from bench.memory import cpu_seconds
from bench.visitor import Visitor

BROWSERS, SLICES = 200, 3000
MOST_SECONDS = 60
POLLS = 500


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        Orthanc(Path(name) / "orthanc").running() as orthanc,
    ):
        for patient in (PATIENT, OTHER):
            orthanc.store(ct(SLICES, size=256, patient=patient))
        one = site(Path(name) / "watched", orthanc.port, orthanc.aet)
        with running(one, workers=2) as address:
            _measure_crowd(one, address)
        one = site(Path(name) / "polled", orthanc.port, orthanc.aet)
        with running(one) as address:
            _measure_poll(one, address)


def _measure_crowd(one: Installation, address: str) -> None:
    patients = [(PATIENT, OTHER)[number % 2] for number in range(BROWSERS)]
    with ThreadPoolExecutor(8) as pool:  # everybody comes from the clinical application by an own link
        visitors = list(pool.map(lambda patient: Visitor(one, address, patient), patients))
    crowd = Crowd(one.port, visitors)
    idle = asyncio.run(crowd.load(times=4, pause=1.5))
    for visitor in visitors[:2]:
        visitor.fetch(*visitor.studies)
    _print(idle, asyncio.run(crowd.watch(MOST_SECONDS)))


def _print(idle: Seen, busy: Seen) -> None:
    news = f"{busy.news} of the polls brought news"
    print(f"  {len(busy.polls)} polls and {len(busy.pages)} pages in {busy.seconds:.0f} s; {news}")
    figure("polls: half are faster than", busy.polls.at(0.5), "ms")
    figure("polls: 99 of 100 are faster than", busy.polls.at(0.99), "ms", goal=100)
    figure("pages: 99 of 100 are faster than", busy.pages.at(0.99), "ms", goal=100)
    figure("pages, the same", busy.pages.at(0.99), "ms", peer=idle.pages.at(0.99), of="while no fetch runs")
    figure("errors", busy.errors, "", goal=0)


def _measure_poll(one: Installation, address: str) -> None:
    """Nobody does what is wanted, so the page lives and nothing is new on it."""
    visitor = Visitor(one, address, PATIENT)
    one.processes["worker"].terminate()
    one.processes["worker"].wait(20)
    visitor.fetch(*visitor.studies)
    line = urllib3.PoolManager(headers={"Cookie": visitor.cookie}, retries=1)
    web, unchanged, poll = one.processes["web"].pid, 0, poll_in(visitor.page.encode())
    before, began = cpu_seconds(web), time.monotonic()
    while unchanged < POLLS:
        answer = line.request("GET", address + poll.path)
        unchanged += answer.status == 204
        poll = poll_in(answer.data) or poll
    waited, worked = time.monotonic() - began, cpu_seconds(web) - before
    figure("processor time of an unchanged poll", worked / POLLS * 1000, "ms", goal=3)
    figure("the same poll, as its browser waits for it", waited / POLLS * 1000, "ms")


if __name__ == "__main__":
    main()
