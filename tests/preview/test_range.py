"""The date ranges that a page offers, and the one that its address names."""

from datetime import date

import pytest
from werkzeug.datastructures import MultiDict

from preview.range import Preset, WrongRange, named_span, query_of, wanted_span

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("code", "span"),
    [
        ("today", (TODAY, TODAY)),
        ("7d", (date(2026, 11, 15), TODAY)),
        ("30d", (date(2026, 10, 23), TODAY)),
        ("1y", (date(2025, 11, 22), TODAY)),
        ("all", (None, None)),
    ],
)
def test_a_preset_ends_today(code, span):
    assert wanted_span(MultiDict({"preset": code}), TODAY) == span


def test_every_preset_has_its_button():
    assert [preset.code for preset in Preset] == ["today", "7d", "30d", "1y", "all"]


def test_a_preset_is_stronger_than_dates():
    assert wanted_span(MultiDict({"preset": "today", "from": "2020-01-01"}), TODAY) == (TODAY, TODAY)


@pytest.mark.parametrize(
    ("values", "span"),
    [
        ({}, None),
        ({"modality": "CT"}, None),
        ({"from": "", "to": ""}, (None, None)),
        ({"from": "2026-11-01"}, (date(2026, 11, 1), None)),
        ({"to": " 2026-11-01 "}, (None, date(2026, 11, 1))),
        ({"from": "2026-11-01", "to": "2026-11-01"}, (date(2026, 11, 1), date(2026, 11, 1))),
    ],
)
def test_either_end_may_be_open(values, span):
    assert named_span(MultiDict(values)) == span


@pytest.mark.parametrize("values", [{}, {"preset": "bogus"}])
def test_without_a_range_it_is_the_last_year(values):
    assert wanted_span(MultiDict(values), TODAY) == Preset.YEAR.span(TODAY)


@pytest.mark.parametrize(
    "values",
    [
        {"from": "2026-11-02", "to": "2026-11-01"},
        {"from": "22.11.2026"},
        {"to": "2026-02-30"},
        {"to": "<script>"},
        {"from": "x" * 10_000},
    ],
)
def test_what_is_no_range_is_refused(values):
    with pytest.raises(WrongRange):
        named_span(MultiDict(values))


@pytest.mark.parametrize("span", [(None, None), (TODAY, None), (None, TODAY), (TODAY, TODAY)])
def test_an_address_names_the_range_that_it_was_made_from(span):
    assert named_span(MultiDict(query_of(span))) == span
