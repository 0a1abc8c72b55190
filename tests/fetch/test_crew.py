"""The carriers of a way: what one of them loses, the others bring."""

import threading
from contextlib import contextmanager

import pytest
from peers import source

from fetch.allowance import LocalAllowance
from fetch.conveyor import MOST_WAITING, Conveyor
from fetch.crew import Crew, Desk
from fetch.model import Instance, Plan, Received, Reported, Series, Way
from fetch.notes import Note, noted
from fetch.plan import Planner
from fetch.reasons import Reason

IMAGES = tuple(Instance("1.2.1", f"1.2.1.{number}", "1.2.840.10008.5.1.4.1.1.2") for number in range(80))


@pytest.fixture
def desk():
    planner = Planner("1.2")
    planner.series_listed(Series("1.2.1", 1, "CT", "", IMAGES, len(IMAGES)))
    planner.list_over(Plan((), len(IMAGES)))
    noted_down = []

    def deliver(received, share):
        with made.turn:
            planner.arrive(received.instance_uid, share)

    made = Desk(source(0, associations=2), planner, LocalAllowance(), "test", deliver, noted_down.append)
    made.noted_down = noted_down
    return made


def run(crew):
    """Not for longer than a test may take."""
    thread = threading.Thread(target=crew.run, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_a_carrier_had_in_hand_when_it_failed_for_a_fault_of_ours_is_brought_by_the_others(desk):
    faults, both = iter([True]), threading.Barrier(2, timeout=5)

    @contextmanager
    def opened(_classes, deliver, _opened):
        both.wait()

        def bring(share):
            if next(faults, False):
                raise TypeError("a fault of ours")
            for instance in share.instances:
                deliver(Received(instance.sop_class, instance.instance_uid, "", b"-"))
            return Reported(len(share.instances), 0)

        yield bring

    run(Crew(desk, Way.GET, opened, 2, share=8, others=False))
    assert desk.planner.arrived == {image.instance_uid for image in IMAGES}
    assert (Note.LINE_LOST, Reason.UNEXPECTED.code) in [(n.note, n.facts["reason"]) for n in desk.noted_down]


def test_a_note_never_waits_for_room():
    conveyor = Conveyor()
    for number in range(MOST_WAITING):
        assert conveyor.put(Received("", f"1.{number}", "", b"-"))
    noting = threading.Thread(target=conveyor.put, args=(noted(Note.CANCELLED),), daemon=True)
    noting.start()
    noting.join(2)
    assert not noting.is_alive()


def test_notes_without_end_do_not_fill_the_memory():
    conveyor = Conveyor()
    assert not all(conveyor.put(noted(Note.CANCELLED)) for _ in range(5000))


def test_every_carrier_gets_its_turn_however_different_in_size_what_they_bring_is():
    conveyor = Conveyor(most=3, most_bytes=10)
    sizes = [[1] * 200, [9] * 50, [25] * 20, [4, 6] * 60]
    carriers = [threading.Thread(target=_bring, args=(conveyor, some), daemon=True) for some in sizes]
    for carrier in carriers:
        carrier.start()
    taken = [conveyor.take(10) for _ in range(sum(map(len, sizes)))]
    assert sorted(event.size for event in taken) == sorted(size for some in sizes for size in some)
    for carrier in carriers:
        carrier.join(10)
        assert not carrier.is_alive()


def _bring(conveyor, sizes):
    for size in sizes:
        assert conveyor.put(Received("1.2", "1.2.3", "1.2.840.10008.1.2", bytes(size)))
