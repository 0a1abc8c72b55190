"""Nothing that names a patient leaves the database, the page and the archive's answer."""

import re
import shutil
import time
from datetime import date

import redis
from support.inspecting import panel_polls
from support.installation import source_block
from support.studies import STRANGER, study

from fetch.model import Patient, PatientIdentity
from preview.demo.behaviour import answers, leaves_out, sends_someone_else

SENTINELS = (
    "SENTINELFAMILY",
    "Sentinelgiven",
    "SENTID77",
    "19420229",
    "1942-02-28",
    "19420228",
    "SENTACC55",
    "SENTDESCRIPTION",
    "SENTREFERRER",
)
PATIENT = Patient(PatientIdentity("SENTID77", "HOSP"), "SENTINELFAMILY^Sentinelgiven", date(1942, 2, 28), "F")
MISDEEDS = (None, leaves_out(1), answers(0xC000), sends_someone_else())
UNMISTAKABLE = re.compile("|".join(SENTINELS), re.IGNORECASE)
TELLING = {
    "AccessionNumber": "SENTACC55",
    "StudyDescription": "SENTDESCRIPTION",
    "ReferringPhysicianName": "SENTREFERRER^X",
}


def remembered(url: str) -> str:
    """Everything that Redis holds, as text."""
    client = redis.Redis.from_url(url)
    said = []
    for key in client.keys("*"):
        kind = client.type(key)
        value = {
            b"hash": client.hgetall, b"list": lambda k: client.lrange(k, 0, -1), b"string": client.get,
            b"set": client.smembers, b"zset": lambda k: client.zrange(k, 0, -1), b"stream": client.xrange,
        }[kind](key)  # fmt: skip
        said.append(f"{key} {value}")
    return "\n".join(said)


def test_no_patient_data_in_logs_queue_or_addresses(install, archive, clean_redis):
    """Good, incomplete, refused, foreign and crashing fetches, by the real processes."""
    for _ in range(5):
        for ds in study(PATIENT, images=3, **TELLING):
            archive.add(ds)
    for ds in study(STRANGER):
        archive.add(ds)
    site = install(source_block("main", archive.port, aet="MAIN"))
    with site.running():
        client = site.app.test_client()
        path = client.get(site.launch(PATIENT)).headers["Location"]
        _until(lambda: not panel_polls(client.page(path)), "the page never came to rest")
        assert "SENTDESCRIPTION" in client.page(path)  # the page may say it; nothing else may
        wishes = re.findall(r'action="([^"]*/studies/[^"]*/fetch)"', client.page(path))
        seen = [path, *wishes]
        for wish, behaviour in zip(wishes, MISDEEDS, strict=False):
            archive.behave_well() if behaviour is None else archive.behave(behaviour)
            ended = _ends(site)
            seen.append(_want(client, path, wish))
            _until(lambda ended=ended: _ends(site) > ended, "the fetch never came to rest")
        archive.behave_well()
        shutil.rmtree(site.folder / "shelf")
        (site.folder / "shelf").write_text("not a folder, so that drawing crashes")
        _want(client, path, wishes[4])
        log = _log_with(site, "NotADirectoryError")
        kept = remembered(clean_redis)
    for outcome in (
        "COMPLETE reason=-",
        "RESTING reason=nothing-sent",
        "FAILED reason=request-failed",
        "reason=some-withheld",
    ):
        assert outcome in log
    assert wishes[0].split("/")[2] not in kept  # not even the open context
    assert "rq:job:fetches-" in kept
    assert not UNMISTAKABLE.search(log), UNMISTAKABLE.search(log)
    assert not UNMISTAKABLE.search(kept), UNMISTAKABLE.search(kept)
    assert not any(UNMISTAKABLE.search(address) for address in seen)


def _want(client, path, wish) -> str:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.page(path))[1]
    return client.post(wish, data={"csrf_token": token}).headers["Location"]


def _log_with(site, words, seconds=20) -> str:
    end = time.monotonic() + seconds
    while words not in (log := (site.folder / "processes.log").read_text()):
        assert time.monotonic() < end, log[-2000:]
        time.sleep(0.2)
    return log


def _ends(site) -> int:
    """How many fetches have ended, or rest until they are tried again."""
    return (site.folder / "processes.log").read_text().count(" outcome=")


def _until(true, otherwise, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, otherwise
        time.sleep(0.2)


def test_a_picture_and_its_address_name_nobody(site, client, archive):
    for ds in study(PATIENT, images=1, **TELLING):
        archive.add(ds)
    path = client.get(site.launch(PATIENT)).headers["Location"]
    site.ask_all()
    client.press(client.page(path), "Fetch")
    site.fetch_all()
    (address,) = set(re.findall(r'<img src="([^"]+)"', client.page(path)))
    response = client.get(address)
    assert response.status_code == 200
    assert not UNMISTAKABLE.search(response.data.decode("latin-1"))
    assert not UNMISTAKABLE.search(address + str(response.headers))


def test_an_unexpected_error_page_quotes_nothing(site, client, archive, capfd):
    """The database loses a table in the middle: the log has the place, not the values."""
    path = client.get(site.launch(PATIENT)).headers["Location"]
    with site.parts.records.write() as session:
        session.connection().exec_driver_sql("DROP TABLE found")
    response = client.get(path)
    assert response.status_code in (500, 503)
    assert not UNMISTAKABLE.search(response.text)
    assert not UNMISTAKABLE.search(capfd.readouterr().err)
