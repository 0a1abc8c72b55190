"""Typed settings from one TOML file and the environment; everything that is wrong is listed at once."""

import os
import re
import socket
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from fetch.model import Local, Source, Timeouts, Tls, Way, Web
from fetch.setting_types import (
    AeTitle,
    AuthFile,
    Charset,
    DatabaseAddress,
    DataSource,
    FilePath,
    HostAndPort,
    IpAddress,
    KeyFile,
    OpeningSeconds,
    Origins,
    OwnAddress,
    Port,
    ReadableFile,
    RedisAddress,
    ShortName,
    Text,
    TimeZone,
    WaitingSeconds,
    WebAddress,
    leaves_in_clear,
)

PREFIX = "PREVIEW_"
WHERE = "PREVIEW_SETTINGS"


class WrongSettings(Exception):
    """The settings cannot be used. ``problems`` has a line for each: key, value, what is expected."""

    def __init__(self, origin: str, problems: list[str]) -> None:
        self.problems = problems
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"The settings ({origin}) need {len(problems)} correction(s):\n{lines}")


# A value of TOML has a type, and it must be the right one: port = true is no port, trusted = "on" is a text.
_strict = ConfigDict(extra="forbid", frozen=True, strict=True)


class App(BaseModel):
    """``[app]``: where things are kept, and what people read."""

    model_config = _strict
    site: Text
    database: DatabaseAddress
    redis: RedisAddress
    shelf: FilePath
    secret_key_file: FilePath
    timezone: TimeZone
    helpdesk: Text
    url: OwnAddress = "http://127.0.0.1:8000"
    embed_origins: Origins = []
    """Clinical applications that show the preview in a frame; it turns on what browsers ask for that."""
    listen: HostAndPort = "127.0.0.1:8000"
    session_hours: Annotated[float, Field(gt=0, le=24)] = 10
    drawing_processes: Annotated[int, Field(ge=1, le=64)] = 2
    frames: Annotated[int, Field(ge=1, le=2000)] = 64
    """The most frames drawn of one multi-frame object."""
    spool: FilePath | None = None
    """Where objects wait to be drawn, for the receiver and every worker; beside the secret by default."""
    fallback: FilePath | None = None
    """Where the written fallback plan is put, for the web server too; beside the secret by default."""
    fallback_font: ReadableFile | None = None
    """A TrueType font for the plan's PDF, where it is written in letters that ours lacks."""
    probe_every: Annotated[float, Field(ge=0.1, le=3600)] = 30
    """Seconds between two looks at an archive that is well; after twice as long nothing is said of it."""
    probe_again: Annotated[float, Field(ge=0.1, le=3600)] = 10
    """Seconds between two looks at one that is not."""
    poster_studies: Annotated[int, Field(ge=0, le=200)] = 12
    """Of so many studies in range, the newest, posters are fetched when a patient is opened; 0 for none."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def var(self) -> Path:
        """The folder for what only this installation needs: beside the secret."""
        return self.secret_key_file.parent

    @property
    def spool_folder(self) -> Path:
        return self.spool or self.var / "spool"

    @property
    def fallback_folder(self) -> Path:
        return self.fallback or self.var / "fallback"


class _Tls(BaseModel):
    """What is said of encryption, for a source and for our receiver alike."""

    tls: bool = False
    tls_ca: ReadableFile | None = None
    tls_certificate: ReadableFile | None = None
    tls_key: ReadableFile | None = None

    def encryption(self, name: str = "") -> Tls | None:
        return Tls(self.tls_ca, self.tls_certificate, self.tls_key, name) if self.tls else None


class _Local(_Tls):
    model_config = _strict
    aet: AeTitle
    port: Port
    host: str = ""
    """Our address as an archive's administrator needs it; it stands in the sentences that ask for it."""
    listen: IpAddress = "127.0.0.1"
    """Where the receiver of C-MOVE listens; 0.0.0.0 for every address of this machine."""

    def local(self) -> Local:
        return Local(self.aet, self.port, self.host, self.listen, self.encryption())


