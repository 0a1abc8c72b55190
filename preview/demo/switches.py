"""`flask demo`: break a part of the running demo, slow it down, and make it well again."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import click
from redis import Redis, RedisError

from fetch.locks import is_held

FOLDER = Path(os.environ.get("DEMO_FOLDER", "var/demo"))
ARCHIVES = ("main", "outside")
_LOOK_S = 0.2


def switch(folder: Path, part: str) -> Path:
    """The file that says how a part of the demo is to be."""
    return folder / "switches" / part


def read(file: Path | None) -> str:
    try:
        return file.read_text().strip() if file else "up"
    except FileNotFoundError:
        return "up"


def follow(file: Path | None, stopped: Callable[[float], bool], turn: Callable[[str], None]) -> None:
    """Do what the file says, each time that it says something else, until stopped."""
    before = "up"
    while not stopped(_LOOK_S):
        state = read(file)
        if state != before:
            turn(state)
            before = state


@click.group("demo")
def demo_command() -> None:
    """Break a part of the demo that runs (`make demo`), slow it down, or make it well again."""
    if not is_held(FOLDER / "lock"):
        raise click.ClickException(f"No demo runs in {FOLDER}: start it with make demo.")


@demo_command.command("down")
@click.argument("part", type=click.Choice([*ARCHIVES, "redis"]))
def down(part: str) -> None:
    """Nothing answers there any more."""
    if part == "redis":
        _stop_redis()
    _turn(part, "down")


@demo_command.command("slow")
@click.argument("part", type=click.Choice(ARCHIVES))
def slow_down(part: str) -> None:
    """It answers, but slowly."""
    _turn(part, "slow")


@demo_command.command("up")
@click.argument("part", type=click.Choice([*ARCHIVES, "redis"]))
def up(part: str) -> None:
    """All is well there again."""
    if part == "redis":
        release_redis(FOLDER)
    _turn(part, "up")


def _turn(part: str, state: str) -> None:
    file = switch(FOLDER, part)
    file.parent.mkdir(parents=True, exist_ok=True)
    if part != "redis":
        file.write_text(state)
    time.sleep(2 * _LOOK_S)
    click.echo(f"{part} is {state}")


def _stop_redis() -> None:
    """Stopped, not ended: whoever started it would only start it again."""
    held = switch(FOLDER, "redis")
    if held.exists():
        return
    try:
        client = Redis(unix_socket_path=str((FOLDER / "redis" / "redis.sock").absolute()), socket_timeout=1)
        pid = int(client.info("server")["process_id"])
    except (RedisError, OSError) as error:
        raise click.ClickException("The demo's Redis does not answer.") from error
    held.parent.mkdir(parents=True, exist_ok=True)
    held.write_text(str(pid))
    os.kill(pid, signal.SIGSTOP)


def release_redis(folder: Path) -> None:
    """Let it go on, if it is stopped and still the one that was."""
    held = switch(folder, "redis")
    if held.exists():
        pid = held.read_text().strip()
        name = Path(f"/proc/{pid}/comm")
        if name.exists() and "redis" in name.read_text():
            os.kill(int(pid), signal.SIGCONT)
        held.unlink()
