"""The words of a judgement: grade, what each field says, what is doubted, what else is known of the pair."""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from fetch.reasons import _

RULES_VERSION = "2026-11.4"
"""Of all the rules in this package together; it is kept with every decision."""


class Grade(StrEnum):
    """How sure it is that two identities are one person, in the words of HL7 FHIR's ``$match``."""

    CERTAIN = "certain"
    """The only one that may be shown as the patient's."""
    PROBABLE = "probable"
    POSSIBLE = "possible"
    CERTAINLY_NOT = "certainly-not"

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(Grade).index(self)


class Field(StrEnum):
    """What is compared."""

    ID = "id"
    ISSUER = "issuer"
    FAMILY = "family"
    GIVEN = "given"
    MIDDLE = "middle"
    SUFFIX = "suffix"
    BIRTH_DATE = "birth-date"
    SEX = "sex"
    ACCESSION = "accession"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Field.ID: _("Patient id"),
    Field.ISSUER: _("Issuer of the id"),
    Field.FAMILY: _("Family name"),
    Field.GIVEN: _("Given name"),
    Field.MIDDLE: _("Middle name"),
    Field.SUFFIX: _("Suffix of the name"),
    Field.BIRTH_DATE: _("Birth date"),
    Field.SEX: _("Sex"),
    Field.ACCESSION: _("Accession number"),
}


class Agreement(StrEnum):
    """What one field of the two sides says."""

    AGREE = "agree"
    SIMILAR = "similar"
    DIFFER = "differ"
    MISSING = "missing"
    """On one side at least, or what is written there says nothing: a placeholder, other letters."""

    @property
    def sentence(self) -> str:
        return _SAYS[self]


_SAYS = {
    Agreement.AGREE: _("agrees"),
    Agreement.SIMILAR: _("is similar"),
    Agreement.DIFFER: _("differs"),
    Agreement.MISSING: _("is missing on one side"),
}


