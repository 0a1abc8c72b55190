"""Over DICOMweb too a study comes over as many connections as its source allows, each image over one."""

import threading
from collections import Counter

import pytest
from peers import LOCAL
from support.studies import study
from support.web_archive import WebArchive

from fetch.model import Received, Source, Timeouts, Way, Web
from fetch.retrieve import Means, Retrieval

IMAGES = 48


class Counting(WebArchive):
    """Knows how many images it was asked for at the same time, at most."""

    def __init__(self, datasets) -> None:
        super().__init__(datasets)
        self._counted = threading.Lock()
        self._now = self.most = 0

    def answer(self, address) -> tuple[int, str, bytes]:
        if "/instances/" not in address.path:
            return super().answer(address)
        with self._counted:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return super().answer(address)
        finally:
            with self._counted:
                self._now -= 1


@pytest.mark.parametrize("associations", [1, 3])
def test_as_many_connections_as_are_allowed_work_at_the_same_time(associations):
    datasets = study(images=IMAGES)
    archive = Counting(datasets)
    archive.seconds = 0.05
    with archive.running():
        web = Web(f"http://127.0.0.1:{archive.port}/dicom-web")
        one = Source(
            "web",
            "Web archive",
            "",
            0,
            "",
            "HOSP",
            trusted=True,
            protocol="dicomweb",
            web=web,
            associations=associations,
            timeouts=Timeouts(connect=5, association=20, message=20, network=20),
        )
        with Retrieval(one, LOCAL, datasets[0].StudyInstanceUID, Means(ways=[Way.WADO])) as brought:
            came = [event.instance_uid for event in brought if isinstance(event, Received)]
    assert Counter(came) == Counter(ds.SOPInstanceUID for ds in datasets)
    assert Counter(archive.sent) == Counter(came)
    assert archive.most == associations
