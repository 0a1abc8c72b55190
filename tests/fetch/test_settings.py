"""The settings file and the environment: what loads, and how everything wrong is said at once."""

import re
import socket
import tomllib
from pathlib import Path

import pytest

import fetch.settings
from fetch.model import Local, Way
from fetch.setting_types import authorization
from fetch.settings import WrongSettings, load_settings

EXAMPLE = """
[app]
site = "City Hospital"
database = "sqlite:///var/preview.db"     # or postgresql+psycopg://…
redis = "redis://127.0.0.1:6379/0"        # or "embedded"
shelf = "var/shelf"
secret_key_file = "var/secret"            # made on first start, mode 0600
timezone = "Europe/London"
helpdesk = "Radiology 2345"

[local]
aet = "PREVIEW"
port = 11112

[[sources]]
name = "main"                             # short, used by the CLI and in the database
label = "Main archive"                    # what people read
protocol = "dimse"                        # later also "dicomweb"
host = "127.0.0.1"
port = 4242
aet = "ORTHANC"
issuer = "HOSP"                           # who issues the patient ids of this archive
trusted = true                            # may its ids identify a patient?
associations = 2

[viewer]
url = "http://127.0.0.1:3000/viewer"
"""
"""The lines of the shipped example that hold, without those that only name a default."""

SECOND = """
[[sources]]
name = "out-side"
label = "Outside"
protocol = "dimse"
host = "pacs.example"
port = 104
aet = "RIVER"
issuer = "RIVERSIDE"
trusted = false
"""

REQUIRED = {
    "app": ["site", "database", "redis", "shelf", "secret_key_file", "timezone", "helpdesk"],
    "local": ["aet", "port"],
    "sources": ["name", "label", "protocol", "host", "port", "aet", "issuer", "trusted"],
    "viewer": ["url"],
}

DEFAULTS = {
    "app": [
        *("url", "listen", "session_hours", "embed_origins", "drawing_processes", "frames", "poster_studies"),
        *("probe_every", "probe_again"),
    ],
    "local": ["listen", "tls"],
    "sources": [
        *("associations", "trusts", "retrieve", "answer_limit", "dicomweb_rendered", "tls"),
        *("connect_timeout", "association_timeout", "message_timeout", "network_timeout"),
    ],
    "identity": ["second_person", "pix_plain_http"],
    "launch": ["audience"],
}


@pytest.fixture
def load(tmp_path):
    """Load this text as the settings file, with this environment."""

    def loaded(text=EXAMPLE, **environment):
        file = tmp_path / "preview.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_settings(file, environment)

    return loaded


@pytest.fixture
def problems(load):
    """The problems with which this text and environment are refused."""

    def refused(text=EXAMPLE, **environment):
        with pytest.raises(WrongSettings) as wrong:
            load(text, **environment)
        assert all(problem in str(wrong.value) for problem in wrong.value.problems)
        return wrong.value.problems

    return refused


def without(key, section):
    """The example without one line of one section."""
    head, body = EXAMPLE.split(f"[{section}]", 1)
    changed = re.sub(rf"^{key} = .*\n", "", body, count=1, flags=re.MULTILINE)
    assert changed != body
    return f"{head}[{section}]{changed}"


def with_line(line, section="app"):
    """The example with one key of a section replaced or added."""
    key = line.partition(" =")[0]
    head, rest = EXAMPLE.split(f"[{section}]", 1)
    body, bracket, tail = rest[1:].partition("\n[")
    body, replaced = re.subn(rf"^{key} = .*$", lambda _: line, body, count=1, flags=re.MULTILINE)
    return f"{head}[{section}]\n" + (body if replaced else f"{line}\n{body}") + bracket + tail


# What loads


def test_the_example_of_the_readme_loads(load):
    settings = load()
    assert settings.app.site == "City Hospital"
    assert settings.app.zone.key == "Europe/London"
    assert str(settings.app.shelf) == "var/shelf"
    assert str(settings.app.var) == "var"
    assert settings.local == Local("PREVIEW", 11112)
    assert settings.viewer.url == "http://127.0.0.1:3000/viewer"
    (source,) = settings.sources
    assert (source.name, source.label, source.protocol) == ("main", "Main archive", "dimse")
    assert (source.host, source.port, source.aet) == ("127.0.0.1", 4242, "ORTHANC")
    assert (source.issuer, source.trusted, source.associations) == ("HOSP", True, 2)