class Doubt(Enum):
    """Why a study cannot be shown as the patient's. ``code`` is stored; the sentence is for staff."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence

    ID_MISSING = ("id-missing", _("The patient id is missing on one side."))
    ID_DIFFERS = ("id-differs", _("The patient id is another one."))
    ID_SIMILAR = ("id-similar", _("The patient id is similar, but not the same."))
    ID_PLACEHOLDER = ("id-placeholder", _("The patient id is one that is given to people without an id."))
    ID_UNUSABLE = ("id-unusable", _("The patient id holds characters that no id has, or is too long."))
    ID_REUSED = ("id-reused", _("The id is the same, the person is not: it may have been given out again."))
    ID_SHARED = ("id-shared", _("Several of our patients have, or had, this id."))
    ISSUER_MISSING = ("issuer-missing", _("Nobody says who issued the patient id."))
    ISSUER_DIFFERS = ("issuer-differs", _("The patient id was issued by somebody else."))
    ISSUER_SIMILAR = ("issuer-similar", _("The issuer of the patient id is written differently."))
    ISSUER_UNTRUSTED = (
        "issuer-untrusted",
        _("Ids of this issuer may not identify a patient at this archive."),
    )
    BIRTH_DATE_MISSING = ("birth-date-missing", _("The birth date is missing on one side."))
    BIRTH_DATE_UNREADABLE = ("birth-date-unreadable", _("What is written as the birth date is no date."))
    BIRTH_DATE_DIFFERS = ("birth-date-differs", _("The birth date differs."))
    BIRTH_DATE_SWAPPED = ("birth-date-swapped", _("Day and month of the birth date are swapped."))
    BIRTH_DATE_SIMILAR = ("birth-date-similar", _("The birth date differs a little."))
    BIRTH_DATE_IMPLAUSIBLE = (
        "birth-date-implausible",
        _("The birth date is one that is written where nobody knows it, or cannot be true."),
    )
    NAME_MISSING = ("name-missing", _("The family name is missing on one side."))
    NAME_DIFFERS = ("name-differs", _("The family name differs."))
    NAME_SIMILAR = ("name-similar", _("The family name is similar, but not the same."))
    GIVEN_MISSING = ("given-missing", _("The given name is missing on one side."))
    GIVEN_DIFFERS = ("given-differs", _("The given name differs."))
    GIVEN_SIMILAR = ("given-similar", _("The given name is similar, but not the same."))
    MIDDLE_DIFFERS = ("middle-differs", _("The middle name differs."))
    SUFFIX_DIFFERS = ("suffix-differs", _("The suffix of the name differs (such as Jr and Sr)."))
    SEX_DIFFERS = ("sex-differs", _("The sex differs."))
    NAME_ORDER = ("name-order", _("Family name and given name may be swapped."))
    NAME_PLACEHOLDER = ("name-placeholder", _("The name is one that is given to people of unknown name."))
    NAME_GARBLED = ("name-garbled", _("The name holds characters that no name has, or was wrongly encoded."))
    OTHER_LETTERS = ("other-letters", _("The name is written in other letters, which cannot be compared."))
    OTHER_WRITING = ("other-writing", _("The name differs where it is written in other characters."))
    SEVERAL_QUALIFY = ("several-qualify", _("Several of our patients would fit equally well."))
    LINK_LAPSED = (
        "link-lapsed",
        _("Staff confirmed this patient, but what is written of either side has changed since."),
    )
    LINK_CONTRADICTED = (
        "link-contradicted",
        _("Its id is one staff confirmed as this patient's, but name, birth date or sex does not agree."),
    )
    DEMOGRAPHICS_ALONE = (
        "demographics-alone",
        _("Name and birth date alone do not prove that it is the same person."),
    )
    FOREIGN_IMAGES = (
        "foreign-images",
        _("Images inside the study are another patient's; they are withheld."),
    )
    SOURCES_DISAGREE = ("sources-disagree", _("Two archives disagree about whose study this is."))
    NO_LONGER_LISTED = ("no-longer-listed", _("The archive no longer lists this study."))

    @property
    def is_conflict(self) -> bool:
        """Do the two sides contradict each other, rather than say too little?"""
        return self.code not in _TOO_LITTLE

    @classmethod
    def of(cls, code: str) -> "Doubt":
        now = _FORMER.get(code, code)
        return next(doubt for doubt in cls if doubt.code == now)


_TOO_LITTLE = frozenset(
    {
        "id-missing",
        "issuer-missing",
        "issuer-similar",
        "issuer-differs",
        "issuer-untrusted",
        "birth-date-missing",
    }
    | {"name-missing", "given-missing", "demographics-alone", "no-longer-listed", "id-placeholder"}
)
_FORMER = {"source-untrusted": "issuer-untrusted"}
"""Codes that are stored but no longer given."""


class Remark(Enum):
    """What else is known of the pair: why it is certain, and what was overlooked. Not a doubt."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence

    SAME_ID = ("same-id", _("The id is the same, its issuer is trusted, name and birth date agree."))
    CONFIRMED = ("confirmed", _("Staff confirmed that this is the patient."))
    ACCESSION = ("accession", _("It has the accession number of the order; name and birth date agree."))
    CROSS_REFERENCE = (
        "cross-reference",
        _("The cross-reference manager says that this id is the patient's."),
    )
    OTHER_ID = ("other-id", _("One side lists the patient id of the other among the patient's other ids."))
    OTHER_NAME = ("other-name", _("The family name is the one at birth, or another that is known."))
    ISSUER_ASSUMED = ("issuer-assumed", _("The archive names no issuer; its own is assumed."))
    ORDER_SWAPPED = ("order-swapped", _("Family name and given name are swapped, and the same otherwise."))
    UNDIVIDED = ("name-undivided", _("The whole name is written as family name, and is the same otherwise."))


@dataclass(frozen=True)
class Compared:
    """What one field says."""

    field: Field
    agreement: Agreement

    @property
    def code(self) -> str:
        return f"{self.field}-{self.agreement}"


Reason = Compared | Doubt | Remark


@dataclass(frozen=True)
class Judgement:
    """A grade with every reason for it: the fields one by one, then remarks, then doubts.

    ``certain`` is without any doubt; ``score`` only puts candidates of one grade in order, higher is better.
    """

    grade: Grade
    reasons: tuple[Reason, ...] = ()
    score: float = 0.0

    @property
    def certain(self) -> bool:
        return self.grade is Grade.CERTAIN

    @property
    def fields(self) -> tuple[Compared, ...]:
        return tuple(reason for reason in self.reasons if isinstance(reason, Compared))

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        return tuple(reason for reason in self.reasons if isinstance(reason, Doubt))

    @property
    def remarks(self) -> tuple[Remark, ...]:
        return tuple(reason for reason in self.reasons if isinstance(reason, Remark))

    def doubted(self, *more: Doubt) -> "Judgement":
        """The same with doubts that come from elsewhere: it is no longer certain then."""
        grade = Grade.PROBABLE if more and self.certain else self.grade
        return Judgement(grade, (*self.reasons, *more), self.score)

    def as_data(self) -> dict[str, Any]:
        """For JSON, to be kept or printed: codes only, no value of anybody."""
        return {
            "grade": self.grade.value,
            "rules": RULES_VERSION,
            "fields": {compared.field.value: compared.agreement.value for compared in self.fields},
            "remarks": [remark.code for remark in self.remarks],
            "doubts": [doubt.code for doubt in self.doubts],
        }
