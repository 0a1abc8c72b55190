"""On PostgreSQL too, what pages have read is kept for exactly as long as nobody writes anything."""

import pytest
from sqlalchemy import text
from support.installation import source_block
from support.postgresql import OnPostgreSQL
from support.studies import OKAFOR


@pytest.fixture
def site(server, tmp_path, clean_redis, archive):
    source = source_block("main", archive.port, aet="MAIN")
    installation = OnPostgreSQL(tmp_path, [source], clean_redis, database=server.new_database())
    yield installation
    installation.parts.records.engine.dispose()


def test_what_is_kept_is_gone_with_the_next_write(site):
    parts, numbers = site.parts, iter(range(100))

    def read() -> int:
        return parts.kept.look().get("number", lambda: next(numbers))

    first = read()
    assert read() == first
    site.launch(OKAFOR)
    second = read()
    assert second != first
    assert read() == second


def test_what_was_read_before_somebody_committed_is_not_kept_afterwards(site):
    """The write had begun when the look was taken, so what was read then is old once it is committed."""
    parts = site.parts
    count = text("SELECT count(*) FROM contexts")

    def counted() -> int:
        def read() -> int:
            with parts.records.read() as session:
                return session.scalar(count)

        return parts.kept.look().get("contexts", read)

    with parts.records.write() as session:
        session.execute(text("INSERT INTO launches VALUES ('a', now())"))
        assert counted() == 0
        session.execute(
            text(
                "INSERT INTO contexts (key, role, made_at, ends_at, patient_id, issuer, patient_name, person,"
                " birth_date_text, sex, accession, study_uid)"
                " VALUES ('k', 'REFERRER', now(), now(), '', '', '', '', '', '', '', '')"
            )
        )
        assert counted() == 0
    assert counted() == 1
