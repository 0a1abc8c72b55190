"""The vocabulary: what an archive, a patient, a study and an answer are. Standard library only."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from fetch.reasons import Reason

_LONGEST_UID = 64  # UI, PS3.5 9.1
_ARCHIVED = ("NEARLINE", "OFFLINE", "UNAVAILABLE")  # PS3.3 C.4.23.1.1


@dataclass(frozen=True)
class PatientIdentity:
    """A patient id is worth nothing without who issued it: two are equal only if both parts are."""

    patient_id: str
    issuer: str


def is_one_uid(text: str) -> bool:
    """Does it name one study? An empty UID would ask for every one, a list or a wildcard for several."""
    return 0 < len(text) <= _LONGEST_UID and text.isprintable() and not set(text) & set("*?\\ ")


@dataclass(frozen=True)
class Aliases:
    """Under what else somebody is known: other ids, and other names (at birth, before a marriage)."""

    ids: tuple[PatientIdentity, ...] = ()
    names: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ids or self.names)


@dataclass(frozen=True)
class Patient:
    """Who somebody is, in the clinical record or on the images.

    ``name`` is a DICOM person name (``FAMILY^Given^Middle^Prefix^Suffix``); ``birth_date`` is None when it
    is missing or unreadable, and ``birth_date_text`` then keeps what was written; ``sex`` is M, F, O or "".
    """

    identity: PatientIdentity
    name: str = ""
    birth_date: date | None = None
    sex: str = ""
    birth_date_text: str = ""
    aliases: Aliases = field(default=Aliases(), compare=False)
    """Evidence besides: who leaves it out describes the same person."""

    @property
    def family_name(self) -> str:
        return self.name.split("=", 1)[0].split("^", 1)[0].strip()

    @property
    def given_name(self) -> str:
        parts = self.name.split("=", 1)[0].split("^")
        return parts[1].strip() if len(parts) > 1 else ""


@dataclass(frozen=True)
class Timeouts:
    """Seconds, on each of the four layers that can hang (TCP, association, message, idle network)."""

    connect: float = 5.0
    association: float = 10.0
    message: float = 60.0
    network: float = 60.0


@dataclass(frozen=True)
class Tls:
    """How a line is encrypted: TLS 1.2 or newer, the certificate checked together with its name.

    ``ca`` None stands for the authorities of the system; ``certificate`` and ``key`` are our own (PEM).
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    name: str = ""
    """The name in the peer's certificate, where it is not the host's."""


@dataclass(frozen=True)
class Local:
    """Who we are to an archive: our AE title, and where images may be pushed to us."""

    aet: str
    port: int = 11112
    host: str = ""
    """Our address as the archives' administrators need to know it; "" where nobody said."""
    listen: str = "127.0.0.1"
    """The address of this machine on which the receiver listens."""
    tls: Tls | None = None


class Way(StrEnum):
    """How images come to us."""

    GET = "c-get"
    """C-GET: over the association that we opened (PS3.4 C.4.3)."""
    MOVE = "c-move"
    """C-MOVE: the archive opens an association to our receiver (PS3.4 C.4.2)."""
    WADO = "wado"
    """WADO-RS: over HTTP (PS3.18 10.4)."""


@dataclass(frozen=True)
class Web:
    """Where a source speaks DICOMweb (PS3.18): its root, without a slash at the end."""

    url: str
    auth_file: Path | None = None
    """Holds ``user:password`` or ``Bearer TOKEN``."""
    rendered: bool = False
    """Take thumbnails that the archive draws (PS3.18 10.4.1.1.3) instead of the objects."""
    tls: Tls | None = None


@dataclass(frozen=True)
class Source:
    """One connected archive. One that speaks only DICOMweb has no ``host``, ``port`` and ``aet``."""

    name: str
    label: str
    host: str
    port: int
    aet: str
    issuer: str
    trusted: bool
    associations: int = 2
    protocol: str = "dimse"
    charset: str = ""
    """Character set of answers that do not name one, as DICOM writes it (``ISO_IR 100``)."""
    viewer_source: str = ""
    """The viewer's name for the data source that holds this archive's studies; "" for its default."""
    answer_limit: int = 500
    """The most studies we take from one query; the archive's own limit where it is known and lower."""
    timeouts: Timeouts = field(default_factory=Timeouts)
    retrieve: Way | None = None
    """The one way in which images are brought; None: whichever the archive turns out to offer."""
    web: Web | None = None
    tls: Tls | None = None
    """Of DICOM associations, ours to it and its to our receiver."""
    receive_from: tuple[str, ...] = ()
    """Addresses from which it may push to our receiver; its own host's where none are named."""
    trusts: tuple[str, ...] = ()
    """Issuers besides its own whose ids may identify a patient when this archive names them."""

    @property
    def trusted_issuers(self) -> frozenset[str]:
        """Whose ids may identify a patient when this archive names them."""
        return frozenset((self.issuer, *self.trusts) if self.trusted else self.trusts)


