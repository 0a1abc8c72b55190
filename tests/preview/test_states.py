"""Every state that a page can say, in both themes: it says so, and axe finds nothing.

``states.md`` beside this file is the table of what is looked at; a state that is new fails here until it is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support.axe import findings_in_both_themes, with_axe
from support.inspecting import InspectingClient
from support.installation import Installation, context_key, source_block
from support.scene import Scene
from support.serving import served
from support.staff_looks import STAFF_LOOKS
from support.studies import study
from support.visits import UID

from fetch.records import StudyRow
from preview.demo.archive import Archive
from preview.entrance import access
from preview.fallback.records import Urgency
from preview.health.banner import Kind
from preview.health.standing import State as Standing
from preview.page import Asked, Door, Larger, Nothing, Status
from preview.records import ContextRow, Role
from preview.viewer.links import Entry, Holding

TABLE = Path(__file__).with_name("states.md")
EVERYWHERE = ("patient", "study", "status", "home", "unmatched", "archives")
PAGES = (*EVERYWHERE, "resolve", "confirm")
CARD = ("patient", "study")

SILENT = {"reason": "no-answer"}
GAPS = {"reason": "some-missing"}
RESTING = {"next_try_at": -120, "tries": 1, "begun_at": 30, **SILENT}
OTHER = Entry("9990001", "STRANGER^Sam", "19310131")


@dataclass(frozen=True)
class Look:
    """How a state comes about, where it is to be seen, and by what it is known there (CSS, or a text).

    ``then`` happens after the page was opened.
    """

    state: StrEnum
    pages: tuple[str, ...]
    arrange: Callable[[Scene], object]
    known_by: str
    then: Callable[[Scene], object] | None = None
    query: str = ""
    name: str = ""
    """Where a state has several looks."""

    @property
    def id(self) -> str:
        kind = {Standing: "Archive", Kind: "Banner", Urgency: "Notice", Door: "Viewer"}.get(type(self.state))
        said = f"{kind or type(self.state).__name__}: {self.state.value.lower()}"
        return f"{said}, {self.name}" if self.name else said


def status(state: Status, arrange: Callable[[Scene], object], name: str = "") -> Look:
    return Look(state, CARD, arrange, f".status.{state}", name=name)


def door(state: Door, arrange: Callable[[Scene], object], known_by: str = "") -> Look:
    return Look(state, CARD, arrange, known_by or f".viewer.{state}")


def larger(state: Larger, arrange: Callable[[Scene], object], known_by: str, then=None) -> Look:
    return Look(state, ("study",), arrange, known_by, then)


def banner(
    state: Kind, arrange: Callable[[Scene], object], known_by: str, pages=("patient", "status")
) -> Look:
    return Look(state, pages, arrange, f"#banner :text('{known_by}')")


def health(state: Standing, known_by: str, **values) -> Look:
    return Look(state, ("status", "archives"), lambda scene: scene.health_is(**values), known_by)


def as_it_is(_scene: Scene) -> None:
    """The study fetched whole, every archive well."""


def not_done(scene: Scene, **values) -> None:
    scene.nothing_found()
    scene.question_is(**{"begun_at": None, "finished_at": None, "wanted_at": 1, **values})
    scene.answers_are(kind="OUTAGE", reason="no-answer")


def answered(scene: Scene, **values) -> None:
    scene.nothing_found()
    scene.answers_are(**values)


def paused(scene: Scene) -> None:
    not_done(scene, wanted_at=90)
    scene.no_redis()


def enlarging(scene: Scene, **values) -> None:
    not_ended = {"outcome": None, "finished_at": None, "reason": None, "begun_at": 1, "beat_at": 0}
    scene.enlarging_is(**{"around": scene.only_small(), "wanted_at": 1, **not_ended, **values})


def cancelled_by(scene: Scene, person: str) -> None:
    """Seen by Dr Adams."""
    scene.change(ContextRow, person="Dr Adams")
    scene.fetch_is(outcome="CANCELLED", arrived=5, cancel_at=1, cancelled_in="0" * 32, cancelled_by=person)


def cancel_enlarging(scene: Scene) -> None:
    scene.fetch_is()
    enlarging(scene, outcome="CANCELLED", finished_at=0)


LOOKS = (
    status(Status.NOT_FETCHED, Scene.no_fetch),
    status(Status.WAITING, Scene.under_way),
    status(Status.UNATTENDED, lambda scene: scene.under_way(wanted_at=120)),
    status(Status.PAUSED, lambda scene: (scene.under_way(), scene.no_redis())),
    status(Status.RUNNING, lambda scene: scene.running(5)),
    status(Status.RUNNING, lambda scene: scene.running(5, expected=None), "total not known"),
    status(Status.RUNNING, lambda scene: scene.running(5, moved_at=15), "archive silent"),
    status(Status.RUNNING, lambda scene: scene.running(5, cancel_at=1), "cancelling"),
    Look(Status.RUNNING, CARD, Scene.slower_than_usual, ".running .slow", name="slower than usual"),
    status(Status.STALLED, lambda scene: scene.running(5, beat_at=90, begun_at=120, wanted_at=120)),
    status(Status.RESTING, lambda scene: scene.under_way(**RESTING)),
    status(Status.RESTING, lambda scene: scene.running(5, beat_at=40, **RESTING), "with gaps"),
    status(
        Status.HELD_UP,
        lambda scene: (scene.under_way(**RESTING), scene.health_is(condition="DOWN", reason="no-answer")),
    ),
    status(Status.COMPLETE, lambda scene: scene.fetch_is()),
    status(Status.GROWN, lambda scene: scene.archive_counts(40)),
    status(
        Status.INCOMPLETE,
        lambda scene: scene.fetch_is(outcome="INCOMPLETE", expected=15, **GAPS),
    ),
    status(Status.FAILED, lambda scene: scene.fetch_is(outcome="FAILED", reason="no-answer", arrived=0)),
    status(
        Status.FAILED_SETUP,
        lambda scene: scene.fetch_is(outcome="FAILED", reason="calling-aet-unknown", arrived=0),
    ),
    status(Status.CANCELLED, lambda scene: scene.fetch_is(outcome="CANCELLED", arrived=5)),
    Look(
        Status.CANCELLED,
        CARD,
        lambda scene: cancelled_by(scene, "Dr Brown"),
        ".cancelled :text('by somebody else')",
        name="by somebody else",
    ),
    status(Status.PEEKING, lambda scene: scene.running(0, scope="POSTERS")),
    status(Status.PEEKING_LATE, lambda scene: scene.under_way(scope="POSTERS", wanted_at=120)),
    status(Status.PEEKING_RESTING, lambda scene: scene.under_way(scope="POSTERS", **RESTING)),
    status(Status.POSTERS, lambda scene: scene.fetch_is(scope="POSTERS", arrived=2, expected=2)),
    status(
        Status.POSTERS_FAILED,
        lambda scene: scene.fetch_is(scope="POSTERS", outcome="FAILED", reason="no-answer", arrived=0),
    ),
    door(Door.NO_VIEWER, Scene.no_viewer, "details.no-viewer"),
    door(Door.NOT_CHECKED, lambda scene: scene.viewer_says(Holding.NOT_CHECKED)),
    door(Door.CHECKING, lambda scene: scene.viewer_says(Holding.CHECKING)),
    door(Door.OPEN, lambda scene: scene.viewer_says(Holding.HELD, 12), "a.primary"),
    door(Door.PART, lambda scene: scene.viewer_says(Holding.HELD, 5)),
    door(Door.ABSENT, lambda scene: scene.viewer_says(Holding.ABSENT)),
    door(Door.DOWN, lambda scene: scene.viewer_says(Holding.DOWN)),
    door(Door.REFUSED, lambda scene: scene.viewer_says(Holding.REFUSED)),
    door(Door.UNCLEAR, lambda scene: scene.viewer_says(Holding.UNCLEAR)),
    door(Door.OTHER_PATIENT, lambda scene: scene.viewer_says(Holding.HELD, 12, OTHER)),
    door(Door.NO_LINK, lambda scene: scene.change(StudyRow, study_uid="1.02")),
    larger(Larger.THERE, as_it_is, "#large[src$='-640.png']"),
    larger(Larger.NONE, Scene.nothing_larger, "#large[src$='-256.png']"),
    larger(Larger.WANTED, enlarging, "#enlarge:text('Show it larger')", cancel_enlarging),
    larger(Larger.LATER, lambda scene: (scene.only_small(), scene.running(5)), ":text('Small picture.')"),
    larger(Larger.COMING, enlarging, ":text('on its way')"),
    larger(
        Larger.LATE,
        lambda scene: enlarging(scene, begun_at=120, beat_at=90),
        ":text('not come yet')",
    ),
    larger(
        Larger.FAILED,
        lambda scene: enlarging(scene, outcome="FAILED", reason="no-answer", finished_at=1),
        "#enlarge:text('Try now')",
    ),
    Look(Asked.NEVER, ("patient",), Scene.no_question, ":text('have not been asked for these dates')"),
    Look(Asked.ASKING, ("patient",), not_done, ":text('Asking the archives')"),
    Look(
        Asked.WAITING,
        ("patient",),
        lambda scene: not_done(scene, wanted_at=90),
        ":text('No worker has taken up the question')",
    ),
    Look(Asked.PAUSED, ("patient",), paused, "#answers :text('Fetching is paused.')"),
    Look(Asked.DONE, ("patient",), as_it_is, ".answer.found"),
    Look(
        Nothing.SOME,
        ("patient",),
        lambda scene: scene.answers_are(kind="OUTAGE", reason="no-answer"),
        "#not-all-asked",
        name="our copy",
    ),
    Look(Nothing.NONE, ("patient",), lambda scene: answered(scene, kind="ABSENT"), "text=No imaging found"),
    Look(
        Nothing.WITHHELD,
        ("patient",),
        lambda scene: answered(scene, kind="FOUND"),
        "text=Nothing can be shown yet.",
    ),
    Look(
        Nothing.NOT_ALL_ASKED,
        ("patient",),
        lambda scene: answered(scene, kind="OUTAGE", reason="no-answer"),
        ".empty :text('Not every archive could be asked.')",
    ),
    Look(
        Nothing.FILTERED,
        ("patient",),
        as_it_is,
        "text=No study of this kind",
        query="?modality=US",
    ),
    Look(Nothing.NOT_YET, ("patient",), not_done, ".empty :text('Asking the archives')"),
    banner(Kind.DATABASE, Scene.no_database, "The database cannot be reached.", ("home",)),
    banner(Kind.QUEUE, Scene.no_redis, "Fetching is paused.", EVERYWHERE),
    banner(Kind.DISK, Scene.no_room, "There is no room"),
    banner(
        Kind.DOWN,
        lambda scene: scene.health_is(condition="DOWN", reason="no-answer"),
        "cannot be reached since",
        EVERYWHERE,
    ),
    banner(
        Kind.REFUSING,
        lambda scene: scene.health_is(condition="DOWN", reason="calling-aet-unknown"),
        "refuses our requests",
    ),
    banner(Kind.PAUSED, lambda scene: scene.health_is(paused_at=600), "paused by staff"),
    banner(Kind.PARTIAL, lambda scene: scene.health_is(condition="PARTIAL", **SILENT), "only in part"),
    banner(Kind.SLOW, lambda scene: scene.health_is(condition="SLOW"), "more slowly than usual"),
    banner(Kind.NOT_CHECKED, lambda scene: scene.health_is(checked_at=6000), "not checked since"),
    banner(
        Kind.OVER,
        lambda scene: scene.health_is(condition="UP", over_at=1, woken=3),
        "can be reached again since",
    ),
    health(Standing.UP, ".standing.up", condition="UP"),
    health(Standing.SLOW, ".standing.slow", condition="SLOW"),
    health(Standing.PARTIAL, ".standing.partial", condition="PARTIAL", reason="no-answer"),
    health(Standing.DOWN, ".standing.down", condition="DOWN", reason="no-answer"),
    health(Standing.PAUSED, ".standing.paused", paused_at=600),
    health(Standing.NOT_CHECKED, ".standing.not-checked", checked_at=6000),
    *(
        Look(one, ("patient", "unmatched"), lambda scene, one=one: scene.notice(one), "#banner :text('Work')")
        for one in Urgency
    ),
)


@pytest.mark.parametrize("states", [Status, Door, Larger, Asked, Nothing, Kind, Standing, Urgency])
def test_no_state_is_left_out(states):
    assert {look.state for look in LOOKS if isinstance(look.state, states)} == set(states)


def test_the_table_says_what_is_looked_at():
    rows = [
        f"| {look.id} | {' | '.join('✓' if one in look.pages else '' for one in PAGES)} |"
        for look in (*LOOKS, *STAFF_LOOKS)
    ]
    told = "\n".join(
        [
            "# States that a browser looks at, by page, in both themes",
            "",
            "Each is brought about, known by what the page says, and searched by axe-core without a finding:",
            "`test_states.py`, which holds this table too, and for the list and its decisions",
            "`matching/test_staff_states.py`.",
            "",
            f"| state | {' | '.join(PAGES)} |",
            f"|---|{'---|' * len(PAGES)}",
            *rows,
            "",
        ]
    )
    assert TABLE.read_text(encoding="utf-8") == told


@pytest.fixture(scope="module")
def hospital(tmp_path_factory, redis_url):
    """The scene, and where it is served."""
    with Archive("MAIN").start() as archive, pytest.MonkeyPatch.context() as patch:
        blocks = [source_block("main", archive.port, aet="MAIN")]
        site = Installation(tmp_path_factory.mktemp("states"), blocks, redis_url)
        site.app.test_client_class = InspectingClient
        scene = Scene(site, archive, study(series=2, images=6, size=512, study_uid=UID), patch)
        with served(site) as address:
            yield scene, address
        site.parts.records.engine.dispose()


@pytest.fixture(scope="module")
def open_page(hospital, chromium):
    """Open a page by its name, with the browser of a reader or of staff."""
    scene, address = hospital
    with scene.site.parts.records.write() as session:
        code = access.prepare(
            session, role=Role.ADMIN, patient=None, person="Dr Adams", now=scene.site.parts.now
        )
    at_work = scene.site.app.test_client()
    staff = context_key(at_work.get(f"/open/{code}").headers["Location"])
    of_staff = {"unmatched": f"/staff/{staff}/unmatched", "archives": f"/staff/{staff}/archives"}
    of_reader = {"patient": scene.patient, "study": scene.study, "status": "/status"}
    of_reader["home"] = "/"
    tabs, contexts = {}, []
    for client, paths in ((scene.here.client, of_reader), (at_work, of_staff)):
        context = with_axe(chromium.new_context(viewport={"width": 1280, "height": 900}))
        contexts.append(context)
        cookie = client.get_cookie("preview").value
        context.add_cookies([{"name": "preview", "value": cookie, "url": address}])
        page = context.new_page()
        tabs |= {name: (page, address + path) for name, path in paths.items()}

    def opens(name: str, query: str):
        page, at = tabs[name]
        page.goto(at + query, wait_until="domcontentloaded")
        return page

    yield opens
    for context in contexts:
        context.close()


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.id)
def test_axe_finds_nothing_in_any_state(hospital, open_page, look):
    scene, _ = hospital
    try:
        for name in look.pages:
            scene.undo()
            look.arrange(scene)
            page = open_page(name, look.query)
            if look.then:
                look.then(scene)
            expect(page.locator(look.known_by).first).to_be_attached(timeout=15_000)
            assert (name, findings_in_both_themes(page)) == (name, [])
    finally:
        scene.undo()
