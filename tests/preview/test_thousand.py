"""A patient with a thousand studies, all fetched: what one look costs, in statements, bytes and CPU."""

import re
import time

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event
from support.inspecting import text_of
from support.installation import source_block
from support.listed import found, studies
from support.studies import OKAFOR
from test_weight import GZIP, loaded_by


class Look:
    """One answer and its cost."""

    def __init__(self, site, client, address: str) -> None:
        statements = []

        def count(_connection, _cursor, statement, *_rest) -> None:
            statements.append(statement)

        event.listen(site.parts.records.engine, "before_cursor_execute", count)
        began = time.process_time()
        response = client.get(address)
        self.cpu = time.process_time() - began
        event.remove(site.parts.records.engine, "before_cursor_execute", count)
        self.statements, self.html, self.bytes = len(statements), response.text, len(response.data)
        assert response.status_code == 200


@pytest.fixture
def plain(install):
    """Make an installation whose pages are not inspected: that would be measured too."""

    def installed():
        site = install(source_block("main", 1))
        site.app.test_client_class = FlaskClient
        return site

    return installed


def way_in(site):
    """A client, and the path of the page."""
    client = site.app.test_client()
    first = client.get(site.launch(OKAFOR)).headers["Location"]
    return client, client.get(first).headers["Location"]


def costs(site, many: int) -> tuple[Look, Look, Look]:
    """The first look, one at the next page, and one at the first again while nothing has changed."""
    client, path = way_in(site)
    found(site, studies(many))
    client.get("/status")  # templates and statements are compiled once
    first = Look(site, client, path)
    older = re.search(r'id="older" href="([^"#]*)#studies', client.get(f"{path}?whole=1").text)
    second = Look(site, client, older[1].replace("&amp;", "&")) if older else first
    return first, second, Look(site, client, path)


def test_a_thousand_studies_cost_few_statements_few_bytes_and_little_time(plain):
    first, older, again = costs(plain(), 1000)
    said = f"first {first.cpu:.2f} s, older page {older.cpu:.2f} s, again {again.cpu:.3f} s of CPU"
    print(said)
    assert first.html.count("<article") == older.html.count("<article") == 15
    assert "15 of 1000 studies shown" in text_of(first.html)
    assert "Studies 51 to 65 of 1000" in text_of(older.html)
    assert max(first.bytes, older.bytes) < 60_000
    assert first.cpu < 4, said
    assert max(older.cpu, again.cpu) < 1, said


def test_the_statements_do_not_grow_with_the_studies(plain):
    few = costs(plain(), 40)
    more = costs(plain(), 400)
    for one, other in zip(few, more, strict=True):
        assert other.statements <= one.statements + 8
    assert few[0].statements < 60


def test_the_first_view_with_scripts_and_styles_is_under_100_kilobytes(plain):
    site = plain()
    client, path = way_in(site)
    found(site, studies(200), series=4)
    html = client.get(path).text
    sizes = {address: len(client.get(address, headers=GZIP).data) for address in loaded_by(html)}
    assert html.count("<img") == 60
    assert len(html.encode()) + sum(sizes.values()) < 100_000, (len(html.encode()), sizes)
