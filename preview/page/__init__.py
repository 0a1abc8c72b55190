"""What a page shows: decided here, from stored facts and the clock, and nowhere else. Pure."""

from preview.page.opening import Door, Opening, ViewerFacts
from preview.page.patient import (
    AnswerFacts,
    Asked,
    AskFacts,
    Card,
    Nothing,
    PatientFacts,
    PatientPage,
    Poster,
    StudyFacts,
    describe,
)
from preview.page.status import FetchFacts, Progress, Status, marked, progress_of
from preview.page.study import Comparison, Other, Picture, Strip, StudyPage, StudyPageFacts, describe_study

__all__ = [
    "AnswerFacts",
    "AskFacts",
    "Asked",
    "Card",
    "Comparison",
    "Door",
    "FetchFacts",
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
]
