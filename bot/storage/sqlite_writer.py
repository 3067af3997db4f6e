"""SQLite has one writer whatever one does: units of work take turns, and many share one commit.

The statements of a turn take microseconds and run where they are asked for, in the event loop; only the disk is waited
for in a thread, and meanwhile the next turns gather. Handing each turn to a thread instead cost more than the turn:
threads that wait for the interpreter's lock after each statement.

What is committed stands in SQLite's log until it is moved to its place in the file, which touches a page for every turn
among many dialogs. That happens in a thread of its own, beside the turns, not within a commit as is usual.
"""

import asyncio
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from adapters.ports import ServiceUnavailable
from bot.storage.transaction import Transaction

BATCH = 64
"""Units of work at most in one commit."""
TIMEOUT = 5000
"""Milliseconds to wait for another process that writes."""
MOVE_EVERY = 1_000
"""Units of work after which the log is moved."""
MAX_LOGGED = 8_000
"""Pages of the log, 32 MB: while it grows beyond, the turns wait until it is moved, so that it can begin anew."""

log = logging.getLogger(__name__)
T = TypeVar("T")
Work = Callable[[Transaction], Any]


class _Waiting(NamedTuple):
    work: Work
    done: asyncio.Future[Any]
    long: bool


class SqliteWriter:
    """`begun` makes the unit of a transaction; `thread` is where the disk, and what takes long, is waited for."""

    def __init__(self, engine: sa.Engine, thread: Executor, begun: Callable[[sa.Connection], Transaction]) -> None:
        self._engine = engine
        self._thread = thread
        self._begun = begun
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._mover = _Mover(engine.url.database or "")
        self._written = 0

    def close(self) -> None:
        """Let go of the file."""
        self._mover.close()

    async def run(self, work: Callable[[Transaction], T], *, long: bool = False) -> T:
        """Return what `work` returns once it is committed. Raises `ServiceUnavailable`, and what `work` raises."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(work, loop.create_future(), long)
        self._waiting.append(waiting)
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._task = loop.create_task(self._work(loop))
        found: T = await waiting.done
        return found

    async def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while batch := self._take():
            try:
                results = await self._together(loop, batch)
            except Exception as error:  # whatever it is, those who wait must hear of it
                results = [_told(error)] * len(batch)
            for waiting, result in zip(batch, results, strict=True):
                if waiting.done.done():
                    continue  # nobody waits for it any more
                if isinstance(result, Exception):
                    waiting.done.set_exception(result)
                else:
                    waiting.done.set_result(result)
            # What takes long may have written very much.
            await self._move(loop, MOVE_EVERY if batch[0].long else len(batch))

    async def _move(self, loop: asyncio.AbstractEventLoop, written: int) -> None:
        self._written += written
        if self._written >= MOVE_EVERY and self._mover.begin():
            self._written = 0
        if self._mover.logged > MAX_LOGGED:  # with nobody writing, all of it: the next to write begins it anew
            await loop.run_in_executor(self._thread, self._mover.move)
            self._mover.logged = 0
        await asyncio.sleep(0)  # whoever was told may have more to write

    def _take(self) -> list[_Waiting]:
        """Return what goes into the next commit: what takes long goes alone."""
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < BATCH and not (batch and (batch[0].long or self._waiting[0].long)):
            waiting = self._waiting.popleft()
            if not waiting.done.cancelled():
                batch.append(waiting)
        return batch

    async def _together(self, loop: asyncio.AbstractEventLoop, batch: list[_Waiting]) -> list[Any]:
        if batch[0].long:
            return await loop.run_in_executor(self._thread, self._each_alone, batch)
        with self._engine.connect() as connection:
            try:
                connection.begin()
            except sa.exc.OperationalError:  # another process writes; the loop does not wait for it
                return await loop.run_in_executor(self._thread, self._each_alone, batch)
            try:
                transaction = self._begun(connection)
                results = [waiting.work(transaction) for waiting in batch]
            except Exception:  # one of them fails: none is written, and each has its own try
                connection.rollback()
                return await loop.run_in_executor(self._thread, self._each_alone, batch)
            await loop.run_in_executor(self._thread, connection.commit)
            return results

    def _each_alone(self, batch: list[_Waiting]) -> list[Any]:
        return [self._alone(waiting.work) for waiting in batch]

    def _alone(self, work: Work) -> Any:
        try:
            with self._engine.connect() as connection, wait_for_lock(connection), connection.begin():
                return work(self._begun(connection))
        except Exception as error:
            return _told(error)


class _Mover:
    """Moves the log of a file, over a connection of its own. `logged`: pages in it when that was done last."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log")
        self._one = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self.logged = 0

    def begin(self) -> bool:
        """Move it beside whatever goes on; False while that is being done."""
        if self._one.locked():
            return False
        self._thread.submit(self.move)
        return True

    def move(self) -> None:
        """Move it and wait for that. What fails (no room) is tried again with the next."""
        with self._one:
            try:
                if self._connection is None:
                    self._connection = sqlite3.connect(self._path, timeout=0, check_same_thread=False)
                _busy, self.logged, _moved = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            except sqlite3.Error as error:
                self.logged = 0
                log.warning("the database's log cannot be moved (%s)", type(error).__name__)
                return

    def close(self) -> None:
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()


@contextmanager
def wait_for_lock(connection: sa.Connection) -> Iterator[None]:
    """Wait for another process that writes, in a thread that may; elsewhere a connection does not."""
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout = {TIMEOUT}")
    try:
        yield
    finally:
        driver.execute("PRAGMA busy_timeout = 0")


def _told(error: Exception) -> Exception:
    """Its class alone: the message of a database error may quote a row."""
    return (
        ServiceUnavailable(type(error).__name__) if isinstance(error, sa.exc.SQLAlchemyError | sqlite3.Error) else error
    )
