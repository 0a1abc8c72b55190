"""1 to 4 workers, each with one association, against an archive that sends 10 MB/s over each."""

import tempfile
from pathlib import Path

from bench.figures import figure
from bench.hospital import PATIENT, archive, ct, fetched, running, site, until
from bench.visitor import Visitor

RATE = 10_000_000
STUDIES, SLICES = 8, 100


def main() -> None:
    studies = [ct(SLICES) for _ in range(STUDIES)]
    megabytes = sum(len(ds.PixelData) for datasets in studies for ds in datasets) / 1e6
    print(f"  {STUDIES} studies of {SLICES} slices of 512 x 512, {megabytes:.0f} MB in all")
    with tempfile.TemporaryDirectory() as name:
        folder, everything = Path(name), [ds for datasets in studies for ds in datasets]
        with archive(folder / "archive", everything, "--bytes-per-second", str(RATE)) as port:
            alone = 0.0
            for count in (1, 2, 3, 4):
                rate = megabytes / _seconds(folder / f"site{count}", port, count)
                alone = alone or rate
                figure(f"{count} worker{'s' if count > 1 else ''}", rate, "MB/s", peer=alone, of="1 worker")


def _seconds(folder: Path, port: int, workers: int) -> float:
    """From the first job's start to the last one's end."""
    one = site(folder, port, associations=workers)
    with running(one, workers) as address:
        visitor = Visitor(one, address, PATIENT)
        visitor.fetch(*visitor.studies)
        until(lambda: len(fetched(one)) == STUDIES, seconds=600)
        fetches = fetched(one)
    assert all(fetch.drawn == SLICES for fetch in fetches), fetches
    return max(fetch.began + fetch.seconds for fetch in fetches) - min(fetch.began for fetch in fetches)


if __name__ == "__main__":
    main()
