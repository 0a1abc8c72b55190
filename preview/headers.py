"""The headers of every answer: nothing from elsewhere, nothing inline, nothing kept."""

from collections.abc import Sequence
from functools import partial

from flask import Flask, Response

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
)


def register(app: Flask, embed_origins: Sequence[str] = ()) -> None:
    """``embed_origins`` may show our pages in a frame; our own pages always may."""
    ancestors = " ".join(["'self'", *embed_origins])
    policy = "; ".join([*_POLICY, "form-action 'self'", f"frame-ancestors {ancestors}"])
    app.after_request(partial(_harden, policy))


def _harden(policy: str, response: Response) -> Response:
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    response.vary.update(["Cookie", "HX-Request"])
    return response
