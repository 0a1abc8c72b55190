"""Is a number held by somebody else than before, or by two at once?"""

from fetch.identity import ids
from fetch.identity.comparing import Pair
from fetch.identity.context import Context
from fetch.identity.grades import Agreement
from fetch.model import Patient, PatientIdentity


def another_person(one: Patient, other: Patient) -> bool:
    """Do two descriptions contradict each other in two of family name, given name and birth date?

    A marriage or a correction changes one of them; an id that is given out again changes more.
    """
    return Pair(one, other, Context()).person.count(Agreement.DIFFER) >= 2


def same_number(one: PatientIdentity, other: PatientIdentity) -> bool:
    """Is it one id of one issuer, however each side writes them?"""
    agree = ids.compare_issuers(one.issuer, other.issuer) is Agreement.AGREE
    return agree and ids.same_id(one.patient_id, other.patient_id)
