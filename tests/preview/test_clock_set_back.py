"""A clock that was an hour ahead and is right again keeps nobody waiting for that hour."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update
from support.studies import OKAFOR

from fetch.model import Study
from fetch.records import LineRow
from preview.errands import wanting
from preview.errands.asking import note_study
from preview.errands.claim import SILENT, Claim
from preview.errands.patience import rest
from preview.health import recovery
from preview.matching import rejudging
from preview.matching.records import ToJudgeRow
from preview.queue import reconciling
from preview.queue.bell import RING_AGAIN
from preview.records import AskRow, FetchRow

HOUR = timedelta(hours=1)
ROUND = timedelta(seconds=reconciling.EVERY_S)


@pytest.fixture
def wish(site):
    """Want a study; the id of its fetch."""

    def made(uid: str = "1.2.3") -> str:
        with site.parts.records.write() as session:
            row = note_study(session, Study("main", uid, OKAFOR), site.parts.now)
        return wanting.want(site.parts, row)

    return made


def change(site, fetch_id, **values) -> None:
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).where(FetchRow.id == fetch_id).values(**values))


def rests(site, fetch_id, tries: int, ahead: timedelta = HOUR, chance: float = 0.5) -> timedelta:
    """It has failed for now, by a clock that was so far ahead; how long it was to rest."""
    failed = site.parts.now + ahead
    delay = rest(tries, chance)
    begun = failed - timedelta(seconds=3)
    noted = {"begun_at": begun, "seconds": 3.0, "rung_at": begun, "next_try_at": failed + delay}
    change(site, fetch_id, attempt=1, tries=tries, **noted)
    return delay


def next_try(site, fetch_id):
    with site.parts.records.read() as session:
        return session.get_one(FetchRow, fetch_id).next_try_at


@pytest.mark.parametrize("tries", [1, 3, 6])
@pytest.mark.parametrize("ahead", [HOUR, timedelta(minutes=5), timedelta(days=400)])
def test_the_next_try_comes_no_later_than_it_was_to_come(site, wish, tries, ahead):
    fetch_id = wish()
    delay = rests(site, fetch_id, tries, ahead)
    reconciling.ring_for_everything(site.parts)
    assert next_try(site, fetch_id) <= site.parts.now + delay
    later = next_try(site, fetch_id)
    reconciling.ring_for_everything(site.parts)
    assert next_try(site, fetch_id) == later, "once is enough"


def test_what_was_woken_while_the_clock_was_ahead_does_not_wait_for_that_time(site, wish):
    fetch_id = wish()
    rests(site, fetch_id, 2, ahead=-timedelta(seconds=20))
    change(site, fetch_id, next_try_at=site.parts.now + HOUR)
    reconciling.ring_for_everything(site.parts)
    assert next_try(site, fetch_id) <= site.parts.now


def test_a_rest_by_a_clock_that_is_right_is_left_alone(site, wish):
    fetch_id = wish()
    rests(site, fetch_id, 6, ahead=timedelta(0))
    before = next_try(site, fetch_id)
    reconciling.ring_for_everything(site.parts)
    assert next_try(site, fetch_id) == before


def test_many_are_not_tried_all_at_once(site, wish):
    wishes = [wish(f"1.2.{number}") for number in range(40)]
    for fetch_id in wishes:
        rests(site, fetch_id, 6)
    reconciling.ring_for_everything(site.parts)
    with site.parts.records.read() as session:
        first, last = session.execute(
            select(func.min(FetchRow.next_try_at), func.max(FetchRow.next_try_at))
        ).one()
    assert timedelta(seconds=20) < last - first <= timedelta(seconds=30)


def test_a_worker_that_died_while_the_clock_was_ahead_does_not_live_until_then(site, wish):
    fetch_id = wish()
    dead = site.parts.now + HOUR
    change(site, fetch_id, attempt=1, begun_at=dead, beat_at=dead, rung_at=dead)
    reconciling.ring_for_everything(site.parts)
    soon = site.parts.now + SILENT + RING_AGAIN + ROUND
    assert Claim.take(site.parts.records, fetch_id, soon) is not None


def test_what_began_by_that_clock_begins_now(site, wish):
    fetch_id = wish()
    ahead = site.parts.now + HOUR
    change(site, fetch_id, attempt=1, wanted_at=ahead, begun_at=ahead, moved_at=ahead, beat_at=site.parts.now)
    reconciling.ring_for_everything(site.parts)
    with site.parts.records.read() as session:
        row = session.get_one(FetchRow, fetch_id)
        assert max(row.wanted_at, row.begun_at, row.moved_at) <= site.parts.now


def test_a_new_question_is_newer_than_one_of_that_clock(site, client):
    client.get(site.launch(OKAFOR))
    ahead = site.parts.now + HOUR
    with site.parts.records.write() as session:
        session.execute(update(AskRow).values(wanted_at=ahead, begun_at=ahead, finished_at=ahead))
    reconciling.ring_for_everything(site.parts)
    with site.parts.records.read() as session:
        assert session.scalars(select(AskRow.wanted_at)).one() <= site.parts.now


def test_who_is_to_be_judged_again_is_judged_once(site):
    with site.parts.records.write() as session:
        session.add(ToJudgeRow(issuer="HOSP", patient_id="1", since=site.parts.now + HOUR))
    reconciling.ring_for_everything(site.parts)
    rejudging.judge_waiting(site.parts, 1)
    with site.parts.records.read() as session:
        assert not session.scalars(select(ToJudgeRow)).all()


def test_what_has_begun_meanwhile_is_not_put_to_rest_again(site, wish):
    fetch_id = wish()
    rests(site, fetch_id, 6)
    Claim.take(site.parts.records, fetch_id, site.parts.now + timedelta(days=2))
    with site.parts.records.write() as session:
        recovery.wake_these(session, [fetch_id], 1, site.parts.now)
    assert next_try(site, fetch_id) is None


def test_a_question_and_a_wish_that_nobody_heard_are_rung_for_soon(site, client, wish):
    fetch_id = wish()
    client.get(site.launch(OKAFOR))
    ahead = site.parts.now + HOUR
    change(site, fetch_id, rung_at=ahead)
    with site.parts.records.write() as session:
        session.execute(update(AskRow).values(rung_at=ahead))
    reconciling.ring_for_everything(site.parts)
    with site.parts.records.read() as session:
        rung = [*session.scalars(select(AskRow.rung_at)), session.get_one(FetchRow, fetch_id).rung_at]
    assert max(rung) <= site.parts.now


def test_an_association_that_a_dead_process_held_by_that_clock_is_free_soon(site):
    until = site.parts.now + HOUR
    with site.parts.records.write() as session:
        session.execute(insert(LineRow).values(source="main", slot=0, holder="h", party="p", until=until))
    reconciling.ring_for_everything(site.parts)
    with site.parts.records.read() as session:
        assert session.scalar(select(LineRow.until)) <= site.parts.now + timedelta(seconds=30)
