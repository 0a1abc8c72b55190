"""The order in which slices are shown, and which of them stands for all: of any series there may be."""

import random

import pytest

from preview.pictures.order import in_order, standing
from preview.pictures.place import Place

AXIAL, CORONAL, SAGITTAL = (0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)


def axial(*heights):
    return [Place(float(height), AXIAL) for height in heights]


def poster(places, details=None):
    return standing(places, details or [50.0] * len(places))


# The order


def test_slices_come_in_the_order_in_which_they_lie():
    assert in_order(axial(30, 10, 40, 20, 50)) == [1, 3, 0, 2, 4]


def test_the_end_with_the_lowest_numbers_comes_first():
    assert in_order(axial(50, 40, 20, 30, 10)) == [0, 1, 3, 2, 4]


def test_the_order_of_numbers_stays_where_it_is_that_of_the_places():
    for heights in (range(0, 500, 5), range(500, 0, -5)):
        assert in_order(axial(*heights)) == list(range(100))


@pytest.mark.parametrize(
    "places",
    [
        [None] * 4,
        [Place(30.0, AXIAL), None, Place(10.0, AXIAL), Place(20.0, AXIAL)],
        [Place(30.0, AXIAL), Place(10.0, CORONAL), Place(20.0, AXIAL)],
        [],
    ],
)
def test_by_number_where_a_place_is_missing_or_not_all_face_alike(places):
    assert in_order(places) == list(range(len(places)))


def test_a_stack_taken_several_times_comes_one_time_after_the_other():
    assert in_order(axial(0, 10, 20, 0, 10, 20)) == [0, 1, 2, 3, 4, 5]
    assert in_order(axial(0, 0, 10, 10, 20, 20)) == [0, 2, 4, 1, 3, 5]


@pytest.mark.parametrize("missing", range(18))
@pytest.mark.parametrize("heights", [[0, 10, 20, 30, 40, 50], [50, 40, 30, 20, 10, 0]])
def test_a_missing_slice_does_not_mix_the_times_of_a_stack(heights, missing):
    heights = heights * 3
    del heights[missing]
    assert in_order(axial(*heights)) == list(range(17))


def test_a_few_slices_taken_again_are_no_stack_of_their_own():
    assert in_order(axial(0, 10, 20, 30, 40, 10, 20)) == [0, 1, 5, 2, 6, 3, 4]


def test_an_image_that_is_there_twice_stands_beside_itself():
    assert in_order(axial(20, 0, 10, 0)) == [0, 2, 1, 3]


def test_small_differences_are_none():
    places = [Place(height + random.Random(height).uniform(-0.001, 0.001), AXIAL) for height in (0, 10, 20)]
    tilted = [Place(10.0 * i, (0.0, 0.0004 * (i % 2), 0.9999999)) for i in (2, 0, 1)]
    assert in_order(places + places) == [0, 1, 2, 3, 4, 5]
    assert in_order(tilted) == [0, 2, 1]


# The poster


def test_the_poster_is_in_the_middle_of_the_places_whatever_the_numbers():
    assert poster(axial(20, 0, 40, 10, 30)) == 0
    assert poster(axial(*range(100))) == 50
    assert poster(axial(*range(100, 0, -1))) == 50


def test_without_places_it_is_the_middle_of_the_numbers():
    assert poster([None] * 5) == 2
    assert poster([None] * 4) == 2
    assert poster([None]) == 0
    assert poster(axial(7)) == 0


def test_a_localizer_among_the_slices_is_not_the_poster():
    places = [Place(0.0, CORONAL), Place(1.0, SAGITTAL), *axial(5, 1, 4, 2, 3)]
    assert poster(places) == 6


def test_of_three_views_that_face_three_ways_it_is_the_middle_one():
    assert poster([Place(9.0, AXIAL), Place(5.0, CORONAL), Place(1.0, SAGITTAL)]) == 1


def test_one_slice_without_a_place_changes_nothing():
    assert poster([None, *axial(50, 10, 30, 20, 40)]) == 3


def test_of_a_stack_taken_several_times_it_is_a_middle_slice_of_a_middle_time():
    assert poster(axial(*[0, 10, 20] * 3)) == 4
    assert poster(axial(*[10] * 5)) == 2


def test_it_is_not_an_empty_one_while_another_has_something_to_see():
    assert poster(axial(20, 0, 40, 10, 30), [0.0, 50.0, 50.0, 50.0, 50.0]) == 3
    assert poster(axial(1, 2, 3), [0.0, 0.0, 0.0]) == 1
    assert poster(axial(1, 2, 3), [0.0, 0.0, 9.0]) == 2
    assert poster([None, None, None], [50.0, 0.0, 50.0]) in (0, 2)


def test_views_from_all_around_do_not_take_long():
    around = [Place(0.0, (i / 5000, 1.0, 0.0)) for i in range(5000)]
    assert in_order(around) == list(range(5000))
    assert poster(around) == 2500
