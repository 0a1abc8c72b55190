"""How much of something long is done, for somebody who watches a terminal."""

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar


def bar(label: str, length: int | None) -> "ProgressBar[int]":
    """On stderr, and only where that is a terminal; ``length`` None: nobody knows how much it is."""
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())


def draw(shown: "ProgressBar[int]", expected: int | None, arrived: int) -> None:
    """So many have arrived; how many there will be may only be known by now."""
    shown.length = max(expected or arrived, 1)
    shown.update(arrived - shown.pos)
