"""The receiver: who may push what to it, what it keeps, and what it costs whatever is sent."""

import logging
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from peers import source
from pydicom import dcmread
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
)
from pynetdicom import AllStoragePresentationContexts
from pynetdicom.sop_class import Verification
from support.certificates import Authority
from support.installation import BIN, ROOT, eventually, free_port, source_block, wait_for_port
from support.pushing import PLAIN, encoded, file_of, push, push_as, pushing
from support.studies import study

from fetch.errors import SetupFault
from fetch.model import Local, Timeouts, Tls
from fetch.records import StudyRow
from fetch.sources import contexts, tls
from fetch.sources.callers import Callers, plain
from fetch.sources.receiver import Receiver
from fetch.spool import Spool
from preview.records import Errand, FetchRow

LOCAL = Local("PREVIEW", 0)
QUICK = Timeouts(association=1)
FULL, MISMATCH, UNREADABLE, INVALID, UNWANTED = 0xA700, 0xA900, 0xC000, 0x0117, 0x0124
GIANT = struct.pack(">BBL", 1, 0, 0xFFFFFFF0)
"""The beginning of an A-ASSOCIATE-RQ of 4 GiB."""


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool", reserve=0)


@contextmanager
def receiving(spool, *sources, wants=lambda _source, _study: True, local=LOCAL):
    with Receiver(local, sources or [source(4242, timeouts=QUICK)], spool, wants).start() as receiver:
        yield receiver.port


def kept(spool, datasets):
    """The instances of this study that wait in the spool."""
    return {received.instance_uid for received in spool.waiting(datasets[0].StudyInstanceUID)}


def nothing_is_left_of_others(spool):
    return list(spool.incoming.iterdir()) == []


# What is kept


def test_what_a_source_pushes_waits_in_the_spool_as_it_was_sent(spool):
    datasets = study(images=3)
    with receiving(spool) as port:
        assert push(port, *datasets) == [0x0000] * 3
    waiting = {received.instance_uid: received for received in spool.waiting(datasets[0].StudyInstanceUID)}
    assert {uid: dcmread(received.file) for uid, received in waiting.items()} == {
        ds.SOPInstanceUID: ds for ds in datasets
    }
    assert nothing_is_left_of_others(spool)


def test_it_echoes_to_a_source(spool):
    with receiving(spool) as port, pushing(port) as assoc:
        assert assoc.send_c_echo().Status == 0x0000


def test_an_archive_of_another_make_pushes_a_whole_folder(spool, tmp_path):
    datasets = study(images=20)
    _folder(tmp_path / "files", datasets)
    with receiving(spool) as port:
        subprocess.run(["echoscu", "-aet", "MAIN", "-aec", "PREVIEW", "127.0.0.1", str(port)], check=True)
        _storescu(port, tmp_path / "files")
    assert kept(spool, datasets) == {ds.SOPInstanceUID for ds in datasets}


def test_only_studies_that_somebody_wants_are_kept(spool, caplog):
    wanted, unwanted = study(images=2), study(images=1)
    asked = []

    def wants(name, study_uid):
        asked.append(name)
        return study_uid == wanted[0].StudyInstanceUID

    with caplog.at_level(logging.INFO), receiving(spool, wants=wants) as port:
        assert push(port, wanted[0], *unwanted, wanted[1]) == [0x0000, UNWANTED, 0x0000]
        eventually(lambda: "stored=2" in caplog.text, 5)
    assert len(kept(spool, wanted)) == 2
    assert kept(spool, unwanted) == set()
    assert nothing_is_left_of_others(spool)
    assert asked == ["main"] * 2  # remembered for a moment
    assert "source=main" in caplog.text
    assert "unwanted=1" in caplog.text
    assert wanted[0].StudyInstanceUID not in caplog.text


def test_a_database_that_does_not_answer_is_no_reason_to_lose_anything(spool):
    datasets, says = study(images=1), iter([None, True])
    with receiving(spool, wants=lambda *_: next(says)) as port:
        assert push(port, *datasets) == [FULL]
        assert push(port, *datasets) == [0x0000]


