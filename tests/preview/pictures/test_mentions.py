"""Nobody is named by a card, however the name, a number or the birth date is spelled in a text."""

import pytest
from pydicom import Dataset

from preview.pictures.mentions import Mentions


def patient(**facts):
    ds = Dataset()
    for keyword, value in facts.items():
        setattr(ds, keyword, value)
    return Mentions(ds)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Müller^Jürgen", "Herr MUELLER klagt"),
        ("Müller^Jürgen", "Herr Muller klagt"),
        ("Mueller^Juergen", "Herr Müller klagt"),
        ("Mueller^Juergen", "Herr Mu\u0308ller klagt"),
        ("Muller^Jurgen", "Herr Mueller klagt"),
        ("Müller^Jürgen", "Herr MÃ¼ller klagt"),
        ("Sørensen^Åse", "Aase has pain"),
        ("Strauß^Eva", "Frau STRAUSS klagt"),
        ("O'Brien^Pat", "Mr OBrien"),
        ("OBrien^Pat", "Mr O’Brien"),
        ("Иванов^Иван", "Patient Ivanov"),
        ("Ivanov^Ivan", "Пациент Иванов"),
        ("Παπαδόπουλος^Νίκος", "Papadopoylos"),
        ("Nováková^Jana", "u pani Novakove"),
        ("Novák^Jan", "Nováková"),
        ("Sentinel^Zoe", "zoesentinel"),
        ("Sentinel^Zoe", "SENTINEL_ZOE.pdf"),
        ("Sentinel^Zoe", "Sentinels Vater"),
        ("Sentinel^Zoe", "Mrs. Senti- nel"),
        ("Sentinel^Zoe", "Ｓｅｎｔｉｎｅｌ"),
        ("Sentinel^Zoe", "S e n t i n e l"),
        ("Sentinel^Zoe", "Zoë is well"),
        ("Yamada^Taro=山田^太郎", "患者山田太郎の肺"),
        ("Wang^Xiaoming=王^小明", "王小明"),
        ("Li^Wu", "Wu Li"),
        ("LiWu", "liwu"),
        *(("Li^Wei", line) for line in ("LiWei", "liwei", "WEILI ptv", "WeiLi ptv", "PTVLi", "PTV_WeiLi2")),
        *(("Ng^An", line) for line in ("NgA_ptv", "AnNg", "anng", "AnNg2", "Ng1")),
        ("Li^A B", "liab"),
        ("Łi^Öz", "PTVÖz"),
        ("van der Berg^Jan", "Frau Berg"),
    ],
)
def test_a_name_is_known_in_any_spelling(name, line):
    assert patient(PatientName=name).within(line)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("van der Berg^Jan", "Raumforderung in der Leber"),
        ("Da Silva^Al", "Massa da próstata, al controle"),
        ("Li^Wu", "Liver and lung"),
        ("Ann^Lee", "Annular sleeve"),
        ("Li^Wei", "Liver LiverPTV"),
        ("Sentinel^J A", "ja"),
        ("", "A mass."),
        ("^", "A mass."),
        ("Sentinel^Z", "Segment Z 3"),
    ],
)
def test_words_that_are_no_name_stay(name, line):
    assert not patient(PatientName=name).within(line)


@pytest.mark.parametrize(
    "line",
    [
        *("02.01.1970", "2.1.1970", "2. 1. 1970", "1970-01-02", "1970/1/2", "01/02/1970", "1/2/1970"),
        *("2/1/70", "02.01.70", "1/2/'70", "70-01-02", "19700102", "02011970", "01021970", "19700102103000"),
        *("700102-1234", "020170-1234", "0201701234", "2 January 1970", "2nd of January, 1970"),
        *("January 2, 1970", "Jan 2nd 1970", "Jan. 2 70", "2-JAN-1970", "02JAN1970", "02JAN70"),
        *("2. Januar 1970", "2 janvier 1970", "2 de enero de 1970", "2 января 1970 г.", "1970 január 2."),
        *("1970年1月2日", "1970년 1월 2일", "１９７０年１月２日", "昭和45年1月2日", "S45.1.2", "2/1/2513"),
        *("born 2 · 1 · 1970", "٠٢/٠١/١٩٧٠"),
    ],
)
def test_a_birth_date_is_known_in_any_notation(line):
    for written in ("19700102", "1970.01.02"):
        assert patient(PatientBirthDate=written).within(f"Patient, {line}, has a mass"), written


@pytest.mark.parametrize(
    "line",
    [
        *("Examined on 3 January 1970", "12.01.1970", "2.01.1971", "1 February 2024", "2 x 1 x 70 mm"),
        *("since 1970", "70 years old", "2 of 17 lymph nodes", "Segment 2, series 1, image 70", "45.1 x 2.0"),
        *("1.2 cm", "70 %", "12019700", "1.2.840.1970"),
    ],
)
def test_other_dates_and_measures_stay(line):
    assert not patient(PatientBirthDate="19700102").within(line)


@pytest.mark.parametrize("written", ["", "1970", "00000000", "19701301", "\\", "19"])
def test_a_birth_date_that_is_none_hides_nothing(written):
    assert not patient(PatientBirthDate=written).within("A mass of 12 mm, 2 x 1")


@pytest.mark.parametrize(
    ("number", "line"),
    [
        ("AB-4711", "number ab4711x"),
        ("AB 4711", "number AB-4711"),
        ("AB4711", "number AB 47 11"),
        ("0004711", "number 4711"),
        ("4711", "number 0004711"),
        ("00 47-11-12", "number 471112"),
        ("471112", "number 47 11 12"),
        ("471112", "number 47.11.12"),
        ("471112", "MRN471112"),
        ("471112", "４７１１１２"),
        ("77", "77"),
        ("77", "77 PTV"),
        ("77", "ptv_077"),
        ("A1", "PTV_a1"),
        ("7", "(7)"),
    ],
)
def test_a_number_is_known_however_it_is_written(number, line):
    assert patient(PatientID=number).within(line)
    assert patient(OtherPatientIDs=["9", number]).within(line)
    other = Dataset()
    other.PatientID = number
    assert patient(OtherPatientIDsSequence=[other]).within(line)


@pytest.mark.parametrize(
    ("number", "line"),
    [
        ("4711", "14711"),
        ("4711", "47112"),
        ("4711", "47 11"),
        ("0", "10 mm"),
        ("12", "12 mm"),
        ("", "x"),
        *(("12", line) for line in ("112", "1.12 x 12.5", "12%", "12 Gy", "12 images", "T12")),
        ("7", "Segment 7"),
    ],
)
def test_another_number_stays(number, line):
    assert not patient(PatientID=number).within(line)


def test_what_else_tells_whose_it_is():
    request = Dataset()
    request.AccessionNumber = "ACC-99"
    known = patient(
        PatientAddress="12 Sentinel Street^^Lungsville",
        PatientTelephoneNumbers="+49 30 123456",
        ReferencedRequestSequence=[request],
    )
    assert all(map(known.within, ("in Lungsville", "12, Sentinel Street", "call 030-12 34 56", "see acc99")))
    assert not known.within("Street noise")


def test_what_an_object_has_too_many_of_costs_little_time():
    known = patient(
        PatientName="^".join(f"Name{number}" for number in range(500)),
        OtherPatientIDs=[f"{number:060d}" for number in range(5000)],
    )
    assert not known.within("0" * 400)
    assert not known.within("a" * 400)
