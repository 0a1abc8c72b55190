"""Several faults at random, over and into each other: drawn by a seed, so a failure can be seen again."""

import random
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from support.postgresql import postgresql

from faults.clinic import Clinic, Result
from faults.faults import BY_CHANCE, Fault

STUDIES = 20
_IMAGES = 6
_FAULTS = (2, 5)
_BEGIN_S = 8.0
"""Within so many seconds after the studies were wanted each fault begins."""
PATIENCE_S = 300.0
_ON_POSTGRESQL = 5
"""One of so many sequences has its rows there instead of in SQLite."""


@dataclass(frozen=True)
class Planned:
    fault: Fault
    begins: float
    lasts: float


@dataclass(frozen=True)
class Played:
    seed: int
    faults: tuple[str, ...]
    result: Result


def planned(seed: int) -> list[Planned]:
    """What breaks when, in seconds: the same for the same seed."""
    chance = random.Random(seed)
    drawn = chance.sample(BY_CHANCE, chance.randint(*_FAULTS))
    return [Planned(one, chance.uniform(0, _BEGIN_S), one.lasts * chance.uniform(0.5, 1.5)) for one in drawn]


def play(seed: int, studies: int = STUDIES, images: int = _IMAGES) -> Played:
    """So many studies are wanted while all of this happens; what became of them when it is over."""
    plan = planned(seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        server = stack.enter_context(postgresql()) if seed % _ON_POSTGRESQL == 0 else None
        made = {"studies": studies, "images": images, "keeps": seed % 2 == 0, "server": server}
        clinic = stack.enter_context(Clinic(folder / "clinic", **made).open())
        clinic.want()
        happen(clinic, plan)
        return Played(seed, tuple(one.fault.name for one in plan), clinic.result(PATIENCE_S))


def happen(clinic: Clinic, plan: list[Planned]) -> None:
    began = time.monotonic()
    under_way = {one.fault.name: one.fault.breaks(clinic) for one in plan}
    moments = [(one.begins, True, one.fault.name) for one in plan]
    moments += [(one.begins + one.lasts, False, one.fault.name) for one in plan]
    for at, begins, name in sorted(moments):
        time.sleep(max(0.0, began + at - time.monotonic()))
        if begins:
            under_way[name].__enter__()
        else:
            under_way[name].__exit__(None, None, None)
