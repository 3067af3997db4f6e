"""Hostile requests of both platforms, signed and not, to a server in its own process.

None may cause a 5xx, an error in the log, or growing memory. A rejected request changes nothing. ``make fuzz`` sends
more.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.storage.database import Database
from tests.bot.conftest import postgres
from tests.postgres_server import sqlalchemy_url
from tests.scenarios.parity.conftest import AllPlatforms
from tests.security import target_server
from tests.security.mutations import UNSTORABLE, Change, Mutation, apply_changes, encode, mutations
from tests.security.raw_http import make_request, send_raw
from tests.security.target_server import TargetServer

__all__ = ["postgres"]

FACTOR = int(os.environ.get("FUZZ", "1"))
"""How many times the requests of the normal suite."""
BATCH = 25
MAX_GROWTH = 15_000_000
"""Bytes of memory above the warm state. With ``make fuzz``, a leak of 1 kB a request would be 60 MB."""
Send = Callable[[TargetServer, Mutation], Awaitable[int]]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 * FACTOR)]


def examples(count: int) -> settings:
    """Return settings for `count` batches. Failures are not shrunk: over HTTP that takes minutes."""
    return settings(
        max_examples=count * FACTOR,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
async def server(platforms: AllPlatforms, tmp_path: Path) -> AsyncIterator[TargetServer]:
    started = await target_server.start(platforms, f"sqlite:///{tmp_path}/both.db", tmp_path)
    yield started
    await _stop(started)


@pytest.fixture
async def postgres_server(platforms: AllPlatforms, tmp_path: Path, postgres: str) -> AsyncIterator[TargetServer]:
    url = sqlalchemy_url(postgres)
    database = Database(url)
    database.upgrade()
    database.close()
    started = await target_server.start(platforms, url, tmp_path)
    yield started
    await _stop(started)


async def _stop(server: TargetServer) -> None:
    print(f"{server.sent} requests, statuses {server.statuses}; {server.memory() / 1e6:.0f} MB")
    await server.stop()
    server.clear_records()
    server.platforms.scene.user_actions.errors_shown.clear()
    assert server.new_errors() == []


async def slack(server: TargetServer, mutation: Mutation) -> int:
    """Send a changed sample as Slack."""
    sample = server.slack[mutation.sample % len(server.slack)]
    form = {"interaction": "payload", "command": "command"}.get(sample.kind)
    body = encode(mutation, apply_changes(sample.payload, mutation.changes), form)
    headers = server.platforms.scene.user_actions.signed(body, secret=None if mutation.signed else "another")
    headers["Content-Type"] = mutation.content_type or sample.content_type
    return await server.post("/slack/events", body, headers)


async def teams(server: TargetServer, mutation: Mutation) -> int:
    """Send a changed sample as Teams."""
    activity = server.teams[mutation.sample % len(server.teams)]
    body = encode(mutation, apply_changes(activity, mutation.changes), None)
    token = server.token if mutation.signed else f"{server.token[:-9]}AAAAAAAAA"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": mutation.content_type or "application/json"}
    return await server.post("/api/messages", body, headers)


async def send_batch(server: TargetServer, send: Send, batch: list[Mutation]) -> None:
    """Send all at once; none may cause an error."""
    statuses = await asyncio.gather(*(send(server, mutation) for mutation in batch))
    assert [pair for pair in zip(statuses, batch, strict=True) if pair[0] >= 500] == []
    assert server.new_errors() == []
    server.clear_records()


batch_strategy = st.lists(mutations, min_size=BATCH, max_size=BATCH)
unsigned = mutations.map(lambda mutation: replace(mutation, signed=False))


@examples(30)
@given(batches=st.tuples(batch_strategy, batch_strategy))
async def test_mutated_requests(server: TargetServer, batches: tuple[list[Mutation], ...]) -> None:
    for send, batch in zip((slack, teams), batches, strict=True):
        await send_batch(server, send, batch)
    if server.sent < 750:
        server.warm_memory = server.memory()
    assert server.memory() < server.warm_memory + MAX_GROWTH


@examples(6)
@given(batches=st.tuples(batch_strategy, batch_strategy))
async def test_rejected_requests_change_nothing(server: TargetServer, batches: tuple[list[Mutation], ...]) -> None:
    for send, batch in zip((slack, teams), batches, strict=True):
        for mutation in batch:
            before = server.rows()
            if await send(server, mutation) >= 400:
                assert server.rows() == before, mutation
            else:
                await asyncio.sleep(0.01)  # background work of an accepted request
    assert server.new_errors() == []


@pytest.mark.postgres
async def test_no_unstorable_text_reaches_postgresql(postgres_server: TargetServer) -> None:
    """A NUL character or a lone surrogate at each position of each sample."""
    base = Mutation(0, (), None, 0.0, 0, ascii=True, content_type=None, signed=True)
    for send, count in ((slack, len(postgres_server.slack)), (teams, len(postgres_server.teams))):
        for sample in range(count):
            positions = range(0, 60, 1 if FACTOR > 1 else 3)
            changes = [Change(position, text) for position in positions for text in UNSTORABLE]
            await send_batch(
                postgres_server, send, [replace(base, sample=sample, changes=(change,)) for change in changes]
            )
    assert set(postgres_server.statuses) <= {200, 400, 404}, "never 503: the database was not reached"
    assert postgres_server.statuses[400] > 500


# --- Random bytes -------------------------------------------------------------------------------------------------

PATHS = ("/slack/events", "/api/messages", "/", "/privacy", "/support", "/healthz", "/readyz", "/nowhere")


@examples(10)
@given(
    batches=st.tuples(*[st.lists(unsigned, min_size=BATCH, max_size=BATCH)] * 2),
    bodies=st.lists(st.binary(max_size=200), min_size=BATCH, max_size=BATCH),
    seed=st.integers(0, 2**32),
    path=st.sampled_from(PATHS),
    query=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=30),
)
async def test_unsigned_requests_and_random_bytes_change_nothing(
    server: TargetServer, batches: tuple[list[Mutation], ...], bodies: list[bytes], seed: int, path: str, query: str
) -> None:
    """Unsigned requests; random bodies, signed and not; and requests with some bytes changed."""
    rng = random.Random(seed)
    before = server.rows()
    for send, batch in zip((slack, teams), batches, strict=True):
        assert {await send(server, mutation) for mutation in batch} <= {400, 401}

    async def send_random(body: bytes) -> None:
        valid = server.platforms.scene.user_actions.signed(body) | {"Authorization": f"Bearer {server.token}"}
        headers = valid if rng.random() < 0.5 else {}
        request = bytearray(make_request(rng.choice(["POST", "GET", "HEAD"]), f"{path}?{query}", body, headers))
        for _ in range(rng.choice([0, 0, 1, 3])):
            request[rng.randrange(len(request))] = rng.randrange(256)
        response = await send_raw(server.address, bytes(request), within=0.4)
        server.count(response.status)
        assert response.status < 500

    await asyncio.gather(*(send_random(body) for body in bodies))
    assert server.new_errors() == []
    assert server.rows() == before
