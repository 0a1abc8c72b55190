"""Dates in parts: a span of days is halved until an archive gives all of each part at once. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

MOST_QUESTIONS = 64
"""So many parts are asked for at most; each halving costs two."""
_LONGEST = timedelta(days=365)
_EARLIEST = date(1900, 1, 1)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Span:
    """Days from ``first`` to ``last``, both included; None for an end that is open."""

    first: date | None = None
    last: date | None = None

    def written(self) -> str:
        """For range matching (PS3.4 C.2.2.2.5); "" for every date, because a bare hyphen is not valid."""
        if self.first is None and self.last is None:
            return ""
        return f"{_written(self.first)}-{_written(self.last)}"

    def halves(self, today: date) -> "tuple[Span, Span] | None":
        """Its two halves, or None for a single day.

        What is open stays open, so that no date is left out; to find the middle, an open end counts as 1900
        or as a year from today, because studies are booked ahead.
        """
        last = self.last or max(today + _LONGEST, self.first or today)
        first = self.first or min(_EARLIEST, last)
        if first >= last:
            return None
        middle = first + (last - first) // 2
        return Span(self.first, middle), Span(middle + _DAY, self.last)


def _written(day: date | None) -> str:
    return f"{day:%Y%m%d}" if day else ""


@dataclass(frozen=True)
class Parts:
    """Spans that together are the whole, none overlapping: ``below`` the cap, or ``capped`` all the same."""

    below: tuple[Span, ...]
    capped: tuple[Span, ...]


def in_parts(
    whole: Span,
    are_capped: Callable[[Sequence[Span]], Sequence[bool]],
    today: date,
    most: int = MOST_QUESTIONS,
) -> Parts:
    """Halve ``whole``, which is known to be capped, until no part is, or the questions run out.

    ``are_capped`` asks for each of these spans and says whether its answer was at the cap. All halves of one
    size are asked for together, the latest first: what there is no question left for is the oldest.
    """
    below: list[Span] = []
    capped: list[Span] = []
    waiting = [whole]
    while waiting:
        asked: list[Span] = []
        for span in waiting:
            halves = span.halves(today)
            if halves is None or len(asked) + 2 > most:
                capped.append(span)
            else:
                asked += reversed(halves)
        most -= len(asked)
        answers = dict(zip(asked, are_capped(asked) if asked else (), strict=True))
        below += [span for span in asked if not answers[span]]
        waiting = [span for span in asked if answers[span]]
    return Parts(tuple(below), tuple(capped))
