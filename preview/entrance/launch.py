"""The signed way in: a token of a clinical application says who opens which patient, once.

The token is a JSON Web Token (RFC 7519), signed with HS256 and the client's key. Its claims are foreign text
until they have passed here.
"""

import hashlib
import json
import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Annotated, Any

import jwt
from jwt.exceptions import InvalidJTIError, InvalidSubjectError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from sqlalchemy import delete
from sqlalchemy.orm import Session

from fetch.errors import UnsafeQuery
from fetch.find import refuse_unsafe
from fetch.model import Patient, PatientIdentity, PatientQuery
from fetch.records import insert_new
from fetch.setting_types import SHORTEST_KEY
from fetch.settings import Launch, LaunchClient
from preview.entrance.access import STAFF, Wish
from preview.records import LaunchRow, Role
from preview.viewer.links import is_uid

log = logging.getLogger(__name__)

LONGEST_LIFE = 60
"""Seconds a token may still be good for: whoever finds one in a log finds it spent."""
_LONGEST_TOKEN = 16 * 1024


class Refusal(Enum):
    """Why a launch is refused: a code for the log, and the HTTP status."""

    NO_TOKEN = ("no-token", 400)
    NOT_A_TOKEN = ("not-a-token", 400)
    UNKNOWN_CLIENT = ("unknown-client", 401)
    WRONG_SIGNATURE = ("wrong-signature", 401)
    WRONG_AUDIENCE = ("wrong-audience", 401)
    EXPIRED = ("expired", 401)
    LIVES_TOO_LONG = ("lives-too-long", 401)
    USED = ("used", 401)
    WRONG_CLAIMS = ("wrong-claims", 400)
    NO_PATIENT = ("no-patient", 400)

    def __init__(self, code: str, status: int) -> None:
        self.code = code
        self.status = status


FORMS = {
    "exp": "1767225600",
    "aud": "launch.audience",
    "jti": '"…", 1–256',
    "sub": '"Dr Adams", 1–256',
    "roles": '["referrer" | "radiologist" | "staff" | "admin"]',
    "patient": '{"id": …, "issuer": …, "name": …}',
    "patient.id": '"…", 1–64',
    "patient.issuer": '"…", 1–64',
    "patient.name": '"FAMILY^Given"',
    "patient.birth_date": "YYYY-MM-DD",
    "patient.sex": '"F" | "M" | "O"',
    "from": "YYYY-MM-DD",
    "to": "YYYY-MM-DD",
    "from, to": "from ≤ to",
    "accession": '"…", 0–64',
    "study_uid": "1.2.840…",
}
"""What each claim looks like, in no language, for whoever writes the clinical application."""


class LaunchRefused(Exception):
    """``fields`` names the claims that are wrong, never what they hold."""

    def __init__(self, why: Refusal, client: str = "", fields: Sequence[str] = ()) -> None:
        self.why = why
        self.client = client
        self.fields = tuple(fields)
        super().__init__(why.code)


@dataclass(frozen=True)
class Token:
    """What a genuine token says."""

    client: str
    token_id: str
    ends_at: datetime
    person: str
    role: Role
    patient: Patient | None
    wish: Wish


def read_token(token: str, launch: Launch, now: datetime) -> Token:
    """The token's claims, or :class:`LaunchRefused`. Whether it was used before is not known yet."""
    if not token:
        raise LaunchRefused(Refusal.NO_TOKEN)
    client, claims = _genuine(token, launch)
    try:
        read = _Claims.model_validate_json(json.dumps(claims))
    except ValidationError as wrong:
        raise LaunchRefused(Refusal.WRONG_CLAIMS, client, _fields(wrong)) from None
    if read.exp > now.timestamp() + LONGEST_LIFE:
        raise LaunchRefused(Refusal.LIVES_TOO_LONG, client)
    if read.patient is None and read.role not in STAFF:
        raise LaunchRefused(Refusal.NO_PATIENT, client)
    return read.token(client)


def use_up(session: Session, token: Token, now: datetime) -> None:
    """Remember that this token was used, or refuse it because it was; forget those that long expired."""
    session.execute(delete(LaunchRow).where(LaunchRow.ends_at < now - timedelta(minutes=10)))
    mark = hashlib.sha256(f"{token.client}\n{token.token_id}".encode()).hexdigest()
    if not insert_new(session, LaunchRow, {"mark": mark, "ends_at": token.ends_at}):
        raise LaunchRefused(Refusal.USED, token.client)


def _genuine(token: str, launch: Launch) -> tuple[str, Mapping[str, Any]]:
    """The client that signed it, and the claims as they stand. Nothing but HS256 is ever tried."""
    client = _named_client(token, launch)
    try:
        return client.name, jwt.decode(
            token,
            _key(client),
            algorithms=["HS256"],
            audience=launch.audience,
            options={"require": ["exp", "aud", "jti", "sub"], "verify_iat": False},
        )
    except jwt.MissingRequiredClaimError as missing:
        raise LaunchRefused(Refusal.WRONG_CLAIMS, client.name, [missing.claim]) from None
    except tuple(_REFUSALS) as error:
        why = next(refusal for kind, refusal in _REFUSALS.items() if isinstance(error, kind))
        raise LaunchRefused(why, client.name) from None
    except _UNREADABLE:
        raise LaunchRefused(Refusal.NOT_A_TOKEN, client.name) from None


