"""Processes that stand still, and clocks that are wrong: nothing lost, nothing twice."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from bot.storage.database import Database
from bot.storage.schema import outbox
from tests.fault_injection.invariants import check_invariants
from tests.fault_injection.load_test import Environment, LoadTest, Plan
from tests.fault_injection.proxy import Proxy
from tests.fault_injection.replicas import Replica
from tests.fault_injection.simulated_users import SimulatedUser

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(150)]

LEASE = 12.0
"""Seconds; see `bot.core.outbox.OutboxWorker`."""


@dataclass
class Scene:
    """Two replicas on PostgreSQL, and people who have not begun yet."""

    storm: LoadTest
    world: Environment
    store: Database

    @property
    def replicas(self) -> list[Replica]:
        return self.storm.replicas

    def person(self, kind: str, *, posts: bool = True) -> SimulatedUser:
        """Somebody with a seat of that kind, who knows what they want."""
        person = next(each for each in self.storm.people if each.seat.kind == kind)
        self.storm.people.remove(person)
        person.wants = "post" if posts else "keep"
        return person

    async def judged(self, *people: SimulatedUser) -> None:
        """All of it is in order."""
        await asyncio.gather(*(replica.stop() for replica in self.replicas))
        self.storm.people[:] = people
        world, storm = self.world, self.storm
        verdict = await check_invariants(
            self.store, storm.people, world.eyes, world.office, storm.ledger, storm.replicas
        )
        assert verdict.good, verdict.faults()

    async def asked_when(self, person: SimulatedUser) -> None:
        """Until they are asked whether to post again, which is when the lease of the one that stands still is over."""
        try:
            await until(person.seat.asked_again, LEASE + 28)
        except TimeoutError:
            found = await self.store.run(lambda unit: unit.execute(outbox.select()).all())
            raise AssertionError([tuple(row) for row in found if row.kind not in {"expire", "purge"}]) from None

    async def calm(self, *people: SimulatedUser) -> None:
        self.storm.people[:] = people
        assert await self.storm.calm(self.store) is not None


@asynccontextmanager
async def standing(postgres: str, folder: Path, **settings: str) -> AsyncIterator[Scene]:
    """Make a scene; keywords are settings of the replicas."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    parts = psycopg.conninfo.conninfo_to_dict(postgres)
    storm = LoadTest(Plan(16, seed=3), folder, replicas=2)
    async with Proxy(f"{parts['host']}/.s.PGSQL.{parts.get('port', 5432)}") as proxy:
        reached = f"postgresql://{parts['user']}@127.0.0.1:{proxy.port}/{parts['dbname']}"
        address = postgres.replace("postgresql://", "postgresql+psycopg://", 1)
        async with storm.standing(address, reached, **settings) as (world, store):
            storm.invite(world, store)
            yield Scene(storm, world, store)


async def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - it happens outside of us
            await asyncio.sleep(0.02)


async def test_a_lease_that_outlives_its_owner(postgres: str, tmp_path: Path) -> None:
    """A replica stands still while it waits for the answer to a post, until that is another's; then it goes on."""
    async with standing(postgres, tmp_path) as scene:
        first, second = scene.replicas
        await second.stop()
        person = scene.person("mention")
        held = scene.world.slack.fail("chat.postMessage", hold=1.0, match=lambda args: "post|" in str(args["blocks"]))
        talking = asyncio.create_task(person.hold())
        await until(lambda: held.hits, 60)
        first.pause()
        second.again()
        await second.start()
        await talking
        await asyncio.sleep(LEASE + 3)
        await person.look_after(bool(person.seat.posted(person.session)))
        first.resume()
        await asyncio.sleep(3)
        await scene.calm(person)
        await scene.judged(person)


async def test_a_replica_that_wakes_up_before_it_has_posted(postgres: str, tmp_path: Path) -> None:
    """It stood still between the word that it is posting and the post; meanwhile its owner had it posted again."""
    async with standing(postgres, tmp_path) as scene:
        first, second = scene.replicas
        await second.stop()
        person = scene.person("channel")
        office = scene.world.office
        office.calls.clear()
        office.fail("member", delay=1.0)
        talking = asyncio.create_task(person.hold())
        await until(lambda: office.calls_to("member"), 60)
        first.pause()
        second.again()
        await second.start()
        await talking
        await scene.asked_when(person)
        await person.look_after(bool(person.seat.posted(person.session)))
        await until(lambda: person.seat.posted(person.session))
        first.resume()
        await asyncio.sleep(3)
        await scene.calm(person)
        await scene.judged(person)


async def test_clocks_that_jump_by_an_hour(postgres: str, tmp_path: Path) -> None:
    """Back and forth, each replica by itself, where summer time begins and ends: only order and UTC count."""
    async with standing(postgres, tmp_path, TZ="Europe/Paris") as scene:
        chance = random.Random(5)
        people = list(scene.storm.people)

        async def jump() -> None:
            while True:
                await asyncio.sleep(0.7)
                chance.choice(scene.replicas).step_clock(chance.choice((-3600.0, 0.0, 3600.0)))

        jumping = asyncio.create_task(jump())
        await asyncio.gather(*(person.hold() for person in people))
        jumping.cancel()
        for replica in scene.replicas:
            replica.step_clock(0.0)
        await scene.calm(*people)
        await scene.judged(*people)


async def test_sigterm_right_after_an_answer(postgres: str, tmp_path: Path) -> None:
    """What was acknowledged is finished, and nobody notices."""
    async with standing(postgres, tmp_path) as scene:
        people = [scene.person("direct"), scene.person("mention")]
        ended: list[bool] = []

        def end(ack: object) -> None:
            ready = [each for each in scene.replicas if each.up]
            if len(ready) == len(scene.replicas):
                ended.append(ready[len(ended) % 2].terminate())

        for _, user_actions, _ in scene.world.workspaces:
            user_actions.on_exchange.append(end)
        await asyncio.gather(*(person.hold() for person in people))
        if len(ended) < 2:  # on a busy machine they may be through before it is up again: then one more comes
            await until(lambda: all(each.up for each in scene.replicas), 60)
            people.append(scene.person("direct"))
            await people[-1].hold()
        await scene.calm(*people)
        assert len(ended) >= 2
        seen = {status for found in scene.storm.ledger.statuses.values() for status in found}
        assert seen == {"200"}
        await scene.judged(*people)
