"""Generate load: users who press as soon as they are answered (closed loop), or at a given rate (open loop)."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.benchmarks.measure import median
from tests.benchmarks.raw_http import Connection, Response
from tests.benchmarks.servers import ServerProcess

TIMEOUT = 20.0
"""Seconds after which a run without an answer fails."""


class User(Protocol):
    """A user with a card."""

    def press(self) -> bytes:
        """Return the next request."""
        ...

    def next_card(self) -> "asyncio.Future[bytes]":
        """Return a future with the next call that sends or updates the card."""
        ...

    def check(self, response: Response, card: bytes | None) -> None:
        """Read the response and the card. Raises `AssertionError` when they are wrong."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement. `latencies`: seconds from each press to its response. `cpu`: seconds used by the server."""

    turns: int
    seconds: float
    cpu: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Turns a second."""
        return self.turns / self.seconds

    @property
    def cpu_each(self) -> float:
        """Milliseconds of the server's CPU a turn."""
        return self.cpu / max(self.turns, 1) * 1e3

    @property
    def cores_busy(self) -> float:
        """Cores used by the server: near 1 when the server is the bottleneck."""
        return self.cpu / self.seconds


async def closed_loop(
    server: ServerProcess, users: Sequence[User], seconds: float, *, expects_card: bool = True
) -> Run:
    """Each user presses again after the response and, with `expects_card`, after the new card."""
    connections = [await Connection.open(server.port) for _ in users]
    latencies: list[float] = []
    started, used = time.perf_counter(), server.cpu()

    async def run_user(user: User, connection: Connection) -> int:
        turns = 0
        while time.perf_counter() - started < seconds:
            card = user.next_card() if expects_card else None
            pressed = time.perf_counter()
            response = await connection.send(user.press())
            latencies.append(time.perf_counter() - pressed)
            user.check(response, await card if card else None)
            turns += 1
        return turns

    try:
        async with asyncio.timeout(seconds + TIMEOUT):
            turns = await asyncio.gather(*(run_user(*pair) for pair in zip(users, connections, strict=True)))
        return Run(sum(turns), time.perf_counter() - started, server.cpu() - used, latencies)
    finally:
        for connection in connections:
            connection.close()


async def open_loop(
    server: ServerProcess, users: Sequence[User], rate: float, seconds: float, *, expects_card: bool = True
) -> Run:
    """Press `rate` times a second in total, at random times (a Poisson process).

    A latency counts from the scheduled time of the press, so that a stalled server is not spared the presses of that
    time (no coordinated omission). The users press in turn; each waits for their own card first.
    """
    connections = [await Connection.open(server.port) for _ in users]
    latencies: list[float] = []
    started, used = time.perf_counter() + 0.05, server.cpu()
    schedule = arrivals(rate, seconds)

    async def run_user(index: int, user: User, connection: Connection) -> None:
        for offset in schedule[index :: len(users)]:
            scheduled = started + offset
            if (wait := scheduled - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            card = user.next_card() if expects_card else None
            response = await connection.send(user.press())
            latencies.append(time.perf_counter() - scheduled)
            user.check(response, await card if card else None)

    try:
        async with asyncio.timeout(seconds * 3 + TIMEOUT):
            pairs = enumerate(zip(users, connections, strict=True))
            await asyncio.gather(*(run_user(index, *pair) for index, pair in pairs))
        return Run(len(schedule), time.perf_counter() - started, server.cpu() - used, latencies)
    finally:
        for connection in connections:
            connection.close()


def arrivals(rate: float, seconds: float) -> list[float]:
    """Return random times in `seconds`, `rate` a second on average, the same in each run."""
    rng, now, times = random.Random(11), 0.0, []
    while (now := now + rng.expovariate(rate)) < seconds:
        times.append(now)
    return times


@dataclass(frozen=True, slots=True)
class Pairs:
    """Measurements of the product and a peer in turns."""

    product: list[Run]
    peer: list[Run]

    def rate(self) -> tuple[float, float, float]:
        """Return the median turns a second of the product and of the peer, and the median of their ratios."""
        pairs = zip(self.product, self.peer, strict=True)
        ratio = median([run.rate / other.rate for run, other in pairs])
        return median([run.rate for run in self.product]), median([run.rate for run in self.peer]), ratio

    def cpu(self) -> tuple[float, float, float]:
        """Return the median CPU milliseconds a turn of the product and of the peer, and the median of their ratios."""
        pairs = zip(self.product, self.peer, strict=True)
        ratio = median([run.cpu_each / other.cpu_each for run, other in pairs])
        return median([run.cpu_each for run in self.product]), median([run.cpu_each for run in self.peer]), ratio
