"""axe-core in a page: what it finds, short enough to be read in a failed test."""

import sys
from pathlib import Path

AXE = Path(sys.prefix) / "npm" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def findings(page) -> list:
    """Every rule that is broken, with the beginning of the first three elements that break it."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(tags) => axe.run({ runOnly: tags })", list(RULES))
    return [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found["violations"]]


def findings_in_both_themes(page) -> list:
    """The page as it is, first dark, then light."""
    found = []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        found += [(scheme, *one) for one in findings(page)]
    return found
