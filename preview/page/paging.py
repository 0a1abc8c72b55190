"""Which of a patient's studies one page shows: as many as fit, newest first, after a given one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fetch.model import Study
from preview.page.card import StudyFacts

PAGE = 50
"""So many cards a page has at most."""
AT_FIRST = 15
"""So many of them come with it, below 100 kB with all their posters; the rest when the reader comes near."""


@dataclass(frozen=True)
class Choice:
    """What the address of the patient's page chooses of all that was found."""

    modality: str = ""
    only_named: bool = False
    """Only the study that the clinical application meant?"""
    after: str = ""
    """The key of the study after which the page begins; "" for the newest."""
    whole: bool = False
    """Every card of the page, not only those that come with it at first?"""


@dataclass(frozen=True)
class Meant:
    """The study that the clinical application opened the patient for, by either; "" for none."""

    accession: str = ""
    study_uid: str = ""

    def __bool__(self) -> bool:
        return bool(self.accession or self.study_uid)

    def names(self, study: Study) -> bool:
        by_uid = bool(self.study_uid) and study.study_uid == self.study_uid
        return by_uid or (bool(self.accession) and study.accession == self.accession)


@dataclass(frozen=True)
class Slice:
    """The studies of one page, and what lies around it."""

    studies: tuple[StudyFacts, ...]
    first: int
    """Place of the first one among all that are chosen, counted from 1."""
    chosen: int
    """How many there are on all pages."""
    newer: str | None
    """What the page before this one begins after, "" if it is the first; None where this is the first."""
    older: str | None
    """What the next page begins after; None where this is the last, or where this one is not shown whole."""
    more: int
    """So many more belong to this page."""


def slice_of(
    studies: Sequence[StudyFacts], choice: Choice, meant: Meant, after: Study | None = None
) -> Slice:
    """The page that begins after this study, be that one still shown or not: what comes meanwhile moves none.

    The one that was meant stands before all others, undated ones after them.
    """

    def place(study: Study) -> tuple[bool, date, str, str]:
        return meant.names(study), study.study_date or date.min, study.study_time, study.study_uid

    ordered = sorted(studies, key=lambda one: place(one.study), reverse=True)
    chosen = [one for one in ordered if _is_chosen(one.study, choice, meant)]
    start = 0
    if after is not None:
        start = sum(place(one.study) >= place(after) for one in chosen)
        start = min(start, max(0, len(chosen) - 1))  # if all after it is gone, rather the last than none
    whole = min(start + PAGE, len(chosen))
    end = whole if choice.whole else min(start + AT_FIRST, whole)
    before = max(0, start - PAGE)
    return Slice(
        studies=tuple(chosen[start:end]),
        first=start + 1,
        chosen=len(chosen),
        newer=(chosen[before - 1].key if before else "") if start else None,
        older=chosen[end - 1].key if end == whole < len(chosen) else None,
        more=whole - end,
    )


def _is_chosen(study: Study, choice: Choice, meant: Meant) -> bool:
    if choice.only_named and not meant.names(study):
        return False
    return not choice.modality or not study.modalities or choice.modality in study.modalities
