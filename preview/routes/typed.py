"""What somebody has typed into a form, fit to be looked for and to be shown again."""

from flask import request

_LONGEST = 256


def typed_in(name: str) -> str:
    """On one line and without what no keyboard writes: neither a database nor HTML could hold a NUL."""
    text = " ".join(request.form.get(name, "").split())
    return "".join(letter for letter in text if letter.isprintable())[:_LONGEST]
