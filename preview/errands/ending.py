"""How a fetch ends: complete only if all that is listed is here. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fetch.reasons import Reason
from preview.records import Outcome, Scope

_REFUSED = frozenset(
    {
        *(Reason.NO_OBJECT, Reason.WRONG_UID, Reason.SYNTAX_NOT_TAKEN, Reason.TOO_LARGE, Reason.NOT_KEPT),
        *(Reason.ARCHIVED, Reason.GARBLED),
    }
)
"""Why we do not take what an archive did send, or why it said that it cannot yet: there is no blame in it."""


@dataclass(frozen=True)
class Account:
    """What a fetch that was not broken off has to show for itself."""

    scope: Scope
    total: int | None
    """How many images the study has, None if nobody said."""
    listed: Collection[str]
    held: Collection[str]
    withheld: Collection[str]
    crashed: Collection[str]
    given_up: Mapping[str, Reason]
    short: bool = False
    """Did less come than the archive says it sent, where nothing is listed by name?"""
    refused: bool = False
    """Was something not taken that it sent?"""


def judge_completeness(account: Account) -> tuple[Outcome, Reason | None]:
    """Complete only if all that is listed is here; where nothing is, all that was counted or reported."""
    if account.withheld:
        return broken_off(account.held), Reason.SOME_WITHHELD
    if account.crashed:
        return broken_off(account.held), Reason.NOT_DRAWN
    if not account.held:
        failed = Reason.REPORTED_FAILED in account.given_up.values()
        nothing = Reason.REPORTED_FAILED if failed else Reason.NOTHING_SENT
        return Outcome.FAILED, _refusal(account, account.given_up) or nothing
    missing = set(account.given_up) - set(account.held)
    if account.scope is Scope.ALL:
        missing |= set(account.listed) - set(account.held)
    if missing:
        return Outcome.INCOMPLETE, _refusal(account, missing) or Reason.SOME_MISSING
    below_total = account.total is not None and len(account.held) < account.total
    if account.scope is Scope.ALL and (account.short or below_total):
        return Outcome.INCOMPLETE, (
            Reason.SOME_MISSING if account.refused or not account.listed else Reason.COUNTED_MORE
        )
    return Outcome.COMPLETE, None


def _refusal(account: Account, missing: Collection[str]) -> Reason | None:
    """Why we have none of these, if that is said of every one; of several reasons always the same."""
    reasons = [account.given_up.get(uid, Reason.NOT_SENT) for uid in missing]
    ours = min(reasons, key=lambda reason: reason.code, default=None)
    return ours if _REFUSED.issuperset(reasons) else None


def broken_off(held: Collection[str]) -> Outcome:
    """How a fetch ends that an error ended."""
    return Outcome.INCOMPLETE if held else Outcome.FAILED
