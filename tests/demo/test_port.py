"""The port of a part of the demo that is down: refused, and nobody else's."""

import socket

import pytest

from fetch.model import Local, Source
from fetch.sources import protocol
from preview.demo.archive import Archive
from preview.demo.port import Port


def listener(number: int) -> socket.socket:
    """As most servers do it."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", number))
    server.listen()
    return server


def test_while_nobody_listens_it_refuses_and_nobody_else_can_take_it():
    port = Port(0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port.number), 2)
    with pytest.raises(OSError, match="in use"):
        listener(port.number)
    port.close()
    listener(port.number).close()


def test_an_archive_goes_away_and_comes_back_on_it_again_and_again():
    port = Port(0)
    for _ in range(5):
        with port.lent() as number:
            archive = Archive("MAIN").start(number)
        assert archive.port == port.number
        source = Source("main", "Main", "127.0.0.1", number, "MAIN", "HOSP", trusted=True)
        protocol.echo(source, Local("PREVIEW"))
        archive.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port.number), 2)
        with pytest.raises(OSError, match="in use"):
            listener(port.number)
    port.close()


def test_a_port_that_somebody_has_is_not_taken():
    with listener(0) as server, pytest.raises(OSError, match="in use"):
        Port(server.getsockname()[1])
