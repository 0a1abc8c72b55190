"""What the database keeps of identities: whom we know, what was decided of whom, and what holds now."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ColumnElement, Enum, ForeignKey, Index, String, UniqueConstraint, or_
from sqlalchemy.orm import Mapped, mapped_column

from fetch.model import PatientIdentity
from fetch.records import Base, PatientColumns
from preview.records import ContextRow

LONGEST_REASON = 1024


class Verdict(StrEnum):
    """What was decided; the first four by staff about one study and one patient."""

    SAME = "SAME"
    OTHER = "OTHER"
    UNSURE = "UNSURE"
    """It stays on the list, for whoever it is handed on to."""
    NOBODY = "NOBODY"
    """Not a patient: a test, a phantom."""
    UNDO = "UNDO"
    CONFIRM = "CONFIRM"
    """Somebody else agrees to what waited for a second person."""
    DECLINE = "DECLINE"
    """Somebody else does not."""
    AUTO = "AUTO"
    """The facts have made it certain."""
    REOPEN = "REOPEN"
    """The facts no longer bear what was decided, or shown."""
    MERGE = "MERGE"
    UNMERGE = "UNMERGE"


class DecisionRow(Base):
    """One decision as it was made. Nobody changes or deletes one: the database itself refuses."""

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    verdict: Mapped[Verdict] = mapped_column(Enum(Verdict, native_enum=False, length=16))
    person: Mapped[str] = mapped_column(String(256), default="")
    """Who; "" for the rules themselves."""
    unmatched: Mapped[int | None] = mapped_column(ForeignKey("unmatched.id"), index=True)
    refers: Mapped[int | None] = mapped_column(ForeignKey("decisions.id"))
    """The decision that this one takes back, confirms or declines."""
    waits: Mapped[bool] = mapped_column(default=False)
    """It takes effect only once somebody else confirms it."""
    source: Mapped[str] = mapped_column(String(32), default="")
    study_uid: Mapped[str] = mapped_column(String(64), default="")
    mark: Mapped[str] = mapped_column(String(64), default="", index=True)
    issuer: Mapped[str] = mapped_column(String(256), default="")
    patient_id: Mapped[str] = mapped_column(String(256), default="")
    """Of the patient's side, beside its values."""
    asked: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    found: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Both sides' values as they were."""
    grade: Mapped[str] = mapped_column(String(16), default="")
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    rules: Mapped[str] = mapped_column(String(32), default="")
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON), default="")

    __table_args__ = (Index("ix_decisions_patient", "issuer", "patient_id"),)


class AccessKind(StrEnum):
    """What staff had of studies that are not certainly anybody's."""

    PICTURES = "PICTURES"
    LIST = "LIST"
    """As a file."""


