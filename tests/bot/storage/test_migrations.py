"""The migrations and the tables say the same, on both databases."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from adapters.ports import ServiceUnavailable
from bot.storage.database import Database
from bot.storage.schema import metadata
from bot.storage.schema_version import VERSION_TABLE, SchemaMismatch, alembic_config, newest_version


def test_migrations_create_the_tables_of_the_schema(database: Database) -> None:
    with database._engine.connect() as connection:
        assert (
            compare_metadata(MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}), metadata)
            == []
        )
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
        assert set(sa.inspect(connection).get_table_names()) == {VERSION_TABLE}


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
        connection.execute(sa.text("UPDATE cm_advisor_version SET version_num = '9999'"))
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


def test_the_version_table_of_another_program_is_left_alone(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES ('ab12cd34ef56')"))
    database = Database(url)
    database.upgrade()
    database.open()
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == "ab12cd34ef56"
        assert connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")) == newest_version()
    database.close()
    engine.dispose()


def test_a_table_of_another_program_in_the_way_is_reported(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE sessions (id INTEGER PRIMARY KEY)"))
    engine.dispose()
    database = Database(url)
    with pytest.raises(ServiceUnavailable, match="from another program"):
        database.upgrade()
    database.close()
