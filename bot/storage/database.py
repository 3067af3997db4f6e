"""Units of work on SQLite and PostgreSQL.

PostgreSQL runs each unit of work in a thread, with a connection of its own.

SQLite has one writer at a time. Its units of work run one after another in the event loop, because their statements
take microseconds, and up to `BATCH` of them share one commit. Only the commit, which waits for the disk, runs in a
thread; meanwhile the next units of work queue up. ``synchronous=FULL``: if a power failure undid the record that a post
was being sent, it would be sent twice.
"""

import asyncio
import contextvars
import logging
import random
import secrets
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from adapters.ports import ServiceUnavailable
from bot.storage import checkpoint, problems, schema_version
from bot.storage.checkpoint import Checkpointer
from bot.storage.clock import Clock, SharedClock, local_clock
from bot.storage.schema import processed_events
from bot.storage.statements import SessionLookup
from bot.storage.transaction import ConcurrentUpdate, Decide, Transaction
from bot.telemetry import spans

THREADS = 8
"""Threads, and connections to PostgreSQL."""
MAX_ATTEMPTS = 20
"""Attempts of a unit of work that conflicts with another transaction."""
MAX_CONNECTIONS = 3
"""Attempts of a unit of work whose connection was lost."""
BATCH = 64
"""Maximum units of work in one commit on SQLite."""
LOCK_TIMEOUT = 5000
"""Milliseconds to wait for another process that writes to the SQLite file."""

log = logging.getLogger(__name__)
T = TypeVar("T")
Work = Callable[[Transaction], T]


