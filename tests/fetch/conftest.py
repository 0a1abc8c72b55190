"""A database of counted lines, and another process at the same one."""

import pytest
from line_holders import lines_at, recording

from fetch.counted_lines import CountedLines


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/lines.db"


@pytest.fixture
def records(url):
    with recording(url) as opened:
        yield opened


@pytest.fixture
def lines(records):
    return CountedLines(records)


@pytest.fixture
def others(url, records):
    """Another process, as far as the database can tell."""
    with lines_at(url) as away:
        yield away
