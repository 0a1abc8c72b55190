"""Whose an object is, found in its texts in whichever spelling: what mentions that is never drawn."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from itertools import permutations

from anyascii import anyascii
from pydicom import Dataset

from fetch.identity.letters import mended
from fetch.sources.reading import day, text, texts
from preview.pictures.sequences import items

_NAMES = (
    "PatientName",
    "OtherPatientNames",
    "PatientBirthName",
    "PatientMotherBirthName",
    "ResponsiblePerson",
)
_NUMBERS = (
    "PatientID",
    "OtherPatientIDs",
    "AccessionNumber",
    "AdmissionID",
    "MedicalRecordLocator",
)
_ORDERS = (
    "AccessionNumber",
    "PlacerOrderNumberImagingServiceRequest",
    "FillerOrderNumberImagingServiceRequest",
)

_MOST = 100
"""Names, and numbers, that one patient may have."""

_PARTICLES = {
    *("af", "al", "av", "bin", "bint", "da", "das", "de", "del", "della", "den", "der", "di"),
    *("do", "dos", "du", "el", "en", "ibn", "la", "las", "le", "los", "of", "op", "st"),
    *("te", "ten", "ter", "the", "und", "van", "vom", "von", "zu", "zum", "zur"),
}
"""Parts of names that are words of every other sentence, too: alone they tell nothing."""

_INFLECTED = 4
"""From so many letters on a name is also known with another ending: Sentinels, Novakova, Novakove."""
_VOWELS = "aeiouy"
_LONGEST_ENDING = 3
_UNMISTAKABLE = 6
"""From so many letters on a name is also known inside of other words, or broken in two."""
_PIECE = re.compile(r"A?a+|A+(?!a)|o+|1+")
"""In the shape of a word: LiWei is two, PTVLi2 three."""
_MOST_JOINED = 6
"""Parts of one name."""
_SHORTEST_NUMBER, _LONGEST_NUMBER = 3, 64
_OUR_COUNTS = "images?|channels|segments?|structures?|beams?|fractions?|track|annotation"
_UNITS = rf"[mcnu]?m[23]?|[mud]?l|[umk]?g|ms|s|min|h|[mk]?hz|[mc]?gy|hu|k?v|m?a|{_OUR_COUNTS}"
_SHORTEST_DIVIDED = 5
"""From so many characters on a number is also known with blanks, dots and dashes in it."""

_GAP = r"[\s._/-]{0,2}"
_INSIDE = re.compile(r"(?<=\w)['’ʼ‘`´ʻ·\u00ad\u200b-\u200d\ufeff](?=\w)")
"""What stands inside a word without dividing it: O'Brien is OBrien."""
_ONE_SOUND = re.compile("([aou])e|aa")
"""Muller, Mueller and Müller are one, as are Aase and Åse."""


class Mentions:
    """Of the patient of one object: by name, number, birth date or address."""

    def __init__(self, ds: Dataset) -> None:
        names = [name for keyword in _NAMES for name in texts(ds, keyword)][:_MOST]
        parts = [_words(name) for name in names]
        self._words = {word for part in parts for word in part if len(word) > 1} - _PARTICLES
        self._stems = self._words | {
            word[:-1] for word in self._words if len(word) > _INFLECTED and word[-1] in _VOWELS
        }
        joined = {one for part in parts for one in _joined(part)}
        self._words |= joined
        streets = ("".join(_words(one)) for one in re.split(r"[,;\\^\n]", text(ds, "PatientAddress")))
        self._inside = {
            *(word for word in self._words if len(word) >= _UNMISTAKABLE),
            *(pair for pair in joined if len(pair) >= _UNMISTAKABLE),
            *(street for street in streets if len(street) >= _UNMISTAKABLE),
        }
        patterns = (*map(_number, _numbers(ds)[:_MOST]), *_telephones(ds), *_birth_dates(ds))
        self._patterns = [re.compile(one) for one in patterns if one]

    def within(self, line: str) -> bool:
        """Does it tell whose the object is?"""
        words = _words(line)
        if any(map(self._is_name, words)) or any(map(self._is_name, _words(_divided(line)))):
            return True
        together, plain = "".join(words), _plain(line)
        return any(one in together for one in self._inside) or any(
            one.search(plain) for one in self._patterns
        )

    def _is_name(self, word: str) -> bool:
        endings = range(max(_INFLECTED, len(word) - _LONGEST_ENDING), len(word))
        return word in self._words or any(word[:end] in self._stems for end in endings)


def _plain(written: str) -> str:
    """In small ASCII letters and digits, as a card would spell it."""
    return anyascii(unicodedata.normalize("NFKC", mended(written))).casefold()


def _words(written: str) -> list[str]:
    """Each as plain letters, and so that all ways to write one name without accents are the same."""
    return [_ONE_SOUND.sub(_first, word) for word in re.findall(r"[^\W_]+", _plain(_INSIDE.sub("", written)))]


