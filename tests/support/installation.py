"""An installation in a folder of its own: settings, database, shelf, and its processes."""

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from app import create_app
from fetch.model import Patient
from fetch.records import Records, open_database
from fetch.settings import App, Settings, load_settings
from preview.database import migrate
from preview.entrance import access
from preview.errands import asking
from preview.parts import Parts
from preview.queue import jobs
from preview.records import FetchRow, Role

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def source_block(name: str, port: int, **more: object) -> str:
    """One ``[[sources]]`` of the settings file."""
    values = {
        "name": name,
        "label": more.pop("label", f"{name.title()} archive"),
        "protocol": "dimse",
        "host": "127.0.0.1",
        "port": port,
        "aet": more.pop("aet", name.upper()),
        "issuer": more.pop("issuer", "HOSP"),
        "trusted": more.pop("trusted", True),
        "associations": 2,
        # a dead archive must not hold up a test
        "connect_timeout": 1,
        "association_timeout": 4,
        "message_timeout": 4,
        "network_timeout": 4,
        **more,
    }
    return "[[sources]]\n" + "\n".join(f"{key} = {_toml(value)}" for key, value in values.items())


def _toml(value: object) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else str(value)
        if isinstance(value, int)
        else f'"{value}"'
    )


@cache
def _migrated_database() -> bytes:
    """What the migrations make of a new file, once: they take longer than many of the tests."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "preview.db"
        records = Records(open_database(f"sqlite:///{file}"))
        migrate(records, App.model_construct(secret_key_file=Path(folder) / "secret"))
        records.engine.dispose()
        return file.read_bytes()


class _Compiled(BytecodeCache):
    """The templates of all installations are the same, and compiling them takes longer than most tests."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._code.get((bucket.key, bucket.checksum)):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


@dataclass
class Installation:
    folder: Path
    sources: list[str]
    redis: str
    port: int = field(default_factory=free_port)
    app_lines: str = ""
    local_port: int = 11112
    viewer_lines: str = 'url = "http://127.0.0.1:3000/viewer"'

    def __post_init__(self) -> None:
        if "poster_studies" not in self.app_lines:  # what is not about posters counts its requests itself
            self.app_lines += "\nposter_studies = 0"
        self.file = self.folder / "preview.toml"
        self.file.write_text(
            f"""
[app]
site = "City Hospital"
database = "sqlite:///{self.folder}/preview.db"
redis = "{self.redis}"
shelf = "{self.folder}/shelf"
secret_key_file = "{self.folder}/secret"
timezone = "Europe/London"
helpdesk = "Radiology 2345"
url = "http://127.0.0.1:{self.port}"
listen = "127.0.0.1:{self.port}"
{self.app_lines}

[local]
aet = "PREVIEW"
port = {self.local_port}

{chr(10).join(self.sources)}

[viewer]
{self.viewer_lines}
"""
        )
        database = self.folder / "preview.db"
        if not database.exists():
            database.touch(0o600)
            database.write_bytes(_migrated_database())
        self.app = create_app(self.settings)
        self.app.jinja_env.bytecode_cache = _COMPILED

    @property
    def settings(self) -> Settings:
        return load_settings(self.file, {})

    @property
    def parts(self) -> Parts:
        return self.app.extensions["preview"]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PREVIEW_SETTINGS": str(self.file)}

    # --- what a clinical application does

    def launch(self, patient: Patient | None, role: Role = Role.REFERRER) -> str:
        """The path of a one-time address."""
        with self.parts.records.write() as session:
            code = access.prepare(session, role=role, patient=patient, person="", now=self.parts.now)
        return f"/open/{code}"

    # --- what a worker does, here and now

    def work(self) -> None:
        """Do everything that is wanted, in this process."""
        self.ask_all()
        self.fetch_all()

    def ask_all(self) -> None:
        from sqlalchemy import select

        from preview.records import AskRow

        with self.parts.records.read() as session:
            waiting = session.scalars(select(AskRow.id).where(AskRow.finished_at.is_(None))).all()
        for ask in waiting:
            asking.ask(self.parts, ask)

    def fetch_all(self) -> None:
        from sqlalchemy import select

        with self.parts.records.read() as session:
            waiting = session.scalars(select(FetchRow.id).where(FetchRow.finished_at.is_(None))).all()
        for fetch in waiting:
            jobs.run(self.parts, fetch)

    # --- the real processes

    def flask(
        self, *arguments: str, timeout: float = 60, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the CLI as a user would."""
        return subprocess.run(
            [str(BIN / "flask"), "--app", str(ROOT / "app.py"), *arguments],
            env={**self.environment, **environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @contextmanager
    def running(self, *, redis: bool = False):
        """Web server, workers and perhaps Redis as the Procfile starts them; yields the address."""
        flask = [str(BIN / "flask"), "--app", str(ROOT / "app.py")]
        gunicorn = [
            str(BIN / "gunicorn"),
            "--config",
            "python:preview.web.serving",
            "--chdir",
            str(ROOT),
            "app:create_app()",
        ]
        commands = {
            "web": gunicorn,
            "finder": [*flask, "worker", "asks"],
            "worker": [*flask, "worker", "fetches"],
        }
        if redis:
            commands = {"redis": [*flask, "redis"], **commands}
        log = self.folder / "processes.log"
        with ExitStack() as stack, log.open("ab") as output:
            self.processes = {}
            for name, command in commands.items():
                self.processes[name] = stack.enter_context(_process(command, self.environment, output))
            wait_for_port(self.port)
            yield f"http://127.0.0.1:{self.port}"


@contextmanager
def _process(command, environment, output):
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(port: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


def context_key(location: str) -> str:
    """The key in ``/patients/<key>`` or ``/staff/<key>``."""
    return re.search(r"/(?:patients|staff)/([0-9a-f]{32})", location)[1]


@contextmanager
def process(site: Installation, *arguments: str):
    """One of its commands, running beside the test."""
    command = [str(BIN / "flask"), "--app", str(ROOT / "app.py"), *arguments]
    running = subprocess.Popen(command, env=site.environment, cwd=ROOT)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(30)  # background work has a low priority, and the machine may be busy


def eventually(true, seconds: float = 45) -> None:
    """Wait until it is true."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    assert true()


def below(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def work_horse(worker) -> int:
    """The child that has drawing processes of its own."""
    (horse,) = [child for child in below(worker.pid) if below(child)]
    return horse
