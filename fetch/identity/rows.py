"""A row of a table of people (``id,issuer,family,given,middle,suffix,birth_date,sex``) as a patient."""

from collections.abc import Mapping
from datetime import date

from fetch.model import Aliases, Patient, PatientIdentity

COLUMNS = ("id", "issuer", "family", "given", "middle", "suffix", "birth_date", "sex")


def patient_of(row: Mapping[str, str]) -> Patient:
    """Whoever it describes; any column may be empty or absent, and an impossible birth date stays as text.

    ``birth_name``, where there is such a column, is the family name before a marriage.
    """
    said = {column: row.get(column, "").strip() for column in COLUMNS}
    name = "^".join(_part(said[part]) for part in ("family", "given", "middle"))
    name = f"{name}^^{_part(said['suffix'])}".rstrip("^")
    born = _day(said["birth_date"])
    identity = PatientIdentity(said["id"], said["issuer"])
    before = _part(row.get("birth_name", "").strip())
    aliases = Aliases(names=(before,) if before else ())
    return Patient(identity, name, born, said["sex"].upper()[:1], "" if born else said["birth_date"], aliases)


def _part(text: str) -> str:
    """Within a part of a name, what separates parts and groups would make others of them."""
    return " ".join(text.replace("^", " ").replace("=", " ").replace("\\", " ").split())


def _day(written: str) -> date | None:
    if len(written) != 8 or not (written.isascii() and written.isdigit()):
        return None
    try:
        return date(int(written[:4]), int(written[4:6]), int(written[6:]))
    except ValueError:
        return None
