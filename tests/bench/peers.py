"""What a user would do instead, on this machine, in this run: DCMTK's tools, and Orthanc's own pictures."""

import os
import subprocess
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import urllib3
from pydicom import Dataset
from support.orthanc import Orthanc

AT_ONCE = {**os.environ, "TCP_NODELAY": "1"}
"""DCMTK waits 40 ms for every image without it."""


@dataclass(frozen=True)
class Peers:
    """Seconds for one study."""

    brought: float
    """getscu +B: the study in files."""
    drawn: float
    """dcmj2pnm at 256 pixels, two at a time."""
    rendered: float
    """Orthanc's rendered?viewport=256,256, two at a time."""


def measured(orthanc: Orthanc, folder: Path, datasets: list[Dataset]) -> Peers:
    """Each once."""
    return Peers(
        bring(orthanc.port, orthanc.aet, datasets[0].StudyInstanceUID, folder / "brought"),
        draw(folder / "brought", folder / "drawn"),
        render(orthanc, datasets),
    )


def bring_plainly(orthanc: Orthanc, folder: Path, datasets: list[Dataset]) -> float:
    """As `bring`, without the variable; it reads everything once, so nobody later reads from the disk."""
    uid = datasets[0].StudyInstanceUID
    return bring(orthanc.port, orthanc.aet, uid, folder / "plainly", dict(os.environ))


def bring(
    port: int, aet: str, study_uid: str, into: Path, environment: dict[str, str] | None = None
) -> float:
    into.mkdir(parents=True)
    command = ["getscu", "+B", "-S", "-aec", aet, "-od", str(into), "-k", "QueryRetrieveLevel=STUDY"]
    command += ["-k", f"StudyInstanceUID={study_uid}", "127.0.0.1", str(port)]
    began = time.monotonic()
    subprocess.run(command, env=environment or AT_ONCE, check=True, capture_output=True)
    return time.monotonic() - began


def draw(files: Path, into: Path) -> float:
    into.mkdir()
    pairs = "".join(f"{path}\0{into / path.name}.png\0" for path in sorted(files.iterdir()))
    command = ["xargs", "-0", "-P2", "-n2", "dcmj2pnm", "+Wi", "1", "+Sxv", "256", "+on"]
    began = time.monotonic()
    subprocess.run(command, input=pairs.encode(), check=True, capture_output=True)
    return time.monotonic() - began


def render(orthanc: Orthanc, datasets: Iterable[Dataset]) -> float:
    pool = urllib3.PoolManager(maxsize=2, headers={**orthanc.headers, "Accept": "image/png"})
    waiting = iter([_rendered(orthanc, ds) for ds in datasets])
    lock = threading.Lock()

    def take() -> str | None:
        with lock:
            return next(waiting, None)

    def ask() -> None:
        while url := take():
            answer = pool.request("GET", url)
            assert answer.status == 200, answer.status

    began = time.monotonic()
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - began


def _rendered(orthanc: Orthanc, ds: Dataset) -> str:
    place = f"studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}"
    return f"{orthanc.http}/dicom-web/{place}/rendered?viewport=256,256"
