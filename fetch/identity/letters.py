"""Letters of a name made comparable: without case, accents and hyphens, in each way that is usual."""

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "æ": "ae", "þ": "th"})
_WORDS = re.compile(r"[^\W_]+")
_INSIDE = str.maketrans("", "", "'’ʼ‘`´ʻ.·\u00ad\u200b\u200c\u200d\ufeff")
"""What stands inside a word without dividing it: O'Brien is OBrien, St. is St."""
_KATAKANA = {hiragana: hiragana + 0x60 for hiragana in range(0x3041, 0x3097)}
"""Both kana write the same sounds."""
_ESCAPES = re.compile(r"\$[@AB]|\$\([ABDOPQ]|\$\)[ACG]|\([BIJ](?=[\^=]|$)")
"""ISO 2022 escape sequences of which the escape itself was lost (PS3.5 6.1.2.5)."""


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[str, ...]:
    """The words as they are written, without case; apostrophes do not divide a word, hyphens do."""
    if text.isascii():
        return tuple(_WORDS.findall(text.translate(_INSIDE).casefold()))
    plain = unicodedata.normalize("NFKC", text).translate(_INSIDE).casefold()
    return tuple(_WORDS.findall(unicodedata.normalize("NFC", plain).translate(_KATAKANA)))


@lru_cache(maxsize=8192)
def foldings(word: str) -> frozenset[str]:
    """The ways in which a word is written with plain letters: müller is muller and mueller.

    Letters that are not Latin stay: their transliteration would be a guess (see :func:`guess`).
    """
    if word.isascii():
        return frozenset((word,))
    if not is_latin(word):
        return frozenset((word, _unmarked(word)))
    return frozenset((_plain(word), _plain(word.translate(_UMLAUTS))))


def _plain(word: str) -> str:
    return "".join(c for c in anyascii(word).casefold() if c.isalnum())


def _unmarked(word: str) -> str:
    """Without the marks that its script can do without: Greek accents, vowel points, the dots of ё.

    In others a mark makes another letter: й is not и, ガ is not カ.
    """
    kept, base = "", ""
    for c in unicodedata.normalize("NFD", word):
        marked = unicodedata.combining(c) != 0
        base = base if marked else unicodedata.name(c, "")
        if not (marked and _is_optional(c, base)):
            kept += c
    return unicodedata.normalize("NFC", kept) or word


def _is_optional(mark: str, base: str) -> bool:
    return base.startswith(("GREEK", "HEBREW", "ARABIC")) or (
        mark == "\u0308" and base.startswith("CYRILLIC")
    )


@lru_cache(maxsize=8192)
def is_latin(text: str) -> bool:
    """Is every letter a Latin one?"""
    return text.isascii() or all(
        unicodedata.name(c, "").startswith(("LATIN", "MODIFIER LETTER")) for c in text if c.isalpha()
    )


def guess(word: str) -> str:
    """What the word may be in Latin letters: good enough to put candidates in order, never to agree."""
    return _plain(word)


@lru_cache(maxsize=8192)
def garbled(text: str) -> bool:
    """Was it decoded wrongly, or does it hold what no name has (``*``, ``?``, a backslash)?"""
    if not text or (text.isascii() and text.replace("^", "").replace(" ", "").isalpha()):
        return False
    if set(text) & set("*?\\\ufffd") or _ESCAPES.search(text):
        return True
    return mended(text) != text or any(unicodedata.category(c) in ("Cc", "Cn", "Co", "Cs") for c in text)


def mended(text: str) -> str:
    """UTF-8 that was read as Latin 1 or Windows 1252, read again; anything else as it is."""
    if text.isascii():
        return text
    for charset in ("latin-1", "cp1252"):
        try:
            return text.encode(charset).decode("utf-8")
        except UnicodeError:
            continue
    return text
