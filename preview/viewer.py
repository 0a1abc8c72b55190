"""The link to the external viewer, where images are read. Pure."""

import re
from urllib.parse import urlencode

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")  # PS3.5 9.1


def is_uid(text: str) -> bool:
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def viewer_link(base: str, study_uid: str) -> str | None:
    """OHIF's address for one study, or None for a UID that is none: a received text never shapes a link."""
    return f"{base}?{urlencode({'StudyInstanceUIDs': study_uid})}" if is_uid(study_uid) else None
