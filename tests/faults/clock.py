"""A wall clock that jumps, for the processes of an installation and for nobody else."""

import struct
import subprocess
from pathlib import Path


class Clock:
    """``environment`` is for whoever is to live by it. It is compiled, by gcc."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._file.write_bytes(struct.pack("l", 0))
        shim = folder / "clock.so"
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(shim), "CLOCK_OFFSET": str(self._file)}

    def jump(self, seconds: int) -> None:
        """From now on it is so many seconds ahead; negative: behind."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("l", seconds))
