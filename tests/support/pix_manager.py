"""A cross-reference manager of the tests (IHE PIXm): it answers every GET in one way."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def manager(status: int, body: object, *, pause: float = 0.0):
    """``asked``: the path and headers of each question; ``url``: its root."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    class Request(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append((self.path, dict(self.headers)))
            time.sleep(pause)
            self.send_response(status)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_):
            """The other side hung up."""

    server = Server(("127.0.0.1", 0), Request)
    server.asked = []
    server.url = f"http://127.0.0.1:{server.server_address[1]}/fhir"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def parameters(*identifiers: tuple[str, str]) -> dict[str, object]:
    named = [
        {"name": "targetIdentifier", "valueIdentifier": {"system": system, "value": value}}
        for system, value in identifiers
    ]
    return {"resourceType": "Parameters", "parameter": [*named, {"name": "targetId"}]}


def outcome(code: str) -> dict[str, object]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]}
