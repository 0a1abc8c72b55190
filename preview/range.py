"""The date ranges that a page offers, and the one that its address names."""

from datetime import date, timedelta
from enum import Enum

from werkzeug.datastructures import MultiDict

Span = tuple[date | None, date | None]


class Preset(Enum):
    """How many days back, today included; None is without an end."""

    TODAY = ("today", 0)
    WEEK = ("7d", 7)
    MONTH = ("30d", 30)
    YEAR = ("1y", 365)
    ALL = ("all", None)

    def __init__(self, code: str, days: int | None) -> None:
        self.code = code
        self.days = days

    def span(self, today: date) -> Span:
        return (None, None) if self.days is None else (today - timedelta(days=self.days), today)


class WrongRange(ValueError):
    """What was typed is no range of dates."""


def named_span(values: "MultiDict[str, str]") -> Span | None:
    """The range in ``from`` and ``to`` (ISO dates, either may be empty), or None where neither is given."""
    if "from" not in values and "to" not in values:
        return None
    start, end = _day(values.get("from", "")), _day(values.get("to", ""))
    if start and end and start > end:
        raise WrongRange("from is after to")
    return start, end


def wanted_span(values: "MultiDict[str, str]", today: date) -> Span:
    """The range that a form asks for: a preset's button, or the two dates."""
    for preset in Preset:
        if values.get("preset") == preset.code:
            return preset.span(today)
    return named_span(values) or Preset.YEAR.span(today)


def query_of(span: Span) -> dict[str, str]:
    """The range as an address has it."""
    start, end = span
    return {"from": start.isoformat() if start else "", "to": end.isoformat() if end else ""}


def _day(written: str) -> date | None:
    if not written.strip():
        return None
    try:
        return date.fromisoformat(written.strip())
    except ValueError:
        raise WrongRange(written[:20]) from None
