"""A real Orthanc in place of the demo's main archive, with DICOMweb beside DICOM; on 127.0.0.1 only."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import urllib3

from preview.demo import switches
from preview.demo.studies import STAMP
from preview.entrance.secret import secret_key

USER = "demo"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_SHIM = Path(__file__).with_name("loopback.c")
_START_S = 30
_STOP_S = 4
"""It needs 2 to 4 s; honcho has patience for 5."""

Address = tuple[str, int]
DICOMWEB = {
    "Enable": True,
    "Root": "/dicom-web/",
    "EnableWado": True,
    "WadoRoot": "/wado",
    "StudiesMetadata": "Full",
    "SeriesMetadata": "Full",
}
"""``Host`` stays out: it would win over what the proxy says in ``Forwarded``."""


@dataclass(frozen=True)
class Orthanc:
    """One Orthanc: its folder, its ports, and who may talk to it.

    ``asks`` are the AE titles that may ask and fetch, ``sends`` those that may only store; all are
    destinations of a C-MOVE. Without a password HTTP is open to everybody on this machine.
    """

    folder: Path
    aet: str
    port: int
    http_port: int
    password: str = ""
    asks: Mapping[str, Address] = field(default_factory=lambda: MappingProxyType({}))
    sends: Mapping[str, Address] = field(default_factory=lambda: MappingProxyType({}))
    more: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def database(self) -> Path:
        return self.folder / "db"

    @property
    def log(self) -> Path:
        return self.folder / "orthanc.log"

    @property
    def headers(self) -> dict[str, str]:
        return urllib3.make_headers(basic_auth=f"{USER}:{self.password}") if self.password else {}

    def configuration(self) -> dict[str, Any]:
        known = {aet: _modality(aet, at, asks=True) for aet, at in self.asks.items()}
        known |= {aet: _modality(aet, at, asks=False) for aet, at in self.sends.items()}
        return {
            "Name": self.aet,
            "StorageDirectory": str(self.database),
            "IndexDirectory": str(self.database),
            "Plugins": [str(PLUGIN)],
            "HttpPort": self.http_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": bool(self.password),
            "RegisteredUsers": {USER: self.password} if self.password else {},
            "DicomAet": self.aet,
            "DicomPort": self.port,
            "DicomCheckCalledAet": True,
            **{f"DicomAlwaysAllow{what}": False for what in ("Echo", "Find", "Get", "Move", "Store")},
            "DicomModalities": known,
            "OverwriteInstances": True,
            "SyncStorageArea": False,
            "SaveJobs": False,
            "DicomWeb": DICOMWEB,
            **self.more,
        }

    def start(self) -> subprocess.Popen[bytes]:
        """Start it, and return when it answers."""
        program = shutil.which("Orthanc", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
        if program is None or not PLUGIN.exists():
            raise SystemExit("Orthanc with its DICOMweb plugin is not installed; run: make demo-full")
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "orthanc.json"
        file.touch(mode=0o600)  # the password is in it
        file.write_text(json.dumps(self.configuration(), indent=1))
        environment = {**os.environ, "LD_PRELOAD": str(loopback_shim(self.folder))}
        with self.log.open("wb") as log:
            process = subprocess.Popen([program, str(file)], env=environment, stdout=log, stderr=log)
        try:
            self._wait_until_it_answers(process)
        except BaseException:
            stop(process)
            raise
        return process

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + _START_S
        while process.poll() is None and time.monotonic() < end:
            try:
                urllib3.request("GET", f"{self.http}/system", headers=self.headers, timeout=1, retries=False)
            except urllib3.exceptions.HTTPError:
                time.sleep(0.05)
            else:
                return
        raise SystemExit(f"Orthanc did not start; what it said is in {self.log}")

    def store(self, files: Iterable[bytes]) -> None:
        pool = urllib3.PoolManager(headers=self.headers, timeout=30, retries=False)
        for body in files:
            answer = pool.request("POST", f"{self.http}/instances", body=body)
            if answer.status != 200:
                raise SystemExit(f"Orthanc takes no image ({answer.status}); what it said is in {self.log}")


def _modality(aet: str, at: Address, *, asks: bool) -> dict[str, Any]:
    may = {f"Allow{what}": asks for what in ("Find", "FindWorklist", "Get", "Move")}
    return {"AET": aet, "Host": at[0], "Port": at[1], "AllowEcho": True, "AllowStore": True, **may}


def loopback_shim(folder: Path) -> Path:
    """What is preloaded into Orthanc, compiled; the source says why."""
    shim = folder / "loopback.so"
    if not shim.exists() or shim.stat().st_mtime < _SHIM.stat().st_mtime:
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(shim), str(_SHIM), "-ldl"], check=True)
    return shim


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def load(orthanc: Orthanc, studies: Path, stopping: threading.Event) -> None:
    """The studies of a folder, once: an interrupted loading starts again, a new month's set replaces."""
    orthanc.store(path.read_bytes() for path in sorted(studies.rglob("*.dcm")) if not stopping.is_set())
    if not stopping.is_set():
        _loaded(orthanc).write_text(_stamp(studies))


