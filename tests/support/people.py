"""People, each with a browser and a name of their own."""

from fetch.model import Patient
from preview.entrance import access
from preview.records import Role


def as_person(site, client, person: str, role: Role = Role.ADMIN, patient: Patient | None = None) -> str:
    """Come in under this name; the key of the context."""
    with site.parts.records.write() as session:
        code = access.prepare(session, role=role, patient=patient, person=person, now=site.parts.now)
    return client.get(f"/open/{code}").headers["Location"].split("/")[2]
