"""What an installation is made of: its settings, database, shelf and bell."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from fetch.records import Records, open_database
from fetch.settings import Settings
from preview.bell import Bell
from preview.shelf import Shelf


@dataclass(frozen=True)
class Parts:
    settings: Settings
    records: Records
    shelf: Shelf
    bell: Bell

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)


@contextmanager
def assembled(settings: Settings) -> Iterator[Parts]:
    """The parts, for as long as the block runs."""
    engine = open_database(settings.app.database)
    try:
        yield Parts(settings, Records(engine), Shelf(settings.app.shelf), Bell(settings.app))
    finally:
        engine.dispose()
