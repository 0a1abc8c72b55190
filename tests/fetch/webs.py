"""Web servers of the tests that answer what no DICOMweb archive should, and the sources that they are."""

import json
import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from peers import source
from support.studies import OKAFOR

from fetch.model import Timeouts, Web
from fetch.sources import dicomweb

BRISK = Timeouts(connect=1, association=1, message=1, network=1)
LASTING = Timeouts(connect=2, association=5, message=10, network=10)
JSON = "application/dicom+json"


@contextmanager
def serving(answer, context: ssl.SSLContext | None = None):
    """A server that answers every GET by ``answer(request)``; ``asked`` are the requests so far."""

    class Request(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        @property
        def query(self) -> dict[str, list[str]]:
            return parse_qs(urlsplit(self.path).query)

        def do_GET(self):
            self.server.asked.append((self.path, dict(self.headers), self.client_address[1]))
            answer(self)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 20
        asked: list

        def get_request(self):
            wire, where = super().get_request()
            if context:
                wire.settimeout(2)
                wire = context.wrap_socket(wire, server_side=True)
                wire.settimeout(None)
            return wire, where

        def handle_error(self, *_):
            """The other side hung up."""

    server = Server(("127.0.0.1", 0), Request)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def web(server, name="web", *, scheme="http", host="127.0.0.1", **more):
    """The source that this server is."""
    layers = more.pop("timeouts", BRISK)
    limit = more.pop("answer_limit", 500)
    where = Web(f"{scheme}://{host}:{server.server_address[1]}/dicom-web", **more)
    return source(
        0, name, host="", aet="", protocol="dicomweb", web=where, timeouts=layers, answer_limit=limit
    )


# --- answers


def says(status=200, body=b"", kind=JSON, **headers):
    """Always this; a list or a dictionary goes as JSON."""

    def answer(request):
        send(request, status, body, kind, **headers)

    return answer


def send(request, status=200, body=b"", kind=JSON, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request.send_response(status)
    request.send_header("Content-Type", kind)
    if status != 204:
        request.send_header("Content-Length", str(len(data)))
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    request.wfile.write(data)


def hangs(request):
    time.sleep(4)


def hangs_midway(request):
    head(request, 100_000)
    request.wfile.write(b"[")
    request.wfile.flush()
    time.sleep(4)


def drips(request):
    """A byte now and then, each well within the time-out of one read."""
    head(request, 100_000)
    for _ in range(20):
        request.wfile.write(b" ")
        request.wfile.flush()
        time.sleep(0.2)


def resets_midway(request):
    head(request, 100_000)
    request.wfile.write(b"[" + b" " * 1000)
    request.wfile.flush()
    reset(request)


def reset(request):
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.close_connection = True
    request.connection.close()


def hangs_up(request):
    request.close_connection = True


def head(request, length=None, kind=JSON, status=200):
    request.send_response(status)
    request.send_header("Content-Type", kind)
    if length is None:
        request.close_connection = True
    else:
        request.send_header("Content-Length", str(length))
    request.end_headers()


# --- what archives list


def entry(number=1, **more):
    """One study of the patient of the tests in the DICOM JSON model."""
    values = {
        "0020000D": ("UI", f"1.2.3.{number}"),
        "00100020": ("LO", OKAFOR.identity.patient_id),
        "00100010": ("PN", {"Alphabetic": OKAFOR.name}),
        "00080020": ("DA", "20261101"),
        **more,
    }
    return {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in values.items()}


def paging(entries, most, *, warns=False):
    """Gives at most so many entries at once, whatever is asked for, and says so or does not."""

    def answer(request):
        begin = int(request.query.get("offset", ["0"])[0])
        limit = min(most, int(request.query.get("limit", [str(most)])[0]))
        page = entries[begin : begin + limit]
        more = len(entries) - begin - len(page)
        warning = (
            {"Warning": f'299 archive "There are {more} additional results"'} if warns and more > 0 else {}
        )
        send(request, 200 if page else 204, page or b"", **warning)

    return answer


def multipart(*parts: bytes, mark="mark", ends=True) -> bytes:
    body = b"".join(
        b"--%s\r\nContent-Type: application/dicom\r\n\r\n%s\r\n" % (mark.encode(), part) for part in parts
    )
    return body + (b"--%s--\r\n" % mark.encode() if ends else b"")


PARTS = 'multipart/related; type="application/dicom"; boundary=mark'


# --- bringing


def carried(where, *shares, rendered=False, folder=None, refused=lambda *_: None):
    """What arrived of these shares over one connection, and what was reported of each."""
    arrived, named = [], {"rendered": rendered, "folder": folder, "refused": refused}
    with dicomweb.carrying(where, shares[0].study_uid, arrived.append, lambda _: None, **named) as bring:
        return arrived, [bring(share) for share in shares]
