import asyncio
import html
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from adapters.ports import Application, ServiceUnavailable, Turn
from bot import server
from bot.commands.database import upgrade
from bot.core import outbox
from bot.core.outbox import OutboxWorker
from bot.server import build, serve
from bot.settings import Settings
from bot.storage.database import Database
from dialogs.events import ConfirmPost, Start
from dialogs.translations import translations
from tests.app_server import AppProcess
from tests.bot.fakes import ANNA, FakeGateway, complete, rows

Build = Callable[..., Any]


class Platform:
    """An adapter that answers at once and goes on working in the background."""

    def __init__(self, application: Application, gateway: FakeGateway) -> None:
        self.application = application
        self.gateway = gateway
        self.calls: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/platform/{name}", self.receive)]

    async def start(self) -> None:
        self.calls.append("start")

    async def stop(self) -> None:
        await asyncio.gather(*self.tasks)
        self.calls.append("stop")

    async def receive(self, request: web.Request) -> web.Response:
        await request.read()
        self.tasks.append(asyncio.create_task(self.later()))
        return web.Response(text="taken")

    async def later(self) -> None:
        await asyncio.sleep(0.1)
        await self.application.turn(Turn(Start(ANNA, "s1", complete()), conversation="D1"))
        await self.application.mark_shown("s1", 0)
        await self.application.turn(Turn(ConfirmPost(ANNA, "C1", revision=0), "s1"))


@pytest.fixture
def settings(url: str) -> Settings:
    database = Database(url)
    database.upgrade()
    database.close()
    return Settings(_env_file=None, database_url=url, slack_bot_token="xoxb-1")


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> list[Platform]:
    made: list[Platform] = []

    def adapters(_settings: object, application: Application, *_: object) -> dict[str, Platform]:
        made.append(Platform(application, FakeGateway()))
        return {"slack": made[-1]}

    monkeypatch.setattr(server, "_adapters", adapters)
    return made


async def test_metrics_have_a_port_of_their_own(settings: Settings, platform: list[Platform]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = await build(settings.model_copy(update={"metrics_port": port}))
    async with TestClient(TestServer(app)) as client, aiohttp.ClientSession() as prometheus:
        answer = await client.post("/platform/x")
        assert len(answer.headers["X-Request-Id"]) == 16
        await asyncio.gather(*platform[0].tasks)
        assert (await client.get("/metrics")).status == 404
        async with prometheus.get(f"http://127.0.0.1:{port}/metrics") as shown:
            text = await shown.text()
    platform_name = ANNA.tenant.partition(":")[0]
    for line in (
        'cm_advisor_ack_seconds_count{route="/platform/{name}",status="200"}',
        f'cm_advisor_turn_seconds_count{{event="Start",platform="{platform_name}"}}',
        f'cm_advisor_dialogs_started_total{{platform="{platform_name}"}}',
        f'cm_advisor_dialogs_completed_total{{how="posted",platform="{platform_name}"}}',
        "cm_advisor_outbox_rows{",
        "cm_advisor_outbox_oldest_seconds 0",
    ):
        assert line in text, line


@pytest.fixture
async def client(settings: Settings, platform: list[Platform]) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(await build(settings))) as client:
        yield client


async def test_alive_and_ready(client: TestClient) -> None:
    assert (await client.get("/")).status == 200
    assert (await client.get("/healthz")).status == 200
    await asyncio.sleep(0.2)  # the worker looks for work
    answer = await client.get("/readyz")
    assert await answer.json() == {"status": "ok", "database": "ok", "worker": "ok"}
    assert (await client.get("/nothing")).status == 404


@pytest.mark.parametrize("id", ["home", "privacy", "terms", "support"])
@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("en-GB,fr;q=0.5", "en"),
        ("tlh-QO, fr;q=0.9", "fr"),
        ("de, en;q=0.3, fr;q=0.8", "fr"),
        ("fr;q=0.2, EN ; Q = 0.9", "en"),
        ("en;q=0", "fr"),
        ("en;q=nan, fr;q=0.1", "fr"),
        ("", "fr"),
        ('"<x>', "fr"),
    ],
)
async def test_pages_for_the_app_stores(client: TestClient, id: str, accepted: str, language: str) -> None:
    path = "/" if id == "home" else f"/{id}"
    answer = await client.get(path, headers={"Accept-Language": accepted})
    text = html.unescape(await answer.text())
    assert answer.status == 200
    assert f'<html lang="{language}">' in text
    for part in ("title", "text"):
        assert all(line in text for line in translations(language)(f"page.{id}.{part}").splitlines())


