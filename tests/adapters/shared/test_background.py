"""Background tasks: failures are logged, and shutdown waits for what runs."""

import asyncio
import logging

import pytest

from adapters.ports import RetryLater
from adapters.shared.background import BackgroundTasks

log = logging.getLogger("adapters.test_background")


async def fail(error: Exception) -> None:
    raise error


async def test_failures_are_logged_by_their_type_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, log.name)
    tasks = BackgroundTasks(log)
    tasks.start(fail(RetryLater(5)))
    tasks.start(fail(KeyError("a name")))
    await tasks.drain()
    await asyncio.sleep(0)
    assert sorted((record.levelname, record.message) for record in caplog.records) == [
        ("ERROR", "background task failed: KeyError"),
        ("INFO", "background task failed: RetryLater"),
    ]


async def test_drain_waits_for_tasks_that_tasks_start_and_cancels_what_takes_too_long() -> None:
    tasks, finished = BackgroundTasks(log), []

    async def first() -> None:
        await asyncio.sleep(0.01)
        tasks.start(second())

    async def second() -> None:
        await asyncio.sleep(0.01)
        finished.append("second")

    tasks.start(first())
    await tasks.drain(5)
    assert finished == ["second"]
    endless = tasks.start(asyncio.sleep(60))
    await tasks.drain(0.05)
    assert endless.cancelled()
    assert not tasks
