"""A probe takes one of the lines that an archive allows, and none above them."""

import pytest
from support.installation import source_block

from preview.health import probing
from preview.health.probing import Prober
from preview.health.records import HealthRow


@pytest.fixture
def site(install, archive):
    return install(source_block("main", archive.port, aet="MAIN", associations=1))


def test_while_every_line_is_taken_an_archive_is_not_probed(site, archive, monkeypatch):
    monkeypatch.setattr(probing, "_PATIENCE_S", 0.5)
    (source,) = site.settings.sources
    prober = Prober(site.parts)
    assert prober.due() == [source]
    with site.parts.lines.line(source, party="a fetch"):
        prober.look(source)
        assert archive.associations == 0
    prober.look(source)
    assert archive.associations > 0
    with site.parts.records.read() as session:
        assert session.get_one(HealthRow, "main").condition is not None
