"""The demo's clinical application: a small page whose buttons open a patient's imaging."""

import os
import time
from dataclasses import dataclass
from urllib.request import urlopen

from flask import Flask, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from fetch.model import Patient
from fetch.settings import Settings, load_settings
from preview import access, logs
from preview.demo.people import BROWN, LINDQVIST, OKAFOR, PATIENTS
from preview.parts import Parts, assembled
from preview.records import Role


@dataclass(frozen=True)
class Person:
    """Somebody who uses the demo."""

    name: str
    title: str
    role: Role
    patient: Patient | None


PEOPLE = {
    "adams": Person("Dr Adams", "referring doctor", Role.REFERRER, OKAFOR),
    "chen": Person("Dr Chen", "radiologist", Role.RADIOLOGIST, LINDQVIST),
    "patel": Person("Sam Patel", "imaging staff", Role.STAFF, BROWN),
}


def create_clinic(parts: Parts) -> Flask:
    """It knows who is signed in and which patient is open; the preview asks neither."""
    clinic = Flask("preview.demo.clinic", template_folder="templates")

    @clinic.get("/")
    def home() -> str:
        return render_template("clinic.html", people=PEOPLE, patients=PATIENTS)

    @clinic.get("/as/<name>")
    def enter(name: str) -> Response:
        """What a printed link does: sign in as this person and open what they would look at first."""
        person = _person(name)
        return redirect(_address(parts, person, person.patient), 303)

    @clinic.post("/launch")
    def launch() -> Response:
        person = _person(request.form.get("person", ""))
        chosen = [p for p in PATIENTS if p.identity.patient_id == request.form.get("patient")]
        return redirect(_address(parts, person, chosen[0] if chosen else None), 303)

    return clinic


def _person(name: str) -> Person:
    if name not in PEOPLE:
        raise NotFound
    return PEOPLE[name]


def _address(parts: Parts, person: Person, patient: Patient | None) -> str:
    with parts.records.write() as session:
        code = access.prepare(session, role=person.role, patient=patient, person=person.name, now=parts.now)
    return f"{parts.settings.app.url}/open/{code}"


def main() -> None:
    logs.configure()
    settings = load_settings()
    port = int(os.environ.get("DEMO_CLINIC_PORT", "8001"))
    with assembled(settings) as parts:
        server = make_server("127.0.0.1", port, create_clinic(parts), threaded=True)
        _wait_for_web(settings)
        _print_links(port)
        server.serve_forever()


def _wait_for_web(settings: Settings) -> None:
    """Until a page comes: the port is open before the database is made."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            urlopen(settings.app.url, timeout=5).close()  # noqa: S310 — our own address
        except OSError:
            time.sleep(0.1)
        else:
            return


def _print_links(port: int) -> None:
    print("The demo is ready. Its patients are made up; some pictures are pydicom's samples.", flush=True)
    print('It has no OHIF, so that "Open in viewer" leads nowhere here. Open a link:', flush=True)
    for key, person in PEOPLE.items():
        print(f"  {person.name}, {person.title}:  http://127.0.0.1:{port}/as/{key}", flush=True)
    print(f"  The clinical application, all patients:  http://127.0.0.1:{port}/", flush=True)
    print("Ctrl-C stops everything.", flush=True)


if __name__ == "__main__":
    main()
