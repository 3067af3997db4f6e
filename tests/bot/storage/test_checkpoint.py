"""Checkpoints run beside the turns and bound the size of the log."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.storage import checkpoint
from bot.storage.database import Database
from bot.storage.schema import adapter_data
from bot.storage.transaction import Transaction

PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cm-advisor.db"


def open_database(path: Path) -> Database:
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    return database


async def write(database: Database, count: int, at: int = 0) -> None:
    """Write rows of a page each, eight at a time."""

    def one(transaction: Transaction, number: int) -> None:
        transaction.execute(sa.insert(adapter_data).values(tenant="t", key=str(number), value={"long": "x" * PAGE}))

    for begin in range(at, at + count, 8):
        works = [database.run(lambda transaction, number=begin + part: one(transaction, number)) for part in range(8)]  # type: ignore[misc]
        await asyncio.gather(*works)


def stored(path: Path) -> int:
    """Return how many rows are in the database file without its log."""
    alone = path.with_name("alone.db")
    alone.write_bytes(path.read_bytes())
    with sqlite3.connect(alone) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        count: int = connection.execute("SELECT count(*) FROM adapter_data").fetchone()[0]
    return count


async def test_checkpoints_run_beside_the_turns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "INTERVAL", 64)
    database = open_database(path)
    await write(database, 400)
    log = path.with_name(f"{path.name}-wal")
    for _ in range(100):
        if stored(path) >= 200:
            break
        await asyncio.sleep(0.05)
    assert stored(path) >= 200
    assert log.exists()
    database.close()
    assert not log.exists(), "closing the last connection deletes the log"
    assert stored(path) == 400


async def test_turns_wait_for_a_checkpoint_of_a_long_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "INTERVAL", 64)
    monkeypatch.setattr(checkpoint, "MAX_LOG_PAGES", 200)
    database = open_database(path)
    for part in range(6):
        await write(database, 400, part * 400)
    size = path.with_name(f"{path.name}-wal").stat().st_size
    database.close()
    assert stored(path) == 2400
    assert size < 1000 * PAGE, "it was overwritten from its start"


async def test_long_work_does_not_let_the_log_grow(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A purge is few units of work that write much."""
    monkeypatch.setattr(checkpoint, "MAX_LOG_PAGES", 400)
    database = open_database(path)

    def much(transaction: Transaction, part: int) -> None:
        rows = [{"tenant": "t", "key": f"{part}:{n}", "value": {"long": "x" * PAGE}} for n in range(100)]
        transaction.execute(sa.insert(adapter_data), rows)

    for part in range(24):
        await database.run(lambda transaction, part=part: much(transaction, part), long=True)  # type: ignore[misc]
    size = path.with_name(f"{path.name}-wal").stat().st_size
    database.close()
    assert stored(path) == 2400
    assert size < 1200 * PAGE


async def test_a_failed_checkpoint_does_not_stop_turns(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(checkpoint, "INTERVAL", 8)
    database = open_database(path)
    assert database._writer
    monkeypatch.setattr(database._writer._checkpointer, "_path", str(path.parent / "nowhere" / "x.db"))
    await write(database, 64)
    database.close()
    assert stored(path) == 64
    assert "checkpoint failed (OperationalError)" in caplog.text