class _Source(_Tls):
    model_config = _strict
    name: ShortName
    label: Text
    protocol: Literal["dimse", "dicomweb"]
    host: Text = ""
    port: Port = 0
    aet: AeTitle = ""
    issuer: Text
    trusted: bool
    associations: Annotated[int, Field(ge=1, le=32)] = 2
    retrieve: Literal["auto", "c-get", "c-move", "wado"] = "auto"
    dicomweb: WebAddress | None = None
    """The root of its DICOMweb, where it speaks that (besides)."""
    dicomweb_auth_file: AuthFile | None = None
    dicomweb_rendered: bool = False
    """Take thumbnails that the archive draws itself: little to move over a slow line."""
    tls_name: str = ""
    """The name in its certificate, where it is not the host's."""
    receive_from: list[IpAddress] = []
    trusts: list[Text] = []
    """Whose ids, besides those of its own issuer, may identify a patient when this archive names them."""
    charset: Charset = ""
    viewer_source: DataSource = ""
    answer_limit: Annotated[int, Field(ge=1, le=100_000)] = 500
    connect_timeout: OpeningSeconds = 5
    association_timeout: OpeningSeconds = 10
    message_timeout: WaitingSeconds = 60
    network_timeout: WaitingSeconds = 60

    def source(self) -> Source:
        layers = Timeouts(
            self.connect_timeout, self.association_timeout, self.message_timeout, self.network_timeout
        )
        return Source(
            name=self.name,
            label=self.label,
            host=self.host,
            port=self.port,
            aet=self.aet,
            issuer=self.issuer,
            trusted=self.trusted,
            associations=self.associations,
            protocol=self.protocol,
            charset=self.charset,
            viewer_source=self.viewer_source,
            answer_limit=self.answer_limit,
            timeouts=layers,
            retrieve=None if self.retrieve == "auto" else Way(self.retrieve),
            web=self._web(),
            tls=self.encryption(self.tls_name) if self.protocol == "dimse" else None,
            receive_from=tuple(self.receive_from),
            trusts=tuple(self.trusts),
        )

    def _web(self) -> Web | None:
        if self.dicomweb is None:
            return None
        certificates = Tls(self.tls_ca, self.tls_certificate, self.tls_key, self.tls_name)
        return Web(self.dicomweb, self.dicomweb_auth_file, self.dicomweb_rendered, certificates)


class Viewer(BaseModel):
    """``[viewer]``: the external OHIF, opened by link."""

    model_config = _strict
    url: WebAddress
    dicomweb: WebAddress | None = None
    """Where the viewer's archive answers QIDO-RS; without it nobody asks whether it holds a study."""
    dicomweb_auth_file: AuthFile | None = None
    aet: AeTitle | None = None
    """The viewer's archive as a destination of C-MOVE; the sources must know it."""
    host: str = ""
    port: Port | None = None
    """Where it takes images (DICOM): what an archive's administrator is told to add. We do not connect."""
    missing: str = ""
    """Where there is no viewer (yet): what people read when they ask for it."""


class Identity(BaseModel):
    """``[identity]``: who else is asked whose a study is, and how staff decide."""

    model_config = _strict
    pix: WebAddress | None = None
    """Where a cross-reference manager (IHE PIXm) answers: the root of its FHIR, without the operation."""
    pix_plain_http: bool = False
    """May the patient's id travel to it in clear, over http to another machine?"""
    pix_auth_file: AuthFile | None = None
    pix_tls_ca: ReadableFile | None = None
    pix_tls_certificate: ReadableFile | None = None
    pix_tls_key: ReadableFile | None = None
    systems: dict[str, str] = {}
    """What FHIR calls our issuers, such as ``urn:oid:1.2.3``; who is not named is called as we do."""
    second_person: bool = False
    """Does what one person has decided take effect only when another one has confirmed it?"""

    @property
    def pix_web(self) -> Web | None:
        certificates = Tls(self.pix_tls_ca, self.pix_tls_certificate, self.pix_tls_key)
        return Web(self.pix, self.pix_auth_file, tls=certificates) if self.pix else None


class LaunchClient(BaseModel):
    """``[[launch.clients]]``: a clinical application that may open patients, and the key it signs with."""

    model_config = _strict
    name: ShortName
    key_file: KeyFile

    @property
    def key(self) -> bytes:
        return self.key_file.read_bytes().strip()


class Launch(BaseModel):
    """``[launch]``: who may open patients by a signed token."""

    model_config = _strict
    audience: Text = "imaging-preview"
    clients: list[LaunchClient] = []


class _File(BaseModel):
    model_config = _strict
    app: App
    local: _Local
    sources: Annotated[list[_Source], Field(min_length=1)]
    viewer: Viewer
    launch: Launch = Launch()
    identity: Identity = Identity()


@dataclass(frozen=True)
class Settings:
    """Everything this installation was told."""

    app: App
    local: Local
    sources: tuple[Source, ...]
    viewer: Viewer
    launch: Launch
    identity: Identity

    def source(self, name: str) -> Source | None:
        return next((source for source in self.sources if source.name == name), None)


