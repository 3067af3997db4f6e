"""SQLite has one writer whatever one does: units of work take turns, and many share one commit.

The statements of a turn take microseconds and run where they are asked for, in the event loop; only the disk is waited
for in a thread, and meanwhile the next turns gather. Handing each turn to a thread instead cost more than the turn:
threads that wait for the interpreter's lock after each statement.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import sqlalchemy as sa

from adapters.ports import Unavailable

if TYPE_CHECKING:
    from bot.store import Unit

BATCH = 64
"""Units of work at most in one commit."""
PATIENCE = 5000
"""Milliseconds to wait for another process that writes."""

T = TypeVar("T")
Work = Callable[["Unit"], Any]


class _Waiting(NamedTuple):
    work: Work
    done: asyncio.Future[Any]
    long: bool


class Writer:
    """`begun` makes the unit of a transaction; `thread` is where the disk, and what takes long, is waited for."""

    def __init__(self, engine: sa.Engine, thread: Executor, begun: Callable[[sa.Connection], "Unit"]) -> None:
        self._engine = engine
        self._thread = thread
        self._begun = begun
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None

    async def run(self, work: Callable[["Unit"], T], *, long: bool = False) -> T:
        """Return what `work` returns once it is committed. Raises `Unavailable`, and what `work` raises."""
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
                unit = self._begun(connection)
                results = [waiting.work(unit) for waiting in batch]
            except Exception:  # one of them fails: none is written, and each has its own try
                connection.rollback()
                return await loop.run_in_executor(self._thread, self._each_alone, batch)
            await loop.run_in_executor(self._thread, connection.commit)
            return results

    def _each_alone(self, batch: list[_Waiting]) -> list[Any]:
        return [self._alone(waiting.work) for waiting in batch]

    def _alone(self, work: Work) -> Any:
        try:
            with self._engine.connect() as connection, patient(connection), connection.begin():
                return work(self._begun(connection))
        except Exception as error:
            return _told(error)


@contextmanager
def patient(connection: sa.Connection) -> Iterator[None]:
    """Wait for another process that writes, in a thread that may; elsewhere a connection does not."""
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA busy_timeout = {PATIENCE}")
    try:
        yield
    finally:
        driver.execute("PRAGMA busy_timeout = 0")


def _told(error: Exception) -> Exception:
    """Its class alone: the message of a database error may quote a row."""
    return Unavailable(type(error).__name__) if isinstance(error, sa.exc.SQLAlchemyError | sqlite3.Error) else error
