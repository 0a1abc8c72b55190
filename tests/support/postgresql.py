"""A real, throw-away PostgreSQL server on a port of its own, bound to 127.0.0.1 only."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from fetch.settings import Settings, load_settings
from support.installation import Installation, below, free_port

_USER = "preview"
_WHOSE = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
"""PostgreSQL refuses to run as root."""
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
}


@dataclass(kw_only=True)
class OnPostgreSQL(Installation):
    """Its settings file names SQLite; the environment names PostgreSQL, and wins."""

    database: str

    @property
    def settings(self) -> Settings:
        return load_settings(self.file, self._wins)

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **self._wins}

    @property
    def _wins(self) -> dict[str, str]:
        return {"PREVIEW_APP__DATABASE": self.database}


class PostgreSQL:
    """The server of one folder, which may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._made = 0
        self._process = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://{_USER}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The address of a database that holds nothing yet."""
        self._made += 1
        name = f"preview{self._made}"
        with self._connected() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    @contextmanager
    def stopped(self):
        """Without the server, for as long as the block runs."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def silent(self):
        """As long as the block runs, it takes connections and answers nothing."""
        everybody = [self._process.pid, *below(self._process.pid)]
        for pid in everybody:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in everybody:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def start(self) -> None:
        if self._process is not None:
            return
        settings = [f"--{name}={value}" for name, value in {**_SETTINGS, "port": self.port}.items()]
        with (self.folder / "postgresql.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", str(self._data), *settings],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                **_WHOSE,
            )
        self._wait()

    def stop(self) -> None:
        """At once: whoever is connected is cut off."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(10)
        self._process = None

    def initialise(self) -> None:
        subprocess.run(
            [
                _program("initdb"),
                f"--pgdata={self._data}",
                f"--username={_USER}",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            check=True,
            **_WHOSE,
        )

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _connected(self) -> psycopg.Connection:
        address = self.url().replace("+psycopg", "")
        return psycopg.connect(address, autocommit=True, connect_timeout=2)

    def _wait(self, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < end:
            try:
                return self._connected().close()
            except psycopg.OperationalError:
                time.sleep(0.02)
        said = (self.folder / "postgresql.log").read_text()[-2000:]
        raise TimeoutError(f"PostgreSQL did not start: {said}")


@contextmanager
def postgresql():
    """A server with an empty cluster; it ends, and its folder goes, with the block."""
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        folder = Path(name)  # not below pytest's own folder, which no other user may enter
        if _WHOSE:
            shutil.chown(folder, _WHOSE["user"], _WHOSE["group"])
        server = PostgreSQL(folder)
        server.initialise()
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _program(name: str) -> str:
    """The newest that is installed; Debian keeps them off the search path."""
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    return str(max(versions, key=lambda path: int(path.parts[-3])))
