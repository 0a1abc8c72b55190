"""The spool: what is published is there for certain, for this user only, and found again."""

import os
import stat
import time

import pytest
from pydicom import dcmread
from support.pushing import file_of
from support.studies import study

from fetch.moves import digest
from fetch.reasons import Reason
from fetch.spool import Spool


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool", reserve=0)


def part(spool, ds, content=None):
    path = spool.incoming / f"{ds.SOPInstanceUID}.part"
    path.write_bytes(file_of(ds) if content is None else content)
    return path


def publish(spool, *datasets):
    return [spool.publish(part(spool, ds), ds.StudyInstanceUID, ds.SOPInstanceUID) for ds in datasets]


def make_old(path, seconds):
    os.utime(path, (time.time() - seconds,) * 2)


def test_what_is_published_waits_for_whoever_asks_for_its_study(spool):
    datasets, others = study(images=3), study(images=2)
    publish(spool, *datasets, *others)
    waiting = list(spool.waiting(datasets[0].StudyInstanceUID))
    assert {received.instance_uid for received in waiting} == {ds.SOPInstanceUID for ds in datasets}
    one = waiting[0]
    assert (one.sop_class, one.transfer_syntax) == (
        datasets[0].SOPClassUID,
        datasets[0].file_meta.TransferSyntaxUID,
    )
    assert dcmread(one.file) in datasets
    assert list(spool.waiting("1.2.3")) == []


def test_whoever_knows_a_file_is_not_told_of_it_again(spool):
    first, second = study(images=2)
    known = {path.name for path in publish(spool, first)}
    publish(spool, second)
    (new,) = spool.waiting(first.StudyInstanceUID, known)
    assert new.instance_uid == second.SOPInstanceUID


def test_folders_and_files_are_for_this_user_only_and_their_names_say_nothing(spool, tmp_path):
    (ds,) = study(images=1)
    (path,) = publish(spool, ds)
    modes = {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.joinpath("spool").rglob("*") if p.is_dir()}
    assert modes == {0o700}
    assert path.parent.name == digest(ds.StudyInstanceUID)
    assert path.name.startswith(digest(ds.SOPInstanceUID))
    assert ds.SOPInstanceUID not in str(path)


@pytest.mark.parametrize("uid", ["../../etc/passwd", "1.2/3", "x" * 200, "", "\0"])
def test_no_uid_leads_out_of_the_spool(spool, tmp_path, uid):
    path = spool.place(uid, uid)
    assert path.resolve().parent.parent == tmp_path / "spool"
    assert len(path.name) < 64


def test_an_instance_that_comes_twice_makes_two_files(spool):
    (ds,) = study(images=1)
    first, second = publish(spool, ds)[0], publish(spool, ds)[0]
    assert first != second
    assert len(list(spool.waiting(ds.StudyInstanceUID))) == 2


def test_what_cannot_be_published_is_not_to_be_seen(spool):
    (ds,) = study(images=1)
    with pytest.raises(FileNotFoundError):
        spool.publish(spool.incoming / "gone.part", ds.StudyInstanceUID, ds.SOPInstanceUID)
    assert list(spool.waiting(ds.StudyInstanceUID)) == []


def test_publishing_makes_the_folder_again_that_a_sweep_took(spool):
    first, second = study(images=2)
    publish(spool, first)[0].unlink()
    spool.sweep(lambda _: False)
    assert publish(spool, second)[0].exists()


def test_a_file_that_is_no_dicom_is_set_aside_and_holds_up_nobody(spool, caplog):
    good, bad, worse = study(images=3)
    publish(spool, good)
    for ds, content in ((bad, b"not dicom"), (worse, file_of(worse)[:140])):
        spool.publish(part(spool, ds, content), ds.StudyInstanceUID, ds.SOPInstanceUID)
    (one,) = spool.waiting(good.StudyInstanceUID)
    assert one.instance_uid == good.SOPInstanceUID
    assert len(list(one.file.parent.glob("*.aside"))) == 2
    assert "no DICOM preamble" in caplog.text
    assert good.PatientID not in caplog.text


def test_every_start_of_a_receiver_leaves_another_mark(spool):
    assert spool.served_since() is None
    marks = []
    for _ in range(2):
        with spool.served():
            marks.append(spool.served_since())
            assert spool.served_since() == marks[-1]
        time.sleep(0.02)  # finer than the clock of some file systems
    assert None not in marks
    assert marks[0] != marks[1]
    assert spool.served_since() is None


def test_a_refusal_is_told_once(spool):
    spool.refuse("1.2.3", "wrong-uid")
    spool.refuse("1.2.3", "wrong-uid")
    assert list(spool.refusals("1.2.3")) == [("wrong-uid", "")] * 2
    assert list(spool.refusals("1.2.3")) == []
    assert list(spool.refusals("4.5.6")) == []


