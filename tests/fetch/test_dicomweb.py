"""DICOMweb with a real Orthanc: asked, listed, and brought byte for byte, with and without signing in."""

import struct
import time
from dataclasses import dataclass, replace
from io import BytesIO

import pydicom
import pytest
from peers import source
from pydicom.data import get_testdata_file
from pydicom.uid import BasicTextSRStorage, CTImageStorage, ExplicitVRLittleEndian, generate_uid
from support.orthanc import Orthanc
from support.studies import OKAFOR, study
from webs import LASTING, carried

from fetch.errors import SetupFault, UnsafeQuery
from fetch.find import read_study
from fetch.model import Instance, PatientIdentity, Plan, Series, Share, Source, Web
from fetch.reasons import Reason
from fetch.sources import dicomweb, identifiers

LINDQVIST = replace(OKAFOR, identity=PatientIdentity("4380117", "HOSP"), name="LINDQVIST^Göran")


@dataclass(frozen=True)
class Real:
    """A real archive as a source, and the instances of a study that it holds."""

    source: Source
    held: dict[str, pydicom.Dataset]
    study_uid: str
    compressed: pydicom.Dataset
    report: pydicom.Dataset


@pytest.fixture(scope="module", params=[False, True], ids=["open", "password"])
def real(request, tmp_path_factory):
    """Where nobody has to sign in, and where everybody has to."""
    archive = Orthanc(tmp_path_factory.mktemp("orthanc"), dicomweb=True, password=request.param)
    with archive.running():
        held = study(images=40, series=2, size=64)
        compressed, report = _compressed(), _report(held[0])
        archive.store([*held, compressed, report])
        archive.store(study(LINDQVIST, images=1, SpecificCharacterSet="ISO_IR 100"))
        web = Web(f"{archive.http}/dicom-web", _auth_file(archive) if request.param else None)
        where = source(0, "orthanc", host="", aet="", protocol="dicomweb", web=web, timeouts=LASTING)
        held = {str(ds.SOPInstanceUID): ds for ds in held}
        yield Real(where, held, str(compressed.StudyInstanceUID), compressed, report)


def _auth_file(archive):
    file = archive.folder / "sign-in"
    file.touch(mode=0o600)
    file.write_text(f"demo:{archive.password_file.read_text().strip()}\n")
    return file


def _compressed():
    sample = pydicom.dcmread(get_testdata_file("693_J2KI.dcm", download=False))
    (ds,) = study(images=1, day="20250607")
    ds.file_meta.TransferSyntaxUID = sample.file_meta.TransferSyntaxUID
    for elem in sample:
        if elem.tag.group in (0x0028, 0x7FE0):
            ds.add(elem)
    ds["PixelData"].is_undefined_length = True
    return ds


def _report(of):
    """A report in the study of an image."""
    (ds,) = study(images=1, study_uid=of.StudyInstanceUID, SOPClassUID=BasicTextSRStorage, Modality="SR")
    for elem in [*ds.group_dataset(0x0028), ds["PixelData"]]:
        del ds[elem.tag]
    ds.SeriesNumber = 3
    return ds


