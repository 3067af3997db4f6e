"""The migrations and the tables say the same, on both databases."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from adapters.ports import ServiceUnavailable
from bot.storage.database import Database
from bot.storage.schema import metadata
from bot.storage.schema_version import SchemaMismatch, alembic_config


def test_migrations_create_the_tables_of_the_schema(database: Database) -> None:
    with database._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        inspector = sa.inspect(connection)
        for table in metadata.tables.values():
            assert inspector.get_pk_constraint(table.name)["constrained_columns"] == [
                column.name for column in table.primary_key
            ]
    database.upgrade()  # once more is once


def test_every_migration_can_be_undone(database: Database) -> None:
    from alembic.command import downgrade

    with database._engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        downgrade(config, "base")
    with database._engine.connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) == {"alembic_version"}


def test_open_upgrades_only_sqlite(url: str) -> None:
    database = Database(url)
    if not database.is_sqlite:
        with pytest.raises(SchemaMismatch, match="cm-advisor db upgrade"):
            database.open()
        database.upgrade()
    database.open()
    database.check()
    database.close()


def test_a_database_of_a_newer_version_is_not_changed(database: Database) -> None:
    with database._engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (database.open, database.upgrade, database.check):
        with pytest.raises(SchemaMismatch, match="newer version"):
            attempt()


def test_a_missing_database(url: str) -> None:
    gone = {"sqlite": "sqlite:////no/such/folder/x.db"}.get(
        url.partition(":")[0], "postgresql+psycopg://nobody:s3cret@127.0.0.1:1/x"
    )
    database = Database(gone)
    with pytest.raises(ServiceUnavailable, match="DATABASE_URL") as caught:
        database.open()
    assert "s3cret" not in str(caught.value)
    database.close()
