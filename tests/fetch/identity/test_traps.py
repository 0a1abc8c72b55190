"""The traps that identities hold: each has sent somebody's images to another patient, or lost them."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from fetch.identity import Agreement, Context, Doubt, Field, Grade, Link, Remark, judge, same_person
from fetch.model import Patient, PatientIdentity

TESTS = Path(__file__).parents[2]
TODAY = date(2026, 11, 25)
HERE = Context(frozenset({"HOSP_A"}), today=TODAY)
CERTAIN, PROBABLE, POSSIBLE, CERTAINLY_NOT = Grade


def who(
    name: str = "SMITH^JOHN",
    born: str = "19750714",
    patient_id: str = "4471902",
    issuer: str = "HOSP_A",
    sex: str = "M",
) -> Patient:
    try:
        day = date(int(born[:4]), int(born[4:6]), int(born[6:]))
    except ValueError:
        day = None
    return Patient(PatientIdentity(patient_id, issuer), name, day, sex, "" if day else born)


SMITH = who()


def grade(asked: Patient, found: Patient, context: Context = HERE) -> Grade:
    judgement = judge(asked, found, context)
    assert judge(found, asked, context).grade is judgement.grade or asked.identity != found.identity
    return judgement.grade


def doubts(asked: Patient, found: Patient, context: Context = HERE) -> set[Doubt]:
    return set(judge(asked, found, context).doubts)


def says(field: Field, asked: Patient, found: Patient) -> Agreement:
    return next(one.agreement for one in judge(asked, found, HERE).fields if one.field is field)


# 1, 2: issuers


@pytest.mark.parametrize("issuer", ["RIVERSIDE", "", "HOSP_B", "hosp_a", "HOSP_AB", "HOSP A"])
def test_the_same_number_of_two_issuers_is_nobodys_proof(issuer):
    found = who(issuer=issuer)
    for trusted in ({"HOSP_A"}, {"HOSP_A", "RIVERSIDE", "HOSP_B"}):
        assert grade(SMITH, found, Context(frozenset(trusted), today=TODAY)) is PROBABLE


@pytest.mark.parametrize("issuer", ["HOSP_A&1.2.3&ISO", " HOSP_A ", "HOSP_A&&"])
def test_an_issuer_written_with_its_universal_id_is_the_same(issuer):
    assert grade(SMITH, who(issuer=issuer)) is CERTAIN


def test_a_universal_id_decides_over_the_name_beside_it():
    asked = who(issuer="HOSP_A&1.2.3&ISO")
    trusted = Context(frozenset({"HOSP_A&1.2.3&ISO", "HOSP_A&9.9.9&ISO"}), today=TODAY)
    assert grade(asked, who(issuer="1.2.3"), trusted) is CERTAIN
    assert grade(asked, who(issuer="urn:oid:1.2.3"), trusted) is CERTAIN
    assert Doubt.ISSUER_DIFFERS in doubts(asked, who(issuer="HOSP_A&9.9.9&ISO"), trusted)


def test_two_sides_of_which_nobody_knows_the_issuer_are_never_certain():
    assert Doubt.ISSUER_MISSING in doubts(who(issuer=""), who(issuer=""), Context(frozenset({""})))


# 3, and ids of every kind


@pytest.mark.parametrize(
    "written", ["04471902", "0004471902", " 4471902 ", "4471902\0", "447 1902", "447-1902"]
)
def test_padding_zeros_and_separators_do_not_make_another_id(written):
    assert grade(SMITH, who(patient_id=written)) is CERTAIN


@pytest.mark.parametrize("written", ["A4471902", "4471902-7", "44719020", "447190", "4471902A", "MRN4471902"])
def test_a_prefix_a_check_digit_or_a_missing_digit_raises_the_rank_and_not_the_grade(written):
    assert says(Field.ID, SMITH, who(patient_id=written)) is Agreement.SIMILAR
    assert grade(SMITH, who(patient_id=written)) is PROBABLE


def test_an_id_is_never_a_number():
    assert grade(who(patient_id="1E5"), who(patient_id="100000")) is not CERTAIN
    assert grade(who(patient_id="12345.0"), who(patient_id="12345")) is not CERTAIN
    assert grade(who(patient_id="٤٤٧١٩٠٢"), SMITH) is not CERTAIN


def test_case_alone_does_not_make_another_id():
    assert grade(who(patient_id="ab1234"), who(patient_id="AB1234")) is CERTAIN


@pytest.mark.parametrize("empty", ["", " ", "\0", "-", "\u3000"])
def test_an_empty_id_is_nobodys_even_on_both_sides(empty):
    assert grade(who(patient_id=empty), who(patient_id=empty)) is PROBABLE
    assert doubts(who(patient_id=empty), who(patient_id="")) & {Doubt.ID_MISSING, Doubt.ID_PLACEHOLDER}


@pytest.mark.parametrize(
    "written", ["447190*", "447190?", "4471902\\9990001", "4471902^^^HOSP_A", "44=7", "x" * 65]
)
def test_wildcards_backslashes_carets_and_what_is_too_long_are_no_ids(written):
    odd = who(patient_id=written)
    assert Doubt.ID_UNUSABLE in doubts(odd, odd)
    assert grade(odd, odd) is not CERTAIN


def test_an_id_of_64_characters_is_one():
    long = "A1" * 32
    assert grade(who(patient_id=long), who(patient_id=long)) is CERTAIN
    assert grade(who(patient_id=long), who(patient_id=long[:-1] + "2")) is not CERTAIN
    assert grade(who(patient_id=long), who(patient_id=long + "A1")) is not CERTAIN


# 4: a number that was given out again


def test_a_reused_id_is_named_and_stays_on_the_list():
    before = who("KOWALSKI^ANNA", "19310211", sex="F")
    assert Doubt.ID_REUSED in doubts(SMITH, before)
    assert grade(SMITH, before) is POSSIBLE


def test_an_id_that_two_of_ours_have_identifies_neither():
    assert doubts(SMITH, SMITH, replace(HERE, holders=2)) == {Doubt.ID_SHARED}
    assert grade(SMITH, SMITH, replace(HERE, holders=2)) is PROBABLE


def test_where_two_of_ours_qualify_none_does():
    assert doubts(SMITH, SMITH, replace(HERE, qualifying=2)) == {Doubt.SEVERAL_QUALIFY}
    assert grade(SMITH, SMITH, replace(HERE, qualifying=2)) is PROBABLE


# 5, 20: what was confirmed, and has changed since


OUTSIDE = who("SMITH^JOHN", issuer="RIVERSIDE", patient_id="RR-7")
MARRIED = replace(OUTSIDE, name="MILLER^JOHN")


def linked(asked: Patient = SMITH, found: Patient = OUTSIDE) -> Context:
    return replace(HERE, link=Link(asked, found))


def test_what_staff_confirmed_is_certain_while_it_agrees():
    judgement = judge(SMITH, OUTSIDE, linked())
    assert (judgement.grade, judgement.remarks[0]) == (CERTAIN, Remark.CONFIRMED)


def test_what_staff_confirmed_in_spite_of_a_conflict_is_certain_while_nothing_changes():
    assert grade(SMITH, MARRIED, linked(found=MARRIED)) is CERTAIN
    assert grade(SMITH, replace(MARRIED, name="miller^john^^^"), linked(found=MARRIED)) is CERTAIN


@pytest.mark.parametrize(
    "now",
    [
        replace(OUTSIDE, name="KOWALSKI^ANNA"),
        replace(OUTSIDE, birth_date=date(1931, 2, 11)),
        replace(OUTSIDE, birth_date=None),
        replace(OUTSIDE, sex="F"),
        replace(OUTSIDE, name="SMITH^JOHN^^^JR"),
    ],
)
def test_a_link_lapses_when_the_source_describes_somebody_else_under_it(now):
    was = replace(OUTSIDE, name="SMITH^JOHN^^^SR") if "JR" in now.name else OUTSIDE
    asked = replace(SMITH, name=was.name)
    assert Doubt.LINK_LAPSED in doubts(asked, now, linked(asked, was))
    assert grade(asked, now, linked(asked, was)) in (PROBABLE, POSSIBLE)


def test_a_link_lapses_when_our_record_is_another_person_after_a_merge():
    survivor = who("KOWALSKI^ANNA", "19310211", sex="F")
    assert Doubt.LINK_LAPSED in doubts(survivor, OUTSIDE, linked())


def test_a_link_is_for_the_very_id_it_was_made_for():
    other = replace(OUTSIDE, identity=PatientIdentity("RR-8", "RIVERSIDE"))
    assert Doubt.LINK_LAPSED in doubts(SMITH, other, linked())


def test_what_has_no_id_was_confirmed_only_as_it_was():
    nameless = who(patient_id="0", issuer="")
    assert grade(SMITH, nameless, linked(found=nameless)) is CERTAIN
    assert grade(SMITH, replace(nameless, name="SMITH^JON"), linked(found=nameless)) is not CERTAIN


# 6: nobody's ids and nobody's names


@pytest.mark.parametrize(
    "written",
    [
        "0",
        "000000",
        "UNKNOWN",
        "unknown",
        "NOID",
        "NO ID",
        "TEMP123",
        "TMP-1",
        "999999999",
        "123456789",
        "N/A",
        "NONE",
        "TEST",
        "ZZTEST1",
        "ANON0001",
        "1",
        "XXXX",
        "...",
        "Trauma7",
        "987654321",
    ],
)
def test_an_id_that_is_given_to_those_without_one_counts_as_none(written):
    nobody = who(patient_id=written)
    assert doubts(nobody, nobody) == {Doubt.ID_PLACEHOLDER}
    assert grade(nobody, nobody) is PROBABLE


@pytest.mark.parametrize(
    "written", ["T123", "NA12345", "X1234567", "MRN00812", "100000", "2000", "12", "1234", "DOE7", "XXXX1234"]
)
def test_a_real_id_is_no_placeholder_because_it_looks_a_little_like_one(written):
    assert grade(who(patient_id=written), who(patient_id=written)) is CERTAIN


@pytest.mark.parametrize(
    "name",
    [
        "Unknown^Male",
        "ZZTEST^JOHN",
        "Doe^Jane",
        "DOE^JOHN",
        "BABY BOY^SMITH",
        "SMITH^TWIN A",
        "SMITH^BABY GIRL",
        "TEST^PATIENT",
        "ANONYMOUS",
        "TRAUMA^ONE",
        "SMITH^Newborn",
        "XXX^XXX",
        "NFN^SMITH",
        "SMITH^INFANT OF MARIA",
    ],
)
def test_a_name_of_somebody_unknown_says_nothing(name):
    nobody = who(name)
    assert Doubt.NAME_PLACEHOLDER in doubts(nobody, nobody)
    assert grade(nobody, nobody) in (PROBABLE, POSSIBLE)
    assert grade(SMITH, who(name, patient_id="")) is not CERTAINLY_NOT


def test_a_made_up_patient_with_a_family_name_of_her_own_is_told_by_it():
    made_up = who("PERF^TEST")
    assert grade(made_up, made_up) is CERTAIN
    assert grade(made_up, who("PERF^OTHER")) is not CERTAIN


# 7: birth dates


@pytest.mark.parametrize("born", ["19000101", "20000101", "20261125", "20270301", "17990101"])
def test_a_birth_date_that_stands_for_an_unknown_one_is_implausible(born):
    assert doubts(who(born=born), who(born=born)) == {Doubt.BIRTH_DATE_IMPLAUSIBLE}
    assert grade(who(born=born), who(born=born)) is POSSIBLE


def test_a_first_of_january_counts_only_with_names_that_are_equal():
    assert grade(who(born="19830101"), who(born="19830101")) is CERTAIN
    assert grade(who(born="19830101"), who("SMYTHE^JOHN", "19830101")) is not CERTAIN
    assert grade(who("SMITHERS^JOHN", born="19830214"), who("SMITHRES^JOHN", "19830214")) is CERTAIN


@pytest.mark.parametrize(
    ("born", "doubt"),
    [
        ("19751407", Doubt.BIRTH_DATE_SIMILAR),
        ("19750715", Doubt.BIRTH_DATE_SIMILAR),
        ("19750713", Doubt.BIRTH_DATE_SIMILAR),
        ("19570714", Doubt.BIRTH_DATE_SIMILAR),
        ("19750101", Doubt.BIRTH_DATE_SIMILAR),
        ("1975", Doubt.BIRTH_DATE_SIMILAR),
        ("19460228", Doubt.BIRTH_DATE_DIFFERS),
        ("750714", Doubt.BIRTH_DATE_SIMILAR),
        ("140775", Doubt.BIRTH_DATE_DIFFERS),
        ("", Doubt.BIRTH_DATE_MISSING),
    ],
)
def test_another_birth_date_is_never_certain_and_never_proof_of_another_person(born, doubt):
    assert doubts(SMITH, who(born=born)) & {doubt, Doubt.BIRTH_DATE_SWAPPED}
    assert grade(SMITH, who(born=born)) in (PROBABLE, POSSIBLE)


def test_day_and_month_swapped_is_named():
    assert doubts(who(born="19750407"), who(born="19750704")) == {Doubt.BIRTH_DATE_SWAPPED}


def test_a_date_that_does_not_exist_is_evidence_and_no_proof():
    odd = who(born="19750231")
    assert doubts(odd, odd) == {Doubt.BIRTH_DATE_UNREADABLE}
    assert judge(odd, odd, HERE).score > judge(odd, who(born=""), HERE).score


# 8: twins, generations, namesakes


@pytest.mark.parametrize("given", ["JAMES", "JOAN", "JON", "JACK"])
def test_a_twin_under_the_same_id_is_not_shown(given):
    assert grade(SMITH, who(f"SMITH^{given}")) is not CERTAIN


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("MICHAEL", "MICHAELA"),
        ("DANIEL", "DANIELA"),
        ("ALEXANDER", "ALEXANDRA"),
        ("JAYDEN", "HAYDEN"),
        ("JULIAN", "JULIANA"),
        ("MARIO", "MARIA"),
        ("EMMA", "GEMMA"),
        ("JOSEPH", "JOSEPHINE"),
        ("CARL", "CARLA"),
    ],
)
def test_twins_whose_names_share_a_stem_or_a_rhyme_are_two(one, other):
    asked, found = who(f"SMITH^{one}", sex=""), who(f"SMITH^{other}", sex="")
    assert grade(asked, found) is not CERTAIN


def test_junior_and_senior_are_two():
    junior, senior = who("SMITH^JOHN^^^JR"), who("SMITH^JOHN^^^SR")
    assert doubts(junior, senior) == {Doubt.SUFFIX_DIFFERS}
    assert grade(junior, who("SMITH^JOHN^^^SR", "19460228", patient_id="")) is CERTAINLY_NOT


def test_a_namesake_born_the_same_day_is_not_shown():
    assert grade(SMITH, who(patient_id="9990001")) is POSSIBLE


# 9, 10: order and parts


def test_names_in_the_other_order_are_the_same_and_it_is_said():
    judgement = judge(SMITH, who("JOHN^SMITH"), HERE)
    assert judgement.grade is CERTAIN
    assert Remark.ORDER_SWAPPED in judgement.remarks


def test_names_in_the_other_order_that_only_resemble_are_a_conflict_by_name():
    assert Doubt.NAME_ORDER in doubts(who("WHITLEY^CAROL"), who("CAROLINE^WHITELEY"))


@pytest.mark.parametrize("name", ["SMITH JOHN", "JOHN SMITH", "SMITH, JOHN", "Smith,John"])
def test_a_whole_name_in_the_family_part_is_read(name):
    judgement = judge(SMITH, who(name), HERE)
    assert judgement.grade is CERTAIN


@pytest.mark.parametrize(
    "name", ["SMITH^JOHN JR", "SMITH JR^JOHN", "SMITH^JOHN^JR", "SMITH^JOHN^^^JR.", "SMITH^JOHN^^MR^Junior"]
)
def test_a_suffix_is_found_wherever_it_is_written(name):
    assert grade(who("SMITH^JOHN^^^JR"), who(name)) is CERTAIN
    assert Doubt.SUFFIX_DIFFERS in doubts(who("SMITH^JOHN^^^SR"), who(name))
    assert Doubt.SUFFIX_DIFFERS in doubts(who("SMITH^JOHN^^^III"), who(name))


def test_titles_and_degrees_tell_nobody_apart():
    assert grade(who("SMITH^JOHN^A^DR^MD"), who("SMITH^JOHN^A^MR^PHD")) is CERTAIN


def test_a_middle_name_may_be_an_initial_or_missing_but_not_another():
    asked = who("SMITH^JOHN^ALAN")
    for middle in ("", "A", "A.", "ALAN", "Alan B"):
        assert grade(asked, who(f"SMITH^JOHN^{middle}")) is CERTAIN
    assert grade(asked, who("SMITH^JOHN ALAN")) is CERTAIN
    assert doubts(asked, who("SMITH^JOHN^BORIS")) == {Doubt.MIDDLE_DIFFERS}
    assert doubts(asked, who("SMITH^JOHN B")) == {Doubt.MIDDLE_DIFFERS}


@pytest.mark.parametrize("name", ["^", "^^^^", "=", "==", "^^^^^^^^^", " ^ ", "^^^^JR"])
def test_a_name_of_separators_only_is_missing(name):
    assert {Doubt.NAME_MISSING, Doubt.GIVEN_MISSING} <= doubts(SMITH, who(name))


def test_an_initial_for_the_given_name_is_similar_only():
    assert doubts(SMITH, who("SMITH^J")) == {Doubt.GIVEN_SIMILAR}


def test_a_person_of_one_name_is_certain_only_where_both_sides_have_one():
    assert grade(who("SUHARTO"), who("SUHARTO")) is CERTAIN
    assert grade(who("SUHARTO"), who("SUHARTO^BUDI")) is not CERTAIN


# 11: surnames


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("O'BRIEN", "OBRIEN"),
        ("O'BRIEN", "O’Brien"),
        ("O'BRIEN", "O BRIEN"),
        ("SMITH-JONES", "SMITH JONES"),
        ("DE LA CRUZ", "DELACRUZ"),
        ("van der Berg", "VAN DER BERG"),
        ("MC DONALD", "MCDONALD"),
        ("ST. JOHN", "ST JOHN"),
    ],
)
def test_hyphens_apostrophes_and_particles_are_writing(one, other):
    assert grade(who(f"{one}^ANNA"), who(f"{other}^ANNA")) is CERTAIN


@pytest.mark.parametrize(
    ("one", "other"), [("GARCIA LOPEZ", "GARCIA"), ("SMITH-JONES", "JONES"), ("DE LA CRUZ", "CRUZ")]
)
def test_a_double_surname_of_which_one_side_leaves_out_a_part_is_similar_and_fits(one, other):
    asked, found = who(f"{one}^ANNA"), who(f"{other}^ANNA")
    assert says(Field.FAMILY, asked, found) is Agreement.SIMILAR
    assert grade(asked, found) is CERTAIN
    assert grade(asked, replace(found, identity=PatientIdentity("", ""))) is PROBABLE


def test_a_maiden_name_is_for_staff():
    assert doubts(who("MILLER^ANNA"), who("KOWALSKI^ANNA")) == {Doubt.NAME_DIFFERS}
    assert grade(who("MILLER^ANNA"), who("KOWALSKI^ANNA", patient_id="")) is POSSIBLE


# 12: letters


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", "Muller"),
        ("Müller", "Mueller"),
        ("MÜLLER", "müller"),
        ("Straße", "STRASSE"),
        ("Søren", "Soren"),
        ("Søren", "Soeren"),
        ("Åström", "Aastroem"),
        ("Åström", "Astrom"),
        ("Łukasz", "Lukasz"),
        ("Đorđe", "Dorde"),
        ("Nuñez", "NUNEZ"),
        ("Dvořák", "Dvorak"),
        ("Ｍüller", "Muller"),
        ("Æbelø", "Aebelo"),
    ],
)
def test_accents_fold_to_both_writings(one, other):
    assert grade(who(f"{one}^ANNA"), who(f"{other}^ANNA")) is CERTAIN


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("山田^太郎", "Yamada^Taro"),
        ("محمد^علي", "Mohammed^Ali"),
        ("Иванов^Сергей", "Ivanov^Sergei"),
        ("김^민준", "Kim^Minjun"),
    ],
)
def test_a_transliteration_is_never_agreement_and_never_proof_of_another(name, latin):
    asked, found = who(latin), who(name)
    assert Doubt.OTHER_LETTERS in doubts(asked, found)
    assert grade(asked, found) in (PROBABLE, POSSIBLE)
    assert grade(asked, replace(found, identity=PatientIdentity("", ""))) is not CERTAINLY_NOT


def test_the_groups_of_a_name_are_compared_with_their_own_kind():
    full = who("Yamada^Tarou=山田^太郎=やまだ^たろう")
    assert grade(full, full) is CERTAIN
    assert grade(full, who("=山田^太郎")) is CERTAIN
    assert grade(full, who("山田^太郎")) is CERTAIN
    assert grade(full, who("山田太郎")) is CERTAIN
    assert grade(full, who("==ヤマダ^タロウ")) is CERTAIN
    assert grade(full, who("==ﾔﾏﾀﾞ^ﾀﾛｳ")) is CERTAIN


@pytest.mark.parametrize(
    ("one", "other"), [("カトウ^ハナ", "ガトウ^ハナ"), ("Зайцев^Юрий", "Заицев^Юрии"), ("하은", "하윤")]
)
def test_a_mark_that_makes_another_letter_makes_another_name(one, other):
    assert grade(who(one), who(one)) is CERTAIN
    assert says(Field.FAMILY, who(one), who(other)) is not Agreement.AGREE


@pytest.mark.parametrize(
    ("one", "other"), [("ΠΑΠΑΔΌΠΟΥΛΟΣ^ΆΝΝΑ", "Παπαδοπουλος^Αννα"), ("Королёв^Пётр", "КОРОЛЕВ^ПЕТР")]
)
def test_a_mark_that_its_script_can_do_without_does_not(one, other):
    assert grade(who(one), who(other)) is CERTAIN


def test_who_is_only_pronounced_alike_is_somebody_else():
    one, other = who("Sato^Yuki=佐藤^由紀"), who("Sato^Yuki=佐藤^有希")
    assert doubts(one, other) == {Doubt.OTHER_WRITING}
    assert not same_person(one, other)


# 13: cut off


def test_a_name_that_was_cut_off_is_similar():
    asked = who("WOLFESCHLEGELSTEINHAUSENBERGER^MAXIMILIAN")
    assert grade(asked, who("WOLFESCHLEGELSTE^MAXIMILIAN")) is CERTAIN
    assert says(Field.GIVEN, asked, who("WOLFESCHLEGELSTE^M")) is Agreement.SIMILAR


def test_a_name_that_is_longer_than_any_is_read_and_proves_nothing():
    longest = "A" * 64 + "^" + "B" * 64
    assert grade(who(longest), who(longest)) is CERTAIN
    assert Doubt.NAME_GARBLED in doubts(who("A" * 500_000 + "^B"), who("A" * 500_000 + "^B"))


# 14: mojibake


@pytest.mark.parametrize(
    "name", ["M\u00c3\u00bcller^ANNA", "M\ufffdller^ANNA", "$B;3ED(B^ANNA", "M?ller^ANNA"]
)
def test_a_wrongly_decoded_name_is_no_proof_either_way(name):
    asked = who("Müller^ANNA")
    assert Doubt.NAME_GARBLED in doubts(asked, who(name))
    assert grade(asked, who(name)) in (PROBABLE, POSSIBLE)
    assert grade(who(name), who(name)) is not CERTAIN
    assert grade(asked, who(name, patient_id="")) is not CERTAINLY_NOT


def test_a_nickname_in_brackets_is_no_lost_escape_sequence():
    assert grade(who("SMITH^ANNA (BETTY)"), who("SMITH^ANNA")) is CERTAIN


def test_utf_8_that_was_read_as_latin_1_is_understood_for_the_rank():
    assert says(Field.FAMILY, who("Müller^ANNA"), who("MÃ¼ller^ANNA")) is Agreement.AGREE


# 15: sex


@pytest.mark.parametrize("sex", ["", "O", "U", "m", "X"])
def test_a_sex_that_is_neither_male_nor_female_says_nothing(sex):
    assert grade(SMITH, who(sex=sex)) is CERTAIN


def test_another_sex_is_a_conflict_and_no_proof():
    assert doubts(SMITH, who(sex="F")) == {Doubt.SEX_DIFFERS}
    assert grade(SMITH, who(sex="F")) is POSSIBLE


# 16, 17, 19: what is not the patient's


def test_an_image_of_another_patient_inside_a_study_is_told_by_its_own_header():
    assert not same_person(SMITH, who("KOWALSKI^ANNA", "19310211", "555", sex="F"))
    assert not same_person(SMITH, who(patient_id="555"))
    assert same_person(SMITH, who("smith^john", patient_id=" 04471902"))


def test_an_answer_about_somebody_else_is_certainly_not():
    assert grade(SMITH, who("KOWALSKI^ANNA", "19310211", "5550123", sex="F")) is CERTAINLY_NOT


# 18: wildcards in names


@pytest.mark.parametrize("name", ["SMITH*", "SM?TH^JOHN", "*^*", "SMITH\\JONES^JOHN", "?"])
def test_a_wildcard_or_a_backslash_is_no_letter_of_a_name(name):
    assert Doubt.NAME_GARBLED in doubts(who(name), who(name))
    assert grade(SMITH, who(name)) is not CERTAIN


# 21: the deceased, the protected


@pytest.mark.parametrize("name", ["SMITH^JOHN (DECEASED)", "SMITH (VIP)^JOHN", "SMITH^JOHN^^^DECEASED"])
def test_what_a_registry_notes_behind_a_name_makes_nobody_else_of_a_deceased_or_a_protected_patient(name):
    assert grade(SMITH, who(name)) is CERTAIN
    assert grade(who("VIP^JOHN"), who("VIP^JOHN")) is CERTAIN  # alone it is somebody's name


@pytest.mark.parametrize("name", ["ALIAS^SEVEN", "RESTRICTED^PATIENT", "OAK^TREE"])
def test_a_protected_patient_under_an_alias_is_never_shown_by_the_number_alone(name):
    """Breaking the glass is the clinical application's; here an alias is for staff, and never lost."""
    assert grade(SMITH, who(name)) is POSSIBLE
    assert doubts(SMITH, who(name)) & {Doubt.NAME_PLACEHOLDER, Doubt.NAME_DIFFERS}


