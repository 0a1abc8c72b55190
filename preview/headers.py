"""The headers of every answer: nothing from elsewhere, nothing inline, nothing kept."""

from collections.abc import Sequence
from functools import partial

from flask import Flask, Response

CSP = "Content-Security-Policy"
_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
)


def register(app: Flask, embed_origins: Sequence[str] = ()) -> None:
    """``embed_origins`` may show our pages in a frame; our own pages always may."""
    app.after_request(partial(_harden, policy(embed_origins)))


def policy(embed_origins: Sequence[str], style: str = "'self'") -> str:
    """``style``: where styles may come from, or the hash of the one that stands in the page."""
    ancestors = " ".join(["'self'", *embed_origins])
    return "; ".join([*_POLICY, f"style-src {style}", f"frame-ancestors {ancestors}"])


def _harden(usual: str, response: Response) -> Response:
    response.headers.setdefault(CSP, usual)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    response.vary.update(["Cookie", "HX-Request"])
    return response
