"""What archives send over HTTP instead of the images that were asked for, and what becomes of each."""

import resource
import threading
import time
from email.message import Message
from io import BytesIO

import pydicom
import pytest
from peers import LOCAL
from pydicom.dataset import FileMetaDataset
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from webs import (
    PARTS,
    carried,
    hangs,
    head,
    multipart,
    reset,
    says,
    send,
    serving,
    web,
)

from fetch.errors import FetchError, RequestFault, SetupFault, SourceRefused, SourceUnreachable
from fetch.model import Instance, Share, Way
from fetch.notes import Note, Noted
from fetch.reasons import Reason
from fetch.retrieve import Means, Retrieval
from fetch.sources import dicomweb, http, objects
from fetch.sources.multipart import Parts

STUDY, SERIES = "1.2.3", "1.2.3.4"
DATA = b"\x08\x00\x60\x00CS\x02\x00CT"


def file(data: bytes = DATA, *, lacks=(), **meta) -> bytes:
    """A file whose file meta says this, whatever its data set is."""
    ds = FileMetaDataset()
    ds.MediaStorageSOPClassUID, ds.MediaStorageSOPInstanceUID = CTImageStorage, "1.2.3.4.5"
    ds.TransferSyntaxUID = ExplicitVRLittleEndian
    for keyword, value in meta.items():
        setattr(ds, keyword, value)
    for keyword in lacks:
        delattr(ds, keyword)
    buffer = BytesIO()
    write_file_meta_info(buffer, ds, enforce_standard=False)
    return b"\0" * 128 + b"DICM" + buffer.getvalue() + data


def one(uid="1.2.3.4.5") -> Share:
    return Share(STUDY, SERIES, (Instance(SERIES, uid, str(CTImageStorage)),))


def bring(answer, *shares, **more):
    with serving(answer) as server:
        return *carried(web(server), *(shares or [one()]), **more), server.asked


def refusal(answer, *shares, **more) -> FetchError:
    with pytest.raises(FetchError) as raised:
        bring(answer, *shares, **more)
    return raised.value


# --- what is taken


def test_an_image_is_asked_for_as_it_is_stored():
    arrived, (reported,), ((path, headers, _),) = bring(says(200, multipart(file(DATA)), PARTS))
    assert path == "/dicom-web/studies/1.2.3/series/1.2.3.4/instances/1.2.3.4.5"
    assert headers["Accept"] == 'multipart/related; type="application/dicom"; transfer-syntax=*'
    (received,) = arrived
    assert (received.data, received.file, received.instance_uid) == (DATA, None, "1.2.3.4.5")
    assert (received.sop_class, received.transfer_syntax) == (CTImageStorage, ExplicitVRLittleEndian)
    assert (reported.completed, reported.failed, reported.status) == (1, 0, 0)


def test_an_image_may_come_without_multipart():
    (received,), *_ = bring(says(200, file(DATA), "application/dicom"))
    assert received.data == DATA


def test_an_implicit_data_set_begins_where_the_file_meta_ends():
    data = b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100"
    (received,), *_ = bring(
        says(200, file(data, TransferSyntaxUID=ImplicitVRLittleEndian), "application/dicom")
    )
    assert received.data == data


def test_an_archive_that_does_not_know_the_parameter_is_asked_without_and_not_again_with():
    def answer(request):
        knows = "transfer-syntax" not in request.headers["Accept"]
        uid = request.path.rpartition("/")[2]
        send(request, *((200, multipart(file(MediaStorageSOPInstanceUID=uid)), PARTS) if knows else (406,)))

    arrived, reported, asked = bring(answer, one("1.5"), one("1.6"))
    assert [r.instance_uid for r in arrived] == ["1.5", "1.6"]
    assert [r.failed for r in reported] == [0, 0]
    assert len(asked) == 3


def test_one_connection_serves_every_request():
    def answer(request):
        uid = request.path.rpartition("/")[2]
        send(request, 200, multipart(file(MediaStorageSOPInstanceUID=uid)), PARTS)

    *_, asked = bring(answer, one("1.5"), one("1.6"), one("1.7"))
    assert len({port for *_, port in asked}) == 1


def in_chunks(request, body, size=1000, *, end=b"0\r\n\r\n"):
    request.send_response(200)
    request.send_header("Content-Type", PARTS)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for begin in range(0, len(body), size):
        piece = body[begin : begin + size]
        request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    request.wfile.write(end)


