"""`make bench`: all of them, or those that are named: ``python -m bench large_ct slow_line``."""

import importlib
import os
import sys

from bench.figures import heading

ALL = (
    "large_ct",
    "per_instance",
    "workers",
    "slow_line",
    "giant",
    "watching",
    "identity",
    "pictures",
    "reduced",
    "first_view",
    "scrubbing",
)


def main() -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the first")
    for name in sys.argv[1:] or ALL:
        bench = importlib.import_module(f"bench.{name}")
        heading(bench.__doc__)
        bench.main()


if __name__ == "__main__":
    main()
