"""The mark that a poll sends back: of what is shown, and of each thing that was announced."""

from hashlib import blake2b
from typing import Protocol

from preview.page.status import Milestones


class Marked(Protocol):
    """A described page."""

    @property
    def mark(self) -> str: ...
    @property
    def milestones(self) -> Milestones: ...
    @property
    def pace(self) -> int | None: ...


class Announcing(Protocol):
    """Something with a mark, of which something may be read aloud."""

    @property
    def mark(self) -> str: ...
    @property
    def milestones(self) -> Milestones: ...


def version(view: Announcing) -> str:
    """What the next poll sends back: the mark of what is shown, and of each thing that was announced."""
    return ".".join([view.mark, *_announced(view)])


def _announced(view: Announcing) -> dict[str, str]:
    """A short mark of each milestone, with what it is about."""
    return {
        blake2b(f"{about} {said}".encode(), digest_size=3).hexdigest(): about
        for about, said in view.milestones
    }


def news_of(view: Announcing, seen: str) -> set[str]:
    """What is worth being read aloud and was not yet, by what it is about. ``seen``: a version."""
    _, *heard = seen.split(".")
    return {about for mark, about in _announced(view).items() if mark not in heard}
