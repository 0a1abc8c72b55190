"""OHIF (3.13 or newer), where images are read: what is known of a study there, and links to it. Pure.

The grammar is OHIF's own: ``<url>[/<data source>]?StudyInstanceUIDs=<uid>[,<uid>]&…``. It is silent about
what it does not understand (a blank page, an endless spinner), so nothing leaves here that was not checked.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlencode

from fetch.model import Patient

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")  # PS3.5 9.1
_COMPARE = "@ohif/hpCompare"
"""OHIF's hanging protocol for two studies: the first is current (left), the second its prior (right)."""


def is_uid(text: str) -> bool:
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def study_link(url: str, data_source: str, study_uid: str) -> str | None:
    """One study. Like every link here None for a UID that is none: a received text never shapes a link."""
    return _link(url, data_source, [study_uid], {})


def image_link(url: str, data_source: str, study_uid: str, series_uid: str, instance_uid: str) -> str | None:
    """One study, opened at this series and image."""
    at = {"initialSeriesInstanceUID": series_uid, "initialSopInstanceUID": instance_uid}
    return _link(url, data_source, [study_uid], at)


def compare_link(url: str, data_source: str, current_uid: str, prior_uid: str, series_uid: str) -> str | None:
    """The current study on the left, at this series if one is known, its prior on the right.

    OHIF opens several studies in the order of the link only by this hanging protocol.
    """
    at = {"initialSeriesInstanceUID": series_uid} if series_uid else {}
    link = _link(url, data_source, [current_uid, prior_uid], at)
    return f"{link}&{urlencode({'hangingProtocolId': _COMPARE}, safe='@/')}" if link else None


def _link(url: str, data_source: str, studies: list[str], at: dict[str, str]) -> str | None:
    if not all(map(is_uid, [*studies, *at.values()])):
        return None
    path = f"{url}/{data_source}" if data_source else url
    return f"{path}?{urlencode({'StudyInstanceUIDs': ','.join(studies), **at}, safe=',')}"


class Holding(StrEnum):
    """What is known about one study at the viewer."""

    NOT_CHECKED = "not-checked"
    """Nobody asked: no address of the viewer's archive is set."""
    CHECKING = "checking"
    HELD = "held"
    ABSENT = "absent"
    DOWN = "down"
    """The viewer or its archive does not answer."""
    REFUSED = "refused"
    """The archive does not accept our sign-in; this says nothing about the study."""
    UNCLEAR = "unclear"
    """The archive answered with something that is no answer."""


@dataclass(frozen=True)
class Entry:
    """Whose the study is there, as far as the archive says."""

    patient_id: str = ""
    name: str = ""
    born: str = ""

    def is_other_than(self, patient: Patient) -> bool:
        """Is it certainly somebody else's? An id alone may have been changed on the study's way there."""
        written = f"{patient.birth_date:%Y%m%d}" if patient.birth_date else ""
        if self.born and written and self.born != written:
            return True
        family = self.name.split("^", 1)[0].strip().casefold()
        other_name = bool(family) and family != patient.family_name.casefold()
        return other_name and bool(self.patient_id) and self.patient_id != patient.identity.patient_id


@dataclass(frozen=True)
class Held:
    """One answer. ``instances`` is None where the archive does not count."""

    holding: Holding
    instances: int | None = None
    entry: Entry | None = None
    at: datetime | None = field(default=None, repr=False)


NOT_CHECKED = Held(Holding.NOT_CHECKED)
CHECKING = Held(Holding.CHECKING)
