"""Who is asking: the context in the path must have been opened by this browser."""

import secrets
from typing import cast

from flask import current_app, g, request, session
from werkzeug.exceptions import Forbidden, NotFound

from fetch.records import StudyRow
from preview.entrance import access
from preview.kept import Look
from preview.parts import Parts
from preview.records import ContextRow, Role
from preview.studies import showing

_BROWSER = "browser"


class SessionEnded(Forbidden):
    """The context is not this browser's, or no longer."""


class AdminsOnly(Forbidden):
    """What staff may not do either."""


def parts() -> Parts:
    return cast(Parts, current_app.extensions["preview"])


def look() -> Look:
    """The database as it was when this request came, or newer; as it is now if the request may write."""
    if request.method != "GET":
        return parts().kept.look()
    if "look" not in g:
        g.look = parts().kept.look()
    return cast(Look, g.look)


def look_anew() -> None:
    """What this request has written is to be seen too."""
    g.pop("look", None)


def known_browser() -> bool:
    """Did the browser bring our cookie back?"""
    return _BROWSER in session


def browser() -> str:
    """This browser's session, made on first use."""
    if _BROWSER not in session:
        session[_BROWSER] = secrets.token_urlsafe(24)
        session.permanent = True
    return str(session[_BROWSER])


def new_browser() -> None:
    """Somebody else sits here now: what the last person opened is no longer open."""
    session.clear()


def opened(key: str) -> ContextRow:
    """The context of this key, or :class:`SessionEnded`."""

    def read() -> ContextRow:
        with parts().records.read() as db:
            row = access.context(db, key)
        if row is None:
            raise SessionEnded
        return row

    row = look().lasting.get(("context", key), read)
    if not access.is_open(row, session.get(_BROWSER), parts().now):
        raise SessionEnded
    return row


def opened_for_patient(key: str) -> ContextRow:
    row = opened(key)
    if not row.patient_id:
        raise NotFound
    return row


def opened_as_staff(key: str) -> ContextRow:
    row = opened(key)
    if row.role not in access.STAFF:
        raise Forbidden
    return row


def opened_as_admin(key: str) -> ContextRow:
    row = opened(key)
    if row.role is not Role.ADMIN:
        raise AdminsOnly
    return row


def staff() -> ContextRow:
    """Any context in which this browser's user is staff. Whoever has another one open only lacks the role."""
    with parts().records.read() as db:
        row = access.staff_context(db, session.get(_BROWSER), parts().now)
    if row is not None:
        return row
    raise SessionEnded if open_now() is None else Forbidden


def open_now() -> ContextRow | None:
    """What this browser's user opened last, if it has not ended."""
    with parts().records.read() as db:
        return access.newest_context(db, session.get(_BROWSER), parts().now)


def visible(context: ContextRow, study_key: str) -> StudyRow:
    """The study, or 404 if it is not certainly this context's patient's: as if it did not exist."""

    def read() -> StudyRow | None:
        with parts().records.read() as db:
            return showing.visible_study(db, context, study_key, parts().settings.sources, lasting)

    lasting = look().lasting
    row = lasting.get(("visible", context.key, context.patient, study_key), read)
    if row is None:
        raise NotFound
    return row
