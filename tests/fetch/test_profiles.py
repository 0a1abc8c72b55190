"""What a source turned out to do is kept, and is learned anew when it may no longer hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from peers import LOCAL, source

from fetch.model import Tls, Way, Web
from fetch.profiles import FAILURE_LASTS, MOST_CONTEXTS, Profile, Profiles, may_send, settings_mark, ways
from fetch.reasons import Reason
from fetch.records import Base, ProfileRow, Records, open_database

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MAIN = source(104, host="pacs.example")
BOTH = replace(MAIN, web=Web("https://pacs.example/dicom-web"))
WEB = replace(BOTH, protocol="dicomweb", host="", port=0, aet="")
NOT_SUPPORTED = {"c-get": Reason.NOT_SUPPORTED.code}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def records(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/records.db")
    Base.metadata.create_all(engine, [ProfileRow.__table__])
    yield Records(engine)
    engine.dispose()


@pytest.fixture
def profiles(records, clock):
    return Profiles(records, LOCAL, clock)


# --- the ways to try


def test_the_way_that_is_set_is_the_only_one():
    failing = Profile(get=True, move=False)
    assert ways(replace(BOTH, retrieve=Way.MOVE), failing, receiver=False) == (Way.MOVE,)


def test_of_an_unknown_source_every_way_is_tried_in_our_preference():
    assert ways(BOTH, Profile(), receiver=True) == (Way.GET, Way.WADO, Way.MOVE)


def test_nothing_is_moved_without_a_receiver():
    assert ways(BOTH, Profile(move=True), receiver=False) == (Way.GET, Way.WADO)


def test_who_is_asked_over_tls_sends_to_our_receiver_only_over_tls():
    secret, ours = replace(MAIN, tls=Tls()), replace(LOCAL, tls=Tls())
    assert not may_send(secret, LOCAL)
    assert may_send(secret, ours)
    assert may_send(MAIN, LOCAL)
    assert may_send(MAIN, ours)
    assert not may_send(WEB, ours)
    assert not may_send(replace(MAIN, retrieve=Way.GET), LOCAL)


def test_no_web_is_asked_where_none_is_set():
    assert ways(MAIN, Profile(wado=True), receiver=True) == (Way.GET, Way.MOVE)


def test_a_web_archive_is_asked_over_the_web_only():
    for profile in (Profile(), Profile(get=True, move=True), Profile(wado=False)):
        assert ways(WEB, profile, receiver=True) == (Way.WADO,)


def test_what_is_known_to_work_comes_first():
    assert ways(BOTH, Profile(move=True), receiver=True) == (Way.MOVE, Way.GET, Way.WADO)
    assert ways(BOTH, Profile(move=True, wado=True), receiver=True) == (Way.WADO, Way.MOVE, Way.GET)


def test_what_is_known_to_fail_is_left_out():
    assert ways(BOTH, Profile(get=False), receiver=True) == (Way.WADO, Way.MOVE)
    assert ways(BOTH, Profile(get=False, move=True), receiver=True) == (Way.MOVE, Way.WADO)


def test_when_everything_failed_everything_is_tried_again():
    nothing = Profile(get=False, move=False, wado=False)
    assert ways(BOTH, nothing, receiver=True) == (Way.GET, Way.WADO, Way.MOVE)
    assert ways(MAIN, Profile(get=False, wado=True), receiver=False) == (Way.GET,)


# --- the settings it depends on


def test_a_mark_changes_with_every_setting_that_a_profile_depends_on():
    marks = [
        settings_mark(MAIN, LOCAL),
        *(
            settings_mark(replace(MAIN, **change), LOCAL)
            for change in (
                {"host": "other.example"},
                {"port": 105},
                {"aet": "OTHER"},
                {"protocol": "dicomweb"},
                {"tls": Tls()},
                {"web": Web("https://pacs.example/dicom-web")},
                {"web": Web("https://pacs.example/other")},
                {"web": Web("https://pacs.example/dicom-web", auth_file=Path("token"))},
            )
        ),
        *(
            settings_mark(MAIN, replace(LOCAL, **change))
            for change in (
                {"aet": "OTHER"},
                {"host": "here.example"},
                {"port": 11113},
                {"listen": "0.0.0.0"},
                {"tls": Tls()},
            )
        ),
    ]
    assert len(set(marks)) == len(marks)


def test_a_mark_does_not_change_with_what_a_profile_does_not_depend_on():
    other = replace(MAIN, label="Another name", associations=7, trusted=False, retrieve=Way.GET)
    assert settings_mark(other, LOCAL) == settings_mark(MAIN, LOCAL)


def test_a_mark_tells_nothing_and_fits_its_column():
    mark = settings_mark(replace(BOTH, tls=Tls(key=Path("secret.key"))), LOCAL)
    assert len(mark) == ProfileRow.__table__.c.settings.type.length
    assert set(mark) <= set("0123456789abcdef")


# --- what is kept


def test_of_a_source_that_was_never_asked_nothing_is_known(profiles):
    assert profiles.of(MAIN) == Profile()


def test_what_was_learned_is_kept(profiles):
    learned = Profile(
        get=False,
        move=True,
        image_lists=True,
        series_level=False,
        contexts=("1.2/1.2.840.10008.1.2",),
        why=NOT_SUPPORTED,
    )
    profiles.learn(MAIN, learned, NOW)
    assert profiles.of(MAIN) == replace(learned, learned_at=NOW)


def test_what_is_learned_later_is_added(profiles, clock):
    profiles.learn(MAIN, Profile(get=True, contexts=("a/1",)), NOW)
    clock.now += timedelta(minutes=1)
    profiles.learn(MAIN, Profile(image_lists=False, contexts=("b/1", "a/1")), clock.now)
    assert profiles.of(MAIN) == Profile(
        get=True, image_lists=False, contexts=("b/1", "a/1"), learned_at=clock.now
    )


def test_a_way_that_works_again_has_no_reason_any_more(profiles):
    profiles.learn(MAIN, Profile(get=False, why=NOT_SUPPORTED), NOW)
    profiles.learn(MAIN, Profile(get=True), NOW)
    assert profiles.of(MAIN) == Profile(get=True, learned_at=NOW)


def test_not_more_contexts_are_kept_than_have_room(profiles):
    profiles.learn(MAIN, Profile(contexts=tuple(f"old/{n}" for n in range(MOST_CONTEXTS))), NOW)
    profiles.learn(MAIN, Profile(contexts=("new/1", "new/2")), NOW)
    kept = profiles.of(MAIN).contexts
    assert len(kept) == MOST_CONTEXTS
    assert kept[:3] == ("new/1", "new/2", "old/0")


def test_every_source_has_a_profile_of_its_own(profiles):
    profiles.learn(MAIN, Profile(get=True), NOW)
    assert profiles.of(source(104, "other")) == Profile()


def test_under_other_settings_nothing_is_known(profiles, records, clock):
    profiles.learn(MAIN, Profile(get=False, why=NOT_SUPPORTED), NOW)
    assert profiles.of(replace(MAIN, port=105)) == Profile()
    assert Profiles(records, replace(LOCAL, aet="OTHER"), clock).of(MAIN) == Profile()


def test_what_is_learned_under_other_settings_replaces_what_was_known(profiles):
    profiles.learn(MAIN, Profile(get=False, why=NOT_SUPPORTED, contexts=("a/1",)), NOW)
    moved = replace(MAIN, port=105)
    profiles.learn(moved, Profile(move=True), NOW)
    assert profiles.of(moved) == Profile(move=True, learned_at=NOW)
    assert profiles.of(MAIN) == Profile()


def test_a_profile_can_be_forgotten_by_hand(profiles):
    other = source(104, "other")
    profiles.learn(MAIN, Profile(get=False), NOW)
    profiles.learn(other, Profile(get=True), NOW)
    profiles.forget("main")
    assert profiles.of(MAIN) == Profile()
    assert profiles.of(other).get is True


# --- failures grow old


def test_a_failure_is_unknown_again_after_a_day(profiles, clock):
    profiles.learn(MAIN, Profile(get=False, move=True, image_lists=False, why=NOT_SUPPORTED), NOW)
    clock.now = NOW + FAILURE_LASTS
    assert profiles.of(MAIN).get is False
    clock.now += timedelta(seconds=1)
    assert profiles.of(MAIN) == Profile(move=True, learned_at=NOW)


def test_a_failure_grows_old_although_other_things_are_learned(profiles, clock):
    profiles.learn(MAIN, Profile(get=False, why=NOT_SUPPORTED), NOW)
    for hour in range(1, 26):
        clock.now = NOW + timedelta(hours=hour)
        profiles.learn(MAIN, replace(profiles.of(MAIN), move=True), clock.now)
    assert profiles.of(MAIN) == Profile(move=True, learned_at=clock.now)


def test_a_failure_that_is_seen_again_a_day_later_lasts_another_day(profiles, clock):
    profiles.learn(MAIN, Profile(get=False), NOW)
    clock.now += timedelta(hours=25)
    profiles.learn(MAIN, Profile(get=False), clock.now)
    clock.now += timedelta(hours=23)
    assert profiles.of(MAIN).get is False
    clock.now += timedelta(hours=2)
    assert profiles.of(MAIN).get is None
