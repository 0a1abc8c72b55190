"""When a page polls next: few at the pace that they are told, many a little more seldom."""

import pytest

from preview.routes.pacing import Pacing


def seconds(written: str) -> float:
    assert written.endswith("s")
    return float(written[:-1])


def test_one_page_polls_at_its_pace_give_or_take_a_little():
    paces = [seconds(Pacing().spread(2)) for _ in range(50)]
    assert all(pace == pytest.approx(2, rel=0.16) for pace in paces)
    assert len(set(paces)) > 10


def test_of_many_each_comes_more_seldom_but_still_comes():
    pacing = Pacing()
    paces = [seconds(pacing.spread(1)) for _ in range(2000)]
    assert max(paces[:20]) < 1.2
    assert min(paces[100:120]) > 2
    assert max(paces) < 6


def test_after_a_second_without_a_crowd_it_is_as_before(monkeypatch):
    pacing, now = Pacing(), [100.0]
    monkeypatch.setattr("preview.routes.pacing.time.monotonic", lambda: now[0])
    for _ in range(200):
        pacing.spread(1)
    now[0] += 1.5
    assert seconds(pacing.spread(1)) < 1.2


def test_what_waits_long_anyway_waits_no_shorter():
    pacing = Pacing()
    assert min(seconds(pacing.spread(20)) for _ in range(500)) > 16
