"""An installation whose only archive brings nothing but by C-MOVE, with our receiver in this process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydicom import Dataset

from fetch.find import find_study
from fetch.sources.receiver import Receiver
from preview.demo.archive import Archive
from preview.errands.asking import note_study
from support.installation import Installation, free_port, source_block


@contextmanager
def sending_site(
    install: Callable[..., Installation],
    datasets: list[Dataset],
    wants: Callable[[str, str], bool] = lambda _source, _study: True,
) -> Iterator[Installation]:
    """``site.archive`` holds these; ``site.row`` is the study of the first. ``wants``: the receiver's."""
    port = free_port()
    with Archive("MAIN", datasets=datasets, peers={"PREVIEW": ("127.0.0.1", port)}).start() as archive:
        site = install(source_block("main", archive.port, aet="MAIN", retrieve="c-move"), local_port=port)
        parts, settings = site.parts, site.settings
        found = find_study(settings.sources[0], settings.local, datasets[0].StudyInstanceUID)
        with parts.records.write() as session:
            site.row = note_study(session, found, parts.now)
        site.archive, site.datasets = archive, datasets
        with Receiver(settings.local, settings.sources, parts.spool, wants).start(), parts.spool.served():
            yield site
