"""What the handlers of C-STORE do with an object of 100 MB: take it, and never read what is in it."""

import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pydicom
import pytest
from peers import of, source
from pydicom import filereader
from pydicom.uid import CTImageStorage
from support.pushing import push
from support.studies import study

from fetch.model import Local, Share, Timeouts
from fetch.sources import get, pushing
from fetch.sources.receiver import Receiver
from fetch.spool import Spool
from preview.demo.archive import Archive

LOCAL = Local("PREVIEW", 0)
PATIENT = Timeouts(connect=5, association=30, message=60, network=60)
MOST_READ = 64 * 2**10
"""Bytes: the head of a file, up to the UID of the study."""
MOST_SECONDS = 0.3
"""Of processor time; to read the whole of it takes longer, to decode it far longer."""


@dataclass
class Cost:
    """What one call of a handler read from files, took of the processor, and had pydicom parse."""

    read: int = 0
    seconds: float = 0.0
    groups: set[int] = field(default_factory=set)


class Spy:
    """Measures every call of the handlers that it is set on, in whatever thread they are called."""

    def __init__(self, monkeypatch) -> None:
        self.costs: list[Cost] = []
        self._patch = monkeypatch
        self._here = threading.local()
        usual = filereader.data_element_generator

        def generator(*args, **more):
            for element in usual(*args, **more):
                cost = getattr(self._here, "cost", None)
                if cost is not None:
                    cost.groups.add(element.tag.group)
                yield element

        monkeypatch.setattr(filereader, "data_element_generator", generator)

    def on(self, owner, name: str) -> None:
        usual = getattr(owner, name)

        def measured(*args, **more):
            cost = self._here.cost = Cost(-_read_by_this_thread(), -time.thread_time())
            try:
                return usual(*args, **more)
            finally:
                cost.read += _read_by_this_thread()
                cost.seconds += time.thread_time()
                self._here.cost = None
                self.costs.append(cost)

        self._patch.setattr(owner, name, measured)


def _read_by_this_thread() -> int:
    facts = dict(line.split(": ") for line in Path("/proc/thread-self/io").read_text().splitlines())
    return int(facts["rchar"])


@pytest.fixture
def spy(monkeypatch):
    return Spy(monkeypatch)


@pytest.fixture(scope="module")
def large():
    """One image whose pixel data have 100 MB."""
    (ds,) = study(study_uid="1.1", images=1)
    ds.Rows, ds.Columns, ds.PixelData = 5120, 10_240, bytes(5120 * 10_240 * 2)
    return ds


def only(costs) -> Cost:
    (cost,) = costs
    return cost


def test_what_comes_by_c_get_is_not_read(spy, large, tmp_path):
    spy.on(get, "_store")
    came = []
    with (
        Archive("MAIN", datasets=[large]).start() as archive,
        get.carrying(
            replace(of(archive), timeouts=PATIENT),
            LOCAL,
            [CTImageStorage],
            came.append,
            lambda _: None,
            tmp_path,
        ) as bring,
    ):
        bring(Share("1.1"))
    cost = only(spy.costs)
    assert came[0].file.stat().st_size > 100 * 10**6
    assert (cost.groups, cost.read < MOST_READ, cost.seconds < MOST_SECONDS) == (set(), True, True), cost


def test_what_is_pushed_to_the_receiver_is_not_read_beyond_whose_it_is(spy, large, tmp_path):
    spy.on(pushing.Pushing, "_store")
    spool = Spool(tmp_path / "spool", reserve=0)
    with Receiver(LOCAL, [source(4242)], spool, lambda _source, _study: True).start() as receiver:
        assert push(receiver.port, large) == [0x0000]
    cost = only(spy.costs)
    assert [one.file.stat().st_size > 100 * 10**6 for one in spool.waiting("1.1", set())] == [True]
    assert (cost.groups, cost.read < MOST_READ, cost.seconds < MOST_SECONDS) == (set(), True, True), cost


def test_a_handler_that_reads_everything_would_be_noticed(spy, large, tmp_path):
    large.save_as(file := tmp_path / "large.dcm", enforce_file_format=True)
    reading = type("Reading", (), {"store": staticmethod(lambda: pydicom.dcmread(file))})
    spy.on(reading, "store")
    reading.store()
    cost = only(spy.costs)
    assert 0x7FE0 in cost.groups
    assert cost.read > 100 * 10**6
