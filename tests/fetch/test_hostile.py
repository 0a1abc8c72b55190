"""Archives that are alive but useless, or worse: each has an end, a reason, and a bound to what it costs."""

import resource
import socket
import struct
import threading
import time
import warnings
from contextlib import contextmanager
from itertools import islice

import pytest
from peers import LOCAL, QUICK, answer, answering, got, query, serving, source
from pydicom.charset import convert_encodings
from pydicom.uid import CTImageStorage
from pynetdicom import AE, evt
from pynetdicom.dimse_primitives import C_GET
from support.studies import study

from fetch.errors import FetchError, RequestFault, SetupFault, SourceUnreachable
from fetch.find import find, find_study
from fetch.model import AnswerKind, Instance, Received, Timeouts
from fetch.notes import Noted
from fetch.reasons import Reason
from fetch.retrieve import Retrieval
from fetch.sources import dimse, line, reading
from fetch.sources.line import LONGEST_PDU
from preview.demo.archive import Archive
from preview.demo.contexts import FIND_MODEL as FIND
from preview.demo.contexts import GET_MODEL as GET
from preview.demo.contexts import listen
from preview.errands.asking import GIVEN_UP

UNDECODABLE = b"\x08\x00\x40\x11\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\x7f"  # a sequence without an end


@contextmanager
def dripping(make, every=0.05, only_at=""):
    """A peer that answers every C-FIND for ever; at other levels, if one is named, with one series."""
    stop = threading.Event()

    def on_find(event):
        if only_at and event.identifier.QueryRetrieveLevel != only_at:
            yield 0xFF00, answer(SeriesInstanceUID="1.2.3.1", NumberOfSeriesRelatedInstances="3")
            yield 0x0000, None
            return
        number = 0
        while not stop.is_set() and event.assoc.is_established:
            number += 1
            yield 0xFF00, make(number)
            stop.wait(every)

    with serving([FIND], (evt.EVT_C_FIND, on_find)) as port:
        yield port
        stop.set()


