"""Where the larger picture of the one that is looked at stands: there, coming, or to be asked for. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from preview.page.card import Mark
from preview.page.status import FetchFacts, Progress, Status, progress_of
from preview.records import Outcome

ASKED_AGAIN = timedelta(hours=1)
"""For so long a page does not ask again by itself for what did not come, or what there is not."""
ENLARGED = 640
"""Longest side in pixels, at most, of a larger picture."""


@dataclass(frozen=True)
class Picture:
    """One thumbnail of the study page."""

    instance: int
    frame: int
    path: str
    position: int
    card: bool
    reason: str = ""
    window: str = ""
    enlarged: str = ""
    instance_uid: str = ""
    frame_count: int = 0
    """How many frames the object has, drawn or not."""
    largest: int | None = None
    """How long the longest side of a larger picture can be; 0 if there can be none, None if unknown."""
    mark: Mark | None = None
    title: str = ""
    """Of a document; "" for an image, and where it has none."""
    lines: tuple[str, ...] = ()
    """The first lines of a document."""

    @property
    def key(self) -> bool:
        return self.mark is not None and not self.mark.rejected

    def stands(self, width: int, height: int) -> tuple[int, int]:
        """How large it is shown, its own size given: a small one takes the place of its larger one."""
        if self.enlarged or not self.largest:
            return width, height
        scale = min(ENLARGED, self.largest) / max(width, height, 1)
        return round(width * scale), round(height * scale)


class Larger(StrEnum):
    """Each has its own mark beside the picture, or none."""

    THERE = "there"
    """It is shown; or what is looked at is a card, which gains nothing."""
    NONE = "none"
    """Nothing larger exists."""
    WANTED = "wanted"
    """Nobody has asked for it: whoever opens the page does."""
    LATER = "later"
    """The study itself is being fetched, and that comes first."""
    COMING = "coming"
    LATE = "late"
    """It was asked for, but at present nobody brings it."""
    FAILED = "failed"

    @property
    def live(self) -> bool:
        """Will it change by itself, and soon?"""
        return self is Larger.COMING


def larger_of(
    picture: Picture | None,
    series: Iterable[Picture],
    enlarging: FetchFacts | None,
    study: Progress,
    *,
    bell: bool,
    now: datetime,
) -> Larger:
    """``series``: the pictures of the same series. ``enlarging``: the newest errand for larger pictures."""
    if picture is None or picture.card or picture.enlarged:
        return Larger.THERE
    if picture.largest == 0:
        return Larger.NONE
    if study.status.live:
        return Larger.LATER
    finished = enlarging.finished_at if enlarging else None
    if enlarging is None or (finished and now - finished > ASKED_AGAIN):
        return Larger.WANTED
    return _ended(picture, series, enlarging) if finished else _under_way(picture, enlarging, bell, now)


def _under_way(picture: Picture, enlarging: FetchFacts, bell: bool, now: datetime) -> Larger:
    if enlarging.around != picture.instance:
        return Larger.WANTED
    status = progress_of(enlarging, bell, now).status
    if status is Status.RESTING:
        return Larger.FAILED
    return Larger.COMING if status in (Status.WAITING, Status.RUNNING) else Larger.LATE


def _ended(picture: Picture, series: Iterable[Picture], enlarging: FetchFacts) -> Larger:
    """What did not enlarge one picture of a series would not enlarge its neighbours either."""
    if enlarging.outcome is Outcome.FAILED:
        return Larger.FAILED
    centre = next((one for one in series if one.instance == enlarging.around), None)
    if centre is None or centre.enlarged:
        return Larger.WANTED
    if enlarging.outcome is Outcome.INCOMPLETE:
        return Larger.FAILED
    nothing_larger = enlarging.outcome is Outcome.COMPLETE and picture.largest is None
    return Larger.NONE if nothing_larger else Larger.WANTED