def test_a_nearly_full_disk_is_told_to_the_archive_and_publishes_nothing(tmp_path):
    datasets, spool = study(images=2), Spool(tmp_path / "spool", reserve=2**60)
    with receiving(spool) as port:
        assert push(port, *datasets) == [FULL, FULL]
    assert kept(spool, datasets) == set()
    assert nothing_is_left_of_others(spool)


# What does not belong together


@pytest.mark.parametrize("uid", ["../../../tmp/x", "9" * 200, "1.2.a", "1..2", "1.2.3\\1.2.4"])
def test_a_hostile_instance_uid_is_refused_and_the_rest_of_the_study_is_kept(spool, tmp_path, uid):
    bad, good = study(images=2)
    with receiving(spool) as port, pushing(port) as assoc:
        assert push_as(assoc, encoded(bad), instance_uid=uid) == INVALID
        assert push_as(assoc, encoded(good), instance_uid=good.SOPInstanceUID) == 0x0000
    assert kept(spool, [good]) == {good.SOPInstanceUID}
    assert nothing_is_left_of_others(spool)
    assert {path.parent.parent for path in tmp_path.rglob("*.dcm")} == {tmp_path / "spool"}


def test_the_fetch_is_told_of_what_was_refused(spool):
    bad, good = study(images=2)
    with receiving(spool) as port, pushing(port) as assoc:
        assert push_as(assoc, encoded(bad), instance_uid="../x") == INVALID
        assert push_as(assoc, encoded(bad), instance_uid=good.SOPInstanceUID) == MISMATCH
    assert list(spool.refusals(bad.StudyInstanceUID)) == [("wrong-uid", "")] * 2


@pytest.mark.parametrize("uid", ["../../etc", "x" * 60, "", "1.2/3"])
def test_a_hostile_study_uid_is_refused(spool, uid):
    (ds,) = study(images=1, study_uid="1.2.3")
    data = encoded(ds).replace(b"\x20\x00\x0d\x00UI\x06\x001.2.3\0", _study_element(uid))
    with receiving(spool) as port, pushing(port) as assoc:
        assert push_as(assoc, data, instance_uid=ds.SOPInstanceUID) == MISMATCH
    assert nothing_is_left_of_others(spool)


def _study_element(uid: str) -> bytes:
    value = uid.encode() + b"\0" * (len(uid) % 2)
    return b"\x20\x00\x0d\x00UI" + struct.pack("<H", len(value)) + value


@pytest.mark.parametrize(
    "data",
    [
        b"garbage that is none",
        b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" * 1000,
        b"\x08\x00\x18\x00UI\xff\xff",
        bytes(100_000),
    ],
    ids=["text", "sequences", "length", "zeros"],
)
def test_what_is_no_data_set_is_refused(spool, data):
    (ds,) = study(images=1)
    with receiving(spool) as port, pushing(port) as assoc:
        assert push_as(assoc, data, instance_uid=ds.SOPInstanceUID) in (UNREADABLE, MISMATCH)
        assert assoc.send_c_store(ds).Status == 0x0000
    assert nothing_is_left_of_others(spool)


# Who may push


def test_a_caller_under_another_ae_title_is_refused_before_anything_else(spool, caplog):
    with receiving(spool) as port:
        for _ in range(3):
            with pushing(port, aet="SOMEBODY") as assoc:
                assert assoc.is_rejected
                answer = assoc.acceptor.primitive
                assert (answer.result, answer.result_source, answer.diagnostic) == (1, 1, 3)
    assert caplog.text.count("receiver: refused address=127.0.0.1") == 1
    assert "SOMEBODY" not in caplog.text


def test_a_caller_from_another_address_is_refused(spool):
    elsewhere = source(4242, timeouts=QUICK, receive_from=("10.9.8.7",))
    with receiving(spool, elsewhere) as port, pushing(port) as assoc:
        assert assoc.is_rejected