@dataclass(frozen=True)
class PatientQuery:
    """The one question: this patient's studies from ``start`` to ``end``, both included, either open."""

    patient: Patient
    start: date | None = None
    end: date | None = None
    modalities: frozenset[str] = frozenset()
    """Empty means every modality."""

    def covers(self, day: date | None) -> bool:
        """Is a study of this day asked for? An undated one always is: a date range must not hide it."""
        if day is None:
            return True
        return (self.start is None or day >= self.start) and (self.end is None or day <= self.end)

    def wants(self, modalities: Iterable[str]) -> bool:
        """Is a study of these modalities asked for? One that names none always is."""
        named = set(modalities)
        return not self.modalities or not named or bool(named & self.modalities)


@dataclass(frozen=True)
class Study:
    """One study as one source describes it; every text may be empty, every count unknown (None)."""

    source: str
    study_uid: str
    patient: Patient
    issuer_assumed: bool = False
    """The answer named no issuer; the identity carries the source's own."""
    study_date: date | None = None
    study_date_text: str = ""
    study_time: str = ""
    description: str = ""
    accession: str = ""
    modalities: tuple[str, ...] = ()
    referrer: str = ""
    series_count: int | None = None
    instance_count: int | None = None


@dataclass(frozen=True)
class Approach:
    """How one source is asked for a patient: by ids of its own, else by name and birth date, else not."""

    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Person names to be looked for, each as far as it goes."""
    orders: tuple[str, ...] = ()
    """Accession numbers of the patient's orders: asked for besides, whatever id the study has there."""


class AnswerKind(StrEnum):
    """What one source said to one question. Only ABSENT may ever read as "none"."""

    FOUND = "FOUND"
    ABSENT = "ABSENT"
    NOT_ASKED = "NOT_ASKED"
    TRUNCATED = "TRUNCATED"
    OUTAGE = "OUTAGE"


@dataclass(frozen=True)
class Answer:
    """One source's answer. ``studies`` are within the range asked for; OUTAGE and NOT_ASKED have none."""

    source: Source
    kind: AnswerKind
    studies: tuple[Study, ...] = ()
    outside: int = 0
    """Further studies of this patient there that the date range or the modality left out."""
    outside_uids: frozenset[str] = frozenset()
    """Which those are: the source still lists them."""
    strangers: int = 0
    """Answers that were about another patient id than the one asked for, and were dropped."""
    reason: Reason | None = None
    detail: str = ""
    """For engineers: status in hex, counts; never patient data."""
    broken_off: bool = False
    """TRUNCATED by the archive itself, with a status of failure or for want of time."""
    approach: Approach = Approach()
    """How it was asked."""


@dataclass(frozen=True)
class Instance:
    """One image (or report, or other object) of a study, as the archive lists it."""

    series_uid: str
    instance_uid: str
    sop_class: str = ""
    number: int | None = None


@dataclass(frozen=True)
class Series:
    """One series of a study with the instances the archive lists in it, in the order of their numbers."""

    series_uid: str
    number: int | None = None
    modality: str = ""
    description: str = ""
    instances: tuple[Instance, ...] = ()
    expected: int | None = None
    """How many instances it has; known from the list, else from the archive's count, else None."""
    availability: str = ""
    """How soon the archive can send it (0008,0056), as it says; "" where it does not."""

    @property
    def archived(self) -> bool:
        """Does the archive say that it has to be fetched first from where that takes long?"""
        return self.availability in _ARCHIVED


@dataclass(frozen=True)
class Plan:
    """What is expected of a study. ``total`` is None where the archive would not say how much there is."""

    series: tuple[Series, ...] = ()
    total: int | None = None
    lacks_series: bool = False
    """Was the list of series cut short, by the archive or by us?"""

    @property
    def instances(self) -> tuple[Instance, ...]:
        return tuple(i for s in self.series for i in s.instances)


class Level(StrEnum):
    """At which level images are asked for (PS3.4 C.6.2.1)."""

    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"


@dataclass(frozen=True)
class Share:
    """What is asked for in one request: some instances, else a whole series, else the whole study."""

    study_uid: str
    series_uid: str = ""
    instances: tuple[Instance, ...] = ()
    """All of one series."""

    @property
    def level(self) -> Level:
        if self.instances:
            return Level.IMAGE
        return Level.SERIES if self.series_uid else Level.STUDY


@dataclass(frozen=True)
class Reported:
    """What an archive itself says of one request; it may be untrue, so what arrived is counted besides."""

    completed: int | None
    failed: int | None
    status: int = 0x0000
    failed_uids: tuple[str, ...] = ()
    """The instances that it names as failed (0008,0058)."""


Listed = Instance | Series | Plan
"""What a listing yields: instances as named, a series once its list is complete, at last the plan."""


@dataclass(frozen=True)
class Received:
    """One instance as it came from the archive: still encoded, nothing of it parsed.

    The UIDs are what the transfer said (the C-STORE command, the request); the header may say otherwise.
    """

    sop_class: str
    instance_uid: str
    transfer_syntax: str
    data: bytes = b""
    """The data set alone, without preamble and file meta information; empty where there is a ``file``."""
    file: Path | None = None
    """A DICOM file (PS3.10) that it was streamed to; whoever has drawn it deletes it."""
    rendered: bytes = b""
    """A picture (PNG or JPEG) that the archive drew; ``data`` is then the header alone."""

    @property
    def size(self) -> int:
        """Bytes of memory that it takes."""
        return len(self.data) + len(self.rendered)
