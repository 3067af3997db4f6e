"""A process is killed between any two steps and during each: nothing is lost, and nothing is posted twice."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from bot.core.service import Service
from bot.storage.database import Database
from bot.storage.schema import metadata
from dialogs.community_flow import FLOW
from dialogs.translations import translations
from tests.bot.fakes import ANNA, rows
from tests.fault_injection import crash_points
from tests.fault_injection.crash_points import FINISHED, NEVER, START_TIME, CrashPoint, FileGateway

POSTED = translations("en")("notice.posted")
KILLED = -9


def all_crash_points() -> Iterator[CrashPoint]:
    for call in ("post", "show"):
        yield CrashPoint("before", call=call)
        yield CrashPoint("after", call=call)
    for number in range(1, 100):
        yield CrashPoint("during", number)
        yield CrashPoint("after", number)


@pytest.mark.parametrize("can_find_posts", [True, False], ids=["posts can be found", "posts cannot be found"])
async def test_killed_at_any_point(url: str, tmp_path: Path, can_find_posts: bool) -> None:
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.fault_injection.crash_points"])
    database = Database(url, lambda: START_TIME + timedelta(minutes=2))  # leases have expired by then
    database.upgrade()
    killed, owner_asked = 0, []
    for crash_point in all_crash_points():
        gateway = FileGateway(tmp_path / f"{killed}.txt", NEVER, can_find_posts=can_find_posts)
        await database.run(
            lambda transaction: [transaction.execute(t.delete()) for t in reversed(metadata.sorted_tables)]
        )
        process = context.Process(target=crash_points.run_until_killed, args=(url, gateway.path, crash_point))
        process.start()
        process.join()
        if process.exitcode == FINISHED:
            break
        assert process.exitcode == KILLED
        killed += 1
        if await resume(database, gateway):
            owner_asked.append(crash_point.when)
    database.close()
    assert killed > 20
    # Whether the post was sent is unknown from the row "sending" until the row "done".
    assert owner_asked == ([] if can_find_posts else ["before", "after", "after", "during"])


async def resume(database: Database, gateway: FileGateway) -> bool:
    """Run again, with the same events delivered again; return whether the owner was asked to post again."""
    await crash_points.run_dialog(database, gateway)
    async with asyncio.timeout(10):
        while not {"pending", "sending"}.isdisjoint((await rows(database)).values()):
            await asyncio.sleep(0.02)  # PostgreSQL may still hold the row locks of the killed client
            await crash_points.run_dialog(database, gateway)
    lines = gateway.lines()
    [check] = await Service(FLOW, database).list_checks(ANNA)
    states = await rows(database)
    assert check.session.status == "posted"
    assert lines.count("post s1") <= 1
    if "failure lost" in lines:
        assert states == {"s1:post:0": "held"}
        return True
    assert lines.count("post s1") == 1
    assert check.post
    assert any(POSTED in line for line in lines)
    assert states == {"s1:post:0": "done"}
    return False
