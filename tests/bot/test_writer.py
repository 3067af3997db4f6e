"""SQLite's log is moved into its file beside the turns, and grows no further than it may."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import writer
from bot.schema import notes
from bot.store import Store, Unit

PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cm-advisor.db"


def opened(path: Path) -> Store:
    store = Store(f"sqlite:///{path}")
    store.upgrade()
    return store


async def write(store: Store, count: int, at: int = 0) -> None:
    """Write so many notes of a page each, eight at a time."""

    def one(unit: Unit, number: int) -> None:
        unit.execute(sa.insert(notes).values(tenant="t", key=str(number), note={"long": "x" * PAGE}))

    for begin in range(at, at + count, 8):
        works = [store.run(lambda unit, number=begin + part: one(unit, number)) for part in range(8)]  # type: ignore[misc]
        await asyncio.gather(*works)


def stored(path: Path) -> int:
    """Return how many notes are in the file itself, whatever its log says."""
    alone = path.with_name("alone.db")
    alone.write_bytes(path.read_bytes())
    with sqlite3.connect(alone) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        count: int = connection.execute("SELECT count(*) FROM notes").fetchone()[0]
    return count


async def test_the_log_is_moved_beside_the_turns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MOVE_EVERY", 64)
    store = opened(path)
    await write(store, 400)
    log = path.with_name(f"{path.name}-wal")
    for _ in range(100):
        if stored(path) >= 200:
            break
        await asyncio.sleep(0.05)
    assert stored(path) >= 200
    assert log.exists()
    store.close()
    assert not log.exists(), "the last to leave tidies up"
    assert stored(path) == 400


async def test_a_log_that_grows_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is moved beside those who write never comes to the end of it."""
    monkeypatch.setattr(writer, "MOVE_EVERY", 64)
    monkeypatch.setattr(writer, "MOST_LOGGED", 200)
    store = opened(path)
    for part in range(6):
        await write(store, 400, part * 400)
    size = path.with_name(f"{path.name}-wal").stat().st_size
    store.close()
    assert stored(path) == 2400
    assert size < 1000 * PAGE, "it has begun anew"


async def test_what_takes_long_leaves_no_endless_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A purge is few units of work, and each of them writes much."""
    monkeypatch.setattr(writer, "MOST_LOGGED", 400)
    store = opened(path)

    def much(unit: Unit, part: int) -> None:
        rows = [{"tenant": "t", "key": f"{part}:{n}", "note": {"long": "x" * PAGE}} for n in range(100)]
        unit.execute(sa.insert(notes), rows)

    for part in range(24):
        await store.run(lambda unit, part=part: much(unit, part), long=True)  # type: ignore[misc]
    size = path.with_name(f"{path.name}-wal").stat().st_size
    store.close()
    assert stored(path) == 2400
    assert size < 1200 * PAGE


async def test_a_log_that_cannot_be_moved_stops_nobody(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writer, "MOVE_EVERY", 8)
    store = opened(path)
    monkeypatch.setattr(store._writer._mover, "_path", str(path.parent / "nowhere" / "x.db"))
    await write(store, 64)
    store.close()
    assert stored(path) == 64
    assert "the database's log cannot be moved (OperationalError)" in caplog.text
