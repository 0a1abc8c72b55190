"""`make demo` and `make demo-full`: makes the studies once, finds ports, and hands over to honcho."""

import fcntl
import os
import shutil
import socket
import sys
from pathlib import Path

from preview.demo.studies import make_main, make_outside
from preview.entrance.secret import secret_key

FOLDER = Path(os.environ.get("DEMO_FOLDER", "var/demo"))
CLINIC_KEY = FOLDER / "clinic-key"
"""What the demo's clinical application signs with, and the preview knows it by."""
WANTED = {
    "web": 8000,
    "clinic": 8001,
    "receiver": 11112,
    "main": 11113,
    "outside": 11114,
    "viewer": 3000,
    "orthanc": 8042,
}
PLAIN = "all=1,finder=2,demo-orthanc=0,demo-viewer=0"
FULL = "all=1,finder=2,demo-archive=0"
"""With a real Orthanc in place of the main archive, and the viewer that reads from it."""
NO_VIEWER = "This demo has no OHIF viewer. Stop it and run make demo-full to read images."


def main() -> None:
    _refuse_second()
    print("Preparing the demo's studies …", flush=True)
    make_main(FOLDER / "main")
    make_outside(FOLDER / "outside")
    secret_key(CLINIC_KEY)
    shutil.rmtree(FOLDER / "switches", ignore_errors=True)
    ports = {name: free_port(wanted) for name, wanted in WANTED.items()}
    full = "--full" in sys.argv[1:]
    own = environment(ports) | (full_viewer(ports) if full else no_viewer())
    if unused := sorted(name for name in own if name.startswith("PREVIEW_") and name in os.environ):
        print(
            f"The demo chooses these itself, whatever the environment says: {', '.join(unused)}", flush=True
        )
    start = [sys.executable, "-m", "preview.processes", "start", "-c", FULL if full else PLAIN]
    os.execve(start[0], start, {**os.environ, **own})  # noqa: S606 — our own program


def _refuse_second() -> None:
    """Two demos in one folder would take each other's Redis; the lock lasts as long as honcho does."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    lock = os.open(FOLDER / "lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(f"A demo already runs in {FOLDER}: stop it first (Ctrl-C in its window).") from None
    os.set_inheritable(lock, True)


def environment(ports: dict[str, int]) -> dict[str, str]:
    """What the Procfile's processes are told: the demo's settings, with the ports that were free."""
    return {
        "PREVIEW_SETTINGS": str(Path(__file__).with_name("preview.toml")),
        "PREVIEW_APP__DATABASE": f"sqlite:///{FOLDER}/preview.db",
        "PREVIEW_APP__SHELF": f"{FOLDER}/shelf",
        "PREVIEW_APP__SECRET_KEY_FILE": f"{FOLDER}/secret",
        "PREVIEW_APP__URL": f"http://127.0.0.1:{ports['web']}",
        "PREVIEW_APP__LISTEN": f"127.0.0.1:{ports['web']}",
        "PREVIEW_LOCAL__PORT": str(ports["receiver"]),
        "PREVIEW_SOURCES__MAIN__PORT": str(ports["main"]),
        "PREVIEW_SOURCES__OUTSIDE__PORT": str(ports["outside"]),
        "DEMO_FOLDER": str(FOLDER),
        "DEMO_RECEIVER_PORT": str(ports["receiver"]),
        "DEMO_MAIN_PORT": str(ports["main"]),
        "DEMO_OUTSIDE_PORT": str(ports["outside"]),
        "DEMO_CLINIC_PORT": str(ports["clinic"]),
        "DEMO_CLINIC_KEY": str(CLINIC_KEY),
        "DEMO_PREVIEW_URL": f"http://127.0.0.1:{ports['web']}",
        "PREVIEW_LAUNCH__CLIENTS__CLINIC__KEY_FILE": str(CLINIC_KEY),
        "PREVIEW_APP__EMBED_ORIGINS": f"http://localhost:{ports['clinic']}",
    }


def full_viewer(ports: dict[str, int]) -> dict[str, str]:
    """The viewer and its archive, which is the main archive: whatever is brought to it can be read."""
    viewer = f"http://127.0.0.1:{ports['viewer']}"
    return {
        "DEMO_VIEWER_PORT": str(ports["viewer"]),
        "DEMO_ORTHANC_PORT": str(ports["orthanc"]),
        "PREVIEW_VIEWER__URL": f"{viewer}/viewer",
        "PREVIEW_VIEWER__DICOMWEB": f"{viewer}/dicom-web",
        "PREVIEW_VIEWER__AET": "MAIN",
    }


def no_viewer() -> dict[str, str]:
    return {"PREVIEW_VIEWER__MISSING": NO_VIEWER}


def free_port(wanted: int) -> int:
    """The wanted port of this machine if nobody has it, else any free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(0) from None
