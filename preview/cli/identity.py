"""``flask identity judge``: whose people of one table are those of another, without archive and settings."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from fetch.identity import RULES_VERSION, Compared, Doubt, Grade, Reason
from fetch.identity.register import Entry, Match, Register
from preview.cli.people import entries
from preview.tables import WrongTable

_TABLE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MOST_ASKED = 250_000
"""They are held in memory, about 1 KB each; those found are not."""
_MOST_SHOWN = 3


class _Group(click.Group):
    """``judge`` starts at once; what needs the database is looked for only when it is asked for."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands:
            _add_the_others()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        _add_the_others()
        return super().list_commands(ctx)


def _add_the_others() -> None:
    from preview.cli import matching as matching  # noqa: PLC0414, PLC0415 — they put themselves into the group


@click.group("identity", cls=_Group)
def identity_group() -> None:
    """Whose is what: judge identities by the rules by which studies are shown or withheld."""


@identity_group.command("judge")
@click.option("--asked", "asked_file", required=True, type=_TABLE, help="CSV of our patients.")
@click.option("--found", "found_file", required=True, type=_TABLE, help="CSV of what a source has.")
@click.option(
    "--trust", "trusted", multiple=True, help="Issuer whose ids may identify a patient; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each row found.")
def judge_command(asked_file: Path, found_file: Path, trusted: tuple[str, ...], as_json: bool) -> None:
    """Judge for each row FOUND whose it is among those ASKED.

    Both tables are CSV in UTF-8 with the columns key, id, issuer, family, given, middle, suffix, birth_date
    (YYYYMMDD), sex and accession, of which all but key may be empty.
    """
    try:
        register = Register(_asked(asked_file), filter(None, map(str.strip, trusted)))
    except WrongTable as wrong:
        raise click.BadParameter(str(wrong), param_hint="--asked") from None
    grades: Counter[Grade] = Counter()
    try:
        for match in register.match(entries(found_file)):
            grades[match.judgement.grade] += 1
            print(json.dumps(_as_data(match), ensure_ascii=False) if as_json else _readable(match))
    except WrongTable as wrong:
        raise click.BadParameter(str(wrong), param_hint="--found") from None
    if not as_json:
        print(_summary(grades))
    sys.stdout.flush()


def _asked(file: Path) -> Iterator[Entry]:
    """A key that came before would leave open who is linked."""
    keys: set[str] = set()
    for entry in entries(file):
        if entry.key in keys:
            raise WrongTable(f"row {len(keys) + 1} has a key that another row has too")
        keys.add(entry.key)
        if len(keys) > _MOST_ASKED:
            raise WrongTable(f"has more than {_MOST_ASKED:,} rows; split it, or swap it with the other")
        yield entry
    if not keys:
        raise WrongTable("has no rows")


def _as_data(match: Match) -> dict[str, Any]:
    judgement = match.judgement
    return {
        "key": match.found.key,
        "grade": judgement.grade.value,
        "linked": match.linked.key if match.linked else None,
        "reasons": [_reason(reason) for reason in judgement.reasons],
        "candidates": [candidate.key for candidate in match.candidates],
        "rules": RULES_VERSION,
    }


def _reason(reason: Reason) -> dict[str, str]:
    if isinstance(reason, Compared):
        return {"field": reason.field.value, "says": reason.agreement.value}
    kind = "conflict" if isinstance(reason, Doubt) else "remark"
    return {kind: reason.code, "sentence": reason.sentence}


def _readable(match: Match) -> str:
    judgement = match.judgement
    whose = match.linked.key if match.linked else _candidates(match)
    why = " ".join([*(one.code for one in judgement.remarks), *(one.code for one in judgement.doubts)])
    return f"{match.found.key:<20}  {judgement.grade:<13}  {whose:<30}  {why}".rstrip()


def _candidates(match: Match) -> str:
    """Who may be meant, in short: nobody where everybody is certainly somebody else."""
    if match.judgement.grade is Grade.CERTAINLY_NOT:
        return "-"
    best = [
        entry.key
        for entry, grade in zip(match.candidates, match.grades, strict=True)
        if grade is not Grade.CERTAINLY_NOT
    ]
    return ", ".join(best[:_MOST_SHOWN])


def _summary(grades: Counter[Grade]) -> str:
    counts = ", ".join(f"{grades[grade]} {grade}" for grade in Grade)
    return f"{grades.total()} rows: {counts} (rules {RULES_VERSION})"
