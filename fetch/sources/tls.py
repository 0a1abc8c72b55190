"""DICOM over TLS (PS3.15 B.12, BCP 195): TLS 1.2 or newer, the certificate and its name always checked."""

import socket
import ssl

from fetch.errors import FetchError, trouble
from fetch.model import Source, Tls
from fetch.reasons import Reason

_ALERT_S = 0.5
"""So long a refusal of our certificate is waited for: in TLS 1.3 it comes after the handshake."""

_CERTIFICATE = {  # X509_V_ERR_… of OpenSSL
    9: "certificate not valid yet",
    10: "certificate expired",
    18: "unknown CA",
    19: "unknown CA",
    20: "unknown CA",
    21: "unknown CA",
    62: "name mismatch",
    64: "name mismatch",
}
_WORDS = (  # in the names that OpenSSL gives to what went wrong; the first that fits
    ("ALERT_PROTOCOL_VERSION", "protocol version"),
    ("UNSUPPORTED_PROTOCOL", "protocol version"),
    ("WRONG_VERSION_NUMBER", "no TLS on the other side"),
    ("CERTIFICATE", "client certificate refused"),
    ("ALERT_UNKNOWN_CA", "client certificate refused"),
    ("ALERT_ACCESS_DENIED", "client certificate refused"),
    ("HANDSHAKE_FAILURE", "no common cipher, or a client certificate is wanted"),
    ("UNRECOGNIZED_NAME", "name unknown there"),
)


def client_context(tls: Tls) -> ssl.SSLContext:
    """For a connection that we open. Raises a SetupFault where a file is not what it should be."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # asks for a certificate and checks its name
    _read_files(context, tls, ssl.Purpose.SERVER_AUTH)
    return context


def server_context(tls: Tls) -> ssl.SSLContext:
    """For connections that come to us: each has to show a certificate. Raises a SetupFault as above."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    _read_files(context, tls, ssl.Purpose.CLIENT_AUTH)
    return context


def _read_files(context: ssl.SSLContext, tls: Tls, purpose: ssl.Purpose) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if tls.ca:
            context.load_verify_locations(tls.ca)
        else:
            context.load_default_certs(purpose)
        if tls.certificate:  # an empty password, because OpenSSL would ask for one at the terminal
            context.load_cert_chain(tls.certificate, tls.key, password="")
    except OSError as wrong:
        raise trouble(Reason.TLS_FAILED, f"our own files: {_word(wrong)}") from None


def arguments(source: Source) -> tuple[ssl.SSLContext, str] | None:
    """What an association with this source is encrypted with, and the name to check; None for nothing."""
    if source.tls is None:
        return None
    context, name = client_context(source.tls), source.tls.name or source.host
    try:
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=name)
    except ValueError:  # also UnicodeError; pynetdicom would hang over it
        raise trouble(Reason.TLS_FAILED, "the name to check is none") from None
    return context, name


def fault(error: OSError) -> FetchError:
    """The error for a handshake that failed; the detail names what about it, and nothing else."""
    return trouble(Reason.TLS_FAILED, _word(error))


def _word(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(error.verify_code, f"certificate refused, code {error.verify_code}")
    if not isinstance(error, ssl.SSLError):
        return "closed in the handshake" if isinstance(error, ConnectionError) else f"errno {error.errno}"
    said = error.reason or ""
    if not said:
        return "closed in the handshake"
    return next((word for part, word in _WORDS if part in said), said.lower())


def probe(wire: socket.socket, source: Source) -> FetchError | None:
    """What is wrong with the encryption of this connection, or None. Its time-out bounds the handshake."""
    encrypted = arguments(source)
    if encrypted is None:
        return None
    context, name = encrypted
    try:
        with context.wrap_socket(wire, server_hostname=name) as line:
            line.settimeout(_ALERT_S)
            return _alert(line)
    except TimeoutError:
        return trouble(Reason.NO_ANSWER, "no TLS handshake in time")
    except OSError as failed:
        return fault(failed)


def _alert(line: ssl.SSLSocket) -> FetchError | None:
    try:
        line.recv(1)
    except ssl.SSLError as alert:
        return fault(alert)
    except OSError:  # nothing came, or the line broke: that is no matter of encryption
        return None
    return None
