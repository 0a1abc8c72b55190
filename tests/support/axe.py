"""axe-core in a page: what it finds, short enough to be read in a failed test."""

import sys
from pathlib import Path

AXE = Path(sys.prefix) / "npm" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
RUN = """async (tags) => {
    if (!window.axe) return null;
    const found = await axe.run({ runOnly: tags, resultTypes: ["violations"] });
    const begins = (one) => one.nodes.slice(0, 3).map((node) => node.html.slice(0, 120));
    return found.violations.map((one) => [one.id, begins(one)]);
}"""


def with_axe(context):
    """A browser's context whose pages bring axe along, so that it need not be sent to each of them."""
    context.add_init_script(path=AXE)
    return context


def findings(page) -> list:
    """Every rule that is broken, with the beginning of the first three elements that break it."""
    found = page.evaluate(RUN, list(RULES))
    if found is None:
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate(RUN, list(RULES))
    return [tuple(one) for one in found]


def findings_in_both_themes(page) -> list:
    """The page as it is, first dark, then light."""
    found = []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        found += [(scheme, *one) for one in findings(page)]
    return found
