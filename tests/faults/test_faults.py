"""The fault suite in short: the likeliest faults, and two random sequences; `make faults` does it all."""

import time

import pytest

from faults import sequences
from faults.clinic import Clinic
from faults.faults import EVERY
from faults.table import named


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "name",
    [
        "archive: no longer there",
        "line: reset after 20 kB",
        "kill -9: everything",
        "Redis: killed, nothing kept",
        "database: locked, or PostgreSQL stopped",
    ],
)
def test_what_was_wanted_while_this_broke_is_complete_in_the_end(tmp_path, name):
    with Clinic(tmp_path / "clinic", studies=4).open() as clinic:
        clinic.want()
        clinic.when_drawn(2)
        with named(name).breaks(clinic):
            time.sleep(named(name).lasts)
        result = clinic.result(300)
    assert (result.complete, result.lost, result.doubled) == (4, 0, 0)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [4, 5])
def test_a_random_sequence_loses_nothing(seed):
    played = sequences.play(seed)
    assert (played.result.lost, played.result.doubled) == (0, 0)


def test_a_sequence_is_the_same_for_the_same_seed():
    assert sequences.planned(7) == sequences.planned(7)
    assert sequences.planned(7) != sequences.planned(8)


def test_no_two_faults_have_one_name():
    assert len({fault.name for fault in EVERY}) == len(EVERY)
