"""What became of every fault, in a table: what was lost or came twice, what the pages said, and how soon."""

import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from support.postgresql import postgresql

from faults.clinic import BUSY, Clinic, Result
from faults.faults import EVERY, Fault
from faults.sequences import Played
from faults.watching import Watch

_STUDIES = 6
_PATIENCE_S = 200.0
_GONE_S = 90.0
TO_BANNER_S, TO_RECOVERY_S = 15.0, 60.0
"""The bounds, on a machine that has nothing else to do: what is beyond one has a "!" in the table."""
_COLUMNS = "{:<56}{:>6}{:>8}{:>10}{:>6}{:>9}{:>14}{:>11}{:>13}{:>15}  {}"


@dataclass(frozen=True)
class Met:
    """One fault, while studies were being fetched. ``fault``: its name, as functions do not travel."""

    fault: str
    result: Result
    to_banner: float | None = None
    to_recovery: float | None = None
    said: str = ""
    slowest: float | None = None
    """Seconds of the slowest page, from before the fault until it was gone."""

    @property
    def is_late(self) -> bool:
        return _is_over(self.to_banner, TO_BANNER_S) or _is_over(self.to_recovery, TO_RECOVERY_S)


def meet(name: str) -> Met:
    """Break this, with a few studies under way, and heal it; what became of them, and what was said."""
    fault = named(name)
    made = {"studies": _STUDIES, "processes": (*BUSY, "prober"), **dict(fault.needs)}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        server = stack.enter_context(postgresql()) if fault.on_postgresql else None
        clinic = stack.enter_context(Clinic(folder / "clinic", server=server, **made).open())
        watch = stack.enter_context(Watch(clinic.site))
        clinic.want()
        clinic.when_drawn(3)
        watch.broken()
        with fault.breaks(clinic):
            time.sleep(fault.lasts)
        watch.healed()
        result = clinic.result(_PATIENCE_S)
        _wait_until_gone(watch)
        return Met(name, result, watch.to_banner, watch.to_recovery, watch.said, watch.slowest)


def _wait_until_gone(watch: Watch) -> None:
    end = time.monotonic() + _GONE_S
    while not watch.is_gone() and time.monotonic() < end:
        time.sleep(0.2)


def named(name: str) -> Fault:
    return next(fault for fault in EVERY if fault.name == name)


def heading() -> str:
    counts = ("fault", "times", "wanted", "complete", "lost", "doubled")
    return _COLUMNS.format(
        *counts, "slowest page", "to banner", "to recovery", "to completion", "what every page said first"
    )


def line(met: Met, played: Iterable[Played] = ()) -> str:
    """``times``: here and in the random sequences.

    Seconds: of the slowest page; from the beginning of the fault until every page said something; from its
    end until that was gone, and until the last study was complete.
    """
    times = 1 + sum(met.fault in one.faults for one in played)
    result = met.result
    counts = (result.wanted, result.complete, result.lost, result.doubled)
    bounded = (_seconds(met.to_banner, TO_BANNER_S), _seconds(met.to_recovery, TO_RECOVERY_S))
    seconds = (_seconds(met.slowest), *bounded, _seconds(result.seconds))
    return _COLUMNS.format(met.fault, times, *counts, *seconds, met.said)


def _seconds(some: float | None, most: float | None = None) -> str:
    return "–" if some is None else f"{some:.1f}{'!' if _is_over(some, most) else ''}"


def _is_over(some: float | None, most: float | None) -> bool:
    return some is not None and most is not None and some > most
