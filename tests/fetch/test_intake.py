"""How data sets come in: small ones in memory, large ones in files, and of broken ones nothing stays."""

import errno
import stat
import struct
import time
from contextlib import contextmanager

import pytest
from pydicom import dcmread
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet, Verification
from support.installation import eventually
from support.pushing import encoded, push, push_as, pushing, store_request
from support.studies import study

from fetch.sources import intake
from preview.demo.contexts import listen


@contextmanager
def taking(folder, most_in_memory=0, *, has_room=lambda: True, delay=0.0):
    """A peer that takes what is pushed with an intake; yields its port, what it took and what failed."""
    took, failed, intakes = [], [], []

    def store(event):
        time.sleep(delay)
        try:
            took.append(intake.taken(event))
        except OSError as failure:
            failed.append(failure)
            return 0xA700
        return 0x0000

    def requested(event):
        intakes.append(intake.attach(event.assoc, folder, most_in_memory, has_room))

    ae = AE("PREVIEW")
    for service in (CTImageStorage, Verification, StudyRootQueryRetrieveInformationModelGet):
        ae.add_supported_context(service, ExplicitVRLittleEndian)
    server = listen(ae, 0, [(evt.EVT_REQUESTED, requested), (evt.EVT_C_STORE, store)])
    try:
        yield server.server_address[1], took, failed
    finally:
        server.shutdown()


def test_a_small_object_stays_in_memory(tmp_path):
    (ds,) = study(images=1)
    with taking(tmp_path, 2**20) as (port, took, _):
        assert push(port, ds) == [0x0000]
    (received,) = took
    assert received.data == encoded(ds)
    assert (received.file, list(tmp_path.iterdir())) == (None, [])
    assert (received.sop_class, received.instance_uid, received.transfer_syntax) == (
        ds.SOPClassUID,
        ds.SOPInstanceUID,
        ExplicitVRLittleEndian,
    )


@pytest.mark.parametrize("most", [0, 1000, 300_000])
def test_a_large_one_is_a_file_that_is_for_this_user_only_and_that_everybody_reads(tmp_path, most):
    (ds,) = study(images=1, size=512)
    with taking(tmp_path, most) as (port, took, _):
        assert push(port, ds) == [0x0000]
    (received,) = took
    assert received.data == b""
    assert stat.S_IMODE(received.file.stat().st_mode) == 0o600
    assert received.file.parent == tmp_path
    assert ds.SOPInstanceUID not in received.file.name
    read = dcmread(received.file)
    assert read == ds
    assert read.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    assert read.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_each_object_decides_for_itself(tmp_path):
    small, large = study(images=1, size=16)[0], study(images=1, size=256)[0]
    with taking(tmp_path, 10_000) as (port, took, _):
        push(port, small, large, small)
    assert [bool(received.file) for received in took] == [False, True, False]


def test_a_connection_that_ends_in_the_middle_leaves_nothing(tmp_path):
    (ds,) = study(images=1, size=512)
    with taking(tmp_path) as (port, took, _):
        with pushing(port) as assoc:
            _send_part(assoc, encoded(ds)[:100_000])
            eventually(lambda: list(tmp_path.iterdir()), 5)
            assoc.abort()
        eventually(lambda: not list(tmp_path.iterdir()), 5)
        assert took == []


def test_what_is_complete_and_not_taken_when_the_connection_ends_is_deleted_too(tmp_path):
    (ds,) = study(images=1, size=64)
    with taking(tmp_path, delay=0.5) as (port, took, failed):
        with pushing(port) as assoc:
            _send_part(assoc, encoded(ds), last=True)
            eventually(lambda: list(tmp_path.iterdir()), 5)
            time.sleep(0.1)
            assoc.abort()
        eventually(lambda: failed, 5)
        assert took == []
        assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_told_to_the_handler_and_keeps_nothing(tmp_path):
    (ds,) = study(images=1, size=512)
    with taking(tmp_path, has_room=lambda: False) as (port, took, failed):
        assert push(port, ds, ds) == [0xA700, 0xA700]
    assert took == []
    assert {failure.errno for failure in failed} == {errno.ENOSPC}
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_on_the_way_is_told_likewise(tmp_path):
    rooms = iter([True, False])
    (ds,) = study(images=1, size=3500)
    with taking(tmp_path, has_room=lambda: next(rooms, True)) as (port, took, _):
        assert push(port, ds, study(images=1)[0]) == [0xA700, 0x0000]
    assert len(took) == len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_gone_is_told_likewise(tmp_path):
    with taking(tmp_path / "gone") as (port, _, failed):
        assert push(port, *study(images=1)) == [0xA700]
    assert {failure.errno for failure in failed} == {errno.ENOENT}


@pytest.mark.parametrize("uid", ["../../etc/passwd", "9" * 200, "1.2.a", "x"])
def test_a_hostile_uid_is_handed_on_as_it_came_and_does_nothing(tmp_path, uid):
    (ds,) = study(images=1)
    with taking(tmp_path) as (port, took, _), pushing(port) as assoc:
        assert push_as(assoc, encoded(ds), instance_uid=uid) == 0x0000
        assert push_as(assoc, encoded(ds), instance_uid=ds.SOPInstanceUID) == 0x0000
    hostile, good = took
    assert (hostile.instance_uid, good.instance_uid) == (uid, ds.SOPInstanceUID)
    assert dcmread(hostile.file).file_meta.MediaStorageSOPInstanceUID == "0"
    assert {path.parent for path in tmp_path.rglob("*")} == {tmp_path}