def test_the_example_that_is_shipped_says_the_same(load):
    shipped = Path(fetch.settings.__file__).with_name("example.toml")
    assert load_settings(shipped, {}) == load()


def _with_every_line():
    """The shipped example with the "# " of every setting taken away."""
    shipped = Path(fetch.settings.__file__).with_name("example.toml").read_text(encoding="utf-8")
    return tomllib.loads(re.sub(r"(?m)^# (?=\[|[a-z_]+ = )", "", shipped))


def test_the_example_names_every_setting_and_nothing_else():
    example = _with_every_line()
    for section, model in fetch.settings._SECTIONS.items():
        written = example
        for part in section.split("."):
            written = written[part]
        named = set(written[0] if isinstance(written, list) else written)
        assert named - {"clients"} == set(model.model_fields) - {"clients"}, section


def test_the_defaults_in_the_example_are_those_that_hold():
    example = _with_every_line()
    for section, keys in DEFAULTS.items():
        model = fetch.settings._SECTIONS[section]
        written = example[section][0] if isinstance(example[section], list) else example[section]
        assert {key: written[key] for key in keys} == {key: model.model_fields[key].default for key in keys}


def test_every_key_that_is_not_in_the_example_has_a_default(load):
    settings = load(without("associations", "[sources]"))
    (source,) = settings.sources
    assert (source.associations, source.answer_limit, source.charset) == (2, 500, "")
    assert (source.timeouts.connect, source.timeouts.message) == (5, 60)
    assert settings.app.listen == "127.0.0.1:8000"
    assert settings.app.drawing_processes >= 1


def test_the_four_time_outs_reach_the_source(load):
    lines = "connect_timeout = 1\nassociation_timeout = 2\nmessage_timeout = 3.5\nnetwork_timeout = 4"
    timeouts = load(with_line(lines, "[sources]")).sources[0].timeouts
    assert (timeouts.connect, timeouts.association) == (1, 2)
    assert (timeouts.message, timeouts.network) == (3.5, 4)


def test_a_source_is_found_by_its_name(load):
    settings = load(EXAMPLE + SECOND)
    assert settings.source("out-side").issuer == "RIVERSIDE"
    assert settings.source("elsewhere") is None


@pytest.mark.parametrize("address", ["embedded", "rediss://host:6380/1", "unix:///run/redis.sock"])
def test_redis_may_be_embedded_or_an_address(load, address):
    assert load(with_line(f'redis = "{address}"')).app.redis == address


def test_a_slash_at_the_end_of_an_address_does_not_matter(load):
    assert load(with_line('url = "https://ohif.example/viewer/"', "viewer")).viewer.url.endswith("/viewer")


# What is missing


@pytest.mark.parametrize(
    ("section", "key"), [(section, key) for section, keys in REQUIRED.items() for key in keys]
)
def test_each_required_key_is_missed(problems, section, key):
    table = "[sources]" if section == "sources" else section  # [[sources]] is a list of tables
    place = {"sources": "sources[0]" if key == "name" else "sources[main]"}.get(section, section)
    (problem,) = problems(without(key, table))
    assert problem.startswith(f"{place}.{key}: missing; expected for example ")


def test_a_missing_key_comes_with_an_example(problems):
    assert problems(without("port", "local")) == ["local.port: missing; expected for example 11112"]


def test_of_an_empty_file_every_section_is_missed(problems):
    expected = "missing; expected a section like the one in fetch/example.toml"
    assert problems("") == [f"{section}: {expected}" for section in ("app", "local", "sources", "viewer")]


def test_of_empty_sections_every_required_key_is_missed(problems):
    expected = [f"{section}.{key}" for section in ("app", "local") for key in REQUIRED[section]]
    expected += [f"sources[0].{key}" for key in REQUIRED["sources"]]
    missed = [line.partition(": missing; ")[0] for line in problems("[app]\n[local]\n[[sources]]\n[viewer]")]
    assert sorted(missed) == sorted([*expected, "viewer.url"])


def test_without_any_source_there_is_nothing_to_ask(problems):
    (line,) = problems(
        "sources = []\n" + EXAMPLE.split("[[sources]]", maxsplit=1)[0] + '[viewer]\nurl = "http://v"'
    )
    assert line.startswith("sources = []: ")


# What is wrong


