"""One doubtful study: both identities, its pictures, candidates, and what staff decide of it."""

import logging
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from fetch.identity import Doubt
from fetch.records import UnmatchedRow
from fetch.sources.reading import day
from preview.matching import auditing, deciding, known, listing, marks, resolving
from preview.matching.deciding import Refused
from preview.matching.records import LONGEST_REASON, Verdict
from preview.matching.resolving import Case
from preview.matching.why import sentence
from preview.page.resolving import describe_look
from preview.records import ContextRow
from preview.routes import pictures, refusals
from preview.routes.guard import opened_as_staff, parts
from preview.routes.polling import poll_answer
from preview.routes.typed import typed_in

log = logging.getLogger(__name__)
blueprint = Blueprint("resolving", __name__, url_prefix="/staff/<key>/unmatched/<row_key>")
_FOR_THE_WRITER = ("no-choice", "needs-reason", "nobody-chosen", "nameless")


@blueprint.get("")
def page(key: str, row_key: str) -> str:
    """The page; whoever opens it also wants the study's first pictures."""
    context = opened_as_staff(key)
    resolving.want_pictures(parts(), _row(row_key))
    return _page(context, row_key)


@blueprint.get("/updates")
def updates(key: str, row_key: str) -> Response:
    context, row = opened_as_staff(key), _row(row_key)
    shown = _looked_at(context, row, request.args.get("at", 0, type=int))
    return poll_answer("_look.html", shown["view"], {"context": context, "row": row, **shown})


@blueprint.post("/fetch")
def fetch(key: str, row_key: str) -> Response:
    """Try once more for the first pictures."""
    opened_as_staff(key)
    resolving.want_pictures(parts(), _row(row_key), again=True)
    return _back(key, row_key)


@blueprint.get("/pictures/<name>")
def picture(key: str, row_key: str, name: str) -> Response:
    """For staff, and only while somebody has to decide: no patient's page leads here."""
    context = opened_as_staff(key)
    row = _row(row_key)
    if row.settled_at is not None:
        raise NotFound
    auditing.saw_pictures(parts(), context, row)
    return pictures.picture(row.part.key if row.part else row.study.key, name)


@blueprint.post("/search")
def search(key: str, row_key: str) -> Response:
    """Among the patients whom we know; what is typed stands in no address."""
    context = opened_as_staff(key)
    typed = {name: typed_in(name) for name in ("name", "born", "number")}
    with parts().records.read() as db:
        found = known.search(
            db, name=typed["name"], birth_date=_day(typed["born"]), patient_id=typed["number"]
        )
        numbers = known.numbers(db, [patient.identity for patient in found.patients])
    told: dict[str, Any] = {"found": found, "numbers": numbers, "typed": typed}
    return make_response(_page(context, row_key, still=True, **told))


def _day(typed: str) -> Any:
    return day(typed.replace("-", ""))


@blueprint.post("/confirm")
def confirm(key: str, row_key: str) -> Response:
    """Both identities once more, before anything is decided."""
    context, case = opened_as_staff(key), _case(row_key)
    try:
        verdict = _verdict(case)
        _check(context, case)
    except Refused as refused:
        return _refused(context, row_key, refused.why)
    return make_response(_confirmation(context, case, verdict))


@blueprint.post("/decide")
def decide(key: str, row_key: str) -> Response:
    context, case = opened_as_staff(key), _case(row_key)
    try:
        _decide(context, case)
    except Refused as refused:
        if refused.why == "needs-reason":
            problem = refusals.sentence(refused.why)
            return make_response(_confirmation(context, case, _verdict(case), problem), 422)
        return _refused(context, row_key, refused.why)
    return _back(key, row_key)


def _decide(context: ContextRow, case: Case) -> None:
    """``compared``: the record's side as it was confirmed."""
    verdict = _verdict(case)
    _check(context, case)
    if request.form.get("compared") != case.compared_mark:
        raise Refused("outdated")
    deciding.decide(
        *(parts(), case.row.key, verdict),
        person=context.person,
        seen=case.seen,
        reason=request.form.get("reason", ""),
        patient=case.compared.identity if case.number is not None else None,
    )
    log.info("unmatched=%s decided verdict=%s", case.row.key, verdict)


@blueprint.post("/second")
def second(key: str, row_key: str) -> Response:
    """Somebody else agrees to what waits for a second person, or does not."""
    return _act(
        key, row_key, "second", deciding.confirm, agree=request.form.get("agree") == "yes", **_reason()
    )


@blueprint.post("/undo")
def undo(key: str, row_key: str) -> Response:
    return _act(key, row_key, "undo", deciding.undo, **_reason())


def _reason() -> dict[str, str]:
    return {"reason": request.form.get("reason", "")}


