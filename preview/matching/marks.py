"""What stands for an identity that a source gives: its id, else name, birth date and sex. Pure."""

import hashlib
import unicodedata
from typing import Any

from fetch.identity.ids import names_somebody, normal
from fetch.identity.letters import foldings
from fetch.identity.letters import words as written_words
from fetch.model import Patient, PatientIdentity
from fetch.sources.reading import day


def has_id(patient: Patient) -> bool:
    """Does its id name anybody? A placeholder names everybody who came without one."""
    return names_somebody(patient.identity.patient_id)


def mark(found: Patient) -> str:
    """Of the source identity: there is at most one live link for each."""
    if has_id(found):
        return _digest("id", found.identity.issuer, normal(found.identity.patient_id))
    return exact_print(found)


def exact_print(found: Patient) -> str:
    """Of the source identity with these very values."""
    identity = found.identity
    born = found.birth_date.isoformat() if found.birth_date else found.birth_date_text
    return _digest("who", identity.issuer, identity.patient_id.strip(), _one(found.name), born, found.sex)


def _one(name: str) -> str:
    """Padding and case do not make another name."""
    groups = (group.rstrip("^ ") for group in unicodedata.normalize("NFC", name).casefold().split("="))
    return "=".join("^".join(part.strip() for part in group.split("^")) for group in groups).rstrip("=")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def words(name: str) -> list[str]:
    """The words of a name as they are looked for, in each way to write them without accents."""
    written = (word for group in name.split("=") for part in group.split("^") for word in written_words(part))
    return list(dict.fromkeys(folded for word in written for folded in (word, *sorted(foldings(word)))))


def values(patient: Patient) -> dict[str, Any]:
    """Who somebody is, as it is kept beside a decision."""
    return {
        "id": patient.identity.patient_id,
        "issuer": patient.identity.issuer,
        "name": patient.name,
        "birth_date": patient.birth_date.isoformat() if patient.birth_date else "",
        "birth_date_text": patient.birth_date_text,
        "sex": patient.sex,
    }


def patient_of(said: dict[str, Any]) -> Patient:
    """The reverse of :func:`values`."""
    identity = PatientIdentity(said["id"], said["issuer"])
    return Patient(identity, said["name"], day(said["birth_date"]), said["sex"], said["birth_date_text"])
