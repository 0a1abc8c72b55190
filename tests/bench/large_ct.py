"""A CT of 400 slices (512 x 512, 12 bits in 16) on a real Orthanc: first and last thumbnail, and memory."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from support.installation import Installation
from support.orthanc import GDCM, Orthanc

from bench.figures import figure
from bench.hospital import PATIENT, ct, fetched, running, site, until
from bench.memory import PeakMemory
from bench.peers import Peers, bring_plainly, measured, render
from bench.visitor import Visitor

SLICES, ASSOCIATIONS, RUNS = 400, 4, 3


@dataclass(frozen=True)
class Run:
    """Seconds since the start of the job."""

    first: float
    last: float
    finished: float


def main() -> None:
    datasets = ct(SLICES)
    with (
        tempfile.TemporaryDirectory() as name,
        Orthanc(Path(name) / "orthanc", dicomweb=True, gdcm=GDCM.exists()).running() as orthanc,
        Orthanc(Path(name) / "bare", dicomweb=True).running() as bare,
    ):
        folder = Path(name)
        orthanc.store(datasets)
        bare.store(datasets)
        plainly = bring_plainly(orthanc, folder, datasets)
        peers, barely, runs = [], [], []
        for number in range(RUNS):  # by turns, so that a busy moment of the machine is everybody's
            peers.append(measured(orthanc, folder / f"peers{number}", datasets))
            barely.append(render(bare, datasets))
            runs.append(_run(folder / f"site{number}", orthanc))
        memory = _memory(folder / "watched", orthanc)
    print(f"  {ASSOCIATIONS} associations; the middle of {RUNS} runs, each in an installation of its own")
    _print(peers, plainly, statistics.median(barely), runs)
    figure("peak memory of the worker and below (PSS), in a run of its own", memory, "MiB", goal=300)


def _print(peers: list[Peers], plainly: float, barely: float, runs: list[Run]) -> None:
    """``plainly``: getscu without the variable; ``barely``: an Orthanc without the plugin that decodes."""
    plugin = "with its GDCM plugin" if GDCM.exists() else "orthanc-gdcm is not installed here"
    brought, drawn, rendered = (_middle(peers, what) for what in ("brought", "drawn", "rendered"))
    figure("getscu +B (TCP_NODELAY=1)", brought)
    figure("getscu +B (without)", plainly)
    figure("dcmj2pnm, two at a time", drawn)
    figure(f"Orthanc rendered?viewport=256,256, two at a time ({plugin})", rendered)
    figure("the same (without that plugin: it cannot draw JPEG 2000 then)", barely)
    figure("first thumbnail readable over HTTP", _middle(runs, "first"), goal=0.5)
    last, of = _middle(runs, "last"), "getscu +B, then dcmj2pnm"
    figure(f"all {SLICES} thumbnails on the shelf", last, peer=brought + drawn, of=of, goal=0.3)
    figure("the same", last, peer=plainly + drawn, of="getscu +B without TCP_NODELAY, then dcmj2pnm")
    figure("the same", last, peer=rendered, of="Orthanc rendered", goal=0.6)
    figure("the same", last, peer=barely, of="Orthanc rendered without the plugin")
    figure("the fetch is complete", _middle(runs, "finished"))


def _middle(of: Sequence[Run | Peers], what: str) -> float:
    return statistics.median(getattr(one, what) for one in of)


def _run(folder: Path, orthanc: Orthanc) -> Run:
    one = site(folder, orthanc.port, orthanc.aet, ASSOCIATIONS)
    with running(one) as address:
        visitor = Visitor(one, address, PATIENT)
        (study,) = visitor.studies
        visitor.fetch(study)
        first, last = _watched(one, visitor, study)
        (fetch,) = fetched(one)
        assert fetch.drawn == SLICES, fetch
    return Run(first - fetch.began, last - fetch.began, fetch.seconds)


def _memory(folder: Path, orthanc: Orthanc) -> float:
    """MiB. Looking at it holds up those who are looked at, so it is another run than those for time."""
    one = site(folder, orthanc.port, orthanc.aet, ASSOCIATIONS)
    with running(one) as address:
        visitor = Visitor(one, address, PATIENT)
        with PeakMemory(one.processes["worker"].pid) as memory:
            visitor.fetch(*visitor.studies)
            until(lambda: fetched(one))
    return memory.mebibytes


def _watched(one: Installation, visitor: Visitor, study: str) -> tuple[float, float]:
    """When the first picture could be read over HTTP, and when the last was put on the shelf."""
    shelf = one.settings.app.shelf / study
    until(lambda: _small(shelf), pause=0.005)
    name = _small(shelf)[0].name
    assert visitor.picture(study, name) == 200
    first = time.time()
    until(lambda: fetched(one), pause=0.1)
    return first, max(picture.stat().st_mtime for picture in _small(shelf))


def _small(shelf: Path) -> list[Path]:
    """The pictures of 256 pixels."""
    return list(shelf.glob("*-256.png"))


if __name__ == "__main__":
    main()
