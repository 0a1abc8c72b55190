"""What archives answer over HTTP instead of a list of studies, and what each of it means."""

import re
import socket
import threading
import time
from contextlib import closing

import pytest
from peers import PATIENT_ID
from pydicom.dataset import Dataset
from support.installation import free_port
from webs import (
    drips,
    entry,
    hangs,
    hangs_midway,
    hangs_up,
    head,
    paging,
    reset,
    resets_midway,
    says,
    send,
    serving,
    web,
)

from fetch.errors import FetchError, RequestFault, SetupFault, SourceRefused, SourceUnreachable, UnsafeQuery
from fetch.find import read_study
from fetch.model import Instance, Plan, Series
from fetch.reasons import Reason
from fetch.sources import dicomweb, identifiers, reading

QUESTION = identifiers.of_study(PatientID=PATIENT_ID)


def ask(answer, *questions, **more):
    """What is made of a server that always answers so, and what it was asked."""
    with serving(answer) as server:
        return dicomweb.find(web(server, **more), *(questions or [QUESTION])), server.asked


def refusal(answer, **more) -> FetchError:
    with pytest.raises(FetchError) as raised:
        ask(answer, **more)
    return raised.value


def uids(matches):
    return [reading.text(ds, "StudyInstanceUID") for ds in matches.identifiers]


@pytest.mark.parametrize("nothing", [says(200, []), says(204)])
def test_nothing_found_is_an_empty_success(nothing):
    (matches,), _ = ask(nothing)
    assert (matches.identifiers, matches.shortened) == ((), None)


def test_a_question_is_asked_with_its_values_and_its_empty_keys_asked_back():
    asked_for = identifiers.of_study(PatientID="A&B=1 %", StudyDate="20260101-20261231")
    _, ((path, headers, _),) = ask(says(204), asked_for)
    assert path.startswith("/dicom-web/studies?")
    assert "PatientID=A%26B%3D1%20%25&" in path.replace("StudyDate=20260101-20261231&", "")
    assert "StudyDate=20260101-20261231&" in path
    fields = set(re.findall(r"includefield=(\w+)", path))
    assert {"00081030", "00201208", "00100021", "0020000D"} <= fields
    assert "00100020" not in fields
    assert "=&" not in path
    assert "limit=501" in path
    assert "offset" not in path
    assert headers["Accept"] == "application/dicom+json"
    assert "Authorization" not in headers


@pytest.mark.parametrize("empty", [Dataset(), identifiers.of_study(), identifiers.of_study(PatientID=" ")])
def test_a_question_that_everything_matches_is_never_asked(empty):
    with serving(says(204)) as server:
        with pytest.raises(UnsafeQuery):
            dicomweb.find(web(server), QUESTION, empty)
        assert server.asked == []


@pytest.mark.parametrize("warns", [True, False])
@pytest.mark.parametrize("count", [25, 30])
def test_an_archive_that_gives_pages_is_asked_for_each(warns, count):
    entries = [entry(number) for number in range(count)]
    (matches,), _ = ask(paging(entries, 10, warns=warns))
    assert uids(matches) == [f"1.2.3.{number}" for number in range(count)]
    assert matches.shortened is None


def test_small_answers_need_no_second_question():
    _, asked = ask(paging([entry(number) for number in range(3)], 10))
    assert len(asked) == 1


def test_pages_stop_above_the_limit():
    entries = [entry(number) for number in range(40)]
    (matches,), asked = ask(paging(entries, 10, warns=True), answer_limit=15)
    assert (len(matches.identifiers), matches.shortened) == (15, Reason.TOO_MANY)
    assert len(asked) == 2


def test_exactly_the_limit_is_not_more_than_it():
    (matches,), _ = ask(paging([entry(number) for number in range(15)], 100), answer_limit=15)
    assert (len(matches.identifiers), matches.shortened) == (15, None)


def test_an_archive_that_says_it_has_more_and_gives_no_more_is_not_complete():
    def answer(request):
        begin = "offset" in request.query
        send(request, 200, [] if begin else [entry()], Warning='299 x "There are 7 additional results"')

    (matches,), _ = ask(answer)
    assert (len(matches.identifiers), matches.shortened) == (1, Reason.TOO_MANY)


def test_an_archive_that_repeats_its_first_page_is_not_complete():
    (matches,), asked = ask(says(200, [entry(number) for number in range(20)]))
    assert (len(matches.identifiers), matches.shortened) == (20, Reason.TOO_MANY)
    assert len(asked) == 2