@pytest.mark.parametrize(
    ("section", "line", "expected"),
    [
        ("app", 'site = " "', "app.site = ' ': expected text that is not empty"),
        ("app", "site = 5", "app.site = 5: expected a valid string"),
        ("app", 'database = "mysql://host/db"', "app.database = 'mysql://host/db': expected sqlite:///path"),
        ("app", 'redis = "localhost"', "app.redis = 'localhost': expected \"embedded\" or an address"),
        ("app", 'timezone = "Mars/Base"', "app.timezone = 'Mars/Base': expected a name like Europe/London"),
        ("app", 'url = "http://preview.example"', "app.url = 'http://preview.example': expected https"),
        ("app", 'listen = "8000"', "app.listen = '8000': expected host:port"),
        ("app", "session_hours = 25", "app.session_hours = 25: expected less than or equal to 24"),
        ("app", "drawing_processes = 0", "app.drawing_processes = 0: expected greater than or equal to 1"),
        ("app", "drawing_processes = 1.5", "app.drawing_processes = 1.5: expected a valid integer"),
        ("local", 'aet = "SEVENTEEN LETTERS"', "local.aet = 'SEVENTEEN LETTERS': expected 1 to 16 printable"),
        ("local", 'aet = "A\\\\B"', "local.aet = 'A\\\\B': expected 1 to 16 printable"),
        ("local", "port = 0", "local.port = 0: expected greater than or equal to 1"),
        ("[sources]", "port = 65536", "sources[main].port = 65536: expected less than or equal to 65535"),
        ("[sources]", 'port = "dicom"', "sources[main].port = 'dicom': expected a valid integer"),
        ("[sources]", 'trusted = "perhaps"', "sources[main].trusted = 'perhaps': expected a valid boolean"),
        ("[sources]", 'protocol = "telnet"', "sources[main].protocol = 'telnet': expected 'dimse'"),
        ("[sources]", 'issuer = ""', "sources[main].issuer = '': expected text that is not empty"),
        ("[sources]", 'name = "Main PACS"', "sources[Main PACS].name = 'Main PACS': expected lower-case"),
        ("[sources]", "connect_timeout = 0", "sources[main].connect_timeout = 0: expected greater than 0"),
        ("[sources]", "connect_timeout = nan", "sources[main].connect_timeout = nan: expected"),
        ("[sources]", "answer_limit = 0", "sources[main].answer_limit = 0: expected greater than or equal"),
        ("[sources]", 'charset = "latin1"', "sources[main].charset = 'latin1': expected"),
        ("app", 'shelf = ""', "app.shelf = '': expected a path"),
        ("app", "drawing_processes = true", "app.drawing_processes = True: expected a valid integer"),
        ("app", 'drawing_processes = "2"', "app.drawing_processes = '2': expected a valid integer"),
        ("app", 'session_hours = "2"', "app.session_hours = '2': expected a valid number"),
        (
            "app",
            'embed_origins = "https://a.example"',
            "app.embed_origins = 'https://a.example': expected a valid list",
        ),
        (
            "app",
            'database = "sqlite:///:memory:"',
            "app.database = 'sqlite:///:memory:': expected sqlite:///",
        ),
        ("app", 'database = "sqlite:///"', "app.database = 'sqlite:///': expected sqlite:///path"),
        ("app", 'database = "sqlite:///file::memory:?uri=true"', "app.database = "),
        ("app", 'database = "postgresql+psycopg://h:99999/db"', "app.database = "),
        ("app", 'redis = "redis://127.0.0.1:notaport/0"', "app.redis = 'redis://127.0.0.1:notaport/0': exp"),
        ("app", 'redis = "redis://127.0.0.1:65536/0"', "app.redis = 'redis://127.0.0.1:65536/0': expected"),
        ("app", 'redis = "unix://"', "app.redis = 'unix://': expected"),
        (
            "app",
            'url = "https://preview.example:65536"',
            "app.url = 'https://preview.example:65536': expected",
        ),
        ("local", "port = true", "local.port = True: expected a valid integer"),
        ("local", 'port = "104"', "local.port = '104': expected a valid integer"),
        ("[sources]", 'trusted = "on"', "sources[main].trusted = 'on': expected a valid boolean"),
        ("[sources]", "trusted = 1", "sources[main].trusted = 1: expected a valid boolean"),
        ("[sources]", "connect_timeout = 11", "sources[main].connect_timeout = 11: expected less than or eq"),
        ("[sources]", "association_timeout = 11", "sources[main].association_timeout = 11: expected less"),
        ("[sources]", "message_timeout = 111", "sources[main].message_timeout = 111: expected less than or"),
        ("[sources]", "network_timeout = 111", "sources[main].network_timeout = 111: expected less than or"),
        ("viewer", 'url = "https://v.example/?a=b"', "viewer.url = "),
        (
            "viewer",
            'url = "https://v.example/#a"',
            "viewer.url = 'https://v.example/#a': expected an address",
        ),
        ("viewer", 'url = "https://v.example?"', "viewer.url = "),
        ("viewer", 'url = "https://v.example:99999/v"', "viewer.url = 'https://v.example:99999/v': expected"),
        ("viewer", 'url = "https://v.example:x/v"', "viewer.url = 'https://v.example:x/v': expected"),
        ("viewer", 'url = "https://[::1/v"', "viewer.url = 'https://[::1/v': expected"),
        ("viewer", 'url = "ohif"', "viewer.url = 'ohif': expected an address like https://host/path"),
    ],
)
def test_a_wrong_value_is_shown_with_its_key_and_what_is_expected(problems, section, line, expected):
    (problem,) = problems(with_line(line, section))
    assert problem.startswith(expected)


