"""Faults injected during a load test: killed processes, cut connections, failing platforms, wrong clocks."""

import asyncio
import random
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from adapters.playground.simulator import Fault
from bot.storage.database import Database
from bot.storage.schema import outbox
from bot.storage.transaction import Transaction
from tests.fault_injection.history import History
from tests.fault_injection.proxy import Proxy
from tests.fault_injection.replicas import Replica
from tests.fault_injection.slack_client import FaultySlack
from tests.fault_injection.teams_client import FaultyTeams

InjectFault = Callable[[], Awaitable[None]]
TAKEOVER_SECONDS = 15.0
"""Within this time another replica must take the jobs of a dead one, if one is up."""
OVERLAP_PROBABILITY = 0.1
"""Probability, each half second, that the next fault does not wait until all replicas are up."""
RECOVERY_TIMEOUT = 30.0
READ_ONLY_SECONDS = 2.0
SET_BACK = timedelta(hours=1)
SET_BACK_SECONDS = 3.0
"""How long a clock is wrong by `SET_BACK`: the worker looks for jobs each second."""
MAX_DELAY = timedelta(minutes=10)
"""By how much the jobs of a load test are delayed at most after failures."""
CALL_FAULTS: dict[str, tuple[int, dict[str, Any]]] = {
    "429": (5, {"status": 429, "retry_after": 1}),
    "500": (3, {"status": 500}),
    "503": (3, {"status": 503}),
    "500 after the effect": (2, {"status": 500, "effect": True}),
    "error after the effect": (2, {"status": 200, "error": "internal_error", "effect": True}),
    "connection lost before": (4, {"drop": "before"}),
    "response lost": (6, {"drop": "after"}),
    "slow": (3, {"delay": 1.0}),
    "timeout": (1, {"hold": 11.0}),
}
"""Faults of calls to a platform: weight, and arguments of the simulator's fault."""


@dataclass(frozen=True)
class FaultRates:
    """How often and how long faults occur.

    Attributes:
        interval: Mean seconds between two faults of replicas or the database.
        call_share: Share of calls to the platforms that fail.
        outage: Seconds of a database outage.
        max_skew: Seconds by which a clock may be wrong.
    """

    interval: float = 2.5
    call_share: float = 0.07
    outage: float = 6.0
    max_skew: float = 20.0