def test_an_archive_that_refuses_to_give_so_many_at_once_is_asked_for_fewer():
    entries = [entry(number) for number in range(130)]

    def answer(request):
        if int(request.query["limit"][0]) > 200:
            send(request, 400)
        else:
            paging(entries, 200)(request)

    (matches,), _ = ask(answer)
    assert (len(matches.identifiers), matches.shortened) == (130, None)


def test_a_later_page_that_fails_leaves_what_came_and_says_so():
    def answer(request):
        if "offset" in request.query:
            send(request, 500)
        else:
            paging([entry(number) for number in range(30)], 20)(request)

    (matches,), _ = ask(answer)
    assert (len(matches.identifiers), matches.shortened) == (20, Reason.OUT_OF_RESOURCES)
    assert matches.broken_off


def test_a_later_question_that_fails_leaves_what_came_and_says_so():
    def answer(request):
        send(request, *((500,) if "StudyDate" in request.query else (200, [entry()])))

    dated = identifiers.of_study(PatientID=PATIENT_ID, StudyDate="20260101-")
    (first, second), _ = ask(answer, QUESTION, dated)
    assert (uids(first), first.shortened) == (["1.2.3.1"], None)
    assert (second.identifiers, second.shortened, second.broken_off) == ((), Reason.OUT_OF_RESOURCES, True)


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (301, SetupFault, Reason.NOT_DICOM),
        (302, SetupFault, Reason.NOT_DICOM),
        (400, RequestFault, Reason.REQUEST_FAILED),
        (401, SetupFault, Reason.UNAUTHORIZED),
        (403, SetupFault, Reason.UNAUTHORIZED),
        (404, SetupFault, Reason.NOT_SUPPORTED),
        (405, SetupFault, Reason.NOT_SUPPORTED),
        (406, RequestFault, Reason.REQUEST_FAILED),
        (408, SourceUnreachable, Reason.NO_ANSWER),
        (413, SourceRefused, Reason.OUT_OF_RESOURCES),
        (429, SourceRefused, Reason.BUSY),
        (500, SourceRefused, Reason.OUT_OF_RESOURCES),
        (501, SetupFault, Reason.NOT_SUPPORTED),
        (502, SourceUnreachable, Reason.NO_CONNECTION),
        (503, SourceRefused, Reason.BUSY),
        (504, SourceUnreachable, Reason.NO_ANSWER),
    ],
)
def test_each_status_has_its_reason_and_none_reads_as_nothing_found(status, kind, reason):
    elsewhere = {"Location": "http://127.0.0.1:9/"} if status < 400 else {}
    for ask_it in (dicomweb.echo, lambda where: dicomweb.find(where, QUESTION)):
        answer = says(status, b"<p>SENTINEL^Name</p>", "text/html", **elsewhere)
        with serving(answer) as server, pytest.raises(kind) as raised:
            ask_it(web(server))
        assert (raised.value.reason, raised.value.detail) == (reason, f"status {status}")


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (b"<html>Welcome</html>", "text/html", Reason.NOT_DICOM),
        (b"500", "text/plain", Reason.NOT_DICOM),
        (b"", "text/plain", Reason.NOT_DICOM),
        (b"[{", "application/dicom+json", Reason.UNREADABLE),
        (b"", "application/dicom+json", Reason.UNREADABLE),
        (b'{"error": "SENTINEL"}', "application/json", Reason.UNREADABLE),
        (b"[" * 100_000, "application/json", Reason.UNREADABLE),
        (b"[" + b"9" * 10_000 + b"]", "application/json", Reason.UNREADABLE),
        (b"\xff\xfe\x00", "application/json", Reason.UNREADABLE),
    ],
)
def test_an_answer_that_is_no_list_is_never_nothing_found(body, kind, reason):
    error = refusal(says(200, body, kind))
    assert error.reason is reason
    assert "SENTINEL" not in str(error)


def test_a_list_under_another_content_type_is_a_list():
    (matches,), _ = ask(says(200, [entry()], "text/plain; charset=utf-8"))
    assert uids(matches) == ["1.2.3.1"]