@pytest.mark.parametrize("charset", ["ISO_IR 100", "ISO_IR 192", r"\\ISO 2022 IR 87", "GB18030", ""])
def test_a_character_set_is_written_as_dicom_writes_it(load, charset):
    assert load(with_line(f'charset = "{charset}"', "[sources]")).sources[0].charset == charset.replace(
        r"\\", "\\"
    )


def test_all_problems_stand_in_one_list(problems):
    text = (
        with_line('timezone = "Mars/Base"').replace("port = 4242", "port = 0").replace("[viewer]", "[vier]")
    )
    lines = problems(text + SECOND.replace("out-side", "main"), PREVIEW_NONSENSE="x")
    keys = [re.split(r"[:=]", line)[0].strip() for line in lines]
    assert sorted(keys) == [
        "PREVIEW_NONSENSE",
        "app.timezone",
        "sources[main].name",
        "sources[main].port",
        "vier",
        "viewer",
    ]


@pytest.mark.parametrize(
    ("section", "key"),
    [("app", "app.colour"), ("local", "local.colour"), ("[sources]", "sources[main].colour")],
)
def test_an_unknown_key_is_named(problems, section, key):
    assert problems(with_line('colour = "red"', section)) == [
        f"{key}: not a setting of this version; remove it or correct its spelling"
    ]


def test_images_of_an_archive_that_is_asked_over_tls_are_not_moved_to_us_in_clear(problems, load):
    moved = with_line('retrieve = "c-move"', "[sources]")
    assert load(moved).sources[0].retrieve is Way.MOVE
    (problem,) = problems(moved, PREVIEW_SOURCES__MAIN__TLS="true")
    assert problem.startswith("sources[main].retrieve = 'c-move': expected local.tls = true")
    assert load(PREVIEW_SOURCES__MAIN__TLS="true").sources[0].retrieve is None
    said = problems(moved, PREVIEW_SOURCES__MAIN__TLS="true", PREVIEW_LOCAL__TLS="true")
    assert {line.partition(":")[0] for line in said} == {
        *("local.tls_ca", "local.tls_certificate", "local.tls_key")
    }


def test_an_archive_elsewhere_is_not_made_to_send_to_a_receiver_that_it_cannot_reach(problems, load):
    there = with_line('host = "pacs.example"', "[sources]")
    moved = there.replace("[viewer]", 'retrieve = "c-move"\n\n[viewer]')
    (problem,) = problems(moved)
    assert problem.startswith("sources[main].retrieve = 'c-move': expected local.listen = an address")
    assert "local.host" in problem
    (problem,) = problems(moved, PREVIEW_LOCAL__LISTEN="::1", PREVIEW_LOCAL__HOST="here.example")
    assert "local.listen" in problem
    for may in (
        {"PREVIEW_LOCAL__LISTEN": "0.0.0.0"},
        {"PREVIEW_LOCAL__LISTEN": "10.1.2.3"},
        {"PREVIEW_SOURCES__MAIN__HOST": "localhost"},
        {"PREVIEW_SOURCES__MAIN__HOST": "127.0.0.2"},
        {"PREVIEW_SOURCES__MAIN__HOST": socket.gethostname()},
        {"PREVIEW_SOURCES__MAIN__RECEIVE_FROM": "127.0.0.1"},  # something here passes it on
        {"PREVIEW_SOURCES__MAIN__RETRIEVE": "auto"},
    ):
        assert load(moved, **may)


