"""Starts the Procfile's processes: honcho's command, with a supervisor of our own."""

import signal
import socket

import honcho.command

from fetch.settings import WrongSettings, load_settings
from preview.supervisor import Supervisor, stop_unheard


def main() -> None:
    """Until Ctrl-C, SIGTERM, a closed terminal or pipe, which is no failure: 0; or until one ends at once."""
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, stop_unheard)
    honcho.command.Manager = Supervisor
    honcho.command.main()


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
