"""DCMTK's dcmqrscp: a real archive of another make, on a free port of 127.0.0.1.

Lists of UIDs (version 3.6.7): a C-GET or C-MOVE at IMAGE or SERIES level with several UIDs answers 0x0000 and
sends them all, in an order of its own; a C-FIND with several answers for each.
"""

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydicom import Dataset

from support.installation import free_port, wait_for_port
from support.orthanc import loopback_shim


class Dcmqrscp:
    """Open to every AE title. ``known`` are the destinations of C-MOVE: title, host and port.

    It sends every object in the first context of its class that was accepted, and has no decoder.
    """

    def __init__(
        self, folder: Path, *, aet: str = "DCMTK", known: Mapping[str, tuple[str, int]] | None = None
    ) -> None:
        self.folder, self.aet, self.port = folder, aet, free_port()
        self._known = known or {}
        self._stored = 0

    @contextmanager
    def running(self):
        """Started, and stopped again; it listens on every address, so it is given the shim of Orthanc's."""
        assert shutil.which("dcmqrscp"), "dcmtk is not installed; run: make test-packages"
        with (self.folder / "dcmqrscp.log").open("wb") as log:
            process = subprocess.Popen(
                [shutil.which("dcmqrscp"), "--config", str(self._configured()), "--prefer-j2k-lossy"],
                env={"LD_PRELOAD": str(loopback_shim(self.folder)), "PATH": "/usr/bin", "TCP_NODELAY": "1"},
                stdout=log,
                stderr=log,
            )
        try:
            wait_for_port(self.port)
            yield self
        finally:
            process.terminate()
            process.wait(5)

    def store(self, datasets: Iterable[Dataset]) -> None:
        """Fill it, as a scanner would."""
        files = self.folder / f"stored{self._stored}"
        files.mkdir()
        self._stored += 1
        for number, ds in enumerate(datasets):
            ds.save_as(files / f"{number:05}.dcm", enforce_file_format=True)
        command = ["storescu", "-aec", self.aet, "--propose-j2k-lossy", "+sd"]
        command += ["127.0.0.1", str(self.port), str(files)]
        subprocess.run(command, check=True, capture_output=True, timeout=60, env=_AT_ONCE)
        shutil.rmtree(files)

    def _configured(self) -> Path:
        database = self.folder / "database"
        database.mkdir(parents=True)
        hosts = "".join(
            f"destination{number} = ({aet}, {host}, {port})\n"
            for number, (aet, (host, port)) in enumerate(self._known.items())
        )
        configuration = self.folder / "dcmqrscp.cfg"
        configuration.write_text(
            f"""NetworkTCPPort  = {self.port}
MaxPDUSize      = 131072
MaxAssociations = 16
HostTable BEGIN
{hosts}HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
{self.aet} {database} RW (200, 1024mb) ANY
AETable END
"""
        )
        return configuration


_AT_ONCE = {"TCP_NODELAY": "1", "PATH": "/usr/bin"}
"""DCMTK waits 40 ms for each message without it."""
