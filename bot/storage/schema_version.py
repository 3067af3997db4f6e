"""The version of the tables: the number of the last migration, ``0001`` for the first."""

import logging
from pathlib import Path
from typing import Any

import sqlalchemy as sa

MIGRATIONS = Path(__file__).parent / "migrations"
_OLDER = "The database is older than this version. Run `cm-advisor db upgrade`, then start again."
_NEWER = "The database was made by a much newer version of cm-advisor. Start that version, or restore a backup."

log = logging.getLogger(__name__)


class SchemaMismatch(Exception):
    """The tables do not fit this version. The message says what to do."""


def upgrade(connection: sa.Connection) -> None:
    """Run the missing migrations. Tables one version ahead stay as they are. Raises `SchemaMismatch`."""
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
    current, newest = "0", newest_version()
    if sa.inspect(connection).has_table("alembic_version"):
        current = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() or "0"
    ahead = int(current) - int(newest) if current.isdecimal() else 2
    if ahead > 1:
        raise SchemaMismatch(_NEWER)
    if ahead > 0:
        log.info("database is at migration %s, this version is at %s", current, newest)
    return ahead


def newest_version() -> str:
    """Return the number of the last migration, from the file names."""
    return max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v[0-9]*.py"))


def alembic_config() -> Any:
    """Return the configuration of Alembic. The connection is to be put into its attributes."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