def test_odd_values_are_left_out_and_the_rest_is_kept():
    odd = {
        **entry(7, **{"00081030": ("LO", 17)}),
        "00201208": {"vr": "IS", "Value": ["many"]},
        "00201206": {"vr": "IS", "Value": ["2"]},
        "00100010": {"vr": "PN", "Value": ["OKAFOR^Adaeze\ud800"]},
        "00100030": {"vr": "DA", "Value": "19750714"},
        "00080061": {"vr": "CS", "Value": ["CT", None, "SR"]},
        "00080050": {"vr": "SH", "Value": [{"a": 1}]},
        "00080005": {"vr": "CS", "Value": ["ISO_IR 100"]},
        "00080090": None,
        "00081190": {"vr": "UR", "BulkDataURI": "http://elsewhere/"},
        "00404033": {"vr": "AT", "Value": ["nonsense"]},
        "0008100A": {"vr": "XX", "Value": [1]},
        "00400275": {"vr": "SQ", "Value": [{"00400007": {"vr": "LO", "Value": [1]}}, None, 3]},
        "StudyID": {"vr": "SH", "Value": ["1"]},
        "7FE00010": {"vr": "OW", "InlineBinary": "***"},
        "00080060": {"Value": ["CT"]},
    }
    (matches,), _ = ask(says(200, [odd, 5, None, entry(8)]))
    assert uids(matches) == ["1.2.3.7", "", "", "1.2.3.8"]
    found = read_study(matches.identifiers[0], web_source())
    assert (found.patient.name, found.series_count, found.instance_count) == ("OKAFOR^Adaeze", 2, None)
    assert found.patient.birth_date_text == "19750714"
    assert found.modalities[0] == "CT"


def web_source():
    with serving(says(204)) as server:
        return web(server)


def test_names_in_utf_8_are_read_as_they_are_written():
    (matches,), _ = ask(says(200, [entry(1, **{"00100010": ("PN", {"Alphabetic": "LINDQVIST^Göran"})})]))
    assert str(matches.identifiers[0].PatientName) == "LINDQVIST^Göran"


def test_silence_and_half_an_answer_are_no_answer():
    for answer in (hangs, hangs_midway, drips):
        began = time.monotonic()
        assert refusal(answer).reason is Reason.NO_ANSWER
        assert time.monotonic() - began < 3


def test_the_whole_of_a_question_has_a_time_of_its_own():
    with serving(drips) as server, pytest.raises(SourceUnreachable) as raised:
        dicomweb.find(web(server), QUESTION, within=0.5)
    assert raised.value.reason is Reason.NO_ANSWER


def test_a_connection_that_breaks_is_an_outage():
    for answer in (hangs_up, reset, resets_midway):
        assert refusal(answer).reason is Reason.CONNECTION_LOST


def test_an_end_before_the_announced_length_is_an_outage():
    def answer(request):
        head(request, 100)
        request.wfile.write(b"[]")
        request.close_connection = True

    assert refusal(answer).reason is Reason.CONNECTION_LOST


def test_where_nothing_listens_the_connection_is_refused():
    with serving(says(204)) as server:
        where = web(server)
    with pytest.raises(SourceUnreachable) as raised:
        dicomweb.echo(where)
    assert raised.value.reason is Reason.CONNECTION_REFUSED


def test_a_host_that_nobody_knows_is_said():
    with serving(says(204)) as server, pytest.raises(FetchError) as raised:
        dicomweb.echo(web(server, host="archive.invalid"))
    assert raised.value.reason is Reason.HOST_UNKNOWN


def test_something_that_speaks_no_http_is_not_dicom():
    with socket.create_server(("127.0.0.1", free_port())) as listening:

        def greet():
            wire, _ = listening.accept()
            with closing(wire):
                wire.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                wire.recv(4096)

        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(SetupFault) as raised:
            dicomweb.echo(web(type("Server", (), {"server_address": listening.getsockname()})))
    assert raised.value.reason is Reason.NOT_DICOM


def test_an_answer_that_does_not_end_is_given_up():
    def answer(request):
        head(request)
        while True:
            request.wfile.write(b" " * 2**20)

    error = refusal(answer)
    assert (error.reason, error.detail) == (Reason.UNREADABLE, "an answer that is too long")


def test_a_compressed_answer_is_not_unpacked():
    error = refusal(says(200, b"\x1f\x8b" * 100, Content_Encoding="gzip"))
    assert error.reason is Reason.UNREADABLE


