"""DICOM over TLS: who is trusted, what goes over it, and why it fails when it fails."""

import socket
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from peers import IMPATIENT, LOCAL, of, query, source
from pydicom.uid import CTImageStorage
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification
from support.certificates import Authority
from support.installation import free_port
from support.studies import study

from fetch.errors import SetupFault, SourceUnreachable
from fetch.find import find
from fetch.model import AnswerKind, Share, Timeouts, Tls
from fetch.reasons import Reason
from fetch.sources import dimse, get, tls
from preview.demo.archive import Archive
from preview.demo.viewer.orthanc import Orthanc, stop

LASTING = Timeouts(connect=2, association=5, message=10, network=10)


class Papers:
    """Every certificate that the tests show to somebody."""

    def __init__(self, folder):
        authority, stranger = Authority(folder), Authority(folder, "stranger")
        self.ca, self.other_ca = authority.ca, stranger.ca
        self.archive = authority.issue("archive")
        self.expired = authority.issue("expired", days=-1)
        self.elsewhere = authority.issue("elsewhere", to="DNS:pacs.elsewhere.example")
        self.us = authority.issue("us")
        self.not_us = stranger.issue("not-us")


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    return Papers(tmp_path_factory.mktemp("certificates"))


def trusting(ca, ours=None, name=""):
    return Tls(ca, ours and ours.certificate, ours and ours.key, name)


def shown(papers, issued, *, asks=False, least=ssl.TLSVersion.TLSv1_2, most=ssl.TLSVersion.MAXIMUM_SUPPORTED):
    """The context of an archive that shows this certificate, and may ask for ours."""
    if asks:
        context = tls.server_context(trusting(papers.ca, issued))
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
    context.minimum_version, context.maximum_version = least, most
    return context


@contextmanager
def encrypting(context, *handlers, offers=(Verification,)):
    """A peer that speaks DICOM over TLS."""
    ae = AE("MAIN")
    for service in offers:
        ae.add_supported_context(service)
    server = ae.start_server(("127.0.0.1", 0), block=False, ssl_context=context, evt_handlers=list(handlers))
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


@contextmanager
def encrypted(archive, context):
    """The archive behind something that takes TLS off its lines, as sites put one before an old archive."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        thread = threading.Thread(
            target=_relay_all, args=(listener, archive.port, context, stop), daemon=True
        )
        thread.start()
        yield replace(of(archive, timeouts=LASTING), port=listener.getsockname()[1])
        stop.set()
        thread.join(5)


def _relay_all(listener, port, context, stop):
    while not stop.is_set():
        try:
            plain, _ = listener.accept()
        except TimeoutError:
            continue
        threading.Thread(target=_relay, args=(plain, port, context), daemon=True).start()


def _relay(plain, port, context):
    """One thread for each direction; the one towards the asker sends records of 16 KiB, many at a time."""
    plain.settimeout(10)
    with (
        context.wrap_socket(plain, server_side=True) as outside,
        socket.create_connection(("127.0.0.1", port)) as inside,
    ):
        back = threading.Thread(target=_copy, args=(inside, outside), daemon=True)
        back.start()
        _copy(outside, inside)
        back.join(5)


def _copy(one, other):
    try:
        while some := one.recv(2**20):
            other.sendall(some)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass


# What goes over it


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_archive_is_asked_and_sends_large_images_over_tls(papers, version, tmp_path):
    large = study(study_uid="1.1", images=2)
    for ds in large:
        ds.Rows, ds.Columns, ds.PixelData = 1024, 1024, bytes(range(256)) * (8 * 1024)
    context = shown(papers, papers.archive, asks=True, least=version, most=version)
    with Archive("MAIN", datasets=large).start() as archive, encrypted(archive, context) as outside:
        one = replace(outside, tls=trusting(papers.ca, papers.us))
        dimse.echo(one, LOCAL)
        (said,) = find(query(), [one], LOCAL)
        arrived = []
        with get.carrying(one, LOCAL, [CTImageStorage], arrived.append, lambda _: None, tmp_path) as bring:
            bring(Share("1.1"))
    assert [found.study_uid for found in said.studies] == ["1.1"]
    assert len(arrived) == 2
    assert all(len(received.data) > 2 * 2**20 for received in arrived)


def test_what_waits_for_the_rest_of_a_record_can_be_ended_by_another_thread(papers):
    aborts = []

    def end():
        aborts[0]()

    with half_a_record(shown(papers, papers.archive)) as port:
        one = source(port, tls=trusting(papers.ca), timeouts=LASTING)
        threading.Timer(0.7, end).start()
        began = time.monotonic()
        with pytest.raises(SourceUnreachable):
            list(dimse.listing(one, LOCAL, "1.1", aborts.append))
        assert time.monotonic() - began < 2.7


@contextmanager
def half_a_record(context):
    """A peer that accepts nothing: it sends the beginning of a TLS record and holds its breath."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk():
            connection, _ = listener.accept()
            with (
                connection,
                connection.dup() as below,
                context.wrap_socket(connection, server_side=True) as line,
            ):
                line.recv(6)
                below.sendall(b"\x17\x03\x03\x40\x00half")
                while line.recv(2**16):
                    pass

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


