"""In which order the instances of a study are brought: posters first, then an even sweep. Pure."""

import heapq
from collections import deque
from collections.abc import Callable
from enum import IntEnum


class Turn(IntEnum):
    """What comes before what."""

    SELECTION = 0
    """Key object selections: they name the images that a radiologist marked."""
    KEY_IMAGE = 1
    FIRST = 2
    """The first instance that was listed, so that there is a picture at once."""
    POSTER = 3
    """The middle of a series."""
    EVERY_8TH = 4
    EVERY_4TH = 5
    EVERY_2ND = 6
    REST = 7


LAST_OF_POSTERS = Turn.POSTER


def sweep(place: int) -> Turn:
    """The turn of the instance at this place of its series, from 0: every 8th, every 4th, and so on."""
    if place % 8 == 0:
        return Turn.EVERY_8TH
    if place % 4 == 0:
        return Turn.EVERY_4TH
    return Turn.EVERY_2ND if place % 2 == 0 else Turn.REST


Group = tuple[Turn, int]
"""A turn, and the number of a series: what may be asked for together."""


class Queue:
    """Instances by group; one that was put in again under another turn is met twice, so takers look."""

    def __init__(self) -> None:
        self._groups: dict[Group, deque[str]] = {}
        self._order: list[Group] = []

    def put(self, group: Group, uid: str) -> None:
        if group not in self._groups:
            self._groups[group] = deque()
            heapq.heappush(self._order, group)
        self._groups[group].append(uid)

    def has(self, last: Turn) -> bool:
        """May there be something of this turn or an earlier one? ``take`` knows for certain."""
        return bool(self._order) and self._order[0][0] <= last

    def clear(self) -> None:
        self._groups.clear()
        self._order.clear()

    def take(
        self, most: Callable[[Turn], int], last: Turn, wanted: Callable[[Group, str], bool]
    ) -> list[str]:
        """At most ``most`` instances of the first group that has any, no later turn than ``last``.

        ``wanted``: is it still, and of this group? What is not is dropped.
        """
        while self._order and self._order[0][0] <= last:
            group = self._order[0]
            line, chosen = self._groups[group], dict[str, None]()
            while line and len(chosen) < most(group[0]):
                uid = line.popleft()
                if wanted(group, uid):
                    chosen[uid] = None
            if not line:
                del self._groups[group]
                heapq.heappop(self._order)
            if chosen:
                return list(chosen)
        return []
