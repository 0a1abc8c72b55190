"""What a page shows: decided here, from stored facts and the clock, and nowhere else. Pure."""

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
from preview.page.study import Picture, Strip, StudyPage, StudyPageFacts, describe_study

__all__ = [
    "AnswerFacts",
    "AskFacts",
    "Asked",
    "Card",
    "FetchFacts",
    "Nothing",
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
    "describe",
    "describe_study",
    "marked",
    "progress_of",
]