def test_images_of_somebody_who_has_long_been_dead_wait_for_staff_and_are_not_lost():
    """Born 140 years ago: as likely a date that was written where nobody knew it."""
    old = who(born="18860714")
    assert doubts(old, old) == {Doubt.BIRTH_DATE_IMPLAUSIBLE}
    assert grade(old, old) is POSSIBLE


TRAPS = {
    1: "fetch/identity/test_traps.py::test_the_same_number_of_two_issuers_is_nobodys_proof",
    2: "fetch/identity/test_traps.py::test_an_issuer_written_with_its_universal_id_is_the_same",
    3: "fetch/identity/test_traps.py::test_padding_zeros_and_separators_do_not_make_another_id",
    4: "preview/matching/test_shared_ids.py::test_an_id_that_was_given_out_again_is_known_as_shared_and",
    5: "preview/matching/test_merging.py::test_the_survivor_has_the_studies_of_the_prior_id_until_it_is",
    6: "fetch/identity/test_traps.py::test_an_id_that_is_given_to_those_without_one_counts_as_none",
    7: "fetch/identity/test_traps.py::test_a_birth_date_that_stands_for_an_unknown_one_is_implausible",
    8: "fetch/identity/test_traps.py::test_a_twin_under_the_same_id_is_not_shown",
    9: "fetch/identity/test_traps.py::test_a_whole_name_in_the_family_part_is_read",
    10: "fetch/identity/test_traps.py::test_a_suffix_is_found_wherever_it_is_written",
    11: "fetch/identity/test_traps.py::test_hyphens_apostrophes_and_particles_are_writing",
    12: "fetch/identity/test_traps.py::test_a_transliteration_is_never_agreement_and_never_proof_of_another",
    13: "fetch/identity/test_traps.py::test_a_name_that_was_cut_off_is_similar",
    14: "fetch/identity/test_traps.py::test_a_wrongly_decoded_name_is_no_proof_either_way",
    15: "fetch/identity/test_traps.py::test_another_sex_is_a_conflict_and_no_proof",
    16: "preview/matching/test_parts.py::test_each_whom_they_name_is_a_part_of_its_own",
    17: "preview/test_unmatched.py::test_a_study_about_which_two_sources_disagree_is_listed_once_for_each",
    18: "fetch/identity/test_traps.py::test_a_wildcard_or_a_backslash_is_no_letter_of_a_name",
    19: "preview/matching/test_approaches.py::test_people_who_are_certainly_others_are_a_number_and_nothing",
    20: "preview/matching/test_deciding.py::test_a_link_holds_while_both_sides_say_what_they_said",
    21: "fetch/identity/test_traps.py::test_a_protected_patient_under_an_alias_is_never_shown_by_the_number",
}
"""Each trap that is known, and the first test of it."""


