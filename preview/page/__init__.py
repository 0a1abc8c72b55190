"""What a page shows: decided here, from stored facts and the clock, and nowhere else. Pure."""

from preview.page.card import Card, Mark, Poster, StudyFacts
from preview.page.enlarging import Larger, Picture
from preview.page.log import LogLine, told
from preview.page.opening import Door, Opening, ViewerFacts
from preview.page.patient import (
    MOST,
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
    "MOST",
    "AnswerFacts",
    "AskFacts",
    "Asked",
    "Card",
    "Comparison",
    "Door",
    "FetchFacts",
    "Gap",
    "Larger",
    "LogLine",
    "Mark",
    "Nothing",
    "Opening",
    "Other",
    "PatientFacts",
    "PatientPage",
    "Picture",
    "Poster",
    "Progress",
    "Status",
    "Strip",
    "StudyFacts",
    "StudyPage",
    "StudyPageFacts",
    "ViewerFacts",
    "describe",
    "describe_study",
    "marked",
    "progress_of",
    "told",
]
