"""One question to many archives: each kind of answer, each way in which an archive cannot be asked."""

import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta

import pytest
from peers import IMPATIENT, LOCAL, PATIENT_ID, answer, answering, hangs_up, of, only_echoes, query, source
from support.studies import OKAFOR, STRANGER, study

from fetch.allowance import LocalAllowance
from fetch.errors import SourceRefused, UnsafeQuery
from fetch.find import find, find_each, find_study
from fetch.halving import MOST_QUESTIONS
from fetch.model import AnswerKind, Patient, PatientIdentity, Timeouts
from fetch.reasons import Reason
from fetch.sources import dimse
from preview.demo import behaviour as b
from preview.demo.archive import Archive
from preview.demo.behaviour import Kind

FOUND, ABSENT, NOT_ASKED = AnswerKind.FOUND, AnswerKind.ABSENT, AnswerKind.NOT_ASKED
TRUNCATED, OUTAGE = AnswerKind.TRUNCATED, AnswerKind.OUTAGE
NOVEMBER = {"start": date(2026, 11, 1), "end": date(2026, 11, 30)}


@pytest.fixture
def archive():
    with Archive("MAIN", datasets=study(study_uid="1.1")).start() as running:
        yield running


@pytest.fixture
def outside():
    """The archive of an outside provider, which has ids of its own and has used ours for somebody else."""
    with Archive("OUT", datasets=study(replace(STRANGER, identity=OKAFOR.identity))).start() as running:
        yield running


def hold(archive, *uids, patient=OKAFOR, **more):
    for uid in uids:
        for ds in study(patient, study_uid=uid, images=1, **more):
            archive.add(ds)


def ask(one, question=None, **options):
    """The answer of one source."""
    (said,) = find(question or query(), [one], LOCAL, **options)
    assert said.source is one
    return said


def uids(said):
    return [found.study_uid for found in said.studies]


# What a living archive answers


def test_a_study_of_the_patient_is_found_with_everything_the_archive_says_of_it(archive):
    said = ask(of(archive))
    (found,) = said.studies
    assert (said.kind, said.reason, said.strangers, said.outside) == (FOUND, None, 0, 0)
    assert (found.source, found.study_uid, found.patient) == (
        "main",
        "1.1",
        replace(OKAFOR, birth_date_text="19750714"),
    )
    assert (found.study_date, found.study_date_text, found.study_time) == (
        date(2026, 11, 1),
        "20261101",
        "101500",
    )
    assert (found.description, found.accession, found.modalities) == ("CT Thorax", "A1", ("CT",))
    assert (found.series_count, found.instance_count, found.issuer_assumed) == (1, 3, False)


def test_a_patient_the_archive_does_not_have_is_absent(archive):
    said = ask(of(archive), query(STRANGER))
    assert (said.kind, said.studies, said.reason) == (ABSENT, (), None)


def test_an_archive_of_another_issuer_is_never_asked_by_our_id(archive, outside):
    here, there = find(query(), [of(archive), of(outside, "outside", issuer="RIVERSIDE")], LOCAL)
    assert (here.kind, there.kind) == (FOUND, NOT_ASKED)
    assert (there.studies, there.reason) == ((), Reason.OTHER_ISSUER)
    assert (outside.requests, outside.associations) == ([], 0)


def test_ask_all_asks_also_an_archive_of_another_issuer(outside):
    said = ask(of(outside, issuer="RIVERSIDE"), ask_all=True)
    assert said.kind is FOUND
    assert said.studies[0].patient.family_name == "STRANGER"


def test_nothing_under_an_id_that_is_not_its_own_is_still_not_asked_and_never_absent(outside):
    nobody = replace(OKAFOR, identity=PatientIdentity("1", "HOSP"))
    said = ask(of(outside, issuer="RIVERSIDE"), query(nobody), ask_all=True)
    assert (said.kind, said.reason) == (NOT_ASKED, Reason.OTHER_ISSUER)
    assert outside.asked(Kind.FIND)


def test_the_answers_stand_in_the_order_of_the_sources(archive):
    with Archive("SLOW", datasets=study()).start() as slow, b.nothing_listens() as nobody:
        slow.behave(b.slow(0.3))
        sources = [of(slow, "slow"), of(archive), source(nobody, "dead")]
        assert [said.source.name for said in find(query(), sources, LOCAL)] == ["slow", "main", "dead"]
        assert [said.source.name for said in find_each(query(), sources, LOCAL)][-1] == "slow"


def test_no_source_at_all_is_no_answer_at_all():
    assert find(query(), [], LOCAL) == []


def test_it_asks_as_the_standard_has_it(archive):
    ask(of(archive))
    (asked,) = archive.requests
    assert (asked.kind, asked.level, asked.calling) == (Kind.FIND, "STUDY", "PREVIEW")
    assert matched(asked) == {"PatientID": PATIENT_ID}


