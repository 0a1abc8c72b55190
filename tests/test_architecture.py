"""What may import what, what stands where, and a few habits: held by the source itself."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted([ROOT / "app.py", *(ROOT / "fetch").rglob("*.py"), *(ROOT / "preview").rglob("*.py")])
NAMES = [str(path.relative_to(ROOT)) for path in SOURCES]

DRAWING = {
    "preview/pictures/bad_input.py",
    "preview/pictures/cards.py",
    "preview/pictures/colour.py",
    "preview/pictures/decoding.py",
    "preview/pictures/frame_image.py",
    "preview/pictures/mosaic.py",
    "preview/pictures/overlays.py",
    "preview/pictures/pdf.py",
    "preview/pictures/plugins.py",
    "preview/pictures/png.py",
    "preview/pictures/rendered.py",
    "preview/pictures/shape.py",
    "preview/pictures/thumbnail.py",
}
"""Drawing: behind the seam of ``preview/pictures/drawing.py``, in processes of their own."""
DECODERS = (
    *("PIL", "imagecodecs", "pypdfium2", "pylibjpeg", "openjpeg", "rle"),
    *("libjpeg", "jpeg_ls", "gdcm", "pydicom.pixels"),
)

AT_THE_TOP = {
    *(
        "app.py",
        "pyproject.toml",
        "preview",
        "fetch",
        "templates",
        "static",
        "tests",
        "Procfile",
        "README.md",
    ),
    *("Makefile", "LICENSE", "CHANGELOG.md", "package.json", "package-lock.json"),
    *("requirements.txt", "requirements-test.txt", "requirements-node.txt"),
}
"""What the design names, and what a tool demands at the root."""
NO_NOUNS = {"utils", "util", "helpers", "helper", "common", "core", "services", "service", "manager", "misc"}


@cache
def tree(name):
    return ast.parse((ROOT / name).read_text(encoding="utf-8"), name)


@cache
def imported(name):
    """Every module that a file imports, wherever in it; ``from a import b`` counts as a and as a.b."""
    return tuple(_imported(name))


def _imported(name):
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _is_dynamic(node.func):
            assert isinstance(node.args[0], ast.Constant), f"{name}: an import that nobody can see"
            yield node.args[0].value


def _is_dynamic(func):
    return (isinstance(func, ast.Name) and func.id == "__import__") or (
        isinstance(func, ast.Attribute) and func.attr == "import_module"
    )


def imports(name, *packages):
    return sorted({m for m in imported(name) if any(m == p or m.startswith(f"{p}.") for p in packages)})


def test_there_is_source_to_look_at():
    assert {"app.py", "fetch/find.py", "preview/page/patient.py", "preview/routes/imaging.py"} <= set(NAMES)
    assert imports("fetch/sources/dimse.py", "pynetdicom")
    assert all(imports(name, *DECODERS) for name in DRAWING)


# Directions


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("fetch/")])
def test_fetch_knows_neither_the_preview_nor_the_web(name):
    assert not imports(name, "app", "preview", "flask", "flask_babel", "flask_wtf", "rq", "redis", *DECODERS)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("preview/")])
def test_the_preview_does_not_know_the_app(name):
    assert not imports(name, "app")


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("preview/demo/")])
def test_nothing_depends_on_the_demo(name):
    assert not imports(name, "preview.demo")


@pytest.mark.parametrize("name", NAMES)
def test_only_the_sources_and_the_demo_speak_dicom_over_the_network(name):
    if not name.startswith(("fetch/sources/", "preview/demo/")):
        assert not imports(name, "pynetdicom")


@pytest.mark.parametrize("name", NAMES)
def test_only_the_sources_speak_http_to_an_archive(name):
    """The viewer's archive is none: nothing is ever fetched from it."""
    if not name.startswith(("fetch/sources/", "preview/demo/", "preview/viewer/archive.py")):
        assert not imports(name, "requests", "httpx", "urllib.request", "urllib3", "http.client", "aiohttp")


