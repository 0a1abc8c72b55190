"""`launch`: print a one-time address that opens a patient, as the clinical application would."""

from datetime import datetime

import click
from flask.cli import with_appcontext

from fetch.errors import UnsafeQuery
from fetch.find import refuse_unsafe
from fetch.model import Patient, PatientIdentity, PatientQuery
from preview.entrance import access
from preview.records import Role
from preview.routes.guard import parts


@click.command("launch")
@click.option("--patient", "patient_id", default="", help="The patient's id.")
@click.option("--issuer", default="", help="Who issued that id.")
@click.option("--name", default="", help="FAMILY^Given")
@click.option("--birth-date", type=click.DateTime(["%Y%m%d", "%Y-%m-%d"]), help="YYYYMMDD")
@click.option("--sex", type=click.Choice(["F", "M", "O", ""]), default="")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--person", default="", help="Who opens it.")
@with_appcontext
def launch_command(
    patient_id: str,
    issuer: str,
    name: str,
    birth_date: datetime | None,
    sex: str,
    role: str,
    person: str,
) -> None:
    """Print an address that opens this patient once, in one browser, within 15 minutes."""
    patient = None
    if patient_id or issuer or name:
        born = birth_date.date() if birth_date else None
        identity = PatientIdentity(patient_id.strip(), issuer.strip())
        patient = Patient(identity, name.strip(), born, sex)
        try:
            refuse_unsafe(PatientQuery(patient))
        except UnsafeQuery as unsafe:
            raise click.UsageError(str(unsafe)) from None
    elif Role(role) not in access.STAFF:
        raise click.UsageError(f"--role {role} needs --patient and --issuer")
    our = parts()
    with our.records.write() as session:
        code = access.prepare(session, role=Role(role), patient=patient, person=person, now=our.now)
    click.echo(f"{our.settings.app.url}/open/{code}")
