"""The patient's page: what every archive answered, and a card for each study. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property

from fetch.model import AnswerKind, Patient, Study
from fetch.reasons import Reason
from preview.page.card import Card, StudyFacts, card_of
from preview.page.opening import Door
from preview.page.status import WATCH_S, Milestones, comes_back, marked, newest_wish, pace
from preview.patience import GIVEN_UP
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
    """Those of them that staff had confirmed, which does not hold any more."""
    unlisted: int = 0
    """Studies that it listed when it was asked, and lists no more."""
    failed_at: datetime | None = None
    """When it could not be asked, if the same question was put to it before in vain."""

    @property
    def by_name(self) -> bool:
        """Was it asked by name and birth date alone? Whatever it said is not all that it may have."""
        return self.reason is Reason.NAME_ONLY


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
    modality: str = ""
    accession: str = ""
    study_uid: str = ""
    """The study that the clinical application opened the patient for, by either; "" for none."""

    @property
    def names_one(self) -> bool:
        return bool(self.accession or self.study_uid)

    def names(self, study: Study) -> bool:
        """Is it the one that the clinical application meant?"""
        by_uid = bool(self.study_uid) and study.study_uid == self.study_uid
        return by_uid or (bool(self.accession) and study.accession == self.accession)


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
    more: int
    """How many of this kind are not on the page yet."""
    total: int
    modalities: tuple[str, ...]
    modality: str
    nothing: Nothing
    lacks_named: bool
    """The study that the clinical application meant was looked for, and is not among those shown."""
    live: bool
    """Will there be something new to say by itself?"""
    pace: int | None
    """Seconds to the next poll; None when nothing more will change: the page is final."""
    milestones: Milestones

    @cached_property
    def mark(self) -> str:
        return marked(self)


MOST = 50
"""So many cards at first: whoever wants more asks for them."""


def describe(facts: PatientFacts, now: datetime, most: int = MOST) -> PatientPage:
    """The patient's page with at most so many cards, from the facts and the clock."""
    asked = _asked(facts, now)
    ordered = sorted(_newest_first(facts.studies), key=lambda s: not facts.names(s.study))
    everything = [
        replace(card_of(study, facts.bell, now), named=facts.names(study.study)) for study in ordered
    ]
    chosen = [card for card in everything if _has(card, facts.modality)]
    shown = tuple(chosen[:most])
    nothing = _nothing(facts, asked, everything, shown)
    live = asked not in (Asked.DONE, Asked.NEVER) or any(card.live for card in everything)
    return PatientPage(
        role=facts.role,
        patient=facts.patient,
        asked=asked,
        ask=facts.ask,
        answers=facts.answers,
        cards=shown,
        more=len(chosen) - len(shown),
        total=len(everything),
        modalities=_modalities(everything),
        modality=facts.modality,
        nothing=nothing,
        lacks_named=facts.names_one and asked is Asked.DONE and not any(c.named for c in everything),
        live=live,
        pace=pace(_last_wish(facts, everything, now), now) if live else _watch(facts),
        milestones=(("answers", f"{asked} {nothing}"), *(card.milestone for card in shown)),
    )


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


def _nothing(facts: PatientFacts, asked: Asked, everything: list[Card], shown: tuple[Card, ...]) -> Nothing:
    if shown:
        return Nothing.SOME
    if asked is not Asked.DONE:
        return Nothing.NOT_YET
    if not facts.answers or any(a.kind not in _SEARCHED for a in facts.answers):
        return Nothing.NOT_ALL_ASKED
    if everything:
        return Nothing.FILTERED
    absent = all(a.kind is AnswerKind.ABSENT and not a.withheld for a in facts.answers)
    return Nothing.NONE if absent else Nothing.WITHHELD


_SEARCHED = (AnswerKind.ABSENT, AnswerKind.FOUND)


def _has(card: Card, modality: str) -> bool:
    return not modality or not card.study.modalities or modality in card.study.modalities


def _modalities(cards: Iterable[Card]) -> tuple[str, ...]:
    counted = Counter(m for card in cards for m in card.study.modalities if m not in _NOT_IMAGES)
    return tuple(name for name, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0])))


_NOT_IMAGES = frozenset({"SR", "PR", "KO", "DOC", "SEG", "REG"})


def _newest_first(studies: Iterable[StudyFacts]) -> list[StudyFacts]:
    """Undated studies come last, under "date unknown"."""
    return sorted(
        studies,
        key=lambda s: (s.study.study_date or date.min, s.study.study_time, s.study.study_uid),
        reverse=True,
    )


def _last_wish(facts: PatientFacts, cards: Iterable[Card], now: datetime) -> datetime | None:
    """When something was last wanted that is not done yet."""
    wish = newest_wish(errand for s in facts.studies for errand in (s.fetch, s.viewer.bring))
    wishes = [wish] if wish else []
    if facts.ask and not facts.ask.finished_at:
        wishes.append(facts.ask.wanted_at)
    if any(card.opening.door is Door.CHECKING for card in cards):
        wishes.append(now)
    return max(wishes, default=None)