def test_the_ae_title_of_one_source_does_not_open_the_door_to_the_address_of_another(spool):
    here = source(4242, "main", timeouts=QUICK)
    there = source(4242, "other", aet="OTHER", timeouts=QUICK, receive_from=("10.9.8.7",))
    with receiving(spool, here, there) as port:
        with pushing(port, aet="OTHER") as assoc:
            assert assoc.is_rejected
        with pushing(port) as assoc:
            assert assoc.is_established


def test_a_caller_that_wants_somebody_else_is_refused(spool):
    with receiving(spool) as port, pushing(port, called="ELSEWHERE") as assoc:
        assert assoc.is_rejected
        assert assoc.acceptor.primitive.diagnostic == 7


def test_a_source_that_speaks_only_dicomweb_never_pushes(spool):
    web = source(0, host="", protocol="dicomweb", timeouts=QUICK)
    with receiving(spool, web) as port, pushing(port) as assoc:
        assert not assoc.is_established


def test_a_host_is_known_by_every_address_that_it_has_also_inside_ipv6():
    callers = Callers([source(1, host="localhost"), source(1, "gone", host="no.such.host.invalid")])
    callers.look_up()
    assert callers.named("127.0.0.1", "MAIN") == ("main",)
    assert callers.named("10.0.0.1", "MAIN") == ()
    assert (plain("::ffff:10.0.0.7"), plain("fe80::1%eth0"), plain("10.0.0.7")) == (
        "10.0.0.7",
        "fe80::1",
        "10.0.0.7",
    )


def test_strangers_share_a_few_lines_and_leave_the_others_to_the_sources():
    callers = Callers([source(1), source(1, "other", host="127.0.0.2")])
    callers.look_up()
    strangers = [callers.enters(f"10.0.0.{n}") for n in range(10)]
    assert len([group for group in strangers if group is not None]) == 4
    ours = [callers.enters("127.0.0.1") for _ in range(30)]
    assert len([group for group in ours if group]) == 16
    assert callers.enters("127.0.0.2")
    callers.leaves("127.0.0.1")
    assert callers.enters("127.0.0.1")


# What may be sent


def test_every_storage_class_is_taken_plain_and_compressed_and_never_deflated_or_big_endian(spool):
    every = [str(cx.abstract_syntax) for cx in AllStoragePresentationContexts]
    wanted, _ = contexts.for_storage([])
    assert {str(cx.abstract_syntax) for cx in wanted} <= set(every)
    with receiving(spool) as port:
        for at in range(0, len(every), 100):
            chosen = [(name, PLAIN) for name in every[at : at + 100]]
            with pushing(port, contexts=chosen) as assoc:
                assert len(assoc.accepted_contexts) == len(chosen) + 1
        bad = [(name, [DeflatedExplicitVRLittleEndian]) for name in every[:60]]
        bad += [(name, [ExplicitVRBigEndian]) for name in every[60:120]]
        with pushing(port, contexts=bad) as assoc:
            assert [cx.abstract_syntax for cx in assoc.accepted_contexts] == [Verification]


def test_a_compressed_object_is_taken_as_its_archive_has_it(spool):
    offered = [
        (CTImageStorage, [JPEG2000Lossless, ExplicitVRLittleEndian]),
        (EncapsulatedPDFStorage, [DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian]),
    ]
    with receiving(spool) as port, pushing(port, contexts=offered) as assoc:
        chosen = {cx.abstract_syntax: cx.transfer_syntax[0] for cx in assoc.accepted_contexts}
    assert chosen[CTImageStorage] == JPEG2000Lossless
    assert chosen[EncapsulatedPDFStorage] == ImplicitVRLittleEndian
    for syntax in (HTJ2KLossless, HTJ2KLosslessRPCL, *contexts.COMPRESSED):
        with receiving(spool) as port, pushing(port, contexts=[(CTImageStorage, [syntax])]) as assoc:
            assert len(assoc.accepted_contexts) == 2


# What it costs