def test_an_answer_in_chunks_leaves_the_connection_for_the_next_one():
    data = DATA + bytes(range(256)) * 100

    def answer(request):
        uid = request.path.rpartition("/")[2]
        in_chunks(request, multipart(file(data, MediaStorageSOPInstanceUID=uid)))

    arrived, _, asked = bring(answer, one("1.5"), one("1.6"))
    assert [r.data for r in arrived] == [data, data]
    assert len({port for *_, port in asked}) == 1


@pytest.mark.parametrize("end", [b"", b"ffffffffffff\r\nx", b"-5\r\n", b"no size\r\n"])
def test_chunks_that_are_none_are_a_broken_connection(end):
    def answer(request):
        in_chunks(request, multipart(file(), ends=False), end=end)
        request.close_connection = True

    assert refusal(answer).reason is Reason.CONNECTION_LOST


@pytest.mark.parametrize("status", [404, 410])
def test_an_image_that_is_gone_is_a_failed_one(status):
    arrived, (reported,), _ = bring(says(status))
    assert (arrived, reported.completed, reported.failed) == ([], 0, 1)
    assert (reported.failed_uids, reported.status) == (("1.2.3.4.5",), 0xB000)


def test_another_image_than_was_asked_for_is_handed_over_and_the_wanted_one_fails():
    arrived, (reported,), _ = bring(says(200, multipart(file(MediaStorageSOPInstanceUID="6.6.6")), PARTS))
    assert [r.instance_uid for r in arrived] == ["6.6.6"]
    assert reported.failed_uids == ("1.2.3.4.5",)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"500",
        b"<html>" + b" " * 500,
        b"\0" * 128 + b"DICM",
        b"\0" * 128 + b"DICM" + b"\xff" * 500,
        b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00UI\xff\xff1.2",
        b"\0" * 128
        + b"DICM"
        + b"\x02\x00\x01\x00OB\x00\x00\xff\xff\xff\xff"
        + b"\xfe\xff\x00\xe0\xff\xff\xff\xff" * 2000,
        b"\0" * 128 + b"DICM" + b"\x02\x00\x01\x00OB\x00\x00\xf0\xff\xff\xff" + b"\0" * 100_000,
        b"\0" * 128
        + b"DICM"
        + b"\x02\x00\x00\x01SQ\x00\x00\xff\xff\xff\xff"
        + b"\xfe\xff\x00\xe0\xff\xff\xff\xff\x02\x00\x00\x01SQ\x00\x00\xff\xff\xff\xff" * 4000,
        file(b""),
        file(lacks=["TransferSyntaxUID"]),
        file(lacks=["MediaStorageSOPInstanceUID"]),
        file(lacks=["MediaStorageSOPClassUID"]),
        file(MediaStorageSOPInstanceUID="../../etc/passwd"),
        file(MediaStorageSOPInstanceUID="1." * 40),
        file(MediaStorageSOPInstanceUID=["1.2.3.4.5", "1.2"]),
        file(TransferSyntaxUID=DeflatedExplicitVRLittleEndian),
        file(TransferSyntaxUID=ExplicitVRBigEndian),
        file(TransferSyntaxUID="1.2.840.10008.1.2.4.95"),
        file(TransferSyntaxUID="1.2.840.113619.5.2"),
    ],
)
@pytest.mark.parametrize("kind", [PARTS, "application/dicom"])
def test_what_is_no_object_is_not_handed_over_and_the_next_one_is(body, kind):
    def answer(request):
        asked = request.path.endswith("1.2.3.4.5")
        whole = multipart(body) if kind == PARTS else body
        send(
            request,
            200,
            whole if asked else multipart(file(MediaStorageSOPInstanceUID="1.9")),
            kind if asked else PARTS,
        )

    arrived, (bad, good), _ = bring(answer, one(), one("1.9"))
    assert [r.instance_uid for r in arrived] == ["1.9"]
    assert (bad.failed, bad.failed_uids, good.failed) == (1, ("1.2.3.4.5",), 0)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"no object", Reason.NO_OBJECT),
        (file()[:150], Reason.NO_OBJECT),
        (file(MediaStorageSOPInstanceUID="../../etc/passwd"), Reason.WRONG_UID),
        (file(TransferSyntaxUID=DeflatedExplicitVRLittleEndian), Reason.SYNTAX_NOT_TAKEN),
        (file(b"\0" * 4_000_000), Reason.TOO_LARGE),
    ],
)
def test_what_is_not_taken_is_said_once_with_its_reason_and_is_not_the_archives_failure(
    body, reason, monkeypatch, tmp_path
):
    monkeypatch.setattr(objects, "IN_MEMORY", 500_000)
    monkeypatch.setattr(objects, "LONGEST", 1_000_000)
    with serving(says(200, multipart(body), PARTS)) as server:
        means = Means(ways=(Way.WADO,), scratch=tmp_path)
        with Retrieval(web(server), LOCAL, STUDY, means, only=one().instances) as brought:
            events = [event for event in brought if isinstance(event, Noted)]
        assert len(server.asked) > 1  # it might have been an accident
    assert [e.facts["reason"] for e in events if e.note is Note.REFUSED] == [reason.code]
    assert brought.given_up == {"1.2.3.4.5": reason}
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_taken_of_a_series_is_named_where_it_says_what_it_is():
    parts = [file(MediaStorageSOPInstanceUID="1.1", TransferSyntaxUID=ExplicitVRBigEndian), b"no object"]
    refused = []
    bring(
        says(200, multipart(*parts), PARTS), Share(STUDY, SERIES), refused=lambda *what: refused.append(what)
    )
    assert refused == [(Reason.SYNTAX_NOT_TAKEN, "1.1"), (Reason.NO_OBJECT, "")]


