"""Hostile deliveries of both platforms, truly signed and not, to every endpoint of the program in its own process.

No 5xx, no error in the log, nothing changed by what is refused, no more memory. ``make fuzz`` sends many more.
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
from tests.scenarios.parity.conftest import Everywhere
from tests.security import target_server as v
from tests.security.mutations import WORDS, Change, Mutant, encoded, mutants, mutated
from tests.security.raw_http import request, say
from tests.security.target_server import TargetServer

__all__ = ["postgres"]

TIMES = int(os.environ.get("FUZZ", "1"))
"""How much more than in the normal suite."""
BATCH = 25
GROWTH = 15_000_000
"""Bytes by which memory may differ once warm: allocators breathe. In `fuzz`, 1 kB a delivery would be 60 MB."""
Send = Callable[[TargetServer, Mutant], Awaitable[int]]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 * TIMES)]


def examples(count: int) -> settings:
    """So many batches. What fails is told as it is: making it smaller takes minutes, over HTTP."""
    return settings(
        max_examples=count * TIMES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
async def victim(exposed: Everywhere, tmp_path: Path) -> AsyncIterator[TargetServer]:
    found = await v.start(exposed, f"sqlite:///{tmp_path}/both.db", tmp_path)
    yield found
    await _ended(found)


@pytest.fixture
async def on_postgres(exposed: Everywhere, tmp_path: Path, postgres: str) -> AsyncIterator[TargetServer]:
    url = postgres.replace("postgresql://", "postgresql+psycopg://")
    database = Database(url)
    database.upgrade()
    database.close()
    found = await v.start(exposed, url, tmp_path)
    yield found
    await _ended(found)


async def _ended(victim: TargetServer) -> None:
    print(f"{victim.sent} deliveries, answered {victim.statuses}; {victim.memory() / 1e6:.0f} MB")
    await v.stop(victim)
    victim.forget()
    victim.everywhere.scene.user_actions.errors_shown.clear()
    assert victim.loud() == []


async def slack(victim: TargetServer, mutant: Mutant) -> int:
    """Send it as Slack would."""
    ack = victim.slack[mutant.template % len(victim.slack)]
    form = {"interaction": "payload", "command": "command"}.get(ack.kind)
    body = encoded(mutant, mutated(ack.payload, mutant.changes), form)
    headers = victim.everywhere.scene.user_actions.signed(body, secret=None if mutant.signed else "another")
    return await victim.post("/slack/events", body, headers | {"Content-Type": mutant.kind or ack.content_type})


async def teams(victim: TargetServer, mutant: Mutant) -> int:
    """Send it as Teams would."""
    activity = victim.teams[mutant.template % len(victim.teams)]
    body = encoded(mutant, mutated(activity, mutant.changes), None)
    token = victim.token if mutant.signed else f"{victim.token[:-9]}AAAAAAAAA"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": mutant.kind or "application/json"}
    return await victim.post("/api/messages", body, headers)


async def flood(victim: TargetServer, send: Send, batch: list[Mutant]) -> None:
    """Send them at once; nothing may be an error."""
    statuses = await asyncio.gather(*(send(victim, mutant) for mutant in batch))
    assert [pair for pair in zip(statuses, batch, strict=True) if pair[0] >= 500] == []
    assert victim.loud() == []
    victim.forget()


batches = st.lists(mutants, min_size=BATCH, max_size=BATCH)
forgeries = mutants.map(lambda mutant: replace(mutant, signed=False))


@examples(30)
@given(found=st.tuples(batches, batches))
async def test_deliveries_that_are_not_what_they_should_be(
    victim: TargetServer, found: tuple[list[Mutant], ...]
) -> None:
    for send, batch in zip((slack, teams), found, strict=True):
        await flood(victim, send, batch)
    if victim.sent < 750:
        victim.warm = victim.memory()
    assert victim.memory() < victim.warm + GROWTH


@examples(6)
@given(found=st.tuples(batches, batches))
async def test_what_is_refused_changes_nothing(victim: TargetServer, found: tuple[list[Mutant], ...]) -> None:
    for send, batch in zip((slack, teams), found, strict=True):
        for mutant in batch:
            before = victim.rows()
            if await send(victim, mutant) >= 400:
                assert victim.rows() == before, mutant
            else:
                await asyncio.sleep(0.01)  # what was taken on may go on for a moment
    assert victim.loud() == []


@pytest.mark.postgres
async def test_no_zero_reaches_postgresql(on_postgres: TargetServer) -> None:
    """A zero, or half a character, in each place of each delivery, one after the other."""
    base = Mutant(0, (), None, 0.0, 0, ascii=True, kind=None, signed=True)
    for send, count in ((slack, len(on_postgres.slack)), (teams, len(on_postgres.teams))):
        for template in range(count):
            places = range(0, 60, 1 if TIMES > 1 else 3)
            several = [Change(where, word) for where in places for word in WORDS[3:6]]
            await flood(on_postgres, send, [replace(base, template=template, changes=(one,)) for one in several])
    assert set(on_postgres.statuses) <= {200, 400, 404}, "never 503: the database was not asked"
    assert on_postgres.statuses[400] > 500


# --- Bytes that are nothing at all --------------------------------------------------------------------------------

PATHS = ("/slack/events", "/api/messages", "/", "/privacy", "/support", "/healthz", "/readyz", "/nowhere")


@examples(10)
@given(
    found=st.tuples(*[st.lists(forgeries, min_size=BATCH, max_size=BATCH)] * 2),
    bodies=st.lists(st.binary(max_size=200), min_size=BATCH, max_size=BATCH),
    seed=st.integers(0, 2**32),
    path=st.sampled_from(PATHS),
    query=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=30),
)
async def test_forgeries_and_garbage_change_nothing(
    victim: TargetServer, found: tuple[list[Mutant], ...], bodies: list[bytes], seed: int, path: str, query: str
) -> None:
    """Forged deliveries; any bytes as a body, signed and not; and a whole request with some of its bytes changed."""
    dice = random.Random(seed)
    before = victim.rows()
    for send, batch in zip((slack, teams), found, strict=True):
        assert {await send(victim, mutant) for mutant in batch} <= {400, 401}

    async def throw(body: bytes) -> None:
        signed = victim.everywhere.scene.user_actions.signed(body) | {"Authorization": f"Bearer {victim.token}"}
        head = signed if dice.random() < 0.5 else {}
        whole = bytearray(request(dice.choice(["POST", "GET", "HEAD"]), f"{path}?{query}", body, head))
        for _ in range(dice.choice([0, 0, 1, 3])):
            whole[dice.randrange(len(whole))] = dice.randrange(256)
        heard = await say(victim.address, bytes(whole), patience=0.4)
        victim.sent += 1
        victim.statuses[heard.status] = victim.statuses.get(heard.status, 0) + 1
        assert heard.status < 500

    await asyncio.gather(*(throw(body) for body in bodies))
    assert victim.loud() == []
    assert victim.rows() == before
