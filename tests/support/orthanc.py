"""A real Orthanc on ports of its own, bound to 127.0.0.1 only."""

from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pydicom

from preview.demo.viewer import orthanc
from preview.demo.viewer.orthanc import loopback_shim
from preview.entrance.secret import secret_key
from support.installation import free_port

__all__ = ["Orthanc", "loopback_shim"]

GDCM = orthanc.PLUGIN.with_name("libOrthancGdcm.so")
_OPEN = {f"DicomAlwaysAllow{what}": True for what in ("Echo", "Find", "Get", "Move", "Store")}


class Orthanc:
    """Open to every AE title, without DICOMweb, unless told otherwise; ``gdcm``: also decoding JPEG 2000.

    ``known`` are the AE titles that may ask and fetch, with their addresses as destinations of C-MOVE;
    then nobody else may. ``password`` makes HTTP ask for it; its file is ``password_file``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        aet: str = "ORTHANC",
        dicomweb: bool = False,
        gdcm: bool = False,
        password: bool = False,
        known: dict[str, tuple[str, int]] | None = None,
    ) -> None:
        self.folder, self.aet = folder, aet
        self.password_file = folder / "password"
        plugins = [str(orthanc.PLUGIN)] * dicomweb + [str(GDCM)] * gdcm
        more = {"Plugins": plugins}
        self._one = orthanc.Orthanc(
            folder,
            aet,
            free_port(),
            free_port(),
            password=secret_key(self.password_file) if password else "",
            asks=known or {},
            more=more if known else {**more, **_OPEN},
        )

    @property
    def port(self) -> int:
        return self._one.port

    @property
    def http_port(self) -> int:
        return self._one.http_port

    @property
    def http(self) -> str:
        return self._one.http

    @property
    def headers(self) -> dict[str, str]:
        """What signs in, where there is a password."""
        return self._one.headers

    def store(self, datasets) -> None:
        self._one.store(map(_file, datasets))

    @contextmanager
    def running(self):
        """Started, and stopped again: it needs a few seconds to let go of its database."""
        process = self._one.start()
        try:
            yield self
        finally:
            process.terminate()
            process.wait(20)


def _file(ds) -> bytes:
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()
