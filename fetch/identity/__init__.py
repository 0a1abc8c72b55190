"""Is this study provably that patient's? Pure: two identities in, a judgement with its reasons out.

:func:`judge` for one pair, :func:`rank` for candidates, :func:`same_person` for the header of an image.
"""

from fetch.identity.context import Context, Link
from fetch.identity.grades import (
    RULES_VERSION,
    Agreement,
    Compared,
    Doubt,
    Field,
    Grade,
    Judgement,
    Reason,
    Remark,
)
from fetch.identity.images import disagree, same_nobody, same_person
from fetch.identity.judging import judge
from fetch.identity.names import given_names
from fetch.identity.placeholders import is_placeholder
from fetch.identity.ranking import Candidate, rank

__all__ = [
    "RULES_VERSION",
    "Agreement",
    "Candidate",
    "Compared",
    "Context",
    "Doubt",
    "Field",
    "Grade",
    "Judgement",
    "Link",
    "Reason",
    "Remark",
    "disagree",
    "given_names",
    "is_placeholder",
    "judge",
    "rank",
    "same_nobody",
    "same_person",
]
