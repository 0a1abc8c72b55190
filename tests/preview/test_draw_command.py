"""``flask draw``, as a person or a script runs it."""

import json
import multiprocessing
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from pydicom.data import get_testdata_file

from preview.cli import draw
from preview.cli.draw import draw_command
from preview.pictures import drawing_process

KEYS = ["file", "kind", "frames", "drawn", "pictures", "reason"]


def sample(name):
    return get_testdata_file(name, download=False)


def run(*arguments):
    return CliRunner().invoke(draw_command, [str(a) for a in arguments], catch_exceptions=False)


def rows(*arguments, exit_code=0):
    result = run(*arguments, "--json")
    assert result.exit_code == exit_code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_every_file_has_a_line_with_its_pictures(tmp_path):
    files = [sample(name) for name in ("CT_small.dcm", "SC_rgb_rle_2frame.dcm", "test-SR.dcm")]
    image, frames, report = rows(*files, "--out", tmp_path / "new" / "folder", "--size", 100)
    assert list(image) == KEYS
    assert (image["file"], image["kind"], image["frames"], image["drawn"]) == (files[0], "image", 1, 1)
    assert (frames["kind"], frames["frames"], frames["drawn"]) == ("multiframe", 2, 2)
    assert (report["kind"], report["frames"], report["drawn"]) == ("card", 0, 0)
    assert report["reason"] == "Structured report: not an image"
    assert image["reason"] is frames["reason"] is None
    for row, count in ((image, 1), (frames, 2), (report, 1)):
        assert [max(Image.open(path).size) for path in row["pictures"]] == [100] * count


def test_every_frame_is_drawn(tmp_path):
    (row,) = rows(sample("examples_ybr_color.dcm"), "--out", tmp_path, "--size", 32)
    assert row["frames"] == row["drawn"] == len(set(row["pictures"])) == 30
    assert row["pictures"] == sorted(row["pictures"])


@pytest.mark.parametrize(
    ("name", "asked", "longest"),
    [
        ("examples_palette.dcm", 2048, 600),
        ("examples_palette.dcm", 500, 500),
        ("CT_small.dcm", 2048, 256),
        ("test-SR.dcm", 500, 500),
    ],
)
def test_above_the_thumbnail_a_picture_has_at_most_three_quarters_of_its_image(
    tmp_path, name, asked, longest
):
    (row,) = rows(sample(name), "--out", tmp_path, "--size", asked)
    (path,) = row["pictures"]
    assert max(Image.open(path).size) == longest


def test_of_a_long_film_nothing_is_held_but_what_is_said_about_it(tmp_path, monkeypatch):
    """Thousands of large frames have no room in the memory of the process that draws them."""
    answers = []

    def kept(file, drawn, stem):
        answers.append(drawn.drawing.pictures)
        return keep(file, drawn, stem)

    keep = draw._kept
    monkeypatch.setattr(draw, "_kept", kept)
    files = [sample(name) for name in ("examples_ybr_color.dcm", "examples_palette.dcm")]
    film, image = rows(*files, "--out", tmp_path, "--size", 1000)
    assert [len(pictures) for pictures in answers] == [30, 1], "one size alone"
    assert not any(picture.png for picture in answers[0])
    assert sorted(map(str, tmp_path.iterdir())) == film["pictures"] + image["pictures"]
    assert {max(Image.open(path).size) for path in film["pictures"]} == {answers[0][0].width}


def test_what_is_not_dicom_is_a_line_too(tmp_path):
    text = tmp_path / "letter.txt"
    text.write_text("Dear colleague")
    empty = tmp_path / "empty"
    empty.touch()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    files = (text, tmp_path / "missing", tmp_path, empty, pipe, sample("CT_small.dcm"))
    found = rows(*files, "--out", tmp_path, exit_code=1)
    assert [row["kind"] for row in found] == ["unreadable"] * 5 + ["image"]
    assert [row["reason"] for row in found] == [
        "This is not a DICOM file.",
        "There is no such file.",
        "This is a folder, not a file.",
        "This is not a DICOM file.",
        "This is not a regular file.",
        None,
    ]
    assert all((row["frames"], row["drawn"], row["pictures"]) == (0, 0, []) for row in found[:5])


