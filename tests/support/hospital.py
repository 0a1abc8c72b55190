"""A hospital with its own archive and one of another provider, which has ids of its own."""

from dataclasses import replace

from sqlalchemy import select

from fetch.model import Patient, PatientIdentity
from fetch.records import UnmatchedRow
from preview.matching import listing
from preview.matching.records import DecisionRow, LinkRow, Verdict
from support.studies import OKAFOR, study

OUTSIDE = replace(OKAFOR, identity=PatientIdentity("RR-20931", "RIVERSIDE"))
"""The same person in the other provider's archive."""
SECRET = "Whose is this"


class Clinic:
    """An installation, what its staff see and do, and the page of her who is asked about."""

    def __init__(self, site, archive, outside) -> None:
        self.site, self.archive, self.outside = site, archive, outside
        self.client = site.app.test_client()

    @property
    def parts(self):
        return self.site.parts

    def hold(self, patient: Patient = OUTSIDE, archive=None, **more) -> str:
        """Put a study into the other provider's archive; its UID."""
        datasets = study(patient, **{"StudyDescription": SECRET, **more})
        for ds in datasets:
            (archive or self.outside).add(ds)
        return datasets[0].StudyInstanceUID

    def opened(self, patient: Patient = OKAFOR, **how) -> str:
        return self.client.opened(self.site, patient, **how)

    def again(self, path: str) -> None:
        """Ask the archives once more from this page."""
        self.client.press(self.client.page(path), "Ask the archives again")
        self.site.ask_all()

    def waiting(self, *, settled: bool = False) -> list[UnmatchedRow]:
        with self.parts.records.read() as session:
            return list(listing.listed(session, listing.Filters(settled=settled)).rows)

    def row(self) -> UnmatchedRow:
        with self.parts.records.read() as session:
            return session.scalars(select(UnmatchedRow)).one()

    def decisions(self) -> list[DecisionRow]:
        with self.parts.records.read() as session:
            return list(session.scalars(select(DecisionRow).order_by(DecisionRow.id)))

    def verdicts(self) -> list[Verdict]:
        return [decision.verdict for decision in self.decisions()]

    def live_links(self) -> int:
        with self.parts.records.read() as session:
            return len(session.scalars(select(LinkRow).where(LinkRow.live.is_(True))).all())
