"""The real OHIF, ready built from npm: fetched once into .venv, checked against the pin beside this file."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

PACKAGE, INTEGRITY = Path(__file__).with_name("ohif.pin").read_text(encoding="utf-8").split()
"""The package with its version, and npm's integrity of exactly these bytes."""
DIST = Path(sys.prefix) / "ohif" / PACKAGE.rpartition("@")[2]
_INSIDE = "package/dist/"
_LEFT_OUT = f"{_INSIDE}ort/"
"""Two thirds of the package: models' runtimes for segmentation, which nothing here asks for."""


def obtain() -> Path:
    """The folder that a web server serves; a second call finds it there."""
    if not DIST.exists():
        DIST.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=DIST.parent, prefix=".fetching-") as beside:
            archive = _packed(Path(beside))
            check(archive, INTEGRITY)
            unpack(archive, Path(beside) / "dist").rename(DIST)
    return DIST


def _packed(folder: Path) -> Path:
    """Npm knows which registry this machine uses, and how to reach it."""
    npm = shutil.which("npm") or shutil.which("npm", path=str(Path(sys.prefix) / "bin"))
    if npm is None:
        raise SystemExit("The viewer OHIF comes from npm, which is not here: run make install.")
    command = [npm, "pack", "--silent", "--pack-destination", str(folder), PACKAGE]
    path = f"{Path(npm).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    ran = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    packed = next(folder.glob("*.tgz"), None)
    if ran.returncode or packed is None:
        words = (ran.stderr or ran.stdout).strip() or "npm said nothing; is the network there?"
        raise SystemExit(f"npm could not fetch {PACKAGE} (50 MB, needed once): {words}")
    return packed


def check(archive: Path, integrity: str) -> None:
    """Npm compares with what the registry says today, this compares with what was looked at."""
    with archive.open("rb") as file:
        digest = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if f"sha512-{digest}" != integrity:
        raise SystemExit(f"What npm fetched as {PACKAGE} is not what this version was tried with: not used.")


def unpack(archive: Path, into: Path) -> Path:
    with tarfile.open(archive) as packed:
        packed.extractall(into, members=_wanted(packed), filter="data")
    return into


def _wanted(packed: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for member in packed:
        if member.name.startswith(_INSIDE) and not member.name.startswith(_LEFT_OUT):
            yield member.replace(name=member.name.removeprefix(_INSIDE))


if __name__ == "__main__":
    obtain()
