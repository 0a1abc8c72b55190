"""What the archive of another make does with what is asked of it: the facts that its module states."""

import subprocess

import pytest

from preview.demo.archive import Archive
from preview.demo.behaviour import Kind
from support.dcmqrscp import Dcmqrscp
from support.studies import study

STUDY = study(images=6, series=2)
LIST = "\\".join(STUDY[number].SOPInstanceUID for number in (4, 0, 2))
ONE_STUDY = ["-k", f"StudyInstanceUID={STUDY[0].StudyInstanceUID}"]
ONE_SERIES = [*ONE_STUDY, "-k", f"SeriesInstanceUID={STUDY[0].SeriesInstanceUID}"]
SOME_IMAGES = ["-k", "QueryRetrieveLevel=IMAGE", *ONE_SERIES, "-k", f"SOPInstanceUID={LIST}"]


@pytest.fixture(scope="module")
def preview():
    with Archive("PREVIEW").start() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def dcmqrscp(tmp_path_factory, preview):
    known = {"PREVIEW": ("127.0.0.1", preview.port)}
    with Dcmqrscp(tmp_path_factory.mktemp("dcmqrscp"), known=known).running() as running:
        running.store(STUDY)
        yield running


def dcmtk(tool, archive, *arguments):
    command = [tool, "-v", "-S", "-aec", archive.aet, *arguments, "127.0.0.1", str(archive.port)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return ran.stdout + ran.stderr


def moved(preview, dcmqrscp, *question):
    """The instances that its C-MOVE to us brings."""
    preview.requests.clear()
    dcmtk("movescu", dcmqrscp, "-aem", "PREVIEW", *question)
    return [asked.keys["SOPInstanceUID"] for asked in preview.asked(Kind.STORE)]


def test_it_lists_every_image_of_a_series(dcmqrscp):
    said = dcmtk("findscu", dcmqrscp, "-k", "QueryRetrieveLevel=IMAGE", *ONE_SERIES, "-k", "SOPInstanceUID")
    assert sum(ds.SOPInstanceUID in said for ds in STUDY) == 6


def test_it_moves_a_whole_study_to_us(preview, dcmqrscp):
    came = moved(preview, dcmqrscp, "-k", "QueryRetrieveLevel=STUDY", *ONE_STUDY)
    assert sorted(came) == sorted(ds.SOPInstanceUID for ds in STUDY)


def test_it_takes_a_list_of_uids_for_a_move(preview, dcmqrscp):
    assert sorted(moved(preview, dcmqrscp, *SOME_IMAGES)) == sorted(LIST.split("\\"))


def test_it_takes_a_list_of_uids_for_a_get(dcmqrscp, tmp_path):
    dcmtk("getscu", dcmqrscp, "-od", str(tmp_path), *SOME_IMAGES)
    came = sorted(path.name.split(".", 1)[1] for path in tmp_path.iterdir())
    assert came == sorted(LIST.split("\\"))


def test_a_list_of_uids_finds_each(dcmqrscp):
    said = dcmtk("findscu", dcmqrscp, *SOME_IMAGES)
    answers = said.split("Find Response")[1:]
    assert sum(any(uid in answer for uid in LIST.split("\\")) for answer in answers) == 3
