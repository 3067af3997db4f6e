"""The cost of a turn as tables grow: on a thousand, a hundred thousand and a million sessions, in turns.

Measured in new dialogs, as users have them, and on random open dialogs, the worst case for caches.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psycopg

from adapters.ports import Turn, new_session_id
from bot.core.housekeeping import purge
from bot.core.outbox import OutboxWorker
from bot.core.service import Service
from bot.storage.database import Database
from bot.storage.transaction import Transaction
from bot.telemetry import metrics
from dialogs.community_flow import FLOW
from dialogs.events import Answer, Back, Event, Start
from dialogs.session import Actor
from tests.benchmarks.capacity import PRESSES_EACH
from tests.benchmarks.database import TENANTS, create_filled, open_numbers, postgres, session
from tests.benchmarks.measure import Aim, Figure, Result, Series, median
from tests.benchmarks.options import Options
from tests.benchmarks.servers import use_all_cores
from tests.postgres_server import sqlalchemy_url

SIZES = (1_000, 100_000, 1_000_000)
USERS = 32
ROUNDS = 5
MAX_SLOWDOWN = Aim(1.15, maximum=True)
RETENTION = timedelta(days=3650)


@dataclass(slots=True)
class FilledDatabase:
    """A database of one size, and the seconds measured on it. `cursor` counts the presses on stored sessions."""

    size: int
    database: Database
    service: Service
    order: list[int]
    cursor: int = 0
    dialogs_started: int = 0
    dialogs: list[float] = field(default_factory=list)
    turns: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    polls: list[float] = field(default_factory=list)


async def figures(options: Options) -> AsyncIterator[Result]:
    """Yield the figures of both databases."""
    use_all_cores()
    sizes = [size for size in SIZES if size <= options.max_rows]
    with tempfile.TemporaryDirectory(prefix="cm-advisor-bench-") as folder:
        urls = {size: f"sqlite:///{Path(folder) / str(size)}.db" for size in sizes}
        async for result in _measure("SQLite", urls, options):
            yield result
    with postgres() as server:
        if server:
            addresses = {size: server.create_database() for size in sizes}
            async for result in _measure(
                "PostgreSQL", {size: sqlalchemy_url(uri) for size, uri in addresses.items()}, options
            ):
                yield result
            yield _sizes(addresses[sizes[-1]], sizes[-1])


async def _measure(name: str, urls: dict[int, str], options: Options) -> AsyncIterator[Result]:
    databases = [await _fill(url, size) for size, url in urls.items()]
    try:
        for target in databases:  # warm-up
            await _round(target, options.seconds / 5, _press)
            await _round(target, options.seconds / 5, _dialog)
        for number in range(ROUNDS):
            # In alternating order, so that a drift of the machine affects all.
            for target in databases if number % 2 == 0 else reversed(databases):
                cpu_before = time.process_time()
                seconds, count = await _round(target, options.seconds / 2, _dialog)
                target.dialogs.append(seconds)
                target.cpu.append((time.process_time() - cpu_before) / count)
                target.turns.append((await _round(target, options.seconds / 2, _press))[0])
                target.polls.append(await _time_poll(target))
        for figure in _figures(name, databases):
            yield figure
        largest = databases[-1]
        yield Figure(
            f"{name}: counting the outbox for /metrics",
            await _time_transaction(largest, metrics._measure_outbox) * 1e3,
            "ms",
        )
        started = time.perf_counter()
        await purge(largest.database, RETENTION)
        purge_ms = (time.perf_counter() - started) * 1e3
        yield Figure(f"{name}: a purge of {largest.size:,} that finds nothing to delete", purge_ms, "ms")
        lines = {
            "in a dialog": [median(target.dialogs) * 1e3 for target in databases],
            "on any open dialog": [median(target.turns) * 1e3 for target in databases],
        }
        yield Series(f"{name}: cost of a turn", "sessions stored", "milliseconds", [*map(float, urls)], lines)
    finally:
        for target in databases:
            target.database.close()


def _figures(name: str, databases: list[FilledDatabase]) -> Iterator[Figure]:
    smallest = databases[0]
    for description, measured in (("a turn of a dialog", "dialogs"), ("a press on any open dialog", "turns")):
        base: list[float] = getattr(smallest, measured)
        for target in databases:
            durations: list[float] = getattr(target, measured)
            is_compared = target is not smallest
            notes: dict[str, float | str] = {
                "CPU, ms": median(target.cpu) * 1e3,
                "worker poll, ms": median(target.polls) * 1e3,
            }
            yield Figure(
                f"{name}: {description}, {target.size:,} sessions",
                median(durations) * 1e3,
                "ms",
                median(base) * 1e3 if is_compared else None,
                f"with {smallest.size:,}" if is_compared else "",
                median([duration / other for duration, other in zip(durations, base, strict=True)])
                if is_compared
                else None,
                MAX_SLOWDOWN if is_compared else None,
                notes if measured == "dialogs" else {},
            )


async def _fill(url: str, size: int) -> FilledDatabase:
    started = time.perf_counter()
    database = await create_filled(url, size)
    order = list(open_numbers(size))
    random.Random(3).shuffle(order)
    Options.warn(f"filled {url.partition(':')[0]} with {size:,} sessions in {time.perf_counter() - started:.0f} s")
    return FilledDatabase(size, database, Service(FLOW, database), order)


async def _round(
    target: FilledDatabase, seconds: float, action: Callable[[FilledDatabase], Awaitable[int]]
) -> tuple[float, int]:
    """Return the seconds of a turn when all users act at once, and the number of turns."""
    end = time.perf_counter() + seconds

    async def person() -> int:
        count = 0
        while time.perf_counter() < end:
            count += await action(target)
        return count

    started = time.perf_counter()
    done = sum(await asyncio.gather(*(person() for _ in range(USERS))))
    await target.service.flush_shown()  # the worker does it within a second
    return (time.perf_counter() - started) / done, done


async def _turn(target: FilledDatabase, id: str, event: Event, revision: int, conversation: str | None = None) -> int:
    turn_result = await target.service.turn(Turn(event, id, conversation, idempotency_key=f"{id}:{revision}"))
    assert turn_result.session
    assert turn_result.session.revision == revision
    await target.service.mark_shown(id, revision)
    return 1


async def _press(target: FilledDatabase) -> int:
    """Press on the next session of the random order. A session that comes again goes back, answers, and so on."""
    pressed = session(target.order[target.cursor % len(target.order)])
    step, target.cursor = target.cursor // len(target.order), target.cursor + 1
    return await _turn(
        target, pressed.id, _next(Actor(pressed.tenant, pressed.owner, pressed.language), step), step + 1
    )


async def _dialog(target: FilledDatabase) -> int:
    """Start a dialog and press in it."""
    target.dialogs_started += 1
    id, actor = (
        new_session_id(),
        Actor(f"slack:T{target.dialogs_started % TENANTS:09d}", f"U{target.dialogs_started:010d}", "fr"),
    )
    count = await _turn(target, id, Start(actor, id), 0, f"D{target.dialogs_started}")
    for step in range(PRESSES_EACH):
        count += await _turn(target, id, _next(actor, step), step + 1)
    return count


def _next(actor: Actor, step: int) -> Event:
    first = FLOW.questions[0]
    return Back(actor, revision=step) if step % 2 else Answer(actor, first.id, first.options[0], revision=step)


async def _time_poll(target: FilledDatabase) -> float:
    """Return the seconds of a poll of the worker that finds no due job."""
    worker = OutboxWorker(target.service)
    durations = 5
    started = time.perf_counter()
    for _ in range(durations):
        await worker.work()
    return (time.perf_counter() - started) / durations


async def _time_transaction(target: FilledDatabase, work: Callable[[Transaction], object]) -> float:
    started = time.perf_counter()
    await target.database.run(work)
    return time.perf_counter() - started


def _sizes(uri: str, count: int) -> Figure:
    """Return the bytes of a stored session on disk, with its jobs, events and all indexes."""
    notes: dict[str, float | str] = {}
    total_bytes = 0
    with psycopg.connect(uri) as connection:
        for name in ("sessions", "outbox", "processed_events"):
            result = connection.execute(
                f"SELECT pg_total_relation_size('{name}'), count(*) FROM {name}".encode()
            ).fetchone()
            assert result
            total_bytes += result[0]
            notes |= {f"{name}, MB": result[0] / 1e6, f"{name}, bytes a row": result[0] / result[1]}
    return Figure("PostgreSQL: a session with its jobs and events", total_bytes / count, "bytes", notes=notes)
