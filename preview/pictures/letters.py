"""Words in the letters that the typeface of a card has: spelt where that says the same, else a ``?``."""

import re
import unicodedata

from anyascii import anyascii

_GREEK = "\u0370-\u03ff"
_ALONE = re.compile(rf"(?<![{_GREEK}])[Δ∆Ωμµ](?![{_GREEK}])")
"""Signs, not letters of a Greek word: spelt as such they would make micrometres millimetres."""
_SIGNS = {"Δ": "delta", "∆": "delta", "Ω": "Ohm", "μ": "u", "µ": "u"}
_DIAMETER = re.compile(r"[Ø⌀∅]\s*(?=\d)")

_SPELLABLE = ("LATIN", "FULLWIDTH LATIN", "GREEK", "CYRILLIC")
"""Letters that can be spelt in ASCII by themselves; how an ideograph is read depends on the language."""
_BEYOND_ASCII = set("©«°±´·»‘’“”…‹›⁄™")
"""What Pillow's own typeface has besides ASCII."""

_SPELT = {
    **dict.fromkeys("‐‑‒–—―−﹣", "-"),
    **dict.fromkeys("•∙⋅", "·"),
    **dict.fromkeys("≈∼≃≅", "~"),
    **dict.fromkeys("≤⩽≦", "<="),
    **dict.fromkeys("≥⩾≧", ">="),
    **dict.fromkeys("→⟶➔", "->"),
    **dict.fromkeys("☑☒", "[x]"),
    **dict.fromkeys("„‟″", '"'),
    **dict.fromkeys("‚‛′", "'"),
    "⁻": "^-",
    "⁺": "^+",
    "₋": "-",
    "×": "*",
    "÷": "/",
    "∓": "-/+",
    "≠": "=/=",
    "≪": "<<",
    "≫": ">>",
    "↑": "(up)",
    "↓": "(down)",
    "←": "<-",
    "↔": "<->",
    "♂": "(male)",
    "♀": "(female)",
    "¬": "not ",
    "☐": "[ ]",
    "∞": "(infinite)",
    "‰": " per mille",
    "º": "°",
    "€": "EUR",
    "®": "(R)",
    "№": "No.",
    "㎛": "um",
    "㎍": "ug",
    "㎕": "ul",
    "、": ", ",
    "。": ". ",
}
"""Of what is no letter; a likeness of its shape, such as # for an empty box, may say something else."""


def legible(text: str) -> str:
    """In letters that the typeface has: no accents, Cyrillic and Greek spelt; "" if hardly any can be."""
    plain = _ALONE.sub(_sign, _DIAMETER.sub("diameter ", unicodedata.normalize("NFC", text)))
    there = "".join(map(_drawable, plain))
    return there if there.count("?") - text.count("?") <= len(there) // 10 else ""


def _sign(letter: re.Match[str]) -> str:
    return _SIGNS[letter[0]]


def _drawable(letter: str) -> str:
    if letter.isascii() or letter in _BEYOND_ASCII:
        return letter
    if letter in _SPELT:
        return _SPELT[letter]
    kind = unicodedata.category(letter)
    if kind in ("Cf", "Mn", "Me"):
        return ""
    if kind.startswith("L"):
        return (anyascii(letter) if unicodedata.name(letter, "").startswith(_SPELLABLE) else "") or "?"
    if kind.startswith("N"):
        return _figure(letter)
    alike = unicodedata.normalize("NFKC", letter)
    return alike if all(one.isascii() or one in _BEYOND_ASCII for one in alike) else "?"


def _figure(letter: str) -> str:
    """10² is not 102, nor is 2½ twenty-one halves."""
    name = unicodedata.name(letter, "")
    before = "^" if name.startswith("SUPERSCRIPT") else " " if name.startswith("VULGAR FRACTION") else ""
    spelt = anyascii(letter)
    return before + spelt if spelt else "?"
