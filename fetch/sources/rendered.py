"""Thumbnails that the archive draws (PS3.18 10.4.1.1.3), each with the header of its object."""

from dataclasses import dataclass

from pydicom.uid import ExplicitVRLittleEndian

from fetch.model import Received
from fetch.sources import dicom_json, reading
from fetch.sources.http import Connection
from fetch.sources.web_faults import refusal

_VIEWPORT = "viewport=256,256"
_LARGEST = 4 * 2**20
_LONGEST_HEADER = 16 * 2**20
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_NOT_NOW = (401, 403, 408, 429, 502, 503, 504)
"""Nothing about this picture: the object would not be had either."""


@dataclass
class Rendering:
    """Asks for pictures over one connection, and remembers in which words the archive likes to be asked."""

    connection: Connection
    accepts: tuple[str, ...] = ("image/png, image/jpeg", "image/jpeg")
    """Every archive renders JPEG (PS3.18 8.7.4); some take no list."""

    def of(self, path: str, instance_uid: str) -> Received | None:
        """Picture and header of this instance, or None if the archive does not draw it.

        Raises a :class:`FetchError` if the archive gives nothing at all now.
        """
        picture = self._picture(path)
        return self._with_header(path, instance_uid, picture) if picture else None

    def _picture(self, path: str) -> bytes | None:
        for accept in self.accepts:
            picture = self._body(f"{path}/rendered?{_VIEWPORT}", accept, _LARGEST)
            if picture and picture.startswith(_BEGINNINGS):
                self.accepts = (accept,)
                return picture
        return None

    def _with_header(self, path: str, instance_uid: str, picture: bytes) -> Received | None:
        body = self._body(f"{path}/metadata", "application/dicom+json", _LONGEST_HEADER)
        try:
            headers = dicom_json.datasets(body or b"")
        except dicom_json.NoJson:
            return None
        if len(headers) != 1:
            return None
        sop_class = reading.text(headers[0], "SOPClassUID")
        data = dicom_json.encoded(headers[0])
        return Received(sop_class, instance_uid, str(ExplicitVRLittleEndian), data, rendered=picture)

    def _body(self, path: str, accept: str, longest: int) -> bytes | None:
        with self.connection.get(path, accept=accept) as answer:
            if answer.status in _NOT_NOW:
                raise refusal(answer.status)
            return answer.whole(longest) if answer.status == 200 else None
