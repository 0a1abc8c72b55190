"""The larger picture of what is looked at: there, brought when somebody looks, or said to be missing."""

import re
from functools import partial

import pytest
from sqlalchemy import select, update
from support.inspecting import panel_polls, text_of
from support.visits import fetches, large, opened

from preview.demo.behaviour import claims_success_but_sends_nothing, leaves_out, refuses_association
from preview.errands import enlarging
from preview.records import Errand, FetchRow, InstanceRow, Outcome


@pytest.fixture
def visit(site, client, archive):
    """Open the study that ``study(…)`` makes of the arguments."""
    return partial(opened, site, client, archive)


@pytest.fixture
def seen(visit):
    """A study whose images have larger pictures, of which only the poster's is here."""
    here = visit(images=9, size=512)
    here.fetch()
    return here


def address(here, place: int) -> dict[str, int]:
    """Of one of the images whose larger picture is not here."""
    with here.site.parts.records.read() as session:
        rows = session.scalars(select(InstanceRow).order_by(InstanceRow.number)).all()
    row = [row for row in rows if 640 not in row.sizes][place]
    return {"series": row.series_row, "instance": row.id, "frame": 1}


def enlargings(site) -> list[FetchRow]:
    return [fetch for fetch in fetches(site) if fetch.errand is Errand.ENLARGE]


def end_enlarging(site, **values) -> None:
    ended = {"finished_at": site.parts.now, "active_study": None, **values}
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).where(FetchRow.errand == Errand.ENLARGE).values(**ended))


def test_the_poster_is_shown_large_without_further_ado(seen):
    html = seen.html()
    assert "-640.png" in large(html)
    assert 'width="384" height="384"' in html
    assert "Small picture" not in html
    assert enlargings(seen.site) == []


def test_whoever_looks_at_a_small_picture_has_the_larger_one_brought(seen):
    place = address(seen, 0)
    html = seen.html(**place)
    assert "Small picture; the larger one is on its way." in text_of(html)
    assert "-256.png" in large(html)
    assert 'width="384" height="384"' in html  # it stands where the larger one will stand
    (errand,) = enlargings(seen.site)
    assert errand.around == place["instance"]
    assert 'hx-trigger="every' in html
    seen.html(**address(seen, 1))
    (errand,) = enlargings(seen.site)
    assert errand.around == address(seen, 1)["instance"]


def test_the_larger_picture_and_its_neighbours_come(seen):
    html = seen.html(**address(seen, 0))
    seen.site.fetch_all()
    panel = seen.client.poll(html).text
    assert "-640.png" in large(panel)
    assert seen.client.get(re.search(r'id="large" src="([^"]*)"', panel)[1]).data.startswith(b"\x89PNG")
    assert "Small picture" not in panel
    assert not panel_polls(panel)
    (errand,) = enlargings(seen.site)
    assert errand.outcome is Outcome.COMPLETE
    with seen.site.parts.records.read() as session:
        assert all(row.sizes == [256, 640] for row in session.scalars(select(InstanceRow)))


def test_a_poll_asks_for_no_larger_picture(seen):
    html = seen.html(**address(seen, 0))
    end_enlarging(seen.site, outcome="CANCELLED")
    panel = seen.client.poll(html).text
    assert "Small picture." in text_of(panel)
    assert not panel_polls(panel)
    assert len(enlargings(seen.site)) == 1
    response = seen.client.press(panel, "Show it larger")
    assert len(enlargings(seen.site)) == 2
    assert "the larger one is on its way" in seen.client.page(response.headers["Location"])


def test_when_the_larger_picture_is_there_the_mark_goes(seen):
    place = address(seen, 0)
    html = seen.html(**place)
    with seen.site.parts.records.write() as session:
        session.get_one(InstanceRow, place["instance"]).sizes = [256, 640]
    end_enlarging(seen.site, outcome="COMPLETE")
    panel = seen.client.poll(html).text
    assert "-640.png" in large(panel)
    assert "Small picture" not in panel
    assert not panel_polls(panel)


