"""The study page: the series, the chosen picture and its neighbours. Pure."""

from dataclasses import dataclass
from datetime import date, datetime

from fetch.model import Patient, Study
from fetch.reasons import Reason
from preview.once import once
from preview.page.anatomy import parts_of_body
from preview.page.card import Card, StudyFacts, card_of
from preview.page.enlarging import Larger, Picture, larger_of
from preview.page.opening import Door, Opening, ViewerFacts, door_of
from preview.page.status import WATCH_S, FetchFacts, Milestones, comes_back, marked, newest_wish, pace
from preview.records import Role


@dataclass(frozen=True)
class Strip:
    """One series with everything of it that is drawn."""

    series_id: int
    number: int | None
    modality: str
    description: str
    expected: int | None
    pictures: tuple[Picture, ...]
    series_uid: str = ""
    poster: Picture | None = None
    """The one of them that stands for the series."""

    @property
    def keys(self) -> tuple[Picture, ...]:
        """Its key images."""
        return tuple(picture for picture in self.pictures if picture.key)


@dataclass(frozen=True)
class Other:
    """Another study of the patient, to compare this one with."""

    study: Study
    viewer: ViewerFacts
    key: str = ""


@dataclass(frozen=True)
class Prior:
    """Another study of the patient, to look at."""

    key: str
    study: Study
    same_part: bool
    """Is it about the same part of the body, as far as both descriptions say?"""


@dataclass(frozen=True)
class Comparison:
    """This study beside another one: the later is current, the earlier its prior."""

    other: Study
    current_uid: str
    prior_uid: str
    series_uid: str
    """A series of this study, at which the viewer opens."""
    held: int | None = None
    """How many images of the other study the viewer has, where that is not all of it."""


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
    others: tuple[Other, ...] = ()
    enlarging: FetchFacts | None = None
    """The newest errand that brought larger pictures of this study, or is to."""


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
    comparisons: tuple[Comparison, ...]
    priors: tuple[Prior, ...]
    """Those of the same part of the body first, each newest first."""
    keys: int
    """How many key images the study has."""
    larger: Larger
    """Where the larger picture of what is looked at stands."""
    larger_reason: Reason | None
    """Why it could not be brought."""
    live: bool
    pace: int | None
    milestones: Milestones

    @once
    def mark(self) -> str:
        return marked(self)


def describe_study(facts: StudyPageFacts, now: datetime) -> StudyPage:
    """The study page: the chosen series and image, else the first key image, else the first poster."""
    card = card_of(facts.study, facts.bell, now)
    chosen = _chosen(facts)
    index = _index(chosen, facts)
    pictures = chosen.pictures if chosen else ()
    picture = pictures[index] if pictures else None
    larger = larger_of(picture, pictures, facts.enlarging, card.progress, bell=facts.bell, now=now)
    live = card.live or larger.live or _checking(facts, card)
    failed = facts.enlarging if larger is Larger.FAILED else None
    return StudyPage(
        role=facts.role,
        patient=facts.patient,
        card=card,
        strips=facts.strips,
        chosen=chosen,
        picture=picture,
        before=pictures[index - 1] if index > 0 else None,
        after=pictures[index + 1] if index + 1 < len(pictures) else None,
        comparisons=_comparisons(facts, card.opening),
        priors=_priors(facts),
        keys=sum(len(strip.keys) for strip in facts.strips),
        larger=larger,
        larger_reason=failed.reason if failed else None,
        live=live,
        pace=pace(_last_wish(facts, card, larger, now), now) if live else _watch(facts),
        milestones=(card.milestone,),
    )


def _watch(facts: StudyPageFacts) -> int | None:
    """Staff may take back what they said while it is open, and an archive may take our requests again."""
    return WATCH_S if facts.study.confirmed or comes_back(facts.study.fetch) else None


def _last_wish(facts: StudyPageFacts, card: Card, larger: Larger, now: datetime) -> datetime | None:
    enlarging = facts.enlarging if larger.live else None
    wish = newest_wish((facts.study.fetch, facts.study.viewer.bring, enlarging))
    return now if _checking(facts, card) else wish


def _checking(facts: StudyPageFacts, card: Card) -> bool:
    """Is the viewer still being asked, about this study or one to compare it with?"""
    return Door.CHECKING in (card.opening.door, *map(_door, facts.others))


def _priors(facts: StudyPageFacts) -> tuple[Prior, ...]:
    described = parts_of_body(facts.study.study.description)
    ours = described or parts_of_body(" ".join(strip.description for strip in facts.strips))
    priors = (
        Prior(other.key, other.study, bool(ours & parts_of_body(other.study.description)))
        for other in facts.others
    )
    return tuple(sorted(priors, key=lambda prior: not prior.same_part))


def _comparisons(facts: StudyPageFacts, opening: Opening) -> tuple[Comparison, ...]:
    """With every other study that the viewer has in the same place; one that it lacks would open nothing."""
    series = next((strip.series_uid for strip in facts.strips if strip.pictures), "")
    if not opening.door.leads or not series:
        return ()
    together = [other for other in facts.others if other.viewer.data_source == opening.data_source]
    there = [other for other in together if _door(other).leads and _door(other) is not Door.CHECKING]
    return tuple(_comparison(facts.study.study, other, series) for other in there)


def _door(other: Other) -> Door:
    return door_of(other.viewer, other.study, other.study.instance_count)


def _comparison(study: Study, other: Other, series_uid: str) -> Comparison:
    later, earlier = sorted((study, other.study), key=_when, reverse=True)
    held = other.viewer.held.instances if _door(other) is Door.PART else None
    return Comparison(other.study, later.study_uid, earlier.study_uid, series_uid, held)


def _when(study: Study) -> tuple[date, str]:
    return study.study_date or date.min, study.study_time


def _chosen(facts: StudyPageFacts) -> Strip | None:
    named = [strip for strip in facts.strips if strip.series_id == facts.series_id]
    key = [strip for strip in facts.strips if strip.keys]
    filled = [strip for strip in facts.strips if strip.pictures]
    return next(iter(named or key or filled or facts.strips), None)


def _index(strip: Strip | None, facts: StudyPageFacts) -> int:
    if strip is None or not strip.pictures:
        return 0
    for index, picture in enumerate(strip.pictures):
        if (picture.instance, picture.frame) == (facts.instance, facts.frame):
            return index
    first = next(iter(strip.keys), strip.poster)
    return strip.pictures.index(first) if first else len(strip.pictures) // 2
