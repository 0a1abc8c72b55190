"""What a page shows: decided here, from stored facts and the clock, and nowhere else. Pure."""

from preview.page.card import Card, Mark, Poster, StudyFacts, card_of
from preview.page.enlarging import Larger, Picture
from preview.page.log import LogLine, told
from preview.page.opening import Door, Opening, ViewerFacts
from preview.page.paging import Choice, Meant, Slice, slice_of
from preview.page.pairing import Pair, Pairing, pair_of
from preview.page.patient import (
    AnswerFacts,
    Asked,
    AskFacts,
    Nothing,
    PatientFacts,
    PatientPage,
    describe,
)
from preview.page.status import FetchFacts, Gap, Progress, Status, marked, progress_of
from preview.page.study import Comparison, Other, Strip, StudyPage, StudyPageFacts, describe_study

__all__ = [
    "AnswerFacts",
    "AskFacts",
    "Asked",
    "Card",
    "Choice",
    "Comparison",
    "Door",
    "FetchFacts",
    "Gap",
    "Larger",
    "LogLine",
    "Mark",
    "Meant",
    "Nothing",
    "Opening",
    "Other",
    "Pair",
    "Pairing",
    "PatientFacts",
    "PatientPage",
    "Picture",
    "Poster",
    "Progress",
    "Slice",
    "Status",
    "Strip",
    "StudyFacts",
    "StudyPage",
    "StudyPageFacts",
    "ViewerFacts",
    "card_of",
    "describe",
    "describe_study",
    "marked",
    "pair_of",
    "progress_of",
    "slice_of",
    "told",
]
