"""Milliseconds a picture (256 pixels), by syntax and kind, beside dcmj2pnm and Orthanc on the same files."""

import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import urllib3
from pydicom import Dataset, dcmread
from pydicom.uid import (
    HTJ2K,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000TransferSyntaxes,
    JPEGLSLossless,
)
from support.orthanc import GDCM, Orthanc

from bench.figures import figure
from bench.pictures_of import KINDS, Kind
from preview.pictures.drawing import Drawers
from preview.pictures.drawing_process import Task, draw_task

_HIGH_THROUGHPUT = (HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL)

ROUNDS = 3
SLICES = 300


@dataclass(frozen=True)
class Row:
    """Milliseconds a picture; None where a peer cannot draw it."""

    ours: float
    dcmtk: float | None
    started: float
    """What of dcmj2pnm's is the start of a process."""
    orthanc: float | None


def main() -> None:
    print(
        "  Ours through a warm drawing process, one file at a time; dcmj2pnm (dcml2pnm for JPEG-LS) as a\n"
        "  process a file; Orthanc over one connection that stays open. The best of some rounds, by turns."
    )
    with tempfile.TemporaryDirectory() as name, _orthanc(Path(name)).running() as orthanc:
        with Drawers(1) as drawers:
            for kind in KINDS:
                paths = kind.files(Path(name) / "files")
                orthanc.store([dcmread(path) for path in paths])
                _print(kind, _measured(kind, paths, drawers, orthanc, Path(name) / "out.png"))
        _one_core(KINDS[0].files(Path(name) / "again"))


def _orthanc(folder: Path) -> Orthanc:
    return Orthanc(folder / "o", dicomweb=True, gdcm=GDCM.exists())


def _measured(kind: Kind, paths: list[Path], drawers: Drawers, orthanc: Orthanc, out: Path) -> Row:
    pool = urllib3.PoolManager(headers={**orthanc.headers, "Accept": "image/png"})
    urls = [url for path in paths for url in _urls(orthanc, dcmread(path, stop_before_pixels=True), kind)]
    tool = "dcml2pnm" if kind.syntax == JPEGLSLossless else "dcmj2pnm"
    command = [tool, *kind.contrast, "+Sxv", "256", "+on", *(["+Fa"] if kind.frames > 1 else [])]
    ways: list[Callable[[], bool]] = [
        lambda: all(drawers.submit_file(path).result().drawing.frames == kind.frames for path in paths),
        lambda: all(_ran([*command, str(path), str(out)]) for path in paths),
        lambda: all(_ran([tool, "--version"]) for _ in paths),
        lambda: all(pool.request("GET", url).status == 200 for url in urls),
    ]
    took: list[list[float]] = [[] for _ in ways]
    for way in ways:
        way()  # what is done once, such as loading a decoder, is nobody's
    for _ in range(ROUNDS):
        for times, way in zip(took, ways, strict=True):
            began = time.perf_counter()
            drew = way()
            times.append((time.perf_counter() - began) * 1000 / len(paths) if drew else float("inf"))
    ours, dcmtk, started, rendered = (min(times) / kind.frames for times in took)
    return Row(ours, _or_none(dcmtk), started, _or_none(rendered))


def _or_none(value: float) -> float | None:
    return None if value == float("inf") else value


def _ran(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _urls(orthanc: Orthanc, ds: Dataset, kind: Kind) -> Iterator[str]:
    place = f"studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}"
    for frame in range(1, kind.frames + 1):
        which = f"/frames/{frame}" if kind.frames > 1 else ""
        yield f"{orthanc.http}/dicom-web/{place}{which}/rendered?viewport=256,256"


def _print(kind: Kind, row: Row) -> None:
    peers = {"dcmj2pnm": row.dcmtk, "Orthanc /rendered": row.orthanc}
    for name, took in peers.items():
        if took is not None:
            figure(kind.name, row.ours, "ms", peer=took, of=name, goal=1)
            if row.ours >= took:
                print(f"    Not faster: {kind.why_not}{_busy()}")
    if not any(peers.values()):
        figure(kind.name, row.ours, "ms")
    for name in (name for name, took in peers.items() if took is None):
        print(f"    Not drawn by {name}: {_why_none(kind.syntax, name)}")
    if row.dcmtk is not None:
        print(f"    dcmj2pnm without the start of its process: {row.dcmtk - row.started:.2f} ms")


def _busy() -> str:
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    return f" The machine is busy: {load:.0f} processes want its {cores} cores." if load > cores + 1 else ""


def _why_none(syntax: UID, peer: str) -> str:
    if syntax not in JPEG2000TransferSyntaxes:
        return "it failed, though it knows this syntax."
    if peer == "dcmj2pnm":
        return "DCMTK has no decoder of JPEG 2000; OFFIS sells one as a module of its own."
    if syntax in _HIGH_THROUGHPUT:
        return "neither Orthanc nor the GDCM that it decodes JPEG 2000 with knows the high-throughput kind."
    return "Orthanc decodes JPEG 2000 only with its GDCM plugin, " + (
        "which failed." if GDCM.exists() else "which is not installed here (orthanc-gdcm)."
    )


def _one_core(paths: list[Path]) -> None:
    """Processor time of everything that is ours, and what the process around the drawing costs."""
    many = (paths * SLICES)[:SLICES]
    before = _processor()
    with Drawers(1) as drawers:
        futures = [drawers.submit_file(path) for path in many]
        assert all(future.result().drawing.pictures for future in futures)
    spent = 1000 * (_processor() - before) / SLICES
    figure(f"uncompressed CT of 512 x 512, {SLICES} slices, of one core", spent, "ms", goal=4)
    figure("the process around it: there and back", _seam(paths), "ms", goal=1)


def _processor() -> float:
    """Seconds, of this process and of its children that have ended."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _seam(paths: list[Path]) -> float:
    """The difference in the middle, by turns, to drawing the same in this process."""
    here, there = [], []
    with Drawers(1) as drawers:
        for path in (paths * 10)[:100]:
            began = time.perf_counter()
            draw_task(Task(path, (256,), 64, 30.0))
            between = time.perf_counter()
            drawers.submit_file(path).result()
            here.append(between - began)
            there.append(time.perf_counter() - between)
    return 1000 * (statistics.median(there) - statistics.median(here))


if __name__ == "__main__":
    print(os.cpu_count(), "cores")
    main()
