"""Every state of the list and of a decision on it: how it comes about at a desk, and by what it is known."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from sqlalchemy import select, update

from fetch.model import PatientIdentity
from fetch.records import UnmatchedRow
from preview.matching.records import Verdict
from preview.page.resolving import Stage
from support.desk import Desk
from support.hospital import OUTSIDE, Clinic
from support.studies import OKAFOR, STRANGER

WORDS = {
    Verdict.SAME: "Same person",
    Verdict.OTHER: "Another person",
    Verdict.UNSURE: "Cannot tell, hand on",
    Verdict.NOBODY: "Not a patient",
}


class Office:
    """Sam's and Pat's desks. Decisions are never deleted, so each look takes a study of its own."""

    def __init__(self, site, archive, outside) -> None:
        self.clinic = Clinic(site, archive, outside)
        self._put_in()
        self.clinic.opened()
        self.clinic.opened(replace(OKAFOR, identity=PatientIdentity("7700001", "HOSP")))
        self.sam, self.pat = Desk(self.clinic), Desk(self.clinic, "Pat")
        with site.parts.records.read() as session:
            self._keys = [row.key for row in session.scalars(select(UnmatchedRow).order_by(UnmatchedRow.id))]
        self._conflict = next(row.key for row in self.clinic.waiting() if row.described.description == "MR")

    def _put_in(self) -> None:
        for number in range(18):
            identity = PatientIdentity(f"RR-{20931 + number}", "RIVERSIDE")
            described = {
                "StudyDescription": f"CT chest and abdomen {number}",
                "AccessionNumber": f"R-{number}",
            }
            self.clinic.hold(replace(OUTSIDE, identity=identity), images=1, **described)
        stranger = replace(STRANGER, identity=OKAFOR.identity, birth_date=date(1957, 7, 14))
        self.clinic.hold(stranger, self.clinic.archive, images=1, StudyDescription="MR", Modality="MR")

    def row(self, key: str = "") -> UnmatchedRow:
        """One that no look has had yet."""
        if not key:
            key = next(one for one in self._keys if one != self._conflict)
            self._keys.remove(key)
        with self.clinic.parts.records.read() as session:
            return session.scalars(select(UnmatchedRow).where(UnmatchedRow.key == key)).one()

    def conflict(self) -> str:
        """The page of one whose id is Okafor's, and who is somebody else."""
        return self.sam.path(self.row(self._conflict))

    def two_people(self, really: bool = True) -> None:
        object.__setattr__(self.clinic.parts.settings.identity, "second_person", really)  # it is frozen

    def waits(self) -> str:
        """With its first pictures."""
        row = self.row()
        self.sam.page(row)
        self.clinic.site.fetch_all()
        return self.sam.path(row)

    def compared(self) -> str:
        row = self.row()
        html = self.sam.page(row)
        at = html.index('id="candidate-')
        number = html[at:].split('"')[1].removeprefix("candidate-")
        return f"{self.sam.path(row)}?with={number}"

    def taken_on(self) -> str:
        row = self.row()
        self.sam.client.press(self.sam.page(row), "Assign to me")
        return self.sam.path(row)

    def decided(self, verdict: Verdict, desk: Desk | None = None) -> str:
        row, desk = self.row(), desk or self.pat
        desk.decides(WORDS[verdict], "Rang the patient, who was there in March.", desk.page(row))
        return self.sam.path(row)

    def proposed(self, desk: Desk) -> str:
        self.two_people()
        return self.decided(Verdict.SAME, desk)

    def undone(self) -> str:
        path = self.decided(Verdict.OTHER)
        row = self.row(path.rsplit("/", 1)[1])
        self.pat.client.press(self.pat.page(row), "Undo: Another person", reason="The wrong line.")
        return path

    def settled(self) -> str:
        row = self.row()
        with self.clinic.parts.records.write() as session:
            settled = {"settled_at": self.clinic.parts.now}
            session.execute(update(UnmatchedRow).where(UnmatchedRow.id == row.id).values(settled))
        return self.sam.path(row)


class Listed(StrEnum):
    """What the list shows."""

    WAITING = "waiting"
    HANDED_ON = "handed on"
    SECOND = "for a second person"
    DECIDED = "decided"
    FILTERED_OUT = "nothing with these filters"
    FOUND = "found by a search"
    NOT_FOUND = "nothing found"


