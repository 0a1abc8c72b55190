"""What a page shows, as a pure function of facts and the clock."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product

import pytest
from support.studies import OKAFOR

from fetch.model import AnswerKind, Study
from fetch.notes import Note
from fetch.reasons import Reason, Trouble
from preview.errands.claim import SILENT
from preview.page import (
    AnswerFacts,
    Asked,
    AskFacts,
    Choice,
    FetchFacts,
    Gap,
    Larger,
    LogLine,
    Meant,
    Nothing,
    PatientFacts,
    Picture,
    Poster,
    Status,
    Strip,
    StudyFacts,
    StudyPageFacts,
    describe,
    describe_study,
    progress_of,
    told,
)
from preview.page.status import Canceller, HeldUp, comes_back
from preview.records import Outcome, Role, Scope

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
LONG = timedelta(days=3)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def asked(**more) -> AskFacts:
    done = {"start": None, "end": None, "wanted_at": ago(9), "begun_at": ago(8), "finished_at": ago(7)}
    return AskFacts(**(done | more))


def answer(kind=AnswerKind.FOUND, source="main", **more) -> AnswerFacts:
    return AnswerFacts(source, source.title(), kind, at=ago(7), **more)


def fetching(**more) -> FetchFacts:
    running = {
        "wanted_at": ago(5),
        "begun_at": ago(4),
        "beat_at": ago(0),
        "finished_at": None,
        "outcome": None,
        "reason": None,
        "reference": "F-8Q2K",
        "expected": 480,
        "arrived": 120,
        "withheld": 0,
    }
    return FetchFacts(**(running | more))


def ended(outcome=Outcome.COMPLETE, reason=None, **more) -> FetchFacts:
    return fetching(outcome=outcome, reason=reason, finished_at=ago(1), **more)


WAITING = fetching(begun_at=None, beat_at=None, arrived=0, expected=None)
SILENCED = fetching(beat_at=NOW - SILENT - timedelta(seconds=1))
RESTING = fetching(beat_at=None, reason=Reason.NO_ANSWER, next_try_at=NOW + timedelta(seconds=60), tries=1)


def posters(fetch: FetchFacts, **more) -> FetchFacts:
    """The same, of a fetch that nobody clicked for."""
    return replace(fetch, scope=Scope.POSTERS, **more)


def one(fetch=None, uid="1.2.3", day=date(2026, 11, 1), **more) -> StudyFacts:
    study = Study("main", uid, OKAFOR, study_date=day, modalities=("CT",))
    return StudyFacts(f"key-{uid}", replace(study, **more), ("Main",), fetch)


def facts(*studies: StudyFacts, **more) -> PatientFacts:
    usual = {"ask": asked(), "answers": (answer(),), "bell": True}
    return PatientFacts(role=Role.REFERRER, patient=OKAFOR, studies=studies, **(usual | more))


def said(*studies: StudyFacts, **more):
    return describe(facts(*studies, **more), NOW)


EVERY_STATUS = [
    (None, True, Status.NOT_FETCHED),
    (WAITING, True, Status.WAITING),
    (WAITING, False, Status.PAUSED),
    (replace(WAITING, wanted_at=ago(46), attended=False), True, Status.UNATTENDED),
    (replace(WAITING, wanted_at=ago(46)), True, Status.WAITING),
    (replace(WAITING, wanted_at=ago(44), attended=False), True, Status.WAITING),
    (fetching(), True, Status.RUNNING),
    (fetching(), False, Status.RUNNING),
    (SILENCED, True, Status.STALLED),
    (SILENCED, False, Status.PAUSED),
    (ended(), True, Status.COMPLETE),
    (ended(), False, Status.COMPLETE),
    (ended(Outcome.INCOMPLETE, Reason.SOME_MISSING), True, Status.INCOMPLETE),
    (ended(Outcome.FAILED, Reason.NO_ANSWER), True, Status.FAILED),
    (ended(Outcome.FAILED, Reason.CALLED_AET_UNKNOWN), True, Status.FAILED_SETUP),
    (ended(Outcome.FAILED, Reason.REQUEST_FAILED), True, Status.FAILED_SETUP),
    (ended(Outcome.FAILED), True, Status.FAILED),
    (ended(Outcome.CANCELLED), True, Status.CANCELLED),
    (RESTING, True, Status.RESTING),
    (RESTING, False, Status.RESTING),
    (replace(RESTING, held_up=HeldUp(ago(300))), True, Status.HELD_UP),
    (replace(fetching(beat_at=None), held_up=HeldUp(ago(300), paused=True)), False, Status.HELD_UP),
    (replace(fetching(moved_at=ago(1)), held_up=HeldUp(ago(3))), True, Status.RUNNING),
    (replace(fetching(moved_at=ago(4)), held_up=HeldUp(ago(3))), True, Status.HELD_UP),
    (replace(fetching(), held_up=HeldUp(ago(3))), True, Status.HELD_UP),
    (posters(replace(RESTING, held_up=HeldUp(ago(300)))), True, Status.PEEKING_LATE),
    (replace(RESTING, next_try_at=ago(1)), True, Status.WAITING),
    (replace(RESTING, next_try_at=ago(1), beat_at=ago(600)), True, Status.WAITING),
    (replace(RESTING, next_try_at=ago(1)), False, Status.PAUSED),
    (replace(RESTING, next_try_at=ago(44), wanted_at=ago(600), attended=False), True, Status.WAITING),
    (replace(RESTING, next_try_at=ago(46), wanted_at=ago(600), attended=False), True, Status.UNATTENDED),
    (posters(WAITING), True, Status.PEEKING),
    (posters(fetching()), True, Status.PEEKING),
    (posters(fetching()), False, Status.PEEKING),
    (posters(WAITING), False, Status.PEEKING_LATE),
    (posters(SILENCED), True, Status.PEEKING_LATE),
    (posters(WAITING, wanted_at=ago(46), attended=False), True, Status.PEEKING_LATE),
    (posters(RESTING), True, Status.PEEKING_RESTING),
    (posters(ended(arrived=3)), True, Status.POSTERS),
    (posters(ended(arrived=3, expected=None)), True, Status.POSTERS),
    (posters(ended(arrived=480)), True, Status.COMPLETE),
    (posters(ended(Outcome.INCOMPLETE, Reason.SOME_WITHHELD, arrived=3)), True, Status.POSTERS),
    (posters(ended(Outcome.FAILED, Reason.NO_ANSWER)), True, Status.POSTERS_FAILED),
    (posters(ended(Outcome.FAILED, Reason.REJECTED)), True, Status.POSTERS_FAILED),
    (posters(ended(Outcome.CANCELLED, arrived=3)), True, Status.CANCELLED),
    (posters(ended(Outcome.CANCELLED, arrived=0)), True, Status.CANCELLED),
    (posters(ended(arrived=0)), True, Status.NOT_FETCHED),
]
LIVE = {
    *(Status.WAITING, Status.UNATTENDED, Status.PAUSED, Status.RUNNING, Status.STALLED, Status.RESTING),
    *(Status.HELD_UP, Status.PEEKING, Status.PEEKING_LATE, Status.PEEKING_RESTING),
}


@pytest.mark.parametrize(("fetch", "bell", "status"), EVERY_STATUS)
def test_a_status_is_computed_from_facts_bell_and_clock(fetch, bell, status):
    assert progress_of(fetch, bell, NOW).status is status


def test_every_status_can_come_up():
    assert {status for _, _, status in EVERY_STATUS} | {Status.GROWN} == set(Status)


@pytest.mark.parametrize(
    ("counted", "status"), [(None, Status.COMPLETE), (480, Status.COMPLETE), (481, Status.GROWN)]
)
def test_a_study_that_has_grown_at_the_archive_does_not_look_complete(counted, status):
    (card,) = said(one(ended(arrived=480), instance_count=counted)).cards
    assert card.progress.status is status


@pytest.mark.parametrize(
    ("fetch", "counted", "more"),
    [
        (ended(arrived=480), 900, 420),
        (ended(arrived=480), 480, 0),
        (ended(arrived=480), 468, -12),
        (ended(arrived=480), None, 0),
        (ended(arrived=480, expected=None), 900, 420),
        (ended(Outcome.INCOMPLETE, Reason.SOME_MISSING, arrived=468), 480, 0),
        (ended(Outcome.INCOMPLETE, Reason.SOME_MISSING, arrived=468), 900, 420),
        (fetching(), 900, 0),
        (posters(ended(arrived=3)), 900, 0),
        (None, 900, 0),
    ],
)
def test_what_the_archive_counts_now_is_compared_with_what_was_fetched(fetch, counted, more):
    (card,) = said(one(fetch, instance_count=counted)).cards
    assert card.progress.more == more


def test_an_archive_that_lists_fewer_images_by_now_does_not_make_a_gap():
    (card,) = said(one(ended(arrived=480), instance_count=468)).cards
    assert card.progress.status is Status.COMPLETE


@pytest.mark.parametrize("kind", [AnswerKind.OUTAGE, AnswerKind.TRUNCATED, AnswerKind.NOT_ASKED])
def test_a_filter_never_says_none_while_an_archive_was_not_searched(kind):
    page = said(one(), answers=(answer(kind=kind),), choice=Choice("MR"))
    assert page.nothing is Nothing.NOT_ALL_ASKED


@pytest.mark.parametrize("status", Status)
def test_exactly_the_states_that_change_by_themselves_are_live(status):
    assert status.live == (status in LIVE)


@pytest.mark.parametrize(("fetch", "bell", "status"), EVERY_STATUS)
def test_a_page_polls_if_and_only_if_one_of_its_studies_is_live(fetch, bell, status):
    patient = said(one(), one(fetch, uid="1.2.4"), bell=bell)
    study = describe_study(StudyPageFacts(Role.REFERRER, OKAFOR, one(fetch), (), bell), NOW)
    watched = status.live or comes_back(fetch)
    assert (patient.pace is not None) == (study.pace is not None) == watched


@pytest.mark.parametrize("reason", Reason)
def test_a_failure_that_only_an_administrator_can_mend_says_so(reason):
    status = progress_of(ended(Outcome.FAILED, reason), True, NOW).status
    needs_admin = reason.trouble in (Trouble.SETUP, Trouble.REQUEST)
    assert status is (Status.FAILED_SETUP if needs_admin else Status.FAILED)


@pytest.mark.parametrize("bell", [True, False])
def test_a_killed_worker_never_leaves_an_endless_spinner(bell):
    beaten = fetching(beat_at=NOW)
    after = [progress_of(beaten, bell, NOW + timedelta(seconds=s)).status for s in (0, 30, 31, 3600, 86400)]
    gone = Status.STALLED if bell else Status.PAUSED
    assert after == [Status.RUNNING, Status.RUNNING, gone, gone, gone]


# --- the question


@pytest.mark.parametrize(
    ("ask", "bell", "stands"),
    [
        (None, True, Asked.NEVER),
        (asked(), True, Asked.DONE),
        (asked(), False, Asked.DONE),
        (asked(finished_at=None), True, Asked.ASKING),
        (asked(finished_at=None), False, Asked.ASKING),
        (asked(begun_at=None, finished_at=None), True, Asked.ASKING),
        (asked(begun_at=None, finished_at=None), False, Asked.PAUSED),
        (asked(begun_at=None, finished_at=None, wanted_at=ago(21)), True, Asked.WAITING),
        (asked(begun_at=None, finished_at=None, wanted_at=ago(21)), False, Asked.PAUSED),
        (asked(begun_at=ago(121), finished_at=None, wanted_at=ago(122)), True, Asked.WAITING),
        (asked(begun_at=ago(121), finished_at=None, wanted_at=ago(122)), False, Asked.PAUSED),
    ],
)
def test_where_the_question_stands(ask, bell, stands):
    page = said(ask=ask, bell=bell)
    assert page.asked is stands
    assert (page.pace is None) == (stands in (Asked.DONE, Asked.NEVER))


# --- nothing

EVERY_ANSWER = [*product([*AnswerKind, None], [0, 1])]


@pytest.mark.parametrize(("first", "second"), [*product(EVERY_ANSWER, EVERY_ANSWER)])
def test_none_is_said_only_if_every_source_answered_absent_and_nothing_is_withheld(first, second):
    answers = tuple(
        answer(kind, source, withheld=withheld)
        for source, (kind, withheld) in (("main", first), ("other", second))
    )
    none = first == second == (AnswerKind.ABSENT, 0)
    page = said(answers=answers)
    assert (page.nothing is Nothing.NONE) == none
    assert page.nothing in (Nothing.NONE, Nothing.WITHHELD, Nothing.NOT_ALL_ASKED)


def test_none_is_not_said_without_a_source():
    assert said(answers=()).nothing is Nothing.NOT_ALL_ASKED


def test_none_is_not_said_before_every_source_has_answered():
    absent = answer(AnswerKind.ABSENT)
    page = said(ask=asked(finished_at=None), answers=(absent, answer(None, "other")))
    assert page.nothing is Nothing.NOT_YET


def test_a_source_that_was_searched_is_not_called_unasked_because_its_studies_are_withheld():
    searched = (answer(AnswerKind.FOUND, withheld=2), answer(AnswerKind.ABSENT, "other"))
    assert said(answers=searched).nothing is Nothing.WITHHELD
    assert said(answers=(*searched, answer(AnswerKind.OUTAGE, "third"))).nothing is Nothing.NOT_ALL_ASKED


def test_a_filter_that_hides_every_card_is_not_called_none():
    assert said(one(), choice=Choice("MR")).nothing is Nothing.FILTERED


def test_a_card_is_something():
    assert said(one()).nothing is Nothing.SOME


# --- pace


@pytest.mark.parametrize(
    ("waited", "pace"), [(0, 1), (9.9, 1), (10, 2), (59, 2), (60, 5), (86400, 5), (-1, 1)]
)
def test_a_page_polls_every_second_at_first_and_slower_later(waited, pace):
    wanted = NOW - timedelta(seconds=waited)
    fetch = fetching(wanted_at=wanted)
    assert said(one(fetch)).pace == pace
    assert said(ask=asked(wanted_at=wanted, begun_at=wanted, finished_at=None)).pace == pace
    assert describe_study(StudyPageFacts(Role.REFERRER, OKAFOR, one(fetch), (), True), NOW).pace == pace


def test_the_newest_wish_sets_the_pace():
    old, new = fetching(wanted_at=NOW - LONG), fetching(wanted_at=ago(3))
    assert said(one(old), one(new, uid="1.2.4")).pace == 1


def test_a_wish_that_is_fulfilled_does_not_set_the_pace():
    old, done = fetching(wanted_at=NOW - LONG), replace(ended(), wanted_at=ago(3))
    assert said(one(old), one(done, uid="1.2.4")).pace == 5


def test_a_fetch_that_rests_is_watched_slowly():
    resting = replace(RESTING, wanted_at=ago(3))
    assert said(one(resting)).pace == 5
    assert describe_study(StudyPageFacts(Role.REFERRER, OKAFOR, one(resting), (), True), NOW).pace == 5


def test_a_page_polls_also_for_a_study_that_its_filter_hides():
    assert said(one(fetching(), modalities=("CT",)), choice=Choice("MR")).pace == 1


# --- marks


def test_equal_facts_have_equal_marks():
    assert said(one(fetching())).mark == said(one(fetching())).mark


OTHERWISE = {
    "role": Role.STAFF,
    "patient": replace(OKAFOR, name="OKAFOR^Ada"),
    "ask": asked(start=date(2026, 1, 1)),
    "answers": (answer(AnswerKind.TRUNCATED),),
    "studies": (one(fetching(), uid="1.2.4"),),
    "bell": False,
    "choice": Choice("CT"),
    "meant": Meant("NOT-THERE"),
}


@pytest.mark.parametrize("fact", [field.name for field in fields(PatientFacts) if field.name != "after"])
def test_the_mark_changes_with_every_fact_of_the_page(fact):
    usual = facts(one(WAITING))
    assert describe(replace(usual, **{fact: OTHERWISE[fact]}), NOW).mark != describe(usual, NOW).mark


def test_the_mark_changes_with_the_place_where_the_page_begins():
    newer, older = one(uid="1.1", day=date(2026, 11, 2)), one(uid="1.2")
    marks = {describe(facts(newer, older, after=after), NOW).mark for after in (None, newer.study)}
    assert len(marks) == 2


FETCHED_OTHERWISE = {
    "usual_wait": 2,
    "cancelled_by": Canceller(is_reader=True),
    "wanted_at": ago(6),
    "finished_at": ago(2),
    "outcome": Outcome.COMPLETE,
    "reason": Reason.NO_ANSWER,
    "reference": "F-OTHER",
    "expected": 481,
    "arrived": 121,
    "withheld": 1,
    "again": 1,
    "ahead": 1,
    "cancelling": True,
    "scope": Scope.POSTERS,
    "tries": 1,
    "next_try_at": ago(-60),
    "failed_at": ago(1),
    "around": 7,
    "gaps": (Gap(4, 12),),
    "unsent": 12,
    "held_up": HeldUp(ago(300)),
    "log": (LogLine(ago(1), Note.CANCELLED),),
}


def test_a_beat_alone_is_no_news():
    later = replace(fetching(), beat_at=NOW)
    assert said(one(later)).mark == said(one(fetching())).mark


@pytest.mark.parametrize("fact", [field.name for field in fields(FetchFacts) if field.repr])
def test_the_mark_changes_with_every_fact_of_a_fetch(fact):
    other = replace(fetching(), **{fact: FETCHED_OTHERWISE[fact]})
    assert said(one(other)).mark != said(one(fetching())).mark


ANSWERED_OTHERWISE = {
    "source": "another",
    "label": "Another",
    "kind": AnswerKind.ABSENT,
    "reason": Reason.TOO_MANY,
    "outside": 1,
    "at": ago(1),
    "withheld": 1,
    "again": 1,
    "unlisted": 1,
    "failed_at": ago(9),
    "outside_at": ago(99),
    "held_up": HeldUp(ago(99)),
}


@pytest.mark.parametrize("fact", [field.name for field in fields(AnswerFacts)])
def test_the_mark_changes_with_every_fact_of_an_answer(fact):
    other = replace(answer(), **{fact: ANSWERED_OTHERWISE[fact]})
    assert said(answers=(other,)).mark != said(answers=(answer(),)).mark


def test_the_mark_changes_when_a_poster_arrives():
    awaited = Poster("1.2.3.4", "CT", "Axial", 1, 3)
    before = replace(one(fetching()), posters=(awaited,))
    after = replace(one(fetching()), posters=(replace(awaited, picture="a/b.png"),))
    assert said(before).mark != said(after).mark


def test_the_clock_alone_changes_the_mark_when_a_worker_falls_silent():
    usual = facts(one(fetching(begun_at=None)))
    assert describe(usual, NOW).mark != describe(usual, NOW + LONG).mark


# --- cards


def test_cards_are_newest_first_and_undated_ones_last():
    studies = [
        one(uid="1.1", day=None),
        one(uid="1.2", day=date(2025, 1, 1)),
        one(uid="1.3", day=date(2026, 11, 1), study_time="0900"),
        one(uid="1.4", day=date(2026, 11, 1), study_time="1015"),
    ]
    assert [card.study.study_uid for card in said(*studies).cards] == ["1.4", "1.3", "1.2", "1.1"]


def test_modality_chips_are_the_kinds_that_are_there_most_frequent_first():
    kinds = [("MR",), ("CT", "SR"), ("CT",), ("MR", "PR"), ("MR",), ()]
    studies = [one(uid=f"1.{n}", modalities=kind) for n, kind in enumerate(kinds)]
    assert said(*studies).modalities == ("MR", "CT")


def test_the_chips_and_the_total_stay_when_a_filter_is_chosen():
    page = said(one(uid="1.1", modalities=("MR",)), one(uid="1.2"), choice=Choice("CT"))
    assert page.modalities == ("CT", "MR")
    assert (len(page.cards), page.total) == (1, 2)


def test_a_study_that_names_no_modality_passes_every_filter():
    assert len(said(one(modalities=()), choice=Choice("MR")).cards) == 1


# --- time left and milestones


@pytest.mark.parametrize(
    ("arrived", "left"),
    [(4, None), (5, 380), (120, 10), (240, 10), (479, 10), (480, 10), (600, 10)],
)
def test_the_time_left_follows_from_the_speed_so_far(arrived, left):
    assert progress_of(fetching(arrived=arrived), True, NOW).left == left


@pytest.mark.parametrize("unknown", [{"expected": None}, {"expected": 0}, {"begun_at": None}])
def test_the_time_left_is_not_guessed(unknown):
    assert progress_of(fetching(**unknown), True, NOW).left is None


def test_only_quarters_and_the_end_are_milestones():
    fetches = [fetching(expected=480, arrived=arrived) for arrived in range(481)]
    heard = [said(one(fetch)).milestones for fetch in [WAITING, *fetches, ended(arrived=480)]]
    assert sum(a != b for a, b in pairwise(heard)) == 5
    assert [heard.index(h) for h in dict.fromkeys(heard)] == [0, 1, 121, 241, 361, 482]


def test_a_fetch_of_unknown_size_has_no_milestones_but_its_end():
    heard = {said(one(fetching(expected=None, arrived=n))).milestones for n in range(500)}
    assert len(heard) == 1


def test_posters_are_not_announced():
    heard = {said(one(posters(fetch))).milestones for fetch in (WAITING, fetching(), ended(arrived=3))}
    assert len(heard) == 1


# --- the log of a fetch

WORDS = [
    (Note.WAY, {"way": "c-get"}, "Images are brought by C-GET."),
    (Note.WAY, {"way": "wado"}, "Images are brought by WADO-RS."),
    (
        Note.FELL_BACK,
        {"way": "c-move", "reason": "moved-nowhere"},
        f"C-MOVE does not work with this archive: {Reason.MOVED_NOWHERE.sentence}",
    ),
    (Note.LISTED, {"count": 480, "series": 4}, "The archive lists 480 images in 4 series."),
    (Note.TRIED, {"reason": "no-answer"}, "The attempt ended: The archive did not answer in time."),
    (Note.TRIED, {"reason": "of another version"}, "The attempt ended: of another version"),
    (Note.TRIED, {}, "The attempt ended: –"),
    (Note.CANCELLED, {}, "The fetch was cancelled."),
]


@pytest.mark.parametrize(("note", "facts", "sentence"), WORDS)
def test_a_line_of_the_log_is_a_sentence(note, facts, sentence):
    assert told(LogLine(NOW, note, tuple(facts.items())), str) == sentence


@pytest.mark.parametrize("note", Note)
def test_every_note_can_be_told_whatever_facts_are_stored_with_it(note):
    assert "%" not in told(LogLine(NOW, note), str)


def test_what_is_put_into_a_sentence_is_translated_too():
    line = LogLine(NOW, Note.NO_LISTS, (("instead", "single images"),))
    assert told(line, lambda text: f"⟦{text}⟧").endswith("it is asked for ⟦single images⟧.⟧")


# --- the study page


def picture(instance: int, frame: int = 1) -> Picture:
    return Picture(instance, frame, f"k/{instance}-{frame}.png", position=instance, card=False)


FIRST = Strip(1, 1, "CT", "Scout", 1, ())
SECOND = Strip(2, 2, "CT", "Axial", 4, tuple(picture(n) for n in (1, 2, 3, 4)))
THIRD = Strip(3, 3, "US", "Loop", 1, (picture(9, 1), picture(9, 2)))


def shown(**chosen):
    return describe_study(
        StudyPageFacts(Role.REFERRER, OKAFOR, one(ended()), (FIRST, SECOND, THIRD), True, **chosen), NOW
    )


def test_the_study_page_begins_with_the_middle_of_the_first_series_that_has_pictures():
    page = shown()
    assert (page.chosen, page.picture) == (SECOND, picture(3))


def test_a_chosen_series_is_shown_also_while_it_has_no_picture():
    page = shown(series_id=1)
    assert (page.chosen, page.picture, page.before, page.after) == (FIRST, None, None, None)


@pytest.mark.parametrize(
    ("instance", "before", "after"), [(1, None, 2), (2, 1, 3), (4, 3, None), (77, 2, 4), (None, 2, 4)]
)
def test_previous_and_next_stay_within_the_series(instance, before, after):
    page = shown(series_id=2, instance=instance)
    neighbours = [p.instance if p else None for p in (page.before, page.after)]
    assert neighbours == [before, after]


def test_frames_of_one_object_are_steps_too():
    page = shown(series_id=3, instance=9, frame=1)
    assert (page.before, page.after) == (None, picture(9, 2))


def test_an_unknown_series_falls_back_to_the_first_with_pictures():
    assert shown(series_id=77).chosen == SECOND


def test_a_study_without_any_series_has_a_page_all_the_same():
    page = describe_study(StudyPageFacts(Role.REFERRER, OKAFOR, one(), (), True), NOW)
    assert (page.chosen, page.picture, page.pace) == (None, None, None)


@pytest.mark.parametrize("chosen", [{"series_id": 3}, {"series_id": 2, "instance": 1}])
def test_the_mark_of_the_study_page_changes_with_the_choice(chosen):
    assert shown(**chosen).mark != shown().mark


def test_the_mark_of_the_study_page_changes_when_a_picture_arrives():
    fuller = replace(FIRST, pictures=(picture(20),))
    facts_ = StudyPageFacts(Role.REFERRER, OKAFOR, one(ended()), (FIRST, SECOND), True)
    after = replace(facts_, strips=(fuller, SECOND))
    assert describe_study(facts_, NOW).mark != describe_study(after, NOW).mark


@pytest.mark.parametrize(("seconds", "quiet"), [(9, None), (10, 10), (29, 20)])
def test_a_fetch_to_which_nothing_comes_says_so_and_guesses_no_end(seconds, quiet):
    progress = progress_of(fetching(begun_at=ago(60), moved_at=ago(seconds)), True, NOW)
    assert progress.status is Status.RUNNING
    assert progress.quiet == quiet
    assert (progress.left is None) == (quiet is not None)


# --- larger pictures

LARGE = replace(picture(2), enlarged="k/2-1-640.png")
CARD = replace(picture(3), card=True)


def enlarging(**more) -> FetchFacts:
    return fetching(around=1, expected=None, **more)


def enlarged(outcome=Outcome.COMPLETE, reason=None, since=60, **more) -> FetchFacts:
    return replace(enlarging(outcome=outcome, reason=reason, **more), finished_at=ago(since))


HOUR = 3600
EVERY_LARGER = [
    (LARGE, ended(), None, True, Larger.THERE),
    (CARD, ended(), None, True, Larger.THERE),
    (picture(1), ended(), None, True, Larger.WANTED),
    (picture(1), posters(ended(arrived=3)), None, True, Larger.WANTED),
    (picture(1), fetching(), None, True, Larger.LATER),
    (picture(1), RESTING, None, True, Larger.LATER),
    (picture(1), ended(), enlarging(), True, Larger.COMING),
    (picture(1), ended(), enlarging(begun_at=None, beat_at=None), True, Larger.COMING),
    (picture(1), ended(), enlarging(begun_at=None, beat_at=None), False, Larger.LATE),
    (picture(1), ended(), enlarging(beat_at=ago(60)), True, Larger.LATE),
    (picture(1), ended(), enlarging(beat_at=None, next_try_at=ago(-60)), True, Larger.FAILED),
    (picture(4), ended(), enlarging(), True, Larger.WANTED),
    (picture(1), ended(), enlarged(), True, Larger.NONE),
    (picture(4), ended(), enlarged(), True, Larger.NONE),
    (picture(1), ended(), enlarged(since=HOUR + 1), True, Larger.WANTED),
    (picture(1), ended(), replace(enlarged(), around=2), True, Larger.WANTED),
    (picture(1), ended(), replace(enlarged(), around=99), True, Larger.WANTED),
    (picture(1), ended(), enlarged(Outcome.FAILED, Reason.NO_ANSWER), True, Larger.FAILED),
    (picture(1), ended(), replace(enlarged(Outcome.FAILED), around=99), True, Larger.FAILED),
    (picture(1), ended(), enlarged(Outcome.FAILED, since=HOUR + 1), True, Larger.WANTED),
    (picture(1), ended(), enlarged(Outcome.INCOMPLETE, Reason.SOME_MISSING), True, Larger.FAILED),
    (picture(1), ended(), enlarged(Outcome.CANCELLED), True, Larger.WANTED),
    (replace(picture(1), largest=384), ended(), None, True, Larger.WANTED),
    (replace(picture(1), largest=384), ended(), enlarged(), True, Larger.WANTED),
    (replace(picture(1), largest=0), ended(), None, True, Larger.NONE),
    (replace(picture(1), largest=0), fetching(), None, True, Larger.NONE),
]


def looked_at(shown, fetch, errand, bell):
    pictures = {one.instance: one for one in (picture(1), LARGE, CARD, picture(4), shown)}
    series = Strip(2, 2, "CT", "Axial", 4, tuple(pictures.values()))
    place = {"series_id": 2, "instance": shown.instance}
    facts_ = StudyPageFacts(Role.REFERRER, OKAFOR, one(fetch), (series,), bell, **place, enlarging=errand)
    return describe_study(facts_, NOW)


@pytest.mark.parametrize(("shown", "fetch", "errand", "bell", "larger"), EVERY_LARGER)
def test_where_the_larger_picture_stands(shown, fetch, errand, bell, larger):
    page = looked_at(shown, fetch, errand, bell)
    assert (page.picture, page.larger) == (shown, larger)
    assert page.larger_reason == (errand.reason if larger is Larger.FAILED else None)
    assert (page.pace is not None) == (larger is Larger.COMING or page.card.live)


@pytest.mark.parametrize(
    ("shown", "drawn", "stands"),
    [
        (replace(picture(1), largest=384), (256, 192), (384, 288)),
        (replace(picture(1), largest=2250), (256, 192), (640, 480)),
        (replace(picture(1), largest=0), (256, 192), (256, 192)),
        (picture(1), (256, 192), (256, 192)),
        (replace(LARGE, largest=2250), (640, 480), (640, 480)),
    ],
)
def test_a_small_picture_takes_the_place_of_its_larger_one_and_no_more(shown, drawn, stands):
    assert shown.stands(*drawn) == stands


def test_every_way_in_which_a_larger_picture_can_stand_comes_up():
    assert {larger for *_, larger in EVERY_LARGER} == set(Larger)


def test_no_page_waits_for_ever_for_a_larger_picture():
    waiting = enlarging(begun_at=None, beat_at=None, attended=False)
    later = [NOW + timedelta(seconds=s) for s in (30, 60, 3600)]
    facts_ = StudyPageFacts(
        Role.REFERRER, OKAFOR, one(ended()), (SECOND,), True, series_id=2, instance=1, enlarging=waiting
    )
    assert [describe_study(facts_, when).pace is not None for when in later] == [True, False, False]


def test_a_new_try_is_not_said_to_be_silent_for_what_was_before_it():
    """As on the day after: what the last try received is long ago."""
    progress = progress_of(fetching(begun_at=ago(3), moved_at=ago(600)), True, NOW)
    assert progress.quiet is None
