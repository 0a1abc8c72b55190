"""What a reader prefers: ``?lang=`` and ``?theme=`` on any page, remembered with the browser's session."""

from urllib.parse import urlencode

from flask import Blueprint, request, session

from preview.languages import ENGLISH, languages

blueprint = Blueprint("preferences", __name__)
THEMES = ("auto", "light", "dark")
_LANGUAGES = languages()
_KEPT = {
    *("from", "to", "modality", "view", "whole", "series", "instance", "frame"),
    *("at", "printed", "why", "source", "state", "owner", "after", "still"),
}
"""What our own addresses say; anything else somebody wrote there, and it is not repeated."""


def language() -> str:
    """The reader's language: chosen here, else the browser's, else English."""
    chosen = session.get("lang")
    return chosen if chosen in _LANGUAGES else request.accept_languages.best_match(_LANGUAGES) or ENGLISH


@blueprint.before_app_request
def remember() -> None:
    for name, offered in (("lang", _LANGUAGES), ("theme", THEMES)):
        if request.args.get(name) in offered:
            session[name] = request.args[name]


@blueprint.app_context_processor
def offered() -> dict[str, object]:
    """For the foot of each page: what there is to choose, and its address with another choice."""

    def with_choice(name: str, value: str) -> str:
        kept = [(key, kept) for key, kept in request.args.items(multi=True) if key in _KEPT]
        return "?" + urlencode([*kept, (name, value)])

    theme = session.get("theme", "auto")
    return {
        "languages": _LANGUAGES,
        "theme": theme if theme in THEMES else "auto",
        "with_choice": with_choice,
    }