@contextmanager
def saying(*said, stays=True):
    """A peer that takes one connection, says these bytes to the first ones it hears, and waits."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                try:
                    for part in said:
                        connection.sendall(part)
                    heard.append(connection.recv(100) if stays else b"")
                except OSError:
                    heard.append(b"")

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield listener.getsockname()[1], heard
        thread.join(5)


@contextmanager
def within(seconds):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


# Answers without an end


def test_all_that_asking_may_take_is_less_than_after_which_it_is_given_up():
    longest = 10  # what the settings allow for each of: the name, the connection, the association
    assert dimse.FIND_S + 3 * longest < GIVEN_UP.total_seconds() - 10


def test_answers_that_go_on_for_ever_are_cut_off_and_what_came_is_kept(monkeypatch):
    monkeypatch.setattr(dimse, "FIND_S", 0.7)
    with dripping(lambda n: answer(f"1.2.{n}")) as port, within(2.5):
        (said,) = find(query(), [source(port)], LOCAL)
    assert (said.kind, said.reason, said.broken_off) == (AnswerKind.TRUNCATED, Reason.NO_ANSWER, True)
    assert said.studies


def test_undecodable_answers_that_go_on_for_ever_are_an_outage(monkeypatch):
    monkeypatch.setattr(dimse, "FIND_S", 0.7)
    with answering(*[UNDECODABLE] * 100, pause=0.05) as port, within(2.5):
        (said,) = find(query(), [source(port)], LOCAL)
    assert (said.kind, said.reason) == (AnswerKind.OUTAGE, Reason.NO_ANSWER)


def test_undecodable_answers_count_as_answers():
    with answering(*[UNDECODABLE] * 200) as port:
        (said,) = find(query(), [source(port, answer_limit=20)], LOCAL)
    assert (said.kind, said.reason) == (AnswerKind.TRUNCATED, Reason.TOO_MANY)


def test_the_last_silence_counts_towards_the_end_too(monkeypatch):
    monkeypatch.setattr(dimse, "FIND_S", 0.7)
    patient = Timeouts(connect=1, association=1, message=20, network=20)
    with dripping(lambda n: answer(f"1.2.{n}"), every=15) as port, within(2.5):
        (said,) = find(query(), [source(port, timeouts=patient)], LOCAL)
    assert (said.kind, len(said.studies)) == (AnswerKind.TRUNCATED, 1)


@pytest.mark.parametrize("level", ["SERIES", "IMAGE"])
def test_a_list_without_an_end_is_cut_off_and_the_total_unknown(monkeypatch, level):
    monkeypatch.setattr(dimse, "LISTED", 30)

    def entry(number):
        return answer(SeriesInstanceUID=f"1.2.3.{number}", SOPInstanceUID=f"1.2.3.1.{number}")

    with dripping(entry, every=0, only_at=level) as port, within(3):
        plan = dimse.plan(source(port), LOCAL, "1.2.3")
    assert plan.total is None
    assert len(plan.instances or plan.series) == 30


def test_of_all_series_together_no_more_is_listed_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(dimse, "LISTED_IN_ALL", 20)
    with Archive("MAIN", datasets=study(study_uid="1.1", images=8, series=4)).start() as archive:
        plan = dimse.plan(source(archive.port), LOCAL, "1.1")
    assert (len(plan.series), len(plan.instances)) == (4, 20)
    assert plan.total is None or plan.total == 32


def test_a_list_that_drips_for_ever_is_cut_off_and_the_total_unknown(monkeypatch):
    monkeypatch.setattr(dimse, "PLAN_S", 0.7)
    with dripping(lambda n: answer(SOPInstanceUID=f"1.{n}"), only_at="IMAGE") as port, within(2.5):
        plan = dimse.plan(source(port), LOCAL, "1.2.3")
    assert (plan.total, bool(plan.instances)) == (None, True)


# A C-GET that is pending for ever


@contextmanager
def pending(counters, every=0.1):
    """A peer whose C-GET sends nothing but "pending" with these counters, over and over."""
    stop = threading.Event()

    def on_get(event):
        yield 1
        number = 0
        while not stop.is_set() and event.assoc.is_established:
            said = C_GET()
            said.MessageIDBeingRespondedTo = event.request.MessageID
            said.AffectedSOPClassUID = event.request.AffectedSOPClassUID
            said.Status = 0xFF00
            said.NumberOfRemainingSuboperations, said.NumberOfCompletedSuboperations = counters(number)
            event.assoc.dimse.send_msg(said, event.context.context_id)
            number += 1
            stop.wait(every)
        yield 0x0000, None

    with serving([GET, CTImageStorage], (evt.EVT_C_GET, on_get)) as port:
        yield port
        stop.set()


@pytest.mark.parametrize("counters", [lambda _: (5, 0), lambda n: (5 - n % 2, n % 2)])
def test_pending_for_ever_without_an_image_is_silence(counters):
    with pending(counters) as port, within(3), pytest.raises(SourceUnreachable) as raised:
        bring(source(port))
    assert raised.value.reason is Reason.NO_ANSWER


def test_a_counter_that_goes_on_is_no_silence():
    with pending(lambda n: (max(0, 60 - n), n)) as port, retrieval(source(port)) as brought:
        ends, events = time.monotonic() + 2.5 * QUICK.message, iter(brought)
        while time.monotonic() < ends:
            assert not isinstance(next(events), Noted) or time.monotonic() < ends - 2 * QUICK.message


def retrieval(one):
    """Of one image, so that no list is asked for."""
    return Retrieval(one, LOCAL, "1.2.3", only=[Instance("1.2.3.1", "1.2.3.1.1", CTImageStorage)], tick=0.1)


def bring(one):
    return got(one, "1.2.3")[0]


# PDUs that are too long, or never whole


@pytest.mark.parametrize("kind", [0x02, 0x03, 0x04])
def test_a_pdu_that_says_four_gigabytes_is_not_taken(kind):
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    head = bytes([kind, 0]) + struct.pack(">I", 0xFFFFFFF0)
    with saying(head, *[bytes(2**20)] * 200) as (port, _), within(3):
        (said,) = find(query(), [source(port)], LOCAL)
    assert (said.kind, said.reason) == (AnswerKind.OUTAGE, Reason.NOT_DICOM)
    assert "4294967280" in said.detail
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most < 60_000  # KiB


def test_who_announces_too_much_is_told_so_by_an_abort():
    with saying(b"\x02\x00" + struct.pack(">I", LONGEST_PDU + 1)) as (port, heard):
        find(query(), [source(port)], LOCAL)
    assert heard == [bytes.fromhex("07 00 00000004 00 00 02 06")]


def test_a_pdu_that_is_too_long_in_the_middle_of_an_association_is_a_garbled_message():
    def on_find(event):
        event.assoc.dul.socket.socket.sendall(b"\x04\x00" + struct.pack(">I", 2**31))
        time.sleep(0.5)
        yield 0x0000, None

    with serving([FIND], (evt.EVT_C_FIND, on_find)) as port, within(3):
        (said,) = find(query(), [source(port)], LOCAL)
    assert (said.kind, said.reason) == (AnswerKind.OUTAGE, Reason.GARBLED)


@contextmanager
def poisoned(datasets, poison):
    """An archive that says 4 GiB whenever it comes to this instance, and sends all others."""
    held = {ds.SOPInstanceUID: ds for ds in datasets}

    def on_get(event):
        asked = event.identifier.SOPInstanceUID
        uids = [asked] if isinstance(asked, str) else list(asked)
        yield len(uids)
        for uid in uids:
            if uid == poison:
                event.assoc.dul.socket.socket.sendall(
                    b"\x04\x00" + struct.pack(">I", 0xFFFFFFF0) + bytes(2**20)
                )
            yield 0xFF00, held[uid]

    ae = AE("MAIN")
    ae.add_supported_context(GET)
    ae.add_supported_context(CTImageStorage, scu_role=True, scp_role=True)
    server = listen(ae, 0, [(evt.EVT_C_GET, on_get)])
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


@pytest.mark.parametrize("place", [0, 5, 11])
def test_one_image_that_comes_as_four_gigabytes_costs_itself_alone(place):
    datasets = study(images=12, study_uid="1.2.3")
    wanted = [Instance(ds.SeriesInstanceUID, ds.SOPInstanceUID, CTImageStorage) for ds in datasets]
    poison, arrived = wanted[place].instance_uid, []
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (
        poisoned(datasets, poison) as port,
        Retrieval(source(port), LOCAL, "1.2.3", only=wanted, tick=0.1) as brought,
    ):
        arrived += [event.instance_uid for event in brought if isinstance(event, Received)]
    assert sorted(arrived) == sorted(one.instance_uid for one in wanted if one.instance_uid != poison)
    assert brought.given_up == {poison: Reason.GARBLED}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most < 60_000  # KiB


def test_a_pdu_that_never_becomes_whole_is_given_up_with_the_time_outs():
    with saying(b"\x02\x00\x00\x00\x10\x00" + bytes(10)) as (port, _), within(3):
        (said,) = find(query(), [source(port)], LOCAL)
    assert (said.kind, said.reason) == (AnswerKind.OUTAGE, Reason.NO_ANSWER)


def test_half_a_pdu_does_not_hold_up_whoever_leaves_a_retrieval():
    def on_get(event):
        yield 1
        event.assoc.dul.socket.socket.sendall(b"\x04\x00\x00\x00\x10\x00" + bytes(10))
        time.sleep(3)
        yield 0x0000, None

    patient = Timeouts(connect=2, association=20, message=20, network=20)
    with serving([GET, CTImageStorage], (evt.EVT_C_GET, on_get)) as port:
        time.sleep(0.1)
        with within(2.5), retrieval(source(port, timeouts=patient)) as brought:
            assert None in islice(brought, 6)


def test_an_image_longer_than_any_pdu_arrives_whole():
    (ds,) = study(study_uid="1.2.3", images=1)
    ds.Rows = ds.Columns = 3000
    ds.BitsAllocated, ds.PixelData = 16, bytes(3000 * 3000 * 2)
    with Archive("MAIN", datasets=[ds]).start() as archive:
        (received,) = bring(source(archive.port))
    assert len(received.data) > 2 * LONGEST_PDU


# Names that nobody resolves


def test_a_resolver_that_hangs_is_given_up_with_the_connection(monkeypatch):
    resolved = threading.Event()

    def hanging(*_, **__):
        resolved.wait(20)
        raise OSError

    monkeypatch.setattr(line.socket, "getaddrinfo", hanging)
    with within(2.5):
        (said,) = find(query(), [source(104, host="pacs.example")], LOCAL)
    resolved.set()
    assert (said.kind, said.reason) == (AnswerKind.OUTAGE, Reason.NO_CONNECTION)


# One study by its UID


def test_an_answer_that_cannot_be_read_does_not_mean_that_there_is_no_such_study():
    with answering(UNDECODABLE) as port, pytest.raises(RequestFault) as raised:
        find_study(source(port), LOCAL, "1.2.3")
    assert raised.value.reason is Reason.UNREADABLE


def test_an_answer_without_a_study_uid_does_not_mean_it_either():
    with answering(answer(study_uid=None)) as port, pytest.raises(FetchError) as raised:
        find_study(source(port), LOCAL, "1.2.3")
    assert raised.value.reason is Reason.UNREADABLE


def test_what_was_found_counts_though_something_else_could_not_be_read():
    with answering(answer(), UNDECODABLE) as port:
        assert find_study(source(port), LOCAL, "1.2.3").study_uid == "1.2.3"


def test_a_web_server_is_still_no_archive():
    with saying(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (port, _), pytest.raises(SetupFault) as raised:
        find_study(source(port), LOCAL, "1.2.3")
    assert raised.value.reason is Reason.NOT_DICOM


# What pydicom says of a patient's data


@pytest.mark.parametrize("named", [["OKAFOR"], ["ISO-IR 100"], ["ISO_IR 192", "ISO 2022 IR 87"]])
def test_a_character_set_that_is_none_is_not_quoted_anywhere(named, caplog):
    assert reading.text(answer(), "PatientID")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert convert_encodings(named)
    assert (warned, caplog.records) == ([], [])
