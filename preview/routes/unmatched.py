"""The list of studies that were found but are not provably their patient's, for staff."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from preview.matching import auditing, listing
from preview.matching.listing import Filters, Listing
from preview.matching.searching import search as found_by
from preview.matching.why import sentence
from preview.page.comparing import by_agreement
from preview.parts import Parts
from preview.records import ContextRow
from preview.routes.guard import opened_as_staff, parts, staff
from preview.routes.typed import typed_in

blueprint = Blueprint("unmatched", __name__)
_STATES = ("", "handed-on", "second", "settled")
_OWNERS = ("", "me", "nobody")


@dataclass(frozen=True)
class Chosen:
    """The filters as an address has them: archives, codes and words of ours, never anything of a patient."""

    source: str = ""
    why: str = ""
    state: str = ""
    owner: str = ""

    @classmethod
    def of(cls, said: MultiDict[str, str]) -> "Chosen":
        sources = [source.name for source in parts().settings.sources]
        why = said.get("why", "")
        return cls(
            source=_among(said.get("source", ""), sources),
            why=why if sentence(why) else "",
            state=_among(said.get("state", ""), _STATES),
            owner=_among(said.get("owner", ""), _OWNERS),
        )

    def filters(self, context: ContextRow) -> Filters:
        owners = {"me": context.person, "nobody": ""}
        return Filters(
            source=self.source,
            why=self.why,
            owner=owners.get(self.owner),
            unsure=True if self.state == "handed-on" else None,
            proposed=self.state == "second",
            settled=self.state == "settled",
        )

    @property
    def query(self) -> dict[str, str]:
        """As little as says the same."""
        return {name: value for name, value in vars(self).items() if value}


def _among(said: str, known: Any) -> str:
    return said if said in known else ""


@blueprint.get("/unmatched")
def mine() -> Response:
    """The list, in whichever context this browser is staff."""
    return redirect(url_for(".listing", key=staff().key), 303)


@blueprint.get("/staff/<key>/unmatched", endpoint="listing")
def page(key: str) -> str:
    context, chosen = opened_as_staff(key), Chosen.of(request.args)
    after = request.args.get("after", "")
    with parts().records.read() as db:
        found = listing.listed(db, chosen.filters(context), after)
        return _page(
            context, chosen, found, after=after, reasons=_reasons(db, chosen), strangers=listing.counted(db)
        )


@blueprint.post("/staff/<key>/unmatched/search")
def search(key: str) -> str:
    """By what somebody knows of a study; what is typed stands in no address."""
    context, typed = opened_as_staff(key), typed_in("words")
    with parts().records.read() as db:
        found = found_by(db, typed)
        return _page(context, Chosen(), found, typed=typed, reasons=_reasons(db, Chosen()), strangers=())


@blueprint.post("/staff/<key>/unmatched/csv")
def table(key: str) -> Response:
    """Everything that the filters let through, for a spreadsheet."""
    context, our = opened_as_staff(key), parts()
    chosen = Chosen.of(request.form)
    filters = chosen.filters(context)
    with our.records.write() as db:  # before anything of it goes out
        auditing.took_list(db, context, chosen.query, listing.count(db, filters), our.now)
    lines = _lines(our, filters, _labels())
    response = make_response(lines)
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f"attachment; filename=unmatched-{our.now:%Y-%m-%d}.csv"
    return response


def _lines(our: Parts, filters: Filters, labels: dict[str, str]) -> Iterator[str]:
    """As it is read, so that a list of any length goes through; a spreadsheet tells UTF-8 by its mark."""
    yield "\ufeff"
    with our.records.read() as db:
        for row in listing.csv_rows(db, filters, labels):
            line = io.StringIO()
            csv.writer(line).writerow(row)
            yield line.getvalue()


def _page(context: ContextRow, chosen: Chosen, found: Listing, **told: Any) -> str:
    shown: dict[str, Any] = {"after": "", "typed": None}
    return render_template(
        "unmatched.html",
        context=context,
        chosen=chosen,
        found=found,
        labels=_labels(),
        doubts={row.id: [said for code in row.doubts if (said := sentence(code))] for row in found.rows},
        evidence={row.id: by_agreement(row.evidence.get("fields", {})) for row in found.rows},
        seen={row.id: listing.seen(row) for row in found.rows},
        second_person=parts().settings.identity.second_person,
        now=parts().now,
        **shown | told,
    )


def _reasons(db: Any, chosen: Chosen) -> list[tuple[str, str, int]]:
    """Each reason that somebody waits for: its code, its sentence, for how many; the most frequent first."""
    counted = listing.reasons(db)
    if chosen.why and chosen.why not in counted:
        counted[chosen.why] = 0
    return [(code, sentence(code), count) for code, count in counted.most_common() if sentence(code)]


def _labels() -> dict[str, str]:
    return {source.name: source.label for source in parts().settings.sources}