def test_two_sources_of_one_name_are_refused(problems):
    (line,) = problems(EXAMPLE + SECOND.replace("out-side", "main"))
    assert line == "sources[main].name = 'main': expected a name that no other one has"


def test_a_section_that_is_no_section_is_a_problem_of_its_own(problems):
    lines = problems('app = "City Hospital"\n' + EXAMPLE[EXAMPLE.index("[local]") :], PREVIEW_APP__SITE="x")
    assert [line.split(" ")[0].rstrip(":") for line in lines] == ["PREVIEW_APP__SITE", "app"]


@pytest.mark.parametrize(
    "address",
    [
        "mysql://preview:hunter2@db.example/preview",
        "mysql://preview:hunter2/3@db.example/preview",
        "mysql://preview:p@hunter2@db.example/preview",
        "mysql://db.example/preview?user=preview&password=hunter2",
        "mysql:preview:hunter2@db.example/preview",
        "postgresql+psycopg://preview:hunter2@db.example:abc/preview",
        "postgresql+psycopg://preview:hunter2@db.example:99999/preview",
    ],
)
def test_the_password_of_a_database_is_never_shown(problems, address):
    (line,) = problems(with_line(f'database = "{address}"'))
    assert line.startswith(f"app.database = '{address.partition(':')[0]}:")
    assert "expected sqlite:///path or postgresql" in line
    assert "hunter2" not in line


def test_the_password_of_redis_is_never_shown(problems):
    (line,) = problems(with_line('redis = "redis://:hunter2@127.0.0.1:abc/0"'))
    assert line.startswith("app.redis = 'redis://")
    assert "hunter2" not in line


def test_a_password_in_a_value_of_the_wrong_type_is_not_shown_either(problems):
    (line,) = problems(with_line('database = ["postgresql+psycopg://preview:hunter2@db.example/preview"]'))
    assert line.startswith("app.database = ")
    assert "hunter2" not in line


def test_an_archive_may_be_trusted_with_ids_of_other_issuers_too(load):
    (source,) = load(with_line('trusts = ["REGION"]', "[sources]")).sources
    assert source.trusted_issuers == {"HOSP", "REGION"}
    (source,) = load(with_line('trusted = false\ntrusts = ["REGION"]', "[sources]")).sources
    assert source.trusted_issuers == {"REGION"}
    (source,) = load().sources
    assert source.trusted_issuers == {"HOSP"}


def test_a_cross_reference_manager_is_asked_only_where_one_is_named(load):
    assert load().identity.pix_web is None
    assert not load().identity.second_person
    lines = '[identity]\npix = "https://pix.example/fhir/"\n[identity.systems]\nHOSP = "urn:oid:1.2.3"\n'
    identity = load(f"{EXAMPLE}\n{lines}").identity
    assert identity.pix_web.url == "https://pix.example/fhir"
    assert identity.systems == {"HOSP": "urn:oid:1.2.3"}
    assert load(PREVIEW_IDENTITY__SECOND_PERSON="on").identity.second_person


def test_a_cross_reference_manager_is_not_asked_in_clear_on_another_machine_unless_that_is_allowed(load):
    def asked_at(address: str, *more: str):
        return load("\n".join([EXAMPLE, "[identity]", f'pix = "{address}"', *more])).identity.pix_web.url

    with pytest.raises(WrongSettings) as wrong:
        asked_at("http://pix.example/fhir")
    (problem,) = wrong.value.problems
    assert problem.startswith("identity.pix = 'http://pix.example/fhir': expected https")
    assert asked_at("http://pix.example/fhir", "pix_plain_http = true") == "http://pix.example/fhir"
    assert asked_at("https://pix.example/fhir")
    assert asked_at("http://127.0.0.1:8080/fhir")
    assert asked_at("http://localhost/fhir")


# The environment