def _act(key: str, row_key: str, what: str, act: Any, **how: Any) -> Response:
    context = opened_as_staff(key)
    try:
        _named(context)
        act(parts(), row_key, person=context.person, seen=request.form.get("seen", ""), **how)
    except Refused as refused:
        return _refused(context, row_key, refused.why)
    log.info("unmatched=%s %s", row_key, what)
    return _back(key, row_key)


@blueprint.post("/assign")
def assign(key: str, row_key: str) -> Response:
    """Who has pressed the button takes it on, or gives it back."""
    context = opened_as_staff(key)
    owner = context.person if request.form.get("for") == "me" else ""
    try:
        _named(context)
        deciding.assign(parts(), row_key, owner=owner, seen=request.form.get("seen", ""))
    except Refused as refused:
        return _refused(context, row_key, refused.why)
    return _back(key, row_key)


# --- what is shown


def _page(context: ContextRow, row_key: str, *, still: bool = False, problem: str = "", **told: Any) -> str:
    """The page as it stands now. ``still``: as the answer to a form."""
    case = _case(row_key)
    shown = _looked_at(context, case.row, case.row.decision or 0, still=still)
    searched: dict[str, Any] = {"found": None, "numbers": {}, "typed": {}}
    return render_template(
        "resolve.html",
        **_told(context, case),
        **shown,
        **searched | told,
        problem=problem,
        decisions={one.id: one for one in case.history},
        kept={one.id: (marks.patient_of(one.found), marks.patient_of(one.asked)) for one in case.history},
        now=parts().now,
    )


def _confirmation(context: ContextRow, case: Case, verdict: Verdict, problem: str = "") -> str:
    with parts().records.read() as db:
        needs = deciding.needs_reason(parts(), db, case.row, verdict, case.compared)
    return render_template(
        "resolve_confirm.html",
        **_told(context, case),
        verdict=verdict,
        needs_reason=needs,
        conflicts=[doubt for doubt in _conflicts(case) if needs],
        second_person=parts().settings.identity.second_person and verdict is not Verdict.UNSURE,
        longest=LONGEST_REASON,
        problem=problem,
    )


def _conflicts(case: Case) -> list[str]:
    compared = case.judgement.doubts if case.judgement else ()
    conflicts = {one.code: one.sentence for one in compared if one.is_conflict}
    conflicts.pop(Doubt.FOREIGN_IMAGES.code, None)  # that is what is decided, and speaks for neither side
    told = {code for code in case.doubts if code not in {doubt.code for doubt in Doubt}}
    return [*conflicts.values(), *(sentence(code) for code in sorted(told))]


def _told(context: ContextRow, case: Case) -> dict[str, Any]:
    source = parts().settings.source(case.row.study.source)
    return {
        "context": context,
        "case": case,
        "row": case.row,
        "study": case.row.described,
        "label": source.label if source else case.row.study.source,
        "reasons": [sentence(code) for code in case.doubts],
        "nameless": not context.person.strip(),
    }


def _looked_at(context: ContextRow, row: UnmatchedRow, since: int, *, still: bool = False) -> dict[str, Any]:
    view = describe_look(resolving.look_facts(parts(), context, row, since), parts().now, still=still)
    return {"view": view, "since": since}


# --- what a form says


def _row(row_key: str) -> UnmatchedRow:
    with parts().records.read() as db:
        row = listing.one(db, row_key)
    if row is None:
        raise NotFound
    return row


def _case(row_key: str) -> Case:
    chosen = request.values.get("with", "")
    number = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 12 else None
    case = resolving.case_of(parts(), row_key, number)
    if case is None:
        raise NotFound
    return case


def _verdict(case: Case) -> Verdict:
    typed = request.form.get("verdict", "")
    if typed not in case.choices:
        raise Refused("no-choice" if case.choices else "outdated")
    return Verdict(typed)


def _check(context: ContextRow, case: Case) -> None:
    _named(context)
    if request.form.get("seen") != case.seen:
        raise Refused("outdated")


def _named(context: ContextRow) -> None:
    if not context.person.strip():
        raise Refused("nameless")


def _refused(context: ContextRow, row_key: str, why: str) -> Response:
    if why == "gone":
        raise NotFound
    html = _page(context, row_key, still=True, problem=refusals.sentence(why))
    return make_response(html, 422 if why in _FOR_THE_WRITER else 409)


def _back(key: str, row_key: str) -> Response:
    """To the page the button was on, without trusting anything the browser says about it."""
    if request.form.get("on") == "list":
        kept = {
            name: said
            for name in ("source", "why", "state", "owner", "after")
            if (said := request.form.get(name, ""))
        }
        where = url_for("unmatched.listing", key=key, **dict[str, Any](kept), _anchor=f"unmatched-{row_key}")
        return redirect(where, 303)
    return redirect(url_for(".page", key=key, row_key=row_key), 303)
