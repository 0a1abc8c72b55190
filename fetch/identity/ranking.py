"""Candidates in order: which of several patients a source identity is most likely to be."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from fetch.identity.context import Context
from fetch.identity.grades import Grade, Judgement
from fetch.identity.judging import judge
from fetch.model import Patient

MOST_CANDIDATES = 10


@dataclass(frozen=True)
class Candidate:
    """One of our patients beside the identity found, judged."""

    patient: Patient
    judgement: Judgement


def rank(
    found: Patient,
    candidates: Iterable[Patient],
    context: Context,
    most: int | None = MOST_CANDIDATES,
) -> tuple[Candidate, ...]:
    """Candidates for the identity found, best first: by grade, then by how much they have in common.

    Where more than one would be ``certain``, none is: each is judged again with that doubt. A link,
    accession or cross-reference in ``context`` is about one patient, so hand in none for several.
    """
    judged = [Candidate(patient, judge(patient, found, context)) for patient in candidates]
    qualifying = sum(one.judgement.certain for one in judged)
    if qualifying > 1:
        context = replace(context, qualifying=qualifying)
        judged = [
            Candidate(one.patient, judge(one.patient, found, context)) if one.judgement.certain else one
            for one in judged
        ]
    return tuple(sorted(judged, key=_order)[:most])


def _order(candidate: Candidate) -> tuple[int, float]:
    """Probable ones before possible ones; the rest by what they share alone."""
    return list(Grade).index(candidate.judgement.grade), -candidate.judgement.score
