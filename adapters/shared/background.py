"""Background tasks: work that goes on after the request that started it was answered."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from adapters.ports import OutcomeUnknown, PermanentFailure, RetryLater, ServiceUnavailable

EXPECTED = (OutcomeUnknown, PermanentFailure, RetryLater, ServiceUnavailable)
"""Failures that need no traceback: the outbox repeats what matters."""

T = TypeVar("T")


class BackgroundTasks:
    """A set of running tasks that is waited for at shutdown.

    A failed task is logged: the exceptions in `expected` at INFO with their type, all others at ERROR with a traceback.
    """

    def __init__(self, log: logging.Logger, expected: tuple[type[Exception], ...] = EXPECTED) -> None:
        self._log = log
        self._expected = expected
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a coroutine in a task of its own."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def drain(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - what is left is cancelled
        """Wait for all tasks, also for those started meanwhile. Cancel what still runs after `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                while self._tasks:
                    await asyncio.wait(set(self._tasks))
        except TimeoutError:
            late = set(self._tasks)
            for task in late:
                task.cancel()
            await asyncio.wait(late, timeout=1)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, self._expected):
            self._log.info("background task failed: %s", type(error).__name__)
        else:
            self._log.error("background task failed: %s", type(error).__name__, exc_info=error)