async def test_not_ready_without_database_or_worker(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unavailable(_store: Database, _work: object) -> None:
        raise ServiceUnavailable("OperationalError")

    monkeypatch.setattr(Database, "run", unavailable)
    monkeypatch.setattr(OutboxWorker, "alive", False)
    answer = await client.get("/readyz")
    assert answer.status == 503
    assert await answer.json() == {"status": "unavailable", "database": "unavailable", "worker": "stopped"}
    assert (await client.get("/healthz")).status == 200
    monkeypatch.undo()


async def test_what_only_a_restart_mends_fails_the_liveness_probe(
    client: TestClient, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(_worker: OutboxWorker, _limit: int) -> None:
        raise ServiceUnavailable("OperationalError")

    monkeypatch.setattr(outbox, "RESTART_SECONDS", 1.5)
    monkeypatch.setattr(OutboxWorker, "_claim", unavailable)
    await asyncio.sleep(3)
    # The start upgrades and repairs a database of SQLite. The server of PostgreSQL does not care about our restarts.
    assert (await client.get("/healthz")).status == (503 if url.startswith("sqlite") else 200)
    monkeypatch.setattr(server, "DRAIN_SECONDS", 0.5)
    monkeypatch.setattr(OutboxWorker, "_claim", lambda _worker, _limit: asyncio.sleep(60, []))  # hangs
    await asyncio.sleep(3)
    answer = await client.get("/healthz")
    assert (answer.status, await answer.json()) == (503, {"status": "restart needed", "worker": "stopped"})


async def test_a_body_that_is_too_long_is_rejected(client: TestClient) -> None:
    assert (await client.post("/platform/x", data=b"x" * (server.MAX_BODY_BYTES + 1))).status == 413


async def test_acknowledged_events_are_finished_at_shutdown(
    settings: Settings, platform: list[Platform], url: str
) -> None:
    async with TestClient(TestServer(await build(settings))) as client:
        assert await (await client.post("/platform/x", data=b"{}")).text() == "taken"
    [adapter] = platform
    assert adapter.calls == ["start", "stop"]
    database = Database(url)
    assert (await rows(database))["s1:post:0"] in {"pending", "done"}, "stored, and run by the next process"
    database.close()


async def test_a_failed_start_leaves_nothing_open(
    settings: Settings, platform: list[Platform], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_self: Platform) -> None:
        raise OSError("no way out")

    monkeypatch.setattr(Platform, "start", fail)
    app = await build(settings)
    with pytest.raises(OSError, match="no way out"):
        await web.AppRunner(app).setup()
    assert asyncio.all_tasks() == {asyncio.current_task()}, "the worker is stopped"


@pytest.mark.usefixtures("no_settings")
def test_problems_at_the_start_are_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert serve() == 2
    assert "No platform is configured" in capsys.readouterr().err
    assert upgrade() == 0
    assert "up to date" in capsys.readouterr().out
    assert (tmp_path / "cm-advisor.db").exists()
    monkeypatch.setenv("DATABASE_URL", "sqlite:////no/such/folder/x.db")
    assert upgrade() == 2
    assert "The database file cannot be opened. Check DATABASE_URL" in capsys.readouterr().err


async def test_sigterm_ends_the_process(tmp_path: Path) -> None:
    settings = {"DANGEROUSLY_ALLOW_UNAUTHENTICATED_TEAMS": "true", "LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG"}
    process = AppProcess(settings, tmp_path)
    await process.start("/readyz?secret=s3cret")
    status, log = await process.stop(), process.output
    assert status == 0, log
    assert "s3cret" not in log
    assert all(json.loads(line) for line in log.splitlines())
    assert "GET /readyz 200" in log


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"HOST": "x86_64-conda-linux-gnu"}, "HOST: x86_64-conda-linux-gnu is not an address of this machine."),
        ({"HOST": "a..b"}, "HOST: a..b is not an address of this machine."),
        ({"HOST": "192.0.2.1"}, "HOST: 192.0.2.1 cannot be listened on"),
        ({"METRICS_PORT": "taken"}, "METRICS_PORT: port"),
        ({"PORT": "taken"}, "PORT: port"),
    ],
)
async def test_an_address_that_cannot_be_used_is_named(change: dict[str, str], sentence: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        change = {name: str(taken.getsockname()[1]) if value == "taken" else value for name, value in change.items()}
        process = AppProcess(
            {"SLACK_SIGNING_SECRET": "0123456789abcdef" * 2, "SLACK_BOT_TOKEN": "xoxb-1"} | change, tmp_path
        )
        assert await asyncio.wait_for((await process.spawn()).wait(), 30) == 2
    assert "Traceback" not in process.output
    assert f"cm-advisor cannot start:\n  - {sentence}" in process.output


IMPORTED = """
import asyncio, json, sys
from bot.settings import Settings
from bot.server import build
asyncio.run(build(Settings(_env_file=None, **json.loads(sys.argv[1]))))
print(json.dumps([name for name in json.loads(sys.argv[2]) if name in sys.modules]))
"""


def test_a_start_imports_only_what_it_needs(url: str) -> None:
    """Imports are checked instead of seconds, which differ from machine to machine."""
    database = Database(url)
    other = "postgresql" if database.is_sqlite else "sqlite"
    database.upgrade()
    database.close()
    slack = {"slack_signing_secret": "x", "slack_bot_token": "xoxb-1"}
    azure = {"microsoft_app_id": "x", "microsoft_app_password": "x", "microsoft_app_tenant_id": "x"}
    both = {"database_url": url, **slack, **azure, "microsoft_app_type": "SingleTenant"}
    needed = ["slack_bolt", "botbuilder.core", "sqlalchemy"]
    spared = [
        "alembic",
        "mako",
        f"sqlalchemy.dialects.{other}",
        "sqlalchemy.orm",
        "opentelemetry",
        "bot.commands.doctor",
    ]
    spared += ["adapters.playground", "adapters.terminal", "rich.progress", "dialogs.diagram.svg"]
    command = [sys.executable, "-c", IMPORTED, json.dumps(both), json.dumps([*needed, *spared])]
    completed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(completed.stdout) == needed