def test_a_bad_part_in_a_series_costs_only_itself():
    parts = [file(MediaStorageSOPInstanceUID="1.1"), b"no object", file(MediaStorageSOPInstanceUID="1.3")]
    arrived, (reported,), _ = bring(says(200, multipart(*parts), PARTS), Share(STUDY, SERIES))
    assert [r.instance_uid for r in arrived] == ["1.1", "1.3"]
    assert (reported.completed, reported.failed, reported.status) == (2, 1, 0xB000)


def test_partial_content_is_not_a_success():
    body = multipart(file(MediaStorageSOPInstanceUID="1.1"))
    arrived, (reported,), _ = bring(says(206, body, PARTS), Share(STUDY))
    assert len(arrived) == 1
    assert (reported.completed, reported.failed, reported.status) == (1, None, 0xB000)


def test_a_whole_that_brings_nothing_is_not_a_success():
    for answer in (says(404), says(200, multipart(), PARTS)):
        arrived, (reported,), _ = bring(answer, Share(STUDY))
        assert (arrived, reported.completed, reported.failed, reported.status) == ([], 0, None, 0xB000)


# --- what is not


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (302, SetupFault, Reason.NOT_DICOM),
        (400, RequestFault, Reason.REQUEST_FAILED),
        (401, SetupFault, Reason.UNAUTHORIZED),
        (403, SetupFault, Reason.UNAUTHORIZED),
        (406, RequestFault, Reason.REQUEST_FAILED),
        (500, SourceRefused, Reason.OUT_OF_RESOURCES),
        (503, SourceRefused, Reason.BUSY),
    ],
)
def test_each_status_has_its_reason(status, kind, reason):
    error = refusal(says(status, b"SENTINEL", Location="http://127.0.0.1:9/"))
    assert (type(error), error.reason, error.detail) == (kind, reason, f"status {status}")


def test_a_page_instead_of_images_is_a_fault_of_the_settings():
    assert refusal(says(200, b"<html>", "text/html")).reason is Reason.NOT_DICOM
    assert refusal(says(200, b"x", "multipart/related")).reason is Reason.NOT_DICOM


def test_silence_is_no_answer():
    for answer in (hangs, hangs_midway_in_a_part, drips_in_a_part):
        began = time.monotonic()
        assert refusal(answer).reason is Reason.NO_ANSWER
        assert time.monotonic() - began < 3


def hangs_midway_in_a_part(request):
    head(request, 100_000, PARTS)
    request.wfile.write(multipart(file(), ends=False))
    request.wfile.flush()
    time.sleep(4)


def drips_in_a_part(request):
    head(request, 100_000, PARTS)
    for byte in multipart(file(b"\0" * 1000)):
        request.wfile.write(bytes([byte]))
        request.wfile.flush()
        time.sleep(0.2)


def test_what_came_before_a_reset_stays_and_the_half_image_is_not_handed_over(tmp_path):
    def answer(request):
        head(request, 10**9, PARTS)
        whole, half = file(MediaStorageSOPInstanceUID="1.1"), file(b"\0" * 40 * 2**20)
        request.wfile.write(multipart(whole, half, ends=False)[:-1000])
        request.wfile.flush()
        reset(request)

    arrived = []
    with (
        serving(answer) as server,
        pytest.raises(SourceUnreachable) as raised,
        dicomweb.carrying(
            web(server), STUDY, arrived.append, lambda _: None, rendered=False, folder=tmp_path
        ) as bring_one,
    ):
        bring_one(Share(STUDY))
    assert raised.value.reason is Reason.CONNECTION_LOST
    assert [r.instance_uid for r in arrived] == ["1.1"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [True, False])
