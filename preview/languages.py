"""The languages that pages speak: English, and each that has a file in ``translations``, named by code."""

from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import has_request_context
from flask_babel import Domain, get_locale

FOLDER = Path(__file__).with_name("translations")
ENGLISH = "en"


def languages() -> dict[str, str]:
    """Code and own name of each, English first."""
    codes = [ENGLISH, *sorted(file.stem for file in FOLDER.glob("*.po"))]
    return {code: (Locale.parse(code).get_display_name() or code).capitalize() for code in codes}


@cache
def catalogue(code: str) -> NullTranslations:
    """What is written in its file, as translators write it: nothing has to be compiled first."""
    file = FOLDER / f"{code}.po"
    if not file.is_file():
        return NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as written:
        write_mo(compiled, read_po(written, locale=code))
    compiled.seek(0)
    return Translations(compiled)


@cache
def _catalogue(language: Locale) -> NullTranslations:
    """Asked for by every word of a page: to name the language costs more than to find its words."""
    return catalogue(str(language))


class Written(Domain):  # type: ignore[misc]
    """Where Flask-Babel finds the sentences of a page."""

    def get_translations(self) -> NullTranslations:
        language = get_locale() if has_request_context() else None
        return NullTranslations() if language is None else _catalogue(language)
