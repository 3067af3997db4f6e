from datetime import UTC, datetime, timedelta

import pytest

from bot.storage import clock
from bot.storage.clock import SharedClock
from bot.storage.database import Database


class Machine:
    """A machine whose clock is an hour fast and then jumps."""

    wall = datetime(2026, 11, 22, 10, tzinfo=UTC)
    monotonic = 100.0

    def now(self, _zone: object) -> datetime:
        return self.wall


def test_the_shared_clock_ignores_the_machines_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, shared = Machine(), SharedClock()
    monkeypatch.setattr(clock, "datetime", machine)
    monkeypatch.setattr("bot.storage.clock.time.monotonic", lambda: machine.monotonic)
    assert shared() == machine.wall, "not set yet"
    server_time = datetime(2026, 11, 22, 9, tzinfo=UTC)
    machine.monotonic = 102.0
    shared.set(server_time, asked_at=100.0)  # asked two seconds ago; the answer is one second old
    assert shared() == server_time + timedelta(seconds=1)
    machine.wall -= timedelta(days=1)
    machine.monotonic += 5
    assert shared() == server_time + timedelta(seconds=6)


async def test_postgresql_sets_the_clock(url: str) -> None:
    database = Database(url)
    database.upgrade()
    await database.set_clock()
    assert isinstance(database.clock, SharedClock) != database.is_sqlite
    assert not isinstance(database.clock, SharedClock) or database.clock._base
    assert abs(database.clock() - datetime.now(UTC)) < timedelta(seconds=5)
    database.close()
