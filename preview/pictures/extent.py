"""How many frames there are in uncompressed pixel data, which an object may miscount."""

from dataclasses import dataclass

from preview.pictures.description import Description

_PADDING = 4096
"""Bytes behind the last frame that mean nothing: the standard has one at most, some fill up a block."""


@dataclass(frozen=True)
class Extent:
    """``length`` bytes of pixels that are described so, in ``stated`` frames."""

    about: Description
    length: int
    stated: int

    @classmethod
    def of(cls, about: Description, length: int, stated: int) -> "Extent":
        """As described, or in the one other way that fits to the last byte: colours are not subsampled, or as
        many as the photometric interpretation has, or in larger words, whatever is said.
        """
        for other in about.other_readings:
            if (read := cls(other, length, stated)).fills(stated):
                return read
        return cls(about, length, stated)

    @property
    def count(self) -> int:
        """More than stated only where what is there is frames to the last byte. Raises ZeroDivisionError."""
        room = 8 * self.length // self.about.frame_bits
        if room > self.stated and self.fills(room) and not self.fills(self.stated):
            return room
        return min(room, self.stated)

    @property
    def has_more(self) -> bool:
        """Are there pixels behind the last frame? Its rows may then be fewer than there are."""
        return self._beyond(self.count) > _PADDING

    @property
    def is_sound(self) -> bool:
        """At least one frame, nothing as long as a frame that is none, and one way to count them."""
        too_much = self.has_more and 8 * self._beyond(self.count) >= self.about.frame_bits
        if too_much or self.about.is_contradictory or not self.count:
            return False
        whole = Extent(self.about.whole(), self.length, self.stated)
        return self.count <= self.stated or not self.about.is_subsampled or not whole.fills(whole.count)

    def fills(self, frames: int) -> bool:
        """Do so many frames go to the last byte, or to the one that makes an even length (PS3.5 7.1.1)?"""
        return self._beyond(frames) in (0, 1)

    def _beyond(self, frames: int) -> int:
        return self.length - -(-frames * self.about.frame_bits // 8)