def test_equal_and_odd_file_names_do_not_collide_or_escape(tmp_path):
    out = tmp_path / "out"
    files = [tmp_path / "a" / "x.dcm", tmp_path / "b" / "x.dcm", tmp_path / "a" / "..;$(x) ä\n.dcm"]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(Path(sample("CT_small.dcm")).read_bytes())
    pictures = [picture for row in rows(*files, "--out", out) for picture in row["pictures"]]
    assert len(set(pictures)) == 3
    assert sorted(pictures) == sorted(str(path) for path in out.iterdir())
    assert all(Path(picture).name.isascii() for picture in pictures)


def test_people_get_a_readable_line(tmp_path):
    result = run(sample("CT_small.dcm"), tmp_path / "missing", "--out", tmp_path)
    assert result.exit_code == 1
    assert "1 of 1" in result.stdout.splitlines()[0]
    assert "There is no such file." in result.stdout.splitlines()[1]
    assert result.stderr == "1 of 2 files could not be read or drawn.\n"


def test_a_name_cannot_steer_the_terminal(tmp_path):
    odd = tmp_path / "x\x1b[31mred\r\n\x9b2J\u202efake.dcm"
    result = run(odd, "--out", tmp_path / "out\x1b[1m")
    assert len(result.stdout.splitlines()) == 1
    assert "x?[31mred???2J?fake.dcm" in result.stdout
    odd.write_bytes(Path(sample("CT_small.dcm")).read_bytes())
    assert "\x1b" not in run(odd, "--out", tmp_path / "out\x1b[1m").stdout


def test_a_file_that_ends_its_drawing_process_counts_as_not_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(drawing_process, "draw_task", lambda _: os._exit(3))
    result = run(sample("CT_small.dcm"), "--out", tmp_path)
    assert (result.exit_code, result.stderr) == (1, "1 of 1 files could not be read or drawn.\n")


def test_what_cannot_have_a_picture_of_its_own_is_no_failure(tmp_path):
    assert run(sample("test-SR.dcm"), "--out", tmp_path).exit_code == 0


def test_on_a_terminal_a_bar_says_how_far_it_is_and_leaves_the_lines_clean(tmp_path):
    files = [sample(name) for name in ("CT_small.dcm", "SC_rgb_rle_2frame.dcm", "test-SR.dcm")]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "flask", "draw", *files, "--out", tmp_path],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    ) as running:
        lines = running.stdout.read().splitlines()
    os.close(theirs)
    shown = _read(ours)
    assert running.returncode == 0
    assert "Drawing" in shown
    assert "3/3" in shown
    assert [line.split()[0] for line in lines] == files


def _read(terminal):
    """All of it; the end of what a terminal has is an error on Linux."""
    with os.fdopen(terminal, "rb", buffering=0) as shown:
        read = b""
        try:
            while more := shown.read(4096):
                read += more
        except OSError:
            pass
    return read.decode()


def test_several_files_are_drawn_at_once_and_told_in_order(tmp_path, monkeypatch):
    """By as many processes as there are cores; the first file takes longest."""
    working = []

    def kept(*what):
        working.append({one.pid for one in multiprocessing.active_children() if one.name == "drawing"})
        return keep(*what)

    keep = draw._kept
    monkeypatch.setattr(draw, "_kept", kept)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    files = [sample("examples_ybr_color.dcm"), *[sample("CT_small.dcm")] * 20]
    assert [row["file"] for row in rows(*files, "--out", tmp_path)] == files
    assert len(working) == len(files)
    assert len(set.union(*working)) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["--out", "{tmp}"],
        ["{file}"],
        ["{file}", "--out", "{tmp}", "--size", "15"],
        ["{file}", "--out", "{tmp}", "--size", "2049"],
        ["{file}", "--out", "{file}"],
        ["{file}", "--out", "/proc/nowhere"],
    ],
)
def test_wrong_use_is_exit_code_2(tmp_path, arguments):
    filled = [a.format(tmp=tmp_path, file=sample("CT_small.dcm")) for a in arguments]
    assert run(*filled).exit_code == 2
    assert not list(tmp_path.iterdir())
