"""Every sentence that goes through gettext, as pybabel would extract it from the templates and the source."""

from functools import cache

from babel.messages.extract import extract_from_dir

from support.installation import ROOT

METHODS = [
    ("templates/**.html", "jinja2"),
    ("app.py", "python"),
    ("preview/**.py", "python"),
    ("fetch/**.py", "python"),
]
STRICT = {"templates/**.html": {"silent": "false"}}


@cache
def extracted() -> tuple[str | tuple[str, str], ...]:
    """Plural forms as pairs."""
    found = extract_from_dir(str(ROOT), METHODS, STRICT, directory_filter=_ours)
    return tuple(dict.fromkeys(message for _, _, message, _, _ in found))


def _ours(folder: str) -> bool:
    relative = folder.removeprefix(str(ROOT)).strip("/")
    return not relative.startswith((".", "tests", "var", "preview/demo", "node_modules"))