def _named_client(token: str, launch: Launch) -> LaunchClient:
    """Whose key is to be tried, by the header, which nobody vouches for yet."""
    if len(token) > _LONGEST_TOKEN:
        raise LaunchRefused(Refusal.NOT_A_TOKEN)
    try:
        named = jwt.get_unverified_header(token).get("kid")
    except _UNREADABLE:
        raise LaunchRefused(Refusal.NOT_A_TOKEN) from None
    for client in launch.clients:
        if client.name == named:
            return client
    raise LaunchRefused(Refusal.UNKNOWN_CLIENT)


def _key(client: LaunchClient) -> bytes:
    """As it is now: a file that was emptied or taken away since the start must not open a door."""
    try:
        key = client.key
    except OSError:
        key = b""
    if len(key) < SHORTEST_KEY:
        log.error("the key of launch client %s cannot be used any more", client.name)
        raise LaunchRefused(Refusal.UNKNOWN_CLIENT, client.name)
    return key


_UNREADABLE = (jwt.PyJWTError, ValueError, OverflowError, RecursionError)


_REFUSALS: dict[type[jwt.PyJWTError], Refusal] = {
    jwt.InvalidSignatureError: Refusal.WRONG_SIGNATURE,
    jwt.InvalidAlgorithmError: Refusal.WRONG_SIGNATURE,
    jwt.ExpiredSignatureError: Refusal.EXPIRED,
    jwt.ImmatureSignatureError: Refusal.EXPIRED,
    jwt.InvalidAudienceError: Refusal.WRONG_AUDIENCE,
    InvalidSubjectError: Refusal.WRONG_CLAIMS,
    InvalidJTIError: Refusal.WRONG_CLAIMS,
}


def _fields(wrong: ValidationError) -> list[str]:
    """Which claims are wrong; only names that we know, because a foreign key could name a patient."""
    return sorted({".".join(str(part) for part in error["loc"][:2]) for error in wrong.errors()})


# --- the claims


def _line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("control character")
    return value


def _day(written: object) -> date | None:
    """Clinical applications write 1975-07-14 or, as DICOM and HL7 do, 19750714."""
    if written is None:
        return None
    if not isinstance(written, str) or not re.fullmatch(r"\d{8}|\d{4}-\d\d-\d\d", written, re.ASCII):
        raise ValueError("no date")
    return date.fromisoformat(written)


def _uid(value: str) -> str:
    if value and not is_uid(value):
        raise ValueError("no UID")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("no time")
    return value


def _text(longest: int, shortest: int = 0) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=shortest, max_length=longest)


_Id = Annotated[str, _text(64, 1), AfterValidator(_line)]
_Name = Annotated[str, _text(324, 1), AfterValidator(_line)]
_Text = Annotated[str, _text(64), AfterValidator(_line)]
_Sentence = Annotated[str, _text(256, 1), AfterValidator(_line)]
_Day = Annotated[date | None, BeforeValidator(_day)]
_Sex = Annotated[str, Field(pattern="^[FMO]?$")]
_strict = ConfigDict(strict=True, extra="ignore")


class _Patient(BaseModel):
    model_config = _strict
    id: _Id
    issuer: _Id
    name: _Name
    birth_date: _Day = None
    sex: _Sex = ""

    def patient(self) -> Patient:
        return Patient(PatientIdentity(self.id, self.issuer), self.name, self.birth_date, self.sex)


class _Claims(BaseModel):
    model_config = _strict
    exp: Annotated[float, AfterValidator(_finite)]
    jti: _Sentence
    sub: _Sentence
    roles: Annotated[list[Role], Field(min_length=1, max_length=16)]
    patient: _Patient | None = None
    start: Annotated[_Day, Field(alias="from")] = None
    end: Annotated[_Day, Field(alias="to")] = None
    accession: _Text = ""
    study_uid: Annotated[str, Field(max_length=64), AfterValidator(_uid)] = ""

    @property
    def role(self) -> Role:
        """Of several, the one that may see most."""
        return max(self.roles, key=list(Role).index)

    def token(self, client: str) -> Token:
        if self.start and self.end and self.start > self.end:
            raise LaunchRefused(Refusal.WRONG_CLAIMS, client, ["from, to"])
        patient = self.patient.patient() if self.patient else None
        if patient is not None:
            try:
                refuse_unsafe(PatientQuery(patient, self.start, self.end))
            except UnsafeQuery:
                raise LaunchRefused(Refusal.WRONG_CLAIMS, client, ["patient.id"]) from None
        span = (self.start, self.end) if self.start or self.end else None
        return Token(
            client=client,
            token_id=self.jti,
            ends_at=datetime.fromtimestamp(self.exp, UTC),
            person=self.sub,
            role=self.role,
            patient=patient,
            wish=Wish(span, self.accession, self.study_uid),
        )
