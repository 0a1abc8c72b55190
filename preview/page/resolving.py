"""What staff see of one doubtful study: its pictures, and what they, or somebody else, can do now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from preview.matching.records import Verdict
from preview.page.card import Poster
from preview.page.status import (
    WATCH_S,
    FetchFacts,
    Milestones,
    Progress,
    marked,
    newest_wish,
    pace,
    progress_of,
)


class Stage(StrEnum):
    """What is there to be done about one row of the list."""

    OPEN = "open"
    """Somebody has to decide."""
    PROPOSED = "proposed"
    """It was decided, and waits for a second person."""
    DECIDED = "decided"
    """Staff have decided; that can be undone."""
    SETTLED = "settled"
    """It is off the list without them: the facts, or a decision on another study, have settled it."""


class Settled(StrEnum):
    """What has taken a row off the list that nobody decided about."""

    FACTS = "facts"
    SAME = "same"
    """A decision on another study: it is this patient's."""
    OTHER = "other"
    """A decision on another study: it is not."""
    UNKNOWN = "unknown"


def stage_of(*, waits: bool, proposed: bool, standing: bool) -> Stage:
    """``waits``: it is on the list. ``standing``: a decision of staff holds."""
    if proposed:
        return Stage.PROPOSED
    if waits:
        return Stage.OPEN
    return Stage.DECIDED if standing else Stage.SETTLED


@dataclass(frozen=True)
class Meanwhile:
    """What was decided while the page was open."""

    decision: int
    at: datetime
    person: str
    """"" for the rules themselves."""
    verdict: Verdict


@dataclass(frozen=True)
class LookFacts:
    """What the moving part of the page is made from."""

    waits: bool
    """Is it on the list? Only then its pictures are shown."""
    unlisted: bool
    """Does its archive not list it any more?"""
    fetch: FetchFacts | None
    posters: tuple[Poster, ...]
    bell: bool
    meanwhile: Meanwhile | None = None


@dataclass(frozen=True)
class Look:
    """The moving part of the page, ready for words."""

    waits: bool
    unlisted: bool
    progress: Progress
    posters: tuple[Poster, ...]
    withheld: int
    """So many images came that name somebody else than the archive does."""
    meanwhile: Meanwhile | None
    live: bool
    """Are pictures on their way?"""
    pace: int | None
    """Seconds to the next poll: somebody else may decide at any time."""
    milestones: Milestones = field(default=())

    @property
    def mark(self) -> str:
        return marked(self)

    @property
    def again(self) -> bool:
        """Have the pictures been tried for, and may be tried for again?"""
        fetch = self.progress.fetch
        return self.waits and not self.unlisted and not self.live and fetch is not None and not self.pictured

    @property
    def pictured(self) -> bool:
        return any(poster.picture for poster in self.posters)


def describe_look(facts: LookFacts, now: datetime, *, still: bool = False) -> Look:
    """``still``: the page is the answer to a form; if it asked for itself anew, that answer would be gone."""
    progress = progress_of(facts.fetch, facts.bell, now)
    live = facts.waits and progress.status.live and not still
    said = (("meanwhile", str(facts.meanwhile.decision)),) if facts.meanwhile else ()
    asked = pace(newest_wish([facts.fetch]), now) if live else WATCH_S
    return Look(
        waits=facts.waits,
        unlisted=facts.unlisted,
        progress=progress,
        posters=facts.posters if facts.waits else (),
        withheld=facts.fetch.withheld if facts.fetch else 0,
        meanwhile=facts.meanwhile,
        live=live,
        pace=None if still else asked,
        milestones=said,
    )


def choices(stage: Stage, *, asked: bool, other: bool, of_part: bool = False) -> Sequence[Verdict]:
    """What may be said of the two sides, in the order of the page; none of it is more likely than another.

    ``asked``: the study was found for somebody. ``other``: it is compared with somebody else than that.
    ``of_part``: it is about images inside a study, which are its patient's or nobody's whom a page shows.
    """
    if of_part and (other or stage is not Stage.OPEN):
        return ()
    if stage not in (Stage.OPEN, Stage.SETTLED):
        return ()
    if other:
        return (Verdict.SAME,)
    if not asked:
        return (Verdict.UNSURE, Verdict.NOBODY)
    return (Verdict.SAME, Verdict.OTHER, Verdict.UNSURE, Verdict.NOBODY)
