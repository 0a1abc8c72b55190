"""What one instance costs, in studies of 100 to 4,000 small instances (64 x 64): it should not grow."""

import tempfile
import time
from pathlib import Path

from bench.figures import figure
from bench.hospital import archive, by_command, ct, running, site
from bench.peers import bring

SIZES = (100, 400, 1000, 4000)


def main() -> None:
    studies = {n: ct(n, size=64) for n in SIZES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        everything = (ds for datasets in studies.values() for ds in datasets)
        with archive(folder / "archive", everything) as port:
            one = site(folder / "site", port)
            with running(one):
                for n, datasets in studies.items():
                    _measure(one, port, n, datasets[0].StudyInstanceUID, folder / f"peer{n}")


def _measure(one, port: int, n: int, study_uid: str, into: Path) -> None:
    peer = bring(port, "MAIN", study_uid, into)
    time.sleep(1)
    fetch = by_command(one, study_uid)
    assert fetch.drawn == n, fetch
    figure(f"each of {n} instances", fetch.seconds / n * 1000, "ms", peer=peer / n * 1000, of="getscu +B")


if __name__ == "__main__":
    main()
