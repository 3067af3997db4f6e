"""Databases of earlier releases are upgraded, and tables of the next release are accepted."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from adapters.ports import Turn
from bot.core.outbox import OutboxWorker
from bot.core.service import Service
from bot.storage.database import Database
from bot.storage.schema import metadata
from bot.storage.schema_version import VERSION_TABLE, SchemaMismatch, alembic_config, newest_version
from bot.storage.tokens import EncryptedTokenStore
from dialogs.community_flow import FLOW
from dialogs.events import Answer
from dialogs.session import Status
from tests.bot.conftest import Clock
from tests.bot.fakes import ANNA, BEN, FakeGateway, begin, complete, confirm, rows, work

DATABASES = Path(__file__).parent / "databases"
"""Dumps of releases by `sqlite3` and `pg_dump --inserts`, with rows in every table: VERSION.DIALECT.sql."""
RELEASES = sorted({path.name.removesuffix(".sql").rpartition(".")[0] for path in DATABASES.glob("*.sql")})
KEY = "Q00tYWR2aXNvci0wLjEuMC1zYW1wbGUta2V5LS0tLS0="
"""The key of the token in them."""


def load(url: str, release: str) -> None:
    """Load the dump of a release into an empty database."""
    dialect = "sqlite" if url.startswith("sqlite") else "postgresql"
    script = (DATABASES / f"{release}.{dialect}.sql").read_text(encoding="utf-8")
    if dialect == "sqlite":
        with sqlite3.connect(url.removeprefix("sqlite:///")) as lite:
            lite.executescript(script)
    else:
        with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
            connection.execute(script.encode())


def ahead(database: Database, by: int) -> None:
    """Apply an additive migration, as a later release may."""
    head = int(ScriptDirectory.from_config(alembic_config()).get_current_head() or 0)
    with database._engine.begin() as connection:
        for statement in (
            "ALTER TABLE sessions ADD COLUMN later TEXT",
            "ALTER TABLE outbox ADD COLUMN later INTEGER NOT NULL DEFAULT 0",
            "CREATE TABLE later (id TEXT PRIMARY KEY)",
            "CREATE INDEX jobs_later ON outbox (later)",
            f"UPDATE cm_advisor_version SET version_num = '{head + by:04}'",
        ):
            connection.execute(sa.text(statement))


@pytest.mark.parametrize("release", RELEASES)
async def test_a_database_of_an_earlier_release_is_upgraded(url: str, release: str, clock: Clock) -> None:
    load(url, release)
    clock.now = datetime(2026, 11, 1, 9, 5, tzinfo=UTC)
    database = Database(url, clock)
    with database._engine.connect() as connection:
        tables = metadata.tables.keys() & set(sa.inspect(connection).get_table_names())
        counts = {name: connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) for name in tables}
    assert all(counts.values()), counts
    database.check()
    database.upgrade()
    database.check()
    with database._engine.connect() as connection:
        assert _version(connection, "alembic_version") == "0001", "the version before still reads it"
        assert _version(connection, VERSION_TABLE) == newest_version()
        connection.rollback()
    with database._engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE alembic_version"))
        opts = {"version_table": VERSION_TABLE}
        assert compare_metadata(MigrationContext.configure(connection, opts=opts), metadata) == []
        after_upgrade = {name: connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) for name in counts}
    assert after_upgrade == counts

    gateway = FakeGateway()
    service = Service(FLOW, database, gateways={"slack": gateway})
    session = await service.find_running(ANNA, "D1")
    assert session
    result = await service.turn(Turn(Answer(ANNA, "brand", "no", revision=session.revision), session.id))
    assert result.session
    assert dict(result.session.answers) == {"orientation": "key", "brand": "no"}
    assert await service.get_language("slack:T1", BEN.person) == "fr"
    assert await service.load_adapter_data("slack:T1", "channel:") == {"channel:C1": {"name": "general"}}
    assert await service.is_duplicate("delivery-1")
    assert await EncryptedTokenStore(database, [KEY]).load("slack:T1") == {"token": "xoxb-sample"}
    # Pending jobs run; held ones wait for their owner.
    worker = OutboxWorker(service)
    await work(worker)
    assert gateway.posts == [("pending", "C3")]
    assert await service.retry_post(BEN, "held")
    await work(worker)
    assert gateway.posts == [("pending", "C3"), ("held", "C2")]
    database.close()


def _version(connection: sa.Connection, table: str) -> str | None:
    return connection.execute(sa.text(f"SELECT version_num FROM {table}")).scalar()


async def test_tables_of_the_next_release_are_accepted(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "bot.storage.schema_version")
    ahead(database, by=1)
    database.check()
    database.open()
    database.upgrade()
    assert "database is at migration" in caplog.text
    gateway = FakeGateway()
    service = Service(FLOW, database, gateways={"slack": gateway})
    worker = OutboxWorker(service)
    await worker.start()
    await worker.stop()
    await begin(service, "s2", BEN)
    result = await confirm(service, "s1")
    assert result.session
    assert result.session.status is Status.POSTED
    assert dict(result.session.answers) == complete()
    await work(OutboxWorker(service))
    assert gateway.posts == [("s1", "C1")]
    assert (await rows(database))["s1:post:0"] == "done"
    assert len(await service.list_checks(ANNA)) == 1
    assert await service.forget_person(BEN) == 1


def test_tables_two_releases_ahead_are_rejected(database: Database) -> None:
    ahead(database, by=2)
    for attempt in (database.open, database.upgrade, database.check):
        with pytest.raises(SchemaMismatch, match="newer version"):
            attempt()


def test_migrations_are_numbered_consecutively() -> None:
    steps = [step.revision for step in ScriptDirectory.from_config(alembic_config()).walk_revisions()]
    assert steps == [f"{number:04}" for number in range(len(steps), 0, -1)], (
        "the difference of versions is computed from them"
    )
    assert newest_version() == steps[0], "read from the file names"
