"""Is this study provably that patient's? Pure: two identities in, a judgement with its reasons out."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from fetch.model import Patient, Source, Study
from fetch.reasons import _


class Doubt(Enum):
    """Why a study cannot be shown as the patient's. ``code`` is stored; the sentence is for staff."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.sentence = sentence

    ID_DIFFERS = ("id-differs", _("The patient id is written differently."))
    ISSUER_DIFFERS = ("issuer-differs", _("The patient id was issued by somebody else."))
    SOURCE_UNTRUSTED = ("source-untrusted", _("Ids of this archive may not identify a patient."))
    BIRTH_DATE_MISSING = ("birth-date-missing", _("The birth date is missing on one side."))
    BIRTH_DATE_DIFFERS = ("birth-date-differs", _("The birth date differs."))
    NAME_MISSING = ("name-missing", _("The family name is missing on one side."))
    NAME_DIFFERS = ("name-differs", _("The family name differs."))
    FOREIGN_IMAGES = (
        "foreign-images",
        _("Images inside the study are another patient's; they are withheld."),
    )
    SOURCES_DISAGREE = ("sources-disagree", _("Two archives disagree about whose study this is."))

    @classmethod
    def of(cls, code: str) -> "Doubt":
        return next(doubt for doubt in cls if doubt.code == code)


@dataclass(frozen=True)
class Judgement:
    """``certain`` only without any doubt; everything else is withheld and waits for staff."""

    doubts: tuple[Doubt, ...] = ()

    @property
    def certain(self) -> bool:
        return not self.doubts


def judge(asked: Patient, found: Patient, source: Source) -> Judgement:
    """Certain only if id and issuer are equal, the source trusted, and birth date and family name agree."""
    return Judgement((*_id_doubts(asked, found, source), *_person_doubts(asked, found)))


def _id_doubts(asked: Patient, found: Patient, source: Source) -> Iterable[Doubt]:
    if not asked.identity.patient_id or asked.identity.patient_id != found.identity.patient_id:
        yield Doubt.ID_DIFFERS  # two that are empty name nobody
    if asked.identity.issuer != found.identity.issuer:
        yield Doubt.ISSUER_DIFFERS
    if not source.trusted:
        yield Doubt.SOURCE_UNTRUSTED


def _person_doubts(asked: Patient, found: Patient) -> Iterable[Doubt]:
    if asked.birth_date is None or found.birth_date is None:
        yield Doubt.BIRTH_DATE_MISSING
    elif asked.birth_date != found.birth_date:
        yield Doubt.BIRTH_DATE_DIFFERS
    ours, theirs = _folded(asked.family_name), _folded(found.family_name)
    if not ours or not theirs:
        yield Doubt.NAME_MISSING
    elif ours != theirs:
        yield Doubt.NAME_DIFFERS


def _folded(name: str) -> str:
    """Case and composition of accents do not make another name; another accent does."""
    return unicodedata.normalize("NFC", name).casefold().strip()


def same_person(expected: Patient, image: Patient) -> bool:
    """Does the image's own header name the person its study was judged by?

    The id must be there and equal; what else the header says must not contradict.
    """
    return bool(expected.identity.patient_id) and _same_words(expected, image)


def same_nobody(expected: Patient, image: Patient) -> bool:
    """Do both leave the id out, without any other contradiction?

    That proves nothing of anybody, so no page may show it: ``judge`` is never certain without an id. It may
    be drawn for whoever tries an archive from a shell.
    """
    return not expected.identity.patient_id and _same_words(expected, image)


def _same_words(expected: Patient, image: Patient) -> bool:
    if expected.identity.patient_id != image.identity.patient_id:
        return False
    if image.identity.issuer and image.identity.issuer != expected.identity.issuer:
        return False
    contradictions = {Doubt.BIRTH_DATE_DIFFERS, Doubt.NAME_DIFFERS}
    return contradictions.isdisjoint(_person_doubts(expected, image))


def disagree(studies: Iterable[Study]) -> bool:
    """Do the sources of one study UID contradict each other? What one of them leaves out does not.

    Ids may differ by issuer; under one issuer two ids are two people.
    """
    people = [study.patient for study in studies]
    births = {person.birth_date for person in people if person.birth_date}
    names = {_folded(person.family_name) for person in people} - {""}
    identities = {p.identity for p in people if p.identity.patient_id and p.identity.issuer}
    issuers = {identity.issuer for identity in identities}
    return len(births) > 1 or len(names) > 1 or len(identities) > len(issuers)
