"""A PostgreSQL that stands still in the middle of a statement: it is given up, and what takes long is not."""

import threading
import time
from contextlib import ExitStack

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from support.inspecting import InspectingClient, text_of
from support.installation import free_port, source_block
from support.postgresql import OnPostgreSQL
from support.tcp_proxy import TcpProxy

from fetch import bounded_connection
from fetch.records import open_database

BOUND_S = 10.0
"""Two seconds without news, two questions of two seconds, and what a busy machine takes besides."""


@pytest.fixture
def engine(server):
    made = open_database(server.url())
    yield made
    made.dispose()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(bounded_connection, "QUIET_S", 0.1)


def seconds_of(do) -> float:
    began = time.monotonic()
    do()
    return time.monotonic() - began


def answers_nobody(connection, statement="SELECT 1") -> None:
    with pytest.raises(OperationalError, match="answers nobody"):
        connection.exec_driver_sql(statement)


def test_a_statement_under_way_is_given_up_and_its_connection_discarded(server, engine):
    with engine.connect() as connection:
        was = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with server.silent():
            took = seconds_of(lambda: answers_nobody(connection))
            assert connection.invalidated
            assert seconds_of(lambda: refused_at_once(engine)) < 1
        assert 4 < took < BOUND_S
    time.sleep(1.1)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() != was


def refused_at_once(engine) -> None:
    with pytest.raises(OperationalError), engine.connect():
        pass


def test_a_line_that_takes_a_statement_and_brings_no_answer_is_given_up(server):
    with TcpProxy(server.port) as line:
        engine = open_database(server.url().replace(f":{server.port}/", f":{line.port}/"))
        with engine.connect() as connection:
            line.set(timeout=True)
            assert 4 < seconds_of(lambda: answers_nobody(connection)) < BOUND_S
        line.heal()
        time.sleep(1.1)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
        engine.dispose()


def test_whoever_waits_for_the_end_of_a_transaction_does_not_wait_for_ever_either(server, engine):
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS half (done integer)")
        connection.commit()
        connection.exec_driver_sql("INSERT INTO half VALUES (1)")
        with server.silent(), pytest.raises(OperationalError, match="answers nobody"):
            connection.commit()


def test_a_server_that_stands_still_for_a_moment_is_waited_for(server, engine):
    with engine.connect() as connection, ExitStack() as frozen:
        frozen.enter_context(server.silent())
        threading.Timer(3, frozen.close).start()
        assert seconds_of(lambda: connection.exec_driver_sql("SELECT 1")) > 2.5
        assert connection.exec_driver_sql("SELECT 2").scalar_one() == 2


@pytest.mark.usefixtures("impatient")
def test_what_takes_long_on_a_server_that_lives_is_never_cut(engine):
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_sleep(3)")
        connection.exec_driver_sql("SELECT pg_advisory_lock(7)")
        with engine.connect() as other:
            threading.Timer(2, connection.exec_driver_sql, ["SELECT pg_advisory_unlock(7)"]).start()
            other.exec_driver_sql("SELECT pg_advisory_lock(7)")  # as whoever migrates waits


@pytest.mark.usefixtures("impatient")
def test_a_server_that_takes_no_more_connections_has_answered(server, engine):
    with engine.connect() as connection, ExitStack() as stack:
        role = "CREATE ROLE one_only LOGIN CONNECTION LIMIT 1"
        connection.exec_driver_sql(f"DO $$ BEGIN {role}; EXCEPTION WHEN duplicate_object THEN END $$")
        connection.commit()
        only = open_database(server.url().replace(engine.url.username, "one_only"))
        stack.callback(only.dispose)
        with only.connect() as single:
            refused_at_once(only)
            single.exec_driver_sql("SELECT pg_sleep(1)")


@pytest.mark.usefixtures("impatient")
def test_many_rows_at_once_go_through_as_before(engine):
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE many (one integer)")
        connection.execute(text("INSERT INTO many VALUES (:one)"), [{"one": one} for one in range(20_000)])
        cursor = connection.connection.cursor()
        with cursor.copy("COPY many FROM STDIN") as copy:
            for one in range(20_000):
                copy.write_row([one])
        assert connection.exec_driver_sql("SELECT count(*) FROM many").scalar_one() == 40_000


def test_a_page_in_the_middle_of_which_the_server_stands_still_says_so_and_comes_back(
    tmp_path, clean_redis, server
):
    site = OnPostgreSQL(
        tmp_path, [source_block("main", free_port())], clean_redis, database=server.new_database()
    )
    site.app.test_client_class = InspectingClient
    client, engine = site.app.test_client(), site.parts.records.engine
    path = client.opened(site)
    client.page(path)
    with ExitStack() as frozen:

        def freeze(*_) -> None:
            frozen.enter_context(server.silent())

        event.listen(engine, "before_cursor_execute", freeze, once=True)
        said = []
        assert seconds_of(lambda: said.append(text_of(client.page(path, status=503)))) < BOUND_S + 2
        assert "The database cannot be reached What was asked for before is kept." in said[0]
    time.sleep(1.1)
    client.page(path)
    engine.dispose()
