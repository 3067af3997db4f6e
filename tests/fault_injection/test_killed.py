"""Killed between any two steps, and in the middle of each: nothing is lost, and nothing is posted twice."""

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
from tests.fault_injection.crash_points import BEGAN, Moment, Paper

POSTED = translations("en")("notice.posted")
SURVIVED, KILLED = 7, -9


def moments() -> Iterator[Moment]:
    for call in ("post", "show"):
        yield Moment("before", call=call)
        yield Moment("after", call=call)
    for number in range(1, 100):
        yield Moment("during", number)
        yield Moment("after", number)


@pytest.mark.parametrize("readable", [True, False], ids=["we can look", "a person has to"])
async def test_killed_at_any_moment(url: str, tmp_path: Path, readable: bool) -> None:
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.fault_injection.crash_points"])
    store = Database(url, lambda: BEGAN + timedelta(minutes=2))  # leases have run out by then
    store.upgrade()
    killed, lost = 0, []
    for moment in moments():
        paper = Paper(tmp_path / f"{killed}.txt", Moment("never"), readable=readable)
        await store.run(lambda unit: [unit.execute(table.delete()) for table in reversed(metadata.sorted_tables)])
        process = context.Process(target=crash_points.commit, args=(url, paper.path, moment))
        process.start()
        process.join()
        if process.exitcode == SURVIVED:
            break
        assert process.exitcode == KILLED
        killed += 1
        if await goes_on(store, paper):
            lost.append(moment)
    store.close()
    assert killed > 20
    # Whether it is out cannot be known: from the word that it is being sent to the word that it was.
    assert [moment.when for moment in lost] == ([] if readable else ["before", "after", "after", "during"])


async def goes_on(store: Database, paper: Paper) -> bool:
    """Start again, the events delivered again; return whether the owner had to be asked."""
    await crash_points.live(store, paper)
    async with asyncio.timeout(10):
        while not {"pending", "sending"}.isdisjoint((await rows(store)).values()):
            await asyncio.sleep(0.02)  # PostgreSQL has yet to notice that a client died, whose rows it keeps locked
            await crash_points.live(store, paper)
    happened = paper.lines()
    [check] = await Service(FLOW, store).list_checks(ANNA)
    state = await rows(store)
    assert check.session.status == "posted"
    assert happened.count("post s1") <= 1
    if "tell lost" in happened:
        assert state == {"s1:post": "held"}
        return True
    assert happened.count("post s1") == 1
    assert check.post
    assert any(POSTED in line for line in happened)
    assert state == {"s1:post": "done"}
    return False
