"""The planner: whatever an archive does, every instance is asked for until it is there or given up."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import CTImageStorage, KeyObjectSelectionDocumentStorage

from fetch.model import Instance, Level, Plan, Reported, Series, Share
from fetch.plan import Planner
from fetch.reasons import Reason
from fetch.wholes import MOST_BREAKS, MOST_TRIES, BroughtWhole

STUDY = "1.2.3"
GOOD = Reported(None, 0)
BREAKS = (Reason.CONNECTION_LOST, Reason.FELL_SILENT, Reason.OUT_OF_RESOURCES, Reason.GARBLED)
"""Over what a request may end in the middle."""


def listed(counts, *, kind=CTImageStorage):
    """Series with so many instances each."""
    made = []
    for number, count in enumerate(counts, 1):
        uid = f"{STUDY}.{number}"
        instances = tuple(Instance(uid, f"{uid}.{i + 1}", kind, i + 1) for i in range(count))
        made.append(Series(uid, number, "CT", "", instances, count))
    return made


def planner_of(series, **more) -> Planner:
    planner = Planner(STUDY, **more)
    for one in series:
        for instance in one.instances:
            planner.name(instance)
        planner.series_listed(one)
    planner.list_over(Plan(tuple(series), sum(len(s.instances) for s in series)))
    return planner


def everything(series):
    return [i.instance_uid for s in series for i in s.instances]


def order(planner, most=1) -> list[str]:
    """What is asked for, in its order, by an archive that sends everything."""
    asked = []
    while share := planner.next_share(most):
        for instance in share.instances:
            asked.append(instance.instance_uid)
            planner.arrive(instance.instance_uid, share)
        planner.ended(share, GOOD)
    return asked


def test_the_first_instance_named_is_asked_for_while_the_list_still_arrives():
    planner = Planner(STUDY)
    assert planner.next_share(8) is None
    planner.name(Instance("1.2.3.1", "1.2.3.1.1", CTImageStorage))
    share = planner.next_share(8)
    assert [i.instance_uid for i in share.instances] == ["1.2.3.1.1"]
    assert not planner.idle


def test_the_middle_of_each_series_comes_before_any_sweep():
    series = listed([9, 5, 20])
    asked = order(planner_of(series))
    assert asked[0] == "1.2.3.1.1"
    assert asked[1:4] == ["1.2.3.1.5", "1.2.3.2.3", "1.2.3.3.11"]


def test_the_sweep_is_even_over_every_series():
    series = listed([64, 64])
    asked = order(planner_of(series))[3:]
    eighths = [f"1.2.3.{s}.{i + 1}" for s in (1, 2) for i in range(0, 64, 8)]
    assert set(asked[: len(eighths) - 3]) <= set(eighths)


def test_images_of_a_key_object_selection_come_before_all_others():
    series = [*listed([12]), *listed([1], kind=KeyObjectSelectionDocumentStorage)]
    selection = Series("9.9", 9, "KO", "", (Instance("9.9", "9.9.1", KeyObjectSelectionDocumentStorage),), 1)
    planner = planner_of([series[0], selection])
    share = planner.next_share(8)
    assert [i.instance_uid for i in share.instances] == ["9.9.1"]
    planner.arrive("9.9.1", share)
    planner.ended(share, GOOD)
    planner.hurry(["1.2.3.1.10"])
    assert [i.instance_uid for i in planner.next_share(8).instances] == ["1.2.3.1.10"]


def test_posters_only_asks_for_posters_only_until_it_is_widened():
    series = listed([10, 10])
    planner = planner_of(series, posters_only=True)
    assert order(planner, 8) == ["1.2.3.1.1", "1.2.3.1.6", "1.2.3.2.6"]
    assert planner.idle
    planner.widen()
    assert len(order(planner, 8)) == 17


def test_what_is_held_is_not_asked_for():
    series = listed([10])
    held = everything(series)[:7]
    assert sorted(order(planner_of(series, held=held), 4)) == sorted(everything(series)[7:])


def test_one_that_a_connection_dies_of_is_asked_for_alone_and_given_up():
    series = listed([6])
    planner = planner_of(series)
    poison = "1.2.3.1.4"
    asked_with = []
    while share := planner.next_share(4):
        uids = [i.instance_uid for i in share.instances]
        if poison in uids:
            asked_with.append(len(uids))
            planner.broke(share, Reason.CONNECTION_LOST)
            continue
        for uid in uids:
            planner.arrive(uid, share)
        planner.ended(share, GOOD)
    assert planner.given_up == {poison: Reason.CONNECTION_LOST}
    assert asked_with[1:] == [1] * (MOST_BREAKS - 1)


def test_what_the_archive_reports_as_failed_is_given_up_with_that_reason():
    planner = planner_of(listed([2]))
    while share := planner.next_share(4):
        for instance in share.instances:
            if not instance.instance_uid.endswith(".2"):
                planner.arrive(instance.instance_uid, share)
        planner.ended(share, Reported(1, 1, 0xB000, ("1.2.3.1.2",)))
    assert planner.given_up == {"1.2.3.1.2": Reason.REPORTED_FAILED}


def test_an_archive_that_refuses_lists_is_asked_for_one_image_then_for_series_then_for_the_study():
    planner = planner_of(listed([5, 5]))
    levels = []
    for _ in range(8):
        share = planner.next_share(8)
        levels.append((share.level, len(share.instances)))
        if not planner.refused(share):
            break
    assert levels[0][0] is Level.IMAGE
    assert (Level.IMAGE, 1) in levels
    assert levels[-2][0] is Level.SERIES
    assert levels[-1][0] is Level.STUDY


def test_a_study_that_is_not_listed_is_asked_for_as_a_whole():
    planner = Planner(STUDY)
    planner.list_over(Plan())
    share = planner.next_share(8)
    assert share == Share(STUDY)
    planner.arrive("1.2.3.1.1", share)
    planner.ended(share, Reported(1, 0))
    assert planner.next_share(8) is None
    assert planner.idle


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_fails_every_instance_comes_or_is_given_up_with_a_reason(data):
    """An archive that fails in every way at any time; several carriers, in one way after another; a list that
    arrives meanwhile, and lacks some or all images of a series, or series; what earlier tries knew by name.
    """
    series = listed(data.draw(st.lists(st.integers(0, 12), min_size=1, max_size=4)))
    uncounted = [data.draw(st.sampled_from([0, 0, 0, 1, 20])) for _ in series]
    series = [replace(one, expected=len(one.instances) + n) for one, n in zip(series, uncounted, strict=True)]
    held = data.draw(st.sets(st.sampled_from(everything(series) or ["0"]), max_size=6))
    known = [Instance("1.2.3.1", f"1.2.3.1.{n}") for n in range(10, 10 + data.draw(st.integers(0, 6)))]
    known += [Instance("8.8", f"8.8.{n}") for n in range(data.draw(st.integers(0, 3)))]
    lacks_series = data.draw(st.booleans())
    posters = data.draw(st.booleans())
    planner = Planner(STUDY, held, known=known, posters_only=posters)
    open_shares = _while_listing(planner, [*(i for s in series for i in s.instances)], data)
    _finish_list(planner, series, lacks_series=lacks_series)
    for share in open_shares:
        _end(planner, share, "e", data)
    planner.widen()
    refused = data.draw(st.sets(st.sampled_from([Level.IMAGE, Level.SERIES])))
    wholes, steps = set(), 0
    while (share := planner.next_share(5)) is not None:
        steps += 1
        assert steps < 2000, "it asks for ever"
        wholes.add(share.series_uid if share.level is Level.SERIES else share.level)
        _end(planner, share, "r" if share.level in refused else data.draw(st.sampled_from("eebr")), data)
    assert planner.idle
    for uid in [*everything(series), *(i.instance_uid for i in known if lacks_series)]:
        assert uid in planner.arrived or uid in planner.given_up
    assert not set(planner.given_up) & planner.arrived
    unlisted = {one.series_uid for one in series if not one.instances or one.expected > len(one.instances)}
    assert unlisted <= wholes or Level.STUDY in wholes


def _while_listing(planner, named, data) -> list[Share]:
    """What is asked for, and what comes of it, until no more is named; the shares that are still open."""
    open_shares = []
    for step in data.draw(st.lists(st.sampled_from("naebrtswy"), max_size=120)):
        match step:
            case "n" if named:
                planner.name(named.pop(0))
            case "w":
                planner.widen()
            case "a" | "s":
                share = planner.next_share(data.draw(st.integers(1, 6)))
                open_shares += [share] if share else []
            case "y":
                while open_shares:
                    _end(planner, open_shares.pop(), "b", data)
                planner.begin_way()
            case _ if open_shares:
                _end(planner, open_shares.pop(0), step, data)
    return open_shares


def _finish_list(planner, series, *, lacks_series):
    for one in series:
        planner.series_listed(one)
    planner.list_over(Plan(tuple(series), lacks_series=lacks_series))


def _end(planner, share, how, data):
    """Some of it comes; then it ends well, breaks, is refused or is put back."""
    uids = [i.instance_uid for i in share.instances] or ["1.2.3.1.1"]
    for uid in uids[: data.draw(st.integers(0, len(uids)))]:
        planner.arrive(uid, share)
    match how:
        case "b":
            planner.broke(share, data.draw(st.sampled_from(BREAKS)))
        case "r":
            if not (planner.postpone(share) or planner.refused(share)):
                planner.broke(share, Reason.REQUEST_FAILED)
        case "t":
            planner.put_back(share)
        case _:
            planner.ended(share, Reported(None, data.draw(st.integers(0, 2))))


def test_an_instance_is_asked_for_a_bounded_number_of_times():
    planner = planner_of(listed([3]))
    asked = 0
    while share := planner.next_share(8):
        asked += len(share.instances)
        planner.ended(share, GOOD)
    assert asked == 3 * MOST_TRIES


def test_what_another_carrier_asks_for_while_lists_are_refused_is_not_lost():
    series = listed([1] * 6)
    planner = planner_of(series)
    first, second = planner.next_share(1), planner.next_share(1)
    assert planner.refused(first)
    planner.refused(second)
    asked = 0
    while share := planner.next_share(8):
        asked += 1
        planner.arrive(f"{share.series_uid}.1", share)
        planner.ended(share, Reported(1, 0))
    assert asked == 6
    assert set(everything(series)) <= planner.arrived


def refuse_single_images(planner):
    while share := planner.next_share(8):
        if share.level is not Level.IMAGE:
            planner.put_back(share)
            return
        assert planner.refused(share)


def test_another_way_is_asked_anew_for_single_images_whatever_the_last_one_did_not_take():
    planner = planner_of(listed([30, 30]))
    refuse_single_images(planner)
    assert planner.next_share(8).level is Level.SERIES
    planner.begin_way()
    assert sorted(order(planner, 8)) == sorted(everything(listed([30, 30])))


def test_what_one_way_gave_up_is_asked_for_in_the_next():
    planner = planner_of(listed([3]))
    while share := planner.next_share(8):
        planner.ended(share, GOOD)
    assert set(planner.given_up) == set(everything(listed([3])))
    planner.begin_way()
    assert planner.given_up == {}
    assert sorted(order(planner, 8)) == everything(listed([3]))


def test_what_no_list_names_is_asked_for_as_a_whole_in_every_way():
    planner = Planner(STUDY)
    planner.list_over(Plan(total=4))
    planner.ended(planner.next_share(8), GOOD)
    planner.begin_way()
    assert planner.next_share(8) == Share(STUDY)


def test_what_became_of_a_whole_is_told_of_the_last_way():
    planner = Planner(STUDY)
    planner.list_over(Plan(total=2))
    planner.ended(planner.next_share(8), GOOD)
    planner.begin_way()
    share = planner.next_share(8)
    for uid in ("1.1", "1.2"):
        planner.arrive(uid, share)
    planner.ended(share, GOOD)
    assert list(planner.wholes) == [BroughtWhole("", 2, short=False)]
    assert not planner.short


def test_for_a_poster_a_short_series_is_brought_whole_and_a_long_one_is_not():
    planner = planner_of(listed([400, 4]), posters_only=True)
    refuse_single_images(planner)
    assert planner.next_share(8) == Share(STUDY, "1.2.3.2")
    assert planner.next_share(8) is None
    assert planner.lacks_posters


def test_while_posters_may_still_be_listed_little_of_the_sweep_is_asked_for_at_once():
    planner = Planner(STUDY)
    first, second = listed([400, 400])
    planner.series_listed(first)
    assert [len(planner.next_share(32).instances) for _ in range(2)] == [1, 1]  # the first and the poster
    assert len(planner.next_share(32).instances) == 4
    planner.series_listed(second)
    assert [i.instance_uid for i in planner.next_share(32).instances] == ["1.2.3.2.201"]
    planner.list_over(Plan((first, second), 800))
    assert len(planner.next_share(32).instances) == 32


def bring(planner, sends, most=8):
    """What is asked for, as levels and sizes, of an archive that refuses each share that it does not send."""
    asked = []
    while share := planner.next_share(most):
        asked.append((share.level, share.series_uid, len(share.instances)))
        if not sends(share):
            assert planner.refused(share)
            continue
        for uid in [i.instance_uid for i in share.instances]:
            planner.arrive(uid, share)
        planner.ended(share, GOOD)
    return asked


@pytest.mark.parametrize(("images", "place"), [(40, 8), (3, 0), (40, 0), (40, 20), (40, 39)])
def test_one_image_that_is_refused_is_given_up_alone(images, place):
    series = listed([images])
    refused = series[0].instances[place].instance_uid
    planner = planner_of(series)
    bring(planner, lambda share: refused not in [i.instance_uid for i in share.instances])
    assert planner.given_up == {refused: Reason.REPORTED_FAILED}
    assert planner.arrived == set(everything(series)) - {refused}
    assert planner.idle


def test_a_study_of_one_image_that_is_refused_alone_is_asked_for_as_a_series():
    planner = planner_of(listed([1]))
    assert bring(planner, lambda share: share.level is not Level.IMAGE) == [
        (Level.IMAGE, "1.2.3.1", 1),
        (Level.SERIES, "1.2.3.1", 0),
        (Level.SERIES, "1.2.3.1", 0),
        (Level.SERIES, "1.2.3.1", 0),
    ]


def test_a_series_without_a_list_is_asked_for_also_where_single_images_are_refused():
    (series,) = listed([2])
    planner = Planner(STUDY)
    planner.series_listed(series)
    planner.series_listed(Series("1.2.3.2"))
    planner.list_over(Plan((series, Series("1.2.3.2"))))
    asked = bring(planner, lambda share: share.level is not Level.IMAGE)
    assert {uid for level, uid, _ in asked if level is Level.SERIES} == {"1.2.3.1", "1.2.3.2"}


def test_a_list_of_series_that_was_cut_short_is_made_up_for_whatever_the_series_count():
    series = [*listed([2]), Series("1.2.3.2")]
    planner = Planner(STUDY)
    for one in series:
        planner.series_listed(one)
    planner.list_over(Plan(tuple(series), None, lacks_series=True))
    assert (Level.STUDY, "", 0) in bring(planner, lambda _share: True)


def test_a_series_that_is_here_is_not_asked_for_again_because_single_images_are_refused():
    first, second = listed([3, 2])
    planner = Planner(STUDY, held=everything([second]))
    planner.series_listed(first)
    refuse_single_images(planner)
    planner.series_listed(second)
    planner.list_over(Plan((first, second), 5))
    asked = bring(planner, lambda share: share.level is not Level.IMAGE)
    assert {uid for _, uid, _ in asked} == {"1.2.3.1"}


def test_while_the_list_arrives_it_is_not_judged_what_was_not_asked_for():
    planner = Planner(STUDY)
    first, second = listed([2, 2])
    planner.series_listed(first)
    assert planner.is_expected("1.2.3.1.2")
    assert not planner.is_expected("1.2.3.2.1")
    planner.series_listed(second)
    assert planner.is_expected("1.2.3.2.1")
    planner.list_over(Plan((first, second), 4))
    assert planner.is_expected("9.9")


def cut(listed_count, counted):
    """A series that is listed shorter than it is counted."""
    (one,) = listed([listed_count])
    return replace(one, expected=counted)


def wholes(planner, sends=()):
    """The requests for whole series, by an archive that sends what it lists, and these besides."""
    asked = []
    while share := planner.next_share(8):
        if share.level is not Level.IMAGE:
            asked.append(share.series_uid)
        for uid in [i.instance_uid for i in share.instances] or [*everything(listed([5])), *sends]:
            planner.arrive(uid, share)
        planner.ended(share, GOOD)
    return asked


def test_what_is_counted_and_not_listed_is_asked_for_once_as_a_whole_and_then_said():
    planner = planner_of([cut(5, 9)])
    assert wholes(planner, sends=["1.2.3.1.6"]) == ["1.2.3.1"]
    ((series, lacks),) = [(one.series.series_uid, one.lacks) for one in planner.counted_more]
    assert (series, lacks) == ("1.2.3.1", 3)


def test_where_asking_for_the_whole_brought_it_nothing_is_said_to_lack():
    planner = planner_of([cut(5, 6)])
    wholes(planner, sends=["1.2.3.1.6"])
    assert list(planner.counted_more) == []


@pytest.mark.parametrize("lacks", ["images", "series"])
def test_beside_the_posters_what_comes_with_the_whole_is_not_asked_for_by_name_too(lacks):
    named = everything(listed([40]))
    (series,) = [cut(40, 60)] if lacks == "images" else listed([40])
    planner = Planner(STUDY)
    planner.series_listed(series)
    planner.list_over(Plan((series,), None, lacks_series=lacks == "series"))
    came = []
    while share := planner.next_share(8):
        uids = [i.instance_uid for i in share.instances] or named
        came += uids
        for uid in uids:
            planner.arrive(uid, share)
        planner.ended(share, GOOD)
    posters = [named[0], named[20]]
    few = [uid for uid in came if uid not in posters]
    assert sorted(few) == sorted(set(few)) == sorted(set(named) - set(posters))
    assert planner.idle


@pytest.mark.parametrize("fails", ["ended", "broke", "postpone", "refused"])
def test_what_the_whole_does_not_bring_is_asked_for_by_its_name_before_it_is_tried_again(fails):
    named = everything(listed([40]))
    planner = planner_of([cut(40, 60)])
    levels = []
    while share := planner.next_share(8):
        levels.append(share.level)
        for instance in share.instances:
            planner.arrive(instance.instance_uid, share)
        if share.instances or fails == "ended":
            planner.ended(share, GOOD)
        elif fails == "broke" or not planner.postpone(share):
            planner.broke(share, Reason.CONNECTION_LOST)
    assert planner.arrived == set(named)
    assert planner.given_up == {}
    first, *_ = whole_at = [place for place, level in enumerate(levels) if level is Level.SERIES]
    singly = [place for place, level in enumerate(levels) if level is Level.IMAGE]
    assert max(singly) > first
    assert all(place > max(singly) for place in whole_at[1:])


@pytest.mark.parametrize("reason", [Reason.REQUEST_FAILED, Reason.OUT_OF_RESOURCES, Reason.CONNECTION_LOST])
def test_once_a_whole_is_not_to_be_had_all_that_is_named_comes_before_the_next(reason):
    series = [replace(one, expected=60) for one in listed([40, 40, 40])]
    planner = planner_of(series, held=everything(series[:1]))
    wholes = 0
    while share := planner.next_share(8):
        for instance in share.instances:
            planner.arrive(instance.instance_uid, share)
        if share.instances:
            planner.ended(share, GOOD)
            continue
        wholes += 1
        if wholes > 1:
            break
        if reason is Reason.CONNECTION_LOST or not planner.postpone(share):
            planner.broke(share, reason)
    assert planner.arrived == set(everything(series))


def test_a_whole_refused_before_the_list_has_come_costs_nothing_that_is_named_later():
    planner = Planner(STUDY)
    planner.series_listed(Series("1.2.3.9", expected=5))
    assert planner.postpone(planner.next_share(8))
    assert planner.next_share(8) is None
    (one,) = listed([40])
    planner.series_listed(one)
    planner.list_over(Plan((one,), None))
    assert sorted(order(planner, 8)) == sorted(everything([one]))


def test_a_whole_that_came_has_nobody_else_asked_for_twice():
    series = [replace(one, expected=60) for one in listed([40, 40])]
    planner = planner_of(series)
    came = []
    while share := planner.next_share(8):
        uids = [i.instance_uid for i in share.instances] or [
            uid for uid in everything(series) if uid.startswith(f"{share.series_uid}.")
        ]
        came += uids
        for uid in uids:
            planner.arrive(uid, share)
        planner.ended(share, GOOD)
    assert len(came) == 80 + 3  # the first one named, and the middle of each


def test_a_whole_of_which_some_is_named_waits_for_the_posters_of_the_rest_of_the_list():
    planner = Planner(STUDY)
    planner.series_listed(cut(40, 60))
    asked = []
    while share := planner.next_share(8):
        asked += [instance.instance_uid for instance in share.instances]
        planner.ended(share, GOOD) if share.instances else pytest.fail("a whole")
    assert set(asked) == {"1.2.3.1.1", "1.2.3.1.21"}


@pytest.mark.parametrize(("counted", "again"), [(9, []), (12, ["1.2.3.1"]), (None, ["1.2.3.1"])])
def test_a_series_that_was_asked_for_as_a_whole_is_not_asked_for_again_unless_it_has_grown(counted, again):
    planner = planner_of([cut(5, counted)], held=everything(listed([5])), settled={"1.2.3.1": 9})
    assert wholes(planner) == again


def test_a_series_without_a_list_that_is_here_is_not_asked_for_again():
    series = [Series("1.2.3.1", expected=5), Series("1.2.3.2", expected=5)]
    planner = planner_of(series, settled={"1.2.3.1": 5, "1.2.3.2": 4})
    assert wholes(planner) == ["1.2.3.2"]


def test_where_an_earlier_try_brought_what_no_list_names_only_the_known_is_asked_for_by_name():
    known = [Instance("1.2.3.1", "1.2.3.1.6"), Instance("8.8", "8.8.1")]
    series = [cut(5, None)]
    planner = Planner(STUDY, everything(listed([5])), brought=["", "1.2.3.1"], known=known)
    planner.series_listed(series[0])
    planner.list_over(Plan(tuple(series), lacks_series=True))
    assert sorted(order(planner, 8)) == ["1.2.3.1.6", "8.8.1"]
    assert planner.idle


def test_what_was_known_and_a_whole_list_no_longer_names_is_not_asked_for():
    planner = planner_of(listed([5]), known=[Instance("1.2.3.1", "1.2.3.1.6"), Instance("8.8", "8.8.1")])
    assert sorted(order(planner, 8)) == everything(listed([5]))


def selection_beside(series, **more):
    one = Series("9.9", 9, "KO", "", (Instance("9.9", "9.9.1", KeyObjectSelectionDocumentStorage),), 1)
    return planner_of([series, one], posters_only=True, **more)


def test_posters_are_not_over_before_a_selection_that_came_was_read():
    planner = selection_beside(listed([12])[0], reads=True)
    assert "9.9.1" in order(planner)
    assert not planner.idle
    planner.hurry(["1.2.3.1.11"])
    planner.read("9.9.1")
    assert order(planner) == ["1.2.3.1.11"]
    assert planner.idle


def test_whoever_reads_no_selections_is_not_waited_for():
    planner = selection_beside(listed([12])[0])
    order(planner)
    assert planner.idle