def test_a_range_is_asked_for_besides_all_dates_in_the_same_association(archive):
    ask(of(archive), query(**NOVEMBER))
    every, ranged = archive.requests
    assert matched(every) == {"PatientID": PATIENT_ID}
    assert matched(ranged) == {"PatientID": PATIENT_ID, "StudyDate": "20261101-20261130"}
    assert archive.associations == 1


def matched(asked):
    return {keyword: value for keyword, value in asked.keys.items() if value}


def test_an_id_outside_ascii_is_asked_for_in_utf_8(archive):
    patient = replace(OKAFOR, identity=PatientIdentity("Ä-17", "HOSP"))
    hold(archive, "1.7", patient=patient)
    assert uids(ask(of(archive), query(patient))) == ["1.7"]


def test_one_study_is_found_by_its_uid(archive):
    assert find_study(of(archive), LOCAL, "1.1").patient.family_name == "OKAFOR"
    assert find_study(of(archive), LOCAL, "1.9") is None


# Dates


def test_a_date_range_holds_both_its_ends(archive):
    hold(archive, "1.31", day="20261031")
    hold(archive, "1.30", day="20261130")
    hold(archive, "1.12", day="20261201")
    said = ask(of(archive), query(**NOVEMBER))
    assert (said.kind, uids(said), said.outside) == (FOUND, ["1.30", "1.1"], 2)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ({"start": date(2026, 11, 2)}, ["1.2", "1.0"]),
        ({"end": date(2026, 11, 1)}, ["1.1", "1.0"]),
        ({}, ["1.2", "1.1", "1.0"]),
    ],
)
def test_either_end_of_the_range_may_be_open(archive, span, expected):
    hold(archive, "1.2", day="20261102")
    hold(archive, "1.0", day="")
    assert uids(ask(of(archive), query(**span))) == expected


def test_an_undated_study_is_always_found(archive):
    hold(archive, "1.0", day="")
    said = ask(of(archive), query(start=date(2026, 12, 1)))
    assert (said.kind, uids(said), said.outside) == (FOUND, ["1.0"], 1)
    assert (said.studies[0].study_date, said.studies[0].study_date_text) == (None, "")


def test_with_everything_outside_the_range_the_patient_is_absent_but_the_rest_is_counted(archive):
    said = ask(of(archive), query(start=date(2026, 12, 1)))
    assert (said.kind, said.studies, said.outside) == (ABSENT, (), 1)


@pytest.mark.parametrize("written", ["00000000", "2026", "20261301", "yesterday", "20261101\\20261102"])
def test_a_date_that_is_none_makes_the_study_undated_and_is_kept_as_written(written):
    with answering(answer(StudyDate=written.split("\\") if "\\" in written else written)) as port:
        said = ask(source(port), query(start=date(2027, 1, 1)))
    assert said.kind is FOUND
    assert (said.studies[0].study_date, said.studies[0].study_date_text) == (None, written)


def test_a_date_with_dots_is_read_and_kept_as_written():
    with answering(answer(StudyDate="2026.11.01")) as port:
        said = ask(source(port), query(**NOVEMBER))
    assert (said.studies[0].study_date, said.studies[0].study_date_text) == (date(2026, 11, 1), "2026.11.01")


def test_a_birth_date_that_is_none_is_kept_as_written():
    with answering(answer(PatientBirthDate="00000000")) as port:
        patient = ask(source(port)).studies[0].patient
    assert (patient.birth_date, patient.birth_date_text) == (None, "00000000")


# Modality


def test_the_modality_is_filtered_here_and_never_asked_for(archive):
    hold(archive, "1.5", Modality="MR")
    said = ask(of(archive), query(modalities=["MR", "US"]))
    assert (uids(said), said.outside) == (["1.5"], 1)
    assert not archive.requests[0].keys["ModalitiesInStudy"]


def test_a_study_of_several_modalities_is_wanted_for_each_of_them(archive):
    (report,) = study(study_uid="1.1", images=1, Modality="SR")
    archive.add(report)
    assert uids(ask(of(archive), query(modalities=["SR"]))) == ["1.1"]


def test_a_study_that_names_no_modality_stays_in(archive):
    archive.behave(b.omits_return_keys("ModalitiesInStudy"))
    said = ask(of(archive), query(modalities=["MR"]))
    assert (said.kind, uids(said), said.studies[0].modalities) == (FOUND, ["1.1"], ())


# What archives leave out or write otherwise