def encoded(ds) -> bytes:
    """The data set as it is in the file that was stored."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    (length,) = struct.unpack("<I", buffer.getvalue()[140:144])
    return buffer.getvalue()[144 + length :]


def of(ds) -> Share:
    named = Instance(str(ds.SeriesInstanceUID), str(ds.SOPInstanceUID), str(ds.SOPClassUID))
    return Share(str(ds.StudyInstanceUID), str(ds.SeriesInstanceUID), (named,))


def held_study(real):
    return str(next(iter(real.held.values())).StudyInstanceUID)


def test_a_real_archive_answers(real):
    dicomweb.echo(real.source)


def test_a_patient_is_asked_for_and_every_study_found(real):
    (matches,) = dicomweb.find(real.source, identifiers.of_study(PatientID=OKAFOR.identity.patient_id))
    assert (matches.shortened, matches.broken_off) == (None, False)
    found = {s.study_uid: s for s in (read_study(ds, real.source) for ds in matches.identifiers)}
    assert set(found) == {held_study(real), str(real.compressed.StudyInstanceUID)}
    first = found[held_study(real)]
    assert (first.description, first.accession, first.modalities) == ("CT Thorax", "A1", ("CT", "SR"))
    assert (first.series_count, first.instance_count) == (3, 81)
    assert (replace(first.patient, birth_date_text=""), first.issuer_assumed) == (OKAFOR, False)


def test_a_date_range_goes_as_it_is(real):
    asked = identifiers.of_study(PatientID=OKAFOR.identity.patient_id, StudyDate="20250601-20250630")
    (matches,) = dicomweb.find(real.source, asked)
    assert [ds.StudyInstanceUID for ds in matches.identifiers] == [real.compressed.StudyInstanceUID]


def test_several_questions_have_an_answer_each_and_nobody_is_an_empty_success(real):
    asked = [identifiers.of_study(PatientID=who) for who in ("447190", "4380117")]
    nobody, lindqvist = dicomweb.find(real.source, *asked)
    assert (nobody.identifiers, nobody.shortened) == ((), None)
    assert [str(ds.PatientName) for ds in lindqvist.identifiers] == ["LINDQVIST^Göran"]


def test_more_than_the_limit_is_said(real):
    narrow = replace(real.source, answer_limit=1)
    (matches,) = dicomweb.find(narrow, identifiers.of_study(PatientID=OKAFOR.identity.patient_id))
    assert (len(matches.identifiers), matches.shortened) == (1, Reason.TOO_MANY)


def test_instances_are_named_then_their_series_and_at_last_the_plan(real):
    listed = list(dicomweb.listing(real.source, held_study(real)))
    plan = listed[-1]
    assert isinstance(plan, Plan)
    assert plan.total == 81
    assert [s.number for s in plan.series] == [1, 2, 3]
    assert [i.number for i in plan.series[0].instances] == list(range(1, 41))
    assert {i.instance_uid for i in plan.instances} == {*real.held, str(real.report.SOPInstanceUID)}
    assert {i.sop_class for i in plan.series[1].instances} == {CTImageStorage}
    assert (plan.series[0].modality, plan.series[0].description, plan.series[0].expected) == (
        *("CT", "Axial 1"),
        40,
    )
    named = set()
    for event in listed[:-1]:
        if isinstance(event, Series):
            assert {i.instance_uid for i in event.instances} <= named
        else:
            named.add(event.instance_uid)


def test_the_first_image_is_named_before_the_series_is_listed(real):
    listing = dicomweb.listing(real.source, held_study(real))
    assert isinstance(next(listing), Instance)
    listing.close()


def test_a_study_that_is_not_there_has_an_empty_plan(real):
    assert list(dicomweb.listing(real.source, "1.2.3.4.5")) == [Plan((), None)]


def test_images_come_byte_for_byte_one_by_one(real):
    some = list(real.held.values())[:5]
    shares = [of(ds) for ds in some]
    arrived, reported = carried(real.source, *shares)
    assert [received.data for received in arrived] == [encoded(ds) for ds in some]
    assert {r.transfer_syntax for r in arrived} == {ExplicitVRLittleEndian}
    assert [(r.completed, r.failed, r.status) for r in reported] == [(1, 0, 0)] * 5


def test_a_compressed_image_comes_as_it_is_stored(real):
    arrived, _ = carried(real.source, of(real.compressed))
    assert arrived[0].transfer_syntax == real.compressed.file_meta.TransferSyntaxUID
    assert arrived[0].data == encoded(real.compressed)


@pytest.mark.parametrize("level", ["series", "study"])
def test_a_whole_comes_byte_for_byte_over_one_answer(real, level):
    first = next(iter(real.held.values()))
    series = str(first.SeriesInstanceUID) if level == "series" else ""
    arrived, (reported,) = carried(real.source, Share(held_study(real), series))
    wanted = {**real.held, str(real.report.SOPInstanceUID): real.report}
    if series:
        wanted = {uid: ds for uid, ds in wanted.items() if ds.SeriesInstanceUID == series}
    assert {r.instance_uid: r.data for r in arrived} == {uid: encoded(ds) for uid, ds in wanted.items()}
    assert (reported.completed, reported.failed, reported.status) == (len(wanted), 0, 0)


def test_an_image_that_is_not_there_is_a_failed_one_and_the_others_come(real):
    first, second, *_ = real.held.values()
    missing = Instance(str(first.SeriesInstanceUID), generate_uid())
    share = Share(held_study(real), str(first.SeriesInstanceUID), (*of(first).instances, missing))
    arrived, (reported, after) = carried(real.source, share, of(second))
    assert [r.instance_uid for r in arrived] == [str(first.SOPInstanceUID), str(second.SOPInstanceUID)]
    assert (reported.completed, reported.failed, reported.failed_uids) == (1, 1, (missing.instance_uid,))
    assert reported.status == 0xB000
    assert after.status == 0


def test_a_study_that_is_not_there_brings_nothing_and_says_so(real):
    arrived, (reported,) = carried(real.source, Share("1.2.3.4.5"))
    assert (arrived, reported.completed, reported.status) == ([], 0, 0xB000)


def test_pictures_come_drawn_with_the_header_of_their_object(real):
    first = next(iter(real.held.values()))
    (received,), (reported,) = carried(real.source, of(first), rendered=True)
    assert received.rendered.startswith((b"\x89PNG", b"\xff\xd8\xff"))
    assert (received.instance_uid, received.sop_class) == (str(first.SOPInstanceUID), CTImageStorage)
    header = pydicom.dcmread(BytesIO(received.data), force=True)
    assert (header.PatientID, header.PatientName) == (first.PatientID, first.PatientName)
    assert (header.StudyInstanceUID, header.SOPInstanceUID) == (first.StudyInstanceUID, first.SOPInstanceUID)
    assert (header.Rows, header.RescaleIntercept) == (64, -1024)
    assert "PixelData" not in header
    assert reported.completed == 1


def test_what_the_archive_does_not_draw_comes_as_it_is(real):
    (received,), _ = carried(real.source, of(real.report), rendered=True)
    assert (received.rendered, received.data) == (b"", encoded(real.report))


def test_a_connection_that_the_archive_closed_meanwhile_is_opened_again(real):
    first, second, *_ = real.held.values()
    with dicomweb.carrying(
        real.source, held_study(real), lambda _: None, lambda _: None, rendered=False
    ) as bring:
        assert bring(of(first)).completed == 1
        time.sleep(1.5)  # Orthanc keeps an idle one for a second
        assert bring(of(second)).completed == 1


def test_a_wrong_password_is_a_fault_of_the_settings(real, tmp_path):
    if real.source.web.auth_file is None:
        return
    file = tmp_path / "wrong"
    file.write_text("demo:wrong")
    other = replace(real.source, web=replace(real.source.web, auth_file=file))
    for ask in (
        lambda: dicomweb.echo(other),
        lambda: dicomweb.find(other, identifiers.of_study(PatientID="4471902")),
        lambda: list(dicomweb.listing(other, "1.2.3")),
        lambda: carried(other, Share("1.2.3")),
    ):
        with pytest.raises(SetupFault) as raised:
            ask()
        assert raised.value.reason is Reason.UNAUTHORIZED


@pytest.mark.parametrize(
    "uid", ["", "..", "1..2", "1.2/../3", "1.2.*", "abc", "1" * 65, "1.2.3?x=1", "1.2\n"]
)
def test_a_uid_that_is_none_is_never_part_of_an_address(real, uid):
    with pytest.raises(UnsafeQuery):
        dicomweb.listing(real.source, uid)
    with pytest.raises(UnsafeQuery):
        carried(real.source, Share(uid))
    first = next(iter(real.held.values()))
    if uid:
        hostile = Share(held_study(real), str(first.SeriesInstanceUID), (Instance("1.2.3", uid),))
        arrived, (reported,) = carried(real.source, hostile)
        assert (arrived, reported.failed_uids) == ([], (uid,))
        arrived, (reported,) = carried(real.source, Share(held_study(real), uid))
        assert (arrived, reported.completed, reported.status) == ([], 0, 0xB000)
