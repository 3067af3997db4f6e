"""The program itself in a process of its own, watched: its log, its memory, its database."""

import asyncio
import json
import os
import sqlite3
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from adapters.playground.slack.user_actions import Exchange
from tests.log_privacy import check_output
from tests.scenarios.parity.conftest import Everywhere
from tests.security.raw_http import Address

TABLES = ("sessions", "person_settings", "adapter_data", "tokens", "oauth_states", "removed_tenants")
ROOT = Path(__file__).parents[2]


@dataclass
class TargetServer:
    """`stderr`: a file. `slack`: what Slack truly sent once, with how; `teams`: what Teams did."""

    process: asyncio.subprocess.Process
    address: Address
    stderr: Path
    database: str
    everywhere: Everywhere
    http: aiohttp.ClientSession
    slack: list[Exchange]
    teams: list[dict[str, Any]]
    token: str
    sent: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    warm: int = 0
    _read: int = 0

    @property
    def url(self) -> str:
        return f"http://{self.address.host}:{self.address.port}"

    async def post(self, path: str, data: bytes, headers: dict[str, str]) -> int:
        async with self.http.post(self.url + path, data=data, headers=headers) as answer:
            await answer.read()
        self.sent += 1
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        return answer.status

    def loud(self) -> list[str]:
        """Return what was logged since the last time that a stranger must not be able to cause."""
        with self.stderr.open() as file:
            file.seek(self._read)
            lines = file.read().splitlines()
            self._read = file.tell()
        found = []
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                entry = {"level": "CRITICAL"}  # not written by our formatter at all
            if str(entry.get("level")).upper() in {"ERROR", "CRITICAL"} or "exception" in entry:
                found.append(line)
        return found

    def memory(self) -> int:
        """Return the bytes it holds."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def rows(self) -> str:
        """Return all that is stored; not what must happen, which the worker changes by itself, nor what was heard."""
        if self.database.startswith("sqlite"):
            with sqlite3.connect(self.database.removeprefix("sqlite:///")) as connection:
                return repr([connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES])
        import psycopg

        with psycopg.connect(self.database.replace("+psycopg", "")) as connection:
            return repr([connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in TABLES])

    def forget(self) -> None:
        """Let the stand-ins forget what the app called."""
        office = self.everywhere.teams
        for notes in (self.everywhere.scene.slack.calls, office.calls, office.violations, office.typing):
            del notes[:]


async def templates(everywhere: Everywhere) -> tuple[list[Exchange], list[dict[str, Any]]]:
    """Let people do one of each on both platforms, and return what was sent for it."""
    scene, teams_user_actions, office = everywhere.scene, everywhere.teams_user_actions, everywhere.teams
    anna, place = scene.anna, scene.marketing
    await scene.user_actions.verify_url()
    await scene.user_actions.invite(anna, place)
    card = await scene.slash(anna, place)
    await scene.press(anna, card, scene.option("orientation", "key"))
    await scene.press(anna, card, "back")
    await scene.slash(anna, place, "check oui non oui")
    for said in ("form", "aide", "mes bilans", "oublie-moi"):
        await scene.slash(anna, place, said)
    await scene.user_actions.shortcut(anna, "form")
    await scene.settle()
    modal = scene.user_actions.modal(anna)
    assert modal
    await scene.user_actions.dispatch(anna, modal, "orientation", "key")
    await scene.user_actions.mention(anna, place, "aide")
    await scene.tell(anna, "start")
    await scene.user_actions.open_home(anna)
    await scene.settle()
    home = scene.user_actions.home(anna)
    assert home
    await scene.press(anna, home, "start")
    await scene.slash(anna, place, "english")
    await scene.user_actions.event({"type": "tokens_revoked", "tokens": {"bot": ["U1"]}, "event_ts": "1.0"})
    await scene.user_actions.event({"type": "app_uninstalled", "event_ts": "1.0"})
    first = office.users[0]
    team = office.add_team("Fuzz", office.users, channels=["Campaigns"])
    channel, group = team.channel("Campaigns"), office.add_group_chat("Fuzz", office.users)
    for where in (team, group, office.personal(first)):
        await teams_user_actions.install(first, where)
    await teams_user_actions.mention(first, channel, "check")
    shown = office.last(channel)
    await teams_user_actions.press(first, shown, scene.option("orientation", "key"))
    await teams_user_actions.press(first, shown, scene.option("brand", "yes"), old_client=True)
    await teams_user_actions.refresh(first, shown)
    await teams_user_actions.mention(first, group, "check oui non oui")
    await teams_user_actions.personal(first, "aide")
    await teams_user_actions.fetch_task(first, channel, "check")
    await teams_user_actions.submit_action(
        first, channel, "check", {"ticket": "t", "q.orientation": "key", "given": {}}
    )
    await teams_user_actions.submit_task(
        first, shown, {"ticket": "t", "given": {"orientation": "key"}, "action": "back"}
    )
    await teams_user_actions.add_members(first, team, [])
    await teams_user_actions.uninstall(first, group)
    return scene.user_actions.exchanges, [answer.activity for answer in teams_user_actions.exchanges]


async def start(everywhere: Everywhere, database: str, folder: Path, **more: str) -> TargetServer:
    """Take the templates, and start the program on `database`, which has its tables."""
    slack, teams = await templates(everywhere)
    await everywhere.scene.server.stop()
    everywhere.teams.violations.clear()
    everywhere.scene.slack.calls.clear()
    settings = everywhere.scene.settings
    assert settings.slack_signing_secret
    assert settings.slack_bot_token
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PORT": str(free_port()),
        "DATABASE_URL": database,
        "LOG_FORMAT": "json",
        "RATE_PERSON": "0",
        "RATE_TENANT": "0",
        "SLACK_SIGNING_SECRET": settings.slack_signing_secret.get_secret_value(),
        "SLACK_BOT_TOKEN": settings.slack_bot_token.get_secret_value(),
        "SLACK_API_URL": settings.slack_api_url,
        **everywhere.teams.settings(),
        **more,
    }
    errors = folder / "stderr"
    with errors.open("wb") as file:
        command = [sys.executable, "-c", "from bot.server import serve; raise SystemExit(serve(None))"]
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=environment, stderr=file)
    address = Address("127.0.0.1", int(environment["PORT"]))
    http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
    victim = TargetServer(
        process, address, errors, database, everywhere, http, slack, teams, everywhere.teams_user_actions.token()
    )
    for _ in range(600):
        try:
            async with http.get(f"{victim.url}/readyz") as answer:
                if answer.status == 200:
                    break
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)
    else:
        raise AssertionError(errors.read_text())
    return victim


async def stop(victim: TargetServer) -> str:
    """End it as SIGTERM does; return all it logged."""
    await victim.http.close()
    victim.process.terminate()
    status = await asyncio.wait_for(victim.process.wait(), 40)
    logged = victim.stderr.read_text()
    check_output(logged, "the log of the program")
    assert status == 0, logged[-2000:]
    return logged


def free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