@pytest.mark.parametrize(
    ("keyword", "field", "unknown"),
    [
        ("StudyDate", "study_date", None),
        ("StudyTime", "study_time", ""),
        ("AccessionNumber", "accession", ""),
        ("ModalitiesInStudy", "modalities", ()),
        ("ReferringPhysicianName", "referrer", ""),
        ("StudyDescription", "description", ""),
        ("NumberOfStudyRelatedSeries", "series_count", None),
        ("NumberOfStudyRelatedInstances", "instance_count", None),
        ("IssuerOfPatientID", "issuer_assumed", True),
    ],
)
def test_each_return_key_may_be_left_out(archive, keyword, field, unknown):
    archive.behave(b.omits_return_keys(keyword))
    said = ask(of(archive), query(**NOVEMBER))
    assert (said.kind, uids(said)) == (FOUND, ["1.1"])
    assert getattr(said.studies[0], field) == unknown


@pytest.mark.parametrize("keyword", ["PatientName", "PatientBirthDate", "PatientSex"])
def test_what_is_left_out_of_the_patient_is_empty_and_the_study_still_found(archive, keyword):
    archive.behave(b.omits_return_keys(keyword))
    patient = ask(of(archive)).studies[0].patient
    attribute = {"PatientName": "name", "PatientBirthDate": "birth_date", "PatientSex": "sex"}[keyword]
    assert not getattr(patient, attribute)


def test_an_answer_without_a_patient_id_is_not_taken_for_the_patients(archive):
    archive.behave(b.omits_return_keys("PatientID"))
    said = ask(of(archive))
    assert (said.kind, said.studies, said.strangers) == (TRUNCATED, (), 0)
    assert said.reason is Reason.NO_ID


def test_answers_about_another_id_do_not_hide_that_one_names_none():
    with answering(answer(), answer("1.8", PatientID=None), answer("1.9", PatientID="9990001")) as port:
        said = ask(source(port))
    assert (said.kind, uids(said), said.strangers) == (TRUNCATED, ["1.2.3"], 1)
    assert said.reason is Reason.NO_ID


def test_an_answer_without_a_study_uid_cannot_be_used_and_is_not_called_a_strangers():
    with answering(answer(), answer(study_uid=None, StudyDescription="CT")) as port:
        said = ask(source(port))
    assert (said.kind, uids(said), said.strangers) == (TRUNCATED, ["1.2.3"], 0)
    assert said.reason is Reason.UNREADABLE


@pytest.mark.parametrize("study_uid", ["1.2.*", ["1.2.3", "1.2.4"], "1." + "2" * 63])
def test_an_answer_whose_study_uid_could_mean_several_studies_or_is_too_long_cannot_be_used(study_uid):
    with answering(answer(study_uid=study_uid)) as port:
        said = ask(source(port))
    assert (said.kind, said.studies, said.reason) == (TRUNCATED, (), Reason.UNREADABLE)


def test_an_answer_that_cannot_be_decoded_is_counted_and_never_passed_over():
    endless_sequence = b"\x08\x00\x40\x11\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\x7f"
    with answering(answer(), endless_sequence) as port:
        said = ask(source(port))
    assert (said.kind, uids(said), said.reason) == (TRUNCATED, ["1.2.3"], Reason.UNREADABLE)
    assert "decoded" in said.detail


def explicit(group, element, vr, value):
    """One element in Explicit VR Little Endian."""
    size = b"\0\0" + len(value).to_bytes(4, "little") if vr == b"SQ" else len(value).to_bytes(2, "little")
    return group.to_bytes(2, "little") + element.to_bytes(2, "little") + vr + size + value


@pytest.mark.parametrize(
    ("vr", "value"),
    [
        (b"FD", b"abc"),
        (b"US", b"x"),
        (b"SQ", b"garbage"),
        (b"SQ", b"\xfe\xff\x00\xe0\xff\xff\xff\x7f"),
        (b"XX", b"what"),
    ],
)
@pytest.mark.parametrize("element", [0x1030, 0x0005])
def test_one_malformed_element_never_silently_loses_its_study_and_never_the_others(vr, value, element):
    malformed = [
        explicit(0x0008, element, vr, value),
        explicit(0x0010, 0x0020, b"LO", PATIENT_ID.encode()),
        explicit(0x0020, 0x000D, b"UI", b"1.2.4\0"),
    ]
    with answering(answer(), b"".join(malformed)) as port:
        said = ask(source(port, charset="ISO_IR 100"))
    assert said.kind in {FOUND, TRUNCATED}
    assert "1.2.3" in uids(said)
    assert "1.2.4" in uids(said) or said.reason is Reason.UNREADABLE
    assert element == 0x0005 or said.kind is FOUND


def test_a_number_that_is_none_is_unknown():
    odd = answer(NumberOfStudyRelatedInstances="7")
    odd["NumberOfStudyRelatedInstances"]._value = "many"
    with answering(odd) as port:
        said = ask(source(port))
    assert (said.kind, said.studies[0].instance_count) == (FOUND, None)