def test_every_trap_has_a_test():
    assert list(TRAPS) == list(range(1, 22))
    for place in TRAPS.values():
        file, name = place.split("::")
        assert f"def {name}" in (TESTS / file).read_text(encoding="utf-8"), place


# The other roads


def test_demographics_alone_are_never_certain():
    nobody = replace(SMITH, identity=PatientIdentity("", ""))
    everything = Context(frozenset({"", "HOSP_A"}), today=TODAY)
    assert grade(nobody, nobody, everything) is PROBABLE
    assert grade(SMITH, nobody, everything) is PROBABLE


def ordered(brought: str, carried: str) -> Context:
    return replace(HERE, accession_brought=brought, accession_carried=carried)


def test_the_accession_number_that_was_brought_is_a_road_where_name_and_birth_date_agree():
    judgement = judge(SMITH, OUTSIDE, ordered("ACC-2026-17", "acc-2026-17 "))
    assert (judgement.grade, judgement.remarks) == (CERTAIN, (Remark.ACCESSION,))
    assert grade(SMITH, MARRIED, ordered("ACC-2026-17", "ACC-2026-17")) is not CERTAIN
    assert grade(SMITH, replace(OUTSIDE, sex="F"), ordered("ACC-2026-17", "ACC-2026-17")) is not CERTAIN


