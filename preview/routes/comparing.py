"""The way to two studies side by side in the viewer, looked at once more when somebody takes it."""

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from fetch.records import StudyRow
from preview.page import Card, Choice, Pair, Pairing, card_of, pair_of
from preview.records import ContextRow
from preview.routes.guard import look, opened_for_patient, parts, visible
from preview.studies import facts
from preview.viewer.links import compare_link

_MOST = 10
blueprint = Blueprint("comparing", __name__, url_prefix="/patients/<key>")


@blueprint.get("/compare")
def compare(key: str) -> Response:
    """303 to the viewer with the newer study on the left; else what stands in the way, and what opens.

    The address names the studies by our keys: what identifies them goes to the viewer alone.
    """
    context = opened_for_patient(key)
    ticked = list(dict.fromkeys(request.args.getlist("study")))[:_MOST]
    rows = [row for one in ticked if (row := _seen(context, one)) is not None]
    pair = pair_of(_cards(rows), len(ticked))
    link = _link(pair)
    if link:
        return redirect(link, 303)
    others = _others(context, pair) if pair.pairing is Pairing.TOO_FEW and pair.cards else ()
    shown = {"context": context, "pair": pair, "ticked": ticked, "others": others}
    return make_response(render_template("comparing.html", **shown), 409)


def _seen(context: ContextRow, study_key: str) -> StudyRow | None:
    try:
        return visible(context, study_key)
    except NotFound:
        return None


def _cards(rows: list[StudyRow]) -> list[Card]:
    our = parts()
    return [card_of(one, bell=True, now=our.now) for one in facts.chosen_studies(our, rows)]


def _link(pair: Pair) -> str | None:
    if pair.pairing is not Pairing.OPENS:
        return None
    current, prior = (card.study.study_uid for card in pair.cards)
    source = pair.cards[0].opening.data_source
    return compare_link(parts().settings.viewer.url, source, current, prior, pair.series_uid)


def _others(context: ContextRow, pair: Pair) -> list[Card]:
    """What the one that was ticked can be compared with."""
    our = parts()
    found = facts.patient_facts(our, look(), context, None, Choice())
    cards = (card_of(one, bell=True, now=our.now) for one in found.studies)
    uid = pair.cards[0].study.study_uid
    newest_first = sorted(cards, key=lambda card: str(card.study.study_date or ""), reverse=True)
    return [card for card in newest_first if card.study.study_uid != uid and card.opening.door.leads][:50]