def test_a_connection_that_says_nothing_is_closed_in_time(spool):
    with receiving(spool) as port, socket.create_connection(("127.0.0.1", port), 5) as line:
        began = time.monotonic()
        assert line.recv(10) == b""
        assert 0.5 < time.monotonic() - began < 4


@pytest.mark.parametrize("said", [b"\1\0\0", GIANT[:2], b"\1\0\0\0\1\0" + b"x" * 20])
def test_one_that_says_a_little_is_closed_in_time_and_its_place_is_free_again(spool, said):
    with receiving(spool) as port:
        lines = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(16)]
        for line in lines:
            line.sendall(said)
        for line in lines:
            with line:
                _until_closed(line)
        eventually(lambda: push(port, *study(images=1)) == [0x0000], 10)


def _until_closed(line):
    try:
        while line.recv(100):
            pass
    except ConnectionError:
        return


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\n\r\n", bytes(1000), os.urandom(1000), b"\x16\x03\x01" * 9]
)
def test_what_is_no_dicom_does_no_harm(spool, said):
    with receiving(spool) as port:
        with socket.create_connection(("127.0.0.1", port), 5) as line:
            line.sendall(said)
            _until_closed(line)
        assert push(port, *study(images=1)) == [0x0000]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_association_request_that_is_garbage_inside_does_no_harm(spool):
    with receiving(spool) as port:
        with socket.create_connection(("127.0.0.1", port), 5) as line:
            line.sendall(b"\1\0" + struct.pack(">L", 200) + b"\0\1\0\0" + b"\xff" * 196)
            _until_closed(line)
        assert push(port, *study(images=1)) == [0x0000]


def test_a_pdu_of_four_gigabytes_costs_no_memory_before_and_after_the_association(spool):
    with receiving(spool) as port:
        push(port, *study(images=1))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(4):
            with socket.create_connection(("127.0.0.1", port), 5) as line:
                _flood(line, GIANT, 30 * 2**20)
        with pushing(port) as assoc:
            line = assoc.dul.socket.socket
            _flood(line, struct.pack(">BBL", 4, 0, 0xFFFFFFF0), 30 * 2**20)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024  # KiB
        assert push(port, *study(images=1)) == [0x0000]


@pytest.mark.parametrize("place", [0, 1])
def test_the_fetch_is_told_of_a_message_of_four_gigabytes(spool, place):
    first, second = study(images=2)
    with receiving(spool) as port, spool.moves.under_way("main", first.StudyInstanceUID):
        with pushing(port) as assoc:
            for ds in [first, second][:place]:
                push_as(assoc, encoded(ds), instance_uid=ds.SOPInstanceUID)
            _flood(assoc.dul.socket.socket, struct.pack(">BBL", 4, 0, 0xFFFFFFF0), 2**20)
        said = []
        eventually(lambda: said.extend(spool.refusals(first.StudyInstanceUID)) or said, 10)
        assert said == [("garbled", "")]
        assert push(port, second) == [0x0000]
    assert len(kept(spool, [first])) == place + 1