def test_a_larger_picture_that_could_not_be_brought_says_why_and_is_not_asked_for_at_every_look(seen):
    place = address(seen, 0)
    seen.html(**place)
    end_enlarging(seen.site, outcome="FAILED", reason="no-answer")
    html = seen.html(**place)
    said = "Small picture. The larger picture could not be fetched: The archive did not answer in time."
    assert said in text_of(html)
    assert not panel_polls(html)
    assert len(enlargings(seen.site)) == 1
    seen.client.press(html, "Try now")
    assert len(enlargings(seen.site)) == 2


def test_of_an_image_that_has_no_larger_picture_none_is_asked_for(visit):
    here = visit(images=3, size=256)
    here.fetch()
    html = here.html(**address(here, 0))
    assert "Small picture" not in html
    assert 'width="256" height="256"' in html
    assert enlargings(here.site) == []


def test_while_the_study_is_fetched_no_larger_picture_is_asked_for(seen):
    seen.client.press(seen.html(), "Fetch again")
    html = seen.html(**address(seen, 0))
    assert "Small picture." in text_of(html)
    assert "Show it larger" not in html
    assert enlargings(seen.site) == []


@pytest.mark.parametrize("instance", ["", "x", "0", "999999", "9" * 40])
def test_a_larger_picture_of_nothing_is_not_found(seen, instance):
    token = re.search(r'name="csrf_token" value="([^"]*)"', seen.html())[1]
    data = {"csrf_token": token, "instance": instance}
    assert seen.client.post(f"{seen.path}/enlarge", data=data).status_code == 404
    assert enlargings(seen.site) == []


# --- whoever steps on while larger pictures come


def stepping(seen, monkeypatch, *steps, **first) -> list[int]:
    """Let somebody look at ``first`` and step on while each of these is brought; what was brought around."""
    brought: list[int] = []
    bring, left = enlarging._enlarged, list(steps)

    def step(parts, claim, drawers):
        brought.append(claim.around)
        ended = bring(parts, claim, drawers)
        if left:
            left.pop(0)()
        return ended

    monkeypatch.setattr(enlarging, "_enlarged", step)
    seen.html(**first)
    seen.site.fetch_all()
    return brought


@pytest.mark.parametrize(
    "how",
    [refuses_association("calling"), leaves_out(9), claims_success_but_sends_nothing()],
    ids=["refused", "with gaps", "nothing sent"],
)
def test_whoever_steps_on_while_one_picture_fails_gets_the_next(seen, archive, monkeypatch, how):
    first, second = address(seen, 0), address(seen, 1)
    archive.behave(how)

    def step_on() -> None:
        seen.html(**second)
        archive.behave_well()

    brought = stepping(seen, monkeypatch, step_on, **first)
    assert brought == [first["instance"], second["instance"]]
    (errand,) = enlargings(seen.site)
    assert (errand.outcome, errand.around) == (Outcome.COMPLETE, second["instance"])
    assert "-640.png" in large(seen.html(**second))


def test_where_nothing_comes_it_ends_with_the_last_step(seen, archive, monkeypatch):
    places = [address(seen, place) for place in range(3)]
    archive.behave(refuses_association("calling"))
    steps = [partial(seen.html, **place) for place in places[1:]]
    brought = stepping(seen, monkeypatch, *steps, **places[0])
    assert brought == [place["instance"] for place in places]
    (errand,) = enlargings(seen.site)
    assert (errand.outcome, errand.active_study) == (Outcome.FAILED, None)


def test_what_is_cancelled_does_not_go_on_with_another(seen, archive, monkeypatch):
    first, second = address(seen, 0), address(seen, 1)
    archive.behave(refuses_association("calling"))

    def step_on_and_stop() -> None:
        seen.html(**second)
        with seen.site.parts.records.write() as session:
            session.execute(update(FetchRow).values(cancel_at=seen.site.parts.now))

    assert stepping(seen, monkeypatch, step_on_and_stop, **first) == [first["instance"]]
    assert all(fetch.finished_at for fetch in fetches(seen.site))