def _joined(part: list[str]) -> Iterator[str]:
    """Parts of a name in one word, in any order; two initials alone are words of every other sentence."""
    several = list(dict.fromkeys(part[:_MOST_JOINED]))
    for together in (*permutations(several, 2), *permutations(several, 3)):
        if any(len(word) > 1 for word in together):
            yield "".join(together)


def _divided(written: str) -> str:
    """With blanks before capitals that begin a word, and between letters and figures."""
    whole = unicodedata.normalize("NFKC", mended(written))
    return " ".join(whole[piece.start() : piece.end()] for piece in _PIECE.finditer(_shape(whole)))


def _shape(written: str) -> str:
    return "".join(
        "A"
        if letter.isupper()
        else "a"
        if letter.islower() or unicodedata.combining(letter)
        else "1"
        if letter.isdigit()
        else "o"
        if letter.isalpha()
        else " "
        for letter in written
    )


def _first(sound: re.Match[str]) -> str:
    return sound[0][0]


def _numbers(ds: Dataset) -> list[str]:
    return [
        *(one for keyword in _NUMBERS for one in texts(ds, keyword)),
        *(text(item, "PatientID") for item in items(ds, "OtherPatientIDsSequence")),
        *(text(item, keyword) for item in items(ds, "ReferencedRequestSequence") for keyword in _ORDERS),
    ]


def _number(written: str) -> str:
    """However it is divided, and with or without the zeros it begins with; "" for what is no number."""
    kept = re.sub(r"[\W_]", "", _plain(written)).lstrip("0")[:_LONGEST_NUMBER]
    if len(kept) < _SHORTEST_NUMBER:
        return _short_number(kept)
    gap = _GAP if len(kept) >= _SHORTEST_DIVIDED else ""
    begin, end = (r"(?<!\d)0*" if kept[0].isdigit() else ""), (r"(?!\d)" if kept[-1].isdigit() else "")
    return begin + gap.join(kept) + end


def _short_number(kept: str) -> str:
    """By itself and not as a measure; a single character only where a line says nothing else."""
    if len(kept) < _SHORTEST_NUMBER - 1:
        return rf"^\W*0*{kept}\W*$" if kept else ""
    return rf"(?<![a-z\d])(?<!\d[.,])0*{kept}(?![a-z\d])(?![.,]\d)(?!\s?(?:%|(?:{_UNITS})(?![a-z\d])))"


def _telephones(ds: Dataset) -> list[str]:
    """By their ends: with what prefix a number is called depends on where one is."""
    numbers = (re.sub(r"\D", "", _plain(one)) for one in texts(ds, "PatientTelephoneNumbers")[:_MOST])
    return [_GAP.join(one[-_UNMISTAKABLE:]) + r"(?!\d)" for one in numbers if len(one) >= _UNMISTAKABLE]


def _birth_dates(ds: Dataset) -> list[str]:
    written = text(ds, "PatientBirthDate")
    born = day(written)
    return _notations(born) if born else [_number(written) if len(written) >= _SHORTEST_NUMBER else ""]


def _notations(born: date) -> list[str]:
    """In figures in any order, with the month in words of any language, and in one piece."""
    years = (f"{born.year}", f"{born.year + 543}")  # as Thailand counts
    one, many = (rf"(?<!\d)0?{number}(?!\d)" for number in (born.day, born.month))
    of_four = rf"(?<!\d)(?:{'|'.join(years)})(?!\d)"
    of_two = rf"(?<!\d)'?{born:%y}(?!\d)"
    return [
        *_in_figures(of_four, one, many, r"\D{1,6}"),
        *_in_figures(of_two, one, many, r"[\s./,_-]{1,3}"),
        *(rf"[a-z]\W?0?{era}\D{{1,4}}{many}\D{{1,4}}{one}" for era in _eras(born.year)),
        # Any word: another month of the same year on the same day is no loss.
        rf"{one}\D{{3,20}}{of_four}",
        rf"{of_four}\D{{3,20}}{one}",
        rf"[a-z]{{3}}\W{{0,2}}{one}(?:st|nd|rd|th)?\W{{1,3}}(?:{of_four}|{of_two})",
        rf"{one}[\s.,_-]{{0,3}}[a-z]{{3,12}}[\s.,_-]{{0,3}}{of_two}",
        rf"(?<!\d){born:%Y%m%d}",
        rf"(?<!\d)(?:{born:%d%m%Y}|{born:%m%d%Y})(?!\d)",
        rf"(?<!\d)(?:{born:%y%m%d}|{born:%d%m%y}|{born:%m%d%y})(?:\d{{4}})?(?!\d)",
    ]


def _in_figures(year: str, one: str, many: str, gap: str) -> list[str]:
    orders = ((year, many, one), (year, one, many), (one, many, year), (many, one, year))
    return [gap.join(order) for order in orders]


def _eras(year: int) -> list[int]:
    """The years of Japanese eras, as they are written on forms: S45, H2."""
    return [year - before for before in (1867, 1911, 1925, 1988, 2018) if 0 < year - before < 65]