def load_settings(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings, or raise :class:`WrongSettings` with every problem.

    Each scalar may also come from the environment, which wins: ``PREVIEW_APP__SITE``,
    ``PREVIEW_LOCAL__PORT``, and for a source by its name ``PREVIEW_SOURCES__MAIN__HOST``.
    """
    path = path or Path(environment.get(WHERE, "preview.toml"))
    table = _read(path)
    problems = _overlay(table, environment) + _doubles(table) + _halves(table) + _in_clear(table)
    try:
        file = _File.model_validate(table)
    except ValidationError as wrong:
        raise WrongSettings(str(path), problems + [_line(error, table) for error in wrong.errors()]) from None
    if problems:
        raise WrongSettings(str(path), problems)
    local = file.local.local()
    sources = tuple(entry.source() for entry in file.sources)
    return Settings(file.app, local, sources, file.viewer, file.launch, file.identity)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problem = f"no such file; start from fetch/example.toml, or name another file in {WHERE}"
    except IsADirectoryError:
        problem = "is a folder; expected a TOML file"
    except OSError as failed:
        problem = f"cannot be read: {failed.strerror}"
    except UnicodeDecodeError:
        problem = "is not UTF-8 text"
    except tomllib.TOMLDecodeError as wrong:
        problem = f"is not TOML: {wrong}"
    raise WrongSettings(str(path), [problem])


def _overlay(table: dict[str, Any], environment: Mapping[str, str]) -> list[str]:
    """Put the environment's scalars into the table; say which variables name nothing."""
    problems = []
    for variable, value in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable == WHERE:
            continue
        *groups, key = variable.removeprefix(PREFIX).lower().split("__")
        place = _place(table, groups)
        if place is None:
            problems.append(f"{variable}: names no setting; expected a form like PREVIEW_APP__SITE")
        else:
            place[key] = _typed(groups, key, value)
    return problems


def _typed(groups: list[str], key: str, text: str) -> object:
    """A text of the environment in the type of its setting, or as it is: then the setting refuses it."""
    section = LaunchClient if groups[:2] == ["launch", "clients"] else _SECTIONS[groups[0]]
    field = section.model_fields.get(key)
    kind = field.annotation if field else str
    if get_origin(kind) is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return TypeAdapter(kind).validate_python(text) if kind in (bool, int, float) else text
    except ValidationError:
        return text


_SECTIONS: dict[str, type[BaseModel]] = {
    "app": App,
    "local": _Local,
    "sources": _Source,
    "viewer": Viewer,
    "launch": Launch,
    "identity": Identity,
}


def _place(table: dict[str, Any], groups: list[str]) -> dict[str, Any] | None:
    match groups:
        case [("app" | "local" | "viewer" | "launch" | "identity") as section]:
            place = table.setdefault(section, {})
        case ["sources", name]:
            place = _named(_entries(table), name)
        case ["launch", "clients", name]:
            place = _named(_entries(table.get("launch"), "clients"), name)
        case _:
            place = None
    return place if isinstance(place, dict) else None


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    named = (entry for entry in entries if str(entry.get("name", "")).replace("-", "_") == name)
    return next(named, None)


def _entries(table: object, key: str = "sources") -> list[dict[str, Any]]:
    entries = table.get(key) if isinstance(table, dict) else None
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


def _line(error: ErrorDetails, table: dict[str, Any]) -> str:
    key = _key(error["loc"], table)
    if error["type"] == "missing":
        return f"{key}: missing; expected {_example(error['loc'])}"
    if error["type"] == "extra_forbidden":
        return f"{key}: not a setting of this version; remove it or correct its spelling"
    expected = error["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    return f"{key} = {_shown(error['input'])}: {expected}"


def _example(location: tuple[int | str, ...]) -> str:
    """What the shipped example has in this place."""
    place: Any = tomllib.loads((Path(__file__).with_name("example.toml")).read_text(encoding="utf-8"))
    for part in location:
        place = _inside(place, 0 if isinstance(part, int) else part)
    if place is None:
        return "a value; README.md names every key"
    section = isinstance(place, dict | list)
    return "a section like the one in fetch/example.toml" if section else f"for example {place!r}"


def _key(location: tuple[int | str, ...], table: dict[str, Any]) -> str:
    """``sources[main].port`` rather than ``sources.0.port``: people know their archives by name."""
    key = ""
    place: Any = table
    for part in location:
        place = _inside(place, part)
        if isinstance(part, int):
            key += f"[{place.get('name', part) if isinstance(place, dict) else part}]"
        else:
            key += f".{part}" if key else str(part)
    return key


def _inside(place: object, part: int | str) -> object:
    if isinstance(place, dict):
        return place.get(part)
    return place[part] if isinstance(place, list) and isinstance(part, int) and part < len(place) else None


def _shown(value: object) -> str:
    """The value as written, without a password that an address may carry before its @ or behind its ?."""
    hidden = re.sub(r"(:(?://)?).*(?=@)|(?<=\?).*(?=')", r"\1…", repr(value))
    return hidden if len(hidden) <= 80 else f"{hidden[:77]}…"


def _doubles(table: dict[str, Any]) -> list[str]:
    sources, clients = _entries(table), _entries(table.get("launch"), "clients")
    return [
        f"{where}[{name}].name = {name!r}: expected a name that no other one has"
        for where, entries in (("sources", sources), ("launch.clients", clients))
        for name, times in sorted(Counter(str(e["name"]) for e in entries if "name" in e).items())
        if times > 1
    ]


def _halves(table: dict[str, Any]) -> list[str]:
    """What only makes sense together with something that is not there."""
    local = table.get("local")
    problems = _half_tls("local", local, ("tls_ca", "tls_certificate")) if isinstance(local, dict) else []
    for number, entry in enumerate(_entries(table)):
        where = f"sources[{entry.get('name', number)}]"
        problems += [f"{where}.{key}: missing; {expected}" for key, expected in _lacking(entry)]
        problems += _half_tls(where, entry, ())
        if entry.get("protocol") == "dicomweb" and entry.get("retrieve") in ("c-get", "c-move"):
            problems.append(f"{where}.retrieve = {entry['retrieve']!r}: expected 'auto' or 'wado' here")
        elif entry.get("retrieve") == "c-move" and _sends_in_clear(entry, local):
            problems.append(
                f"{where}.retrieve = 'c-move': expected local.tls = true with its certificate, so that images"
                f" come encrypted too; or 'auto' or 'c-get', or {where}.tls = false"
            )
        elif entry.get("retrieve") == "c-move" and _cannot_reach_us(entry, local):
            problems.append(
                f"{where}.retrieve = 'c-move': expected local.listen = an address of this machine that this"
                " archive reaches (or '0.0.0.0', every one), and local.host = our address for its"
                " administrator; or 'auto' or 'c-get'"
            )
    return problems


def _in_clear(table: dict[str, Any]) -> list[str]:
    """A cross-reference manager is asked with the patient's id in the address."""
    identity = table.get("identity")
    said = identity if isinstance(identity, dict) else {}
    asked = said.get("pix")
    if not isinstance(asked, str) or said.get("pix_plain_http") is True or not leaves_in_clear(asked):
        return []
    expected = (
        "https, because patients' ids stand in what is asked; plain http only to 127.0.0.1 or localhost"
    )
    return [f"identity.pix = {_shown(asked)}: expected {expected}, or with identity.pix_plain_http = true"]


def _sends_in_clear(entry: Mapping[str, Any], local: object) -> bool:
    """Is it asked over TLS, while our receiver, to which it would send, takes images in clear?"""
    return entry.get("tls") is True and not (isinstance(local, dict) and local.get("tls") is True)


def _cannot_reach_us(entry: Mapping[str, Any], local: object) -> bool:
    """Is it on another machine, while our receiver listens to this one only, and nothing passes on to it?"""
    listen = local.get("listen", _Local.model_fields["listen"].default) if isinstance(local, dict) else ""
    others = entry.get("receive_from")
    senders = [entry["host"], *(others if isinstance(others, list) else ())] if "host" in entry else []
    return _is_here(listen) and bool(senders) and not any(map(_is_here, senders))


def _is_here(address: object) -> bool:
    """Is it this machine, as far as that can be told without asking anybody?"""
    if str(address).lower() in ("localhost", socket.gethostname().lower()):
        return True
    try:
        return ip_address(str(address)).is_loopback
    except ValueError:
        return False


def _lacking(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What an archive needs so that it can be asked in the way it is said to be."""
    by_dimse = [] if entry.get("protocol") == "dicomweb" else ["host", "port", "aet"]
    by_web = entry.get("retrieve") == "wado" or entry.get("protocol") == "dicomweb"
    lacking = [(key, f"expected {_example(('sources', 0, key))}") for key in by_dimse if key not in entry]
    if by_web and "dicomweb" not in entry:
        lacking.append(("dicomweb", "expected for example 'https://pacs.example/dicom-web'"))
    return lacking


def _half_tls(where: str, entry: Mapping[str, Any], needed: tuple[str, ...]) -> list[str]:
    """A certificate is nothing without its key; a receiver that encrypts needs both, and whom to trust."""
    required = {key for key in needed if entry.get("tls") is True}
    for one, other in (("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")):
        if entry.get(one) or one in required:
            required.add(other)
    return [f"{where}.{key}: missing; expected a PEM file" for key in sorted(required) if not entry.get(key)]