def test_no_proxy_of_the_environment_is_asked(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    (matches,), _ = ask(says(200, [entry()]))
    assert len(matches.identifiers) == 1


# --- listing


def listing_of(series, instances):
    """A server that lists these: entries of series, and of each series' images."""

    def answer(request):
        path = request.path.partition("?")[0].split("/")
        if path[-1] == "series":
            send(request, 200, series)
        else:
            paging(instances[path[-2]], 1000)(request)

    return answer


def of_series(uid, number=1, counted=None):
    attributes = {"0020000E": {"vr": "UI", "Value": [uid]}, "00200011": {"vr": "IS", "Value": [number]}}
    return attributes | ({"00201209": {"vr": "IS", "Value": [counted]}} if counted is not None else {})


def of_image(uid, number=None):
    attributes = {"00080018": {"vr": "UI", "Value": [uid]}}
    return attributes | ({"00200013": {"vr": "IS", "Value": [number]}} if number else {})


def listed(answer):
    with serving(answer) as server:
        return list(dicomweb.listing(web(server), "1.2.3")), server.asked


def test_images_are_listed_by_number_and_those_without_come_last():
    images = [of_image("1.1"), of_image("1.2", 2), of_image("1.3", 1), of_image("1.2", 2)]
    *events, plan = listed(listing_of([of_series("9.1", counted=3)], {"9.1": images}))[0]
    assert [e.instance_uid for e in events if isinstance(e, Instance)] == ["1.1", "1.2", "1.3"]
    assert [i.instance_uid for i in plan.instances] == ["1.3", "1.2", "1.1"]
    assert plan.total == 3


def test_many_images_come_in_pages_and_each_once():
    images = [of_image(f"1.{n}", n) for n in range(1, 1201)]
    (*_, plan), asked = listed(listing_of([of_series("9.1", counted=1200)], {"9.1": images}))
    assert (len(plan.instances), plan.total) == (1200, 1200)
    assert len(asked) == 4  # the series; 32 images, 1000 images, the rest


@pytest.mark.parametrize(("counted", "total"), [(None, 2), (5, 5), (1, 2)])
def test_the_larger_of_list_and_count_is_expected(counted, total):
    images = {"9.1": [of_image("1.1"), of_image("1.2")]}
    *_, plan = listed(listing_of([of_series("9.1", counted=counted)], images))[0]
    assert plan.total == total


def test_a_list_that_is_shorter_than_the_count_is_asked_for_once_more():
    lists = iter([[of_image("1.1")], [of_image("1.1"), of_image("1.2")]])

    def busy(request):
        images = {} if request.path.partition("?")[0].endswith("/series") else {"9.1": next(lists)}
        listing_of([of_series("9.1", counted=2)], images)(request)

    (*_, plan), asked = listed(busy)
    assert ([i.instance_uid for i in plan.instances], plan.total, len(asked)) == (["1.1", "1.2"], 2, 3)


def test_what_is_archived_is_known_by_its_series():
    images = {"9.1": [of_image("1.1")], "9.2": [of_image("1.2")]}
    late = of_series("9.2") | {"00080056": {"vr": "CS", "Value": ["NEARLINE"]}}
    *_, plan = listed(listing_of([of_series("9.1"), late], images))[0]
    assert [series.archived for series in sorted(plan.series, key=lambda s: s.series_uid)] == [False, True]


def test_a_uid_that_is_none_is_not_asked_for_and_not_forgotten():
    hostile = listing_of(
        [of_series("9.1"), of_series("../../x", 2)],
        {"9.1": [of_image("1.1"), of_image("../1"), of_image(""), of_image("")]},
    )
    (*events, plan), asked = listed(hostile)
    assert [i.instance_uid for i in plan.instances] == ["1.1"]
    assert plan.series[0].expected == 4
    assert plan.total is None
    assert len(events) == 2
    assert not any(".." in path for path, *_ in asked)


def test_images_that_the_archive_will_not_list_are_expected_by_their_count():
    def answer(request):
        if "/instances" in request.path:
            send(request, 400)
        else:
            send(request, 200, [of_series("9.1", counted=4)])

    (series, plan), _ = listed(answer)
    assert (series, plan.total) == (Series("9.1", 1, expected=4), 4)


def test_a_study_that_is_gone_has_an_empty_plan():
    assert listed(says(404))[0] == [Plan((), None)]


def test_an_outage_in_the_middle_of_a_listing_is_one():
    def answer(request):
        if "/instances" in request.path:
            send(request, 503)
        else:
            send(request, 200, [of_series("9.1")])

    with serving(answer) as server, pytest.raises(SourceRefused) as raised:
        list(dicomweb.listing(web(server), "1.2.3"))
    assert raised.value.reason is Reason.BUSY


def test_a_listing_is_ended_by_another_thread():
    ends = []
    with serving(hangs) as server:
        listing = dicomweb.listing(web(server), "1.2.3", lambda end: ends.append(later(end)))
        began = time.monotonic()
        with pytest.raises(SourceUnreachable) as raised:
            list(listing)
    assert raised.value.detail == "ended by us"
    assert time.monotonic() - began < 0.9


def later(end, seconds=0.3):
    timer = threading.Timer(seconds, end)
    timer.start()
    return timer
