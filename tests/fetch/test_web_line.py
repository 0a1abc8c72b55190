"""How DICOMweb is connected to: signing in, encryption and its certificates, and what is logged of it."""

import logging
import socket
import ssl
import threading
import time

import pytest
from peers import PATIENT_ID
from support.certificates import Authority
from webs import PARTS, carried, entry, hangs, head, says, send, serving, web

from fetch.errors import FetchError, SetupFault, SourceUnreachable
from fetch.model import Instance, Share, Tls
from fetch.reasons import Reason
from fetch.sources import dicomweb, identifiers

QUESTION = identifiers.of_study(PatientID=PATIENT_ID)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def server_side(issued, **more) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    for name, value in more.items():
        setattr(context, name, value)
    return context


def echo(context, tls, host="127.0.0.1"):
    with serving(says(204), context) as server:
        dicomweb.echo(web(server, scheme="https", host=host, tls=tls))


def refusal(context, tls, **more) -> FetchError:
    with pytest.raises(FetchError) as raised:
        echo(context, tls, **more)
    return raised.value


# --- encryption


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_of_a_known_authority_and_the_right_name_is_enough(authority, host):
    echo(server_side(authority.issue("good")), Tls(authority.ca), host)


def test_a_name_that_is_not_the_host_may_be_set(authority):
    context = server_side(authority.issue("named", to="DNS:pacs.hospital.example"))
    echo(context, Tls(authority.ca, name="pacs.hospital.example"))
    assert refusal(context, Tls(authority.ca)).detail == "name mismatch"
    assert refusal(context, Tls(authority.ca, name="other.example")).detail == "name mismatch"


def test_who_is_not_who_he_should_be_is_refused_with_the_reason(authority, tmp_path):
    other = Authority(tmp_path, "other")
    expired, good = authority.issue("expired", days=-1), authority.issue("trusted")
    for issued, tls, detail in (
        (expired, Tls(authority.ca), "certificate expired"),
        (good, Tls(other.ca), "unknown CA"),
        (good, Tls(), "unknown CA"),
        (good, None, "unknown CA"),
    ):
        error = refusal(server_side(issued), tls)
        assert isinstance(error, SetupFault)
        assert (error.reason, error.detail) == (Reason.TLS_FAILED, detail)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_1_1_is_refused_and_1_2_is_not(authority):
    issued = authority.issue("old")
    old = server_side(issued, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    error = refusal(old, Tls(authority.ca))
    assert (error.reason, error.detail) == (Reason.TLS_FAILED, "protocol version")
    echo(server_side(issued, maximum_version=ssl.TLSVersion.TLSv1_2), Tls(authority.ca))


def test_a_certificate_of_our_own_is_shown(authority):
    server, ours = authority.issue("strict"), authority.issue("ours")
    context = server_side(server, verify_mode=ssl.CERT_REQUIRED, maximum_version=ssl.TLSVersion.TLSv1_2)
    context.load_verify_locations(authority.ca)
    echo(context, Tls(authority.ca, ours.certificate, ours.key))
    assert refusal(context, Tls(authority.ca)).reason is Reason.TLS_FAILED


def test_files_that_are_not_there_are_a_fault_of_the_settings(authority, tmp_path):
    error = refusal(server_side(authority.issue("fine")), Tls(tmp_path / "nowhere"))
    assert error.reason is Reason.TLS_FAILED
    assert str(tmp_path) not in str(error)


def test_where_nothing_is_encrypted_encryption_fails():
    error = refusal(None, Tls())
    assert (error.reason, error.detail) == (Reason.TLS_FAILED, "no TLS on the other side")


def test_a_handshake_that_hangs_is_no_answer_and_ends_when_another_thread_ends_it(authority):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = web(
            type("Server", (), {"server_address": silent.getsockname()}),
            scheme="https",
            tls=Tls(authority.ca),
        )
        began = time.monotonic()
        with pytest.raises(SourceUnreachable) as raised:
            dicomweb.echo(where)
        assert raised.value.reason is Reason.NO_ANSWER
        assert time.monotonic() - began < 2
        listing = dicomweb.listing(where, "1.2.3", lambda end: threading.Timer(0.3, end).start())
        began = time.monotonic()
        with pytest.raises(SourceUnreachable) as raised:
            list(listing)
        assert raised.value.detail == "ended by us"
        assert time.monotonic() - began < 0.9


def test_an_encrypted_read_that_hangs_ends_when_another_thread_ends_it(authority):
    def answer(request):
        head(request, 100_000, PARTS)
        request.wfile.write(b"--mark\r\n\r\n" + b"\0" * 1000)
        request.wfile.flush()
        time.sleep(4)

    with serving(answer, server_side(authority.issue("slow"))) as server:
        where = web(server, scheme="https", tls=Tls(authority.ca))
        began = time.monotonic()
        carrier = dicomweb.carrying(
            *(where, "1.2.3", lambda _: None), lambda end: threading.Timer(0.3, end).start(), rendered=False
        )
        with pytest.raises(SourceUnreachable) as raised, carrier as bring:
            bring(Share("1.2.3"))
        assert raised.value.detail == "ended by us"
        assert time.monotonic() - began < 0.9


def test_a_connection_that_does_not_come_about_ends_when_another_thread_ends_it():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]
        for wire in waiting:  # nobody accepts them, and for more there is no room
            wire.setblocking(False)
            wire.connect_ex(full.getsockname())
        time.sleep(0.1)
        listening = type("Server", (), {"server_address": full.getsockname()})
        began = time.monotonic()
        with pytest.raises(SourceUnreachable) as raised:
            dicomweb.echo(web(listening))
        assert (raised.value.reason, time.monotonic() - began < 1.5) == (Reason.NO_CONNECTION, True)
        listing = dicomweb.listing(web(listening), "1.2.3", lambda end: threading.Timer(0.3, end).start())
        began = time.monotonic()
        with pytest.raises(SourceUnreachable) as raised:
            list(listing)
        assert (raised.value.detail, time.monotonic() - began < 0.8) == ("ended by us", True)
        for wire in waiting:
            wire.close()