def test_the_environment_wins_in_every_section(load):
    settings = load(
        EXAMPLE + SECOND,
        PREVIEW_APP__SITE="Riverside",
        PREVIEW_LOCAL__PORT="104",
        PREVIEW_SOURCES__MAIN__HOST="pacs.example",
        PREVIEW_SOURCES__OUT_SIDE__TRUSTED="true",
        PREVIEW_VIEWER__URL="https://ohif.example/viewer",
        PATH="/bin",
    )
    assert (settings.app.site, settings.local.port) == ("Riverside", 104)
    assert [source.host for source in settings.sources] == ["pacs.example", "pacs.example"]
    assert settings.source("out-side").trusted is True
    assert settings.viewer.url == "https://ohif.example/viewer"


@pytest.mark.parametrize(("text", "meant"), [("on", True), ("1", True), ("False", False), ("no", False)])
def test_texts_of_the_environment_become_what_the_setting_is(load, text, meant):
    settings = load(
        PREVIEW_SOURCES__MAIN__TRUSTED=text,
        PREVIEW_SOURCES__MAIN__CONNECT_TIMEOUT="2.5",
        PREVIEW_APP__FRAMES="12",
        PREVIEW_APP__SHELF="elsewhere",
    )
    assert settings.sources[0].trusted is meant
    assert (settings.sources[0].timeouts.connect, settings.app.frames) == (2.5, 12)
    assert settings.app.shelf == Path("elsewhere")


def test_a_source_may_have_the_name_of_a_list(load):
    text = EXAMPLE.replace('"main"', '"clients"')
    assert load(text, PREVIEW_SOURCES__CLIENTS__PORT="104").sources[0].port == 104


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("PREVIEW_LOCAL__PORT", "0", "local.port = 0: expected greater than or equal to 1"),
        ("PREVIEW_APP__SHELF", "", "app.shelf = '': expected a path"),
        ("PREVIEW_APP__EMBED_ORIGINS", "x", "app.embed_origins[0] = 'x': expected an address"),
        ("PREVIEW_LAUNCH__CLIENTS", "x", "launch.clients[0] = 'x': expected a valid dictionary"),
    ],
)
def test_a_text_of_the_environment_that_is_wrong_says_what_is_expected(problems, variable, text, expected):
    (line,) = problems(**{variable: text})
    assert line.startswith(expected)


def test_the_environment_may_give_what_the_file_leaves_out(load):
    text = EXAMPLE.replace('[viewer]\nurl = "http://127.0.0.1:3000/viewer"\n', "")
    assert load(text, PREVIEW_VIEWER__URL="https://ohif.example").viewer.url == "https://ohif.example"


@pytest.mark.parametrize(
    "variable",
    ["PREVIEW_SITE", "PREVIEW_APP", "PREVIEW_APP__SITE__NAME", "PREVIEW_SOURCES__ELSEWHERE__HOST"],
)
def test_a_variable_that_names_no_setting_is_a_problem(problems, variable):
    (line,) = problems(**{variable: "secret value"})
    assert line == f"{variable}: names no setting; expected a form like PREVIEW_APP__SITE"


def test_a_variable_with_an_unknown_key_is_a_problem(problems):
    (line,) = problems(PREVIEW_APP__COLOUR="red")
    assert line.startswith("app.colour: not a setting")


def test_a_wrong_value_from_the_environment_is_shown_like_one_of_the_file(problems):
    (line,) = problems(PREVIEW_SOURCES__MAIN__PORT="dicom")
    assert line.startswith("sources[main].port = 'dicom': expected a valid integer")


# The file itself


def test_the_environment_names_the_file(tmp_path):
    file = tmp_path / "elsewhere.toml"
    file.write_text(EXAMPLE, encoding="utf-8")
    assert load_settings(environment={"PREVIEW_SETTINGS": str(file)}).app.site == "City Hospital"


def refusal(path):
    with pytest.raises(WrongSettings) as wrong:
        load_settings(path, {})
    assert str(path) in str(wrong.value)
    (problem,) = wrong.value.problems
    return problem


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    assert refusal(tmp_path / "none.toml").startswith("no such file")


def test_a_folder_is_no_settings_file(tmp_path):
    assert refusal(tmp_path) == "is a folder; expected a TOML file"


def test_a_file_below_a_file_cannot_be_read(tmp_path):
    (tmp_path / "file").write_text("")
    assert refusal(tmp_path / "file" / "preview.toml").startswith("cannot be read")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    file = tmp_path / "preview.toml"
    file.write_bytes('[app]\nsite = "Krankenhaus Süd"'.encode("latin-1"))
    assert refusal(file) == "is not UTF-8 text"


