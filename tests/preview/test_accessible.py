"""Every page in both themes: axe finds nothing, 320 pixels are wide enough, and nothing moves."""

import re
from datetime import date, timedelta

import pytest
from support.axe import findings
from support.inspecting import InspectingClient
from support.installation import Installation, context_key, source_block
from support.serving import served
from support.studies import OKAFOR, study
from support.visits import opened

from fetch.model import Patient
from preview.demo.archive import Archive
from preview.entrance import access
from preview.fallback.records import NoticeRow
from preview.records import Role

SHIFTS = """() => { window.moved = []; new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput)
        moved.push([one.value, ...one.sources.map((source) => source.node?.outerHTML?.slice(0, 80))]);
}).observe({ type: "layout-shift", buffered: true }); }"""
STRANGER = Patient(OKAFOR.identity, OKAFOR.name, date(1931, 1, 31), "F")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory, redis_url):
    """A study that is here, one that is not, one of somebody else's; a notice; an archive that is down."""
    blocks = [source_block("main", 0, aet="MAIN"), source_block("other", 1)]
    with Archive("MAIN").start() as archive:
        blocks[0] = source_block("main", archive.port, aet="MAIN")
        site = Installation(tmp_path_factory.mktemp("hospital"), blocks, redis_url)
        site.app.test_client_class = InspectingClient
        here = opened(site, site.app.test_client(), archive, study(series=2, images=30))
        here.fetch()
        for ds in [
            *study(Modality="MR", StudyDescription="A study with a very long description, as there are many"),
            *study(STRANGER, StudyDescription="Of whom?"),
        ]:
            archive.add(ds)
        now = site.parts.now
        with site.parts.records.write() as session:
            times = {"starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(hours=8)}
            session.add(NoticeRow(urgency="WARNING", text="Work", made_at=now, made_by="Dr Adams", **times))
        with served(site) as address:
            yield here, address
        site.parts.records.engine.dispose()


@pytest.fixture(scope="module")
def pages(hospital):
    """The paths, by name, and the cookies of a browser that may see them: all opened by one person."""
    here, _ = hospital
    site, client = here.site, here.site.app.test_client()
    patient = opened_by_adams(site, client, Role.REFERRER, OKAFOR)
    site.ask_all()
    staff = context_key(opened_by_adams(site, client, Role.ADMIN))
    listing = client.page(f"/staff/{staff}/unmatched")
    found = {
        "home": "/",
        "nothing-here": "/nowhere",
        "status": "/status",
        "plan": "/fallback",
        "patient": patient,
        "own-range": f"{patient}?from=x&to=",
        "study": patient + here.path[here.path.index("/studies/") :],
        "compare": f"{patient}/compare?study={here.path.rsplit('/', 1)[1]}",
        "unmatched": f"/staff/{staff}/unmatched",
        "resolve": address_of(listing, "/unmatched/"),
        "archives": f"/staff/{staff}/archives",
        "notices": f"/admin/{staff}/notices",
        "downtime": f"/staff/{staff}/downtime",
        "plan-overview": f"/admin/{staff}/fallback",
        "plan-edit": f"/admin/{staff}/fallback/edit",
    }
    return found, client.get_cookie("preview").value


def opened_by_adams(site, client, role: Role, patient: Patient | None = None) -> str:
    """The address of what a one-time link opens."""
    with site.parts.records.write() as session:
        code = access.prepare(session, role=role, patient=patient, person="Dr Adams", now=site.parts.now)
    return client.get(f"/open/{code}").headers["Location"]


def address_of(html: str, part: str) -> str:
    return next(one for one in re.findall(r'href="([^"?]*)', html) if part in one)


PAGES = (
    *("home", "nothing-here", "status", "plan", "patient", "own-range", "study", "compare"),
    *("unmatched", "resolve"),
    *("archives", "notices", "downtime", "plan-overview", "plan-edit"),
)


@pytest.fixture
def visited(hospital, pages, chromium):
    contexts = []

    def visits(name: str, size=(1280, 900), **settings):
        _, address = hospital
        paths, cookie = pages
        contexts.append(chromium.new_context(viewport={"width": size[0], "height": size[1]}, **settings))
        contexts[-1].add_cookies([{"name": "preview", "value": cookie, "url": address}])
        page = contexts[-1].new_page()
        page.add_init_script(f"({SHIFTS})()")
        answer = page.goto(address + paths[name])
        assert answer.status == {"nothing-here": 404, "own-range": 422, "compare": 409}.get(name, 200)
        page.wait_for_load_state("networkidle")
        return page

    yield visits
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visited, name, scheme):
    page = visited(name, color_scheme=scheme)
    assert findings(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_320_pixels_are_wide_enough_and_nothing_moves(visited, name):
    page = visited(name, size=(320, 700))
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
    page.wait_for_timeout(300)
    assert page.evaluate("() => moved") == []
