"""The patient's page: what every archive answered, and a card for each study. Pure."""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from fetch.model import AnswerKind, Patient, Study
from fetch.reasons import Reason
from preview.errands.patience import GIVEN_UP
from preview.once import once
from preview.page.card import AsOf, Card, StudyFacts, card_of
from preview.page.opening import Door
from preview.page.paging import Choice, Meant, slice_of
from preview.page.pairing import NOT_IMAGES
from preview.page.status import (
    WATCH_S,
    HeldUp,
    Milestones,
    Status,
    comes_back,
    marked,
    newest_wish,
    pace,
    progress_of,
)
from preview.records import Role

ASKING_PATIENCE = timedelta(seconds=20)
"""A question that nobody takes up for so long is said to wait for a worker."""


@dataclass(frozen=True)
class AnswerFacts:
    """What one source said, or None for ``kind`` while it has not."""

    source: str
    label: str
    kind: AnswerKind | None
    reason: Reason | None = None
    outside: int = 0
    at: datetime | None = None
    withheld: int = 0
    """Studies there that may be this patient's: their number is shown, nothing else of them."""
    again: int = 0
    """Those of them that staff had confirmed, which does not hold any more because a side has changed."""
    unlisted: int = 0
    """Studies that it listed when it was asked, and lists no more."""
    failed_at: datetime | None = None
    """When it could not be asked, if the same question was put to it before in vain."""
    outside_at: datetime | None = None
    """When it counted those outside the dates, if that was in answer to an earlier question."""
    held_up: HeldUp | None = None
    """It cannot be asked now, whatever it answered before."""

    @property
    def stale(self) -> bool:
        """Is what it answered all that can be known, and may there be more by now?"""
        return self.held_up is not None and self.kind not in (None, AnswerKind.OUTAGE)

    @property
    def outside_as_of(self) -> datetime | None:
        """When those outside the dates were counted, unless that is as new as can be."""
        return self.at if self.stale else self.outside_at

    @property
    def by_name(self) -> bool:
        """Was it asked by name and birth date alone? Whatever it said is not all that it may have."""
        return self.reason is Reason.NAME_ONLY

    @property
    def is_quiet(self) -> bool:
        """May it stand in one line with others? What somebody has to know stands by itself."""
        to_be_told = self.withheld or self.again or self.unlisted or self.failed_at or self.stale
        return not to_be_told and self.kind not in (AnswerKind.OUTAGE, AnswerKind.TRUNCATED)


@dataclass(frozen=True)
class AskFacts:
    start: date | None
    end: date | None
    wanted_at: datetime
    begun_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class PatientFacts:
    """Everything the patient's page is made from."""

    role: Role
    patient: Patient
    ask: AskFacts | None
    answers: tuple[AnswerFacts, ...]
    studies: tuple[StudyFacts, ...]
    bell: bool
    """Can the queue be reached?"""
    choice: Choice = field(default_factory=Choice)
    meant: Meant = field(default_factory=Meant)
    after: Study | None = None
    """The study after which the page begins, be it still shown or not."""


class Asked(StrEnum):
    """Where the question stands."""

    NEVER = "never"
    WAITING = "waiting"
    PAUSED = "paused"
    ASKING = "asking"
    DONE = "done"


class Nothing(StrEnum):
    """Why there are no cards. Only ``NONE`` may read as "no imaging found"."""

    SOME = "some"
    NONE = "none"
    WITHHELD = "withheld"
    NOT_ALL_ASKED = "not-all-asked"
    FILTERED = "filtered"
    NOT_YET = "not-yet"


@dataclass(frozen=True)
class PatientPage:
    """The patient's page, ready for words."""

    role: Role
    patient: Patient
    asked: Asked
    ask: AskFacts | None
    answers: tuple[AnswerFacts, ...]
    cards: tuple[Card, ...]
    first: int
    """Place of the first card among all of this kind, counted from 1."""
    chosen: int
    """How many of this kind there are, on all pages."""
    newer: str | None
    older: str | None
    """What the pages around this one begin after, as an address has it; None where there is none."""
    more: int
    """So many cards of this page come when the reader comes near."""
    total: int
    modalities: tuple[str, ...]
    choice: Choice
    names_one: bool
    """Has the clinical application meant one study?"""
    unfetched: tuple[tuple[str, str, int], ...]
    """Of each source that is fetched from: how many studies on this page nobody has fetched, if several."""
    nothing: Nothing
    lacks_named: bool
    """The study that the clinical application meant was looked for, and is not among those shown."""
    live: bool
    """Will there be something new to say by itself?"""
    pace: int | None
    """Seconds to the next poll; None when nothing more will change: the page is final."""
    milestones: Milestones

    @once
    def mark(self) -> str:
        return marked(self)


