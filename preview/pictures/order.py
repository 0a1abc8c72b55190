"""In which order slices lie in the patient, and which of them stands for all: of images and frames alike."""

from collections.abc import Sequence
from typing import TypeVar

from preview.pictures.place import Place, Vector

_T = TypeVar("_T")

_SAME_PLACE = 0.01
"""Millimetres: what differs by less lies in the same place, at another time or in another contrast."""
_SAME_WAY = 0.001
"""So much may the parts of two normals differ; at 300 mm from the origin that is a third of a millimetre."""
_MOST_WAYS = 16
"""Slices that face in more directions than this, as views from all around, have no common axis."""
_MOST_MISSING = 0.25
"""Of the places of a stack that was taken several times: where one time has less, it is another stack."""
_NEARLY_EMPTY = 0.3
"""Of the detail of the one that has most."""


def in_order(places: Sequence[Place | None]) -> list[int]:
    """The order (indices) in which a reader expects what is given in the order of its numbers.

    By place where all face alike; else by number. Of a stack that was taken several times, one after the
    other. The first is at the end at which the lowest numbers are.
    """
    alike = _facing_alike(places)
    if len(alike) < len(places):
        return list(range(len(places)))
    layers = _layers(alike)
    if len({len(layer) for layer in layers}) == 1:
        return [layer[time] for time in range(len(layers[0])) for layer in layers]
    return [index for part in _times(alike, len(layers)) or layers for index in part]


def standing(places: Sequence[Place | None], details: Sequence[float]) -> int:
    """The index of the one nearest to the middle that is not nearly empty beside the others.

    ``places`` in the order of numbers; ``details``: how much there is to see. There is at least one.
    """
    least = max(details) * _NEARLY_EMPTY
    return next(index for index in _from_the_middle(places) if details[index] >= least)


def _from_the_middle(places: Sequence[Place | None]) -> list[int]:
    """The middle of the places, if most face alike (a localizer may be among them); else of the numbers."""
    alike = _facing_alike(places)
    if 2 * len(alike) <= len(places):
        return _outwards(range(len(places)))
    first = [index for layer in _outwards(_layers(alike)) for index in _outwards(layer)]
    return first + [index for index in _outwards(range(len(places))) if index not in alike]


def _outwards(line: Sequence[_T]) -> list[_T]:
    middle = len(line) // 2
    return [line[place] for place in sorted(range(len(line)), key=lambda place: abs(place - middle))]


def _facing_alike(places: Sequence[Place | None]) -> dict[int, float]:
    """Where those lie (by index) that face as most do."""
    ways: dict[Vector, dict[int, float]] = {}
    met: dict[Vector, dict[int, float]] = {}
    for index, place in enumerate(places):
        if place is None:
            continue
        if place.normal not in met:
            way = next((way for way in ways if _alike(way, place.normal)), place.normal)
            if way not in ways and len(ways) >= _MOST_WAYS:
                continue
            met[place.normal] = ways.setdefault(way, {})
        met[place.normal][index] = place.along
    return max(ways.values(), key=len, default={})


def _alike(one: Vector, other: Vector) -> bool:
    return all(abs(a - b) <= _SAME_WAY for a, b in zip(one, other, strict=True))


def _layers(along: dict[int, float]) -> list[list[int]]:
    """Indices by place, from the end at which the lowest numbers are; those of one place by number."""
    way = -1 if _falls(along) else 1
    layers: list[list[int]] = []
    last = 0.0
    for index in sorted(along, key=lambda index: (way * along[index], index)):
        if layers and abs(along[index] - last) <= _SAME_PLACE:
            layers[-1].append(index)
        else:
            layers.append([index])
            last = along[index]
    return [sorted(layer) for layer in layers]


def _times(along: dict[int, float], places: int) -> list[list[int]]:
    """Indices by the time at which a stack was taken, if slices of some are missing: each time its places
    begin anew. Empty if it was not taken so.
    """
    way = -1 if _falls(along) else 1
    times: list[list[int]] = []
    for index in sorted(along):
        if times and way * (along[index] - along[times[-1][-1]]) > _SAME_PLACE:
            times[-1].append(index)
        else:
            times.append([index])
    return times if all(len(time) >= places * (1 - _MOST_MISSING) for time in times) else []


def _falls(along: dict[int, float]) -> bool:
    """Do the places rather fall than rise with the numbers?"""
    middle = sum(along) / max(len(along), 1)
    return sum((index - middle) * place for index, place in along.items()) < 0
