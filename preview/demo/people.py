"""The people of the demo: who is in the clinical record, and how the archives write them down."""

from dataclasses import replace
from datetime import date

from fetch.model import Patient, PatientIdentity

HOSPITAL, RIVERSIDE = "HOSP", "RIVERSIDE"


def _recorded(patient_id: str, name: str, born: date, sex: str) -> Patient:
    return Patient(PatientIdentity(patient_id, HOSPITAL), name, born, sex)


OKAFOR = _recorded("4471902", "OKAFOR^Adaeze", date(1975, 7, 14), "F")
LINDQVIST = _recorded("4380117", "LINDQVIST^Göran", date(1956, 1, 2), "M")
NAKAMURA = _recorded("4502266", "NAKAMURA^Hanako=中村^花子=なかむら^はなこ", date(1988, 11, 23), "F")
BROWN = _recorded("4419350", "BROWN^Jon", date(1961, 3, 9), "M")
MEYER = _recorded("4533871", "MEYER^Lena", date(1994, 5, 30), "F")

PATIENTS: tuple[Patient, ...] = (OKAFOR, LINDQVIST, NAKAMURA, BROWN, MEYER)
"""The clinical record. MEYER has no images anywhere."""

BROWN_BORN_OTHERWISE = replace(BROWN, birth_date=date(1936, 9, 3))
"""Under BROWN's id, but another person's birth date."""
GREEN_UNDER_BROWNS_ID = replace(BROWN, name="GREEN^Peter", sex="M")
"""Under BROWN's id, but another family name."""

OKAFOR_OUTSIDE = replace(OKAFOR, identity=PatientIdentity("RR-20931", RIVERSIDE))
OKAFOR_OUTSIDE_SWAPPED = replace(OKAFOR_OUTSIDE, birth_date=date(1957, 7, 14))
"""1957 for 1975: a typing mistake, or somebody else."""
BROWNS_TWIN = replace(BROWN, identity=PatientIdentity("RR-41188", RIVERSIDE), name="BROWN^Joan", sex="F")
"""Born on the same day: a twin sister, or a name that was misspelt."""
NAKAMURA_OUTSIDE = replace(NAKAMURA, identity=PatientIdentity("000000", RIVERSIDE), name="NAKAMURA^Hanako")
"""From a disc: without a number of her own."""
LINDQVIST_OUTSIDE = replace(LINDQVIST, identity=PatientIdentity("RR-30417", RIVERSIDE))
