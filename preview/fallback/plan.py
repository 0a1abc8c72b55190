"""The plan as two printed pages: what is always so, and what the site has filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flask_babel import gettext as _

from preview.fallback.fields import (
    CALLED,
    DRILLS,
    LEVELS,
    STEPS,
    called_names,
    every_field,
    filled,
    level_names,
    sections,
    step_names,
)
from preview.fallback.paper import Bullets, Heading, Line, Paragraph, Piece, Sheet, Table


@dataclass(frozen=True)
class Plan:
    """One version of the plan; version 0 is the one that is shipped."""

    site: str
    helpdesk: str
    texts: Mapping[str, str]
    version: int = 0
    author: str = ""
    approved_by: str = ""
    approved_on: date | None = None
    review_due: date | None = None
    address: str = ""
    """Where the newest version is read, for whoever stands before a paper copy."""
    font: Path | None = None
    """The site's own, for what ours cannot print."""

    @property
    def blanks(self) -> list[str]:
        """What nobody has filled in, by its label."""
        texts = filled(self.texts, self.helpdesk)
        return [field.label for field in every_field(self.helpdesk) if not texts[field.key].strip()]


def sheets(plan: Plan) -> tuple[Sheet, Sheet]:
    """Sections 0 to 4: what to do now. Sections 5 to 11: the rest of the day, and afterwards."""
    write = _Writer(plan)
    return (
        Sheet((*write.working(), *write.levels(), *write.calls(), *write.urgent())),
        Sheet(
            (
                *write.outside(),
                *write.telling(),
                *write.identity(),
                *write.log(),
                *write.never(),
                *write.back(),
                *write.drills(),
            )
        ),
    )


class _Writer:
    def __init__(self, plan: Plan) -> None:
        self._texts = filled(plan.texts, plan.helpdesk)
        self._titles = {section.number: section.title for section in sections(plan.helpdesk)}
        self._labels = {field.key: field.label for field in every_field(plan.helpdesk)}

    def _heading(self, number: int) -> Heading:
        return Heading(number, self._titles[number])

    def _value(self, key: str) -> Piece:
        text = self._texts[key].strip()
        return Piece(text) if text else Piece("", blank=True)

    def _said(self, key: str) -> Line:
        """The label, and what stands in the blank."""
        return (Piece(self._labels[key] + ": ", bold=True), self._value(key))

    def working(self) -> tuple[Heading, Bullets]:
        return self._heading(1), Bullets(tuple(map(self._said, ("works", "works.not", "viewer"))))

    def levels(self) -> tuple[Heading, Table, Table]:
        wrong, steps = level_names(), step_names()
        levels = tuple(
            ((Piece(wrong[key][0], bold=True),), (Piece(wrong[key][1]),), (self._value(f"level.{key}"),))
            for key in LEVELS
        )
        times = tuple(((Piece(steps[key], bold=True),), (self._value(f"step.{key}"),)) for key in STEPS)
        return (
            self._heading(2),
            Table((_("Level"), _("What is wrong"), _("What to do")), levels, (0.08, 0.32, 0.6)),
            Table((_("When"), _("Step")), times, (0.2, 0.8)),
        )

    def calls(self) -> tuple[Heading, Table, Paragraph]:
        roles = called_names()
        rows = tuple(
            (
                (Piece(roles[key], bold=True),),
                self._name(key),
                (self._value(f"call.{key}.day"),),
                (self._value(f"call.{key}.night"),),
            )
            for key in CALLED
        )
        head = (_("Who"), _("Name"), _("In hours"), _("Out of hours"))
        who = (*self._said("declares"), Piece(" · "), *self._said("ends"))
        return self._heading(3), Table(head, rows, (0.22, 0.34, 0.22, 0.22)), Paragraph(who)

    def _name(self, key: str) -> Line:
        name = self._value(f"call.{key}.name")
        if key != "vendor":
            return (name,)
        return (name, Piece(" · " + _("Contract") + " "), self._value("call.vendor.contract"))

    def urgent(self) -> tuple[Heading, Bullets]:
        return self._heading(4), Bullets(
            (
                (Piece(_("If only the preview is down, open the viewer or PACS web directly (section 1).")),),
                self._said("urgent.console"),
                (Piece(_("Read by telephone: the listener reads back; write who, when and what was said.")),),
                self._said("urgent.runner"),
                self._said("urgent.site"),
            )
        )

    def outside(self) -> tuple[Heading, Bullets]:
        quoted = _("Quote: full name, date of birth, their own id of the patient, accession number, date.")
        return self._heading(5), Bullets(
            (self._said("outside"), (Piece(quoted),), self._said("outside.consent"))
        )

    def telling(self) -> tuple[Heading, Bullets]:
        return self._heading(6), Bullets(tuple(map(self._said, ("units", "announcement", "notice.place"))))

    def identity(self) -> tuple[Heading, Bullets]:
        return self._heading(7), Bullets(
            (
                (Piece(_("Two identifiers, always: full name and date of birth.")),),
                self._said("identity.format"),
                (Piece(_("Never link by name alone."), bold=True),),
            )
        )

    def log(self) -> tuple[Heading, Bullets]:
        form = _("Write down every request: print the log form (20 rows) that comes with this plan.")
        after = _("Every row is entered after recovery, and ticked.")
        return self._heading(8), Bullets(((Piece(form),), self._said("log.place"), (Piece(after),)))

    def never(self) -> tuple[Heading, Bullets]:
        return self._heading(9), Bullets(
            (
                (Piece(_("Do not use the preview's pictures for diagnosis.")),),
                (Piece(_("Do not repeat an exposure without asking the radiologist.")),),
                (Piece(_("Do not photograph screens.")),),
            )
        )

    def back(self) -> tuple[Heading, Bullets]:
        return self._heading(10), Bullets(
            (
                (*self._said("back.who"), Piece(" · "), *self._said("back.patient")),
                (Piece(_('Open the list "After an outage"; fetch again what is missing: ____ studies.')),),
                (Piece(_("Enter the downtime log. Resolve the unmatched studies.")),),
                (Piece(_("Tell the units of section 6, and close. Review within 7 days.")),),
                self._said("back.form"),
            )
        )

    def drills(self) -> tuple[Heading, Paragraph, Table]:
        rows = tuple(
            tuple((self._value(f"drill.{drill}.{part}"),) for part in ("date", "who", "minutes", "findings"))
            for drill in DRILLS
        )
        head = (_("Date"), _("Who"), _("Minutes to find the plan"), _("Findings"))
        often = _("At least once a year, and around a table every half-year.")
        return self._heading(11), Paragraph((Piece(often),)), Table(head, rows, (0.16, 0.22, 0.2, 0.42))