def test_an_object_in_a_context_that_was_not_accepted_is_dropped(tmp_path):
    (ds,) = study(images=1)
    with taking(tmp_path) as (port, took, _), pushing(port) as assoc:
        assert push_as(assoc, encoded(ds), context_id=77) is None
        eventually(lambda: not assoc.is_established, 5)
        assert took == []
    assert list(tmp_path.iterdir()) == []


def test_who_sends_on_without_an_answer_is_hung_up_on(tmp_path):
    (ds,) = study(images=1)
    with taking(tmp_path, delay=1) as (port, took, _), pushing(port) as assoc:
        for _ in range(20):
            _send_part(assoc, encoded(ds), last=True)
        eventually(lambda: not assoc.is_established, 5)
    eventually(lambda: len(list(tmp_path.iterdir())) == len(took), 5)
    assert len(took) <= 1


@pytest.mark.parametrize("command", [b"", b"\xff" * 40, b"\0\0\0\1" * 20, bytes(100)], ids=range(4))
def test_a_command_that_is_none_ends_the_association_and_not_the_process(tmp_path, command):
    with taking(tmp_path) as (port, took, _), pushing(port) as assoc:
        _send_command(assoc, command, last=True)
        eventually(lambda: not assoc.is_established, 5)
        assert took == []
        assert push(port, *study(images=1)) == [0x0000]


def _p_data(*parts: bytes) -> bytes:
    return struct.pack(">BxL", 4, len(b"".join(parts))) + b"".join(parts)


@pytest.mark.parametrize(
    "pdu",
    [
        _p_data(struct.pack(">L", 0), b"\1\3"),
        _p_data(struct.pack(">L", 1), b"\1\3"),
        _p_data(struct.pack(">L", 2**32 - 1), b"\1\0", bytes(100)),
        _p_data(struct.pack(">L", 5), b"\1\0", bytes(2)),
        _p_data(b"\0\0\0"),
    ],
    ids=range(5),
)
def test_a_pdu_whose_parts_have_other_lengths_than_they_say_ends_the_association(tmp_path, pdu):
    with taking(tmp_path) as (port, took, _), pushing(port) as assoc:
        assoc.dul.socket.send(pdu)
        eventually(lambda: not assoc.is_established, 5)
        assert took == []
        assert push(port, *study(images=1)) == [0x0000]


def test_several_values_in_one_pdu_are_one_object(tmp_path):
    """PS3.8 9.3.1 allows it; the command and its object may share one too."""
    (ds,) = study(images=1, size=16)
    with taking(tmp_path, 2**20) as (port, took, _), pushing(port) as assoc:
        context = next(
            cx.context_id for cx in assoc.accepted_contexts if cx.abstract_syntax == CTImageStorage
        )
        parts = [
            part.presentation_data_value_list[0][1]
            for part in store_request(encoded(ds)).encode_msg(context, 1024)
        ]
        assoc._reactor_checkpoint.clear()
        values = (struct.pack(">LB", len(part) + 1, context) + part for part in parts)
        assoc.dul.socket.send(_p_data(*values))
        assert assoc.dimse.get_msg(block=True)[1].Status == 0x0000
        assoc._reactor_checkpoint.set()
    assert [received.data for received in took] == [encoded(ds)]


def test_a_command_amid_an_object_ends_the_association_and_leaves_nothing(tmp_path):
    (ds,) = study(images=1, size=512)
    with taking(tmp_path) as (port, took, _), pushing(port) as assoc:
        _send_part(assoc, encoded(ds)[:100_000])
        _send_command(assoc, bytes(100), last=True)
        eventually(lambda: not assoc.is_established, 5)
        eventually(lambda: not list(tmp_path.iterdir()), 5)
        assert took == []


def test_a_command_without_an_end_ends_the_association(tmp_path):
    with taking(tmp_path) as (port, _, _), pushing(port) as assoc:
        for _ in range(100):
            _send_command(assoc, bytes(10_000))
        eventually(lambda: not assoc.is_established, 5)


def _send_command(assoc, command, *, last=False):
    _send(assoc, (3 if last else 1), command)


def _send(assoc, control, data):
    primitive = P_DATA()
    context = assoc.accepted_contexts[-1].context_id
    primitive.presentation_data_value_list = [[context, bytes([control]) + data]]
    assoc.dul.send_pdu(primitive)


def _send_part(assoc, data, *, last=False):
    """A C-STORE whose data set breaks off here, or does not wait for its answer."""
    *parts, end = store_request(data).encode_msg(_context(assoc), 16384)
    for pdata in [*parts, end] if last else parts:
        assoc.dul.send_pdu(pdata)


def _context(assoc):
    return next(cx.context_id for cx in assoc.accepted_contexts if cx.abstract_syntax == CTImageStorage)
