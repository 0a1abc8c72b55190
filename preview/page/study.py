"""The study page: the series, the chosen picture and its neighbours. Pure."""

from dataclasses import dataclass
from datetime import datetime

from fetch.model import Patient
from preview.page.patient import Card, StudyFacts, card_of
from preview.page.status import Milestones, marked, pace
from preview.records import Role


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


@dataclass(frozen=True)
class Strip:
    """One series with everything of it that is drawn."""

    series_id: int
    number: int | None
    modality: str
    description: str
    expected: int | None
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class StudyPageFacts:
    """Everything the study page is made from."""

    role: Role
    patient: Patient
    study: StudyFacts
    strips: tuple[Strip, ...]
    bell: bool
    series_id: int | None = None
    instance: int | None = None
    frame: int = 1


@dataclass(frozen=True)
class StudyPage:
    """The study page, ready for words."""

    role: Role
    patient: Patient
    card: Card
    strips: tuple[Strip, ...]
    chosen: Strip | None
    picture: Picture | None
    before: Picture | None
    after: Picture | None
    pace: int | None
    milestones: Milestones

    @property
    def mark(self) -> str:
        return marked(self)


def describe_study(facts: StudyPageFacts, now: datetime) -> StudyPage:
    """The study page: the chosen series and image, or the poster of the first series that has one."""
    card = card_of(facts.study, facts.bell, now)
    chosen = _chosen(facts)
    index = _index(chosen, facts)
    pictures = chosen.pictures if chosen else ()
    fetch = facts.study.fetch
    return StudyPage(
        role=facts.role,
        patient=facts.patient,
        card=card,
        strips=facts.strips,
        chosen=chosen,
        picture=pictures[index] if pictures else None,
        before=pictures[index - 1] if index > 0 else None,
        after=pictures[index + 1] if index + 1 < len(pictures) else None,
        pace=pace(fetch.wanted_at, now) if fetch and card.progress.status.live else None,
        milestones=(card.milestone,),
    )


def _chosen(facts: StudyPageFacts) -> Strip | None:
    named = [strip for strip in facts.strips if strip.series_id == facts.series_id]
    filled = [strip for strip in facts.strips if strip.pictures]
    return next(iter(named or filled or facts.strips), None)


def _index(strip: Strip | None, facts: StudyPageFacts) -> int:
    if strip is None or not strip.pictures:
        return 0
    for index, picture in enumerate(strip.pictures):
        if (picture.instance, picture.frame) == (facts.instance, facts.frame):
            return index
    return len(strip.pictures) // 2
