"""What a question about studies, series or images brought, whichever protocol it was asked in."""

from dataclasses import dataclass

from pydicom.dataset import Dataset

from fetch.reasons import Reason


@dataclass(frozen=True)
class Matches:
    """The answers to one question. ``shortened`` says why there may be more, or is None."""

    identifiers: tuple[Dataset, ...]
    shortened: Reason | None = None
    detail: str = ""
    broken_off: bool = False
    """By a status of failure, or for want of time."""


def expected(listed: int, counted: int | None, *, whole: bool) -> int | None:
    """How many images a series has, by its list and the archive's count; None where neither can be believed.

    The larger of the two: a list that was cut short (not ``whole``) must not make the study look complete.
    """
    if not whole and listed >= (counted or 1):
        return None
    return max(listed, counted or 0) if listed or counted is not None else None
