"""The way in for clinical applications: a signed token is exchanged for a one-time address."""

import logging
import secrets

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as Answer

from preview.entrance import access
from preview.entrance.launch import FORMS, LONGEST_LIFE, LaunchRefused, Refusal, Token, read_token, use_up
from preview.routes.guard import parts

log = logging.getLogger(__name__)
blueprint = Blueprint("launching", __name__)


@blueprint.post("/launch")
def launch() -> Answer:
    """303 to a one-time address without patient data; as JSON for a program that asks for it.

    Exempt from the check against forged requests (``app.py``): it changes nothing without a signed token.
    """
    our = parts()
    try:
        token = read_token(request.form.get("token", ""), our.settings.launch, our.now)
        code = _prepared(token)
    except LaunchRefused as refused:
        return _refusal(refused)
    address = our.settings.app.url + url_for("opening.open_context", code=code)
    log.info("launch client=%s role=%s", token.client, token.role)
    return make_response(jsonify(url=address)) if _wants_json() else redirect(address, 303)


def _prepared(token: Token) -> str:
    our = parts()
    with our.records.write() as db:
        use_up(db, token, our.now)
        return access.prepare(
            db,
            role=token.role,
            patient=token.patient,
            person=token.person,
            now=our.now,
            wish=token.wish,
            minutes=access.LAUNCH_MINUTES,
        )


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def _refusal(refused: LaunchRefused) -> Response:
    """One sentence and a reference; which claim it was is for the log, and for the program that asked."""
    reference = _reference()
    log.warning(
        "launch refused reference=%s client=%s why=%s fields=%s",
        reference,
        refused.client or "-",
        refused.why.code,
        ",".join(refused.fields) or "-",
    )
    return _refused(refused.why.status, _sentence(refused), reference)


def refusal(status: int, sentence: str, reference: str = "") -> Response:
    """As above, for what was wrong before the token was read: too long, or no database to look into."""
    reference = reference or _reference()
    log.warning("launch refused reference=%s status=%d", reference, status)
    return _refused(status, sentence, reference)


def _reference() -> str:
    return f"L-{secrets.token_hex(3).upper()}"


def _refused(status: int, sentence: str, reference: str) -> Response:
    if _wants_json():
        return make_response(jsonify(error=sentence, reference=reference), status)
    body = render_template(
        "error.html",
        title=gettext("The patient's imaging was not opened"),
        what=sentence,
        next_step=gettext(
            "Open it again from the clinical application; if it happens again, call the helpdesk."
        ),
        reference=reference,
    )
    return make_response(body, status)


def _sentence(refused: LaunchRefused) -> str:
    sentences: dict[Refusal, str] = {
        Refusal.NO_TOKEN: gettext("The clinical application sent no token."),
        Refusal.NOT_A_TOKEN: gettext("What the clinical application sent is not a signed token."),
        Refusal.UNKNOWN_CLIENT: gettext("This clinical application is not known here."),
        Refusal.WRONG_SIGNATURE: gettext("The token was not signed with this application's key and HS256."),
        Refusal.WRONG_AUDIENCE: gettext("The token was made for another program."),
        Refusal.EXPIRED: gettext("The token is not valid at this time; the two clocks may differ."),
        Refusal.LIVES_TOO_LONG: gettext(
            "The token is valid for more than %(seconds)s seconds; the two clocks may differ.",
            seconds=LONGEST_LIFE,
        ),
        Refusal.USED: gettext("This token was used before."),
        Refusal.WRONG_CLAIMS: gettext(
            "The token does not say what was agreed: %(fields)s.",
            fields=", ".join(map(_with_form, refused.fields)) or gettext("a claim is missing"),
        ),
        Refusal.NO_PATIENT: gettext("The token names no patient, which only staff may do without."),
    }
    return sentences[refused.why]


def _with_form(field: str) -> str:
    """The claim, and what it must look like; never what it holds."""
    form = FORMS.get(field) or FORMS.get(field.partition(".")[0])
    return gettext("%(claim)s (expected: %(form)s)", claim=field, form=form) if form else field
