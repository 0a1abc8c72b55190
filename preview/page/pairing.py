"""Two studies side by side in the viewer: which is the current one, or what stands in the way. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from fetch.model import Study
from preview.page.card import Card
from preview.page.opening import Door


class Pairing(StrEnum):
    """Whether two studies can be compared; each but the first has its own sentence."""

    OPENS = "opens"
    TOO_FEW = "too-few"
    TOO_MANY = "too-many"
    GONE = "gone"
    """One of them is not shown any more, or never was."""
    CHECKING = "checking"
    CLOSED = "closed"
    """The viewer would open neither: one that it lacks is all that it would tell of."""
    APART = "apart"
    """The viewer has each from elsewhere, and a link names one place."""


@dataclass(frozen=True)
class Pair:
    """What was ticked, newest first, ready for words or for the link."""

    pairing: Pairing
    cards: tuple[Card, ...]
    series_uid: str = ""
    """A series of the current study that has a picture; "" while none is known."""


def pair_of(cards: Sequence[Card], ticked: int) -> Pair:
    """``ticked``: how many studies were named, also such as may not be shown."""
    newest_first = tuple(sorted(cards, key=lambda card: _when(card.study), reverse=True))
    series = _series(newest_first[0]) if newest_first else ""
    return Pair(_pairing(newest_first, ticked), newest_first, series)


def _pairing(cards: tuple[Card, ...], ticked: int) -> Pairing:
    if len(cards) < ticked:
        return Pairing.GONE
    if ticked != 2:
        return Pairing.TOO_FEW if ticked < 2 else Pairing.TOO_MANY
    doors = [card.opening.door for card in cards]
    if not all(door.leads for door in doors):
        return Pairing.CLOSED
    if Door.CHECKING in doors:
        return Pairing.CHECKING
    places = {card.opening.data_source for card in cards}
    return Pairing.OPENS if len(places) == 1 else Pairing.APART


def _when(study: Study) -> tuple[date, str]:
    return study.study_date or date.min, study.study_time


def _series(card: Card) -> str:
    """OHIF goes black when it is to begin with a report."""
    images = (one for one in card.posters if one.picture and one.modality not in NOT_IMAGES)
    return next((one.series for one in images), "")


NOT_IMAGES = frozenset({"SR", "PR", "KO", "DOC", "SEG", "REG"})
