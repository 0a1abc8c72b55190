"""The list of studies that were found but are not provably their patient's: for staff, read only as yet."""

from flask import Blueprint, redirect, render_template, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from fetch.identity import Doubt
from fetch.records import UnmatchedRow
from preview.routes.guard import opened_as_staff, parts, staff

blueprint = Blueprint("unmatched", __name__)


@blueprint.get("/unmatched")
def mine() -> Response:
    """The list, in whichever context this browser is staff."""
    return redirect(url_for(".listing", key=staff().key), 303)


@blueprint.get("/staff/<key>/unmatched")
def listing(key: str) -> str:
    context = opened_as_staff(key)
    with parts().records.read() as db:
        rows = db.scalars(select(UnmatchedRow).order_by(UnmatchedRow.first_seen_at)).all()
    labels = {source.name: source.label for source in parts().settings.sources}
    doubts = {row.id: [Doubt.of(code) for code in row.doubts] for row in rows}
    return render_template("unmatched.html", context=context, rows=rows, labels=labels, doubts=doubts)