def test_a_study_that_is_answered_twice_is_one_study():
    with answering(answer(), answer()) as port:
        assert uids(ask(source(port))) == ["1.2.3"]


def test_the_issuer_in_the_answer_wins_over_the_one_of_the_settings(archive):
    archive.behave(b.answers_with_issuer("ELSEWHERE"))
    (found,) = ask(of(archive)).studies
    assert (found.patient.identity.issuer, found.issuer_assumed) == ("ELSEWHERE", False)


def test_an_answer_without_an_issuer_gets_the_sources_and_says_so(archive):
    archive.behave(b.answers_with_issuer(""))
    (found,) = ask(of(archive)).studies
    assert (found.patient.identity.issuer, found.issuer_assumed) == ("HOSP", True)


@pytest.mark.parametrize("written", ["04471902", "4471902 ", "004471902"])
def test_an_id_with_other_padding_is_found_as_it_is_written(written):
    with answering(answer(PatientID=written)) as port:
        said = ask(source(port))
    assert (said.kind, said.studies[0].patient.identity.patient_id) == (FOUND, written.strip())


def test_an_answer_without_an_id_is_not_taken_for_the_id_zero():
    zero = replace(OKAFOR, identity=PatientIdentity("000", "HOSP"))
    with answering(answer(PatientID="", study_uid="1.1"), answer(PatientID="0", study_uid="1.2")) as port:
        said = ask(source(port), query(zero))
    assert (uids(said), said.strangers, said.reason) == (["1.2"], 0, Reason.NO_ID)


# Answers about somebody else


def test_answers_about_another_id_are_dropped_and_the_answer_is_not_complete(archive):
    hold(archive, "1.8", "1.9", patient=STRANGER)
    archive.behave(b.ignores_patient_id())
    said = ask(of(archive))
    assert (said.kind, uids(said), said.strangers) == (TRUNCATED, ["1.1"], 2)
    assert said.reason is Reason.IGNORED_KEY
    assert "2 answers" in said.detail


def test_nothing_but_answers_about_another_id_never_reads_as_none(archive):
    archive.behave(b.ignores_patient_id())
    said = ask(of(archive), query(STRANGER))
    assert (said.kind, said.studies, said.strangers) == (TRUNCATED, (), 1)


def test_an_id_that_only_begins_like_ours_is_somebody_elses():
    longer = answer(PatientID=f"{PATIENT_ID}1", study_uid="1.9")
    with answering(answer(), longer) as port:
        said = ask(source(port))
    assert (said.kind, uids(said), said.strangers) == (TRUNCATED, ["1.2.3"], 1)


# Too many answers


def test_a_limit_that_the_archive_admits_is_truncated(archive):
    hold(archive, "1.2", "1.3")
    archive.behave(b.caps_answers(2, 0xA700))
    said = ask(of(archive))
    assert (said.kind, len(said.studies), said.reason) == (TRUNCATED, 2, Reason.TOO_MANY)
    assert "0xA700" in said.detail


def test_exactly_as_many_answers_as_the_limit_may_not_be_all(archive):
    hold(archive, "1.2", "1.3")
    archive.behave(b.caps_answers(2))
    said = ask(of(archive, answer_limit=2))
    assert (said.kind, len(said.studies), said.reason) == (TRUNCATED, 2, Reason.TOO_MANY)
    assert ask(of(archive, answer_limit=3)).kind is FOUND


def test_one_more_than_the_limit_ends_the_association(archive):
    hold(archive, *(f"1.{n}" for n in range(2, 40)))
    archive.behave(b.slow(0.05))
    began = time.monotonic()
    one_day = query(start=date(2026, 11, 1), end=date(2026, 11, 1))
    said = ask(of(archive, answer_limit=3, timeouts=Timeouts(1, 5, 5, 5)), one_day)
    assert (said.kind, len(said.studies), said.reason) == (TRUNCATED, 3, Reason.TOO_MANY)
    assert time.monotonic() - began < 2.5  # twice 39 answers would take 4 s


@pytest.mark.parametrize("how", [b.caps_answers(3), b.caps_answers(3, 0xA700), b.WELL])
def test_where_there_are_too_many_the_range_is_asked_for_besides(archive, how):
    hold(archive, *(f"1.{n}" for n in range(2, 9)), day="20200101")
    hold(archive, "1.77", day="20261103")
    archive.behave(how)
    said = ask(of(archive, answer_limit=3), query(**NOVEMBER))
    assert (said.kind, said.reason, said.broken_off) == (TRUNCATED, Reason.UNDATED_MAY_LACK, False)
    assert uids(said) == ["1.77", "1.1"]
    assert [asked.keys["StudyDate"] for asked in archive.requests] == ["", "20261101-20261130"]