def test_a_real_archive_echoes_and_is_asked_over_tls(papers, tmp_path):
    more = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(papers.archive.certificate),
        "DicomTlsPrivateKey": str(papers.archive.key),
        "DicomTlsTrustedCertificates": str(papers.ca),
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowFind": True,
        "Plugins": [],
    }
    real = Orthanc(tmp_path, "ORTHANC", free_port(), free_port(), more=more)
    process = real.start()
    try:
        one = source(real.port, aet="ORTHANC", tls=trusting(papers.ca, papers.us), timeouts=LASTING)
        dimse.echo(one, LOCAL)
        (said,) = find(query(), [one], LOCAL)
        assert said.kind is AnswerKind.ABSENT
        assert refused(replace(one, tls=trusting(papers.ca))).reason is Reason.TLS_FAILED
        assert refused(replace(one, tls=None), SourceUnreachable).reason is Reason.TURNED_AWAY
    finally:
        stop(process)


# Who is trusted


def refused(one, kind=SetupFault):
    with pytest.raises(kind) as raised:
        dimse.echo(one, LOCAL)
    return raised.value


def echoes(port, encryption, **more):
    return dimse.echo(source(port, tls=encryption, **more), LOCAL)


@pytest.mark.parametrize(
    ("which", "detail"),
    [("expired", "certificate expired"), ("elsewhere", "name mismatch"), ("not_us", "unknown CA")],
)
def test_a_certificate_that_proves_nothing_is_a_set_up_fault(papers, which, detail):
    with encrypting(shown(papers, getattr(papers, which))) as port:
        error = refused(source(port, tls=trusting(papers.ca)))
    assert (error.reason, error.detail) == (Reason.TLS_FAILED, detail)


def test_the_authorities_of_the_system_are_asked_where_no_other_is_named(papers):
    with encrypting(shown(papers, papers.archive)) as port:
        assert refused(source(port, tls=Tls())).detail == "unknown CA"


def test_a_certificate_for_another_name_is_good_where_the_settings_name_it(papers):
    with encrypting(shown(papers, papers.elsewhere)) as port:
        echoes(port, trusting(papers.ca, name="pacs.elsewhere.example"))
        echoing = refused(source(port, tls=trusting(papers.ca, name="another.example")))
    assert echoing.detail == "name mismatch"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("which", [None, "not_us"])
def test_an_archive_that_does_not_accept_our_certificate_is_a_set_up_fault(papers, version, which):
    ours = which and getattr(papers, which)
    with encrypting(shown(papers, papers.archive, asks=True, least=version, most=version)) as port:
        for _ in range(3):  # it may show when we read, or when we write
            error = refused(source(port, tls=trusting(papers.ca, ours)))
            assert error.reason is Reason.TLS_FAILED
            assert "client certificate" in error.detail
        echoes(port, trusting(papers.ca, papers.us))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_an_archive_of_yesterdays_protocol_is_a_set_up_fault(papers):
    old = shown(papers, papers.archive, least=ssl.TLSVersion.TLSv1, most=ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    with encrypting(old) as port:
        error = refused(source(port, tls=trusting(papers.ca)))
    assert (error.reason, error.detail) == (Reason.TLS_FAILED, "protocol version")


@pytest.mark.parametrize("name", ["", ".example", "x" * 64, "two words"])
def test_a_name_to_check_that_is_none_is_a_set_up_fault_and_never_hangs(papers, name):
    with encrypting(shown(papers, papers.archive)) as port:
        one = source(port, host="127.0.0.1", tls=trusting(papers.ca, name=name or "."))
        assert refused(one).reason is Reason.TLS_FAILED


def test_files_that_are_no_certificates_are_a_set_up_fault(papers, tmp_path):
    (tmp_path / "nonsense.pem").write_text("nonsense")
    for wrong in (
        Tls(tmp_path / "nonsense.pem"),
        Tls(tmp_path / "missing.pem"),
        Tls(papers.ca, papers.us.certificate, papers.archive.key),
    ):
        with pytest.raises(SetupFault) as raised:
            tls.client_context(wrong)
        assert (raised.value.reason, raised.value.detail[:9]) == (Reason.TLS_FAILED, "our own f")


# The other side does not encrypt, or does and we do not


def test_an_archive_that_speaks_plainly_is_a_set_up_fault_at_once(papers):
    with Archive("MAIN").start() as archive:
        began = time.monotonic()
        error = refused(of(archive, tls=trusting(papers.ca)))
    assert (error.reason, error.detail) == (Reason.TLS_FAILED, "no TLS on the other side")
    assert time.monotonic() - began < 2


def test_a_port_that_never_answers_the_handshake_has_an_end(papers):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        error = refused(
            source(silent.getsockname()[1], tls=trusting(papers.ca), timeouts=IMPATIENT), SourceUnreachable
        )
    assert (error.reason, error.detail) == (Reason.NO_ANSWER, "no TLS handshake in time")
    assert time.monotonic() - began < 4


def test_nothing_that_listens_is_no_matter_of_encryption(papers):
    error = refused(source(free_port(), tls=trusting(papers.ca)), SourceUnreachable)
    assert error.reason is Reason.CONNECTION_REFUSED


def test_an_archive_that_wants_tls_which_the_settings_do_not_name_turns_us_away(papers):
    with encrypting(shown(papers, papers.archive)) as port:
        error = refused(source(port), SourceUnreachable)
    assert error.reason is Reason.TURNED_AWAY


def test_over_tls_too_an_echo_that_is_refused_has_its_own_reason(papers):
    heard = []
    context = shown(papers, papers.archive)
    with encrypting(context, (evt.EVT_C_ECHO, lambda _: heard.append(1) or 0x0000)) as port:
        echoes(port, trusting(papers.ca))
        (said,) = find(query(), [source(port, tls=trusting(papers.ca))], LOCAL)
    assert heard == [1]
    assert said.reason is Reason.NOT_SUPPORTED
