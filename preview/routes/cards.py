"""The cards of a patient's page: one that is as it was is not drawn anew for every poll."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping

from flask import Flask, current_app, session
from flask_babel import get_locale
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from preview.page import Card
from preview.records import ContextRow
from preview.routes.guard import parts

_MOST = 100
"""So many pages are kept as they were last sent; of any other, the cards are drawn anew."""


class Cards:
    """Draws the cards of one page; a template gives it each of them, and what draws it."""

    def __init__(self, before: dict[Card, Markup]) -> None:
        self._before = before
        self.drawn: dict[Card, Markup] = {}

    def __call__(self, card: Card, caller: Callable[[], Markup]) -> Markup:
        html = self._before.get(card)
        self.drawn[card] = caller() if html is None else html
        return self.drawn[card]


def register(app: Flask) -> None:
    app.extensions["preview.cards"] = OrderedDict()
    app.jinja_env.globals["cards"] = cards_of


def cards_of(context: ContextRow, filters: Mapping[str, str]) -> Cards:
    """For one page of this context, in this browser: no other page ever gets its cards."""
    pages: OrderedDict[Hashable, Cards] = current_app.extensions["preview.cards"]
    page = (context.key, context.role, tuple(filters.items()), *_besides())
    before = pages.pop(page, None)
    pages[page] = now = Cards(before.drawn if before else {})
    while len(pages) > _MOST:
        pages.popitem(last=False)
    return now


def _besides() -> tuple[Hashable, ...]:
    """What a card shows besides: words, times that are today's, and the token of this browser's forms."""
    generate_csrf()
    today = parts().now.astimezone(parts().settings.app.zone).date()
    return str(get_locale()), today, session[current_app.config["WTF_CSRF_FIELD_NAME"]]