@dataclass(frozen=True)
class StaffLook:
    """``arrange`` returns where Sam goes; then ``typed`` is typed into, and ``pressed`` is pressed."""

    state: StrEnum
    page: str
    arrange: Callable[[Office], str]
    known_by: str
    name: str = ""
    typed: tuple[str, str] | None = None
    pressed: tuple[str, ...] = ()

    @property
    def pages(self) -> tuple[str, ...]:
        return (self.page,)

    @property
    def id(self) -> str:
        kind = {Listed: "List", Stage: "Decision", Verdict: "Confirming"}[type(self.state)]
        said = f"{kind}: {self.state.value.lower()}"
        return f"{said}, {self.name}" if self.name else said


def listed(state: Listed, query: str, known_by: str, arrange=None, **more) -> StaffLook:
    def path(office: Office) -> str:
        if arrange:
            arrange(office)
        return office.sam.list + query

    return StaffLook(state, "unmatched", path, known_by, **more)


def searched(state: Listed, words: str, known_by: str) -> StaffLook:
    return listed(state, "", known_by, typed=("#words", words), pressed=("#search",))


def stage(state: Stage, arrange: Callable[[Office], str], known_by: str, name: str = "") -> StaffLook:
    return StaffLook(state, "resolve", arrange, known_by, name)


def confirming(verdict: Verdict, *pressed: str, known_by="#effect", arrange=None, name="") -> StaffLook:
    def path(office: Office) -> str:
        return arrange(office) if arrange else office.sam.path(office.row())

    first = f"#verdict-{verdict.value.lower()}"
    return StaffLook(verdict, "confirm", path, known_by, name, pressed=(first, *pressed))


STAFF_LOOKS = (
    listed(Listed.WAITING, "", "article :text('Compare and decide')"),
    listed(
        Listed.HANDED_ON,
        "?state=handed-on",
        "article :text('handed on')",
        lambda office: office.decided(Verdict.UNSURE),
    ),
    listed(
        Listed.SECOND,
        "?state=second",
        "article :text('waits for a second person')",
        lambda office: office.proposed(office.pat),
    ),
    listed(
        Listed.DECIDED,
        "?state=settled",
        "article :text('Look at the decision')",
        lambda office: office.decided(Verdict.OTHER),
    ),
    listed(Listed.FILTERED_OUT, "?owner=me&source=main", ".empty :text('Nothing here with these filters')"),
    searched(Listed.FOUND, "okafor 1975-07-14", "#how-many:text('found')"),
    searched(Listed.NOT_FOUND, "nobody", ".empty :text('Nothing found')"),
    stage(Stage.OPEN, Office.waits, "#panel img", "with pictures"),
    stage(Stage.OPEN, Office.conflict, ".doubts :text('may have been given out again')", "conflict"),
    stage(Stage.OPEN, Office.compared, "text=The images beside another patient", "another compared"),
    stage(Stage.OPEN, Office.taken_on, "#waits :text('Sam')", "taken on"),
    stage(
        Stage.OPEN, lambda office: office.decided(Verdict.UNSURE), "#waits :text('handed on')", "handed on"
    ),
    stage(Stage.OPEN, Office.undone, "#before :text('Undone')", "undone"),
    stage(
        Stage.PROPOSED, lambda office: office.proposed(office.sam), "text=You proposed this.", "by the reader"
    ),
    stage(Stage.PROPOSED, lambda office: office.proposed(office.pat), "#agree", "by somebody else"),
    stage(Stage.DECIDED, lambda office: office.decided(Verdict.SAME), "#undo", "same"),
    stage(Stage.DECIDED, lambda office: office.decided(Verdict.OTHER), "#undo", "other"),
    stage(Stage.DECIDED, lambda office: office.decided(Verdict.NOBODY), "#undo", "nobody"),
    stage(Stage.SETTLED, Office.settled, "#stands:text('off the list')"),
    confirming(Verdict.SAME),
    confirming(Verdict.SAME, known_by="#conflicts", arrange=Office.conflict, name="a reason is required"),
    confirming(Verdict.OTHER),
    confirming(Verdict.UNSURE),
    confirming(Verdict.NOBODY),
)
