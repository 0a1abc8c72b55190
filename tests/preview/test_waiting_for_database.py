"""A process that is started while the database's server is away waits for it, and says so."""

import subprocess

import pytest
from support.installation import BIN, ROOT, eventually, free_port, source_block
from support.postgresql import OnPostgreSQL


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["reconciler", "prober"])
def test_a_process_waits_for_the_database_and_goes_on(tmp_path, clean_redis, server, name):
    site = OnPostgreSQL(
        tmp_path, [source_block("main", free_port())], clean_redis, database=server.new_database()
    )
    site.parts.records.engine.dispose()
    log = tmp_path / "said"
    with server.stopped(), log.open("wb") as output:
        command = [str(BIN / "flask"), "--app", str(ROOT / "app.py"), name]
        running = subprocess.Popen(command, env=site.environment, cwd=ROOT, stderr=output)
        eventually(lambda: "trying again for a minute" in log.read_text(), 120)
        assert running.poll() is None
    try:
        eventually(lambda: sessions(server) > 0, 120)
        assert running.poll() is None
        assert "Traceback" not in log.read_text()
    finally:
        running.terminate()
        running.wait(60)


def sessions(server) -> int:
    """How many are connected besides whoever asks."""
    with server._connected() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'preview%'"
        ).fetchone()
    return row[0]
