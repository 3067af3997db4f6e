"""Paused processes, wrong clocks and SIGTERM: nothing is lost, and nothing is posted twice."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.storage.database import Database
from bot.storage.schema import outbox
from tests.fault_injection.load_test import Environment, LoadTest, Plan, postgres_proxy
from tests.fault_injection.replicas import Replica
from tests.fault_injection.simulated_users import SimulatedUser
from tests.postgres_server import clear

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(150)]

LEASE = 12.0
"""Seconds; see `bot.core.outbox.OutboxWorker`."""


@dataclass
class Scene:
    """Two replicas on PostgreSQL, and users who have not begun yet."""

    test: LoadTest
    environment: Environment
    database: Database

    @property
    def replicas(self) -> list[Replica]:
        return self.test.replicas

    def take_user(self, kind: str) -> SimulatedUser:
        """Return a user with that kind of client, who will post."""
        user = next(user for user in self.test.users if user.client.kind == kind)
        self.test.users.remove(user)
        user.goal = "post"
        return user

    async def retry_post(self, user: SimulatedUser) -> None:
        """Post again if the channel has no post."""
        await user.retry_missing_post(bool(user.client.posts(user.session)))

    async def wait_for_retry_button(self, user: SimulatedUser) -> None:
        """Wait until the user is asked whether to post again: when the lease of the paused replica has expired."""
        try:
            await wait_until(user.client.retry_button, LEASE + 28)
        except TimeoutError:
            rows = await self.database.run(lambda transaction: transaction.execute(outbox.select()).all())
            raise AssertionError([tuple(row) for row in rows if row.kind not in {"expire", "purge"}]) from None

    async def drain_and_check(self, *users: SimulatedUser) -> None:
        """Wait for the jobs of these users; all invariants hold for them."""
        self.test.users[:] = users
        assert await self.test.drain(self.database) is not None
        report = await self.test.check(self.environment, self.database)
        assert report.ok, report.problems()


@asynccontextmanager
async def make_scene(postgres: str, folder: Path, **settings: str) -> AsyncIterator[Scene]:
    """Start a scene; `settings` are environment variables of the replicas."""
    clear(postgres)
    test = LoadTest(Plan(16, seed=3), folder, replicas=2)
    async with (
        postgres_proxy(postgres) as (url, replica_url, _),
        test.environment(url, replica_url, **settings) as (environment, database),
    ):
        test.add_users(environment, database)
        yield Scene(test, environment, database)


async def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - other processes change it
            await asyncio.sleep(0.02)


async def test_a_replica_paused_while_it_waits_for_the_response_to_a_post(postgres: str, tmp_path: Path) -> None:
    """Another replica takes its lease; then it resumes."""
    async with make_scene(postgres, tmp_path) as scene:
        first, second = scene.replicas
        await second.shut_down()
        user = scene.take_user("mention")
        fault = scene.environment.slack.fail(
            "chat.postMessage", hold=1.0, match=lambda args: "post|" in str(args["blocks"])
        )
        dialog = asyncio.create_task(user.run())
        await wait_until(lambda: fault.hits, 60)
        first.pause()
        await second.run()
        await dialog
        await asyncio.sleep(LEASE + 3)
        await scene.retry_post(user)
        first.resume()
        await asyncio.sleep(3)
        await scene.drain_and_check(user)


async def test_a_replica_paused_before_it_posts(postgres: str, tmp_path: Path) -> None:
    """Its row is "sending", but it has not posted; the owner posts again meanwhile."""
    async with make_scene(postgres, tmp_path) as scene:
        first, second = scene.replicas
        await second.shut_down()
        user = scene.take_user("channel")
        teams = scene.environment.teams
        teams.calls.clear()
        teams.fail("member", delay=1.0)
        dialog = asyncio.create_task(user.run())
        await wait_until(lambda: teams.calls_to("member"), 60)
        first.pause()
        await second.run()
        await dialog
        await scene.wait_for_retry_button(user)
        await scene.retry_post(user)
        await wait_until(lambda: user.client.posts(user.session))
        first.resume()
        await asyncio.sleep(3)
        await scene.drain_and_check(user)


async def test_clocks_that_jump_by_an_hour(postgres: str, tmp_path: Path) -> None:
    """Back and forth, each replica separately, in a time zone with summer time: only order and UTC count."""
    async with make_scene(postgres, tmp_path, TZ="Europe/Paris") as scene:
        rng = random.Random(5)
        users = list(scene.test.users)

        async def step_clocks() -> None:
            while True:
                await asyncio.sleep(0.7)
                rng.choice(scene.replicas).step_clock(rng.choice((-3600.0, 0.0, 3600.0)))

        clocks = asyncio.create_task(step_clocks())
        await asyncio.gather(*(user.run() for user in users))
        clocks.cancel()
        for replica in scene.replicas:
            replica.step_clock(0.0)
        await scene.drain_and_check(*users)


async def test_sigterm_right_after_a_response(postgres: str, tmp_path: Path) -> None:
    """What was acknowledged is finished, and every request is answered 200."""
    async with make_scene(postgres, tmp_path) as scene:
        users = [scene.take_user("direct"), scene.take_user("mention")]
        terminated: list[bool] = []

        def terminate(_exchange: object) -> None:
            if all(replica.up for replica in scene.replicas):
                terminated.append(scene.replicas[len(terminated) % 2].terminate())

        for _, actions, _ in scene.environment.workspaces:
            actions.on_exchange.append(terminate)
        await asyncio.gather(*(user.run() for user in users))
        if len(terminated) < 2:  # on a busy machine the users may finish before the replica is up again
            await wait_until(lambda: all(replica.up for replica in scene.replicas), 60)
            users.append(scene.take_user("direct"))
            await users[-1].run()
        assert len(terminated) >= 2
        await scene.drain_and_check(*users)
        statuses = {status for counts in scene.test.history.statuses.values() for status in counts}
        assert statuses == {"200"}
