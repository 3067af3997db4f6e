"""The version of the tables: the number of the last migration, ``0001`` for the first."""

import logging
from pathlib import Path
from typing import Any

import sqlalchemy as sa

MIGRATIONS = Path(__file__).parent / "migrations"
_OLDER = "The database is older than this version. Run `cm-advisor db upgrade`, then start again."
_NEWER = "The database was made by a much newer version of cm-advisor. Start that version, or restore a backup."

log = logging.getLogger(__name__)


VERSION_TABLE = "cm_advisor_version"
_LEGACY_TABLE = "alembic_version"
"""Of databases made before there was `VERSION_TABLE`. Another program may have a table of this name."""
_ENCODING = (
    "The database has the encoding {encoding}, but UTF8 is needed. Create it again: CREATE DATABASE ... "
    "ENCODING 'UTF8' TEMPLATE template0;"
)


class SchemaMismatch(Exception):
    """The tables do not fit this version. The message says what to do."""


def upgrade(connection: sa.Connection) -> None:
    """Run the missing migrations. Tables one version ahead stay as they are. Raises `SchemaMismatch`."""
    _adopt_legacy_version(connection)
    if _versions_ahead(connection) < 0:
        # Imported only when there is something to do: Alembic takes a tenth of the start.
        from alembic.command import upgrade

        config = alembic_config()
        config.attributes["connection"] = connection
        upgrade(config, "head")


def check(connection: sa.Connection) -> None:
    """Raise `SchemaMismatch` unless the tables are of this version or the next.

    A migration keeps the tables usable by the version before, so that both run during a rolling update or a rollback.
    """
    if _versions_ahead(connection) < 0:
        raise SchemaMismatch(_OLDER)


def _versions_ahead(connection: sa.Connection) -> int:
    """Return by how many migrations the tables are ahead of this version, at most one. Raises `SchemaMismatch`."""
    current, newest = _current_version(connection) or "0", newest_version()
    ahead = int(current) - int(newest) if current.isdecimal() else 2
    if ahead > 1:
        raise SchemaMismatch(_NEWER)
    if ahead > 0:
        log.info("database is at migration %s, this version is at %s", current, newest)
    return ahead


def _current_version(connection: sa.Connection) -> str | None:
    tables = set(sa.inspect(connection).get_table_names())
    if VERSION_TABLE in tables:
        return _read_version(connection, VERSION_TABLE)
    # Ours if our tables are there: another program may share the schema.
    if tables >= {_LEGACY_TABLE, "outbox", "processed_events", "removed_tenants"}:
        return _read_version(connection, _LEGACY_TABLE)
    return None


def _read_version(connection: sa.Connection, table: str) -> str | None:
    return connection.execute(sa.select(sa.column("version_num")).select_from(sa.table(table))).scalar()


def _adopt_legacy_version(connection: sa.Connection) -> None:
    """Write the version into `VERSION_TABLE`. The old table stays: earlier versions read it."""
    if sa.inspect(connection).has_table(VERSION_TABLE) or not (version := _current_version(connection)):
        return
    column = sa.Column("version_num", sa.String(32), primary_key=True)
    table = sa.Table(VERSION_TABLE, sa.MetaData(), column)
    table.create(connection)
    connection.execute(sa.insert(table).values(version_num=version))


def check_encoding(connection: sa.Connection) -> None:
    """Raise `SchemaMismatch` unless a PostgreSQL database can store every text."""
    encoding = connection.execute(sa.text("SHOW server_encoding")).scalar()
    if encoding != "UTF8":
        raise SchemaMismatch(_ENCODING.format(encoding=encoding))


def newest_version() -> str:
    """Return the number of the last migration, from the file names."""
    return max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v[0-9]*.py"))


def alembic_config() -> Any:
    """Return the configuration of Alembic. The connection is to be put into its attributes."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
