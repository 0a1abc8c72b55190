"""A small DICOMweb archive in this process: QIDO-RS and WADO-RS of what it holds, and what it was asked."""

import json
import threading
from collections.abc import Iterable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from pydicom import Dataset

from support.pushing import file_of

LISTED = {
    "studies": [
        *("StudyInstanceUID", "PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate"),
        *("PatientSex", "StudyDate", "StudyTime", "AccessionNumber", "StudyDescription"),
    ],
    "series": ["SeriesInstanceUID", "SeriesNumber", "Modality", "SeriesDescription"],
    "instances": ["SOPInstanceUID", "SOPClassUID", "InstanceNumber"],
}
_MARK = b"between"


class WebArchive:
    """``instead``: the bytes that come instead of an instance (by its UID). ``seconds``: each takes so long.

    ``sent``: the instances that it was asked for. ``listing``: is cleared while lists have to wait.
    """

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self.held = {ds.SOPInstanceUID: ds for ds in datasets}
        self.instead: dict[str, bytes] = {}
        self.seconds = 0.0
        self.sent: list[str] = []
        self.paths: list[str] = []
        self.listing = threading.Event()
        self.listing.set()
        self._woken = threading.Event()
        self.port = 0

    def behave_well(self) -> None:
        """At once, also towards whoever waits."""
        self.seconds = 0.0
        self.listing.set()
        self._woken.set()

    @contextmanager
    def running(self):
        archive = self

        class Request(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                archive.paths.append(self.path)
                status, kind, body = archive.answer(urlsplit(self.path))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_):
                """The other side hung up, or was killed."""

        server = Server(("127.0.0.1", 0), Request)
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield self
        finally:
            self.behave_well()
            server.shutdown()
            server.server_close()

    def answer(self, address) -> tuple[int, str, bytes]:
        parts = [unquote(part) for part in address.path.split("/") if part][1:]
        named = dict(zip(parts[0::2], parts[1::2], strict=False))
        theirs = [ds for ds in self.held.values() if ds.StudyInstanceUID == named.get("studies")]
        if "series" in named:
            theirs = [ds for ds in theirs if ds.SeriesInstanceUID == named["series"]]
        if parts[-1] in LISTED:
            self.listing.wait(30)
            return self._list(parts[-1], theirs if "studies" in named else self._found(address.query))
        wanted = [ds for ds in theirs if named.get("instances", ds.SOPInstanceUID) == ds.SOPInstanceUID]
        return self._objects([ds.SOPInstanceUID for ds in wanted])

    def _found(self, query: str) -> list[Dataset]:
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        keys = {"PatientID", "StudyInstanceUID"} & asked.keys()
        return [ds for ds in self.held.values() if all(ds.get(key) == asked[key] for key in keys)]

    def _list(self, level: str, datasets: Iterable[Dataset]) -> tuple[int, str, bytes]:
        unique = LISTED[level][0]
        rows = {ds[unique].value: self._row(level, ds) for ds in datasets}
        return 200, "application/dicom+json", json.dumps(list(rows.values())).encode()

    def _row(self, level: str, of: Dataset) -> dict:
        row = Dataset()
        for keyword in LISTED[level]:
            if keyword in of:
                setattr(row, keyword, of[keyword].value)
        everything = list(self.held.values())
        if level == "studies":
            same = [ds for ds in everything if ds.StudyInstanceUID == of.StudyInstanceUID]
            row.NumberOfStudyRelatedInstances = len(same)
        elif level == "series":
            same = [ds for ds in everything if ds.SeriesInstanceUID == of.SeriesInstanceUID]
            row.NumberOfSeriesRelatedInstances = len(same)
        return row.to_json_dict()

    def _objects(self, uids: list[str]) -> tuple[int, str, bytes]:
        self.sent += uids
        if self.seconds:
            self._woken.wait(self.seconds * len(uids))
        bodies = [self.instead.get(uid) or file_of(self.held[uid]) for uid in uids]
        head = b"--" + _MARK + b"\r\nContent-Type: application/dicom\r\n\r\n"
        body = b"".join(head + one + b"\r\n" for one in bodies) + b"--" + _MARK + b"--\r\n"
        kind = f'multipart/related; type="application/dicom"; boundary={_MARK.decode()}'
        return (200, kind, body) if bodies else (404, "text/plain", b"")
