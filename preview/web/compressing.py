"""Scripts and styles go out compressed; pages do not: secrets stand beside what others wrote (BREACH)."""

import gzip
from functools import lru_cache

from flask import Flask, Response, request

_ENDPOINTS = frozenset({"static", "assets.asset"})
_TYPES = frozenset({"text/css", "text/javascript", "image/svg+xml"})


def register(app: Flask) -> None:
    app.after_request(_compress)


def _compress(response: Response) -> Response:
    if request.endpoint not in _ENDPOINTS or response.mimetype not in _TYPES:
        return response
    response.vary.add("Accept-Encoding")
    if response.status_code == 200 and request.accept_encodings["gzip"] > 0:
        response.direct_passthrough = False
        response.set_data(_compressed(response.get_data()))
        response.headers["Content-Encoding"] = "gzip"
        etag, _ = response.get_etag()
        if etag:
            response.set_etag(etag, weak=True)  # the same content, not the same bytes (RFC 9110, 8.8.1)
    return response


@lru_cache(maxsize=32)
def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)
