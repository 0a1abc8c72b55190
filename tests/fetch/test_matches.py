"""How many images a series has, where the list and the count of the archive do not agree."""

import pytest

from fetch.sources.matches import expected


@pytest.mark.parametrize(
    ("listed", "counted", "whole", "count"),
    [
        (12, 12, True, 12),
        (12, 14, True, 14),
        (12, 10, True, 12),
        (12, None, True, 12),
        (0, 5, True, 5),
        (0, 0, True, 0),
        (0, None, True, None),
        (12, 14, False, 14),  # cut short, and the count says where it would end
        (12, 12, False, None),
        (12, 10, False, None),
        (12, None, False, None),
        (0, 5, False, 5),
        (0, None, False, None),
    ],
)
def test_the_larger_is_expected_unless_a_list_that_was_cut_short_is_no_shorter(listed, counted, whole, count):
    assert expected(listed, counted, whole=whole) == count


@pytest.mark.parametrize("protocol", ["dimse", "qido"])
def test_whatever_the_protocol_it_is_judged_in_one_place(protocol):
    module = __import__(f"fetch.sources.{protocol}", fromlist=["expected"])
    assert module.expected is expected
    assert not hasattr(module, "_expected")
