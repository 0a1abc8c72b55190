"""A real Orthanc on ports of its own, bound to 127.0.0.1 only."""

import json
import shutil
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pydicom

from support.installation import free_port

_SHIM = Path(__file__).with_name("loopback.c")


class Orthanc:
    aet = "ORTHANC"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.http_port = free_port(), free_port()

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def store(self, datasets) -> None:
        for ds in datasets:
            buffer = BytesIO()
            pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
            self._post("/instances", buffer.getvalue())

    def _post(self, path: str, body: bytes) -> bytes:
        with urllib.request.urlopen(urllib.request.Request(self.http + path, body), timeout=30) as answer:
            return answer.read()

    def _configuration(self) -> dict[str, object]:
        return {
            "Name": "TESTS",
            "StorageDirectory": str(self.folder / "db"),
            "IndexDirectory": str(self.folder / "db"),
            "HttpPort": self.http_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomAet": self.aet,
            "DicomPort": self.port,
            "DicomCheckCalledAet": True,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowStore": True,
            "SyncStorageArea": False,
            "OverwriteInstances": True,
        }

    @contextmanager
    def running(self):
        """Started, and stopped again: it needs a few seconds to let go of its database."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "orthanc.json"
        file.write_text(json.dumps(self._configuration()))
        with (self.folder / "orthanc.log").open("ab") as log:
            process = subprocess.Popen(
                [shutil.which("Orthanc") or "Orthanc", str(file)],
                env={"LD_PRELOAD": str(loopback_shim(self.folder)), "PATH": "/usr/bin:/usr/sbin"},
                stdout=log,
                stderr=log,
            )
            try:
                self._wait()
                yield self
            finally:
                process.terminate()
                process.wait(20)

    def _wait(self) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                return urllib.request.urlopen(f"{self.http}/system", timeout=1).close()
            except OSError:
                time.sleep(0.1)
        raise TimeoutError("Orthanc did not start")


def loopback_shim(folder: Path) -> Path:
    """Debian's Orthanc cannot be told to listen on 127.0.0.1 only; a preloaded ``bind`` does it."""
    shim = folder / "loopback.so"
    if not shim.exists():
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(shim), str(_SHIM), "-ldl"], check=True)
    return shim