def _is_loaded(orthanc: Orthanc, studies: Path) -> bool:
    return _loaded(orthanc).exists() and _loaded(orthanc).read_text() == _stamp(studies)


def _loaded(orthanc: Orthanc) -> Path:
    return orthanc.folder / "loaded"


def _stamp(studies: Path) -> str:
    return (studies / STAMP).read_text()


def peer(text: str) -> tuple[str, Address]:
    aet, _, address = text.partition("=")
    host, _, port = address.rpartition(":")
    return aet, (host, int(port))


def _chosen(argv: list[str] | None) -> tuple[Orthanc, Path]:
    parser = argparse.ArgumentParser(prog="python -m preview.demo.viewer.orthanc", description=__doc__)
    parser.add_argument("--aet", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="its database, log and configuration")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--studies", type=Path, required=True, help="loaded once")
    parser.add_argument("--asks", type=peer, action="append", default=[], metavar="AET=HOST:PORT")
    parser.add_argument("--sends", type=peer, action="append", default=[], metavar="AET=HOST:PORT")
    chosen = vars(parser.parse_args(argv))
    studies: Path = chosen.pop("studies")
    password = secret_key(chosen.pop("password_file"))
    asks, sends = dict(chosen.pop("asks")), dict(chosen.pop("sends"))
    return Orthanc(**chosen, password=password, asks=asks, sends=sends), studies


def _started_again(
    orthanc: Orthanc, ended: subprocess.Popen[bytes], stopping: threading.Event
) -> subprocess.Popen[bytes]:
    """The new one; the old one only if the demo is stopped meanwhile."""
    while not stopping.wait(1):
        try:
            return orthanc.start()
        except SystemExit as why:
            print(why, flush=True)
    return ended


def serve(argv: list[str] | None = None) -> None:
    """Run it until SIGTERM or SIGINT; if it ends by itself, it is started again: the demo goes on."""
    orthanc, studies = _chosen(argv)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    fresh = not _is_loaded(orthanc, studies)
    if fresh:
        shutil.rmtree(orthanc.database, ignore_errors=True)
    process = orthanc.start()
    try:
        if fresh:
            load(orthanc, studies, stopping)
        print(f"Orthanc {orthanc.aet} is ready on 127.0.0.1:{orthanc.port}", flush=True)
        state, file = "up", switches.switch(orthanc.folder.parent, "main")
        while not stopping.wait(0.2):
            if process.poll() is not None:
                print(f"Orthanc ended and is started again; what it said is in {orthanc.log}", flush=True)
                process, state = _started_again(orthanc, process, stopping), "up"
            before, state = state, switches.read(file)
            if state != before:  # it cannot be slowed down
                process.send_signal(signal.SIGSTOP if state == "down" else signal.SIGCONT)
    finally:
        process.send_signal(signal.SIGCONT)
        switches.release_redis(orthanc.folder.parent)
        stop(process)


if __name__ == "__main__":
    serve()
