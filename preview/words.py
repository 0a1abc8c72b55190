"""How names, dates and times are written for people (NHS CUI date display, in the reader's language)."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from flask import Flask
from flask_babel import get_domain, get_locale, gettext
from jinja2 import StrictUndefined
from markupsafe import Markup, escape

from fetch.model import Patient, Study
from preview.page.comparing import Piece, by_agreement, name_lines, pieces
from preview.page.log import told

_MOST_NAMED_AGE = 130
_TIME = re.compile(r"([01][0-9]|2[0-3])([0-5][0-9])")  # the beginning of a TM, PS3.5 6.2


def register(app: Flask, zone: ZoneInfo) -> None:
    """Give the templates their filters; an undefined name in a template is an error, not a blank."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    filters = {
        "person": person,
        "day": day,
        "clock": lambda moment: clock(moment, zone),
        "exactly": lambda moment: clock(moment, zone, seconds=True),
        "born": born,
        "sex": sex,
        "study_when": study_when,
        "modality_name": modality_name,
        "ordinal": ordinal,
        "told": lambda line: told(line, gettext, for_so_many),
        "translated": gettext,  # unlike "_", it leaves a "%" in a stored sentence alone
        "birth": birth,
        "age": age,
    }
    app.jinja_env.filters.update(filters)
    app.jinja_env.globals.update(
        differing=differing, otherwise=otherwise, name_lines=name_lines, by_agreement=by_agreement
    )


def for_so_many(one: str, many: str, count: int) -> str:
    """Not Flask-Babel's ngettext: that fills the places itself, and raises where one is left."""
    return str(get_domain().get_translations().ungettext(one, many, count))


def person(name: str) -> str:
    """``FAMILY^Given^Middle^Prefix^Suffix`` as ``FAMILY, Given Middle (Prefix)``, groups side by side."""
    groups = [_group(group) for group in name.split("=")]
    first, *others = [group for group in groups if group] or [gettext("Name not known")]
    return f"{first} ({' · '.join(others)})" if others else first


def _group(group: str) -> str:
    family, given, middle, prefix, suffix = [*(part.strip() for part in group.split("^")), *[""] * 5][:5]
    names = " ".join(part for part in (given, middle) if part)
    title = f"({prefix})" if prefix else ""
    return " ".join(part for part in (", ".join(p for p in (family, names) if p), suffix, title) if part)


def day(when: date) -> Markup:
    """``22-Nov-2026``."""
    text = format_date(when, "dd-LLL-yyyy", locale=_locale())
    return Markup('<time datetime="{}">{}</time>').format(when.isoformat(), text)


def clock(moment: datetime, zone: ZoneInfo, *, seconds: bool = False) -> Markup:
    """``14:05`` today (or ``14:05:30``), else with its date; times of this system are in the site's zone."""
    local = moment.astimezone(zone)
    today = datetime.now(zone).date()
    time = "HH:mm:ss" if seconds else "HH:mm"
    pattern = time if local.date() == today else f"dd-LLL-yyyy {time}"
    text = format_datetime(local, pattern, tzinfo=zone, locale=_locale())
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="seconds"), text)


def born(patient: Patient) -> Markup:
    """``14-Jul-1945 (81y)``; a date that cannot be read is shown as it is written."""
    if patient.birth_date is None:
        return escape(birth(patient) or gettext("Not known"))
    return (
        Markup("{} {}").format(day(patient.birth_date), age(patient))
        if age(patient)
        else day(patient.birth_date)
    )


def birth(patient: Patient) -> str:
    """``14-Jul-1945``, to be compared letter by letter; what cannot be read as it is written, or nothing."""
    if patient.birth_date is None:
        return patient.birth_date_text.strip()
    return str(format_date(patient.birth_date, "dd-LLL-yyyy", locale=_locale()))


def age(patient: Patient) -> str:
    """``(81y)``; nothing where it is not known, or no age that anybody has."""
    if patient.birth_date is None:
        return ""
    today = datetime.now().astimezone().date()
    to_come = (today.month, today.day) < (patient.birth_date.month, patient.birth_date.day)
    years = today.year - patient.birth_date.year - to_come
    return str(gettext("(%(age)sy)", age=years)) if 0 <= years <= _MOST_NAMED_AGE else ""


def differing(one: str, other: str) -> tuple[Markup, Markup]:
    """Both values, with what differs marked."""
    ours, theirs = pieces(one, other)
    return _marked(ours), _marked(theirs)


def otherwise(one: str, other: str) -> tuple[Markup, Markup]:
    """The same for words of which the letters say nothing: what differs, differs as a whole."""
    differs = bool(one and other) and one != other
    return _marked([Piece(one, differs)]), _marked([Piece(other, differs)])


def _marked(some: Sequence[Piece]) -> Markup:
    parts = (Markup("<mark>{}</mark>").format(one.text) if one.differs else escape(one.text) for one in some)
    return Markup("").join(parts)


def sex(code: str) -> str:
    names = {"F": gettext("Female"), "M": gettext("Male"), "O": gettext("Other")}
    return str(names.get(code) or gettext("Not known"))


def study_when(study: Study) -> Markup:
    """Date and time as the archive has them: a study's time has no zone unless it says so."""
    if study.study_date is None:
        return escape(study.study_date_text or gettext("Date unknown"))
    time = _TIME.match(study.study_time)
    return day(study.study_date) + (f" {time[1]}:{time[2]}" if time else "")


def ordinal(number: int) -> str:
    """``2nd``, ``3rd``, ``11th``."""
    last = 0 if number % 100 in (11, 12, 13) else number % 10
    if last == 1:
        return str(gettext("%(n)sst", n=number))
    if last == 2:
        return str(gettext("%(n)snd", n=number))
    if last == 3:
        return str(gettext("%(n)srd", n=number))
    return str(gettext("%(n)sth", n=number))


def modality_name(code: str) -> str:
    """What the button of a modality says."""
    names = {
        "CR": gettext("X-ray (CR)"),
        "DX": gettext("X-ray (DX)"),
        "MG": gettext("Mammography"),
        "US": gettext("Ultrasound"),
        "NM": gettext("Nuclear medicine"),
        "PT": gettext("PET"),
        "XA": gettext("Angiography"),
        "RF": gettext("Fluoroscopy"),
        "OT": gettext("Other"),
    }
    return str(names.get(code, code))


def _locale() -> str:
    return str(get_locale() or "en")
