"""Typed settings from one TOML file and the environment; everything that is wrong is listed at once."""

import os
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from fetch.model import Local, Source, Timeouts
from fetch.setting_types import (
    AeTitle,
    AuthFile,
    Charset,
    DatabaseAddress,
    DataSource,
    FilePath,
    HostAndPort,
    KeyFile,
    OpeningSeconds,
    Origins,
    OwnAddress,
    Port,
    RedisAddress,
    ShortName,
    Text,
    TimeZone,
    WaitingSeconds,
    WebAddress,
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

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def var(self) -> Path:
        """The folder for what only this installation needs: beside the secret."""
        return self.secret_key_file.parent


class _Local(BaseModel):
    model_config = _strict
    aet: AeTitle
    port: Port


class _Source(BaseModel):
    model_config = _strict
    name: ShortName
    label: Text
    protocol: Literal["dimse"]
    host: Text
    port: Port
    aet: AeTitle
    issuer: Text
    trusted: bool
    associations: Annotated[int, Field(ge=1, le=32)] = 2
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
        plain = self.model_dump(include=set(Source.__dataclass_fields__))
        return Source(**plain, timeouts=layers)


class Viewer(BaseModel):
    """``[viewer]``: the external OHIF, opened by link."""

    model_config = _strict
    url: WebAddress
    dicomweb: WebAddress | None = None
    """Where the viewer's archive answers QIDO-RS; without it nobody asks whether it holds a study."""
    dicomweb_auth_file: AuthFile | None = None
    aet: AeTitle | None = None
    """The viewer's archive as a destination of C-MOVE; the sources must know it."""
    missing: str = ""
    """Where there is no viewer (yet): what people read when they ask for it."""


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


@dataclass(frozen=True)
class Settings:
    """Everything this installation was told."""

    app: App
    local: Local
    sources: tuple[Source, ...]
    viewer: Viewer
    launch: Launch

    def source(self, name: str) -> Source | None:
        return next((source for source in self.sources if source.name == name), None)


def load_settings(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings, or raise :class:`WrongSettings` with every problem.

    Each scalar may also come from the environment, which wins: ``PREVIEW_APP__SITE``,
    ``PREVIEW_LOCAL__PORT``, and for a source by its name ``PREVIEW_SOURCES__MAIN__HOST``.
    """
    path = path or Path(environment.get(WHERE, "preview.toml"))
    table = _read(path)
    problems = _overlay(table, environment) + _doubles(table)
    try:
        file = _File.model_validate(table)
    except ValidationError as wrong:
        raise WrongSettings(str(path), problems + [_line(error, table) for error in wrong.errors()]) from None
    if problems:
        raise WrongSettings(str(path), problems)
    local = Local(file.local.aet, file.local.port)
    sources = tuple(entry.source() for entry in file.sources)
    return Settings(file.app, local, sources, file.viewer, file.launch)


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
}


def _place(table: dict[str, Any], groups: list[str]) -> dict[str, Any] | None:
    match groups:
        case [("app" | "local" | "viewer" | "launch") as section]:
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
