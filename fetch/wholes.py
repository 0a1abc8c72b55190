"""What can only be asked for as a whole: a series, or the study, of which no list names all. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from fetch.model import Reported, Share

MOST_TRIES = 3
"""So often one thing is asked for in requests that end well; then it is given up."""
MOST_BREAKS = 3
"""So often a connection may end over one thing."""


@dataclass
class Whole:
    """A series, or the study, and what became of asking for it."""

    share: Share
    expected: int | None
    most_tries: int = MOST_TRIES
    asked: int = 0
    broken: int = 0
    over: bool = False
    under_way: bool = False
    arrived: set[str] = field(default_factory=set)
    short: bool = False
    """By the archive's own words there is more than came."""

    def ended(self, reported: Reported) -> None:
        """The request ended in an orderly way."""
        self.under_way, self.asked = False, self.asked + 1
        expected = self.expected if self.expected is not None else max(1, reported.completed or 0)
        self.short = len(self.arrived) < expected or bool(reported.failed)
        self.over = not self.short or self.asked >= self.most_tries

    def broke(self) -> None:
        """The line ended in the middle."""
        self.under_way, self.broken, self.short = False, self.broken + 1, True
        self.over = self.broken >= MOST_BREAKS


@dataclass(frozen=True)
class BroughtWhole:
    """A series, or the study (""), that was asked for as a whole because the list lacks some of it."""

    series_uid: str
    came: int
    short: bool
    """It did not come to its end: what lacks has no name."""


class Wholes:
    """Those of one study, by the UID of the series; "" is the study itself."""

    def __init__(self) -> None:
        self._all: dict[str, Whole] = {}
        self._of_list: dict[str, Whole] = {}
        """Those that any way has to ask for as a whole."""
        self.came: set[str] = set()
        """The instances that came with one: asked for just because they are not listed."""

    def __iter__(self) -> Iterator[Whole]:
        return iter(self._all.values())

    def __bool__(self) -> bool:
        return bool(self._all)

    def of(self, share: Share) -> Whole | None:
        return self._all.get(share.series_uid)

    def of_series(self, series_uid: str) -> Whole | None:
        return self._all.get(series_uid)

    def bring(self, series_uid: str) -> bool:
        """Is it still to be asked for as a whole, or the whole study?"""
        wholes = (self._all.get(uid) for uid in (series_uid, ""))
        return any(whole is not None and not whole.over for whole in wholes)

    def want(
        self, share: Share, expected: int | None, most_tries: int = MOST_TRIES, *, always: bool = True
    ) -> None:
        """``always``: in any way, because the list lacks it; else only where single images are not taken."""
        whole = self._all.setdefault(share.series_uid, Whole(share, expected, most_tries))
        whole.expected = max(whole.expected or 0, expected or 0) or None
        if always:
            self._of_list[share.series_uid] = whole

    def want_again(self, share: Share, expected: int | None) -> None:
        """Something of it lacks, though it was asked for."""
        if (whole := self.of(share)) is not None and whole.over:
            del self._all[share.series_uid]
        self.want(share, expected, always=False)

    def arrive(self, uid: str, share: Share) -> None:
        self.came.add(uid)
        if (whole := self.of(share)) is not None:
            whole.arrived.add(uid)

    def keep_those_of_list(self) -> None:
        """No request for single images brings what the list lacks."""
        self._all = dict(self._of_list)

    def clear(self) -> None:
        self._all.clear()

    def begin_anew(self) -> None:
        """In another way, in which nothing of it was asked for yet."""
        self._of_list = {
            uid: Whole(whole.share, whole.expected, whole.most_tries) for uid, whole in self._of_list.items()
        }
        self._all = dict(self._of_list)

    @property
    def are_under_way(self) -> bool:
        return any(whole.under_way for whole in self)

    @property
    def are_short(self) -> bool:
        return any(whole.short for whole in self)

    @property
    def brought(self) -> Iterator[BroughtWhole]:
        """The requests made because of what no list names."""
        for uid, whole in self._of_list.items():
            if whole.asked or whole.broken:
                yield BroughtWhole(uid, len(whole.arrived), whole.short)
