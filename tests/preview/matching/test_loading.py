"""A file of patients: streamed, loaded twice without harm, refused with the place where it is wrong."""

import tracemalloc

import pytest
from sqlalchemy import func, select, text
from support.studies import OKAFOR

from fetch.model import Aliases, Patient
from preview.matching import known, loading
from preview.matching.records import KnownRow, ToJudgeRow
from preview.tables import WrongTable

HEAD = "id,issuer,family,given,middle,suffix,birth_date,sex\n"
ADAEZE = "4471902,HOSP,OKAFOR,Adaeze,,,19750714,F\n"


def load(site, tmp_path, text: str | bytes):
    file = tmp_path / "patients.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return loading.load(site.parts.records, file, site.parts.now)


def test_loading_twice_does_no_harm(site, tmp_path):
    assert load(site, tmp_path, HEAD + ADAEZE) == loading.Loaded(1, 1, 0)
    assert load(site, tmp_path, HEAD + ADAEZE) == loading.Loaded(1, 0, 0)
    with site.parts.records.read() as session:
        assert known.said_of(session, OKAFOR.identity) == OKAFOR


def test_a_file_of_a_spreadsheet_with_its_byte_order_mark_in_any_order_of_columns_loads(site, tmp_path):
    head = "sex,given,family,issuer,id,birth_date,accession,key\r\n"
    row = "F,Adaeze,OKAFOR,HOSP,4471902,19750714,A1,k\r\n"
    load(site, tmp_path, (head + row).encode("utf-8-sig"))
    with site.parts.records.read() as session:
        assert known.said_of(session, OKAFOR.identity) == OKAFOR


def test_whose_record_has_changed_is_judged_again(site, tmp_path):
    load(site, tmp_path, HEAD + ADAEZE)
    load(site, tmp_path, HEAD + ADAEZE.replace("OKAFOR", "OKAFOR-BELL"))
    with site.parts.records.read() as session:
        (waiting,) = session.scalars(select(ToJudgeRow))
    assert waiting.patient_id == OKAFOR.identity.patient_id


def test_a_date_that_cannot_be_is_evidence_and_no_refusal(site, tmp_path):
    assert load(site, tmp_path, HEAD + ADAEZE.replace("19750714", "19751340")).changed == 1
    with site.parts.records.read() as session:
        said = known.said_of(session, OKAFOR.identity)
    assert (said.birth_date, said.birth_date_text) == (None, "19751340")


def test_what_divides_a_name_divides_it_nowhere_else(site, tmp_path):
    load(site, tmp_path, HEAD + ADAEZE.replace("OKAFOR", "OKA^FOR=X\\Y"))
    with site.parts.records.read() as session:
        assert known.said_of(session, OKAFOR.identity).name == "OKA FOR X Y^Adaeze"


def test_rows_without_id_or_issuer_are_counted(site, tmp_path):
    rows = ADAEZE + ADAEZE.replace("4471902", "") + ADAEZE.replace("HOSP", " ")
    assert load(site, tmp_path, HEAD + rows) == loading.Loaded(3, 1, 2)