def test_a_file_that_is_not_toml_is_refused_with_the_line(tmp_path):
    file = tmp_path / "preview.toml"
    file.write_text("[app]\nsite: City Hospital\n")
    problem = refusal(file)
    assert problem.startswith("is not TOML: ")
    assert "line 2" in problem


# The joints to the clinical application and to the viewer


def secret(folder, text, mode=0o600):
    file = folder / "a-secret"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_without_a_word_nobody_may_launch_embed_or_be_asked_about_the_viewer(load):
    settings = load()
    assert (settings.launch.audience, settings.launch.clients) == ("imaging-preview", [])
    assert settings.app.embed_origins == []
    assert (settings.viewer.dicomweb, settings.viewer.aet, settings.viewer.missing) == (None, None, "")
    assert settings.sources[0].viewer_source == ""


def client(file, name="clinic"):
    return f'{EXAMPLE}\n[[launch.clients]]\nname = "{name}"\nkey_file = "{file}"\n'


def test_a_client_has_a_name_and_a_key_that_only_this_user_may_read(load, tmp_path):
    (known,) = load(client(secret(tmp_path, "k" * 32 + "\n"))).launch.clients
    assert (known.name, known.key) == ("clinic", b"k" * 32)


@pytest.mark.parametrize(("text", "mode"), [("k" * 31, 0o600), ("k" * 32, 0o644), ("k" * 32, 0o640)])
def test_a_key_that_is_short_or_open_to_others_is_refused(problems, tmp_path, text, mode):
    (problem,) = problems(client(secret(tmp_path, text, mode)))
    assert problem.startswith("launch.clients[clinic].key_file = ")
    assert "at least 32 bytes that only this user may read" in problem


def test_two_clients_of_one_name_are_refused(problems, tmp_path):
    file = secret(tmp_path, "k" * 32)
    twice = client(file) + f'[[launch.clients]]\nname = "clinic"\nkey_file = "{file}"\n'
    assert problems(twice) == [
        "launch.clients[clinic].name = 'clinic': expected a name that no other one has"
    ]


def test_a_client_may_be_told_by_the_environment(load, tmp_path):
    file = secret(tmp_path, "k" * 32)
    (known,) = load(
        client("/nowhere", "our-emr"), PREVIEW_LAUNCH__CLIENTS__OUR_EMR__KEY_FILE=str(file)
    ).launch.clients
    assert known.key_file == file


def test_origins_come_as_a_list_or_from_the_environment_with_commas(load):
    wanted = ["https://emr.example", "http://localhost:8001"]
    assert load(with_line(f"embed_origins = {wanted}", "app")).app.embed_origins == wanted
    assert load(PREVIEW_APP__EMBED_ORIGINS=", ".join(wanted)).app.embed_origins == wanted


@pytest.mark.parametrize(
    "origin", ["emr.example", "*", "https://emr.example/path", "https://a:b@emr.example", "https://x 'self'"]
)
def test_an_origin_is_nothing_but_an_origin(problems, origin):
    (problem,) = problems(with_line(f"embed_origins = [{origin!r}]", "app"))
    assert problem.startswith("app.embed_origins")


@pytest.mark.parametrize(
    ("text", "header"),
    [("viewer:secret\n", "Basic dmlld2VyOnNlY3JldA=="), ("Bearer abc.def\n", "Bearer abc.def")],
)
def test_the_sign_in_of_the_viewers_archive_stands_in_a_file(load, tmp_path, text, header):
    file = secret(tmp_path, text)
    line = f'dicomweb = "http://127.0.0.1:3000/dicom-web"\ndicomweb_auth_file = "{file}"'
    viewer = load(with_line(line, "viewer")).viewer
    assert viewer.dicomweb_auth_file is not None
    assert authorization(viewer.dicomweb_auth_file) == header


@pytest.mark.parametrize(("text", "mode"), [("no colon", 0o600), ("a:b\nc", 0o600), ("a:b", 0o644)])
def test_a_sign_in_that_is_none_is_refused(problems, tmp_path, text, mode):
    file = secret(tmp_path, text, mode)
    (problem,) = problems(with_line(f'dicomweb_auth_file = "{file}"', "viewer"))
    assert problem.startswith("viewer.dicomweb_auth_file")
    assert "user:password" in problem


def test_a_data_source_cannot_shape_a_link(problems):
    (problem,) = problems(with_line('viewer_source = "../x?"', "[sources]"))
    assert problem.startswith("sources[main].viewer_source")