def describe(facts: PatientFacts, now: datetime) -> PatientPage:
    """The patient's page, from the facts and the clock."""
    asked = _asked(facts, now)
    studies, meant = facts.studies, facts.meant
    page = slice_of(studies, facts.choice, meant, facts.after)
    told = {answer.source for answer in facts.answers if _has_news(answer, asked)}
    shown = tuple(
        replace(card_of(study, facts.bell, now), named=meant.names(study.study), as_of=_as_of(study, told))
        for study in page.studies
    )
    nothing = _nothing(facts, asked, shown)
    live = asked not in (Asked.DONE, Asked.NEVER) or _is_live(facts, shown, now)
    return PatientPage(
        role=facts.role,
        patient=facts.patient,
        asked=asked,
        ask=facts.ask,
        answers=facts.answers,
        cards=shown,
        first=page.first,
        chosen=page.chosen,
        newer=page.newer,
        older=page.older,
        more=page.more,
        total=len(studies),
        modalities=_modalities(studies),
        choice=facts.choice,
        names_one=bool(meant),
        unfetched=_unfetched(shown),
        nothing=nothing,
        lacks_named=bool(meant) and asked is Asked.DONE and not any(meant.names(s.study) for s in studies),
        live=live,
        pace=pace(_last_wish(facts, shown, now), now) if live else _watch(facts),
        milestones=(("answers", f"{asked} {nothing}"), *(card.milestone for card in shown)),
    )


def _has_news(answer: AnswerFacts, asked: Asked) -> bool:
    """Has it answered, or is its answer on the way? To ask once more is no outage unless it failed before."""
    if answer.held_up is not None or answer.kind is AnswerKind.OUTAGE:
        return False
    return answer.kind is not None or (asked is Asked.ASKING and answer.failed_at is None)


def _as_of(study: StudyFacts, told: Container[str]) -> AsOf | None:
    """Of several sources without news, the oldest word counts."""
    behind = [
        (label, at)
        for label, (source, at) in zip(study.labels, study.seen, strict=False)
        if source not in told
    ]
    if not behind:
        return None
    return AsOf(tuple(label for label, _ in behind), min(at for _, at in behind))


def _is_live(facts: PatientFacts, shown: Sequence[Card], now: datetime) -> bool:
    """Does anything go on by itself, also with studies of other pages?"""
    if any(card.live for card in shown):
        return True
    errands = (errand for s in facts.studies for errand in (s.fetch, s.viewer.bring))
    under_way = (errand for errand in errands if errand is not None and errand.outcome is None)
    return any(progress_of(errand, facts.bell, now).status.live for errand in under_way)


def _unfetched(cards: Iterable[Card]) -> tuple[tuple[str, str, int], ...]:
    """Source, its label, and how many; one alone has its own button."""
    counted = Counter(
        (card.study.source, card.labels[0]) for card in cards if card.progress.status is Status.NOT_FETCHED
    )
    return tuple((*source, many) for source, many in counted.items() if many > 1)


def _watch(facts: PatientFacts) -> int | None:
    """Staff may decide, or take back, what this page rests on, and an archive may be well again."""
    decidable = any(answer.withheld for answer in facts.answers) or any(s.confirmed for s in facts.studies)
    unanswered = any(answer.kind is AnswerKind.OUTAGE for answer in facts.answers)
    goes_on = any(comes_back(study.fetch) for study in facts.studies)
    return WATCH_S if decidable or unanswered or goes_on else None


def _asked(facts: PatientFacts, now: datetime) -> Asked:
    ask = facts.ask
    if ask is None:
        return Asked.NEVER
    if ask.finished_at:
        return Asked.DONE
    if ask.begun_at and now - ask.begun_at <= GIVEN_UP:
        return Asked.ASKING
    if not facts.bell:
        return Asked.PAUSED
    return Asked.WAITING if now - ask.wanted_at > ASKING_PATIENCE else Asked.ASKING


def _nothing(facts: PatientFacts, asked: Asked, shown: tuple[Card, ...]) -> Nothing:
    if shown:
        return Nothing.SOME
    if asked is not Asked.DONE:
        return Nothing.NOT_YET
    if not facts.answers or any(a.kind not in _SEARCHED or a.stale for a in facts.answers):
        return Nothing.NOT_ALL_ASKED
    if facts.studies:
        return Nothing.FILTERED
    absent = all(a.kind is AnswerKind.ABSENT and not a.withheld for a in facts.answers)
    return Nothing.NONE if absent else Nothing.WITHHELD


_SEARCHED = (AnswerKind.ABSENT, AnswerKind.FOUND)


def _modalities(studies: Iterable[StudyFacts]) -> tuple[str, ...]:
    counted = Counter(m for one in studies for m in one.study.modalities if m not in NOT_IMAGES)
    return tuple(name for name, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _last_wish(facts: PatientFacts, cards: Iterable[Card], now: datetime) -> datetime | None:
    """When something was last wanted that is not done yet."""
    wish = newest_wish(errand for s in facts.studies for errand in (s.fetch, s.viewer.bring))
    wishes = [wish] if wish else []
    if facts.ask and not facts.ask.finished_at:
        wishes.append(facts.ask.wanted_at)
    if any(card.opening.door is Door.CHECKING for card in cards):
        wishes.append(now)
    return max(wishes, default=None)
