"""`make faults`: a hundred random sequences, then each fault alone.

``python -m faults 7``: that sequence again; ``python -m faults clock``: the faults with this in their names.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TypeVar

from faults import sequences, table
from faults.faults import EVERY
from faults.playing import done
from faults.sequences import Played
from faults.table import Met

SEQUENCES = 100
_AT_ONCE = os.cpu_count() or 2
"""More of them would find too little time to answer within the limits of the protocol."""

Given = TypeVar("Given")
Got = TypeVar("Got")


def main(words: list[str]) -> int:
    """0 if nothing was lost, nothing came twice, and pages said each fault and its end in time."""
    seeds = [int(word) for word in words if word.isdigit()]
    names = [fault.name for fault in EVERY if not words or any(word in fault.name for word in words)]
    began = time.monotonic()
    print(f"{os.cpu_count()} cores, {_AT_ONCE} installations at once", flush=True)
    played = []
    for one in _each(sequences.play, seeds if words else range(1, SEQUENCES + 1)):
        played.append(one)
        if _is_bad(one) or seeds:
            print(f"sequence {one.seed}: {one.result} {', '.join(one.faults)}", flush=True)
    wanted, complete = sum(one.result.wanted for one in played), sum(one.result.complete for one in played)
    print(f"{len(played)} sequences: {wanted} studies wanted, {complete} complete", end=", ")
    print(f"{sum(one.result.explained for one in played)} ended with a reason", end=", ")
    print(f"{sum(one.result.lost for one in played)} lost", end=", ")
    print(f"{sum(one.result.doubled for one in played)} images fetched again", flush=True)
    met = [] if seeds else _met(names, played)
    late = [one.fault for one in met if one.is_late]
    if late:
        bounds = f"{table.TO_BANNER_S:.0f} s to the banner, {table.TO_RECOVERY_S:.0f} s until it was gone"
        print(f"{len(late)} beyond {bounds} (a busy machine?): {'; '.join(late)}")
    print(f"{(time.monotonic() - began) / 60:.0f} minutes")
    return int(bool(failures or late) or any(map(_is_bad, [*played, *met])))


def _met(names: list[str], played: list[Played]) -> list[Met]:
    print(table.heading())
    met = []
    for one in _each(table.meet, names):
        met.append(one)
        print(table.line(one, played), flush=True)
    return met


def _each(do: Callable[[Given], Got], given: Iterable[Given]) -> Iterator[Got]:
    """In processes of their own: each has an archive in it. One that could not be played is told."""
    with ProcessPoolExecutor(_AT_ONCE, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        for got, why in pool.map(partial(done, do), given):
            if got is None:
                print(why, flush=True)
                failures.append(why)
            else:
                yield got


failures: list[str] = []
"""Of the suite itself: nothing is known of what they were to show."""


def _is_bad(one: Played | Met) -> bool:
    return bool(one.result.lost or one.result.doubled)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
