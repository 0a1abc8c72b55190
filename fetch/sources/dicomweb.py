"""DICOMweb: QIDO-RS, WADO-RS and rendered thumbnails of a source that speaks HTTP (PS3.18)."""

from fetch.sources.qido import echo, find, listing
from fetch.sources.wado import carrying

__all__ = ["carrying", "echo", "find", "listing"]