def test_an_answer_without_its_last_delimiter_is_not_whole(length):
    body = multipart(file(MediaStorageSOPInstanceUID="1.1"), file(), ends=False)

    def answer(request):
        head(request, len(body) if length else None, PARTS)
        request.wfile.write(body)

    assert refusal(answer, Share(STUDY)).reason is Reason.CONNECTION_LOST


def test_the_header_of_a_part_has_an_end():
    def answer(request):
        head(request, None, PARTS)
        request.wfile.write(b"--mark\r\n" + b"X: y\r\n" * 2**20)

    assert refusal(answer).reason is Reason.UNREADABLE


# --- large objects


def test_a_large_object_goes_to_a_file_that_only_we_may_read(tmp_path):
    size, filling = 40 * 2**20, bytes(range(256)) * 4096
    beginning = file(b"")

    def answer(request):
        head(request, None, PARTS)
        request.wfile.write(b"--mark\r\nContent-Type: application/dicom\r\n\r\n" + beginning)
        for _ in range(size // len(filling)):
            request.wfile.write(filling)
        request.wfile.write(b"\r\n--mark--\r\n")

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (received,), (reported,), _ = bring(answer, folder=tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most < 60_000  # KiB
    assert (received.data, received.size, reported.completed) == (b"", 0, 1)
    assert received.file.parent == tmp_path
    assert received.file.stat().st_mode & 0o777 == 0o600
    kept = received.file.read_bytes()
    assert len(kept) == len(beginning) + size
    assert kept == beginning + filling * (size // len(filling))


def test_a_large_object_that_cannot_be_kept_fails_and_the_next_one_comes(tmp_path):
    def answer(request):
        large = request.path.endswith("1.2.3.4.5")
        named = file(b"\0" * (33 * 2**20)) if large else file(MediaStorageSOPInstanceUID="1.9")
        send(request, 200, multipart(named), PARTS)

    arrived, (bad, good), _ = bring(answer, one(), one("1.9"), folder=tmp_path / "nowhere")
    assert [r.instance_uid for r in arrived] == ["1.9"]
    assert (bad.failed_uids, good.completed) == (("1.2.3.4.5",), 1)


def test_a_file_that_nobody_takes_is_deleted(tmp_path):
    class Unwanted(Exception):
        pass

    def refuse(_):
        raise Unwanted

    with serving(says(200, multipart(file(b"\0" * (33 * 2**20))), PARTS)) as server:
        carrier = dicomweb.carrying(
            *(web(server), STUDY, refuse, lambda _: None), rendered=False, folder=tmp_path
        )
        with pytest.raises(Unwanted), carrier as bring_one:
            bring_one(one())
    assert list(tmp_path.iterdir()) == []


# --- the parser alone


@pytest.mark.parametrize("step", [1, 2, 7, 64, 10_000])
@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"--m\r\n\r\nabc\r\n--m--", [b"abc"]),
        (b"preamble\r\n--m\r\nA: b\r\n\r\nabc\r\n--m \r\n\r\n\r\n--m--\r\nepilogue", [b"abc", b""]),
        (b"--m\r\nA: b\r\nC: d\r\n\r\n\r\n--\r\n-m--\r\n--m--", [b"\r\n--\r\n-m--"]),
        (b"--m--", []),
    ],
)
def test_parts_are_what_is_between_delimiters_however_they_come(step, body, parts):
    pieces = iter([body[n : n + step] for n in range(0, len(body), step)])
    assert [b"".join(part) for part in Parts(lambda: next(pieces, b""), "m")] == parts


def test_a_part_that_is_not_read_is_skipped():
    pieces = iter([b"--m\r\n\r\nabc\r\n--m\r\n\r\ndef\r\n--m--"])
    parts = iter(Parts(lambda: next(pieces, b""), "m"))
    next(parts)
    assert b"".join(next(parts)) == b"def"


# --- rendered


