"""Who goes first when every association of a source is in use, and who gives way. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

NOBODY = ""
"""The party of a question's or a probe's line: it is over soon, so it never gives way."""


@dataclass(frozen=True)
class Held:
    """A line in use."""

    slot: int
    holder: str
    party: str


@dataclass(frozen=True)
class Wish:
    """Somebody who waits for a line."""

    holder: str
    party: str
    urgent: bool
    since: datetime


def party_of(party: str, holder: str, *, urgent: bool) -> str:
    """Whose a line is; a holder that names no party is one for itself."""
    return NOBODY if urgent else (party or holder)


@dataclass(frozen=True)
class Turns:
    """The lines of one source at one moment. ``allowed``: how many there may be; more may still be held."""

    allowed: int
    held: tuple[Held, ...]
    wishes: tuple[Wish, ...]

    @property
    def free(self) -> int:
        """Below zero while more are held than are allowed by now."""
        return self.allowed - len(self.held)

    def is_next(self, wish: Wish) -> bool:
        """Is there a free line for it, besides one for everybody who goes before it?

        Urgent wishes go first; then the party with the fewest lines, so that they are shared out; then
        whoever came first.
        """
        others = [other for other in self._waiting if other.holder != wish.holder]
        return self.free > self._in_order([*others, wish]).index(wish)

    def gives_way(self, holder: str) -> bool:
        """Does this holder have to close its line? Of all who could, only as many as are needed do.

        For an urgent wish any fetch gives way; for a party that has no line, only one that has several.
        """
        leaving = self._by_abundance()
        urgent = sum(wish.urgent for wish in self._waiting)
        parties = len(self._parties_without_a_line())
        for_urgent = max(0, urgent - self.free)
        for_parties = max(0, parties - max(0, self.free - urgent))
        spare = [line for rank, line in leaving[for_urgent:] if rank > 0]
        going = [line for _, line in leaving[:for_urgent]] + spare[:for_parties]
        return any(line.holder == holder for line in going)

    @property
    def _waiting(self) -> list[Wish]:
        """Two queries may see somebody both before and after the wish came true."""
        served = {line.holder for line in self.held}
        return [wish for wish in self.wishes if wish.holder not in served]

    def _in_order(self, wishes: Iterable[Wish]) -> list[Wish]:
        lines = Counter(line.party for line in self.held)
        places: list[tuple[tuple[bool, int], Wish]] = []
        for wish in sorted(wishes, key=_first_come):
            places.append(((not wish.urgent, 0 if wish.urgent else lines[wish.party]), wish))
            lines[wish.party] += not wish.urgent
        places.sort(key=lambda place: place[0])
        return [wish for _, wish in places]

    def _parties_without_a_line(self) -> set[str]:
        served = {line.party for line in self.held}
        return {wish.party for wish in self._waiting if not wish.urgent} - served

    def _by_abundance(self) -> list[tuple[int, Held]]:
        """The lines that may give way, with their ranks in their parties: the richest party's last first."""
        ranked: list[tuple[int, Held]] = []
        seen: dict[str, int] = defaultdict(int)
        for line in sorted(self.held, key=lambda line: line.slot):
            if line.party != NOBODY:
                ranked.append((seen[line.party], line))
                seen[line.party] += 1
        return sorted(ranked, key=lambda place: (place[0], place[1].slot), reverse=True)


def _first_come(wish: Wish) -> tuple[datetime, str]:
    return wish.since, wish.holder
