"""Over a slow line (100 Mbit/s): when every one of 8 series with 60 slices each has its first poster."""

import tempfile
import time
from pathlib import Path

from sqlalchemy import func, select
from support.installation import Installation
from support.orthanc import Orthanc
from support.tcp_proxy import TcpProxy

from bench.figures import figure
from bench.hospital import PATIENT, ct, running, site, until
from bench.peers import bring
from bench.visitor import Visitor
from preview.records import Arrival, FetchRow, InstanceRow

SERIES, SLICES = 8, 60
BANDWIDTH = 12_500_000
"""Bytes a second, of all connections together."""


def main() -> None:
    datasets = ct(SLICES, series=SERIES)
    with (
        tempfile.TemporaryDirectory() as name,
        Orthanc(Path(name) / "orthanc").running() as orthanc,
    ):
        orthanc.store(datasets)
        for latency in (10, 20):
            with TcpProxy(orthanc.port, latency=latency, shared_bandwidth=BANDWIDTH) as line:
                _measure(Path(name) / f"{latency}", orthanc, line, datasets[0].StudyInstanceUID)


def _measure(folder: Path, orthanc: Orthanc, line: TcpProxy, study_uid: str) -> None:
    peer = bring(line.port, orthanc.aet, study_uid, folder / "peer")
    one = site(folder / "site", line.port, orthanc.aet)
    with running(one) as address:
        visitor = Visitor(one, address, PATIENT)
        visitor.fetch(*visitor.studies)
        until(lambda: _series_with_pictures(one) == SERIES)
        seconds = time.time() - _began(one)
    way = 2 * line.toxics.latency
    figure(f"posters of all {SERIES} series, {way:.0f} ms there and back", seconds, goal=2)
    figure("the same", seconds, peer=peer, of="getscu +B of the study")


def _series_with_pictures(one: Installation) -> int:
    count = select(func.count(InstanceRow.series_row.distinct()))
    with one.parts.records.read() as session:
        return session.scalar(count.where(InstanceRow.arrival == Arrival.PICTURE)) or 0


def _began(one: Installation) -> float:
    with one.parts.records.read() as session:
        return session.scalars(select(FetchRow.begun_at)).one().timestamp()


if __name__ == "__main__":
    main()
