"""The headers of every answer: nothing from elsewhere, nothing inline, nothing kept."""

from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

from flask import Flask, Response

CSP = "Content-Security-Policy"
_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
)


def register(app: Flask, embed_origins: Sequence[str] = (), viewer: str = "") -> None:
    """``embed_origins`` may show our pages in a frame; our own pages always may.

    ``viewer``: its address, to which a form of ours may lead by a redirection, which browsers count as well.
    """
    app.after_request(partial(_harden, policy(embed_origins, forms=origin(viewer))))


def origin(address: str) -> str:
    """``https://host:port`` of an address; nothing of one that is none."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.netloc else ""


def policy(embed_origins: Sequence[str], style: str = "'self'", forms: str = "") -> str:
    """``style``: where styles may come from, or the hash of the one that stands in the page."""
    ancestors = " ".join(["'self'", *embed_origins])
    actions = f"'self' {forms}".strip()
    return "; ".join(
        [*_POLICY, f"form-action {actions}", f"style-src {style}", f"frame-ancestors {ancestors}"]
    )


def _harden(usual: str, response: Response) -> Response:
    response.headers.setdefault(CSP, usual)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    response.vary.update(["Cookie", "HX-Request"])
    return response
