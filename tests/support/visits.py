"""A reader in front of one study, and what the database has of its fetches."""

import re
from dataclasses import dataclass

from pydicom.uid import generate_uid
from sqlalchemy import select, update

from preview.records import FetchRow
from support.inspecting import text_of
from support.studies import study

UID = generate_uid()


@dataclass
class Visit:
    """A reader in front of one study."""

    site: object
    client: object
    patient_page: str
    path: str

    def html(self, **query) -> str:
        return self.client.page(
            self.path + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")
        )

    def text(self, **query) -> str:
        return text_of(self.html(**query))

    def fetch(self) -> str:
        """Want it, let the worker bring it, and look again."""
        self.client.press(self.html(), "Fetch")
        self.site.fetch_all()
        return self.html()

    def fetch_to_the_end(self) -> str:
        """As ``fetch``, and again after every rest."""
        self.fetch()
        while any(fetch.next_try_at for fetch in fetches(self.site)):
            change_fetch(self.site, next_try_at=self.site.parts.now)
            self.site.fetch_all()
        return self.html()


def opened(site, client, archive, instances=None, **made) -> Visit:
    """Open the study that ``study(…)`` makes of the arguments."""
    for ds in instances or study(study_uid=UID, **made):
        archive.add(ds)
    path = client.opened(site)
    key = re.search(r'id="study-(\w+)"', client.page(path))[1]
    return Visit(site, client, path, f"{path}/studies/{key}")


def fetches(site) -> list[FetchRow]:
    with site.parts.records.read() as session:
        return list(session.scalars(select(FetchRow).order_by(FetchRow.wanted_at)))


def change_fetch(site, **values) -> None:
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(**values))


def large(html: str) -> str:
    return re.search(r'<img id="large" src="([^"]*)" alt="([^"]*)"', html)[0]
