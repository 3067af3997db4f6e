"""Every statement of a turn uses an index, on tables that are large enough for the planner."""

import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from adapters.ports import Turn
from bot.core.outbox import OutboxWorker
from bot.core.service import Service
from bot.storage.database import Database
from bot.storage.schema import UtcDateTime, pending_cards, sessions
from dialogs.community_flow import FLOW
from dialogs.events import Answer, Back, ConfirmPost, Start
from dialogs.session import Actor, Status
from tests.benchmarks.database import fill, session
from tests.bot.fakes import FakeGateway, complete

ROWS = 100_000
LARGE = {"sessions", "outbox", "processed_events", "pending_cards"}
PLANNED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
SCAN = re.compile(r"SCAN (\w+)")

Statement = tuple[Any, Any]
WITHOUT_INDEX: Statement = ("SELECT id FROM sessions WHERE updated_at < '2000-01-01'", None)

pytestmark = pytest.mark.slow


@pytest.fixture
async def filled(url: str) -> AsyncIterator[Database]:
    """A database with many rows and up-to-date statistics."""
    empty = Database(url)
    empty.upgrade()
    empty.close()
    fill(url, ROWS)
    database = Database(url)
    until, payload = sa.literal(datetime(2100, 1, 1, tzinfo=UTC), UtcDateTime), sa.literal({}, sa.JSON)
    cards = sa.select(sessions.c.id, sa.literal(0), until, payload).limit(ROWS // 4)
    with database._engine.begin() as connection:
        connection.execute(sa.insert(pending_cards).from_select(list(pending_cards.c), cards))
        connection.execute(sa.text("ANALYZE"))
    database.close()
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def sent_statements(monkeypatch: pytest.MonkeyPatch, url: str) -> list[Statement]:
    """The statements that the driver executes from now on."""
    sent: list[Statement] = []
    if url.startswith("sqlite"):
        usual = sqlite3.dbapi2.connect

        def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
            found: sqlite3.Connection = usual(*arguments, **named)
            found.set_trace_callback(lambda statement: sent.append((statement, None)))
            return found

        monkeypatch.setattr(sqlite3.dbapi2, "connect", connect)
        monkeypatch.setattr(sqlite3, "connect", connect)
        return sent

    execute = psycopg.Cursor.execute

    def listen(self: Any, query: Any, params: Any = None, **named: Any) -> Any:
        sent.append((query, params))
        return execute(self, query, params, **named)

    monkeypatch.setattr(psycopg.Cursor, "execute", listen)
    return sent


async def run_everything(database: Database) -> None:
    """Run all statements of the application and the worker."""
    service = Service(FLOW, database, gateways={"slack": FakeGateway()})
    stored = session(ROWS - 1)
    ann = Actor(stored.tenant, stored.owner, stored.language)
    place = f"D{(ROWS - 1) // 5:010d}"
    first = FLOW.questions[0]
    await service.get_language(*ann[:2])
    await service.set_language(ann, "en")
    assert await service.find_running(ann, place)
    result = await service.turn(
        Turn(Answer(ann, first.id, first.options[0], revision=0), stored.id, idempotency_key="1")
    )
    assert result.session
    await service.mark_shown(stored.id, 1, {"ts": "2"})
    await service.turn(Turn(Back(ann, revision=1), conversation=place, idempotency_key="2"))
    await service.turn(Turn(Start(ann, "new", complete()), conversation=place, card={"ts": "3"}, idempotency_key="3"))
    posted = await service.turn(Turn(ConfirmPost(ann, "C1", revision=0), "new", idempotency_key="4"))
    assert posted.session
    assert posted.session.status is Status.POSTED
    assert await service.is_duplicate("3")
    assert await service.list_checks(ann)
    assert not await service.retry_post(ann, "new")
    worker = OutboxWorker(service)
    assert await worker.work()


async def test_every_statement_uses_an_index(filled: Database, sent_statements: list[Statement], url: str) -> None:
    await run_everything(filled)
    statements = [(text, values) for text, values in sent_statements if PLANNED.match(str(text))]
    assert len(statements) > 20, "the statements are not recorded"
    find_scans = _sqlite if filled.is_sqlite else _postgresql
    assert list(find_scans(url, statements)) == []
    assert list(find_scans(url, [WITHOUT_INDEX])), "the test would not find a scan"


def _sqlite(url: str, statements: list[Statement]) -> Iterator[str]:
    connection = sqlite3.connect(url.partition("///")[2])
    for text, _ in statements:
        for row in connection.execute(f"EXPLAIN QUERY PLAN {text}"):
            scan = SCAN.match(row[3])
            if scan and scan[1] in LARGE:
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
