"""The hospital whose staff decide."""

import pytest
from support.hospital import Clinic
from support.installation import source_block

from preview.demo.archive import Archive


@pytest.fixture
def clinic(install, archive):
    with Archive("OUT").start() as outside:
        site = install(
            source_block("main", archive.port, aet="MAIN"),
            source_block("outside", outside.port, aet="OUT", issuer="RIVERSIDE"),
        )
        yield Clinic(site, archive, outside)