# --- signing in


def test_a_token_goes_with_every_request(tmp_path):
    file = tmp_path / "token"
    file.write_text("Bearer abc.def")
    with serving(says(204)) as server:
        dicomweb.find(web(server, auth_file=file), QUESTION, QUESTION)
        assert [headers["Authorization"] for _, headers, _ in server.asked] == ["Bearer abc.def"] * 2


def test_name_and_password_go_as_basic_authentication(tmp_path):
    file = tmp_path / "password"
    file.write_text("user:pass word\n")
    with serving(says(204)) as server:
        dicomweb.echo(web(server, auth_file=file))
        assert server.asked[0][1]["Authorization"] == "Basic dXNlcjpwYXNzIHdvcmQ="


def test_a_token_that_was_renewed_counts_at_once(tmp_path):
    file = tmp_path / "token"
    file.write_text("Bearer old")
    valid = ["Bearer old"]

    def answer(request):
        send(request, 404 if request.headers["Authorization"] == valid[0] else 401)

    share = Share("1.2.3", "1.2.3.4", (Instance("1.2.3.4", "1.2.3.4.5"),))
    with serving(answer) as server:
        where = web(server, auth_file=file)
        with dicomweb.carrying(where, "1.2.3", lambda _: None, lambda _: None, rendered=False) as bring:
            assert bring(share).failed == 1
            valid[0] = "Bearer new"
            with pytest.raises(SetupFault) as raised:
                bring(share)
            assert raised.value.reason is Reason.UNAUTHORIZED
            file.write_text("Bearer old")
            with pytest.raises(SetupFault):
                bring(share)
            file.write_text("Bearer new")
            assert bring(share).failed == 1


@pytest.mark.parametrize("written", [None, b"", b"no colon", b"Bearer a\nBearer b", "Bearer é".encode()])
def test_a_file_that_signs_nobody_in_is_a_fault_of_the_settings(tmp_path, written):
    file = tmp_path / "token"
    if written is not None:
        file.write_bytes(written)
    with serving(says(204)) as server:
        with pytest.raises(SetupFault) as raised:
            dicomweb.echo(web(server, auth_file=file))
        assert server.asked == []
    assert raised.value.reason is Reason.UNAUTHORIZED
    assert str(tmp_path) not in str(raised.value)


def test_a_redirection_is_not_followed_with_what_signs_us_in(tmp_path):
    file = tmp_path / "token"
    file.write_text("Bearer secret")
    with serving(says(204)) as elsewhere:
        location = f"http://127.0.0.1:{elsewhere.server_address[1]}/"
        with serving(says(307, Location=location)) as server, pytest.raises(SetupFault):
            dicomweb.echo(web(server, auth_file=file))
        assert elsewhere.asked == []


# --- what is logged


def test_nothing_of_a_question_or_an_answer_is_logged_or_raised(caplog, tmp_path):
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "token"
    file.write_text("Bearer SENTINEL-TOKEN")
    asked = identifiers.of_study(PatientID="SENTINEL-ID")
    odd = entry(1, **{"00100010": ("PN", "SENTINEL^Name"), "00404033": ("AT", "SENTINEL")})
    errors = []
    for answer in (
        says(200, [odd], Broken=" SENTINEL"),
        says(200, b"SENTINEL"),
        says(500, b"SENTINEL"),
        says(200, b"SENTINEL", "SENTINEL/type"),
        hangs,
    ):
        with serving(answer) as server:
            for ask in (
                lambda where: dicomweb.find(where, asked),
                lambda where: carried(where, Share("1.2.3.666.1"), rendered=True),
            ):
                try:
                    ask(web(server, auth_file=file))
                except FetchError as error:
                    errors.append(f"{error!r} {error.__cause__!r}")
    assert len(errors) == 9
    written = caplog.text + "".join(errors)
    assert "SENTINEL" not in written
    assert "1.2.3.666" not in written
