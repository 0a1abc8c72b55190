"""The thin layer with real archives of two makes: Orthanc, and DCMTK's dcmqrscp."""

import time
from dataclasses import dataclass, replace
from datetime import date

import pytest
from peers import LOCAL, QUICK, got, query, source
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import JPEG2000, CTImageStorage, ExplicitVRLittleEndian, generate_uid
from support.dcmqrscp import Dcmqrscp
from support.installation import free_port
from support.studies import OKAFOR, study

from fetch.errors import FetchError, SetupFault
from fetch.find import find, find_study
from fetch.model import AnswerKind, PatientIdentity, Received, Source, Timeouts
from fetch.reasons import Reason
from fetch.retrieve import Retrieval
from fetch.sources import dimse

LINDQVIST = replace(OKAFOR, identity=PatientIdentity("4380117", "HOSP"), name="LINDQVIST^Göran")
LASTING = Timeouts(connect=2, association=5, message=10, network=10)


@dataclass(frozen=True)
class Held:
    """What both archives hold of the two patients."""

    dated: str
    undated: str
    compressed: str
    lindqvist: str

    @classmethod
    def named(cls) -> "Held":
        return cls(*(generate_uid() for _ in range(4)))

    def datasets(self):
        return [
            *study(study_uid=self.dated, images=5, series=2),
            *study(study_uid=self.undated, images=2, day=""),
            _compressed(self.compressed),
            *study(LINDQVIST, study_uid=self.lindqvist, SpecificCharacterSet="ISO_IR 100"),
        ]


def _compressed(study_uid):
    sample = dcmread(get_testdata_file("693_J2KI.dcm", download=False))
    (ds,) = study(study_uid=study_uid, images=1, day="20250607")
    ds.file_meta.TransferSyntaxUID = sample.file_meta.TransferSyntaxUID
    for elem in sample:
        if elem.tag.group in (0x0028, 0x7FE0):
            ds.add(elem)
    ds["PixelData"].is_undefined_length = True
    return ds


@dataclass(frozen=True)
class Running:
    """A real archive as a source, and what it holds."""

    source: Source
    held: Held


@pytest.fixture(scope="module")
def of_orthanc(orthanc):
    held = Held.named()
    orthanc.store(held.datasets())
    return Running(source(orthanc.port, "orthanc", aet=orthanc.aet, timeouts=LASTING), held)


@pytest.fixture(scope="module")
def of_dcmtk(tmp_path_factory):
    held = Held.named()
    with Dcmqrscp(tmp_path_factory.mktemp("dcmqrscp")).running() as running:
        running.store(held.datasets())
        yield Running(source(running.port, "dcmtk", aet=running.aet, timeouts=LASTING), held)


@pytest.fixture(params=["of_orthanc", "of_dcmtk"])
def real(request) -> Running:
    return request.getfixturevalue(request.param)


def ask(real, question=None):
    (said,) = find(question or query(), [real.source], LOCAL)
    return said


def bring(real, study_uid, classes=()):
    return got(real.source, study_uid, classes)


def test_a_real_archive_echoes(real):
    dimse.echo(real.source, LOCAL)


def test_a_real_archive_is_asked_for_a_patient_and_finds_every_study(real):
    said = ask(real)
    assert (said.kind, said.reason, said.strangers) == (AnswerKind.FOUND, None, 0)
    assert [s.study_uid for s in said.studies] == [real.held.dated, real.held.compressed, real.held.undated]
    first = said.studies[0]
    assert (first.patient.name, first.patient.birth_date) == ("OKAFOR^Adaeze", date(1975, 7, 14))
    assert (first.study_date, first.description, first.accession) == (date(2026, 11, 1), "CT Thorax", "A1")
    assert first.patient.identity == OKAFOR.identity


def test_a_date_range_leaves_the_undated_study_in(real):
    said = ask(real, query(start=date(2026, 11, 1), end=date(2026, 11, 1)))
    assert {s.study_uid for s in said.studies} == {real.held.dated, real.held.undated}
    assert said.outside == 1


