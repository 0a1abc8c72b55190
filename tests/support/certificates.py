"""Certificates as a hospital's authority would issue them, made by OpenSSL in a folder of the test's."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; ``ca`` is what makes others trust them."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self.ca, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        _openssl(
            "req", "-x509", *_KEY, "-keyout", self._key, "-out", self.ca, "-subj", f"/CN={name}", "-days", "2"
        )

    def issue(self, name: str, *, to: str = "DNS:localhost,IP:127.0.0.1", days: int = 2) -> Issued:
        """A certificate for these names; a negative number of days for one that has expired."""
        issued = Issued(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request, names = self._folder / f"{name}.csr", self._folder / f"{name}.names"
        names.write_text(f"subjectAltName={to}\n")
        _openssl("req", "-new", *_KEY, "-keyout", issued.key, "-out", request, "-subj", f"/CN={name}")
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key, "-CAcreateserial"),
            *("-days", str(days), "-extfile", names, "-out", issued.certificate),
        )
        return issued


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)