PNG = b"\x89PNG\r\n\x1a\nand so on"
HEADER = [
    {
        "00080016": {"vr": "UI", "Value": [str(CTImageStorage)]},
        "00080018": {"vr": "UI", "Value": ["1.2.3.4.5"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "LINDQVIST^Göran"}]},
        "00100020": {"vr": "LO", "Value": ["4471902"]},
        "00100030": {"vr": "DA", "Value": ["nonsense\ud800"]},
        "00280010": {"vr": "US", "Value": [512]},
        "00281050": {"vr": "DS", "Value": [40.5]},
        "00020010": {"vr": "UI", "Value": ["1.2.840.10008.1.2.1.99"]},
        "7FE00010": {"vr": "OW", "BulkDataURI": "http://elsewhere/"},
    }
]


def drawing(picture=PNG, header=HEADER, status=200, kind="image/png"):
    """An archive that draws pictures so, and holds the objects besides."""

    def answer(request):
        if "/rendered" in request.path:
            send(request, status, picture, kind)
        elif "/metadata" in request.path:
            send(request, *((200, header) if header is not None else (404,)))
        else:
            send(request, 200, multipart(file(DATA)), PARTS)

    return answer


def test_a_picture_comes_with_the_header_of_its_object():
    (received,), (reported,), asked = bring(drawing(), rendered=True)
    assert (received.rendered, received.instance_uid, received.sop_class) == (
        PNG,
        "1.2.3.4.5",
        CTImageStorage,
    )
    assert received.transfer_syntax == ExplicitVRLittleEndian
    header = pydicom.dcmread(BytesIO(received.data), force=True)
    assert (str(header.PatientName), header.PatientID, header.Rows) == ("LINDQVIST^Göran", "4471902", 512)
    assert header.WindowCenter == 40.5
    assert "TransferSyntaxUID" not in header
    assert "PixelData" not in header
    assert reported.completed == 1
    assert asked[0][0].endswith("/instances/1.2.3.4.5/rendered?viewport=256,256")
    assert asked[0][1]["Accept"] == "image/png, image/jpeg"


def test_an_archive_that_takes_no_list_of_types_is_asked_for_one():
    def answer(request):
        listed = "," in request.headers["Accept"]
        if "/rendered" in request.path and listed:
            send(request, 400)
        else:
            drawing(b"\xff\xd8\xff and so on", kind="image/jpeg")(request)

    (received, _), _, asked = bring(answer, one(), one(), rendered=True)
    assert received.rendered.startswith(b"\xff\xd8\xff")
    assert sum("/rendered" in path for path, *_ in asked) == 3


@pytest.mark.parametrize(
    "answer",
    [
        *(drawing(status=status) for status in (302, 400, 404, 406, 415, 500, 501)),
        drawing(b"500", kind="image/png"),
        drawing(b"GIF89a"),
        drawing(PNG + b"\0" * 5 * 2**20),
        drawing(header=None),
        drawing(header={}),
        drawing(header=[]),
        drawing(header=HEADER * 2),
    ],
)
def test_where_there_is_no_picture_the_object_comes(answer):
    (received,), (reported,), _ = bring(answer, rendered=True)
    assert (received.rendered, received.data, reported.completed) == (b"", DATA, 1)


@pytest.mark.parametrize("status", [401, 503])
def test_an_outage_while_pictures_are_drawn_is_one(status):
    assert refusal(drawing(status=status), rendered=True).detail == f"status {status}"


# --- ended by another thread


@pytest.mark.parametrize("answer", [hangs, hangs_midway_in_a_part])
def test_a_hanging_read_ends_at_once_when_another_thread_ends_it(answer):
    ends = []
    with serving(answer) as server:
        where = web(server)
        with dicomweb.carrying(where, STUDY, lambda _: None, ends.append, rendered=False) as bring_one:
            timer = threading.Timer(0.3, ends[0])
            timer.start()
            began = time.monotonic()
            with pytest.raises(SourceUnreachable) as raised:
                bring_one(one())
            assert 0.2 < time.monotonic() - began < 0.8
            assert raised.value.detail == "ended by us"
            with pytest.raises(SourceUnreachable):
                bring_one(one())


def test_what_is_ended_before_it_begins_does_not_begin():
    with serving(says(200)) as server:
        with (
            dicomweb.carrying(
                web(server), STUDY, lambda _: None, lambda end: end(), rendered=False
            ) as bring_one,
            pytest.raises(SourceUnreachable),
        ):
            bring_one(one())
        assert server.asked == []


def test_a_content_type_whose_parameters_contradict_each_other_names_no_boundary():
    said = Message()
    said["Content-Type"] = "multipart/related; boundary*=x; boundary*0=y"
    assert http._boundary(said) == ""
