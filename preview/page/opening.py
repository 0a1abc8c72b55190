"""How a study opens in the viewer, said before anybody clicks. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from fetch.model import Study
from preview.errands.patience import BRINGS_WITHIN
from preview.page.status import FetchFacts, Progress, Status, progress_of
from preview.viewer.links import NOT_CHECKED, Held, Holding, is_uid


class Door(StrEnum):
    """Where the viewer stands with one study; each has its own sentence and its own next step."""

    NO_VIEWER = "no-viewer"
    NOT_CHECKED = "not-checked"
    CHECKING = "checking"
    OPEN = "open"
    PART = "part"
    """The viewer has fewer images than the source: it opens, and says so."""
    ABSENT = "absent"
    DOWN = "down"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    OTHER_PATIENT = "other-patient"
    """What the viewer has under this study UID is somebody else's."""
    NO_LINK = "no-link"
    """Its UID is none that a link may carry."""

    @property
    def leads(self) -> bool:
        """May the link be offered? A missing study would open on a page that says it does not exist."""
        return self not in (Door.NO_VIEWER, Door.ABSENT, Door.OTHER_PATIENT, Door.NO_LINK)


@dataclass(frozen=True)
class ViewerFacts:
    """What is known of one study at the viewer."""

    held: Held = NOT_CHECKED
    data_source: str = ""
    """The viewer's name for where it finds the study."""
    exists: bool = True
    """Is there a viewer at all?"""
    reachable_by_move: bool = False
    """Is it known how a source can send it there?"""
    bring: FetchFacts | None = None


@dataclass(frozen=True)
class Opening:
    """The way to the viewer, ready for words."""

    door: Door
    data_source: str
    held: int | None = None
    expected: int | None = None
    can_bring: bool = False
    progress: Progress | None = None
    """Where bringing it to the viewer stands, if anybody wanted that."""
    ends_at: datetime | None = field(default=None, repr=False)
    """When bringing it ends, if the archive stays as quiet as it is."""
    at: datetime | None = field(default=None, repr=False)
    """When the viewer was found not to answer."""

    @property
    def live(self) -> bool:
        """Will there be something new to say by itself?"""
        return self.door is Door.CHECKING or (self.progress is not None and self.progress.status.live)

    @property
    def brought(self) -> bool:
        return self.progress is not None and self.progress.status is Status.COMPLETE


def opening_of(
    facts: ViewerFacts, study: Study, fetch: FetchFacts | None, bell: bool, now: datetime
) -> Opening:
    """How this study opens, and whether it may be brought: not while some of its images are another's."""
    counts = (study.instance_count, fetch.expected if fetch else None)
    expected = max((n for n in counts if n is not None), default=None)
    door = door_of(facts, study, expected)
    progress = progress_of(facts.bring, bell, now) if facts.bring else None
    under_way = progress is not None and progress.status.live
    lacks = door in (Door.ABSENT, Door.PART)
    return Opening(
        door=door,
        data_source=facts.data_source,
        held=facts.held.instances,
        expected=expected,
        can_bring=lacks and facts.reachable_by_move and not under_way and not (fetch and fetch.withheld),
        progress=progress if lacks or under_way else None,
        ends_at=_ends_at(progress),
        at=facts.held.at if door is Door.DOWN else None,
    )


def _ends_at(progress: Progress | None) -> datetime | None:
    """Known while nothing comes. Who waits for a line has not asked the archive yet."""
    if progress is None or progress.fetch is None or not progress.quiet or progress.fetch.reason:
        return None
    moments = (progress.fetch.moved_at, progress.fetch.begun_at)
    last = max((moment for moment in moments if moment), default=None)
    return last and last + BRINGS_WITHIN


def door_of(facts: ViewerFacts, study: Study, expected: int | None) -> Door:
    """What the viewer has of this study; ``expected``: how many images it ought to have, None if unknown."""
    if not facts.exists:
        return Door.NO_VIEWER
    if not is_uid(study.study_uid):
        return Door.NO_LINK
    held = facts.held
    if held.holding is not Holding.HELD:
        return Door(held.holding.value)
    if held.entry is not None and held.entry.is_other_than(study.patient):
        return Door.OTHER_PATIENT
    short = held.instances is not None and expected is not None and held.instances < expected
    return Door.PART if short else Door.OPEN
