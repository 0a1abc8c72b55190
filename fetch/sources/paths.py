"""Paths of what DICOMweb offers (PS3.18 10.4, 10.6), made of UIDs that can be nothing but UIDs."""

import re

from fetch.errors import UnsafeQuery
from fetch.model import is_one_uid

_COMPONENTS = re.compile(r"[0-9]+(\.[0-9]+)*")  # PS3.5 9.1; ".." would lead to another resource


def is_plain(uid: str) -> bool:
    """May it stand in an address?"""
    return is_one_uid(uid) and _COMPONENTS.fullmatch(uid) is not None


def resource(study_uid: str, series_uid: str = "", instance_uid: str = "") -> str:
    """The path of a study, of a series of it, or of an instance of that, below the root.

    Raises :class:`UnsafeQuery` for a UID that is none.
    """
    path = ""
    for kind, uid in (("studies", study_uid), ("series", series_uid), ("instances", instance_uid)):
        if not uid and path:
            break
        if not is_plain(uid):
            raise UnsafeQuery(
                f"a UID among the {kind} is empty, too long, or holds more than digits and dots"
            )
        path += f"/{kind}/{uid}"
    return path
