"""``flask draw``: small pictures of DICOM files, without an archive, a database or settings."""

import json
import os
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from preview.pictures.drawing import Drawers, DrawingKind, Drawn, Picture, frame_path

_EVERY_FRAME = 1_000_000
_THUMBNAIL = 256
"""Pixels; there is a picture of this size of everything, and a larger one only of large images."""
_AHEAD = 16
"""Files under way while the oldest is waited for: answers come in the order asked, memory stays bounded."""


@dataclass(frozen=True)
class _Row:
    """What is said about one file; ``pictures`` are paths, in the order of frames."""

    file: str
    kind: str
    frames: int
    drawn: int
    pictures: tuple[str, ...]
    reason: str | None


@click.command("draw")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder for PNGs."
)
@click.option(
    "--size",
    default=_THUMBNAIL,
    show_default=True,
    type=click.IntRange(16, 2048),
    help="Longest side. Above 256, at most three quarters of the image's own.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line and file.")
def draw_command(files: tuple[str, ...], out: Path, size: int, as_json: bool) -> None:
    """Draw every frame of DICOM FILES as small PNG pictures. Not for diagnosis.

    Exit code 1: some could not be read, or ended the process that drew them; the others are drawn.
    """
    _prepare(out)
    failed = 0
    with Drawers(os.cpu_count() or 1, max_frames=_EVERY_FRAME) as drawers, _progress() as progress:
        bar = progress.add_task("Drawing", total=len(files)) if progress else None
        for number, (file, drawn) in enumerate(_drawn(drawers, files, size, out), start=1):
            row = _kept(file, drawn, _stem(out, number, file))
            failed += drawn.unreadable or drawn.crashed
            print(json.dumps(asdict(row)) if as_json else _readable(row), flush=True)
            if progress and bar is not None:
                progress.advance(bar)
    if failed:
        print(f"{failed} of {len(files)} files could not be read or drawn.", file=sys.stderr)
        sys.exit(1)


def _prepare(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(f"cannot be created: {error.strerror}", param_hint="--out") from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise click.BadParameter("cannot be written to", param_hint="--out")


def _drawn(drawers: Drawers, files: Iterable[str], size: int, out: Path) -> Iterator[tuple[str, Drawn]]:
    """Every file with what came of it, in the order given."""
    under_way: deque[tuple[str, Future[Drawn]]] = deque()
    sizes = (size,) if size <= _THUMBNAIL else (_THUMBNAIL, size)
    for number, file in enumerate(files, start=1):
        under_way.append((file, drawers.submit_file(Path(file), sizes, _stem(out, number, file))))
        if len(under_way) > _AHEAD:
            yield _finished(under_way)
    while under_way:
        yield _finished(under_way)


def _finished(under_way: deque[tuple[str, Future[Drawn]]]) -> tuple[str, Drawn]:
    file, future = under_way.popleft()
    return file, future.result()


def _stem(out: Path, number: int, file: str) -> Path:
    return out / f"{number:04d}-{_harmless(Path(file).stem)}"


def _kept(file: str, drawn: Drawn, stem: Path) -> _Row:
    drawing = drawn.drawing
    if drawn.unreadable:
        return _Row(file, "unreadable", 0, 0, (), drawing.reason)
    several = drawing.kind is DrawingKind.MULTIFRAME
    largest = _largest(drawing.pictures)
    alone = stem.with_name(f"{stem.name}.png")
    paths = [frame_path(stem, picture.frame) if several else alone for picture in largest]
    for path, picture in zip(paths, largest, strict=True):
        if picture.png:
            path.write_bytes(picture.png)
    count = 0 if drawing.kind is DrawingKind.CARD else len(paths)
    pictures = tuple(str(path) for path in paths)
    return _Row(file, drawing.kind.value, drawing.frames, count, pictures, drawing.reason)


def _largest(pictures: Iterable[Picture]) -> list[Picture]:
    """One of every frame; they come in the order of frames, then of sizes; a card or a page has several."""
    return list({picture.frame: picture for picture in pictures}.values())


def _harmless(stem: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem)[:60] or "file"


def _readable(row: _Row) -> str:
    what = f"{row.drawn} of {row.frames}" if row.frames else ""
    where = row.pictures[0] if row.pictures else ""
    more = f" … {Path(row.pictures[-1]).name}" if len(row.pictures) > 1 else ""
    why = f"  ({row.reason})" if row.reason else ""
    name = _printable(click.format_filename(row.file))
    return f"{name:<40}  {row.kind:<10}  {what:>10}  {_printable(where)}{more}{why}".rstrip()


def _printable(name: str) -> str:
    """A file's name could move the cursor, or break a line in two."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _progress() -> AbstractContextManager[Progress | None]:
    """A bar on a terminal, on stderr; rows on the same terminal are printed above it."""
    if not sys.stderr.isatty():
        return nullcontext()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        redirect_stdout=sys.stdout.isatty(),
        transient=True,
    )
