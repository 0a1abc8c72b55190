"""The plan as files that a web server can serve by itself: no script, no session, no patient data."""

import os
import re
import tempfile
from base64 import b64encode
from datetime import date
from hashlib import sha256
from pathlib import Path

from babel.dates import format_date
from flask import render_template
from flask_babel import get_locale
from flask_babel import gettext as _

from preview.fallback import fonts, pdf
from preview.fallback.fields import filled
from preview.fallback.log_form import ROWS, columns
from preview.fallback.paper import words
from preview.fallback.plan import Plan, sheets

PAGE, PLAN_PDF, LOG_PDF = "fallback.html", "fallback.pdf", "fallback-log.pdf"


class NotPrintable(Exception):
    """The plan cannot be two printed pages; the message says why, for whoever wrote it."""


def made(plan: Plan) -> dict[str, bytes]:
    """Every file of this plan, or :class:`NotPrintable`."""
    both, head, own = sheets(plan), _head(plan), _own_font(plan)
    _refuse_unprintable("\n".join([words(both), head.title, *head.facts]), own)
    size = pdf.fitting_size(both, own)
    if size is None:
        raise NotPrintable(_("This is more than two pages hold. Shorten the longest texts."))
    return {
        PLAN_PDF: pdf.plan_pdf(head, both, size, own),
        LOG_PDF: pdf.log_pdf(_log_head(plan), own),
        PAGE: page_of(plan, size),
    }


def page_of(plan: Plan, size: float = pdf.SIZES[-1]) -> bytes:
    """The page alone; ``size``: of its type when it is printed."""
    page = render_template(
        "fallback/plan.html",
        plan=plan,
        head=_head(plan),
        newest=_newest(plan) if plan.address else "",
        log_head=_log_head(plan),
        sheets=sheets(plan),
        size=f"size-{size * 10:.0f}",
        columns=columns(),
        rows=ROWS,
    )
    return page.encode()


def _own_font(plan: Plan) -> str | None:
    try:
        return fonts.registered(plan.font)
    except fonts.WrongFont as wrong:
        raise NotPrintable(_("The font of the settings cannot be used: %(name)s", name=wrong)) from None


def _refuse_unprintable(text: str, own: str | None) -> None:
    """A name or a number that is missing on paper is worse than one that was never saved."""
    missing = fonts.unprintable(text, own)
    if missing:
        raise NotPrintable(
            _(
                "These characters cannot be printed: %(characters)s. For other scripts, have a TrueType font"
                " named in app.fallback_font.",
                characters=" ".join(missing),
            )
        )


def _head(plan: Plan) -> pdf.Head:
    copies = " ".join(filled(plan.texts, plan.helpdesk)["copies"].split()) or "_" * 30
    due = _("Review due %(day)s", day=written(plan.review_due)) if plan.review_due else ""
    return pdf.Head(
        _("Fallback plan for imaging, %(site)s", site=plan.site),
        (
            " · ".join(filter(None, (due, standing(plan)))),
            _("Printed on ____________   Copy no. ______   Helpdesk %(helpdesk)s", helpdesk=plan.helpdesk),
            _("Paper copies hang: %(where)s", where=copies),
        ),
        f" · {_newest(plan)}" if plan.address else "",
        plan.address,
    )


def _newest(plan: Plan) -> str:
    return str(_("Newest version: %(address)s", address=plan.address))


def _log_head(plan: Plan) -> pdf.Head:
    written_in = _(
        "Unit ______________   Date ____________   Page ____   Helpdesk %(helpdesk)s", helpdesk=plan.helpdesk
    )
    return pdf.Head(_("Downtime log, %(site)s", site=plan.site), (written_in,))


def standing(plan: Plan) -> str:
    """Which version it is, and who stands for it."""
    if not plan.version:
        said = _("Shipped template: nobody has filled it in or approved it yet")
    elif plan.approved_on is None:
        said = _(
            "Version %(number)s by %(author)s: NOT YET APPROVED", number=plan.version, author=plan.author
        )
    else:
        said = _(
            "Version %(number)s by %(author)s, approved by %(other)s on %(day)s",
            number=plan.version,
            author=plan.author,
            other=plan.approved_by,
            day=written(plan.approved_on),
        )
    return str(said)


def written(day: date) -> str:
    return str(format_date(day, "dd-LLL-yyyy", locale=str(get_locale() or "en")))


def publish(folder: Path, files: dict[str, bytes]) -> None:
    """Put them there, each whole or not at all; unlike everything else here, the web server may read them."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for name, content in files.items():
        handle, temporary = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(folder / name)
        finally:
            Path(temporary).unlink(missing_ok=True)


def published(folder: Path) -> str | None:
    """The page that was put there last, if it is there and can be read."""
    try:
        return (folder / PAGE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def holds(folder: Path, name: str, content: bytes) -> bool:
    try:
        return (folder / name).read_bytes() == content
    except OSError:
        return False


def review_due(page: str) -> date | None:
    found = re.search(r'<meta name="review-due" content="(\d{4}-\d\d-\d\d)">', page)
    return date.fromisoformat(found[1]) if found else None


def with_warning(page: str) -> str:
    """The page with its sentence that the review is overdue, which is hidden until then."""
    return page.replace('<p id="overdue" hidden', '<p id="overdue"', 1)


def style_hash(page: str) -> str:
    """The source that allows the page's own style and no other (CSP 3, 6.7.3.3)."""
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = sha256(style[1].encode() if style else b"").digest()
    return f"'sha256-{b64encode(digest).decode()}'"
