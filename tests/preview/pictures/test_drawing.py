"""Drawing in processes of their own: what comes back, what a crash costs, what is left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from threading import Thread

import pytest
from bench.memory import cpu_seconds
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian
from samples import ct, received

from fetch.model import Patient, PatientIdentity, Received
from preview.pictures import drawing, drawing_process, limits
from preview.pictures.drawing import Drawers, DrawingKind

SLOW = (1000,) * 6


@cache
def huge():
    """An object that takes some seconds in the sizes of SLOW."""
    ds = ct(Rows=1000, Columns=1000, NumberOfFrames=16)
    ds.PixelData = os.urandom(2_000_000) * 16
    return received(ds)


def wait_until_drawn(future):
    while not future.running():
        time.sleep(0.01)
    time.sleep(0.2)


def children():
    """Process ids of the drawing processes: other fixtures have processes of their own."""
    return {process.pid for process in multiprocessing.active_children()}


def test_drawers_draw_what_came_over_the_network():
    """How it is used: submit encoded objects, take the pictures as they are ready."""
    with Drawers(count=2) as drawers:
        futures = [drawers.submit(received(ct(InstanceNumber=n)), sizes=(128, 256)) for n in (7, 8)]
        drawn = [future.result() for future in futures]

    assert [one.header.instance_number for one in drawn] == [7, 8]
    assert drawn[0].drawing.kind is DrawingKind.IMAGE
    assert [picture.size for picture in drawn[0].drawing.pictures] == [128, 256]
    assert all(picture.png.startswith(b"\x89PNG") for picture in drawn[0].drawing.pictures)


def test_the_header_is_what_the_data_set_says():
    ds = ct(PatientName="Müller^Änne", PatientID=" 4711 ", IssuerOfPatientID="HOSP", PatientSex="F")
    ds.SpecificCharacterSet, ds.PatientBirthDate, ds.SeriesNumber = "ISO_IR 192", "19640229", 3
    with Drawers(1) as drawers:
        header = drawers.submit(received(ds)).result().header
    identity = PatientIdentity("4711", "HOSP")
    assert header.patient == Patient(identity, "Müller^Änne", date(1964, 2, 29), "F")
    assert (header.study_uid, header.modality, header.series_number) == (ds.StudyInstanceUID, "CT", 3)


def in_cyrillic():
    return received(ct(SpecificCharacterSet="ISO_IR 144", PatientName="Иванов^Пётр"))


def silent_about_it(received):
    """The same bytes, without the element that says how to read them."""
    element = b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 144"
    assert element in received.data
    return replace(received, data=received.data.replace(element, b""))


def test_an_object_that_names_no_character_set_is_read_in_the_one_of_its_source():
    silent = silent_about_it(in_cyrillic())
    with Drawers(1) as drawers:
        told, untold = drawers.submit(silent, charset="ISO_IR 144"), drawers.submit(silent)
    assert told.result().header.patient.name == "Иванов^Пётр"
    assert untold.result().header.patient.name != "Иванов^Пётр"


def test_an_object_that_names_its_character_set_is_read_in_that():
    with Drawers(1) as drawers:
        drawn = drawers.submit(in_cyrillic(), charset="ISO_IR 100").result()
    assert drawn.header.patient.name == "Иванов^Пётр"


def test_a_header_full_of_nonsense_is_read_all_the_same():
    ds = Dataset()
    ds.SOPClassUID = "x" * 5000
    ds.add_new("PatientBirthDate", "LO", "around 1950")
    ds.add_new("InstanceNumber", "LO", "seven")
    ds.add_new("SeriesNumber", "LO", "9" * 40)
    ds.add_new("PatientID", "UT", "1" * 100_000)
    ds.add_new("PatientSex", "LO", "unknown")
    with Drawers(1) as drawers:
        header = drawers.submit(received(ds)).result().header
    assert (header.patient.birth_date, header.patient.birth_date_text) == (None, "around 1950")
    assert (header.instance_number, header.series_number) == (None, None)
    assert (len(header.patient.identity.patient_id), len(header.sop_class)) == (256, 64)
    assert (header.patient.sex, header.patient.identity.issuer, header.study_uid) == ("", "", "")


@pytest.mark.parametrize("data", [b"", b"garbage", bytes(range(256)) * 9, b"\x08\x00\x05\x00" * 99])
def test_garbage_becomes_a_card(data):
    with Drawers(1) as drawers:
        drawn = drawers.submit(Received("1.2", "1.2.3", ExplicitVRLittleEndian, data)).result()
    assert drawn.header is None
    assert drawn.unreadable
    assert drawn.drawing.kind is DrawingKind.CARD
    assert drawn.drawing.reason == "The object is damaged and cannot be read."


def test_deflated_objects_are_refused_from_the_network_unread():
    with Drawers(1) as drawers:
        drawn = drawers.submit(received(ct(), DeflatedExplicitVRLittleEndian)).result()
    assert drawn.header is None
    assert "Deflated" in drawn.drawing.reason


def test_a_killed_drawing_process_costs_one_picture():
    with Drawers(count=1) as drawers:
        before = drawers.submit(received(ct()))
        before.result()
        victim, after = drawers.submit(huge(), SLOW), drawers.submit(received(ct()))
        wait_until_drawn(victim)
        (pid,) = children()
        os.kill(pid, signal.SIGKILL)
        assert victim.result().crashed
        assert victim.result().drawing.reason == "This could not be drawn: the decoder crashed."
        assert victim.result().drawing.kind is DrawingKind.CARD
        assert after.result().drawing == before.result().drawing


def test_a_process_that_died_while_idle_costs_nothing():
    with Drawers(count=1) as drawers:
        (pid,) = children()
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
        assert drawers.submit(received(ct())).result().drawing.kind is DrawingKind.IMAGE


def test_a_decoder_that_takes_too_long_is_stopped():
    with Drawers(count=1, seconds=0.05) as drawers:
        began = time.monotonic()
        slow = drawers.submit(huge(), SLOW).result()
        assert slow.drawing.reason == "This could not be drawn: the decoder took too long."
        assert time.monotonic() - began < 5


def instead(monkeypatch, what):
    """What drawing processes do before they draw; they are forked, so they have it from here."""
    draw_task = drawing_process.draw_task
    monkeypatch.setattr(drawing_process, "draw_task", lambda task: (what(), draw_task(task))[1])


def slowly(monkeypatch):
    instead(monkeypatch, lambda: time.sleep(0.5))


def test_the_next_small_object_is_there_before_the_last_one_is_drawn(monkeypatch):
    """No process waits for us between two; but one that is drawn long keeps no other from its turn."""
    slowly(monkeypatch)
    handed, hand_over = [], drawing.hand_over
    monkeypatch.setattr(drawing, "hand_over", lambda *what: (handed.append(what), hand_over(*what)))
    with Drawers(count=1) as drawers:
        small = [drawers.submit(received(ct(InstanceNumber=n))) for n in (1, 2, 3, 4)]
        small[0].result()
        time.sleep(0.2)
        assert len(handed) == 3  # the second is being drawn
        assert [one.result().header.instance_number for one in small] == [1, 2, 3, 4]
        wait_until_drawn(drawers.submit(huge()))
        last = drawers.submit(received(ct()))
        assert len(handed) == 5
        assert last.result().header


def test_what_waits_in_a_process_that_dies_over_another_is_drawn_all_the_same(monkeypatch):
    slowly(monkeypatch)
    with Drawers(count=1) as drawers:
        drawn = [drawers.submit(received(ct(InstanceNumber=n))) for n in (1, 2, 3)]
        wait_until_drawn(drawn[0])
        (pid,) = children()
        os.kill(pid, signal.SIGKILL)
        assert [one.result().crashed for one in drawn] == [True, False, False]
        assert [one.result().header.instance_number for one in drawn[1:]] == [2, 3]


def test_what_dies_as_soon_as_its_turn_has_come_is_not_tried_again(monkeypatch):
    draw_task = drawing_process.draw_task

    def at_the_second(task):
        return os._exit(1) if task.charset else draw_task(task)

    monkeypatch.setattr(drawing_process, "draw_task", at_the_second)
    with Drawers(count=1) as drawers:
        drawn = [drawers.submit(received(ct()), charset=charset) for charset in ("", "ISO_IR 100", "")]
        assert [one.result().crashed for one in drawn] == [False, True, False]


def test_a_busy_machine_costs_no_picture(monkeypatch):
    """What waits for its turn takes no processor time."""
    instead(monkeypatch, lambda: time.sleep(1.5))
    with Drawers(count=1, seconds=0.5) as drawers:
        assert drawers.submit(received(ct())).result().drawing.kind is DrawingKind.IMAGE


def test_a_decoder_that_spins_is_stopped_by_the_time_it_takes(monkeypatch):
    def spin():
        while True:
            pass

    instead(monkeypatch, spin)
    monkeypatch.setattr(limits, "PATIENCE", 10_000)
    with Drawers(count=1, seconds=0.2) as drawers:
        drawn = drawers.submit(received(ct())).result()
    assert (drawn.crashed, drawn.drawing.reason) == (
        True,
        "This could not be drawn: the decoder took too long.",
    )


def test_a_decoder_that_hangs_is_stopped_by_the_clock(monkeypatch):
    instead(monkeypatch, lambda: time.sleep(600))
    began = time.monotonic()
    with Drawers(count=1, seconds=0.1) as drawers:
        drawn = drawers.submit(received(ct())).result()
    assert drawn.drawing.reason == "This could not be drawn: the decoder took too long."
    assert 1 <= time.monotonic() - began < 10


def test_the_time_is_for_a_frame_and_not_for_the_object():
    sizes = (500,) * 2
    with Drawers(count=1) as drawers:
        began = time.monotonic()
        drawers.submit(huge(), sizes).result()
        whole = time.monotonic() - began
    with Drawers(count=1, seconds=whole / 3) as drawers:
        assert len(drawers.submit(huge(), sizes).result().drawing.pictures) == 16 * len(sizes)


def test_however_many_frames_it_has_an_object_cannot_take_for_ever():
    with Drawers(count=1, seconds=0.01, max_frames=1_000_000) as drawers:
        began = time.monotonic()
        assert drawers.submit(huge(), SLOW).result().crashed
        assert time.monotonic() - began < 3


def test_no_process_is_left_after_the_context():
    before = children()
    with Drawers(count=2) as drawers:
        futures = [drawers.submit(received(ct())) for _ in range(5)]
        assert len(children()) == len(before) + 2
    assert all(future.done() for future in futures), "what was submitted is finished first"
    assert children() == before
    assert not multiprocessing.active_children()


def test_an_exception_drops_the_work_and_ends_the_processes():
    began, before = time.monotonic(), children()
    with pytest.raises(KeyError), Drawers(count=1) as drawers:
        futures = [drawers.submit(huge(), SLOW) for _ in range(3)]
        wait_until_drawn(futures[0])
        raise KeyError
    assert time.monotonic() - began < 2
    assert children() == before
    for future in futures:
        with pytest.raises(CancelledError):
            future.result(timeout=0)


def test_submitting_waits_while_enough_objects_wait():
    with Drawers(count=1, waiting=1) as drawers:
        first = drawers.submit(huge(), SLOW)
        drawers.submit(received(ct()))
        assert not first.done()
        drawers.submit(received(ct()))
        assert first.done()


def test_submitting_waits_while_enough_bytes_wait_or_are_drawn():
    small = received(ct())
    with Drawers(count=1, most_bytes=huge().size + 1) as drawers:
        first = drawers.submit(huge(), SLOW)
        assert not first.done()
        drawers.submit(small)
        assert first.done()


def test_whoever_waits_to_submit_when_the_work_is_dropped_is_let_go():
    late = []
    with pytest.raises(KeyError), Drawers(count=1, waiting=1) as drawers:
        wait_until_drawn(drawers.submit(huge(), SLOW))
        drawers.submit(received(ct()))
        thread = Thread(target=lambda: late.append(drawers.submit(received(ct()))))
        thread.start()
        time.sleep(0.2)
        raise KeyError
    thread.join(10)
    assert late[0].cancelled()


def test_what_is_dropped_is_not_waited_for_at_the_end():
    began, before = time.monotonic(), children()
    with Drawers(count=1) as drawers:
        done = drawers.submit(received(ct()))
        done.result()
        waiting = [drawers.submit(huge(), SLOW) for _ in range(3)]
        wait_until_drawn(waiting[0])
        drawers.drop()
    assert time.monotonic() - began < 2
    assert children() == before
    assert done.result().drawing.kind is DrawingKind.IMAGE
    for future in waiting:
        with pytest.raises(CancelledError):
            future.result(timeout=0)


def test_room_is_waited_for_only_so_long():
    with pytest.raises(KeyError), Drawers(count=1, waiting=1) as drawers:
        wait_until_drawn(drawers.submit(huge(), SLOW))
        small = received(ct())
        assert drawers.has_room(small, 0)
        drawers.submit(small)
        assert not drawers.has_room(small, 0.1)
        raise KeyError


def test_the_processes_die_with_a_parent_that_is_killed():
    ours, theirs = os.pipe()
    parent = os.fork()
    if parent == 0:
        with Drawers(count=2):
            os.write(theirs, " ".join(map(str, children())).encode())
            signal.pause()
    orphans = [int(pid) for pid in os.read(ours, 100).split()]
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    deadline = time.monotonic() + 5
    while (alive := [pid for pid in orphans if running(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
    assert len(orphans) == 2
    assert not alive


def running(pid):
    """Whoever adopts orphans here may leave them as zombies: those run no more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_nothing_of_the_patient_is_printed(tmp_path):
    """In an interpreter of its own: pytest would keep pydicom's warnings, which quote values, to itself."""
    ds = ct(PatientName="ZZSENTINEL^A", SpecificCharacterSet="ZZSENTINEL")
    ds.add_new("PatientBirthDate", "LO", "ZZSENTINEL")
    ds.add_new("WindowWidth", "LO", "ZZSENTINEL")
    (tmp_path / "bare").write_bytes(received(ds).data)
    script = (
        "import sys, pathlib; from preview.pictures.drawing import Drawers\n"
        "with Drawers(1) as drawers: drawn = drawers.submit_file(pathlib.Path(sys.argv[1])).result()\n"
        "print(drawn.header.patient.family_name, drawn.drawing)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "bare"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("ZZSENTINEL Drawing(")
    assert "ZZSENTINEL" not in ran.stdout.removeprefix("ZZSENTINEL") + ran.stderr


def test_a_file_without_meta_information_is_drawn(tmp_path):
    bare = tmp_path / "bare"
    bare.write_bytes(received(ct()).data)
    with Drawers(1) as drawers:
        assert drawers.submit_file(bare).result().drawing == drawers.submit(received(ct())).result().drawing


def test_deflated_files_are_drawn():
    path = get_testdata_file("image_dfl.dcm", download=False)
    with Drawers(1) as drawers:
        assert drawers.submit_file(Path(path)).result().drawing.kind is DrawingKind.IMAGE


def test_drawers_are_used_only_inside_their_context():
    with pytest.raises(RuntimeError):
        Drawers(1).submit(received(ct()))


def test_the_processes_cost_less_than_a_millisecond_a_picture_once_they_are_warm(monkeypatch):
    """Processor time of both sides, drawing left out: a CT slice there, its picture back.

    Not the time by the clock, which a busy neighbour makes longer.
    """
    ds = ct(Rows=512, Columns=512)
    ds.PixelData = ds.PixelData * 16
    slice_ = received(ds)
    with Drawers(count=1) as drawers:  # not in this process, whose time would be limited from then on
        drawn = drawers.submit(slice_).result()
    assert drawn.drawing.kind is DrawingKind.IMAGE
    monkeypatch.setattr(drawing_process, "draw_task", lambda _: drawn)
    with Drawers(count=1) as drawers:
        assert drawers.submit(slice_).result() == drawn
        (process,) = children()
        best = min(seam_cost(drawers, process, slice_) for _ in range(3))
    print(f"\n{best * 1000:.2f} ms a picture")
    assert best < 0.001


def seam_cost(drawers, process, slice_, count=300):
    """Seconds of the processor a picture."""
    began = time.process_time() + cpu_seconds(process)
    for future in [drawers.submit(slice_) for _ in range(count)]:
        future.result()
    return (time.process_time() + cpu_seconds(process) - began) / count
