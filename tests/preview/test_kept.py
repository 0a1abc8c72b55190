"""What pages have read is kept for exactly as long as nobody writes anything that it rests on."""

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape
from threading import Event

import pytest
from sqlalchemy import event, select, text, update
from support.inspecting import polled_address
from support.studies import OKAFOR, STRANGER, study

from fetch.records import Base, StudyRow
from preview.fallback.records import NoticeRow, Urgency
from preview.kept import Look
from preview.records import ContextRow, FetchRow, Role
from preview.routes.cards import Cards

HX = {"HX-Request": "true"}


def numbered(site):
    """What a look reads: another number each time that it really reads."""
    numbers = iter(range(100))
    return lambda: site.parts.kept.look().get("number", lambda: next(numbers))


def test_what_is_kept_is_gone_with_the_next_write_of_this_process(site, client):
    read = numbered(site)
    assert [read(), read()] == [0, 0]
    site.launch(OKAFOR)
    assert [read(), read()] == [1, 1]


def test_what_is_kept_is_gone_with_the_next_write_of_another_program(site):
    read = numbered(site)
    assert [read(), read()] == [0, 0]
    other = sqlite3.connect(site.folder / "preview.db")
    other.execute("UPDATE contexts SET role = role")
    other.execute("INSERT INTO launches VALUES ('a', '2026-01-01 00:00:00')")
    assert read() == 0, "it is not written yet"
    other.commit()
    assert [read(), read()] == [1, 1]


def test_what_was_read_while_somebody_wrote_is_not_kept_as_new(site):
    """It was read after the look was taken, so it may be from before the write or from after it."""
    look, read = site.parts.kept.look(), numbered(site)
    site.launch(OKAFOR)
    look.get("number", lambda: "from before the write")
    assert read() == 0


# --- what a fetch that runs does not change

OF_FETCHES = {"fetches", "fetch_notes", "series", "instances", "selected", "source_health", "outages"}
NEITHER = {"changes", "lines", "line_wishes", "profiles"}


def test_every_table_that_pages_rest_on_tells_that_it_was_written(site):
    """Also one that a migration has made anew: SQLite's triggers go with the table they stand at."""
    triggers = text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%is_a_change'")
    with site.parts.records.read() as session:
        found = [
            re.search(r"AFTER (\w+) ON (\w+) .* kind = '(\w+)'", sql) for sql in session.scalars(triggers)
        ]
    told = {(table, how, kind) for how, table, kind in (one.groups() for one in found)}
    kinds = {table: "fetches" if table in OF_FETCHES else "others" for table in Base.metadata.tables}
    assert told == {
        (table, how, kind)
        for table, kind in kinds.items()
        for how in ("INSERT", "UPDATE", "DELETE")
        if table not in NEITHER
    }


def test_while_a_fetch_runs_only_what_it_writes_is_read_again(site, client, waiting, statements):
    address = polled_address(client.page(waiting))
    client.get(address, headers=HX)
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(begun_at=site.parts.now, beat_at=site.parts.now, arrived=2))
    statements.clear()
    assert client.get(address, headers=HX).status_code == 200
    assert {re.search(r"FROM (\w+)", sql)[1] for sql in statements if "FROM" in sql} <= OF_FETCHES


def test_who_has_an_association_changes_nothing_that_is_shown(site, client, waiting, statements):
    address = polled_address(client.page(waiting))
    client.get(address, headers=HX)
    with site.parts.lines.line(site.settings.sources[0]):
        statements.clear()
        assert client.get(address, headers=HX).status_code == 204
    assert client.get(address, headers=HX).status_code == 204
    assert [sql for sql in statements if "contexts" in sql or "fetches" in sql] == []


@pytest.mark.parametrize("role", [Role.REFERRER, Role.ADMIN])
def test_what_lasts_rests_on_nothing_of_fetches(site, client, archive, statements, monkeypatch, role):
    """Else a page would show it as it was before the fetch."""
    get, reading, at_fault = Look.get, [], []

    def noted(look, key, read):
        def watched():
            reading.append(look is look.lasting)
            before = len(statements)
            try:
                return read()
            finally:
                if reading.pop():
                    own = [sql for sql in statements[before:] if OF_FETCHES & set(re.findall(r"\w+", sql))]
                    at_fault.extend((key, sql) for sql in own)

        return get(look, key, watched)

    monkeypatch.setattr(Look, "get", noted)
    for person in (OKAFOR, STRANGER):
        for ds in study(person):
            archive.add(ds)
    path = client.opened(site, role=role)
    client.press(client.page(path), "Fetch")
    site.fetch_all()
    page = client.page(path)
    client.get(polled_address(page) or path, headers=HX)
    pictures = re.findall(r'(?:src|href)="([^"]*/(?:pictures|studies)/[^"]*)"', page)
    assert pictures
    for address in pictures:
        assert client.get(unescape(address)).status_code == 200
    assert at_fault == []


