"""The blanks of the fallback plan by section, with what stands in them until the site writes its own."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext as _


@dataclass(frozen=True)
class Field:
    """One blank. ``shipped``: what is written there before anybody has filled it in."""

    key: str
    label: str
    longest: int
    shipped: str = ""

    @property
    def lines(self) -> int:
        """What is shipped must be readable as a whole, also on a narrow screen."""
        return min(4, 1 + max(self.longest, 2 * len(self.shipped)) // 100)


@dataclass(frozen=True)
class Section:
    number: int
    title: str
    fields: tuple[Field, ...] = ()


LEVELS = ("a", "b", "c", "d", "e")
STEPS = ("0", "15", "60", "240", "480")
"""Minutes since imaging went down."""
CALLED = ("pacs", "radiology", "desk", "vendor", "lead", "privacy")
DRILLS = ("1", "2")
PHONE = 40


def sections(helpdesk: str) -> tuple[Section, ...]:
    """Everything that can be filled in, in the reader's language."""
    return (
        Section(0, _("This plan"), (Field("copies", _("Where the paper copies hang"), 120),)),
        Section(1, _("What still works"), _working()),
        Section(2, _("Decide the level"), (*_levels(), *_steps())),
        Section(3, _("Who to call"), _calls(helpdesk)),
        Section(4, _("An urgent image is needed now"), _urgent()),
        Section(5, _("Images of other providers"), _outside()),
        Section(6, _("Units to tell"), _telling()),
        Section(7, _("Identity while systems are down"), _identity()),
        Section(8, _("Downtime log"), (Field("log.place", _("Where blank log forms lie"), 80),)),
        Section(9, _("Do not")),
        Section(10, _("Back in service"), _back()),
        Section(11, _("Drills"), _drills()),
    )


def every_field(helpdesk: str) -> tuple[Field, ...]:
    return tuple(field for section in sections(helpdesk) for field in section.fields)


def filled(texts: Mapping[str, str], helpdesk: str) -> dict[str, str]:
    """Every blank with what stands in it: what the site wrote, else what is shipped."""
    return {field.key: texts.get(field.key, field.shipped) for field in every_field(helpdesk)}


def level_names() -> dict[str, tuple[str, str]]:
    """Each level with what is wrong then."""
    return {
        "a": (_("A"), _("Only this preview is down")),
        "b": (_("B"), _("The archive (PACS) is slow or answers in part")),
        "c": (_("C"), _("The archive (PACS) is down")),
        "d": (_("D"), _("The network or everything is down")),
        "e": (_("E"), _("Cyber attack, or suspected")),
    }


def step_names() -> dict[str, str]:
    return {
        "0": _("At once"),
        "15": _("After 15 min"),
        "60": _("After 60 min"),
        "240": _("After 4 h"),
        "480": _("After 8 h"),
    }


def called_names() -> dict[str, str]:
    return {
        "pacs": _("PACS administrator"),
        "radiology": _("Radiology on call"),
        "desk": _("IT desk"),
        "vendor": _("Vendor"),
        "lead": _("Clinical lead"),
        "privacy": _("Privacy officer"),
    }


def _working() -> tuple[Field, ...]:
    works = _(
        "The clinical application and the reports in it. Studies fetched before stay in the preview, with the"
        " time they are as of."
    )
    fails = _("New studies, and whatever was not fetched before.")
    return (
        Field("works", _("What still works"), 240, works),
        Field("works.not", _("What does not"), 200, fails),
        Field("viewer", _("Address of the viewer or PACS web, to open directly"), 120),
    )


def _levels() -> tuple[Field, ...]:
    shipped = {
        "a": _("Open the viewer or PACS web directly (section 1). Tell the IT desk."),
        "b": _("Fetch only what is urgent. Tell the PACS administrator."),
        "c": _("Urgent images by section 4. Paper requests and the downtime log from now on."),
        "d": _("Paper, telephone and runners. Tell the units of section 6 by telephone."),
        "e": _(
            "Reconnect nothing, plug in no USB stick or disc, leave machines as they are. Call the IT desk."
        ),
    }
    names = level_names()
    return tuple(
        Field(f"level.{level}", _("Level %(level)s: what to do", level=names[level][0]), 160, shipped[level])
        for level in LEVELS
    )


def _steps() -> tuple[Field, ...]:
    shipped = {
        "0": _("Check with the PACS administrator; read the status page; decide the level."),
        "15": _("Tell the units of section 6. Start the downtime log."),
        "60": _("Clinical lead decides which examinations wait. Ask for the next estimate."),
        "240": _("Second copy of the paper forms. Plan the night and the next shift."),
        "480": _("Bring paper forms for another day. Tell management."),
    }
    return tuple(Field(f"step.{step}", name, 120, shipped[step]) for step, name in step_names().items())


def _calls(helpdesk: str) -> tuple[Field, ...]:
    fields = []
    for role, name in called_names().items():
        fields += [
            Field(
                f"call.{role}.name", _("%(role)s: name", role=name), 60, helpdesk if role == "desk" else ""
            ),
            Field(f"call.{role}.day", _("%(role)s: telephone in hours", role=name), PHONE),
            Field(f"call.{role}.night", _("%(role)s: telephone out of hours", role=name), PHONE),
        ]
    return (
        *fields,
        Field("call.vendor.contract", _("Vendor: contract number"), PHONE),
        Field("declares", _("Who declares the downtime"), 60),
        Field("ends", _("Who ends it"), 60),
    )


def _urgent() -> tuple[Field, ...]:
    return (
        Field("urgent.console", _("Radiologist at the console: place and telephone"), 100),
        Field("urgent.runner", _("Runner or disc: who, from where"), 100),
        Field("urgent.site", _("Other site that can image or read"), 100),
    )


def _outside() -> tuple[Field, ...]:
    return (
        Field("outside", _("Their telephone, portal and fax"), 240),
        Field("outside.consent", _("Consent and disc procedure"), 160),
    )


def _telling() -> tuple[Field, ...]:
    announcement = _(
        "Imaging is down since … Level … For urgent images call … Use paper requests. Next news at …"
    )
    units = _("Intensive care, high dependency, neonatal and coronary care, emergency department, theatres")
    return (
        Field("units", _("Units, with telephone"), 300, units),
        Field("announcement", _("Text to read out"), 240, announcement),
        Field("notice.place", _("Where the notice goes"), 100),
    )


def _identity() -> tuple[Field, ...]:
    shipped = _("Date of birth and initials, for example 14071975-AO")
    return (Field("identity.format", _("Format of a temporary id"), 80, shipped),)


def _back() -> tuple[Field, ...]:
    return (
        Field("back.who", _("Who checks and declares the end"), 60),
        Field("back.patient", _("Test patient"), 60),
        Field("back.form", _("Incident form: where"), 80),
    )


def _drills() -> tuple[Field, ...]:
    fields = []
    for drill in DRILLS:
        fields += [
            Field(f"drill.{drill}.date", _("Drill %(number)s: date", number=drill), 20),
            Field(f"drill.{drill}.who", _("Drill %(number)s: who", number=drill), 40),
            Field(
                f"drill.{drill}.minutes", _("Drill %(number)s: minutes to find the plan", number=drill), 10
            ),
            Field(f"drill.{drill}.findings", _("Drill %(number)s: findings", number=drill), 100),
        ]
    return tuple(fields)