def test_a_study_in_the_range_is_found_though_the_archive_silently_caps_all_dates(archive):
    hold(archive, "1.2", "1.3", "1.4", day="20200101")
    hold(archive, "1.5", day="20261231")
    archive.behave(b.caps_answers(3))
    said = ask(of(archive), query(start=date(2026, 12, 1)))
    assert (uids(said), archive.associations) == (["1.5"], 1)
    assert (said.kind, said.reason) == (TRUNCATED, Reason.UNDATED_MAY_LACK)


@pytest.mark.parametrize(
    "how", [b.caps_answers(3), b.caps_answers(3, 0xA700), b.caps_answers(3, 0xC001), b.WELL]
)
@pytest.mark.parametrize("span", [{}, {"start": date(1900, 1, 1)}, {"end": date(2030, 1, 1)}])
def test_more_than_one_answer_holds_is_asked_for_in_parts_until_every_dated_study_is_there(
    archive, how, span
):
    days = [date(2015, 1, 1) + timedelta(days=97 * n) for n in range(20)]
    for n, day in enumerate(days):
        hold(archive, f"1.9.{n}", day=f"{day:%Y%m%d}")
    archive.behave(how)
    said = ask(of(archive, answer_limit=3), query(**span))
    assert len(said.studies) == 21
    assert (said.kind, said.reason, said.broken_off) == (TRUNCATED, Reason.UNDATED_MAY_LACK, False)
    assert len(archive.requests) <= MOST_QUESTIONS + 2


def test_parts_that_are_below_the_cap_are_asked_for_in_few_associations(archive):
    hold(archive, *(f"1.9.{n}" for n in range(2)), day="20200101")
    archive.behave(b.caps_answers(2))
    said = ask(of(archive, answer_limit=2))
    assert said.reason is Reason.TOO_MANY  # two of one day are as many as the cap
    assert len(archive.requests) > archive.associations


def test_a_patient_with_more_studies_than_there_are_questions_is_truncated(archive):
    for n in range(80):
        hold(archive, f"1.9.{n}", day=f"{date(2015, 1, 1) + timedelta(days=n):%Y%m%d}")
    archive.behave(b.caps_answers(2))
    said = ask(of(archive, answer_limit=2))
    assert (said.kind, said.reason) == (TRUNCATED, Reason.TOO_MANY)
    assert len(archive.requests) <= MOST_QUESTIONS + 1


def test_where_the_archive_refuses_the_parts_what_came_before_is_kept_and_why_is_said():
    full = [answer(f"1.2.{n}") for n in range(3)]
    with answering(*full, refuses_ranges=True) as port:
        said = ask(source(port, answer_limit=3))
    assert (said.kind, len(said.studies), said.reason) == (TRUNCATED, 3, Reason.REQUEST_FAILED)
    assert said.broken_off


def test_asking_in_parts_takes_no_longer_than_asking_may(monkeypatch):
    monkeypatch.setattr(dimse, "FIND_S", 1.0)
    full = [answer(f"1.2.{n}") for n in range(3)]
    began = time.monotonic()
    with answering(*full, pause=0.1) as port:
        said = ask(source(port, answer_limit=3))
    assert (said.kind, len(said.studies)) == (TRUNCATED, 3)
    assert said.reason in {Reason.NO_ANSWER, Reason.TOO_MANY}
    assert time.monotonic() - began < 2.5


def test_what_all_dates_brought_is_kept_where_the_archive_refuses_the_range():
    with answering(answer(), refuses_ranges=True) as port:
        said = ask(source(port), query(**NOVEMBER))
    assert (said.kind, uids(said), said.reason) == (TRUNCATED, ["1.2.3"], Reason.REQUEST_FAILED)
    assert "0xC000" in said.detail


def test_answers_that_come_for_all_dates_and_for_the_range_are_counted_once(archive):
    hold(archive, "1.8", "1.9", patient=STRANGER)
    archive.behave(b.ignores_patient_id())
    said = ask(of(archive, answer_limit=4), query(**NOVEMBER))
    assert (uids(said), said.strangers, said.reason) == (["1.1"], 2, Reason.IGNORED_KEY)


def test_nothing_in_the_range_of_a_truncated_answer_is_not_absent(archive):
    hold(archive, "1.2", "1.3")
    archive.behave(b.caps_answers(2, 0xA700))
    assert ask(of(archive), query(start=date(2027, 1, 1))).kind is TRUNCATED


