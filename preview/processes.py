"""Starts the Procfile's processes: honcho, but patient at the end, and without a line for every look."""

import honcho.command
import honcho.manager

PATIENCE_S = 20
"""honcho gives five seconds; what runs at a low priority beside a busy machine takes longer to stop."""


class PatientManager(honcho.manager.Manager):  # type: ignore[misc]
    """Whoever has not stopped by then is killed once, not ten times a second until it is seen to be gone."""

    _has_killed = False

    def kill(self) -> None:
        if not self._has_killed:
            self._has_killed = True
            super().kill()


def main() -> None:
    honcho.manager.KILL_WAIT = PATIENCE_S
    honcho.command.Manager = PatientManager
    honcho.command.main()


if __name__ == "__main__":
    main()
