"""What an installation is made of: its settings, database, shelf and bell."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from fetch.allowance import Allowance
from fetch.counted_lines import CountedLines
from fetch.profiles import Profiles
from fetch.records import Records, open_database
from fetch.settings import Settings
from fetch.spool import Spool
from preview.health.gate import Gate
from preview.health.speeds import Speeds
from preview.kept import Kept
from preview.queue.bell import Bell
from preview.shelf import Shelf
from preview.viewer.archive import ViewerArchive


@dataclass(frozen=True)
class Parts:
    settings: Settings
    records: Records
    shelf: Shelf
    bell: Bell
    viewer: ViewerArchive
    lines: Allowance
    """The associations that each source allows us, counted for the whole installation; none of a dead one."""
    profiles: Profiles
    spool: Spool
    kept: Kept
    """What pages have read and need not read again."""
    speeds: Speeds

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)


def parts_of(settings: Settings, records: Records) -> Parts:
    """Everything else that these settings name, around an open database."""
    app = settings.app
    return Parts(
        settings=settings,
        records=records,
        shelf=Shelf(app.shelf),
        bell=Bell(app),
        viewer=ViewerArchive(settings.viewer),
        lines=Gate(CountedLines(records), records, app),
        profiles=Profiles(records, settings.local),
        spool=Spool(app.spool_folder),
        kept=Kept(records.engine),
        speeds=Speeds(records, app.zone),
    )


@contextmanager
def assembled(settings: Settings) -> Iterator[Parts]:
    """The parts, for as long as the block runs."""
    engine = open_database(settings.app.database)
    try:
        yield parts_of(settings, Records(engine))
    finally:
        engine.dispose()