# Outages


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        ("calling", Reason.CALLING_AET_UNKNOWN),
        ("called", Reason.CALLED_AET_UNKNOWN),
        ("busy", Reason.BUSY),
        ("permanent", Reason.REJECTED),
    ],
)
def test_a_refused_association_is_an_outage_with_its_reason(archive, refusal, reason):
    archive.behave(b.refuses_association(refusal))
    said = ask(of(archive))
    assert (said.kind, said.reason, said.studies) == (OUTAGE, reason, ())
    assert said.detail.startswith("A-ASSOCIATE-RJ")


def test_a_wrong_ae_title_is_an_outage(archive):
    assert ask(of(archive, aet="OTHER")).reason is Reason.CALLED_AET_UNKNOWN


def test_an_archive_that_does_not_know_us_is_an_outage():
    with Archive("MAIN", known_callers={"FRIEND"}).start() as archive:
        assert ask(of(archive)).reason is Reason.CALLING_AET_UNKNOWN


def test_a_port_on_which_nothing_listens_is_an_outage():
    with b.nothing_listens() as port:
        said = ask(source(port))
    assert (said.kind, said.reason) == (OUTAGE, Reason.CONNECTION_REFUSED)


@pytest.mark.parametrize("host", ["pacs.invalid", "pacs..invalid", "p" * 64])
def test_a_host_that_is_not_known_is_an_outage(host):
    said = ask(source(104, host=host))
    assert (said.kind, said.reason) == (OUTAGE, Reason.HOST_UNKNOWN)


def test_something_that_does_not_speak_dicom_is_an_outage():
    with b.not_dicom() as port:
        said = ask(source(port))
    assert (said.kind, said.reason) == (OUTAGE, Reason.NOT_DICOM)


def test_an_archive_that_hangs_is_an_outage_after_its_time_out(archive):
    archive.behave(b.hangs())
    began = time.monotonic()
    said = ask(of(archive, timeouts=IMPATIENT))
    assert (said.kind, said.reason) == (OUTAGE, Reason.NO_ANSWER)
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize("after", [0, 1])
def test_an_archive_that_hangs_in_the_middle_of_its_answers_is_an_outage(archive, after):
    hold(archive, "1.2")
    archive.behave(b.hangs_in_find(after))
    said = ask(of(archive, timeouts=IMPATIENT))
    assert (said.kind, said.reason, said.studies) == (OUTAGE, Reason.NO_ANSWER, ())


@pytest.mark.parametrize("after", [0, 1])
def test_an_archive_that_drops_the_line_in_the_middle_of_its_answers_is_an_outage(archive, after):
    hold(archive, "1.2")
    archive.behave(b.drops_after(after, Kind.FIND))
    said = ask(of(archive))
    reason = Reason.CONNECTION_LOST if after else Reason.TURNED_AWAY
    assert (said.kind, said.reason, said.studies) == (OUTAGE, reason, ())


def test_an_archive_that_drops_the_line_once_it_is_open_is_an_outage():
    with hangs_up() as port:
        for _ in range(20):  # it may be noticed before the question, while it is sent, or after it
            said = ask(source(port))
            assert said.kind == OUTAGE
            assert said.reason in {Reason.CONNECTION_LOST, Reason.TURNED_AWAY}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (0xA700, Reason.OUT_OF_RESOURCES),
        (0xA900, Reason.REQUEST_FAILED),
        (0xC000, Reason.REQUEST_FAILED),
        (0x0122, Reason.NOT_SUPPORTED),
        (0x0124, Reason.REJECTED),
        (0xB000, Reason.REQUEST_FAILED),
        (0xFE00, Reason.CONNECTION_LOST),
        (0x1234, Reason.REQUEST_FAILED),
    ],
)
def test_a_status_that_is_not_success_is_an_outage_with_its_reason(archive, status, reason):
    archive.behave(b.answers(status))
    said = ask(of(archive))
    assert (said.kind, said.reason) == (OUTAGE, reason)
    assert f"0x{status:04X}" in said.detail


@pytest.mark.parametrize("status", [0xA900, 0x0110])
def test_a_failure_after_some_answers_is_an_outage(status):
    with answering(answer(), status=status) as port:
        assert ask(source(port)).kind is OUTAGE


def test_an_archive_that_does_not_offer_to_be_asked_is_an_outage():
    with only_echoes() as port:
        said = ask(source(port))
    assert (said.kind, said.reason) == (OUTAGE, Reason.NOT_SUPPORTED)


def test_every_outage_says_what_to_do_now():
    assert all(reason.sentence and reason.next_step for reason in Reason)
    assert len({reason.code for reason in Reason}) == len(Reason)


