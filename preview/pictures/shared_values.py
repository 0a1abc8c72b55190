"""A data set to be read only: hundreds of slices say the same, and pydicom would convert each value anew."""

from functools import cache
from typing import Any

from pydicom import Dataset
from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import BaseTag
from pydicom.valuerep import AMBIGUOUS_VR, VR

_LONGEST = 1024
"""Bytes of a value that is kept for others."""
_MOST = 2000
_OF_THEIR_OBJECT = (*AMBIGUOUS_VR, VR.SQ, VR.UN)
"""What the rest of an object decides about: it is no other's."""

_Key = tuple[BaseTag, str | None, bytes, bool, bool, str]

_kept: dict[_Key, DataElement] = {}


class SharedValues(Dataset):
    """Elements that another object had with the same bytes are that object's, converted already.

    As any other data set, only quicker; nobody may change an element, or the value in it.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        tag = _tag(key) if isinstance(key, str) else None
        if not tag:
            return super().get(key, default)
        return self._element(tag).value if tag in self._dict else default

    def __getattr__(self, name: str) -> Any:
        tag = _tag(name)
        return self._element(tag).value if tag and tag in self._dict else super().__getattr__(name)

    def __getitem__(self, key: Any) -> Any:
        tag = _tag(key) if isinstance(key, str) else None
        return self._element(tag) if tag else super().__getitem__(key)

    def __contains__(self, name: Any) -> bool:
        tag = _tag(name) if isinstance(name, str) else None
        return tag in self._dict if tag else super().__contains__(name)

    def _element(self, tag: BaseTag) -> DataElement:
        element = self._dict[tag]
        return self._converted(tag, element) if isinstance(element, RawDataElement) else element

    def _converted(self, tag: BaseTag, raw: RawDataElement) -> DataElement:
        if raw.value is None or len(raw.value) > _LONGEST or not _is_plain(tag, raw.VR):
            return self._by_pydicom(tag)
        characters = str(self.original_character_set)
        key = (tag, raw.VR, raw.value, raw.is_implicit_VR, raw.is_little_endian, characters)
        if key in _kept:
            self._dict[tag] = _kept[key]
            return _kept[key]
        if len(_kept) >= _MOST:
            _kept.clear()
        _kept[key] = self._by_pydicom(tag)
        return _kept[key]

    def _by_pydicom(self, tag: BaseTag) -> DataElement:
        element: DataElement = super().__getitem__(tag)
        return element


@cache
def _tag(keyword: str) -> BaseTag | None:
    tag = tag_for_keyword(keyword)
    return None if tag is None else BaseTag(tag)


@cache
def _is_plain(tag: BaseTag, vr: str | None) -> bool:
    """Do its bytes alone say what it means?"""
    known = dictionary_VR(tag) if dictionary_has_tag(tag) else VR.UN
    return not tag.is_private and (vr or known) not in _OF_THEIR_OBJECT