@pytest.mark.parametrize(
    ("brought", "carried"), [("", ""), ("1", "1"), ("0000", "0000"), ("ACC*", "ACC*"), ("ACC-1", "ACC-2")]
)
def test_a_number_that_says_nothing_is_no_road(brought, carried):
    assert grade(SMITH, OUTSIDE, ordered(brought, carried)) is PROBABLE


def test_an_accession_number_does_not_make_one_of_two_ids_of_one_issuer():
    assert grade(SMITH, who(patient_id="9990001"), ordered("ACC-17", "ACC-17")) is PROBABLE


def crossed(*identities: PatientIdentity) -> Context:
    return replace(HERE, cross_references=frozenset(identities))


def test_what_the_cross_reference_manager_says_is_a_road_while_nothing_contradicts():
    said = crossed(OUTSIDE.identity)
    assert judge(SMITH, OUTSIDE, said).remarks == (Remark.CROSS_REFERENCE,)
    assert grade(SMITH, replace(OUTSIDE, birth_date=None), said) is CERTAIN
    assert grade(SMITH, MARRIED, said) is not CERTAIN
    assert grade(SMITH, replace(OUTSIDE, sex="F"), said) is not CERTAIN
    assert grade(SMITH, replace(OUTSIDE, name="", birth_date=None), said) is not CERTAIN
    assert grade(SMITH, replace(OUTSIDE, identity=PatientIdentity("RR-7", "")), said) is not CERTAIN
    assert grade(SMITH, OUTSIDE, crossed(PatientIdentity("RR-8", "RIVERSIDE"))) is not CERTAIN
