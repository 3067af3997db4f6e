"""The database: one synchronous unit of work a turn, in one hop to a thread, the same code on SQLite and PostgreSQL.

``synchronous=FULL`` on SQLite: were the machine to lose the note that a post was being sent, it would be sent twice.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from adapters.ports import ServiceUnavailable
from bot.storage.clock import DatabaseClock
from bot.storage.schema import outbox
from bot.storage.sqlite_writer import SqliteWriter, wait_for_lock
from bot.storage.statements import SessionLookup, StoredSession, TurnChange
from bot.storage.transaction import ConcurrentUpdate, Transaction

MIGRATIONS = Path(__file__).parent / "migrations"
THREADS = 8
"""Units of work at once on PostgreSQL, and connections."""
TRIES = 20
"""How often a unit of work is begun anew when another got in between."""

log = logging.getLogger(__name__)
T = TypeVar("T")
Clock = Callable[[], datetime]


class SchemaMismatch(Exception):
    """The tables are not those of this version; the text says what to do."""


class Database:
    """A database. `url` as SQLAlchemy reads it: ``sqlite:///file`` or ``postgresql+psycopg://…``."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self.clock = clock or DatabaseClock()
        self._engine = _engine(sa.make_url(url))
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        self._alone_engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._threads = ThreadPoolExecutor(1 if self.is_sqlite else THREADS, thread_name_prefix="store")
        self._writer = SqliteWriter(self._engine, self._threads, self._begun)

    async def run(self, work: Callable[[Transaction], T], *, long: bool = False) -> T:
        """Return what `work` returns once its transaction is committed. Raises `ServiceUnavailable`.

        `work` is called again when another transaction got in between: it may do nothing that cannot be done twice.
        `long`: it may take more than some milliseconds.
        """
        if self.is_sqlite:
            return await self._writer.run(work, long=long)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._tried, self._whole, work)

    async def turn(
        self,
        lookup: SessionLookup,
        decide: Callable[[StoredSession | None, bool, datetime], tuple[TurnChange | None, T]],
    ) -> T | None:
        """Look, decide, and write what was decided; None when the id of a new session is taken. Raises
        `ServiceUnavailable`.

        `decide` gets the session, and whether the delivery was heard before; like `work` above it is called again.
        """

        def work(transaction: Transaction) -> T | None:
            change, result = decide(*transaction.look(lookup), transaction.now)
            return result if change is None or transaction.change(change) else None

        if self.is_sqlite:
            return await self._writer.run(work)
        tried = partial(self._tried, self._short, lookup, decide)
        return await asyncio.get_running_loop().run_in_executor(self._threads, tried)

    def _tried(self, work: Callable[..., T], *arguments: Any) -> T:
        for left in reversed(range(TRIES)):
            try:
                return work(*arguments)
            except (ConcurrentUpdate, sa.exc.SQLAlchemyError) as error:
                if not left or not _passing(error):
                    raise to_service_unavailable(error) from None
            time.sleep(random.uniform(0, 0.01))  # noqa: S311 - apart, not secret
        raise AssertionError("not reached")

    def _whole(self, work: Callable[[Transaction], T]) -> T:
        with self._engine.begin() as connection:
            return work(self._begun(connection))

    def _short(
        self,
        lookup: SessionLookup,
        decide: Callable[[StoredSession | None, bool, datetime], tuple[TurnChange | None, T]],
    ) -> T | None:
        """Two statements, each a transaction of its own: what came in between shows when the second saves nothing."""
        with self._alone_engine.connect() as connection:
            transaction = self._begun(connection)
            change, result = decide(*transaction.look(lookup), transaction.now)
            if change is None:
                return result
            written = transaction.run(change.whole(), change.row(transaction.now))
            if change.after is None or written.scalar() == 1:
                return result
        if change.before is None:
            return None
        raise ConcurrentUpdate

    def _begun(self, connection: sa.Connection) -> Transaction:
        return Transaction(connection, self.clock())

    async def set_clock(self) -> None:
        """Ask the database for the time, where it has one of its own. Raises `ServiceUnavailable`."""
        if not self.is_sqlite and isinstance(self.clock, DatabaseClock):
            began = time.monotonic()
            told = await self.run(
                lambda transaction: transaction.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
            )
            self.clock.set(told, began)

    async def ping(self) -> None:
        """Raises `ServiceUnavailable` unless the database can be written to."""
        await self.run(lambda transaction: transaction.execute(sa.select(outbox.c.id).limit(1)).first())

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        try:
            wait = wait_for_lock if self.is_sqlite else nullcontext
            with self._engine.connect() as connection, wait(connection), connection.begin():
                yield connection
        except sa.exc.SQLAlchemyError as error:
            message = f"The database cannot be had ({type(error).__name__}). Is DATABASE_URL right, and is it running?"
            raise ServiceUnavailable(message) from None

    def upgrade(self) -> None:
        """Run the missing migrations. Tables one version ahead are accepted as they are.

        Raises `SchemaMismatch` when they are newer than that.
        """
        with self._connected() as connection:
            if not self.is_sqlite:  # two replicas must not migrate at once; SQLite's transaction sees to it by itself
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(7315)))
            if _ahead(connection) < 0:
                # Imported when there is something to do: most starts find the tables as they should be.
                from alembic.command import upgrade

                config = _alembic()
                config.attributes["connection"] = connection
                upgrade(config, "head")

    def check(self) -> None:
        """Raises `SchemaMismatch` when the tables are neither of this version nor of the next.

        A migration leaves the tables usable by the version before, so that the two run side by side while replicas are
        replaced, and so that the one before can come back.
        """
        with self._connected() as connection:
            if _ahead(connection) < 0:
                raise SchemaMismatch(_OLDER)

    def open(self) -> None:
        """Make the tables ready: SQLite's are brought up to date, PostgreSQL's are its owner's to change."""
        if self.is_sqlite:
            self.upgrade()
        else:
            self.check()

    def close(self) -> None:
        """Wait for the work under way, then let go of the database."""
        self._threads.shutdown()
        self._writer.close()
        self._engine.dispose()


