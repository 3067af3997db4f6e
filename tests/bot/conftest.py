"""Fixtures: both databases, a clock that is set by hand, and a gateway that records its calls."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.outbox import OutboxWorker
from bot.core.service import Service
from bot.settings import Settings
from bot.storage.database import Database
from dialogs.community_flow import FLOW
from tests.bot.fakes import FakeGateway
from tests.postgres_server import PostgresServer, clear, sqlalchemy_url


class Clock:
    """A clock that moves only with `forward`."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove all settings from the environment."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a database of this process, on a server that all processes of a test run share."""
    # Not in pytest's folder: when root runs the tests, the server runs as another user, who cannot read it.
    shared = Path(tempfile.gettempdir()) / f"cm-advisor-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
    try:
        server = PostgresServer(shared)
        url = server.create_database(fsync=False)
    except Exception as error:  # no wheel for this machine, no space, no permission
        pytest.skip(f"PostgreSQL cannot start here: {error}")
    yield url
    server.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The SQLAlchemy URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/cm-advisor.db"
    address: str = request.getfixturevalue("postgres")
    clear(address)
    return sqlalchemy_url(address)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(url: str, clock: Clock) -> AsyncIterator[Database]:
    database = Database(url, clock)
    database.upgrade()
    yield database
    database.close()


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def service(database: Database, gateway: FakeGateway) -> Service:
    return Service(FLOW, database, gateways={"slack": gateway})


@pytest.fixture
async def worker(service: Service) -> OutboxWorker:
    return OutboxWorker(service)
