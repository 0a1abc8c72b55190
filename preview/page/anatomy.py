"""Which part of the body a study is about, as far as its description says. Pure."""

import re
import unicodedata
from functools import lru_cache

_BEGINNINGS = {
    "head": "head skull brain cranio crani cerebr neurocran kopf schadel gehirn hirn sinus nasennebenh orbit "
    "pituit hypophys",
    "neck": "neck carotid karotis thyroid schilddrus laryn pharyn halsgef halsweich",
    "chest": "chest thora lung pulmon mediastin brustkorb rippe sternum",
    "heart": "heart cardi kardi coronar koronar herz",
    "breast": "breast mamma mammo brustdrus",
    "abdomen": "abdom liver leber hepat kidney niere renal pancrea pankrea spleen bauch oberbauch gallen "
    "biliar bowel darm",
    "pelvis": "pelvi becken prosta uter ovar harnblase",
    "spine": "spine spinal wirbel brustwirbel halswirbel lendenwirbel vertebr lumbar lumbal sacr sakr myelo",
    "shoulder": "shoulder schulter clavic klavik scapul",
    "arm": "humer elbow ellbogen ellenbogen forearm unterarm oberarm",
    "hand": "wrist finger thumb daumen handgelenk",
    "hip": "huft",
    "thigh": "femur thigh oberschenkel",
    "knee": "knee knie patell",
    "leg": "tibia fibula unterschenkel",
    "foot": "ankle fuss sprunggelenk calcan kalkan",
}
"""How words for it begin, in English, German and Latin, without accents."""
_WORDS = {
    "head": "cct ncct nnh",
    "neck": "hals",
    "chest": "cxr cap tap rib ribs brust",
    "abdomen": "kub cap tap mrcp",
    "pelvis": "cap tap",
    "spine": "hws bws lws",
    "arm": "arm",
    "hand": "hand hands",
    "hip": "hip hips",
    "foot": "foot feet toe toes zehe zehen",
}
"""Whole words."""
_OF_THE_SPINE = re.compile(
    r"\b(?:thora|thorak|cervi|zervi)\w*[\s-]+(?=spine|spinal|wirbel|vertebr)|\b[ctl]-(?=spine)"
)
"""The thoracic spine is no thorax."""


def parts_of_body(description: str) -> frozenset[str]:
    """``CT Thorax/Abdomen`` is about chest and abdomen; nothing for a description that names no part."""
    words = re.findall(r"[a-z]+", _OF_THE_SPINE.sub("", _plain(description)))
    return frozenset(part for word in words for part in _named_by(word))


@lru_cache(1000)  # the same few words, for every study of a page and at every poll
def _named_by(word: str) -> frozenset[str]:
    begun = (part for part, beginnings in _BEGINNINGS.items() if word.startswith(tuple(beginnings.split())))
    return frozenset(begun) | {part for part, whole in _WORDS.items() if word in whole.split()}


def _plain(text: str) -> str:
    """Lower case without accents: ``Schädel`` as ``schadel``, ``Fuß`` as ``fuss``."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
