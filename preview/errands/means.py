"""What a fetch of this installation may use, and what it taught us about the source."""

from collections.abc import Iterator
from contextlib import contextmanager

from fetch.model import Source, Way
from fetch.profiles import Profile, may_send, ways
from fetch.reasons import Reason
from fetch.retrieve import Learned, Means
from preview.parts import Parts

_FOR_GOOD = (Reason.NOT_SUPPORTED, Reason.RECEIVER_UNKNOWN, Reason.UNAUTHORIZED)
"""What says by itself that a way is not open; other failures only count where another way did better."""


@contextmanager
def means_for(parts: Parts, source: Source, party: str, *, rendered: bool = True) -> Iterator[Means]:
    """The ways in the order in which to try them, the counted lines, and a folder for large objects.

    The folder is gone at the end. ``rendered``: may thumbnails that the archive draws do?
    """
    receiver = may_send(source, parts.settings.local) and parts.spool.is_served()
    with parts.spool.scratch(party) as scratch:
        profile = parts.profiles.of(source)
        yield Means(
            ways=ways(source, profile, receiver=receiver),
            proven=[way for way in Way if profile.works(way)],
            allowance=parts.lines,
            party=party,
            spool=parts.spool,
            scratch=scratch,
            rendered=rendered and source.web is not None and source.web.rendered,
        )


def learn(parts: Parts, source: Source, learned: Learned) -> None:
    """Keep what the source turned out to do, if that is news."""
    fails = {way: why for way, why in learned.fails.items() if learned.works or why in _FOR_GOOD}
    if not (learned.works or fails):
        return
    flags = {name: _flag(way, learned, fails) for way, name in _NAMES.items()}
    known = parts.profiles.of(source)
    news = {name: flag for name, flag in flags.items() if flag is not None and getattr(known, name) != flag}
    lists = learned.image_lists if learned.image_lists != known.image_lists else None
    contexts = tuple(cx for cx in learned.contexts if cx not in known.contexts)
    if news or contexts or lists is not None:
        why = {str(way): reason.code for way, reason in fails.items()}
        get, move, wado = flags["get"], flags["move"], flags["wado"]
        profile = Profile(get, move, wado, image_lists=lists, contexts=contexts, why=why)
        parts.profiles.learn(source, profile, parts.now)


_NAMES = {Way.GET: "get", Way.MOVE: "move", Way.WADO: "wado"}


def _flag(way: Way, learned: Learned, fails: dict[Way, Reason]) -> bool | None:
    if way in learned.works:
        return True
    return False if way in fails else None
