"""The fault suite in short: the likeliest faults over each other, and a sequence; `make faults` has all."""

import pytest

from faults import sequences
from faults.clinic import Clinic
from faults.faults import EVERY
from faults.sequences import PATIENCE_S, Planned
from faults.table import named

TOGETHER = (
    ("line: reset after 20 kB", 0.0, 1.0),
    ("kill -9: everything", 1.0, 1.0),
    ("Redis: killed, nothing kept", 1.5, 2.0),
    ("archive: no longer there", 2.5, 3.0),
    ("database: locked, or PostgreSQL stopped", 4.0, 4.0),
)
"""By their names: when each begins and how long it lasts, in seconds."""


@pytest.mark.timeout(400)
def test_what_was_wanted_while_everything_broke_is_complete_in_the_end(tmp_path):
    plan = [Planned(named(name), begins, lasts) for name, begins, lasts in TOGETHER]
    with Clinic(tmp_path / "clinic", studies=3).open() as clinic:
        clinic.want()
        clinic.when_drawn(2)
        sequences.happen(clinic, plan)
        result = clinic.result(PATIENCE_S)
    assert (result.complete, result.lost, result.doubled) == (3, 0, 0)


@pytest.mark.timeout(400)
def test_a_random_sequence_loses_nothing():
    """On PostgreSQL, which is stopped, and with Redis, which is killed."""
    played = sequences.play(5, studies=4, images=3)
    assert (played.result.lost, played.result.doubled) == (0, 0)


def test_a_sequence_is_the_same_for_the_same_seed():
    assert sequences.planned(7) == sequences.planned(7)
    assert sequences.planned(7) != sequences.planned(8)


def test_no_two_faults_have_one_name():
    assert len({fault.name for fault in EVERY}) == len(EVERY)
