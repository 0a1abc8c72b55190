"""The demo's clinical application: a program of its own, which knows nothing of the preview but its address.

It knows who is signed in and which patient is open, and says so in signed tokens. It shows the preview in
a frame, or in a tab. Its pages are on ``localhost`` while the preview is on ``127.0.0.1``: to a browser
these are two sites, as an application and a preview in different hands would be.
"""

import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

import jwt
import urllib3
from flask import Flask, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from fetch.model import Patient
from preview import logs
from preview.demo.people import BROWN, LINDQVIST, OKAFOR, PATIENTS

NAME = "clinic"
AUDIENCE = "imaging-preview"
_LIFE_S = 30
_PATIENCE_S = 60
_NOT_READY = (
    "The demo is not ready: its web server does not answer on {url} ({error}). If another program listens "
    "there, stop it, or start the demo again: it takes a free port."
)


@dataclass(frozen=True)
class Person:
    """Somebody who uses the demo."""

    name: str
    title: str
    role: str
    patient: Patient


PEOPLE = {
    "adams": Person("Dr Adams", "referring doctor", "referrer", OKAFOR),
    "chen": Person("Dr Chen", "radiologist", "radiologist", LINDQVIST),
    "patel": Person("Sam Patel", "imaging staff", "staff", BROWN),
    "lopez": Person("Dr Lopez", "administrator", "admin", OKAFOR),
}


class LaunchRefused(RuntimeError):
    """The preview says why."""


@dataclass(frozen=True)
class Preview:
    """Where the preview is, and the key it knows us by."""

    url: str
    key: bytes

    def address(self, person: Person, patient: Patient | None) -> str:
        """A one-time address for this person and patient, in exchange for a token."""
        answer = urllib3.request(
            "POST",
            f"{self.url}/launch",
            fields={"token": self._token(person, patient)},
            headers={"Accept": "application/json"},
            timeout=10,
            retries=False,
        ).json()
        if not isinstance(answer, dict) or "url" not in answer:
            raise LaunchRefused(f"the launch was refused: {answer}")
        return str(answer["url"])

    def _token(self, person: Person, patient: Patient | None) -> str:
        claims = {
            "aud": AUDIENCE,
            "exp": int(time.time()) + _LIFE_S,
            "jti": secrets.token_hex(16),
            "sub": person.name,
            "roles": [person.role],
        }
        if patient is not None:
            claims["patient"] = _claim(patient)
        return jwt.encode(claims, self.key, algorithm="HS256", headers={"kid": NAME})


def _claim(patient: Patient) -> dict[str, str | None]:
    return {
        "id": patient.identity.patient_id,
        "issuer": patient.identity.issuer,
        "name": patient.name,
        "birth_date": patient.birth_date.isoformat() if patient.birth_date else None,
        "sex": patient.sex,
    }


def create_clinic(preview: Preview) -> Flask:
    clinic = Flask("preview.demo.clinic", template_folder="templates")

    @clinic.get("/")
    def home() -> str:
        name = request.args.get("person", "adams")
        person = _person(name)
        return render_template("clinic.html", people=PEOPLE, name=name, person=person, patients=PATIENTS)

    @clinic.get("/as/<name>")
    def enter(name: str) -> Response:
        """What a printed link does: sign in as this person and open what they would look at first."""
        person = _person(name)
        return redirect(preview.address(person, person.patient), 303)

    @clinic.post("/launch")
    def launch() -> Response:
        person = _person(request.form.get("person", ""))
        chosen = [p for p in PATIENTS if p.identity.patient_id == request.form.get("patient")]
        return redirect(preview.address(person, chosen[0] if chosen else None), 303)

    return clinic


def _person(name: str) -> Person:
    if name not in PEOPLE:
        raise NotFound
    return PEOPLE[name]


def main() -> None:
    logs.configure()
    port = int(os.environ["DEMO_CLINIC_PORT"])
    key = Path(os.environ["DEMO_CLINIC_KEY"]).read_bytes().strip()
    preview = Preview(os.environ["DEMO_PREVIEW_URL"], key)
    server = make_server("127.0.0.1", port, create_clinic(preview), threaded=True)
    _wait_for(preview)
    _print_links(port)
    server.serve_forever()


def _wait_for(preview: Preview) -> None:
    """Until it opens what we sign: some other program's web server may have the port, and answer too."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            preview.address(PEOPLE["patel"], None)
        except (urllib3.exceptions.HTTPError, ValueError, LaunchRefused) as error:
            if time.monotonic() > end:
                raise SystemExit(_NOT_READY.format(url=preview.url, error=error)) from None
            time.sleep(0.5)
        else:
            return


def _print_links(port: int) -> None:
    print("The demo is ready. Its patients are made up; some pictures are pydicom's samples.", flush=True)
    if missing := os.environ.get("PREVIEW_VIEWER__MISSING"):
        print(missing, flush=True)
    print("Open a link:", flush=True)
    for key, person in PEOPLE.items():
        print(f"  {person.name}, {person.title}:  http://localhost:{port}/as/{key}", flush=True)
    print(f"  The clinical application, with the preview in a frame:  http://localhost:{port}/", flush=True)
    print("Ctrl-C stops everything.", flush=True)


if __name__ == "__main__":
    main()