WRONG = {
    "id,family\n1,X\n": "these columns are missing: issuer, given, birth_date, sex",
    "": "is empty",
    HEAD.replace(",", ";"): "the columns are divided by semicolons; save the file with commas",
    HEAD.replace(",", "\t"): "the columns are divided by tabs",
    (HEAD + ADAEZE).encode("utf-16"): "line 1 is UTF-16; save the file as UTF-8",
    HEAD + "1,HOSP\n": "line 2 has fewer values than there are columns",
    HEAD.encode() + "1,HOSP,MÜLLER,X,,,,\n".encode("latin-1"): "is not UTF-8",
    HEAD + ADAEZE + '2,HOSP,"X\n': "is not CSV",
    HEAD + "1,HOSP,X,Y,,,,,,,\n": "line 2 has more values than there are columns",
    HEAD + ADAEZE + f"{'9' * 65},HOSP,X,Y,,,,\n": "line 3: id is too long",
    HEAD + f"1,HOSP,{'X' * 400},Y,,,,\n": "line 2: name is too long",
    (HEAD + "1,HOSP,X\0,Y,,,,\n").encode(): "line 2",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_file_that_cannot_be_used_says_where_and_why(site, tmp_path, text):
    with pytest.raises(WrongTable) as wrong:
        load(site, tmp_path, text)
    assert WRONG[text] in str(wrong.value)
    assert "MÜLLER" not in str(wrong.value)


def test_a_long_file_is_never_in_memory_as_a_whole(site, tmp_path):
    with (tmp_path / "many.csv").open("w") as file:
        file.write(HEAD)
        for number in range(20_000):
            family = f"FAMILY{number % 500}"  # few, so that what is remembered of names does not count
            file.write(f"{number + 1000},HOSP,{family},Given,,,19750714,F\n")
    tracemalloc.start()
    loaded = loading.load(site.parts.records, tmp_path / "many.csv", site.parts.now)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert loaded.changed == 20_000
    assert peak < 20 * 2**20
    with site.parts.records.read() as session:
        assert session.scalar(select(func.count()).select_from(KnownRow)) == 20_000


def test_how_much_of_a_file_is_kept_is_told_as_it_is_kept(site, tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "_AT_ONCE", 100)
    file = tmp_path / "patients.csv"
    file.write_text(HEAD + "".join(f"{number + 1000},HOSP,X,Y,,,19750714,F\n" for number in range(250)))
    told = []
    loading.load(site.parts.records, file, site.parts.now, told.append)
    assert len(told) == 3
    assert sum(told) == file.stat().st_size


def test_one_who_is_twice_among_the_new_is_kept_as_the_last_line_says(site, tmp_path):
    again = ADAEZE.replace("Adaeze", "Ada")
    assert load(site, tmp_path, HEAD + ADAEZE + again) == loading.Loaded(2, 1, 0)
    with site.parts.records.read() as session:
        assert known.said_of(session, OKAFOR.identity).name == "OKAFOR^Ada"


def test_what_somebody_else_kept_in_the_same_moment_is_described_anew(site, monkeypatch):
    """As on PostgreSQL, where two may find that nobody knows a patient."""
    look, seen = known._held, []

    def looks(session, identities):
        seen.append(list(identities))
        return look(session, seen[-1]) if len(seen) > 1 else {}

    with site.parts.records.write() as session:
        known.note(session, [Patient(OKAFOR.identity, "OTHER^PERSON")], site.parts.now)
        monkeypatch.setattr(known, "_held", looks)
        assert known.note(session, [OKAFOR], site.parts.now) == 1
        assert known.said_of(session, OKAFOR.identity) == OKAFOR
        assert session.scalar(select(func.count()).select_from(KnownRow)) == 1


def test_a_name_is_looked_for_in_the_order_in_which_names_are_kept(site):
    """Among a million patients everything else takes seconds."""
    with site.parts.records.engine.connect() as connection:
        asked = select(KnownRow).where(KnownRow.words.contains(" okafor"))
        asked = asked.order_by(KnownRow.family, KnownRow.words, KnownRow.id).limit(21)
        literal = asked.compile(connection, compile_kwargs={"literal_binds": True})
        plan = connection.execute(text(f"EXPLAIN QUERY PLAN {literal}")).all()
    assert [step[3] for step in plan] == ["SCAN known_patients USING INDEX ix_known_patients_family"]


def test_a_name_as_long_as_can_be_fits_into_an_index(site):
    long = Patient(OKAFOR.identity, "\U00020000" * 320, aliases=Aliases(names=("\U00020001" * 320,)))
    with site.parts.records.write() as session:
        known.note(session, [long], site.parts.now)
    with site.parts.records.read() as session:
        (row,) = session.scalars(select(KnownRow))
    assert len((row.words + row.family).encode()) < 2_700
