"""What goes wrong while people talk: killed processes, cut connections, failing platforms, wrong clocks."""

import asyncio
import random
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.playground.slack import server
from adapters.playground.teams.faults import Fault
from bot.storage.database import Database
from bot.storage.schema import outbox
from tests.fault_injection.history import History
from tests.fault_injection.proxy import Proxy
from tests.fault_injection.replicas import Replica
from tests.fault_injection.slack_client import Workshop
from tests.fault_injection.teams_client import Office

TAKEN_OVER = 15.0
"""Seconds after which what a dead replica held must be another's, if there is another."""
ALL_AT_ONCE = 0.1
"""How often, in each half second, something happens before all replicas are up again."""
RECOVERS = 30.0
TROUBLES: dict[str, tuple[int, dict[str, Any]]] = {
    "429": (5, {"status": 429, "retry_after": 1}),
    "500": (3, {"status": 500}),
    "503": (3, {"status": 503}),
    "500, though it was done": (2, {"status": 500, "effect": True}),
    "error, though it was done": (2, {"status": 200, "error": "internal_error", "effect": True}),
    "connection lost before": (4, {"drop": "before"}),
    "answer lost": (6, {"drop": "after"}),
    "slow": (3, {"delay": 1.0}),
    "answer too late": (1, {"hold": 11.0}),
}
"""What may happen to a call of a platform: how often, in parts, and how a stand-in does it."""


@dataclass(frozen=True)
class FaultRates:
    """How bad it is. `every`: seconds between what happens to replicas and database; `drizzle`: the share of
    the platforms' calls that go wrong. `outage`: how long the database is away. `skew`: how wrong a clock may be."""

    every: float = 2.5
    drizzle: float = 0.07
    outage: float = 6.0
    skew: float = 20.0


