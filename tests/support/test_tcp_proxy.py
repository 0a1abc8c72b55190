"""The bad line: each toxic alone, and switched while a connection is open."""

import socket
import threading
import time

import pytest

from support.tcp_proxy import TcpProxy

MEGABYTE = 1_000_000


@pytest.fixture
def server():
    """Echoes four bytes; asked for ``send`` it sends a megabyte and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(2)


def _serve(listener):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection):
    with connection:
        try:
            while asked := connection.recv(4):
                if asked == b"send":
                    connection.sendall(bytes(MEGABYTE))
                    return
                connection.sendall(asked)
        except OSError:
            return


def connected(proxy, patience=5.0):
    return socket.create_connection(("127.0.0.1", proxy.port), patience)


def echo(sock):
    began = time.monotonic()
    sock.sendall(b"ping")
    assert sock.recv(4) == b"ping"
    return time.monotonic() - began


def everything(sock):
    """How many bytes come, in how many pieces, in how many seconds."""
    began, sizes = time.monotonic(), []
    sock.sendall(b"send")
    while data := sock.recv(65536):
        sizes.append(len(data))
    return sum(sizes), len(sizes), time.monotonic() - began


def test_a_good_line_brings_everything_and_its_end(server):
    with TcpProxy(server) as proxy, connected(proxy) as sock:
        assert everything(sock)[0] == MEGABYTE
        assert (proxy.connections, proxy.brought) == (1, MEGABYTE)


def test_latency_is_paid_in_each_direction_and_can_be_taken_away(server):
    with TcpProxy(server, latency=50) as proxy, connected(proxy) as sock:
        assert 0.1 <= echo(sock) < 0.5
        proxy.heal()
        assert echo(sock) < 0.1


def test_latency_delays_a_stream_without_making_it_slower(server):
    with TcpProxy(server, latency=100) as proxy, connected(proxy) as sock:
        assert 0.2 <= everything(sock)[2] < 1


def test_bandwidth_is_of_each_connection(server):
    with TcpProxy(server, bandwidth=2 * MEGABYTE) as proxy:
        assert 0.45 < both(proxy) < 0.9


def test_a_shared_bandwidth_is_of_all(server):
    with TcpProxy(server, shared_bandwidth=2 * MEGABYTE) as proxy:
        assert 0.9 < both(proxy) < 1.8


def both(proxy):
    """Seconds until two connections at once have their megabyte."""
    began = time.monotonic()
    with connected(proxy) as one, connected(proxy) as other:
        threads = [threading.Thread(target=everything, args=(sock,)) for sock in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return time.monotonic() - began


def test_the_connection_is_reset_after_so_many_bytes(server):
    with TcpProxy(server, reset_peer=1000) as proxy, connected(proxy) as sock:
        with pytest.raises(ConnectionResetError):
            everything(sock)
        assert proxy.brought == 1000


def test_the_connection_ends_in_an_orderly_way_after_so_many_bytes(server):
    with TcpProxy(server, limit_data=1000) as proxy, connected(proxy) as sock:
        assert everything(sock)[0] == 1000


def test_a_line_that_has_gone_silent_goes_on_when_it_is_healed(server):
    with TcpProxy(server) as proxy, connected(proxy, patience=0.3) as sock:
        echo(sock)
        proxy.set(timeout=True)
        with pytest.raises(TimeoutError):
            echo(sock)
        proxy.heal()
        assert sock.recv(4) == b"ping"


def test_data_comes_in_slices(server):
    with TcpProxy(server, slicer=1000, latency=1) as proxy, connected(proxy) as sock:
        total, pieces, _ = everything(sock)
        assert total == MEGABYTE
        assert pieces > 100


def test_every_connection_can_be_cut_at_once(server):
    with TcpProxy(server) as proxy, connected(proxy) as sock:
        echo(sock)
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_a_server_that_is_not_there_is_a_connection_that_is_reset():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        proxy = TcpProxy(nobody.getsockname()[1])
        with proxy, connected(proxy) as sock, pytest.raises(ConnectionResetError):
            echo(sock)