def test_access_that_is_withdrawn_while_a_fetch_runs_ends_with_the_next_poll(site, client, waiting):
    address = polled_address(client.page(waiting))
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(begun_at=site.parts.now, beat_at=site.parts.now, arrived=2))
    assert "2 of 3 images received" in client.get(address, headers=HX).text
    with site.parts.records.write() as session:
        session.execute(update(ContextRow).values(session=None))
    assert "Your session has ended" in client.get(address, headers=HX).text


def test_a_copy_of_the_database_that_is_put_back_is_read_anew(site):
    """However much is written to it afterwards: no state of before has the same mark."""
    look = site.parts.kept.look
    path = site.folder / "preview.db"
    copy, other = sqlite3.connect(":memory:"), sqlite3.connect(path)
    other.backup(copy)
    site.launch(OKAFOR)
    look().lasting.get("who", lambda: "somebody")
    copy.backup(other)
    other.execute("INSERT INTO launches VALUES ('a', '2026-01-01 00:00:00')")
    other.commit()
    assert look().lasting.get("who", lambda: "nobody") == "nobody"


@pytest.fixture
def waiting(site, client, archive):
    """The path of the patient's page while its one study waits to be fetched."""
    for ds in study():
        archive.add(ds)
    path = client.opened(site)
    client.press(client.page(path), "Fetch")
    return path


@pytest.fixture
def statements(site):
    """The statements that reach the database."""
    seen = []
    event.listen(
        site.parts.records.engine, "before_cursor_execute", lambda _c, _cursor, sql, *_rest: seen.append(sql)
    )
    return seen


def test_an_unchanged_poll_asks_the_database_nothing(client, waiting, statements):
    address = polled_address(client.page(waiting))
    assert client.get(address, headers=HX).status_code == 204
    statements.clear()
    assert client.get(address, headers=HX).status_code == 204
    assert statements == []


def test_pictures_of_one_study_ask_the_database_once_whether_they_may_be_shown(
    site, client, waiting, statements
):
    site.fetch_all()
    pictures = re.findall(r'src="([^"]*/pictures/[^"]*)"', client.page(waiting))
    assert client.get(pictures[0]).status_code == 200
    statements.clear()
    assert client.get(pictures[0]).status_code == 200
    assert statements == []
    assert site.app.test_client().get(pictures[0]).status_code == 403


def test_what_two_want_to_know_at_once_is_read_once(site):
    """The second waits for the first, and reads itself only if the first could not."""
    looks, reading, may_go_on = [site.parts.kept.look() for _ in range(2)], Event(), Event()
    numbers = iter(range(10))

    def read():
        reading.set()
        may_go_on.wait(10)
        return next(numbers)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(looks[0].get, "number", read)
        reading.wait(10)
        second = pool.submit(looks[1].get, "number", read)
        may_go_on.set()
        assert (first.result(10), second.result(10)) == (0, 0)


def test_what_could_not_be_read_is_read_again(site):
    look = site.parts.kept.look()
    with pytest.raises(ZeroDivisionError):
        look.get("number", lambda: 1 // 0)
    assert look.get("number", lambda: 2) == 2


def test_who_watches_the_same_study_shares_what_is_read_of_it(site, client, waiting, statements):
    other = site.app.test_client()
    path = other.opened(site)
    addresses = [polled_address(client.page(waiting)), polled_address(other.page(path))]
    site.launch(STRANGER)  # something is written, so everything is read again
    counts = []
    for who, address in zip((client, other), addresses, strict=True):
        statements.clear()
        assert who.get(address, headers=HX).status_code == 204
        counts.append(len(statements))
    assert counts[1] <= counts[0] / 2
    shared = (
        "FROM fetches",
        "FROM links",
        "FROM source_health",
        "FROM notices",
        "FROM series",
        "FROM studies",
    )
    assert not [sql for sql in statements if any(table in sql for table in shared)]


def test_a_session_that_has_ended_gets_nothing_that_is_kept(site, client, waiting):
    address = polled_address(client.page(waiting))
    assert client.get(address, headers=HX).status_code == 204
    with site.parts.records.write() as session:
        session.execute(update(ContextRow).values(ends_at=site.parts.now))
    assert "Your session has ended" in client.get(address, headers=HX).text


def test_another_browser_gets_nothing_that_is_kept(site, client, waiting):
    address = polled_address(client.page(waiting))
    response = site.app.test_client().get(address, headers=HX)
    assert response.status_code != 204
    assert "CT Thorax" not in response.text


def test_the_clock_alone_changes_what_a_page_says_of_what_is_kept(site, client, waiting, monkeypatch):
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(begun_at=site.parts.now, beat_at=site.parts.now))
    address = polled_address(client.page(waiting))
    later = datetime.now(UTC) + timedelta(minutes=5)
    monkeypatch.setattr(type(site.parts), "now", property(lambda _parts: later))
    assert client.get(address, headers=HX).status_code == 200


