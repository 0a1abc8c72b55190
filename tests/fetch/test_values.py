"""P-DATA comes to whoever takes it as it was sent, however the line cuts it into pieces."""

import queue
import socket
import struct
import threading
import time
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetch.sources.line import _LOOK, LONGEST_PDU, Line
from fetch.sources.values import Values

RELEASE = bytes((5, 0, 0, 0, 0, 4, 0, 0, 0, 0))  # A-RELEASE-RQ, PS3.8 9.3.6

PARTS = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 3), st.binary(max_size=40_000)), max_size=3)


def pdu(parts) -> bytes:
    values = b"".join(struct.pack(">LBB", len(data) + 2, cx, control) + data for cx, control, data in parts)
    return struct.pack(">BxL", 4, len(values)) + values


class Reader:
    """The lower half of an association: a line, what reads it, and what it was found to say."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.theirs = socket.create_connection(server.getsockname())
            ours, _ = server.accept()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _LOOK)
        wire = SimpleNamespace(socket=ours, ready=False, assoc=SimpleNamespace(_sent_abort=False))
        line = Line()
        wire.recv = lambda count: line._received(wire, count)
        wire.some = lambda room, whole: line._some(wire, room, whole=whole)
        self.left, self.taken, self.wire = [], [], wire
        self.dul = SimpleNamespace(
            socket=wire,
            event_queue=queue.Queue(),
            state_machine=SimpleNamespace(current_state="Sta6"),
            _read_pdu_data=self._usual,
        )
        Values(SimpleNamespace(dul=self.dul), lambda *value: self.taken.append(value))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.theirs.close()
        self.wire.socket.close()

    def _usual(self) -> None:
        """As pynetdicom reads any PDU."""
        head = self.wire.recv(6)
        try:
            self.left.append(bytes(head + self.wire.recv(struct.unpack(">BxL", head)[1])))
        except OSError as refused:
            self.left.append(str(refused))

    def read(self) -> None:
        self.dul._read_pdu_data()

    def sends(self, *pieces: bytes) -> threading.Thread:
        def send() -> None:
            for piece in pieces:
                self.theirs.sendall(piece)
                time.sleep(0.001)

        sending = threading.Thread(target=send)
        sending.start()
        return sending


@settings(deadline=None, max_examples=40)
@given(st.lists(PARTS, min_size=1, max_size=6), st.lists(st.integers(0, 100_000), max_size=5))
def test_every_value_is_taken_once_and_whole(pdus, cuts):
    sent = b"".join(map(pdu, pdus))
    places = sorted({0, len(sent), *(cut % (len(sent) + 1) for cut in cuts)})
    with Reader() as reader:
        sending = reader.sends(*(sent[begin:end] for begin, end in pairwise(places)))
        expected = [value for parts in pdus for value in parts]
        end = time.monotonic() + 10
        while len(reader.taken) < len(expected) and reader.dul.event_queue.empty() and time.monotonic() < end:
            reader.read()
        sending.join()
        assert [(cx, control, bytes(data)) for cx, control, data in reader.taken] == expected
        assert reader.dul.event_queue.empty()


def test_what_is_read_ahead_is_not_left_lying():
    """Nothing would say that it is there: the line itself has no more."""
    some = [[(1, 3, bytes(10))], [(3, 2, b"x")], [(1, 3, b"")]]
    with Reader() as reader:
        reader.theirs.sendall(b"".join(map(pdu, some)))
        reader.read()
        assert len(reader.taken) == 3


def test_any_other_pdu_is_left_to_pynetdicom_from_its_first_byte():
    with Reader() as reader:
        reader.theirs.sendall(pdu([(1, 3, b"1234")]) + RELEASE)
        reader.read()
        assert (len(reader.taken), reader.left) == (1, [RELEASE])


def test_one_that_is_too_long_is_refused_before_anything_of_it_is_kept():
    with Reader() as reader:
        reader.theirs.sendall(struct.pack(">BxL", 4, LONGEST_PDU + 1) + bytes(100))
        reader.read()
        assert (reader.taken, reader.left) == ([], ["a PDU that is too long"])


@pytest.mark.parametrize("cut", [3, 8, 13, 20_000])
def test_a_line_that_ends_within_one_is_said_to_be_closed(cut):
    with Reader() as reader:
        reader.theirs.sendall(pdu([(1, 2, bytes(30_000))])[:cut])
        reader.theirs.close()
        reader.read()
        assert reader.dul.event_queue.get_nowait() == "Evt17"
        assert not reader.taken
