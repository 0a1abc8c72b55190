"""How each source is asked for a patient: by ids confirmed there, by ours, else by name; also by orders."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from fetch.find import is_unsafe
from fetch.identity import Agreement
from fetch.identity.ids import compare_issuers
from fetch.identity.letters import foldings, words
from fetch.model import Approach, Patient, PatientIdentity, Source
from preview.matching import known, merging
from preview.matching.records import CrossReferenceRow, DecisionRow, LinkRow
from preview.records import ContextRow

_MOST_IDS = 8
"""More ids of one patient at one source are a fault that staff have to look at, not a question."""
_MOST_NAMES = 8
_MOST_ORDERS, _MOST_LAUNCHES = 4, 50
_SHORTEST = 2
"""A single letter and anything behind it is nobody's name."""


def approaches(session: Session, asked: Patient, sources: Iterable[Source]) -> dict[str, Approach]:
    """By the source's name. Confirmed links come first, then what a cross-reference says, then our own id."""
    every = list(sources)
    mine = merging.all_of(session, asked.identity)
    theirs = _known_there(session, mine, every)
    said = known.said_of(session, asked.identity)
    names = names_of(replace(asked, aliases=said.aliases) if said else asked)
    orders = _orders_of(session, mine)
    found = {source.name: _approach(source, mine, theirs[source.name], names) for source in every}
    return {name: replace(approach, orders=orders) for name, approach in found.items()}


def _orders_of(session: Session, mine: frozenset[PatientIdentity]) -> tuple[str, ...]:
    """The accession numbers that launches brought for this patient, the newest first."""
    keys = [(identity.issuer, identity.patient_id) for identity in mine]
    brought = select(ContextRow.accession).where(
        tuple_(ContextRow.issuer, ContextRow.patient_id).in_(keys), ContextRow.accession != ""
    )
    newest = session.scalars(brought.order_by(ContextRow.made_at.desc()).limit(_MOST_LAUNCHES))
    usable = (one.strip() for one in newest)
    return tuple(dict.fromkeys(one for one in usable if not is_unsafe(one)))[:_MOST_ORDERS]


def _approach(
    source: Source,
    mine: frozenset[PatientIdentity],
    theirs: Sequence[str],
    names: tuple[str, ...],
) -> Approach:
    own = sorted(identity.patient_id for identity in mine if _issues(source, identity.issuer))
    ids = dict.fromkeys([*theirs, *own])
    usable = [one for one in ids if not is_unsafe(one)]
    return Approach(tuple(usable[:_MOST_IDS])) if usable else Approach(names=names)


def _known_there(
    session: Session, mine: frozenset[PatientIdentity], sources: Sequence[Source]
) -> dict[str, list[str]]:
    """Ids by the source's name: those that staff have linked to this patient, then those that PIXm names.

    What staff have confirmed at a source is asked for there, whoever issued it.
    """
    keys = [(identity.issuer, identity.patient_id) for identity in mine]
    linked = select(LinkRow.found_issuer, LinkRow.found_id, DecisionRow.source).where(
        tuple_(LinkRow.issuer, LinkRow.patient_id).in_(keys), LinkRow.stands(), LinkRow.found_id != ""
    )
    linked = linked.join(DecisionRow, DecisionRow.id == LinkRow.decision).order_by(LinkRow.id)
    crossed = select(CrossReferenceRow).where(
        tuple_(CrossReferenceRow.issuer, CrossReferenceRow.patient_id).in_(keys)
    )
    said = [(issuer, number, where) for issuer, number, where in session.execute(linked)]
    said += [(issuer, number, "") for row in session.scalars(crossed) for issuer, number in row.ids]
    return {
        source.name: [
            number for issuer, number, where in said if where == source.name or _issues(source, issuer)
        ]
        for source in sources
    }


def _issues(source: Source, issuer: str) -> bool:
    """Are the source's ids of this issuer, however it is written?"""
    return issuer == source.issuer or compare_issuers(issuer, source.issuer) is Agreement.AGREE


def names_of(patient: Patient) -> tuple[str, ...]:
    """What to look for: family and given name, for some write them the other way round, folded and not.

    Without a birth date a name is everybody's, and a wildcard cannot be escaped (PS3.4 C.2.2.2.4): none then.
    """
    if patient.birth_date is None:
        return ()
    named = (patient.name, *(f"{name}^" for name in patient.aliases.names))
    written = [part for name in named for group in name.split("=") for part in group.split("^")[:2]]
    whole = [part.strip() for part in written if not is_unsafe(part)]
    first = [part.split()[0] for part in whole if " " in part]  # all of the name may stand in one part
    forms = [form for part in (*whole, *first) for form in (part, *_folded(part))]
    once = {form.casefold(): form for form in reversed(forms) if len(form) >= _SHORTEST or not form.isascii()}
    usable = [form for form in reversed(once.values()) if not is_unsafe(form)]
    return tuple(usable[:_MOST_NAMES])


def _folded(part: str) -> list[str]:
    """In plain capitals, as many archives write names, in each way to do without an umlaut."""
    ways = [sorted(foldings(word)) for word in words(part)]
    longest = max(map(len, ways), default=0)
    return [" ".join(way[min(place, len(way) - 1)] for way in ways).upper() for place in range(longest)]
