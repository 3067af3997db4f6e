"""The application in its own process, with access to its log, memory and database, and sample requests to change."""

import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from adapters.playground.slack.user_actions import Exchange
from tests.app_server import AppProcess
from tests.log_privacy import check_output
from tests.scenarios.parity.conftest import AllPlatforms
from tests.security.raw_http import Address

TABLES = ("sessions", "person_settings", "adapter_data", "tokens", "oauth_states", "removed_tenants")
"""Not the outbox, which the worker changes, nor the keys of processed events."""


@dataclass
class TargetServer:
    """The process, and the samples: Slack requests, Teams activities, and a Teams token."""

    process: AppProcess
    database: str
    platforms: AllPlatforms
    http: aiohttp.ClientSession
    slack: list[Exchange]
    teams: list[dict[str, Any]]
    token: str
    sent: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    warm_memory: int = 0
    _log_position: int = 0

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.process.port)

    async def post(self, path: str, data: bytes, headers: dict[str, str]) -> int:
        """Send a request; return the status."""
        async with self.http.post(self.process.url + path, data=data, headers=headers) as response:
            await response.read()
        self.count(response.status)
        return response.status

    def count(self, status: int) -> None:
        self.sent += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def new_errors(self) -> list[str]:
        """Return the errors and tracebacks logged since the last call."""
        with self.process.log.open() as file:
            file.seek(self._log_position)
            lines = file.read().splitlines()
            self._log_position = file.tell()
        return [line for line in lines if _is_error(line)]

    def memory(self) -> int:
        """Return the resident memory in bytes."""
        assert self.process.process
        return int(psutil.Process(self.process.process.pid).memory_info().rss)

    def rows(self) -> str:
        """Return the content of `TABLES`."""
        queries = [f"SELECT * FROM {table} ORDER BY 1, 2" for table in TABLES]
        if self.database.startswith("sqlite"):
            with sqlite3.connect(self.database.removeprefix("sqlite:///")) as connection:
                return repr([connection.execute(query).fetchall() for query in queries])
        import psycopg

        with psycopg.connect(self.database.replace("+psycopg", "")) as postgres:
            return repr([postgres.execute(query).fetchall() for query in queries])

    def clear_records(self) -> None:
        """Delete what the simulators recorded."""
        teams = self.platforms.teams
        for records in (self.platforms.scene.slack.calls, teams.calls, teams.violations, teams.typing):
            records.clear()

    async def stop(self) -> str:
        """Stop by SIGTERM; return the log."""
        await self.http.close()
        status = await self.process.stop()
        log = self.process.output
        check_output(log, "the log of the server")
        assert status == 0, log[-2000:]
        return log


def _is_error(line: str) -> bool:
    try:
        entry = json.loads(line)
    except ValueError:
        return True  # not written by the log formatter
    return str(entry.get("level")).upper() in {"ERROR", "CRITICAL"} or "exception" in entry


async def start(platforms: AllPlatforms, database: str, folder: Path) -> TargetServer:
    """Record the samples, and start the server on `database`, which has its tables."""
    slack, teams = await record_samples(platforms)
    await platforms.scene.server.stop()
    platforms.teams.violations.clear()
    platforms.scene.slack.calls.clear()
    settings = platforms.scene.settings
    assert settings.slack_signing_secret
    assert settings.slack_bot_token
    environment = {
        "DATABASE_URL": database,
        "LOG_FORMAT": "json",
        "RATE_PERSON": "0",
        "RATE_TENANT": "0",
        "SLACK_SIGNING_SECRET": settings.slack_signing_secret.get_secret_value(),
        "SLACK_BOT_TOKEN": settings.slack_bot_token.get_secret_value(),
        "SLACK_API_URL": settings.slack_api_url,
        **platforms.teams.settings(),
    }
    process = AppProcess(environment, folder)
    await process.start()
    http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
    return TargetServer(process, database, platforms, http, slack, teams, platforms.teams_user_actions.token())


async def record_samples(platforms: AllPlatforms) -> tuple[list[Exchange], list[dict[str, Any]]]:
    """Let users do one of each action on both platforms; return the requests of Slack and of Teams."""
    scene, teams_actions, teams = platforms.scene, platforms.teams_user_actions, platforms.teams
    slack_actions, anna, marketing = scene.user_actions, scene.anna, scene.marketing
    await slack_actions.verify_url()
    await slack_actions.invite(anna, marketing)
    card = await scene.slash(anna, marketing)
    await scene.press(anna, card, scene.option("orientation", "key"))
    await scene.press(anna, card, "back")
    for text in ("check oui non oui", "form", "aide", "mes bilans", "oublie-moi"):
        await scene.slash(anna, marketing, text)
    await slack_actions.shortcut(anna, "form")
    await scene.settle()
    modal = slack_actions.modal(anna)
    assert modal
    await slack_actions.dispatch(anna, modal, "orientation", "key")
    await slack_actions.mention(anna, marketing, "aide")
    await scene.tell(anna, "start")
    await slack_actions.open_home(anna)
    await scene.settle()
    home = slack_actions.home(anna)
    assert home
    await scene.press(anna, home, "start")
    await scene.slash(anna, marketing, "english")
    await slack_actions.event({"type": "tokens_revoked", "tokens": {"bot": ["U1"]}, "event_ts": "1.0"})
    await slack_actions.event({"type": "app_uninstalled", "event_ts": "1.0"})
    user = teams.users[0]
    team = teams.add_team("Fuzz", teams.users, channels=["Campaigns"])
    channel, group = team.channel("Campaigns"), teams.add_group_chat("Fuzz", teams.users)
    for conversation in (team, group, teams.personal(user)):
        await teams_actions.install(user, conversation)
    await teams_actions.mention(user, channel, "check")
    message = teams.last(channel)
    await teams_actions.press(user, message, scene.option("orientation", "key"))
    await teams_actions.press(user, message, scene.option("brand", "yes"), old_client=True)
    await teams_actions.refresh(user, message)
    await teams_actions.mention(user, group, "check oui non oui")
    await teams_actions.personal(user, "aide")
    await teams_actions.fetch_task(user, channel, "check")
    await teams_actions.submit_action(user, channel, "check", {"ticket": "t", "q.orientation": "key", "given": {}})
    await teams_actions.submit_task(user, message, {"ticket": "t", "given": {"orientation": "key"}, "action": "back"})
    await teams_actions.add_members(user, team, [])
    await teams_actions.uninstall(user, group)
    return slack_actions.exchanges, [exchange.payload for exchange in teams_actions.exchanges]
