"""Under which other ids a patient is known, asked of a cross-reference manager (IHE PIXm, ITI-83)."""

import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlencode

from fetch.errors import trouble
from fetch.model import PatientIdentity, Source, Timeouts, Web
from fetch.reasons import Reason
from fetch.sources.http import Answer, Connection
from fetch.sources.web_faults import refusal

PIX_S = 3.0
"""All that a question may take: whoever waits for imaging does not wait for this."""
_PATIENCE = Timeouts(connect=1.5, association=1.5, message=PIX_S, network=PIX_S)
_JSON = "application/fhir+json"
_LONGEST = 2**20
_MOST = 100


def known_as(
    web: Web, patient: PatientIdentity, systems: Mapping[str, str]
) -> tuple[PatientIdentity, ...] | None:
    """The patient's ids of other issuers; None if the manager does not know this one.

    ``systems`` names issuers as FHIR does; an answer that names none of ours stays as it is. Raises a
    :class:`FetchError` where it could not be checked, which says nothing of anybody.
    """
    query = [("sourceIdentifier", f"{systems.get(patient.issuer, patient.issuer)}|{patient.patient_id}")]
    # Not for one target: a manager refuses the whole question for a domain that it does not know (ITI-83).
    path = f"/Patient/$ihe-pix?{urlencode(query, quote_via=quote)}"
    with (
        closing(Connection(_as_source(web))) as connection,
        connection.get(path, accept=_JSON, within=PIX_S) as answer,
    ):
        said = _read(answer)
        if answer.status == 404 and _says_unknown(said):
            return None
        if answer.status != 200:
            raise refusal(answer.status)
    if said.get("resourceType") != "Parameters":
        raise trouble(Reason.UNREADABLE, "no Parameters of FHIR")
    issuers = {system: issuer for issuer, system in systems.items()}
    return tuple(dict.fromkeys(_identities(said, issuers)))[:_MOST]


def _as_source(web: Web) -> Source:
    return Source("pix", "", "", 0, "", "", trusted=False, protocol="dicomweb", timeouts=_PATIENCE, web=web)


def _read(answer: Answer) -> dict[str, Any]:
    """The resource of an answer; of one with a status of failure, what can be read of it."""
    body = answer.whole(_LONGEST)
    try:
        said = json.loads(body) if body is not None else None
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict):
        return said
    if answer.status == 200:
        raise trouble(Reason.UNREADABLE, "no resource of FHIR in JSON")
    return {}


def _says_unknown(said: Mapping[str, Any]) -> bool:
    """Does it say that there is no such patient, and not that there is no such address? (ITI-83)"""
    return said.get("resourceType") == "OperationOutcome" and any(
        issue.get("code") == "not-found" for issue in _entries(said, "issue")
    )


def _identities(said: Mapping[str, Any], issuers: Mapping[str, str]) -> list[PatientIdentity]:
    named = [p for p in _entries(said, "parameter") if p.get("name") == "targetIdentifier"]
    values = [value for p in named if isinstance(value := p.get("valueIdentifier"), dict)]
    written = [(_text(value, "system"), _text(value, "value")) for value in values]
    return [PatientIdentity(number, issuers.get(system, system)) for system, number in written if number]


def _entries(said: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    entries = said.get(key)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _text(value: Mapping[str, Any], key: str) -> str:
    """One line that can be a number or a name; "" for anything else."""
    text = value.get(key)
    usable = isinstance(text, str) and text.isprintable() and len(text) <= 256
    return text.strip() if usable and isinstance(text, str) else ""
