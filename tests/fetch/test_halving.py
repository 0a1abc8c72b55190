"""Asking in parts: every day is covered exactly once, or said to be capped, whatever the archive holds."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetch.halving import MOST_QUESTIONS, Parts, Span, in_parts

TODAY = date(2026, 11, 24)
DAY = timedelta(days=1)
QUIET = settings(deadline=None, database=None)
DAYS = st.dates(date(1850, 1, 1), date(2060, 1, 1))


@st.composite
def spans(draw):
    first, last = draw(st.none() | DAYS), draw(st.none() | DAYS)
    if first and last and first > last:
        first, last = last, first
    return Span(first, last)


class Shelf:
    """Studies by their days, of which a question brings ``cap`` at most."""

    def __init__(self, days, cap):
        self.days, self.cap, self.asked = days, cap, []

    def held(self, span):
        return [d for d in self.days if (span.first or d) <= d <= (span.last or d)]

    def are_capped(self, asked):
        self.asked += asked
        return [len(self.held(span)) >= self.cap for span in asked]


def chain(parts):
    return sorted(parts.below + parts.capped, key=lambda span: span.first or date.min)


@QUIET
@given(spans(), st.lists(DAYS, max_size=60), st.integers(1, 20), st.integers(0, 80))
def test_every_day_is_covered_exactly_once_and_what_is_not_capped_is_complete(whole, days, cap, most):
    shelf = Shelf(days, cap)
    parts = in_parts(whole, shelf.are_capped, TODAY, most)
    links = chain(parts)
    assert (links[0].first, links[-1].last) == (whole.first, whole.last)
    assert all(one.last + DAY == next_.first for one, next_ in pairwise(links))
    assert all(len(shelf.held(span)) < cap for span in parts.below)
    assert len(shelf.asked) <= most
    found = [day for span in links for day in shelf.held(span)]
    assert sorted(found) == sorted(shelf.held(whole))


@QUIET
@given(spans(), st.lists(DAYS, max_size=60), st.integers(1, 20))
def test_with_questions_enough_only_single_days_and_what_lies_beyond_all_dates_stay_capped(whole, days, cap):
    parts = in_parts(whole, Shelf(days, cap).are_capped, TODAY, most=10_000)
    assert all(span.halves(TODAY) is None for span in parts.capped)
    assert all(span.first is None or span.last is None or span.first == span.last for span in parts.capped)


@QUIET
@given(spans())
def test_a_span_that_is_halved_is_written_as_the_standard_has_it(whole):
    for span in whole.halves(TODAY) or ():
        first, hyphen, last = span.written().partition("-")
        assert hyphen
        assert first or last
        assert all(len(end) in (0, 8) for end in (first, last))


def test_all_dates_are_written_as_nothing():
    assert Span().written() == ""
    assert Span(date(2026, 11, 1)).written() == "20261101-"
    assert Span(None, date(2026, 11, 1)).written() == "-20261101"


@pytest.mark.parametrize("day", [date(2026, 11, 1), date(1, 1, 1), date(9999, 12, 31)])
def test_a_single_day_has_no_halves(day):
    assert Span(day, day).halves(TODAY) is None
    shelf = Shelf([day] * 9, 3)
    assert in_parts(Span(day, day), shelf.are_capped, TODAY) == Parts((), (Span(day, day),))
    assert shelf.asked == []


def test_a_patient_of_many_years_needs_few_questions():
    days = [date(2006, 1, 1) + DAY * 10 * n for n in range(700)]
    shelf = Shelf(days, 200)
    parts = in_parts(Span(), shelf.are_capped, TODAY)
    assert not parts.capped
    assert len(shelf.asked) < MOST_QUESTIONS / 2


def test_the_questions_have_an_end_where_there_is_too_much_for_them():
    shelf = Shelf([date(2000, 1, 1) + DAY * n for n in range(9_800)], 10)
    parts = in_parts(Span(), shelf.are_capped, TODAY)
    assert len(shelf.asked) <= MOST_QUESTIONS
    assert parts.capped