def test_a_dead_source_never_reads_as_none_and_does_not_hold_up_a_living_one(archive):
    with ExitStack() as stack:
        hanging = stack.enter_context(Archive("HANGS").start())
        hanging.behave(b.hangs())
        sources = [
            source(stack.enter_context(b.nothing_listens()), "closed"),
            source(stack.enter_context(b.not_dicom()), "web"),
            of(hanging, "hanging"),
            of(archive),
        ]
        began = time.monotonic()
        said = [(a.source.name, a.kind, time.monotonic() - began) for a in find_each(query(), sources, LOCAL)]
    assert {name: kind for name, kind, _ in said} == {
        "closed": OUTAGE,
        "web": OUTAGE,
        "hanging": OUTAGE,
        "main": FOUND,
    }
    assert next(seconds for name, _, seconds in said if name == "main") < 1  # its own time-out
    assert said[-1][0] == "hanging"
    assert said[-1][2] < 2.5


def test_every_source_is_asked_at_the_same_time():
    with ExitStack() as stack:
        slow = [stack.enter_context(Archive("MAIN", datasets=study()).start()) for _ in range(3)]
        for archive in slow:
            archive.behave(b.slow(0.6))
        began = time.monotonic()
        answers = find(query(), [of(a, f"s{n}") for n, a in enumerate(slow)], LOCAL)
        took = time.monotonic() - began
    assert [said.kind for said in answers] == [FOUND] * 3
    assert 0.6 <= took < 1.5


class Impatient(LocalAllowance):
    """Waits only a moment for a line."""

    def line(self, source, **how):
        return super().line(source, **{**how, "patience": 0.2})


def test_a_source_whose_lines_are_all_taken_could_not_be_asked_and_never_reads_as_none(archive):
    allowance, one = Impatient(), of(archive, associations=1)
    with allowance.line(one):
        (said,) = find(query(), [one], LOCAL, allowance=allowance)
        assert (said.kind, said.reason, said.studies) == (OUTAGE, Reason.LINES_TAKEN, ())
        with pytest.raises(SourceRefused):
            find_study(one, LOCAL, "1.1", allowance=allowance)
        assert archive.associations == 0
    (said,) = find(query(), [one], LOCAL, allowance=allowance)
    assert (said.kind, archive.associations) == (FOUND, 1)


def test_a_line_is_given_back_after_every_answer(archive):
    allowance, one = Impatient(), of(archive, associations=1)
    for how in (b.refuses_association("busy"), b.answers(0xA900), b.drops_after(0, Kind.FIND), b.WELL):
        archive.behave(how)
        (said,) = find(query(), [one], LOCAL, allowance=allowance)
        assert said.reason is not Reason.LINES_TAKEN
    assert said.kind is FOUND


def test_each_layer_has_a_time_out_of_its_own(archive):
    archive.behave(b.hangs_in_find())
    began = time.monotonic()
    patient = Timeouts(connect=5, association=5, message=0.4, network=5)
    assert ask(of(archive, timeouts=patient)).reason is Reason.NO_ANSWER
    assert 0.4 <= time.monotonic() - began < 2


