"""The migrations and the tables say the same, on both databases."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from adapters.ports import Unavailable
from bot.schema import metadata
from bot.store import Store, WrongSchema


def test_migrations_make_the_tables_of_the_schema(store: Store) -> None:
    with store._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        inspector = sa.inspect(connection)
        for table in metadata.tables.values():
            assert inspector.get_pk_constraint(table.name)["constrained_columns"] == [
                column.name for column in table.primary_key
            ]
    store.upgrade()  # once more is once


def test_every_step_can_be_taken_back(store: Store) -> None:
    from alembic.command import downgrade

    from bot.store import _alembic

    with store._engine.begin() as connection:
        config = _alembic()
        config.attributes["connection"] = connection
        downgrade(config, "base")
    with store._engine.connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) == {"alembic_version"}


def test_postgresql_is_upgraded_by_its_owner_sqlite_by_itself(url: str) -> None:
    store = Store(url)
    if not store.lite:
        with pytest.raises(WrongSchema, match="cm-advisor db upgrade"):
            store.open()
        store.upgrade()
    store.open()
    store.check()
    store.close()


def test_a_database_of_a_newer_version_is_left_alone(store: Store) -> None:
    with store._engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (store.open, store.upgrade, store.check):
        with pytest.raises(WrongSchema, match="newer version"):
            attempt()


def test_a_database_that_is_not_there(url: str) -> None:
    gone = {"sqlite": "sqlite:////no/such/folder/x.db"}.get(
        url.partition(":")[0], "postgresql+psycopg://nobody:s3cret@127.0.0.1:1/x"
    )
    store = Store(gone)
    with pytest.raises(Unavailable, match="DATABASE_URL") as caught:
        store.open()
    assert "s3cret" not in str(caught.value)
    store.close()
