"""`make translations`: every sentence of the application into each language's file, new ones empty.

``python -m translations fr`` begins another language.
"""

import re
import sys
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from support.sentences import extracted

from preview.languages import FOLDER

HEAD = """# {name}. Every sentence of the application, in the order of its files; see make translations.
msgid ""
msgstr ""
"Language: {code}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals={plurals}; plural={rule};\\n"

"""


def main(codes: list[str]) -> int:
    """How many sentences still have to be translated."""
    missing = 0
    for code in codes or sorted(file.stem for file in FOLDER.glob("*.po")):
        lacks = renew(code)
        print(f"{code}: {len(lacks)} to translate")
        for sentence in lacks:
            print(f"  {sentence}")
        missing += len(lacks)
    return missing


def renew(code: str) -> list[str | tuple[str, str]]:
    """Write the language's file anew; what it does not say yet."""
    file = FOLDER / f"{code}.po"
    before = read_po(file.open("rb"), locale=code) if file.is_file() else Catalog(locale=code)
    now = Catalog(locale=code, fuzzy=False)
    for sentence in extracted():
        known = before.get(sentence)
        now.add(sentence, known.string if known and known.id == sentence else None)
    file.write_text(HEAD.format(**about(now)) + body(now), encoding="utf-8")
    return [message.id for message in now if message.id and not whole(message.string)]


def about(catalogue: Catalog) -> dict[str, object]:
    name = catalogue.locale.get_display_name("en")
    return {
        "name": name,
        "code": catalogue.locale,
        "plurals": catalogue.num_plurals,
        "rule": catalogue.plural_expr,
    }


def body(catalogue: Catalog) -> str:
    written = BytesIO()
    write_po(written, catalogue, width=0, omit_header=True, no_location=True)
    return re.sub(r"^#, python-format\n", "", written.getvalue().decode(), flags=re.MULTILINE)


def whole(string: str | tuple[str, ...]) -> bool:
    return all(string) if isinstance(string, tuple) else bool(string)


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