def test_after_an_answer_nothing_of_the_association_is_left(archive):
    before = {thread.name for thread in threading.enumerate() if "archive" not in thread.name}
    hold(archive, *(f"1.{n}" for n in range(2, 9)))
    one = of(archive, answer_limit=3)
    ask(one)
    archive.behave(b.drops_after(1, Kind.FIND))
    ask(one)
    archive.behave(b.hangs_in_find(1))
    ask(one)
    archive.behave_well()
    end = time.monotonic() + 3
    while (left := _requestors(before)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not left


def _requestors(before):
    """Threads of associations that we opened; the archive's own are acceptors."""
    alive = [t for t in threading.enumerate() if getattr(t, "is_requestor", False)]
    return [thread.name for thread in alive if thread.name not in before]


def test_a_fault_of_our_own_with_one_source_leaves_the_others_alone(archive, caplog):
    faulty = of(archive, "faulty", aet="A TITLE THAT IS MUCH TOO LONG")
    stopped, said = find(query(), [faulty, of(archive)], LOCAL)
    assert (stopped.kind, stopped.reason, stopped.detail) == (OUTAGE, Reason.UNEXPECTED, "ValueError")
    assert (said.kind, uids(said)) == (FOUND, ["1.1"])
    ours = [record.getMessage() for record in caplog.records if record.name == "fetch.find"]
    assert ours == ["source=faulty asking stopped by ValueError"]


# Questions that are never asked


@pytest.mark.parametrize(
    "patient_id",
    ["", "   ", "\t", "*", "4471*", "447190?", "4471902\\9990001", "4471902\n", "\0", "4" * 65],
)
@pytest.mark.parametrize("ask_all", [False, True])
def test_an_id_that_could_mean_several_patients_is_refused_before_anything_is_sent(
    archive, patient_id, ask_all
):
    patient = replace(OKAFOR, identity=PatientIdentity(patient_id, "HOSP"))
    with pytest.raises(UnsafeQuery) as refused:
        ask(of(archive), query(patient), ask_all=ask_all)
    assert (archive.requests, archive.associations) == ([], 0)
    assert "4471" not in str(refused.value)


@pytest.mark.parametrize("issuer", ["", "  "])
def test_an_id_without_an_issuer_is_refused(archive, issuer):
    with pytest.raises(UnsafeQuery):
        ask(of(archive, issuer=issuer), query(Patient(PatientIdentity(PATIENT_ID, issuer))))
    assert archive.associations == 0


def test_a_range_that_ends_before_it_starts_is_refused(archive):
    with pytest.raises(UnsafeQuery):
        ask(of(archive), query(start=date(2026, 11, 2), end=date(2026, 11, 1)))
    assert archive.associations == 0


def test_a_study_uid_as_long_as_the_standard_allows_can_be_asked_for(archive):
    longest = "1." + "2" * 62
    hold(archive, longest)
    assert find_study(of(archive), LOCAL, longest).study_uid == longest


@pytest.mark.parametrize("study_uid", ["", " ", "*", "1.2.*", "1.1\\1.2", "1.1?", "1." + "2" * 63])
def test_a_study_uid_that_could_mean_several_studies_or_is_too_long_is_refused(archive, study_uid):
    with pytest.raises(UnsafeQuery):
        find_study(of(archive), LOCAL, study_uid)
    assert archive.associations == 0


# Character sets

NAKAMURA = "NAKAMURA^Hanako=中村^花子=なかむら^はなこ"


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "SJÖGREN^Åsa"),
        ("ISO_IR 144", "Люкceмбypг^Роза"),
        ("ISO_IR 192", "SJÖGREN^Åsa=中村^花子"),
        (["", "ISO 2022 IR 87"], NAKAMURA),
        ("GB18030", "Wang^XiaoDong=王^小东"),
    ],
)
def test_a_name_is_read_in_the_character_set_that_the_answer_names(charset, name):
    patient = replace(OKAFOR, name=name)
    held = study(patient, images=1, SpecificCharacterSet=charset, StudyDescription="CT Thorax")
    with Archive("MAIN", datasets=held).start() as archive:
        (found,) = ask(of(archive)).studies
    assert found.patient.name == name
    assert found.patient.family_name == name.split("^")[0]


def raw(group, element, value, vr=b""):
    """One element in Implicit VR Little Endian."""
    value += b" " * (len(value) % 2)
    return (
        group.to_bytes(2, "little") + element.to_bytes(2, "little") + len(value).to_bytes(4, "little") + value
    )


def nameless(name, charset=None):
    """An answer with this name in bytes, and a character set only where one is given."""
    elements = [] if charset is None else [raw(0x0008, 0x0005, charset)]
    elements += [raw(0x0008, 0x0020, b"20261101"), raw(0x0008, 0x1030, name.split(b"^")[0])]
    elements += [raw(0x0010, 0x0010, name), raw(0x0010, 0x0020, PATIENT_ID.encode())]
    return b"".join([*elements, raw(0x0020, 0x000D, b"1.2.3\0"[:6])])


@pytest.mark.parametrize("named", [None, b""])
@pytest.mark.parametrize(
    ("charset", "name", "encoded"),
    [
        ("ISO_IR 100", "SJÖGREN^Åsa", "SJÖGREN^Åsa".encode("latin-1")),
        ("ISO_IR 192", "SJÖGREN^Åsa", "SJÖGREN^Åsa".encode()),
        (
            r"\ISO 2022 IR 87",
            "NAKAMURA^Hanako=中村^花子",
            b"NAKAMURA^Hanako=\x1b$BCfB<\x1b(B^\x1b$B2V;R\x1b(B",
        ),
    ],
)
def test_an_answer_that_names_no_character_set_is_read_in_the_sources(named, charset, name, encoded):
    with answering(nameless(encoded, named)) as port:
        (found,) = ask(source(port, charset=charset)).studies
    assert found.patient.name == name
    assert found.description == name.split("^")[0]


def test_the_sources_character_set_does_not_replace_one_that_is_named():
    with answering(nameless("SJÖGREN^Åsa".encode(), b"ISO_IR 192")) as port:
        (found,) = ask(source(port, charset="ISO_IR 100")).studies
    assert found.patient.name == "SJÖGREN^Åsa"


@pytest.mark.parametrize("named", [None, b"ISO_IR 6", b"NONSENSE"])
def test_a_name_in_an_unknown_character_set_does_not_lose_the_study(named):
    with answering(nameless("SJÖGREN^Åsa".encode("latin-1"), named)) as port:
        said = ask(source(port))
    assert (said.kind, uids(said)) == (FOUND, ["1.2.3"])