@pytest.mark.parametrize("name", NAMES)
def test_only_drawing_touches_pictures(name):
    if name not in DRAWING and not name.startswith("preview/demo/"):
        assert not imports(name, *DECODERS)


@pytest.mark.parametrize("name", ["fetch/model.py", "fetch/reasons.py", "fetch/errors.py"])
def test_the_vocabulary_needs_only_the_standard_library(name):
    foreign = {module.split(".")[0] for module in imported(name)} - set(sys.stdlib_module_names)
    assert foreign <= {"fetch"}
    assert set(imports(name, "fetch")) <= {
        module for m in ("errors", "model", "reasons") for module in imports(name, f"fetch.{m}")
    }


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("fetch/identity/")])
def test_whose_a_study_is_depends_on_nothing_but_what_is_compared(name):
    """No database, no clock but the day, no archive: anybody can import the judge and judge again."""
    foreign = {module.split(".")[0] for module in imported(name)} - set(sys.stdlib_module_names)
    assert foreign <= {"fetch", "rapidfuzz", "anyascii", "numpy"}
    ours = {module.split(".")[1] for module in imports(name, "fetch") if "." in module}
    assert ours <= {"identity", "model", "reasons"}
    assert not imports(name, "time", "random", "os", "pathlib")


@pytest.mark.parametrize(
    "name",
    [*(name for name in NAMES if name.startswith("preview/page/")), "preview/viewer/links.py"],
)
def test_what_decides_the_page_is_pure(name):
    assert not imports(name, "flask", "sqlalchemy", "redis", "rq", "fetch.sources", "time")


def test_fetch_works_from_a_script_without_web_queue_and_pictures():
    script = (
        "import sys\n"
        "for name in ('flask', 'PIL', 'rq', 'redis', 'preview', 'app'):\n"
        "    sys.modules[name] = None  # whoever imports it now gets an ImportError\n"
        "import fetch\n"
        "assert all(hasattr(fetch, name) for name in fetch.__all__)\n"
        "from fetch import Patient, PatientIdentity, PatientQuery, Retrieval, find, load_settings\n"
        "import fetch.records, fetch.identity\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30
    )
    assert ran.returncode == 0, ran.stderr


# Habits


def catches_everything(handler):
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or getattr(kind, "id", getattr(kind, "attr", "")) in {"Exception", "BaseException"}
        for kind in kinds
    )


def raises_again(handler):
    """Whatever came, at the end of the handler something is raised."""
    return isinstance(handler.body[-1], ast.Raise)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_catches_every_exception_and_keeps_it(name):
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.ExceptHandler) and catches_everything(node):
            assert raises_again(node), f"{name}:{node.lineno}"
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) == "suppress"
        ):
            kinds = {getattr(kind, "id", "") for kind in node.args}
            assert not kinds & {"Exception", "BaseException"}, f"{name}:{node.lineno}"


@pytest.mark.parametrize("name", NAMES)
def test_every_module_says_in_one_sentence_what_it_is_for(name):
    says = ast.get_docstring(tree(name))
    assert says or not (ROOT / name).read_text().strip(), "no docstring"
    if says:
        assert says.splitlines()[0][-1] in ".:;?!", says.splitlines()[0]


@pytest.mark.parametrize("name", NAMES)
def test_a_module_is_named_by_a_noun_of_ours(name):
    assert not {part.removesuffix(".py") for part in Path(name).parts} & NO_NOUNS


def test_the_top_level_holds_only_what_the_design_names():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    top = {name.split("/")[0] for name in listed.stdout.split("\0") if name}
    assert {name for name in top if not name.startswith(".")} <= AT_THE_TOP


def test_the_processes_start_what_is_there():
    for line in (ROOT / "Procfile").read_text().splitlines():
        assert re.search(r": exec \.venv/bin/", line), line
