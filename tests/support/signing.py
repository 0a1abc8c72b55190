"""A clinical application of the tests: it signs launch tokens, rightly or wrongly."""

import secrets
import time
from pathlib import Path
from typing import Any

import jwt

from fetch.model import Patient
from support.studies import OKAFOR

KEY = "a key of the tests, long enough for HS256"
ACCEPTS_JSON = {"Accept": "application/json"}


def client_block(folder: Path, name: str = "clinic", key: str = KEY) -> str:
    """``[[launch.clients]]`` of a settings file, with its key beside it."""
    file = folder / f"{name}.key"
    file.write_text(key)
    file.chmod(0o600)
    return f'[[launch.clients]]\nname = "{name}"\nkey_file = "{file}"\n'


def patient_claim(patient: Patient = OKAFOR, **more: Any) -> dict[str, Any]:
    return {
        "id": patient.identity.patient_id,
        "issuer": patient.identity.issuer,
        "name": patient.name,
        "birth_date": patient.birth_date.isoformat() if patient.birth_date else None,
        "sex": patient.sex,
        **more,
    }


def claims(**more: Any) -> dict[str, Any]:
    """What a launch says; an entry of None leaves the claim out."""
    said = {
        "aud": "imaging-preview",
        "exp": int(time.time()) + 30,
        "jti": secrets.token_hex(8),
        "sub": "Dr Adams",
        "roles": ["referrer"],
        "patient": patient_claim(),
    }
    return {name: value for name, value in (said | more).items() if value is not None}


def signed(said: dict[str, Any] | None = None, *, key: str = KEY, kid: Any = "clinic", **header: Any) -> str:
    algorithm = header.pop("alg", "HS256")
    return jwt.encode(
        claims() if said is None else said, key, algorithm=algorithm, headers={"kid": kid, **header}
    )
