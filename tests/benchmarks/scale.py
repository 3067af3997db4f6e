"""What a turn costs as tables grow: the same on a thousand, a hundred thousand and a million sessions, in turns.

Twice: in dialogs as people have them, begun and gone through in a minute; and on any of all the dialogs that are under
way, a fortnight's, picked by chance, which is the worst that can come.
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
from tests.benchmarks.database import TENANTS, alchemy, filled, postgres, session, under_way
from tests.benchmarks.measure import Aim, Figure, Found, Series, median
from tests.benchmarks.options import Options
from tests.benchmarks.servers import anywhere

SIZES = (1_000, 100_000, 1_000_000)
PEOPLE = 32
ROUNDS = 5
FLAT = Aim(1.15, most=True)
LEFT = timedelta(days=3650)


@dataclass(slots=True)
class Filled:
    """A database of one size, and what was measured on it, in seconds. `cursor`: presses on stored
    sessions so far; `begun`: dialogs begun.
    """

    size: int
    store: Database
    service: Service
    order: list[int]
    cursor: int = 0
    begun: int = 0
    dialogs: list[float] = field(default_factory=list)
    turns: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)


async def figures(options: Options) -> AsyncIterator[Found]:
    """Yield the figures of both databases."""
    anywhere()
    sizes = [size for size in SIZES if size <= options.most_rows]
    with tempfile.TemporaryDirectory(prefix="cm-advisor-bench-") as folder:
        urls = {size: f"sqlite:///{Path(folder) / str(size)}.db" for size in sizes}
        async for found in _of("SQLite", urls, options):
            yield found
    with postgres() as server:
        if server:
            addresses = {size: server.create() for size in sizes}
            async for found in _of("PostgreSQL", {size: alchemy(uri) for size, uri in addresses.items()}, options):
                yield found
            yield _sizes(addresses[sizes[-1]], sizes[-1])


async def _of(name: str, urls: dict[int, str], options: Options) -> AsyncIterator[Found]:
    databases = [await _filled(url, size) for size, url in urls.items()]
    try:
        for one in databases:  # warm
            await _round(one, options.seconds / 5, _press)
            await _round(one, options.seconds / 5, _dialog)
        for number in range(ROUNDS):
            # Forth and back: what drifts meets each of them alike.
            for one in databases if number % 2 == 0 else reversed(databases):
                used = time.process_time()
                each, count = await _round(one, options.seconds / 2, _dialog)
                one.dialogs.append(each)
                one.cpu.append((time.process_time() - used) / count)
                one.turns.append((await _round(one, options.seconds / 2, _press))[0])
                one.looks.append(await _look(one))
        for figure in _figures(name, databases):
            yield figure
        largest = databases[-1]
        yield Figure(
            f"{name}: counting the outbox for /metrics", await _timed(largest, metrics._measure_outbox) * 1e3, "ms"
        )
        began = time.perf_counter()
        await purge(largest.store, LEFT)
        old = (time.perf_counter() - began) * 1e3
        yield Figure(f"{name}: a purge of {largest.size:,} that finds nothing old, beside the turns", old, "ms")
        lines = {
            "in a dialog": [median(one.dialogs) * 1e3 for one in databases],
            "on any dialog under way": [median(one.turns) * 1e3 for one in databases],
        }
        yield Series(f"{name}: cost of a turn", "sessions stored", "milliseconds", [*map(float, urls)], lines)
    finally:
        for one in databases:
            one.store.close()


def _figures(name: str, databases: list[Filled]) -> Iterator[Figure]:
    least = databases[0]
    for what, measured in (("a turn of a dialog", "dialogs"), ("a press on any dialog", "turns")):
        base: list[float] = getattr(least, measured)
        for one in databases:
            times: list[float] = getattr(one, measured)
            compared = one is not least
            notes: dict[str, float | str] = {
                "CPU here, ms": median(one.cpu) * 1e3,
                "worker looks, ms": median(one.looks) * 1e3,
            }
            yield Figure(
                f"{name}: {what}, {one.size:,} sessions",
                median(times) * 1e3,
                "ms",
                median(base) * 1e3 if compared else None,
                f"with {least.size:,}" if compared else "",
                median([mine / other for mine, other in zip(times, base, strict=True)]) if compared else None,
                FLAT if compared else None,
                notes if measured == "dialogs" else {},
            )


async def _filled(url: str, size: int) -> Filled:
    began = time.perf_counter()
    store = await filled(url, size)
    order = list(under_way(size))
    random.Random(3).shuffle(order)
    Options.say(f"filled {url.partition(':')[0]} with {size:,} sessions in {time.perf_counter() - began:.0f} s")
    return Filled(size, store, Service(FLOW, store), order)


async def _round(one: Filled, seconds: float, walk: Callable[[Filled], Awaitable[int]]) -> tuple[float, int]:
    """Return how many seconds a turn takes when all people do something at once, and how many turns that were."""
    until = time.perf_counter() + seconds

    async def person() -> int:
        count = 0
        while time.perf_counter() < until:
            count += await walk(one)
        return count

    began = time.perf_counter()
    done = sum(await asyncio.gather(*(person() for _ in range(PEOPLE))))
    await one.service.flush_shown()  # as the worker has it done, a second later at most
    return (time.perf_counter() - began) / done, done


async def _turned(one: Filled, id: str, event: Event, revision: int, place: str | None = None) -> int:
    turned = await one.service.turn(Turn(event, id, place, idempotency_key=f"{id}:{revision}"))
    assert turned.session
    assert turned.session.revision == revision
    await one.service.mark_shown(id, revision)
    return 1


async def _press(one: Filled) -> int:
    """Press on the next session of an order made by chance: caches are not helped more than people would.

    Few sessions come round again: then they go back, answer, go back.
    """
    pressed = session(one.order[one.cursor % len(one.order)])
    lap, one.cursor = one.cursor // len(one.order), one.cursor + 1
    return await _turned(one, pressed.id, _next(Actor(pressed.tenant, pressed.owner, pressed.language), lap), lap + 1)


async def _dialog(one: Filled) -> int:
    """Begin a dialog and press in it, as often as people do."""
    one.begun += 1
    id, who = new_session_id(), Actor(f"slack:T{one.begun % TENANTS:09d}", f"U{one.begun:010d}", "fr")
    count = await _turned(one, id, Start(who, id), 0, f"D{one.begun}")
    for lap in range(PRESSES_EACH):
        count += await _turned(one, id, _next(who, lap), lap + 1)
    return count


def _next(who: Actor, lap: int) -> Event:
    first = FLOW.questions[0]
    return Back(who, revision=lap) if lap % 2 else Answer(who, first.id, first.options[0], revision=lap)


async def _look(one: Filled) -> float:
    """Return how many seconds the worker takes to find that nothing is due."""
    worker = OutboxWorker(one.service)
    times = 5
    began = time.perf_counter()
    for _ in range(times):
        await worker.work()
    return (time.perf_counter() - began) / times


async def _timed(one: Filled, work: Callable[[Transaction], object]) -> float:
    began = time.perf_counter()
    await one.store.run(work)
    return time.perf_counter() - began


def _sizes(uri: str, count: int) -> Figure:
    """Return what a stored session takes on disk, with its jobs, its deliveries and all indexes."""
    notes: dict[str, float | str] = {}
    whole = 0
    with psycopg.connect(uri) as connection:
        for name in ("sessions", "outbox", "processed_events"):
            found = connection.execute(
                f"SELECT pg_total_relation_size('{name}'), count(*) FROM {name}".encode()
            ).fetchone()
            assert found
            whole += found[0]
            notes |= {f"{name}, MB": found[0] / 1e6, f"{name}, bytes a row": found[0] / found[1]}
    return Figure("PostgreSQL: a session, its jobs and deliveries", whole / count, "bytes", notes=notes)
