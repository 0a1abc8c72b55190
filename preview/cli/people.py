"""The tables of ``flask identity judge``: people with a key of their own and an accession number."""

from collections.abc import Iterator
from pathlib import Path

from fetch.identity.register import Entry
from fetch.identity.rows import COLUMNS, patient_of
from preview.tables import WrongTable, lines_of

NEEDED = ("key", *COLUMNS, "accession")


def entries(file: Path) -> Iterator[Entry]:
    """Everybody in the table; raises :class:`WrongTable` at the first line that cannot be read."""
    for line in lines_of(file, NEEDED):
        key = line.said["key"].strip()
        if not key:
            raise WrongTable(f"line {line.number} has no key")
        yield Entry(key, patient_of(line.said), line.said["accession"].strip())