def test_a_patient_a_real_archive_does_not_have_is_absent(real):
    nobody = replace(OKAFOR, identity=PatientIdentity("447190", "HOSP"))  # the beginning of one that is there
    assert ask(real, query(nobody)).kind is AnswerKind.ABSENT


def test_a_name_outside_ascii_is_read_as_it_is_written(real):
    (found,) = ask(real, query(LINDQVIST)).studies
    assert found.patient.name == "LINDQVIST^Göran"


def test_one_study_is_found_by_its_uid(real):
    assert find_study(real.source, LOCAL, real.held.dated).study_date == date(2026, 11, 1)
    assert find_study(real.source, LOCAL, "1.2.3.4.5") is None


def test_the_plan_of_a_real_archive_knows_every_image(real):
    plan = dimse.plan(real.source, LOCAL, real.held.dated)
    assert [series.number for series in plan.series] == [1, 2]
    assert [[i.number for i in series.instances] for series in plan.series] == [[1, 2, 3, 4, 5]] * 2
    assert plan.total == 10
    assert {i.sop_class for i in plan.instances} in ({CTImageStorage}, {""})  # dcmqrscp does not say


@pytest.mark.parametrize("known", [True, False])
def test_a_study_arrives_whole_from_a_real_archive(real, known):
    plan = dimse.plan(real.source, LOCAL, real.held.dated)
    classes = {i.sop_class for i in plan.instances} if known else ()
    arrived, reported = bring(real, real.held.dated, classes)
    assert {received.instance_uid for received in arrived} == {i.instance_uid for i in plan.instances}
    assert (len(arrived), reported.status, reported.completed, reported.failed) == (10, 0x0000, 10, 0)
    assert {received.transfer_syntax for received in arrived} == {ExplicitVRLittleEndian}


def test_a_compressed_study_arrives_as_it_is_stored(of_orthanc):
    real = of_orthanc
    arrived, reported = bring(real, real.held.compressed, [CTImageStorage])
    assert [received.transfer_syntax for received in arrived] == [JPEG2000]
    assert reported.failed == 0
    assert _compressed("1.2").PixelData in arrived[0].data


def test_an_archive_that_cannot_convert_what_it_holds_says_so(of_dcmtk):
    # dcmqrscp sends in the first context of the class, which is a plain one, and has no decoder
    arrived, reported = bring(of_dcmtk, of_dcmtk.held.compressed, [CTImageStorage])
    assert (arrived, reported.failed, reported.status) == ([], 1, 0xA702)


def test_leaving_a_real_archive_early_takes_no_time_and_it_still_answers(real):
    began = time.monotonic()
    with Retrieval(real.source, LOCAL, real.held.dated) as brought:
        assert next(event for event in brought if isinstance(event, Received))
    assert time.monotonic() - began < 2
    assert ask(real).kind is AnswerKind.FOUND


def refusal(source) -> FetchError:
    with pytest.raises(FetchError) as raised:
        dimse.echo(source, LOCAL)
    return raised.value


def test_a_real_archive_refuses_a_title_that_is_not_its_own(real):
    other = replace(real.source, aet="OTHER")
    # dcmqrscp closes at once, and a connection that is reset can lose the answer that was on its way.
    refusals = [refusal(other) for _ in range(3)]
    refused = next(error for error in refusals if error.reason is not Reason.TURNED_AWAY)
    assert isinstance(refused, SetupFault)
    assert refused.reason in {Reason.CALLED_AET_UNKNOWN, Reason.REJECTED}


def test_both_archives_are_asked_at_once_and_a_dead_one_beside_them_says_so(of_orthanc, of_dcmtk):
    dead = replace(of_orthanc.source, name="dead", port=free_port(), timeouts=QUICK)
    answers = find(query(), [of_orthanc.source, dead, of_dcmtk.source], LOCAL)
    assert [said.kind for said in answers] == [AnswerKind.FOUND, AnswerKind.OUTAGE, AnswerKind.FOUND]
