"""What every turn runs finds its rows by an index, on tables of a size that a planner takes seriously."""

import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from adapters.ports import Turn
from bot.jobs import Worker
from bot.schema import Utc, cards, sessions
from bot.service import Service
from bot.store import Store
from dialogs.community import FLOW
from dialogs.session import Actor, Answer, Back, ConfirmPost, Start, Status
from tests.benchmarks.database import fill, session
from tests.bot.scene import FakeCourier, complete

ROWS = 100_000
LARGE = {"sessions", "jobs", "seen", "cards"}
PLANNED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
SCAN = re.compile(r"SCAN (\w+)")

Statement = tuple[Any, Any]
WITHOUT_INDEX: Statement = ("SELECT id FROM sessions WHERE updated < '2000-01-01'", None)

pytestmark = pytest.mark.slow


@pytest.fixture
async def filled(url: str) -> AsyncIterator[Store]:
    """A store with many rows, whose planner knows of them."""
    empty = Store(url)
    empty.upgrade()
    empty.close()
    fill(url, ROWS)
    store = Store(url)
    until, payload = sa.literal(datetime(2100, 1, 1, tzinfo=UTC), Utc), sa.literal({}, sa.JSON)
    drawing = sa.select(sessions.c.id, sa.literal(0), until, payload).limit(ROWS // 4)
    with store._engine.begin() as connection:
        connection.execute(sa.insert(cards).from_select(list(cards.c), drawing))
        connection.execute(sa.text("ANALYZE"))
    store.close()
    store = Store(url)
    yield store
    store.close()


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, url: str) -> list[Statement]:
    """What is said to the database from here on, as the driver hears it."""
    heard: list[Statement] = []
    if url.startswith("sqlite"):
        usual = sqlite3.dbapi2.connect

        def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
            found: sqlite3.Connection = usual(*arguments, **named)
            found.set_trace_callback(lambda statement: heard.append((statement, None)))
            return found

        monkeypatch.setattr(sqlite3.dbapi2, "connect", connect)
        monkeypatch.setattr(sqlite3, "connect", connect)
        return heard

    execute = psycopg.Cursor.execute

    def listen(self: Any, query: Any, params: Any = None, **named: Any) -> Any:
        heard.append((query, params))
        return execute(self, query, params, **named)

    monkeypatch.setattr(psycopg.Cursor, "execute", listen)
    return heard


async def everything(store: Store) -> None:
    """What people and the worker do all day."""
    service = Service(FLOW, store, couriers={"slack": FakeCourier()})
    stored = session(ROWS - 1)
    ann = Actor(stored.tenant, stored.owner, stored.language)
    place = f"D{(ROWS - 1) // 5:010d}"
    first = FLOW.questions[0]
    await service.language(*ann[:2])
    await service.choose_language(ann, "en")
    assert await service.running(ann, place)
    turned = await service.turn(Turn(Answer(ann, first.id, first.options[0], revision=0), stored.id, once="1"))
    assert turned.session
    await service.shown(stored.id, 1, {"ts": "2"})
    await service.turn(Turn(Back(ann, revision=1), place=place, once="2"))
    await service.turn(Turn(Start(ann, "new", complete()), place=place, card={"ts": "3"}, once="3"))
    posted = await service.turn(Turn(ConfirmPost(ann, "C1", revision=0), "new", once="4"))
    assert posted.session
    assert posted.session.status is Status.POSTED
    assert await service.heard("3")
    assert await service.checks(ann)
    assert not await service.post_again(ann, "new")
    worker = Worker(service)
    assert await worker.work()


async def test_every_statement_of_a_turn_finds_its_rows_by_an_index(
    filled: Store, said: list[Statement], url: str
) -> None:
    await everything(filled)
    statements = [(text, values) for text, values in said if PLANNED.match(str(text))]
    assert len(statements) > 20, "what the store says is not heard"
    look = _sqlite if filled.lite else _postgresql
    assert list(look(url, statements)) == []
    assert list(look(url, [WITHOUT_INDEX])), "a scan would not be found"


def _sqlite(url: str, statements: list[Statement]) -> Iterator[str]:
    connection = sqlite3.connect(url.partition("///")[2])
    for text, _ in statements:
        for row in connection.execute(f"EXPLAIN QUERY PLAN {text}"):
            found = SCAN.match(row[3])
            if found and found[1] in LARGE:
                yield f"{row[3]}: {text}"
    connection.close()


def _postgresql(url: str, statements: list[Statement]) -> Iterator[str]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for text, values in statements:
            [plan] = connection.execute(f"EXPLAIN (FORMAT JSON) {text}", values).fetchone() or ("",)
            for node in _nodes(plan[0]["Plan"]):
                if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE:
                    yield f"{node['Relation Name']}: {text}"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)
