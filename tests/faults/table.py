"""What became of every fault, in a table: how often it was injected, and what was lost or came twice."""

import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from faults.clinic import Clinic, Result
from faults.faults import EVERY, Fault
from faults.sequences import Played

_STUDIES = 6
_PATIENCE_S = 200.0
_COLUMNS = "{:<52}{:>6}{:>8}{:>10}{:>6}{:>9}{:>10}"


@dataclass(frozen=True)
class Met:
    """One fault, while studies were being fetched. ``fault``: its name, as functions do not travel."""

    fault: str
    result: Result


def meet(name: str) -> Met:
    """Break this, with a few studies under way, and heal it; what became of them."""
    fault = named(name)
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as folder,
        Clinic(Path(folder) / "clinic", studies=_STUDIES).open() as clinic,
    ):
        clinic.want()
        clinic.when_drawn(3)
        with fault.breaks(clinic):
            time.sleep(fault.lasts)
        return Met(name, clinic.result(_PATIENCE_S))


def named(name: str) -> Fault:
    return next(fault for fault in EVERY if fault.name == name)


def heading() -> str:
    return _COLUMNS.format("fault", "times", "wanted", "complete", "lost", "doubled", "seconds")


def line(met: Met, played: Iterable[Played] = ()) -> str:
    """``times``: here and in the random sequences. Seconds: from the end of the fault to the last study."""
    times = 1 + sum(met.fault in one.faults for one in played)
    result = met.result
    figures = (result.wanted, result.complete, result.lost, result.doubled, f"{result.seconds:.1f}")
    return _COLUMNS.format(met.fault, times, *figures)
