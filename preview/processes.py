"""Starts the Procfile's processes: honcho, but patient at the end, and without a line for every look."""

import os
import signal
import socket
from typing import Any

import honcho.command
import honcho.manager
import honcho.printer

from fetch.settings import WrongSettings, load_settings

PATIENCE_S = 20
"""honcho gives five seconds; what runs at a low priority beside a busy machine takes longer to stop."""
_WAS_TOLD_TO_STOP = {known["rc"] for known in honcho.manager.SIGNALS.values()}


class RememberingPrinter(honcho.printer.Printer):  # type: ignore[misc]
    """Knows what each process said last."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.last: dict[str, str] = {}

    def write(self, message: Any) -> None:
        said = message.data
        self.last[message.name] = said.decode(errors="replace") if isinstance(said, bytes) else said
        super().write(message)


class PatientManager(honcho.manager.Manager):  # type: ignore[misc]
    """Whoever has not stopped by then is killed once, not ten times a second until it is seen to be gone."""

    _has_killed = False
    _is_ending = False
    _ended_first: tuple[str, ...] = ()

    def loop(self) -> None:
        """What ended everything is said at the end, where it is read."""
        super().loop()
        for name in self._ended_first:
            last = self._printer.last.get(name, "").strip() or "nothing"
            self._system_print(f"{name} ended, so everything was stopped. It said last: {last}\n")

    def terminate(self) -> None:
        """Told so before all have started, it waits for them: honcho does not know their pids yet."""
        if not self._is_ending:
            self._is_ending = True
            stopped = [name for name, process in self._processes.items() if "returncode" in process]
            self._ended_first = tuple(stopped)
        if self._all_started():
            super().terminate()

    def kill(self) -> None:
        if not self._has_killed:
            self._has_killed = True
            super().kill()

    def _any_stopped(self) -> bool:
        return self._is_ending or bool(super()._any_stopped())


def main() -> None:
    """Until one of them ends, or Ctrl-C, SIGTERM, or a closed terminal, which is no failure: 0."""
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, _terminal_closed)
    honcho.manager.KILL_WAIT = PATIENCE_S
    honcho.command.Manager = PatientManager
    honcho.command.Printer = RememberingPrinter
    try:
        honcho.command.main()
    except SystemExit as end:
        raise SystemExit(0 if end.code in _WAS_TOLD_TO_STOP else end.code) from None


def _terminal_closed(*_: object) -> None:
    """Stop everything, and say so to nobody: writing to a terminal that is gone fails."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    signal.raise_signal(signal.SIGTERM)


def check() -> None:
    """What would end every process, said once and before any of them starts."""
    try:
        address = load_settings().app.listen
    except WrongSettings as wrong:
        raise SystemExit(str(wrong)) from None
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, int(port)), family=family).close()
    except OSError as error:
        raise SystemExit(
            f"The web server cannot listen on {address} (app.listen): {error.strerror}.\n"
            "Stop what listens there, or set app.listen and app.url to another port."
        ) from None


if __name__ == "__main__":
    check()
    main()
