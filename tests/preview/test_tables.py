"""A table of a million people is read in the memory of a few lines."""

import time
import tracemalloc

import pytest

from preview.tables import WrongTable, lines_of

NEEDED = ("id", "family")
MILLION = 1_000_000


def test_a_million_rows_are_streamed(tmp_path):
    table = tmp_path / "people.csv"
    with table.open("w", encoding="utf-8") as out:
        out.write("id,family,given,birth_date\n")
        for first in range(0, MILLION, 1_000):
            out.writelines(f"{first + n},Müller {n},Anna,19750714\n" for n in range(1_000))
    began = time.process_time()
    tracemalloc.start()
    count = sum(1 for line in lines_of(table, NEEDED) if line.said["family"].startswith("Müller"))
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    seconds, size = time.process_time() - began, table.stat().st_size / 2**20
    print(
        f"\n{count} rows ({size:.0f} MiB) read in {seconds:.0f} s of CPU, at most {peak:.1f} MiB more memory"
    )
    assert count == MILLION
    assert peak < 2


def test_a_cell_that_never_ends_is_refused_before_it_fills_the_memory(tmp_path):
    table = tmp_path / "people.csv"
    with table.open("w", encoding="utf-8") as out:
        out.write('id,family\n1,"')
        out.writelines("x" * 1_000 + "\n" for _ in range(20_000))
    tracemalloc.start()
    with pytest.raises(WrongTable):
        list(lines_of(table, NEEDED))
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    assert peak < 4
