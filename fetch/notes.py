"""What a fetch notes of its own course, for people: a log in plain words. Standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from fetch.reasons import _


def ngettext(one: str, many: str) -> tuple[str, str]:
    """Mark both numbers of a sentence for translation, as ``_`` does for the others."""
    return one, many


class Note(Enum):
    """``code`` is stored; ``sentence`` is said, with the facts of :class:`Noted` in its places.

    ``many``: what is said instead unless ``count`` is one; "" where that makes no difference.
    """

    def __init__(self, code: str, sentence: str, many: str = "") -> None:
        self.code = code
        self.sentence = sentence
        self.many = many

    RESUMED = (
        "resumed",
        *ngettext(
            "%(count)s image was here already; it is not asked for again.",
            "%(count)s images were here already; they are not asked for again.",
        ),
    )
    LISTED = (
        "listed",
        *ngettext(
            "The archive lists %(count)s image in %(series)s series.",
            "The archive lists %(count)s images in %(series)s series.",
        ),
    )
    COUNTED = ("counted", _("The archive does not list the images; it counts %(count)s of them."))
    NOT_LISTED = ("not-listed", _("The archive neither lists nor counts the images of this study."))
    COUNTED_MORE = (
        "counted-more",
        *ngettext(
            "Series %(series)s: the archive counts %(count)s image more than it lists, and did not send it"
            " when asked for the whole series.",
            "Series %(series)s: the archive counts %(count)s images more than it lists, and did not send them"
            " when asked for the whole series.",
        ),
    )
    WHOLE = (
        "brought-whole",
        *ngettext(
            "The archive did not list all of it, so the whole was asked for: %(count)s image came.",
            "The archive did not list all of it, so the whole was asked for: %(count)s images came.",
        ),
    )
    NO_WHOLE = (
        "no-whole",
        _(
            "What was asked for as a whole was refused: %(reason)s What the archive lists is asked for by"
            " name."
        ),
    )
    NAMELESS = (
        "nameless",
        _(
            "The archive did not list all of it, and did not send the whole to its end. What lacks has no"
            " name by which it could be asked for: only the whole can be asked for again."
        ),
    )
    ARCHIVED = (
        "archived",
        _("The archive says that %(series)s series are archived or offline; it may take long to send them."),
    )
    WAY = ("way", _("Images are brought by %(way)s."))
    FELL_BACK = ("fell-back", _("%(way)s does not work with this archive: %(reason)s"))
    NO_LISTS = ("no-lists", _("The archive does not take lists of images; it is asked for %(instead)s."))
    LINE_LOST = (
        "line-lost",
        _("A connection to the archive ended early; its part is asked for again. %(reason)s"),
    )
    FEWER_LINES = (
        "fewer-lines",
        _("The archive takes fewer connections than the settings allow: %(reason)s"),
    )
    REFUSED = ("refused", _("An object was refused: %(reason)s"))
    FOREIGN = (
        "foreign",
        *ngettext(
            "%(count)s image is not this study's or not this patient's; it is withheld.",
            "%(count)s images are not this study's or not this patient's; they are withheld.",
        ),
    )
    DUPLICATE = (
        "duplicate",
        *ngettext(
            "The archive sent %(count)s image twice; it is kept once.",
            "The archive sent %(count)s images twice; one of each is kept.",
        ),
    )
    REPORTED_FAILED = (
        "reported-failed",
        *ngettext(
            "The archive reports that it could not send %(count)s image.",
            "The archive reports that it could not send %(count)s images.",
        ),
    )
    NOT_SENT = (
        "not-sent",
        *ngettext(
            "%(count)s image was asked for and did not come.",
            "%(count)s images were asked for and did not come.",
        ),
    )
    NOT_DRAWN = (
        "not-drawn",
        *ngettext("%(count)s image could not be drawn.", "%(count)s images could not be drawn."),
    )
    CARD = (
        "card",
        *ngettext(
            "%(count)s image is shown as a card instead of a picture: %(why)s",
            "%(count)s images are shown as cards instead of pictures: %(why)s",
        ),
    )
    RENDERED = ("rendered", _("The archive draws the thumbnails itself."))
    TRIED = ("tried", _("The attempt ended: %(reason)s"))
    SO_FAR = (
        "so-far",
        _("%(held)s of %(expected)s images are here so far, after %(seconds)s s (%(way)s); it goes on."),
    )
    CANCELLED = ("cancelled", _("The fetch was cancelled."))
    ENDED = (
        "ended",
        _("Ended, %(outcome)s: %(held)s of %(expected)s images are here, after %(seconds)s s (%(way)s)."),
    )

    @classmethod
    def of(cls, code: str) -> "Note | None":
        """The note stored under this code, or None."""
        return next((note for note in cls if note.code == code), None)


UNKNOWN = "unknown"
"""The fact of a number that nobody knows."""


@dataclass(frozen=True)
class Noted:
    """One line of the log. ``facts``: numbers, names of ways, codes of reasons; never patient data."""

    note: Note
    facts: Mapping[str, int | str] = field(default_factory=lambda: MappingProxyType({}))


def noted(note: Note, **facts: int | str) -> Noted:
    return Noted(note, MappingProxyType(facts))
