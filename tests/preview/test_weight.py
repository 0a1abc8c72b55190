"""How much a browser loads before the first picture: little, and scripts and styles only once."""

import gzip
import re

import pytest
from flask.testing import FlaskClient
from support.studies import study

GZIP = {"Accept-Encoding": "gzip"}


def loaded_by(html: str) -> list[str]:
    return re.findall(r'<script src="([^"]*)"', html) + re.findall(r'rel="stylesheet" href="([^"]*)"', html)


@pytest.fixture
def page(site, client, archive):
    for number in range(20):
        for ds in study(images=1, StudyDescription=f"Study {number}"):
            archive.add(ds)
    return client.page(client.opened(site))


def test_the_first_view_of_a_patient_with_twenty_studies_is_under_100_kilobytes(client, page):
    assert page.count("<article") == 15
    sizes = {address: len(client.get(address, headers=GZIP).data) for address in loaded_by(page)}
    assert len(sizes) >= 5
    assert len(page.encode()) + sum(sizes.values()) < 100_000, (len(page), sizes)


def test_what_is_compressed_is_the_same_and_is_not_sent_twice(site, page):
    client = FlaskClient(site.app)
    for address in loaded_by(page):
        plain, small = client.get(address), client.get(address, headers=GZIP)
        assert "Content-Encoding" not in plain.headers
        assert gzip.decompress(small.data) == plain.data
        assert {"Accept-Encoding", "Cookie"} <= set(small.vary.as_set(preserve_casing=True))
        again = client.get(address, headers={**GZIP, "If-None-Match": small.headers["ETag"]})
        assert again.status_code == 304


def test_a_page_is_not_compressed(client):
    assert "Content-Encoding" not in client.get("/", headers=GZIP).headers
