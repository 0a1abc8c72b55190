"""The study page: the series, the chosen picture and its neighbours. Pure."""

from dataclasses import dataclass
from datetime import date, datetime

from fetch.model import Patient, Study
from preview.page.opening import Door, Opening, ViewerFacts
from preview.page.patient import Card, StudyFacts, card_of
from preview.page.status import Milestones, marked, pace
from preview.records import Role
from preview.viewer import Holding


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


@dataclass(frozen=True)
class Other:
    """Another study of the patient, to compare this one with."""

    study: Study
    viewer: ViewerFacts


@dataclass(frozen=True)
class Comparison:
    """This study beside another one: the later is current, the earlier its prior."""

    other: Study
    current_uid: str
    prior_uid: str
    series_uid: str
    """A series of this study, at which the viewer opens."""


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
    return StudyPage(
        role=facts.role,
        patient=facts.patient,
        card=card,
        strips=facts.strips,
        chosen=chosen,
        picture=pictures[index] if pictures else None,
        before=pictures[index - 1] if index > 0 else None,
        after=pictures[index + 1] if index + 1 < len(pictures) else None,
        comparisons=_comparisons(facts, card.opening),
        pace=pace(_last_wish(facts, card, now), now) if card.live else None,
        milestones=(card.milestone,),
    )


def _last_wish(facts: StudyPageFacts, card: Card, now: datetime) -> datetime | None:
    errands = (facts.study.fetch, facts.study.viewer.bring)
    wishes = [errand.wanted_at for errand in errands if errand and not errand.finished_at]
    return now if card.opening.door is Door.CHECKING else max(wishes, default=None)


def _comparisons(facts: StudyPageFacts, opening: Opening) -> tuple[Comparison, ...]:
    """With every other study that the viewer has in the same place; one that it lacks would open nothing."""
    study = facts.study.study
    series = next((strip.series_uid for strip in facts.strips if strip.pictures), "")
    if not opening.door.leads or not series:
        return ()
    there = [other for other in facts.others if _is_there(other.viewer)]
    together = [other.study for other in there if other.viewer.data_source == opening.data_source]
    return tuple(_comparison(study, other, series) for other in together)


def _comparison(study: Study, other: Study, series_uid: str) -> Comparison:
    later, earlier = sorted((study, other), key=_when, reverse=True)
    return Comparison(other, later.study_uid, earlier.study_uid, series_uid)


def _when(study: Study) -> tuple[date, str]:
    return study.study_date or date.min, study.study_time


def _is_there(viewer: ViewerFacts) -> bool:
    return viewer.exists and viewer.held.holding is not Holding.ABSENT


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
