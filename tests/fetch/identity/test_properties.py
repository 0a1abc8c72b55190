"""What holds of every pair of identities, however oddly they are written."""

from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from fetch.identity import (
    Context,
    Doubt,
    Grade,
    Link,
    Remark,
    disagree,
    judge,
    rank,
    same_nobody,
    same_person,
)
from fetch.model import Patient, PatientIdentity, Study

TODAY = date(2026, 11, 25)
odd = st.one_of(st.text(max_size=70), st.text("SMITHjohn^=\\*?- 0123üßØ山ا\0\ufffd", max_size=30))
written_ids = st.one_of(
    odd, st.sampled_from(("4471902", "04471902", "0", "TEMP1", "", "4471902 ", "9990001"))
)
issuers = st.one_of(odd, st.sampled_from(("HOSP", "HOSP&1.2.3&ISO", "hosp", "", "1.2.3", "RIVERSIDE")))
names = st.one_of(
    odd,
    st.sampled_from(
        ("SMITH^JOHN", "JOHN^SMITH", "SMITH JOHN", "Smith^John^A^^JR", "SMYTH^JOHN", "^^^", "Doe^Jane")
    ),
    st.sampled_from(
        ("Müller^Anna", "Mueller^Anna", "MÃ¼ller^Anna", "Yamada^Taro=山田^太郎=やまだ^たろう", "山田^太郎")
    ),
)
births = st.one_of(st.none(), st.dates(), st.sampled_from((date(1975, 7, 14), date(1975, 7, 15), TODAY)))
sexes = st.one_of(odd, st.sampled_from(("M", "F", "O", "")))
people = st.builds(
    Patient,
    st.builds(PatientIdentity, written_ids, issuers),
    names,
    births,
    sexes,
    st.one_of(odd, st.just("19750231")),
)
contexts = st.builds(
    Context,
    trusted=st.frozensets(issuers, max_size=3),
    issuer_assumed=st.booleans(),
    link=st.one_of(st.none(), st.builds(Link, people, people)),
    accession_brought=odd,
    accession_carried=odd,
    cross_references=st.frozensets(st.builds(PatientIdentity, written_ids, issuers), max_size=2),
    qualifying=st.integers(0, 3),
    holders=st.integers(0, 3),
    today=st.just(TODAY),
)
plain = st.builds(Context, trusted=st.frozensets(issuers, max_size=3), today=st.just(TODAY))
many = settings(max_examples=300, deadline=None)


@many
@given(people, people, contexts)
def test_the_judge_never_fails_and_says_the_same_again(asked, found, context):
    judgement = judge(asked, found, context)
    assert judgement == judge(asked, found, context)
    assert judgement.certain is not bool(judgement.doubts)
    assert judgement.grade in Grade
    assert len({one.field for one in judgement.fields}) == len(judgement.fields) == 9
    assert len(set(judgement.reasons)) == len(judgement.reasons)
    assert set(judgement.as_data()) == {"grade", "rules", "fields", "remarks", "doubts"}


@many
@given(people, people, st.frozensets(issuers, max_size=3))
def test_whose_record_and_whose_image_it_is_makes_no_difference_to_the_grade(one, other, trusted):
    """But for whom the issuer is trusted at: that is said of the identity found."""
    context = Context(trusted | {one.identity.issuer, other.identity.issuer}, today=TODAY)
    assert judge(one, other, context).grade is judge(other, one, context).grade
    assert judge(one, other, context).score == judge(other, one, context).score


@many
@given(people, people, plain)
def test_without_a_number_that_both_have_nothing_is_certain(asked, found, context):
    nobody = replace(found, identity=PatientIdentity("", found.identity.issuer))
    assert not judge(asked, nobody, context).certain


@many
@given(people, people, contexts)
def test_a_doubt_from_elsewhere_takes_certainty_away(asked, found, context):
    doubted = judge(asked, found, context).doubted(Doubt.SOURCES_DISAGREE)
    assert not doubted.certain
    assert Doubt.SOURCES_DISAGREE in doubted.doubts


@many
@given(people, people, contexts)
def test_whoever_says_less_is_never_surer(asked, found, context):
    """Of the road by id: without trust, or with a second patient who qualifies, it is closed."""
    judgement = judge(asked, found, context)
    less = replace(
        context, trusted=frozenset(), link=None, cross_references=frozenset(), accession_brought=""
    )
    assert not judge(asked, found, less).certain
    if judgement.certain and Remark.CONFIRMED not in judgement.remarks:
        assert not judge(asked, found, replace(context, qualifying=2)).certain


@many
@given(people, people)
def test_an_image_is_compared_without_failing_in_either_direction(one, other):
    assert same_person(one, other) in (True, False)
    assert not (same_person(one, other) and same_nobody(one, other))
    studies = [Study("a", "1.2", one), Study("b", "1.2", other)]
    assert disagree(studies) is disagree(studies[::-1])
    assert not disagree([studies[0], replace(studies[0], source="b")])


@many
@given(people, st.lists(people, max_size=6), plain)
def test_at_most_one_of_several_candidates_is_certain(found, candidates, context):
    ranked = rank(found, candidates, context, most=None)
    assert len(ranked) == len(candidates)
    assert sum(one.judgement.certain for one in ranked) <= 1
    ranks = [one.judgement.grade.rank for one in ranked]
    assert ranks == sorted(ranks)
