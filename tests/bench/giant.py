"""One multi-frame instance of 1 GB (2,000 frames, 512 x 512, 16 bits) arrives: memory."""

import struct
import tempfile
from pathlib import Path

from pydicom.uid import MultiFrameGrayscaleWordSecondaryCaptureImageStorage

from bench.figures import figure
from bench.hospital import archive, by_command, ct, running, site, slice_of_body
from bench.memory import PeakMemory
from bench.peers import bring

FRAMES, SIZE = 2000, 512


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study_uid = write(folder / "archive" / "giant.dcm")
        with archive(folder / "archive") as port:
            one = site(folder / "site", port)
            peer = bring(port, "MAIN", study_uid, folder / "peer")
            with running(one), PeakMemory(one.processes["worker"].pid) as memory:
                fetch = by_command(one, study_uid)
    assert fetch.drawn == 1, fetch
    figure("fetched and drawn", fetch.seconds, peer=peer, of="getscu +B")
    figure("peak memory of the worker and below (PSS)", memory.mebibytes, "MiB", goal=500)


def write(path: Path) -> str:
    """The file, frame by frame; its study."""
    path.parent.mkdir(parents=True)
    (ds,) = ct(1, SIZE)
    ds.SOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.NumberOfFrames = FRAMES
    del ds.PixelData
    ds.save_as(path, enforce_file_format=True)
    with path.open("ab") as file:  # the last element: tag, VR, two bytes that are reserved, length
        file.write(struct.pack("<HH2s2xI", 0x7FE0, 0x0010, b"OW", FRAMES * SIZE * SIZE * 2))
        for number in range(FRAMES):
            file.write(slice_of_body(SIZE, number % 40).tobytes())
    return ds.StudyInstanceUID


if __name__ == "__main__":
    main()