def _flood(line, head, count):
    try:
        line.sendall(head)
        for _ in range(count // 2**16):
            line.sendall(bytes(2**16))
    except OSError:  # it hung up, as it should
        return


# TLS


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    authority, stranger = Authority(folder), Authority(folder, "stranger")
    return authority, authority.issue("receiver"), authority.issue("archive"), stranger.issue("not-us")


def encrypted(papers):
    authority, ours, _, _ = papers
    return replace(LOCAL, tls=Tls(authority.ca, ours.certificate, ours.key))


def shown(papers, theirs):
    return tls.client_context(Tls(papers[0].ca, theirs.certificate, theirs.key)), "localhost"


def test_with_a_certificate_of_our_authority_an_archive_pushes_over_tls(spool, papers, tmp_path):
    datasets, (authority, _, theirs, _) = study(images=3), papers
    _folder(tmp_path / "files", datasets)
    with receiving(spool, local=encrypted(papers)) as port:
        assert push(port, datasets[0], tls=shown(papers, theirs)) == [0x0000]
        _storescu(port, tmp_path / "files", "+tls", theirs.key, theirs.certificate, "+cf", authority.ca)
    assert len(kept(spool, datasets)) == 3


def test_without_one_it_does_not(spool, papers, caplog):
    with receiving(spool, local=encrypted(papers)) as port:
        with pushing(port, tls=shown(papers, papers[3])) as assoc:
            assert not assoc.is_established
        with pushing(port) as assoc:
            assert not assoc.is_established
    assert "receiver: refused address=127.0.0.1" in caplog.text


def test_a_handshake_that_does_not_end_holds_up_nobody(spool, papers):
    with (
        receiving(spool, local=encrypted(papers)) as port,
        socket.create_connection(("127.0.0.1", port), 5) as slow,
    ):
        assert push(port, *study(images=1), tls=shown(papers, papers[2])) == [0x0000]
        began = time.monotonic()
        _until_closed(slow)
        assert time.monotonic() - began < 4


def test_files_of_tls_that_are_none_are_told_at_the_start(spool, tmp_path):
    (tmp_path / "none.pem").write_text("none")
    local = replace(LOCAL, tls=Tls(*[tmp_path / "none.pem"] * 3))
    with pytest.raises(SetupFault):
        Receiver(local, [], spool, lambda *_: True).start()


# The process


@pytest.fixture
def site(install, tmp_path):
    port = free_port()
    made = install(source_block("main", 4242, aet="MAIN"))
    made.receiver = port
    return made


@contextmanager
def process(site, **limits):
    """The receiver as the Procfile starts it; its standard error is in a file of the installation's."""
    environment = {**site.environment, "PREVIEW_LOCAL__PORT": str(site.receiver)}
    command = [str(BIN / "flask"), "--app", str(ROOT / "app.py"), "receiver"]
    with (site.folder / "receiver.log").open("ab") as log:
        running = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=log, **limits)
    try:
        wait_for_port(site.receiver)
        yield running
    finally:
        running.kill()
        running.wait(10)


def spool_of(site):
    return Spool(site.settings.app.spool_folder)


def want(site, study_uid, *, finished=False, errand=Errand.FETCH):
    now = site.parts.now
    with site.parts.records.write() as session:
        row = StudyRow(source="main", study_uid=study_uid, seen_at=now)
        session.add(row)
        session.flush()
        fetch = FetchRow(
            study_row=row.id, wanted_at=now, errand=errand, finished_at=now if finished else None
        )
        session.add(fetch)


def test_the_process_takes_what_a_fetch_that_is_not_finished_wants(site):
    wanted, finished, brought, unknown = (study(images=1) for _ in range(4))
    want(site, wanted[0].StudyInstanceUID)
    want(site, finished[0].StudyInstanceUID, finished=True)
    want(site, brought[0].StudyInstanceUID, errand=Errand.BRING)
    with process(site):
        assert push(site.receiver, *wanted, *finished, *brought, *unknown) == [0x0000, *[UNWANTED] * 3]
    assert len(kept(spool_of(site), wanted)) == 1


def test_the_end_is_clean_and_quick_also_while_something_comes_in(site):
    (ds,) = study(images=1, size=512)
    want(site, ds.StudyInstanceUID)
    with process(site) as running, pushing(site.receiver) as assoc:
        assert assoc.send_c_store(ds).Status == 0x0000
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)
        assert running.wait(15) == 0
        assert time.monotonic() - began < 8
    log = (site.folder / "receiver.log").read_text()
    assert "Traceback" not in log
    assert ds.PatientID not in log


def test_a_port_that_is_taken_is_told_in_one_line(site):
    with socket.create_server(("127.0.0.1", site.receiver)):
        ended = site.flask("receiver", PREVIEW_LOCAL__PORT=str(site.receiver))
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(
        f"The receiver cannot listen on 127.0.0.1:{site.receiver} ("
    )
    assert "Traceback" not in ended.stderr


