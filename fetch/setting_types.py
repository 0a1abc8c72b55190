"""What a value in the settings may be; each says in its error what is expected."""

import re
from base64 import b64encode
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field
from pydicom.charset import python_encoding
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


SHORTEST_KEY = 32
"""Bytes: what HS256 needs at least (RFC 7518 3.2)."""


def _expect(holds: bool, expected: str) -> None:
    if not holds:
        raise ValueError(f"expected {expected}")


def _ae_title(value: str) -> str:
    printable = value.isascii() and value.isprintable() and "\\" not in value
    _expect(
        printable and 1 <= len(value.strip()) <= 16, "1 to 16 printable characters, no backslash (PS3.5 6.2)"
    )
    return value.strip()


def _short_name(value: str) -> str:
    _expect(
        re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", value) is not None, "lower-case letters, digits and hyphens"
    )
    return value


def _text(value: str) -> str:
    _expect(bool(value.strip()), "text that is not empty")
    return value.strip()


def _path(value: object) -> object:
    _expect(value not in ("", None), "a path")  # an empty one would be the folder of the start
    return Path(value) if isinstance(value, str) else value


def _parts(address: str, expected: str) -> SplitResult:
    """The parts of an address whose port, if it names one, is one."""
    try:
        parts = urlsplit(address)
        possible = parts.port != 0
    except ValueError:  # its words quote the address
        possible = False
    _expect(possible, expected)
    return parts


def _web_address(value: str) -> str:
    expected = "an address like https://host/path, without ? and #"
    parts = _parts(value, expected)
    _expect(
        parts.scheme in ("http", "https") and bool(parts.hostname) and not set("?#") & set(value), expected
    )
    return value.rstrip("/")


def leaves_in_clear(address: str) -> bool:
    """Would what is asked there leave this machine unencrypted? Not where it is no address at all."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname not in LOOPBACK


def _own_address(value: str) -> str:
    parts = urlsplit(_web_address(value))
    _expect(
        parts.scheme == "https" or parts.hostname in LOOPBACK,
        "https (plain http only for 127.0.0.1 or localhost: sessions would travel in the clear)",
    )
    return value.rstrip("/")


def _origin(value: str) -> str:
    value = _web_address(value)
    # It goes into a header as it stands.
    _expect(
        re.fullmatch(r"https?://([\w.-]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?", value, re.ASCII) is not None,
        "an origin like https://emr.example, without a path",
    )
    return value.lower()


def _key_file(value: Path) -> Path:
    _expect(_is_secret(value), "a file with at least 32 bytes that only this user may read (chmod 600)")
    return value


def _is_secret(path: Path, shortest: int = SHORTEST_KEY) -> bool:
    try:
        return len(path.read_bytes().strip()) >= shortest and not path.stat().st_mode & 0o077
    except OSError:
        return False


def _auth_file(value: Path) -> Path:
    _expect(
        _is_secret(value, 3) and authorization(value) is not None,
        'a file with one line, "user:password" or "Bearer TOKEN", that only this user may read (chmod 600)',
    )
    return value


def authorization(path: Path) -> str | None:
    """The Authorization header that the file stands for (RFC 7617, RFC 6750), or None if it holds none."""
    line = path.read_text(encoding="utf-8", errors="replace").strip()
    if "\n" in line or not line.isprintable():
        return None
    if line.startswith("Bearer "):
        return line
    return f"Basic {b64encode(line.encode()).decode()}" if ":" in line else None


def _data_source(value: str) -> str:
    _expect(
        re.fullmatch(r"[A-Za-z0-9_-]{0,64}", value) is not None,
        "the name of a data source of OHIF: letters, digits, _ and -",
    )
    return value


def _ip_address(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        raise ValueError("expected a numeric address, such as 10.0.0.7") from None


def _readable(value: Path) -> Path:
    try:
        value.open("rb").close()
        readable = True
    except OSError:
        readable = False
    _expect(readable, "a file that this user may read")
    return value


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    _expect(bool(host) and port.isdigit() and 0 < int(port) < 65536, "host:port, such as 127.0.0.1:8000")
    return value


def _database(value: str) -> str:
    expected = "sqlite:///path or postgresql+psycopg://user:password@host/name"
    try:
        url = make_url(value)
    except (SQLAlchemyError, ValueError):  # their words quote the address
        url = URL.create("none")
    _expect(_is_file(url) or _is_server(url), expected)
    return value


def _is_file(url: URL) -> bool:
    """Each process would have a database of its own in memory, and keep nothing."""
    name = url.database or ":memory:"
    return url.drivername == "sqlite" and not url.host and not name.startswith((":memory:", "file:"))


def _is_server(url: URL) -> bool:
    return url.drivername == "postgresql+psycopg" and (url.port is None or 0 < url.port < 65536)


def _redis(value: str) -> str:
    expected = '"embedded" or an address like redis://127.0.0.1:6379/0'
    parts = _parts(value, expected)
    _expect(value == "embedded" or value.startswith(("redis://", "rediss://", "unix://")), expected)
    _expect(parts.scheme != "unix" or bool(parts.path), expected)
    return value


def _charset(value: str) -> str:
    _expect(
        all(term in python_encoding for term in value.split("\\")),
        "a character set as DICOM writes it, such as ISO_IR 100 (PS3.3 C.12.1.1.2)",
    )
    return value


def _timezone(value: str) -> str:
    _expect(value in available_timezones(), "a name like Europe/London")
    return value


Text = Annotated[str, AfterValidator(_text)]
AeTitle = Annotated[str, AfterValidator(_ae_title)]
ShortName = Annotated[str, AfterValidator(_short_name)]
Port = Annotated[int, Field(ge=1, le=65535)]
OpeningSeconds = Annotated[float, Field(gt=0, le=10)]
"""For the layers on which an association is opened; a question may need it twice."""
WaitingSeconds = Annotated[float, Field(gt=0, le=110)]
"""For the layers on which an archive is silent: a page gives up its question after two minutes."""
Charset = Annotated[str, AfterValidator(_charset)]
AuthFile = Annotated[Path, BeforeValidator(_path), AfterValidator(_auth_file)]
DataSource = Annotated[str, AfterValidator(_data_source)]
DatabaseAddress = Annotated[str, AfterValidator(_database)]
HostAndPort = Annotated[str, AfterValidator(_listen)]
FilePath = Annotated[Path, BeforeValidator(_path)]
IpAddress = Annotated[str, AfterValidator(_ip_address)]
ReadableFile = Annotated[Path, BeforeValidator(_path), AfterValidator(_readable)]
KeyFile = Annotated[Path, BeforeValidator(_path), AfterValidator(_key_file)]
Origins = list[Annotated[str, AfterValidator(_origin)]]
OwnAddress = Annotated[str, AfterValidator(_own_address)]
RedisAddress = Annotated[str, AfterValidator(_redis)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
