"""What a test of a killed fetch looks at, and how it lets half a minute of a worker's silence pass."""

from sqlalchemy import select, update

from fetch.records import LineRow
from preview.errands import wanting
from preview.errands.claim import SILENT
from preview.records import Arrival, FetchRow, InstanceRow


def fetch_of(site) -> FetchRow:
    with site.parts.records.read() as session:
        return session.scalars(select(FetchRow)).one()


def noted_as_drawn(site) -> set[str]:
    with site.parts.records.read() as session:
        drawn = select(InstanceRow.instance_uid).where(InstanceRow.arrival == Arrival.PICTURE)
        return set(session.scalars(drawn))


def let_time_pass(site) -> None:
    """Half a minute without a sign of life, after which a worker is taken for dead."""
    long_ago = site.parts.now - SILENT * 2
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(beat_at=long_ago, rung_at=long_ago))
        session.execute(update(LineRow).values(until=long_ago))
    wanting.ring_if_forgotten(site.parts, fetch_of(site))