def test_a_notice_begins_and_ends_by_the_clock(site, client, monkeypatch):
    path, now = client.opened(site), site.parts.now
    with site.parts.records.write() as session:
        begins, ends = now + timedelta(minutes=1), now + timedelta(minutes=3)
        session.add(NoticeRow(urgency=Urgency.INFO, text="Soon", starts_at=begins, ends_at=ends, made_at=now))
    said = []
    for minutes in (0, 2, 4):
        at = now + timedelta(minutes=minutes)
        monkeypatch.setattr(type(site.parts), "now", property(lambda _parts, at=at: at))
        said.append("Soon" in client.page(path))
    assert said == [False, True, False]


# --- cards that are as they were


@pytest.fixture
def drawn(site, monkeypatch):
    """The keys of the cards that were really drawn."""
    keys, draw = [], Cards.draw

    def noted(card, caller):
        keys.append(card.key)
        return draw(card, caller)

    monkeypatch.setattr(Cards, "draw", staticmethod(noted))
    return keys


@pytest.fixture
def two(site, client, archive):
    """The path of a page with two studies, of which the newer one waits to be fetched."""
    for day in ("20261002", "20261001"):
        for ds in study(day=day):
            archive.add(ds)
    path = client.opened(site)
    client.press(client.page(path), "Fetch")
    return path


def test_only_the_card_that_has_changed_is_drawn_anew(site, client, two, drawn):
    html = client.page(two)
    html = client.poll(html.replace("v=", "v=0")).text
    assert client.poll(html).status_code == 204
    drawn.clear()
    with site.parts.records.write() as session:
        session.execute(update(FetchRow).values(begun_at=site.parts.now, beat_at=site.parts.now, arrived=2))
    news = client.poll(html).text
    assert re.findall(r'id="study-(\w+)"', news)[:1] == drawn
    assert len(re.findall(r'<article class="card" id="study-', news)) == 2


def test_a_kept_card_has_the_token_of_its_own_browser(site, client, two):
    client.poll(client.page(two).replace("v=", "v=0"))
    html = client.poll(client.page(two).replace("v=", "v=0")).text
    assert client.press(html, "Cancel").status_code == 303


def test_who_looks_at_the_same_patient_gets_the_same_cards_with_own_addresses_and_token(
    site, client, two, drawn
):
    mine = client.page(two)
    other = site.app.test_client()
    path = other.opened(site)
    drawn.clear()
    html = other.page(path)
    assert drawn == []
    assert two not in html
    assert html.count(f"{path}/studies/") == mine.count(f"{two}/studies/")
    assert other.press(html, "Cancel").status_code == 303
    assert not set(re.findall(r'name="csrf_token" value="([^"]*)"', html)).intersection(
        re.findall(r'name="csrf_token" value="([^"]*)"', mine)
    )
    assert client.press(client.page(two), "Fetch").status_code == 303


def test_another_role_gets_cards_of_its_own(site, client, two, drawn):
    client.page(two)
    other = site.app.test_client()
    path = other.opened(site, role=Role.RADIOLOGIST)
    drawn.clear()
    other.page(path)
    assert len(drawn) == 2


def test_another_patient_gets_nothing_of_what_was_drawn(site, client, archive, two, drawn):
    """Not even where two patients' studies are the same in everything that a card shows."""
    for ds in study(STRANGER, day="20261002"):
        archive.add(ds)
    client.page(two)
    mine = re.findall(r'id="study-(\w+)"', client.page(two))
    other = site.app.test_client()
    path = other.opened(site, STRANGER)
    drawn.clear()
    html = other.page(path)
    (theirs,) = re.findall(r'id="study-(\w+)"', html)
    assert drawn == [theirs]
    assert theirs not in mine
    for hidden in (two, *mine, OKAFOR.family_name):
        assert hidden not in html
    assert other.get(path.rstrip("/") + f"/studies/{mine[0]}").status_code == 404


def test_one_whose_identity_is_in_doubt_leaves_every_page_at_once(site, client, two):
    """However often the card was drawn before, for whomever."""
    other = site.app.test_client()
    path = other.opened(site)
    pages = ((client, two), (other, path))
    assert all(who.page(page).count('<article class="card"') == 2 for who, page in pages)
    with site.parts.records.write() as session:
        newest = select(StudyRow.id).order_by(StudyRow.study_date.desc()).limit(1).scalar_subquery()
        session.execute(update(StudyRow).where(StudyRow.id == newest).values(patient_name="SOMEBODY^Else"))
    assert all(who.page(page).count('<article class="card"') == 1 for who, page in pages)


def test_the_next_day_a_card_says_which_day_it_means(site, client, two, drawn, monkeypatch):
    client.page(two)
    drawn.clear()
    tomorrow = site.parts.now + timedelta(days=1)
    with site.parts.records.write() as session:
        session.execute(update(ContextRow).values(ends_at=tomorrow + timedelta(days=1)))
    monkeypatch.setattr(type(site.parts), "now", property(lambda _parts: tomorrow))
    client.page(two)
    assert len(drawn) == 2