class AccessRow(Base):
    """Who had what, and when. Nobody changes or deletes one: the database itself refuses."""

    __tablename__ = "accesses"
    __table_args__ = (Index("ix_accesses_at", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[AccessKind] = mapped_column(Enum(AccessKind, native_enum=False, length=16))
    person: Mapped[str] = mapped_column(String(256), default="")
    role: Mapped[str] = mapped_column(String(16), default="")
    once: Mapped[str | None] = mapped_column(String(64), unique=True)
    """Stands for one opening of one study: its pictures make one record."""
    source: Mapped[str] = mapped_column(String(32), default="")
    study_uid: Mapped[str] = mapped_column(String(64), default="")
    issuer: Mapped[str] = mapped_column(String(256), default="")
    patient_id: Mapped[str] = mapped_column(String(256), default="")
    """Whom it was found for."""
    found: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Whom the images name."""
    count: Mapped[int] = mapped_column(default=0)
    """How many studies."""
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class LinkRow(PatientColumns, Base):
    """A source identity that staff have confirmed to be this patient (the columns here, as they were)."""

    __tablename__ = "links"
    __table_args__ = (
        UniqueConstraint("mark", "live"),
        Index("ix_links_patient", "issuer", "patient_id"),
        Index("ix_links_found", "found_issuer", "found_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(String(64))
    live: Mapped[bool | None] = mapped_column(default=True)
    """True or None, never False: so one source identity has at most one that is live."""
    beside: Mapped[bool] = mapped_column(default=False)
    """It is not the live one, and still stands: staff have confirmed more than one study of that identity."""
    found_issuer: Mapped[str] = mapped_column(String(256), default="")
    found_id: Mapped[str] = mapped_column(String(256), default="")
    found: Mapped[dict[str, Any]] = mapped_column(JSON)
    decision: Mapped[int] = mapped_column(ForeignKey("decisions.id"))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @classmethod
    def stands(cls) -> ColumnElement[bool]:
        """The live one, and those beside it."""
        return or_(cls.live.is_(True), cls.beside.is_(True))


class RefusalRow(PatientColumns, Base):
    """What staff have said a source identity, with these very values, is not: this patient, or any."""

    __tablename__ = "refusals"
    __table_args__ = (UniqueConstraint("print", "issuer", "patient_id", "live"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    print: Mapped[str] = mapped_column(String(64))
    live: Mapped[bool | None] = mapped_column(default=True)
    decision: Mapped[int] = mapped_column(ForeignKey("decisions.id"))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class MergeRow(Base):
    """One patient's id was given up for another one (HL7 A40): the prior one now means the survivor."""

    __tablename__ = "merges"
    __table_args__ = (
        UniqueConstraint("issuer", "prior", "live"),
        Index("ix_merges_survivor", "issuer", "survivor"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    issuer: Mapped[str] = mapped_column(String(256))
    prior: Mapped[str] = mapped_column(String(256))
    survivor: Mapped[str] = mapped_column(String(256))
    live: Mapped[bool | None] = mapped_column(default=True)
    decision: Mapped[int] = mapped_column(ForeignKey("decisions.id"))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class KnownRow(PatientColumns, Base):
    """A patient whom we know: launched, or loaded from a file."""

    __tablename__ = "known_patients"
    __table_args__ = (
        UniqueConstraint("issuer", "patient_id"),
        Index("ix_known_patients_number", "number"),
        Index("ix_known_patients_given", "given"),
        Index("ix_known_patients_birth_date", "birth_date"),
        Index("ix_known_patients_family", "family", "words"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    family: Mapped[str] = mapped_column(String(256), default="")
    """The family name as it is looked for."""
    words: Mapped[str] = mapped_column(String(1024), default="")
    """Every word of the name as it is looked for, each behind a space."""
    number: Mapped[str] = mapped_column(String(256), default="")
    """The id without what different systems write differently."""
    given: Mapped[str] = mapped_column(String(256), default="")
    """The given name in plain letters."""
    aliases: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Under what else the record knows the patient."""
    said_at: Mapped[datetime]
    """When the record last said so."""

    @property
    def identity(self) -> PatientIdentity:
        return PatientIdentity(self.patient_id, self.issuer)


class FormerHolderRow(PatientColumns, Base):
    """Who had an id before the record gave it to somebody else; it identifies nobody any more."""

    __tablename__ = "former_holders"

    id: Mapped[int] = mapped_column(primary_key=True)
    print: Mapped[str] = mapped_column(String(64), unique=True)
    number: Mapped[str] = mapped_column(String(256), index=True)
    until: Mapped[datetime]


class CrossReferenceRow(Base):
    """What a cross-reference manager (PIXm) said of a patient; what it said last counts while it is away."""

    __tablename__ = "cross_references"

    issuer: Mapped[str] = mapped_column(String(256), primary_key=True)
    patient_id: Mapped[str] = mapped_column(String(256), primary_key=True)
    known: Mapped[bool] = mapped_column(default=False)
    ids: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    """Issuer and id of each."""
    answered_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    """When it could not be checked, since it last answered."""
    failure: Mapped[str] = mapped_column(String(32), default="")


class ToJudgeRow(Base):
    """A patient of whom something has changed since their studies were judged."""

    __tablename__ = "to_judge"

    issuer: Mapped[str] = mapped_column(String(256), primary_key=True)
    patient_id: Mapped[str] = mapped_column(String(256), primary_key=True)
    since: Mapped[datetime]


class StrangersRow(Base):
    """How many answers of a source to one question were certainly about other people; no more of them."""

    __tablename__ = "strangers"

    ask: Mapped[str] = mapped_column(ForeignKey("asks.id"), primary_key=True)
    source: Mapped[str] = mapped_column(String(32), primary_key=True)
    count: Mapped[int]
    at: Mapped[datetime] = mapped_column(index=True)


class RulesRow(Base):
    """Under which rules and settings everything was judged last."""

    __tablename__ = "judged_under"

    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(String(128))
    at: Mapped[datetime]


Index("ix_contexts_patient", ContextRow.issuer, ContextRow.patient_id)