def test_nothing_listens_where_no_archive_may_push(install):
    site = install(source_block("main", 4242, aet="MAIN", retrieve="c-get"))
    site.receiver = free_port()
    environment = {**site.environment, "PREVIEW_LOCAL__PORT": str(site.receiver)}
    command = [str(BIN / "flask"), "--app", str(ROOT / "app.py"), "receiver"]
    running = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        with pytest.raises(TimeoutError):
            wait_for_port(site.receiver, 4)
        assert running.poll() is None
    finally:
        running.terminate()
        assert running.wait(15) == 0


def test_at_its_start_the_spool_is_swept_and_what_is_wanted_stays(site):
    wanted, unwanted = study(images=1), study(images=1)
    spool = spool_of(site)
    for ds in (*wanted, *unwanted):
        part = spool.incoming / "x.part"
        part.write_bytes(file_of(ds))
        spool.publish(part, ds.StudyInstanceUID, ds.SOPInstanceUID)
    want(site, wanted[0].StudyInstanceUID)
    with process(site):
        assert len(kept(spool, wanted)) == 1
        assert kept(spool, unwanted) == set()


@pytest.mark.parametrize("after", [0, 3, 17])
def test_what_was_answered_outlasts_a_kill_at_any_moment(site, after):
    datasets = study(images=40, size=256)
    want(site, datasets[0].StudyInstanceUID)
    answered = set()
    with process(site) as running, pushing(site.receiver) as assoc:
        assoc.dimse_timeout = 5  # pynetdicom does not notice that its peer has gone
        for number, ds in enumerate(datasets):
            if number == after:  # in the middle of whatever it does
                killer = subprocess.Popen([sys.executable, "-c", _KILL, str(running.pid)])
            if not assoc.is_established:
                break
            if assoc.send_c_store(ds).get("Status") == 0x0000:
                answered.add(ds.SOPInstanceUID)
        killer.wait(10)
    assert after <= len(answered) < 40
    with process(site):
        assert answered <= kept(spool_of(site), datasets)
        assert push(site.receiver, *datasets) == [0x0000] * 40
    assert {ds.SOPInstanceUID for ds in datasets} == kept(spool_of(site), datasets)


_KILL = "import os, sys; os.kill(int(sys.argv[1]), 9)"


def test_an_object_of_200_megabytes_costs_little_memory(site, tmp_path):
    datasets = study(images=2, size=64)
    giant = datasets[0]
    giant.Rows, giant.Columns = 10_240, 10_240
    giant.PixelData = bytes(10_240 * 10_240 * 2)
    want(site, giant.StudyInstanceUID)
    _folder(tmp_path / "files", datasets)
    with process(site) as running:
        push(site.receiver, datasets[1])
        before = _most_memory(running.pid)
        _storescu(site.receiver, tmp_path / "files")
        assert _most_memory(running.pid) - before < 60 * 2**20
    waiting = {r.instance_uid: r for r in spool_of(site).waiting(giant.StudyInstanceUID)}
    assert waiting[giant.SOPInstanceUID].file.stat().st_size > 200 * 10**6


def test_a_disk_that_takes_no_more_is_told_and_the_process_lives_on(site):
    large, small = study(images=1, size=1024)[0], study(images=1)[0]
    for ds in (large, small):
        want(site, ds.StudyInstanceUID)

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))

    with process(site, preexec_fn=limit):
        assert push(site.receiver, large, small) == [FULL, 0x0000]
    assert kept(spool_of(site), [large]) == set()
    assert nothing_is_left_of_others(spool_of(site))


def _most_memory(pid: int) -> int:
    """The most resident memory it ever had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def _folder(folder: Path, datasets) -> None:
    folder.mkdir()
    for number, ds in enumerate(datasets):
        (folder / f"{number}.dcm").write_bytes(file_of(ds))


def _storescu(port: int, folder: Path, *more) -> None:
    command = ["storescu", "-aet", "MAIN", "-aec", "PREVIEW", "+sd", *map(str, more), "127.0.0.1", str(port)]
    subprocess.run([*command, str(folder)], check=True, capture_output=True, timeout=60)
