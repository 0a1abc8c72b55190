"""The cards of a patient's page: what many look at is drawn once, and each gets it with own addresses."""

import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial

from flask import Flask, current_app, g
from flask_babel import get_locale
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from preview.page import Card
from preview.records import ContextRow, Role
from preview.routes.guard import parts

_MOST = 2000
"""So many cards are kept as they were last drawn."""
_TOKEN = secrets.token_hex(16)
"""Stands for the token of a browser's forms. Nobody can have written it into a study's description."""
_BREAKS = re.compile(r"\s*\n\s*")
"""What indents the template is a tenth of what a page sends."""
_KEY = secrets.token_hex(16)
"""Stands for the key of a context."""


@dataclass(frozen=True)
class Anybody:
    """Stands for the context of whoever looks: a card is drawn from nothing else of it."""

    role: Role
    key: str = _KEY


class Cards:
    """Draws the cards of one page; a template gives it each of them, and what draws it for a context."""

    def __init__(self, kept: OrderedDict[Hashable, Markup], context: ContextRow, page: Hashable) -> None:
        self._kept, self._context, self._page = kept, context, page

    def __call__(self, card: Card, caller: Callable[[Anybody], Markup]) -> Markup:
        key = self._page, card
        html = self._kept.pop(key, None)
        if html is None:
            drawn = self.draw(card, partial(caller, Anybody(self._context.role)))
            html = Markup(_BREAKS.sub("\n", drawn))  # noqa: S704 — a template has escaped it
        self._kept[key] = html
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        html = html.replace(_KEY, self._context.key)
        return html.replace(_TOKEN, generate_csrf()) if _TOKEN in html else html

    @staticmethod
    def draw(_card: Card, caller: Callable[[], Markup]) -> Markup:
        """For anybody: meanwhile, who asks for the token of this browser gets what stands for it."""
        name = current_app.config["WTF_CSRF_FIELD_NAME"]
        own = g.pop(name, None)
        setattr(g, name, _TOKEN)
        try:
            return caller()
        finally:
            g.pop(name)
            if own is not None:
                setattr(g, name, own)


def register(app: Flask) -> None:
    app.extensions["preview.cards"] = OrderedDict()
    app.jinja_env.globals["cards"] = cards_of


def cards_of(context: ContextRow, filters: Mapping[str, str]) -> Cards:
    """For a page of this context; only those of the same patient and role share what is drawn."""
    whose = context.patient, context.role
    return Cards(
        current_app.extensions["preview.cards"], context, (*whose, tuple(filters.items()), *_besides())
    )


def _besides() -> tuple[Hashable, ...]:
    """What a card shows besides: words, and times that are today's."""
    return str(get_locale()), parts().now.astimezone(parts().settings.app.zone).date()
