"""One study on a page: what it is, its posters, where its fetch stands, how it opens in the viewer. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from fetch.model import Study
from preview.page.opening import Opening, ViewerFacts, opening_of
from preview.page.status import FetchFacts, Progress, Status, milestone, progress_of
from preview.records import Scope


@dataclass(frozen=True)
class Mark:
    """What key object selections say of a picture: to be looked at first, or not any more."""

    titles: tuple[str, ...] = ()
    """In English where they are the standard's own."""
    rejected: bool = False


@dataclass(frozen=True)
class Poster:
    """The one thumbnail that stands for a series; without a picture it is still awaited."""

    series: str
    modality: str
    description: str
    number: int | None
    count: int | None
    picture: str = ""
    """Path below the study's pictures; "" while there is none."""
    position: int = 0
    series_id: int = 0
    frames: int = 0
    """How many frames of a multi-frame object are drawn."""
    frame_count: int = 0
    """How many it has."""
    mark: Mark | None = None
    instance: int = 0
    """The image (its row), where it does not stand for its series but is one view beside others; else 0."""

    @property
    def key(self) -> bool:
        return self.mark is not None and not self.mark.rejected


@dataclass(frozen=True)
class AsOf:
    """Sources (their labels) that have said nothing newer of a study since then, and are not about to."""

    labels: tuple[str, ...]
    at: datetime


@dataclass(frozen=True)
class StudyFacts:
    """One study UID: the source it is fetched from first, then the others that hold it."""

    key: str
    study: Study
    labels: tuple[str, ...]
    fetch: FetchFacts | None
    posters: tuple[Poster, ...] = ()
    viewer: ViewerFacts = field(default_factory=ViewerFacts)
    seen: tuple[tuple[str, datetime], ...] = ()
    """By source, in the order of the labels: when it last spoke of the study."""
    confirmed: bool = False
    """Is it the patient's because staff have said so?"""


@dataclass(frozen=True)
class Card:
    """One study on the patient's page."""

    key: str
    study: Study
    labels: tuple[str, ...]
    posters: tuple[Poster, ...]
    progress: Progress
    opening: Opening
    as_of: AsOf | None = None
    named: bool = False
    """Is it the one that the clinical application meant?"""

    @property
    def live(self) -> bool:
        """Will there be something new to say by itself?"""
        return self.progress.status.live or self.opening.live

    @property
    def milestone(self) -> tuple[str, str]:
        return self.key, milestone(self.progress)


def card_of(study: StudyFacts, bell: bool, now: datetime) -> Card:
    progress = replace(progress_of(study.fetch, bell, now), more=_more(study))
    if progress.status is Status.COMPLETE and progress.more > 0:
        progress = replace(progress, status=Status.GROWN)
    opening = opening_of(study.viewer, study.study, study.fetch, bell, now)
    posters = tuple(sorted(study.posters, key=lambda poster: not poster.key))  # key images before all
    return Card(study.key, study.study, study.labels, posters, progress, opening)


def _more(study: StudyFacts) -> int:
    """How many images more the archive has by now than it listed when we fetched; negative: fewer than came.

    Where only posters were asked for, its newest count is the total anyway.
    """
    counted, fetch = study.study.instance_count, study.fetch
    if fetch is None or fetch.outcome is None or fetch.scope is Scope.POSTERS or not counted:
        return 0
    listed = fetch.kept if fetch.expected is None else fetch.expected
    return max(0, counted - listed) or min(0, counted - fetch.kept)