class Database:
    """A database. `url`: a SQLAlchemy URL, ``sqlite:///file`` or ``postgresql+psycopg://…``."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self._engine = _create_engine(sa.make_url(url))
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        self.clock = clock or (local_clock if self.is_sqlite else SharedClock())
        self._autocommit_engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._threads = ThreadPoolExecutor(1 if self.is_sqlite else THREADS, thread_name_prefix="database")
        self._writer = _SqliteWriter(self._engine, self._threads, self.clock) if self.is_sqlite else None

    async def run(self, work: Work[T], *, long: bool = False) -> T:
        """Run `work` in a transaction and return its result once committed. Raises `ServiceUnavailable`.

        `work` may be called again after a conflict: it must have no other effects. `long`: it may take more than a few
        milliseconds.
        """
        with spans.span({"name": "unit of work"}):
            if self._writer:
                return await self._writer.run(work, long=long)
            return await self._in_thread(self._engine.begin, work)

    async def turn(self, lookup: SessionLookup, decide: Decide[T]) -> T | None:
        """Look up a session, call `decide`, and write its change. `decide` may be called again after a conflict.

        Returns its result, or None when the id of a new session exists. Raises `ServiceUnavailable`.
        """

        def work(transaction: Transaction) -> T | None:
            return transaction.turn(lookup, decide)

        with spans.span({"name": "unit of work"}):
            if self._writer:
                return await self._writer.run(work)
            # Two statements, without BEGIN and COMMIT: the second one fails when another transaction came between.
            return await self._in_thread(self._autocommit_engine.connect, work)

    async def _in_thread(self, connect: Callable[[], Any], work: Work[T]) -> T:
        run = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(self._threads, run, self._retry, connect, work)

    def _retry(self, connect: Callable[[], Any], work: Work[T]) -> T:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                with connect() as connection:
                    return work(Transaction(connection, self.clock()))
            except (ConcurrentUpdate, sa.exc.SQLAlchemyError) as error:
                if attempt >= _max_attempts(error):
                    raise _to_port_error(error) from None
            time.sleep(random.uniform(0, 0.01))  # noqa: S311 - jitter
        raise AssertionError("not reached")

    async def set_clock(self) -> None:
        """Set the clock to that of the PostgreSQL server. Raises `ServiceUnavailable`."""
        if isinstance(self.clock, SharedClock):
            asked_at = time.monotonic()
            query = sa.select(sa.func.clock_timestamp())
            server_time = await self.run(lambda transaction: transaction.execute(query).scalar_one())
            self.clock.set(server_time, asked_at)

    async def ping(self) -> None:
        """Raise `ServiceUnavailable` unless the database can be written to."""
        await self.run(write_and_delete)

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        try:
            wait = _lock_timeout if self.is_sqlite else nullcontext
            with self._engine.connect() as connection, wait(connection), connection.begin():
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise ServiceUnavailable(problems.describe(error, self._engine.url)) from None

    def upgrade(self) -> None:
        """Run the missing migrations. Raises `SchemaMismatch` when the tables are of a much newer version."""
        with self._connected() as connection:
            if not self.is_sqlite:  # prevents two replicas from migrating at once; SQLite's transaction does that too
                schema_version.check_encoding(connection)
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(7315)))
            schema_version.upgrade(connection)

    def check(self) -> None:
        """Raise `SchemaMismatch` unless the tables are of this version or the next."""
        with self._connected() as connection:
            if not self.is_sqlite:
                schema_version.check_encoding(connection)
            schema_version.check(connection)

    def open(self) -> None:
        """Upgrade the tables of SQLite; check those of PostgreSQL, which an operator upgrades."""
        if self.is_sqlite:
            self.upgrade()
        else:
            self.check()

    def close(self) -> None:
        """Wait for running units of work, then close all connections."""
        self._threads.shutdown()
        if self._writer:
            self._writer.close()
        self._engine.dispose()


class _UnitOfWork(NamedTuple):
    work: Work[Any]
    result: asyncio.Future[Any]
    long: bool
    context: contextvars.Context


class _SqliteWriter:
    """Runs units of work one after another, many in one commit. `thread`: where commits and long work run."""

    def __init__(self, engine: sa.Engine, thread: ThreadPoolExecutor, clock: Clock) -> None:
        self._engine = engine
        self._thread = thread
        self._clock = clock
        self._queue: deque[_UnitOfWork] = deque()
        self._task: asyncio.Task[None] | None = None
        self._checkpointer = Checkpointer(engine.url.database or "")
        self._since_checkpoint = 0

    def close(self) -> None:
        self._checkpointer.close()

    async def run(self, work: Work[T], *, long: bool = False) -> T:
        loop = asyncio.get_running_loop()
        unit = _UnitOfWork(work, loop.create_future(), long, contextvars.copy_context())
        self._queue.append(unit)
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._task = loop.create_task(self._process_queue(loop))
        result: T = await unit.result
        return result

    async def _process_queue(self, loop: asyncio.AbstractEventLoop) -> None:
        while batch := self._next_batch():
            try:
                results = await self._run_batch(loop, batch)
            except Exception as error:  # the callers must not wait forever
                results = [_to_port_error(error)] * len(batch)
            for unit, result in zip(batch, results, strict=True):
                if unit.result.done():
                    continue  # cancelled
                if isinstance(result, Exception):
                    unit.result.set_exception(result)
                else:
                    unit.result.set_result(result)
            # Long work may have written very much.
            self._since_checkpoint += checkpoint.INTERVAL if batch[0].long else len(batch)
            if self._since_checkpoint >= checkpoint.INTERVAL and self._checkpointer.start():
                self._since_checkpoint = 0
            if self._checkpointer.log_pages > checkpoint.MAX_LOG_PAGES:  # without writers, it reaches the log's end
                await loop.run_in_executor(self._thread, self._checkpointer.run)
                self._checkpointer.log_pages = 0
            await asyncio.sleep(0)  # callers with a result may add their next unit of work

    def _next_batch(self) -> list[_UnitOfWork]:
        """Return the units of work for the next commit. A long one gets its own."""
        batch: list[_UnitOfWork] = []
        while self._queue and len(batch) < BATCH and not (batch and (batch[0].long or self._queue[0].long)):
            unit = self._queue.popleft()
            if not unit.result.cancelled():
                batch.append(unit)
        return batch

    async def _run_batch(self, loop: asyncio.AbstractEventLoop, batch: list[_UnitOfWork]) -> list[Any]:
        if batch[0].long:
            return await loop.run_in_executor(self._thread, self._run_separately, batch)
        with self._engine.connect() as connection:
            try:
                connection.begin()
            except sa.exc.OperationalError:  # another process writes; wait in the thread
                return await loop.run_in_executor(self._thread, self._run_separately, batch)
            try:
                transaction = Transaction(connection, self._clock())
                results = [unit.context.run(unit.work, transaction) for unit in batch]
            except Exception:  # undo all of them and find out which one fails
                connection.rollback()
                return await loop.run_in_executor(self._thread, self._run_separately, batch)
            await loop.run_in_executor(self._thread, connection.commit)
            return results

    def _run_separately(self, batch: list[_UnitOfWork]) -> list[Any]:
        """Run each unit of work in a transaction of its own. Return their results or exceptions."""
        results: list[Any] = []
        for unit in batch:
            try:
                with self._engine.connect() as connection, _lock_timeout(connection), connection.begin():
                    result = unit.context.run(unit.work, Transaction(connection, self._clock()))
            except Exception as error:
                result = _to_port_error(error)
                if problems.code_of(error) in problems.REOPEN:
                    self._engine.dispose()
            results.append(result)
        return results


@contextmanager
def _lock_timeout(connection: sa.Connection) -> Iterator[None]:
    """Make SQLite wait for another process that writes. Only in a thread: the event loop must not wait."""
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT}")
    try:
        yield
    finally:
        driver.execute("PRAGMA busy_timeout = 0")


def write_and_delete(transaction: Transaction) -> None:
    """Insert a row and delete it."""
    key_hash = secrets.token_bytes(32)
    transaction.execute(sa.insert(processed_events).values(key_hash=key_hash, processed_at=transaction.now))
    transaction.execute(sa.delete(processed_events).where(processed_events.c.key_hash == key_hash))


def _to_port_error(error: Exception) -> Exception:
    """Return the error for adapters, without the database's own message, which may quote a row."""
    is_of_database = isinstance(error, ConcurrentUpdate | sa.exc.SQLAlchemyError | sqlite3.Error)
    return ServiceUnavailable(problems.short_reason(error)) if is_of_database else error


def _max_attempts(error: Exception) -> int:
    """Return how often to try: after a conflict (deadlock, serialization), or with a connection that was closed."""
    if isinstance(error, ConcurrentUpdate | sa.exc.IntegrityError):
        return MAX_ATTEMPTS  # another replica changed the session, or processed the same event, at the same time
    if isinstance(error, sa.exc.DBAPIError):
        if problems.code_of(error) in {"40001", "40P01"}:
            return MAX_ATTEMPTS
        return MAX_CONNECTIONS if error.connection_invalidated else 1
    return 1


def _create_engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        from bot.storage.postgresql import create_engine

        return create_engine(url, THREADS)
    engine = sa.create_engine(
        url, poolclass=sa.StaticPool, hide_parameters=True, connect_args={"timeout": 0, "check_same_thread": False}
    )

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions; they have to be IMMEDIATE
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA cache_size=-8000")  # 8 MB; with the default 2 MB, a turn took a third longer
        connection.execute("PRAGMA wal_autocheckpoint=0")  # see `bot.storage.checkpoint`

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