class FaultInjector:
    """Injects random faults between `start` and `stop`."""

    def __init__(
        self,
        rates: FaultRates,
        replicas: list[Replica],
        *,
        platforms: tuple[FaultySlack, FaultyTeams],
        database: Database,
        outage_target: Proxy | Path,
        history: History,
        rng: random.Random,
    ) -> None:
        self._rates = rates
        self._replicas = replicas
        self._slack, self._teams = platforms
        self._database = database
        self._outage_target = outage_target
        """The proxy before PostgreSQL, or the SQLite file."""
        self._history = history
        self._rng = rng
        self._leases_unsure_until = 0.0
        self._takeovers: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._slack.choose_fault, self._teams.choose_fault = self._slack_fault, self._teams_fault
        self._tasks = [asyncio.create_task(self._inject()), asyncio.create_task(self._clear_records())]

    async def stop(self) -> None:
        """Stop injecting; set the clocks right and let the database and the platforms work."""
        self._slack.choose_fault = self._teams.choose_fault = lambda _call: None
        for task in self._tasks:
            task.cancel()
        for error in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(error, Exception):
                raise error
        for replica in self._replicas:
            replica.step_clock(0.0)
        self._end_outage()

    async def check_takeovers(self) -> None:
        """Wait until the jobs of every killed replica were checked."""
        await asyncio.gather(*self._takeovers)

    # --- Replicas and database ---

    async def _inject(self) -> None:
        faults, early_faults = self._possible_faults()
        while True:
            order = self._rng.sample(faults, len(faults))
            order[1:1] = early_faults
            for fault in order:
                await self._wait_for_recovery()
                await asyncio.sleep(self._rates.interval * self._rng.uniform(0.7, 1.3))
                await fault()

    async def _wait_for_recovery(self) -> None:
        """Mostly wait until all replicas are up: on a slow machine no dialog would ever finish."""
        until = time.monotonic() + RECOVERY_TIMEOUT
        while time.monotonic() < until and self._rng.random() > OVERLAP_PROBABILITY:
            if all(replica.up for replica in self._replicas):
                return
            await asyncio.sleep(0.5)

    def _possible_faults(self) -> tuple[list[InjectFault], list[InjectFault]]:
        """Return the faults in random order, and those that come early enough for a short run."""
        faults: list[InjectFault] = [self._kill, self._terminate, self._step_clock]
        if isinstance(self._outage_target, Proxy):
            faults += [self._cut_connections, self._cut_connections, self._outage, self._kill]
            return faults, [self._make_read_only, self._terminate_backends, self._kill]
        return [*faults, self._lock_sqlite], [self._set_clock_back, self._kill]

    def _choose_replica(self) -> Replica | None:
        """Return a replica that is up."""
        candidates = [replica for replica in self._replicas if replica.up]
        return self._rng.choice(candidates) if candidates else None

    async def _kill(self) -> None:
        replica = self._choose_replica()
        if replica and replica.kill():
            self._history.faults["kill -9"] += 1
            self._takeovers.add(asyncio.create_task(self._check_takeover()))

    async def _terminate(self) -> None:
        replica = self._choose_replica()
        if replica:
            self._history.faults["SIGTERM"] += replica.terminate()

    async def _step_clock(self) -> None:
        replica = self._rng.choice(self._replicas)
        replica.step_clock(0.0 if replica.clock_offset else self._rng.uniform(-1, 1) * self._rates.max_skew)
        self._history.faults["clock stepped"] += 1
        self._leases_unsure_until = time.monotonic() + self._rates.max_skew + TAKEOVER_SECONDS

    async def _cut_connections(self) -> None:
        assert isinstance(self._outage_target, Proxy)
        self._history.faults["database connections cut"] += self._outage_target.cut()
        self._history.begin_outage()  # requests of this moment may be answered 503
        self._history.end_outage()

    async def _outage(self) -> None:
        assert isinstance(self._outage_target, Proxy)
        self._history.faults["database outage"] += 1
        self._history.begin_outage()
        self._outage_target.down()
        await asyncio.sleep(self._rates.outage)
        self._end_outage()

    def _end_outage(self) -> None:
        outages = self._history.outages
        if isinstance(self._outage_target, Proxy) and outages and outages[-1][1] == float("inf"):
            self._outage_target.up()
            self._history.end_outage()
            self._leases_unsure_until = max(self._leases_unsure_until, time.monotonic() + TAKEOVER_SECONDS)

    async def _make_read_only(self) -> None:
        """Make the database read-only, as in a failover, and then writable again for new sessions only."""
        self._history.faults["database read-only"] += 1
        self._history.begin_outage()
        try:
            await self._database.run(lambda transaction: _set_read_only(transaction, "on"))
            await self._database.run(_terminate_backends)
            await asyncio.sleep(READ_ONLY_SECONDS)
        finally:
            await self._database.run(lambda transaction: _set_read_only(transaction, "off"))
            self._history.end_outage()
        await asyncio.sleep(READ_ONLY_SECONDS / 2)  # what runs now may still fail
        lengths = [len(replica.output) for replica in self._replicas]
        await asyncio.sleep(READ_ONLY_SECONDS)
        for replica, length in zip(self._replicas, lengths, strict=True):
            if "the database is read-only" in replica.output[length:]:
                self._history.violations.append(f"{replica.name} still uses sessions that began read-only")

    async def _terminate_backends(self) -> None:
        self._history.begin_outage()  # requests of this moment may be answered 503
        self._history.faults["database backends terminated"] += await self._database.run(_terminate_backends)
        self._history.end_outage()

    async def _set_clock_back(self) -> None:
        """Set the clock of the only replica back while posts wait, and right again. They must not wait until then."""
        (replica,) = self._replicas
        while not (replica.up and await self._posts(outbox.c.state.in_(("pending", "sending")))):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        self._history.faults["clock set back while posts wait"] += 1
        self._leases_unsure_until = time.monotonic() + SET_BACK_SECONDS + TAKEOVER_SECONDS
        replica.step_clock(-SET_BACK.total_seconds())
        await asyncio.sleep(SET_BACK_SECONDS)
        late = datetime.now(UTC) - SET_BACK + MAX_DELAY
        for post in await self._posts(sa.or_(outbox.c.due_at > late, outbox.c.leased_until > late)):
            self._history.violations.append(f"job {post} is an hour late: the clock was set back")
        replica.step_clock(0.0)

    async def _posts(self, condition: sa.ColumnElement[bool]) -> list[int]:
        """Return the ids of jobs that post."""
        query = sa.select(outbox.c.id).where(outbox.c.kind == "post", condition)
        return await self._database.run(lambda transaction: list(transaction.execute(query).scalars()))

    async def _lock_sqlite(self) -> None:
        """Hold the write lock of the file from another connection."""
        assert isinstance(self._outage_target, Path)
        self._history.faults["database locked"] += 1
        self._history.begin_outage()
        try:
            options: dict[str, Any] = {"timeout": 5, "isolation_level": None, "check_same_thread": False}
            with closing(sqlite3.connect(self._outage_target, **options)) as connection:
                await asyncio.to_thread(connection.execute, "BEGIN IMMEDIATE")
                await asyncio.sleep(self._rates.outage)
        except sqlite3.OperationalError:  # it did not get the lock
            self._history.faults["database locked"] -= 1
        finally:
            self._history.end_outage()

    # --- Jobs of a killed replica ---

    async def _check_takeover(self) -> None:
        """Record a violation for a lease that is unchanged when another replica should have taken it."""
        before = await self._leases()
        seconds_up = 0
        while seconds_up < TAKEOVER_SECONDS:
            await asyncio.sleep(1)
            seconds_up += any(replica.up for replica in self._replicas)  # a start may take longer on a busy machine
        if time.monotonic() < self._leases_unsure_until or self._history.had_outage(TAKEOVER_SECONDS):
            return  # no replica could take anything, or clocks disagree about when a lease ends
        after = await self._leases()
        for job, lease in before.items():
            if after.get(job) == lease:
                self._history.violations.append(f"job {job} is still leased by a dead replica")

    async def _leases(self) -> dict[int, tuple[object, object]]:
        leased = outbox.select().where(outbox.c.state.in_(("pending", "sending")), outbox.c.leased_by.is_not(None))
        rows = await self._database.run(lambda transaction: transaction.execute(leased).all())
        return {row.id: (row.leased_by, row.leased_until) for row in rows}

    # --- Platforms ---

    async def _clear_records(self) -> None:
        """Delete what the simulators record, which would fill the memory."""
        while True:
            await asyncio.sleep(1)
            for records in (self._slack.calls, self._teams.calls, self._teams.violations, self._teams.typing):
                records.clear()

    def _slack_fault(self, method: str) -> Fault | None:
        arguments = self._choose_call_fault("slack", method)
        return None if arguments is None else Fault(method, **arguments)

    def _teams_fault(self, operation: str) -> Fault | None:
        if operation in {"openid", "keys"}:
            return None  # without keys no request is accepted; tests/scenarios/teams covers that
        arguments = self._choose_call_fault("teams", operation)
        if arguments is None:
            return None
        if arguments.pop("error", None):
            arguments["status"] = 502  # Teams has no errors with status 200
        return Fault(operation, **arguments)

    def _choose_call_fault(self, platform: str, call: str) -> dict[str, Any] | None:
        if self._rng.random() > self._rates.call_share:
            return None
        kind = self._rng.choices(list(CALL_FAULTS), [weight for weight, _ in CALL_FAULTS.values()])[0]
        self._history.faults[f"{platform}: {kind}"] += 1
        arguments = dict(CALL_FAULTS[kind][1])
        if "delay" in arguments:
            arguments["delay"] = self._rng.uniform(0.3, 1.5)
        return arguments


def _set_read_only(transaction: Transaction, value: str) -> None:
    """Set the default of new sessions, also in a session that is read-only."""
    transaction.execute(sa.text("SET TRANSACTION READ WRITE"))
    name = transaction.execute(sa.select(sa.func.current_database())).scalar_one()
    transaction.execute(sa.text(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}"))


def _terminate_backends(transaction: Transaction) -> int:
    """End all other sessions of the database; return how many there were."""
    sessions = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    return transaction.execute(sa.text(f"SELECT pg_terminate_backend(pid) {sessions}")).rowcount
