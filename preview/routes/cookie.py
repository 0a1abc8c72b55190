"""The browser's cookie: it lasts from the last page on, and no picture and no poll has to carry it again."""

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin

_PARTS = (".updates", ".picture", ".series")
"""How endpoints end that pages ask for by themselves, whoever sends that request."""


class Cookie(SecureCookieSessionInterface):
    """Sent with what is new in it, and with every page: a context never outlives the page that opened it."""

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        is_part = "HX-Request" in request.headers or (request.endpoint or "").endswith(_PARTS)
        return session.modified or (not is_part and super().should_set_cookie(app, session))
