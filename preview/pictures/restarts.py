"""Has a JPEG every restart that its interval asks for (ITU-T T.81 E.1.4)? Without one the rest is missing."""

import re

from preview.pictures.scans import BLOCK, COSINES, LOSSLESS, MARKER, SCAN, segments

_INTERVAL = 0xDD
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")


def has_all_restarts(encoded: bytes) -> bool:
    """In every scan; True where there are none to be."""
    if bytes((0xFF, _INTERVAL)) not in encoded:
        return True
    frame, side, interval = b"", 0, 0
    for marker, segment, end in segments(encoded):
        if marker in COSINES | LOSSLESS:
            frame, side = segment, BLOCK if marker in COSINES else 1
        if marker == _INTERVAL:
            interval = int.from_bytes(segment[:2])
        if marker == SCAN and interval and side:
            units = _units(frame, side, segment)
            found = MARKER.search(encoded, end)
            restarts = _RESTART.findall(encoded, end, found.start() if found else len(encoded))
            if len(restarts) < -(-units // interval) - 1:
                return False
    return True


def _units(frame: bytes, side: int, scan: bytes) -> int:
    """Coded units of a scan (A.2), 0 where the headers are broken. ``side``: of a unit, in samples."""
    rows, columns = int.from_bytes(frame[1:3]), int.from_bytes(frame[3:5])
    sampled = {one: (way >> 4, way & 15) for one, way in zip(frame[6::3], frame[7::3], strict=False)}
    across, down = (max((one[place] for one in sampled.values()), default=0) for place in (0, 1))
    if not across or not down:
        return 0
    if scan[:1] == b"\1" and (alone := sampled.get(scan[1]) if len(scan) > 1 else None):
        # it has its own samples only, without what fills the unit of all components up
        columns, rows = -(-columns * alone[0] // across), -(-rows * alone[1] // down)
        across = down = 1
    return -(-columns // (side * across)) * -(-rows // (side * down))
