"""People who press: as fast as they are answered, or at a given rate whatever the answers."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.benchmarks.measure import median
from tests.benchmarks.raw_http import Answer, Connection
from tests.benchmarks.servers import Server

TIMEOUT = 20.0
"""Seconds until a press that nothing comes of ends the run."""


class Person(Protocol):
    """Somebody with a card to press on."""

    def press(self) -> bytes:
        """Return the next request."""
        ...

    def drawn(self) -> "asyncio.Future[bytes]":
        """Return what is done once the platform was asked to draw what comes of the next press."""
        ...

    def seen(self, answer: Answer, card: bytes | None) -> None:
        """Take in what came. Raises `AssertionError` when it is not what should have come."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured. `acks`: seconds from each press to its answer. `cpu`: the server's, in seconds."""

    turns: int
    seconds: float
    cpu: float
    acks: list[float]

    @property
    def rate(self) -> float:
        """Turns a second."""
        return self.turns / self.seconds

    @property
    def cpu_each(self) -> float:
        """Milliseconds of the server's CPU a turn."""
        return self.cpu / max(self.turns, 1) * 1e3

    @property
    def busy(self) -> float:
        """How much of a core the server used: near 1 when it was what the others waited for."""
        return self.cpu / self.seconds


async def closed(server: Server, people: Sequence[Person], seconds: float, *, draws: bool = True) -> Run:
    """Let everybody press again as soon as they are answered and, with `draws`, their new card was sent."""
    connections = [await Connection.open(server.port) for _ in people]
    acks: list[float] = []
    began, used = time.perf_counter(), server.cpu()

    async def work(person: Person, connection: Connection) -> int:
        turns = 0
        while time.perf_counter() - began < seconds:
            drawn = person.drawn() if draws else None
            pressed = time.perf_counter()
            answer = await connection.send(person.press())
            acks.append(time.perf_counter() - pressed)
            person.seen(answer, await drawn if drawn else None)
            turns += 1
        return turns

    try:
        async with asyncio.timeout(seconds + TIMEOUT):
            done = await asyncio.gather(*(work(*pair) for pair in zip(people, connections, strict=True)))
        return Run(sum(done), time.perf_counter() - began, server.cpu() - used, acks)
    finally:
        for connection in connections:
            connection.close()


async def open_loop(
    server: Server, people: Sequence[Person], rate: float, seconds: float, *, draws: bool = True
) -> Run:
    """Press `rate` times a second in all, each at its own appointed time, as chance has it (a Poisson process).

    An answer's time is counted from when its press was due, not from when somebody came round to it: a server that
    stalls is not spared the presses of that time (no coordinated omission). Each person presses in turn, and waits for
    their own card first: with enough people that hardly ever makes a press late, and where it does, that counts.
    """
    connections = [await Connection.open(server.port) for _ in people]
    acks: list[float] = []
    began, used = time.perf_counter() + 0.05, server.cpu()
    dues = arrivals(rate, seconds)

    async def work(index: int, person: Person, connection: Connection) -> None:
        for after in dues[index :: len(people)]:
            due = began + after
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            drawn = person.drawn() if draws else None
            answer = await connection.send(person.press())
            acks.append(time.perf_counter() - due)
            person.seen(answer, await drawn if drawn else None)

    try:
        async with asyncio.timeout(seconds * 3 + TIMEOUT):
            each = enumerate(zip(people, connections, strict=True))
            await asyncio.gather(*(work(index, *pair) for index, pair in each))
        return Run(len(dues), time.perf_counter() - began, server.cpu() - used, acks)
    finally:
        for connection in connections:
            connection.close()


def arrivals(rate: float, seconds: float) -> list[float]:
    """Return when people come who know nothing of each other: `rate` a second on average, the same each time."""
    chance, now, found = random.Random(11), 0.0, []
    while (now := now + chance.expovariate(rate)) < seconds:
        found.append(now)
    return found


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two of which one was measured after the other, several times, in turns."""

    ours: list[Run]
    theirs: list[Run]

    def rate(self) -> tuple[float, float, float]:
        """Return turns a second of ours and of theirs (medians), and the median of their ratios."""
        each = list(zip(self.ours, self.theirs, strict=True))
        ratio = median([mine.rate / other.rate for mine, other in each])
        return median([run.rate for run in self.ours]), median([run.rate for run in self.theirs]), ratio

    def cpu(self) -> tuple[float, float, float]:
        """Return milliseconds of CPU a turn of ours and of theirs (medians), and the median of their ratios."""
        each = list(zip(self.ours, self.theirs, strict=True))
        ratio = median([mine.cpu_each / other.cpu_each for mine, other in each])
        return median([run.cpu_each for run in self.ours]), median([run.cpu_each for run in self.theirs]), ratio
