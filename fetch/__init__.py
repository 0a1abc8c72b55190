"""The thin layer: fetch the studies of this patient in this date range, from every connected archive.

It knows archives, identity and health; it runs from a script, without Flask, a browser or Pillow::

    from datetime import date
    from fetch import PatientIdentity, Patient, PatientQuery, find, load_settings

    settings = load_settings()
    patient = Patient(PatientIdentity("4471902", "HOSP"), "OKAFOR^Adaeze", date(1975, 7, 14), "F")
    for answer in find(PatientQuery(patient, start=date(2025, 11, 22)), settings.sources, settings.local):
        print(answer.source.label, answer.kind, len(answer.studies))
"""

from fetch.errors import FetchError, UnsafeQuery
from fetch.find import find
from fetch.model import Answer, AnswerKind, Patient, PatientIdentity, PatientQuery, Source, Study
from fetch.retrieve import Retrieval
from fetch.settings import WrongSettings, load_settings

__all__ = [
    "Answer",
    "AnswerKind",
    "FetchError",
    "Patient",
    "PatientIdentity",
    "PatientQuery",
    "Retrieval",
    "Source",
    "Study",
    "UnsafeQuery",
    "WrongSettings",
    "find",
    "load_settings",
]
