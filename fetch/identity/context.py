"""What is known around a pair of identities, besides what the two say themselves."""

from dataclasses import dataclass, field
from datetime import date

from fetch.model import Patient, PatientIdentity, Source


@dataclass(frozen=True)
class Link:
    """Staff confirmed that ``found`` is ``asked``: both sides as they were described then."""

    asked: Patient
    found: Patient
    of_another: bool = False
    """It was another study, under the same id, of which staff said so."""


@dataclass(frozen=True)
class Context:
    """What the judge is told. Whoever tells nothing gets no grade better than ``probable``."""

    trusted: frozenset[str] = frozenset()
    """Issuers whose ids may identify a patient at this source."""
    issuer_assumed: bool = False
    """The source named no issuer; the identity found carries the source's own."""
    link: Link | None = None
    """That staff have made for the identity found, with this patient, and nobody has undone."""
    accession_brought: str = ""
    """The accession number that the launch brought,"""
    accession_carried: str = ""
    """and the one that the study has."""
    cross_references: frozenset[PatientIdentity] = frozenset()
    """Ids that a cross-reference manager (PIXm ITI-83) said to be this patient's."""
    qualifying: int = 1
    """How many of our patients would be certain for the identity found: exactly one may."""
    holders: int = 1
    """How many of our patients have, or had, the very id (with its issuer) that was found."""
    names_in_use: frozenset[str] = frozenset()
    """Given names (in plain letters) that patients of ours have: between two of these no slip of the pen is
    assumed, because twins and siblings have such names."""
    today: date = field(default_factory=date.today)

    @classmethod
    def of(cls, source: Source, *, issuer_assumed: bool = False) -> "Context":
        """What the settings say of a source; ``dataclasses.replace`` adds what else is known."""
        return cls(trusted=source.trusted_issuers, issuer_assumed=issuer_assumed)
