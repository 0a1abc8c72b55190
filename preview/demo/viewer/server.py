"""The viewer's web server: OHIF, and a read-only way to its archive on the same origin.

Orthanc answers no other origin, and its password must not reach a browser. What is odd in the rules here
belongs to orthanc-dicomweb 1.7; each is said where it is done.
"""

import argparse
import re
import signal
import sys
from pathlib import Path
from urllib.parse import quote

import urllib3
from flask import Flask, Response, request, send_from_directory
from werkzeug.exceptions import NotFound
from werkzeug.serving import WSGIRequestHandler, make_server

from preview import logs
from preview.demo.viewer import ohif
from preview.demo.viewer.orthanc import USER
from preview.entrance.secret import secret_key

CONFIGURATION = "app-config.js"
_LEVELS = "<any(studies, series, instances):level>"
"""DICOMweb's resources; what else Orthanc has below the same root is not for browsers."""
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
"""Named here: what Python guesses depends on the machine, and browsers refuse a script of another type."""
_HASHED = re.compile(r"(^|[./])[0-9a-f]{16}\.")
_YEAR_S = 365 * 24 * 3600
_INCLUDED = re.compile(r"(?<=includefield=)[^&]*")
_BULK = "/bulk/"
_PASSED_ON = ("Content-Type", "Content-Length", "Content-Encoding", "Location")
_CHUNK = 64 * 1024


class Archive:
    """Where the images are, and the way to them."""

    def __init__(self, url: str, password: str) -> None:
        self._url = url
        self._sign_in = urllib3.make_headers(basic_auth=f"{USER}:{password}")
        self._pool = urllib3.PoolManager(maxsize=20, timeout=urllib3.Timeout(connect=5, read=120))

    def answer(self, path: str) -> Response:
        """What the archive says to this request, of which only path, query and Accept go on."""
        try:
            upstream = self._pool.request(
                "GET",  # for HEAD as well, which Orthanc does not know
                f"{self._url}{quote(path)}?{_query()}",
                headers={**self._sign_in, "Accept": _accept(path), "Forwarded": _forwarded()},
                preload_content=False,
                decode_content=False,
                redirect=False,
                retries=False,
            )
        except urllib3.exceptions.HTTPError:
            return Response("The archive of this viewer does not answer.", 502, mimetype="text/plain")
        return _passed_on(upstream)


def _query() -> str:
    """A list of fields is split at its commas before %2C is one."""
    query = request.query_string.decode("latin-1")
    return _INCLUDED.sub(lambda found: re.sub("%2c", ",", found[0], flags=re.IGNORECASE), query)


def _accept(path: str) -> str:
    """Bulk data is given as multipart only; OHIF asks for the bytes alone."""
    asked = request.headers.get("Accept", "*/*")
    if _BULK in path and not asked.startswith("multipart/"):
        return "multipart/related; type=application/octet-stream"
    return asked


def _forwarded() -> str:
    """The address that BulkDataURIs begin with; in quotes, as RFC 7239 wants a port, it breaks them."""
    return f"host={request.host};proto={request.scheme}"


def _passed_on(upstream: urllib3.BaseHTTPResponse) -> Response:
    """The body as it comes, and the headers that describe it: no sign-in box, no COOP."""
    headers = {name: upstream.headers[name] for name in _PASSED_ON if name in upstream.headers}
    answer = Response(upstream.stream(_CHUNK, decode_content=False), upstream.status, headers)
    answer.call_on_close(upstream.close)
    return answer


def create_viewer(dist: Path, archive: Archive) -> Flask:
    viewer = Flask("preview.demo.viewer", static_folder=None)
    viewer.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]
    viewer.config["PROVIDE_AUTOMATIC_OPTIONS"] = False

    @viewer.get(f"/dicom-web/{_LEVELS}")
    @viewer.get(f"/dicom-web/{_LEVELS}/<path:rest>")
    def dicomweb(level: str, rest: str = "") -> Response:
        if {".", ".."} & set(rest.split("/")):
            raise NotFound  # it would lead out of DICOMweb
        return archive.answer(f"/dicom-web/{level}/{rest}".rstrip("/"))

    @viewer.get("/wado")
    def wado() -> Response:
        return archive.answer("/wado")

    @viewer.get("/", defaults={"path": ""})
    @viewer.get("/<path:path>")
    def page(path: str) -> Response:
        if path.startswith(("dicom-web/", "wado/")):
            raise NotFound
        if path == CONFIGURATION:
            return _file(Path(__file__).parent, path)
        last = path.rpartition("/")[2]
        return _file(dist, path if "." in last else "index.html")  # OHIF's own paths have no suffix

    return viewer


def _file(folder: Path, name: str) -> Response:
    age = _YEAR_S if _HASHED.search(name) else None
    found = send_from_directory(folder, name, mimetype=_TYPES.get(Path(name).suffix), max_age=age)
    found.cache_control.immutable = age is not None
    return found


class _Quiet(WSGIRequestHandler):
    """A hundred requests for one study would bury what the demo has to say."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def serve(argv: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m preview.demo.viewer.server", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--archive", required=True, metavar="URL", help="where Orthanc speaks HTTP")
    parser.add_argument("--password-file", type=Path, required=True)
    chosen = parser.parse_args(argv)
    logs.configure()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    archive = Archive(chosen.archive, secret_key(chosen.password_file))
    viewer = create_viewer(ohif.obtain(), archive)
    server = make_server("127.0.0.1", chosen.port, viewer, threaded=True, request_handler=_Quiet)
    print(f"OHIF is ready on http://127.0.0.1:{chosen.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve()