_OLDER = "The database is older than this version. Run `cm-advisor db upgrade`, then start again."
_NEWER = "The database was made by a much newer version of cm-advisor. Start that version, or restore a backup."


def to_service_unavailable(error: Exception) -> ServiceUnavailable:
    """Its class alone: the message of a database error may quote a row."""
    return ServiceUnavailable(type(error).__name__)


def _passing(error: Exception) -> bool:
    """Whether beginning anew helps: somebody got in between (deadlock, serialization), or a connection had died."""
    if isinstance(error, sa.exc.IntegrityError):
        return True  # the same delivery at the same moment, elsewhere
    if isinstance(error, sa.exc.DBAPIError):
        return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}
    return isinstance(error, ConcurrentUpdate)


def _ahead(connection: sa.Connection) -> int:
    """Return by how many migrations the tables are ahead of this version, at most one. Raises `SchemaMismatch`."""
    found, newest = _found(connection), _newest()
    ahead = int(found) - int(newest) if found.isdecimal() else 2
    if ahead > 1:
        raise SchemaMismatch(_NEWER)
    if ahead > 0:
        log.info("the database is that of migration %s, this version's is %s", found, newest)
    return ahead


def _found(connection: sa.Connection) -> str:
    """Return the migration that the tables are at, as Alembic noted it: ``0002``; ``0`` where there are none yet."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return "0"
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found or "0"


def _newest() -> str:
    """Return the last migration there is, by the names of the files: to ask Alembic took a tenth of the start."""
    return max(path.name[1:5] for path in (MIGRATIONS / "versions").glob("v[0-9]*.py"))


def _alembic() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        # A replica that stands still, or whose machine is gone, lets go of its rows before long.
        limits = "-c statement_timeout=10000 -c idle_in_transaction_session_timeout=10000 -c tcp_user_timeout=10000"
        timeouts = {"connect_timeout": 5, "tcp_user_timeout": 10000, "options": limits}
        return sa.create_engine(
            url, pool_size=THREADS, max_overflow=0, pool_timeout=5, hide_parameters=True, connect_args=timeouts
        )
    engine = sa.create_engine(
        url, poolclass=sa.StaticPool, hide_parameters=True, connect_args={"timeout": 0, "check_same_thread": False}
    )

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # or the driver begins by itself, too late for IMMEDIATE
        # 8 MB of pages: with the 2 MB that are usual, a turn took a third more among 100,000 sessions.
        # The log is moved by `bot.storage.sqlite_writer`, not within a commit.
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-8000",
            "wal_autocheckpoint=0",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
