"""What an installation is made of: its settings, database, shelf and bell."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from fetch.records import Records, open_database
from fetch.settings import Settings
from preview.bell import Bell
from preview.shelf import Shelf
from preview.viewer_archive import ViewerArchive


@dataclass(frozen=True)
class Parts:
    settings: Settings
    records: Records
    shelf: Shelf
    bell: Bell
    viewer: ViewerArchive

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)


def parts_of(settings: Settings, records: Records) -> Parts:
    """Everything else that these settings name, around an open database."""
    app = settings.app
    return Parts(settings, records, Shelf(app.shelf), Bell(app), ViewerArchive(settings.viewer))


@contextmanager
def assembled(settings: Settings) -> Iterator[Parts]:
    """The parts, for as long as the block runs."""
    engine = open_database(settings.app.database)
    try:
        yield parts_of(settings, Records(engine))
    finally:
        engine.dispose()
