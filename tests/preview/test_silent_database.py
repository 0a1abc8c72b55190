"""A PostgreSQL that is silent: every page says so after about two seconds, and not one after another."""

import re
import socket
import time
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy.exc import OperationalError
from support.inspecting import InspectingClient, text_of
from support.installation import free_port, source_block
from support.postgresql import OnPostgreSQL
from support.tcp_proxy import TcpProxy

from fetch import silent_server
from fetch.records import open_database

PATIENT_S = 3.5
"""Two seconds, and what a busy machine takes besides."""


@pytest.fixture
def line(server):
    with TcpProxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def site(tmp_path, clean_redis, server, line):
    address = server.new_database().replace(f":{server.port}/", f":{line.port}/")
    made = OnPostgreSQL(tmp_path, [source_block("main", free_port())], clean_redis, database=address)
    made.app.test_client_class = InspectingClient
    yield made
    line.heal()
    made.parts.records.engine.dispose()


@contextmanager
def full():
    """A port whose host takes no more connections: it does not even say no."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as stack:
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def seconds_of(do) -> float:
    began = time.monotonic()
    do()
    return time.monotonic() - began


def fails(engine) -> None:
    with pytest.raises(OperationalError), engine.connect():
        pass


def test_a_host_that_takes_no_connection_is_given_up_after_two_seconds():
    with full() as port:
        engine = open_database(f"postgresql+psycopg://preview@127.0.0.1:{port}/preview")
        assert 1 < seconds_of(lambda: fails(engine)) < PATIENT_S
        assert seconds_of(lambda: fails(engine)) < 0.5


def test_a_host_whose_packets_are_lost_is_noticed_in_seconds(server):
    """What the operating system was told; on its own it would go on for a quarter of an hour."""
    engine = open_database(server.url())
    with engine.connect() as connection:
        number = connection.connection.dbapi_connection.pgconn.socket
        with socket.socket(fileno=socket.dup(number)) as line:
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2000
            assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
    engine.dispose()


def test_a_server_that_takes_a_connection_and_then_says_nothing_is_away_too(server, monkeypatch):
    """As a pooler does whose own server hangs."""
    engine = open_database(server.url())
    monkeypatch.setattr(silent_server, "_lives", lambda *_: False)
    fails(engine)
    with pytest.raises(OperationalError, match="silent a moment ago"), engine.connect():
        pass
    monkeypatch.undo()
    time.sleep(1.1)
    with engine.connect():
        pass
    engine.dispose()


def test_what_the_address_says_of_waiting_counts(server):
    engine = open_database(f"{server.url()}?tcp_user_timeout=9000")
    with engine.connect() as connection:
        assert connection.connection.dbapi_connection.info.get_parameters()["tcp_user_timeout"] == "9000"
    engine.dispose()


def test_a_page_says_after_two_seconds_that_the_database_is_silent_and_comes_back_by_itself(site, line):
    client = site.app.test_client()
    path = client.opened(site)
    client.page(path)
    line.set(timeout=True)
    said = []
    assert seconds_of(lambda: said.append(text_of(client.page(path, status=503)))) < PATIENT_S
    assert "The database cannot be reached What was asked for before is kept." in said[0]
    assert seconds_of(lambda: client.page(path, status=503)) < 1
    line.heal()
    end = time.monotonic() + 10
    while client.get(path).status_code != 200 and time.monotonic() < end:
        time.sleep(0.2)
    client.page(path)


def test_pages_that_need_no_database_say_that_it_is_away_and_those_that_need_it_say_it_once(
    site, server, line
):
    client = site.app.test_client()
    path = client.opened(site)
    home = client.page("/")
    updates = re.search(r'hx-get="(/banner/updates[^"]*)"', home)[1]
    with server.stopped():
        assert "The database cannot be reached. No patient can be opened now." in text_of(client.page("/"))
        polled = client.get(updates, headers={"HX-Request": "true"})
        assert "The database cannot be reached." in text_of(polled.text)
        assert client.page(path, status=503).count("The database cannot be reached") == 2  # title and heading
    assert "The database cannot be reached" not in client.page("/")


def test_one_connection_that_was_lost_while_nobody_used_it_is_replaced(site, line):
    client = site.app.test_client()
    path = client.opened(site)
    client.page(path)
    line.cut()
    client.page(path)


def test_a_table_that_somebody_holds_is_waited_for_ten_seconds_and_no_longer(server, monkeypatch):
    engine = open_database(server.url())
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "10s"
    with engine.connect() as again:
        assert again.exec_driver_sql("SHOW lock_timeout").scalar_one() == "10s"
    monkeypatch.setattr(silent_server, "_LOCKED", b"SET lock_timeout = '1s'")
    impatient = open_database(server.url())
    with engine.begin() as holder:
        holder.exec_driver_sql("CREATE TABLE IF NOT EXISTS held (one integer)")
    with engine.begin() as holder, impatient.connect() as waiting:
        holder.exec_driver_sql("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
        assert 0.9 < seconds_of(lambda: refused(waiting, "SELECT * FROM held")) < PATIENT_S
    for one in (engine, impatient):
        one.dispose()


def test_how_long_is_left_alone_where_the_address_says_it(server):
    engine = open_database(f"{server.url()}?options=-c%20lock_timeout%3D60s")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "1min"
    engine.dispose()


def refused(connection, statement: str) -> None:
    with pytest.raises(OperationalError, match="lock timeout"):
        connection.exec_driver_sql(statement)