def test_word_of_a_foreign_object_names_neither_it_nor_its_study(spool, tmp_path):
    spool.refuse_foreign(digest("1.2.3"), "4.5.6")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if "4.5.6" in path.name or path.read_bytes()]
    assert list(spool.refusals("1.2.3")) == [(Reason.OTHER_STUDY.code, digest("4.5.6"))]
    spool.refuse_foreign(digest("1.2.3"), "4.5.6", certain=False)
    assert list(spool.refusals("1.2.3")) == [(Reason.NOT_REQUESTED.code, digest("4.5.6"))]


def test_refusals_are_counted_up_to_a_bound(spool):
    for _ in range(1100):
        spool.refuse("1.2.3", "wrong-uid")
    assert len(list(spool.refusals("1.2.3"))) == 1000


def test_a_sweep_keeps_what_is_wanted_and_what_is_coming_in(spool):
    wanted, unwanted = study(images=2), study(images=2)
    publish(spool, *wanted, *unwanted)
    coming = part(spool, wanted[0])
    left = part(spool, wanted[1])
    make_old(left, 61)
    swept = spool.sweep(lambda name: name == digest(wanted[0].StudyInstanceUID))
    assert swept == 3
    assert coming.exists()
    assert not left.exists()
    assert len(list(spool.waiting(wanted[0].StudyInstanceUID))) == 2
    assert list(spool.waiting(unwanted[0].StudyInstanceUID)) == []


def test_a_sweep_while_objects_come_spares_the_youngest(spool):
    (ds,) = study(images=1)
    (path,) = publish(spool, ds)
    assert spool.sweep(lambda _: False, unwanted_age=60) == 0
    make_old(path, 61)
    assert spool.sweep(lambda _: False, unwanted_age=60) == 1
    assert not path.parent.exists()


def test_a_sweep_of_nothing_is_none(spool):
    assert spool.sweep(lambda _: False) == 0


def test_scratch_is_gone_at_its_end(spool):
    with spool.scratch("f1") as folder:
        (folder / "giant.part").write_bytes(b"x")
    assert not folder.exists()


def test_what_a_killed_user_of_scratch_has_left_goes_when_its_work_is_taken_up(spool):
    left = spool.scratch("f1")
    folder = left.__enter__()
    (folder / "giant.part").write_bytes(b"x")
    with spool.scratch("f1") as mine, spool.scratch("f12"):
        assert not folder.exists()
        assert list(mine.iterdir()) == []
        left.__exit__(None, None, None)  # it was only taken for dead
        assert mine.exists()


@pytest.mark.parametrize("how", ["start", "sweep"])
def test_what_is_old_in_scratch_goes_when_another_begins_or_at_a_sweep(spool, how):
    with spool.scratch("f1") as folder:
        for name in ("old.part", "new.part"):
            (folder / name).write_bytes(b"x")
        make_old(folder / "old.part", 3601)
        if how == "sweep":
            assert spool.sweep(lambda _: False) == 1
        else:
            with spool.scratch("f2"):
                pass
        assert [path.name for path in folder.iterdir()] == ["new.part"]
        (folder / "new.part").unlink()
        make_old(folder, 23 * 3600)
        spool.sweep(lambda _: False)
        assert folder.exists()  # its fetch may be under way
        make_old(folder, 25 * 3600)
        spool.sweep(lambda _: False)
        assert not folder.exists()


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "x" * 65])
def test_a_name_for_scratch_is_a_name_and_no_path(spool, name):
    with pytest.raises(ValueError, match="scratch"), spool.scratch(name):
        pass


def test_what_the_disk_has_beyond_the_reserve_is_free(tmp_path):
    disk = os.statvfs(tmp_path)
    everything = disk.f_bavail * disk.f_frsize
    assert Spool(tmp_path, reserve=0).has_room()
    full = Spool(tmp_path, reserve=2 * everything)
    assert not full.has_room()
    assert full.free() < 0


def test_a_study_is_awaited_while_something_comes_in_that_may_be_of_it(spool):
    assert not spool.is_busy("1.2.3")
    coming = spool.incoming / "x.part"
    coming.write_bytes(b"x")
    assert spool.is_busy("1.2.3")
    make_old(coming, 10)
    assert not spool.is_busy("1.2.3")


def test_it_is_not_awaited_for_what_is_of_others(spool):
    (spool.incoming / f"{digest('1.2.3')}-{digest('4.5.6')}~x.part").write_bytes(b"x")
    assert spool.is_busy("1.2.3")
    assert spool.is_busy("4.5.6")
    assert not spool.is_busy("7.8.9")