class FaultInjector:
    """Blows until it is told to stop, by its own dice."""

    def __init__(
        self,
        climate: FaultRates,
        replicas: list[Replica],
        *,
        platforms: tuple[Workshop, Office],
        databases: tuple[Database, Proxy | Path],
        ledger: History,
        chance: random.Random,
    ) -> None:
        self._climate = climate
        self._replicas = replicas
        self._slack, self._office = platforms
        self._store, self._database = databases
        self._ledger = ledger
        self._chance = chance
        self._clear_until = 0.0
        self._watches: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        self._slack.trouble, self._office.trouble = self._slack_fails, self._teams_fails
        self._tasks = [asyncio.create_task(self._storm()), asyncio.create_task(self._sweep())]

    async def end(self) -> None:
        """Let it clear up: nothing new, clocks right, platforms well, what is being watched watched to its end."""
        self._slack.trouble = self._office.trouble = lambda _call: None
        for task in self._tasks:
            task.cancel()
        done = await asyncio.gather(*self._tasks, return_exceptions=True)
        for error in done:
            if isinstance(error, Exception):
                raise error
        for replica in self._replicas:
            replica.step_clock(0.0)
        if isinstance(self._database, Proxy):
            self._back()

    async def watched(self) -> None:
        """Wait until every job of a dead replica was looked after."""
        await asyncio.gather(*self._watches)

    # --- Replicas and database ---

    async def _storm(self) -> None:
        kinds = self._kinds()
        while True:
            for kind in self._chance.sample(kinds, len(kinds)):
                await self._recovered()
                await asyncio.sleep(self._climate.every * self._chance.uniform(0.7, 1.3))
                await kind()

    async def _recovered(self) -> None:
        """Mostly, until all replicas are up again: on a slow machine nothing would ever be done."""
        until = time.monotonic() + RECOVERS
        while time.monotonic() < until and self._chance.random() > ALL_AT_ONCE:
            if all(replica.up for replica in self._replicas):
                return
            await asyncio.sleep(0.5)

    def _kinds(self) -> list[Callable[[], Awaitable[None]]]:
        both = [self._kill, self._kill, self._terminate, self._step_clock]
        if isinstance(self._database, Proxy):
            return [*both, self._cut, self._cut, self._away, self._kill]
        return [*both, self._lock]

    def _one(self) -> Replica | None:
        """One that is up."""
        ready = [each for each in self._replicas if each.up]
        return self._chance.choice(ready) if ready else None

    async def _kill(self) -> None:
        replica = self._one()
        if replica and replica.kill():
            self._ledger.faults["kill -9"] += 1
            task = asyncio.create_task(self._watch_over())
            self._watches.add(task)

    async def _terminate(self) -> None:
        replica = self._one()
        if replica:
            self._ledger.faults["SIGTERM"] += replica.terminate()

    async def _step_clock(self) -> None:
        replica = self._chance.choice(self._replicas)
        replica.step_clock(0.0 if replica.offset else self._chance.uniform(-1, 1) * self._climate.skew)
        self._ledger.faults["clock stepped"] += 1
        self._clear_until = time.monotonic() + self._climate.skew + TAKEN_OVER

    async def _cut(self) -> None:
        assert isinstance(self._database, Proxy)
        self._ledger.faults["database connections cut"] += self._database.cut()
        self._ledger.begin_outage()  # whoever is asked at this very moment may have to say so
        self._ledger.end_outage()

    async def _away(self) -> None:
        assert isinstance(self._database, Proxy)
        self._ledger.faults["database away"] += 1
        self._ledger.begin_outage()
        self._database.down()
        await asyncio.sleep(self._climate.outage)
        self._back()

    def _back(self) -> None:
        assert isinstance(self._database, Proxy)
        if self._ledger.outages and self._ledger.outages[-1][1] == float("inf"):
            self._database.up()
            self._ledger.end_outage()
            self._clear_until = max(self._clear_until, time.monotonic() + TAKEN_OVER)

    async def _lock(self) -> None:
        """Another process writes to the file, and takes its time."""
        assert isinstance(self._database, Path)
        self._ledger.faults["database locked"] += 1
        self._ledger.begin_outage()
        try:
            how: dict[str, Any] = {"timeout": 5, "isolation_level": None, "check_same_thread": False}
            with closing(sqlite3.connect(self._database, **how)) as connection:
                await asyncio.to_thread(connection.execute, "BEGIN IMMEDIATE")
                await asyncio.sleep(self._climate.outage)
        except sqlite3.OperationalError:  # it never came to its turn
            self._ledger.faults["database locked"] -= 1
        finally:
            self._ledger.end_outage()

    # --- What a dead replica held ---

    async def _watch_over(self) -> None:
        """A lease that is never renewed again, and is still there when it should be another's, is a complaint."""
        before = await self._leases()
        passed = 0
        while passed < TAKEN_OVER:
            await asyncio.sleep(1)
            passed += any(replica.up for replica in self._replicas)  # on a busy machine starting takes longer than that
        if time.monotonic() < self._clear_until or self._ledger.away(TAKEN_OVER):
            return  # nobody could take anything, or clocks disagree about when a lease ends
        after = await self._leases()
        for job, lease in before.items():
            if after.get(job) == lease:
                self._ledger.complaints.append(f"job {job} was left with a dead replica")

    async def _leases(self) -> dict[int, tuple[object, object]]:
        undone = outbox.select().where(outbox.c.state.in_(("pending", "sending")), outbox.c.leased_by.is_not(None))
        rows = await self._store.run(lambda unit: unit.execute(undone).all())
        return {row.id: (row.leased_by, row.leased_until) for row in rows}

    # --- Platforms ---

    async def _sweep(self) -> None:
        """What nobody reads any more would fill the memory."""
        while True:
            await asyncio.sleep(1)
            for noted in (self._slack.calls, self._office.calls, self._office.violations, self._office.typing):
                noted.clear()

    def _slack_fails(self, method: str) -> server.Fault | None:
        how = self._drawn("slack", method)
        return None if how is None else server.Fault(method, **how)

    def _teams_fails(self, operation: str) -> Fault | None:
        if operation in {"openid", "keys"}:
            return None  # who cannot be known cannot be let in: that is tested elsewhere
        how = self._drawn("teams", operation)
        if how is None:
            return None
        if how.pop("error", None):
            how["status"] = 502  # it answers 200 to nothing that failed
        return Fault(operation, **how)

    def _drawn(self, platform: str, call: str) -> dict[str, Any] | None:
        if self._chance.random() > self._climate.drizzle:
            return None
        kind = self._chance.choices(list(TROUBLES), [weight for weight, _ in TROUBLES.values()])[0]
        self._ledger.faults[f"{platform}: {kind}"] += 1
        how = dict(TROUBLES[kind][1])
        if "delay" in how:
            how["delay"] = self._chance.uniform(0.3, 1.5)
        return how
