"""What stands in the way of serving, and what to do about each: ``cm-advisor doctor``.

The checks run side by side, change nothing and tell no secret. Each gives up after some seconds; none raises.
"""

import asyncio
import json
import logging
import os
import secrets
import sys
import time
from argparse import Namespace
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import aiohttp
import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from adapters.ports import RetryLater, ServiceUnavailable
from bot.commands.manifest import readable_settings
from bot.settings import InvalidSettings, Settings, is_loopback, load_settings
from bot.storage.database import Database
from bot.storage.schema import processed_events, tokens
from bot.storage.schema_version import SchemaMismatch
from bot.storage.transaction import Transaction

TIMEOUT = 5.0
"""Seconds for one check."""
MAX_SKEW = 60
"""Seconds by which the clock may be wrong: Teams' tokens bear no more, Slack's signatures 300."""
LATER = "Try again later; status.slack.com and azure.status.microsoft tell of outages."
SILENT = "Is it running, and do DNS, firewall and HTTPS_PROXY let us through?"
INSTALL = "Install the app anew (OAuth & Permissions on api.slack.com/apps)"
_AZURE = {
    7000215: ("MICROSOFT_APP_PASSWORD", "is not a secret of this app: give the secret's value, not its id"),
    7000222: ("MICROSOFT_APP_PASSWORD", "has expired: make a new secret on portal.azure.com"),
    700016: ("MICROSOFT_APP_ID", "is not known in this tenant: compare it, and MICROSOFT_APP_TENANT_ID"),
    90002: ("MICROSOFT_APP_TENANT_ID", "is not a tenant: it is under Configuration of the Azure Bot"),
}

Level = Literal["ok", "skipped", "warning", "failure"]
Json = dict[str, Any]
_MARKS: dict[Level, tuple[str, str]] = {
    "ok": ("✓", "ok"),
    "skipped": ("-", "-"),
    "warning": ("!", "!"),
    "failure": ("✗", "X"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check came to, and `todo`: what to do about it."""

    check: str
    level: Level
    message: str
    todo: str = ""


class Trouble(Exception):
    """A check cannot go on. Its arguments: level, message, todo."""


@dataclass(slots=True)
class Answer:
    status: int
    headers: Any
    body: Json


@dataclass(slots=True)
class Doctor:
    """One examination. `problems`: what `bot.settings` says of the settings; a check of a faulty one is left out."""

    settings: Settings
    problems: list[str]
    http: aiohttp.ClientSession
    now: Callable[[], float] = time.time
    installed: str = ""
    """The token of a stored installation, once the database has told it."""
    skews: list[float] = field(default_factory=list)

    async def examine(self) -> list[Finding]:
        """Return what is found, in the order in which it is best read."""
        database = asyncio.create_task(self._guarded("database", self._database, "DATABASE_URL"))
        own = self.settings
        app_token = own.slack and own.slack_app_token is not None
        teams = ("MICROSOFT_APP_ID", "MICROSOFT_APP_PASSWORD", "MICROSOFT_APP_TYPE", "MICROSOFT_APP_TENANT_ID")
        found = await asyncio.gather(
            database,
            self._slack(database),
            *([self._guarded("Socket Mode", self._socket, "SLACK_API_URL", "SLACK_APP_TOKEN")] if app_token else []),
            self._guarded("Teams", self._teams, "TEAMS_LOGIN_URL", *teams),
            *([self._guarded("Teams keys", self._keys, "TEAMS_OPENID_METADATA_URL")] if own.teams else []),
            self._guarded("PUBLIC_URL", self._public, "PUBLIC_URL"),
        )
        settings = [Finding("settings", "failure", problem) for problem in self.problems]
        settings = settings or [Finding("settings", "ok", "complete and well formed")]
        return [*settings, *found[0], self._clock(), *(finding for part in found[1:] for finding in part)]

    async def _guarded(self, check: str, work: Callable[[], Awaitable[list[Finding]]], *names: str) -> list[Finding]:
        if faulty := {problem.split(" ")[0].rstrip(":") for problem in self.problems} & set(names):
            return [Finding(check, "skipped", f"not checked until {' and '.join(sorted(faulty))} is right")]
        try:
            async with asyncio.timeout(TIMEOUT):
                return await work()
        except Trouble as trouble:
            return [Finding(check, *trouble.args)]
        except TimeoutError:
            return [Finding(check, "failure", f"no answer within {TIMEOUT:.0f} seconds", SILENT)]
        except Exception as error:  # whatever it is, the others are still told
            return [Finding(check, "failure", f"could not be checked ({type(error).__name__})", "Report this fault.")]

    async def _ask(self, method: str, url: str, *, platform: bool = True, **how: Any) -> Answer:
        host = urlsplit(url).hostname
        try:
            async with self.http.request(method, url, allow_redirects=False, **how) as answer:
                if platform and "Date" in answer.headers:
                    self.skews.append(self.now() - parsedate_to_datetime(answer.headers["Date"]).timestamp())
                body = json.loads(await answer.read() or b"null") if "json" in answer.content_type else None
                return Answer(answer.status, answer.headers, body if isinstance(body, dict) else {})
        except (aiohttp.ClientError, OSError, ValueError) as error:  # their texts may quote a whole address
            message = f"{host} cannot be reached from here ({type(error).__name__})"
            raise Trouble("failure", message, f"Is {host} right? Look at DNS, firewall and HTTPS_PROXY.") from None

    def _clock(self) -> Finding:
        if not self.skews:
            return Finding("clock", "warning", "not checked: no platform told the time", "Get one to answer first.")
        skew = min(self.skews, key=abs)  # a cache tells an old time, never a better one
        if abs(skew) <= MAX_SKEW:
            return Finding("clock", "ok", "right to the minute")
        side = "fast" if skew > 0 else "slow"
        message = f"{abs(skew):.0f} seconds {side}: signatures of Slack and tokens of Teams will be refused"
        return Finding("clock", "failure", message, "Synchronise this machine's clock (NTP).")

    # --- Database ---

    async def _database(self) -> list[Finding]:
        if new := _new_file(sa.make_url(self.settings.sqlalchemy_url)):
            return [new]
        database = Database(self.settings.sqlalchemy_url)
        try:
            await asyncio.to_thread(database.check)
            rows = await database.run(_try)
        except SchemaMismatch as error:
            message, _, todo = str(error).partition(". ")
            raise Trouble("failure", message, todo) from None
        except ServiceUnavailable as error:
            name = str(error).partition(".")[0]
            todo = "Is DATABASE_URL right, is it running, and may its user (or this one) write?"
            raise Trouble("failure", f"cannot be read and written: {name}", todo) from None
        finally:
            await asyncio.to_thread(database.close)
        return [Finding("database", "ok", "reachable, of this version, writable"), *self._decrypted(rows)]

    def _decrypted(self, rows: list[bytes]) -> list[Finding]:
        check = "stored tokens"
        if not rows:
            return []
        try:
            keys = MultiFernet([Fernet(key) for key in self.settings.encryption_keys])
        except ValueError:
            return [Finding(check, "skipped", "not checked until TOKEN_ENCRYPTION_KEY is right")]
        bad = 0
        for row in rows:
            try:
                self.installed = str(json.loads(keys.decrypt(row))["credentials"]["token"])
            except (InvalidToken, ValueError, LookupError, TypeError):
                bad += 1
        if not bad:
            return [Finding(check, "ok", f"TOKEN_ENCRYPTION_KEY decrypts all {len(rows)}")]
        todo = "Add the key of then to TOKEN_ENCRYPTION_KEY, after a comma; or have these workspaces install anew."
        return [Finding(check, "failure", f"TOKEN_ENCRYPTION_KEY does not decrypt {bad} of {len(rows)}", todo)]

    # --- Slack ---

    async def _slack(self, database: Awaitable[object]) -> list[Finding]:
        if not self.settings.slack:
            return [Finding("Slack", "skipped", "not configured: no SLACK_ setting is there")]
        if not self.settings.slack_bot_token:
            await database
            if not self.installed:
                todo = "Open PUBLIC_URL/slack/install."
                return [Finding("Slack", "warning", "no installation is stored whose token could be tried", todo)]
        return await self._guarded("Slack", self._bot, "SLACK_API_URL", "SLACK_BOT_TOKEN")

    async def _bot(self) -> list[Finding]:
        from adapters.slack.manifest import build_manifest

        only = self.settings.slack_bot_token
        answer = await self._call("auth.test", only.get_secret_value() if only else self.installed)
        if error := answer.body.get("error"):
            again = f"{INSTALL} and set SLACK_BOT_TOKEN to its token." if only else "Open PUBLIC_URL/slack/install."
            raise Trouble("failure" if only else "warning", f"Slack refuses the bot token ({error!s:.40})", again)
        bot, team = (str(answer.body.get(name)) for name in ("user", "team"))
        found = [Finding("Slack", "ok", f"@{bot} in {team}")]
        scopes = build_manifest(None)["oauth_config"]["scopes"]
        wanted = sorted(set(scopes["bot"]) - set(scopes["bot_optional"]))
        told = answer.headers.get("x-oauth-scopes")
        if told is None:
            return [*found, Finding("Slack scopes", "warning", "Slack did not tell them", LATER)]
        if missing := sorted(set(wanted) - {scope.strip() for scope in told.split(",")}):
            todo = f"Add them, or paste the manifest of `cm-advisor manifest slack`. {INSTALL}."
            return [*found, Finding("Slack scopes", "failure", f"missing: {', '.join(missing)}", todo)]
        return [*found, Finding("Slack scopes", "ok", f"all {len(wanted)} of the manifest")]

    async def _socket(self) -> list[Finding]:
        """Slack gives an address; it is not connected to, so that no event goes there."""
        token = self.settings.slack_app_token
        answer = await self._call("apps.connections.open", token.get_secret_value() if token else "")
        if error := answer.body.get("error"):
            todo = "Make one with connections:write (Basic Information), switch Socket Mode on; set SLACK_APP_TOKEN."
            raise Trouble("failure", f"Slack refuses the app-level token ({error!s:.40})", todo)
        return [Finding("Socket Mode", "ok", "the app-level token is good; no connection was opened")]

    async def _call(self, method: str, token: str) -> Answer:
        url = f"{self.settings.slack_api_url.rstrip('/')}/{method}"
        answer = await self._ask("POST", url, headers={"Authorization": f"Bearer {token}"})
        if answer.status != 200 or "ok" not in answer.body:
            raise Trouble("warning", f"Slack answers HTTP {answer.status}", LATER)
        return answer

    # --- Teams ---

    async def _teams(self) -> list[Finding]:
        own = self.settings
        if not own.teams:
            return [Finding("Teams", "skipped", "not configured: no MICROSOFT_APP_ setting is there")]
        if own.dangerously_allow_unauthenticated_teams and not own.microsoft_app_id:
            todo = "Take DANGEROUSLY_ALLOW_UNAUTHENTICATED_TEAMS out for anything but the playground."
            raise Trouble("warning", "everybody is let in, without credentials", todo)
        if own.microsoft_app_type == "UserAssignedMSI":
            return await self._managed()
        secret = own.microsoft_app_password
        form = {
            "grant_type": "client_credentials",
            "client_id": own.microsoft_app_id or "",
            "client_secret": secret.get_secret_value() if secret else "",
            "scope": "https://api.botframework.com/.default",
        }
        tenant = quote(own.microsoft_app_tenant_id or "", safe="")
        answer = await self._ask("POST", f"{own.teams_login_url}/{tenant}/oauth2/v2.0/token", data=form)
        if answer.status == 200 and answer.body.get("access_token"):
            return [Finding("Teams", "ok", "Microsoft gives us a token")]
        code = next(iter(answer.body.get("error_codes") or ()), answer.status)
        if answer.status == 429 or answer.status >= 500:
            raise Trouble("warning", f"Microsoft answers HTTP {answer.status}", LATER)
        name, why = _AZURE.get(code, ("MICROSOFT_APP_ID", "its password or its tenant is wrong: compare all three"))
        raise Trouble("failure", f"Microsoft gives us no token ({code!s:.20})", f"{name} {why}.")

    async def _managed(self) -> list[Finding]:
        from adapters.teams import TeamsSettings
        from adapters.teams.credentials import Credentials

        told = TeamsSettings(app_id=self.settings.microsoft_app_id or "", app_type="UserAssignedMSI")
        try:
            async with asyncio.timeout(TIMEOUT / 2):  # where there is no Azure, nobody answers at all
                await Credentials(told, self.http).bearer()
        except (RetryLater, TimeoutError):
            todo = "Run this on the Azure machine, and assign it the identity whose id MICROSOFT_APP_ID is."
            raise Trouble("failure", "this machine gives us no token of the managed identity", todo) from None
        return [Finding("Teams", "ok", "the managed identity gives us a token")]

    async def _keys(self) -> list[Finding]:
        url = self.settings.teams_openid_metadata_url
        about = await self._ask("GET", url)
        where = about.body.get("jwks_uri")
        keys = await self._ask("GET", str(where)) if where else about
        if not keys.body.get("keys"):
            message = f"no signing keys are found by way of {urlsplit(url).hostname} (HTTP {keys.status})"
            raise Trouble("failure", message, "Compare TEAMS_OPENID_METADATA_URL with Microsoft's documentation.")
        if about.body.get("issuer", self.settings.teams_token_issuer) != self.settings.teams_token_issuer:
            raise Trouble("failure", "the keys are another issuer's", "Set TEAMS_TOKEN_ISSUER to its `issuer`.")
        return [Finding("Teams keys", "ok", "Microsoft's signing keys can be had")]

    # --- This server ---

    async def _public(self) -> list[Finding]:
        url = self.settings.public_url
        if not url:
            if self.settings.slack_app_token and not self.settings.teams:
                return [Finding("PUBLIC_URL", "skipped", "not set; Socket Mode needs none")]
            raise Trouble("warning", "not set: whether platforms reach this server is not known", "Set PUBLIC_URL.")
        alive = await self._ask("GET", f"{url}/healthz", platform=False)
        if 300 <= alive.status < 400:
            raise Trouble("failure", "redirects, which platforms do not follow", "Give the address it leads to.")
        ready = await self._ask("GET", f"{url}/readyz", platform=False)
        if alive.status != 200 or alive.body != {"status": "ok"} or not {"database", "worker"} <= ready.body.keys():
            message = f"what answers there is not this server (HTTP {alive.status})"
            raise Trouble(
                "failure", message, "Is `cm-advisor serve` running, and does the proxy lead to HOST and PORT?"
            )
        if is_loopback(urlsplit(url).hostname or ""):
            raise Trouble("warning", "this machine alone reaches it", "Give the address the platforms are to use.")
        if ready.status != 200:
            raise Trouble(
                "warning", "the server answers, but is not ready", "Look at its log and at PUBLIC_URL/readyz."
            )
        return [Finding("PUBLIC_URL", "ok", "leads to this server, asked from here")]


def _new_file(url: sa.URL) -> Finding | None:
    """Return what is to be said of a SQLite database that is not there yet: to open it would be to make it."""
    if url.get_backend_name() != "sqlite" or (url.database and Path(url.database).exists()):
        return None
    if not url.database or url.database == ":memory:":
        return Finding("database", "warning", "in memory: all is forgotten at the end", "Set DATABASE_URL.")
    if os.access(Path(url.database).parent, os.W_OK):
        return Finding("database", "ok", "not there yet; the first `cm-advisor serve` makes it")
    return Finding("database", "failure", "cannot be made: its folder is not writable", "Change DATABASE_URL.")


def _try(transaction: Transaction) -> list[bytes]:
    """Write and take back; return what is stored of credentials."""
    once = secrets.token_bytes(32)
    transaction.execute(sa.insert(processed_events).values(key_hash=once, processed_at=transaction.now))
    transaction.execute(sa.delete(processed_events).where(processed_events.c.key_hash == once))
    return [bytes(row.ciphertext) for row in transaction.execute(sa.select(tokens.c.ciphertext))]


async def examine(settings: Settings, problems: list[str], now: Callable[[], float] = time.time) -> list[Finding]:
    """Return what is found with these settings."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    async with aiohttp.ClientSession(trust_env=True, timeout=timeout) as http:
        return await Doctor(settings, problems, http, now).examine()


def doctor(arguments: Namespace) -> int:
    """Print what is found; return the exit status."""
    logging.basicConfig(handlers=[logging.NullHandler()])  # what matters is in the findings
    try:
        problems: list[str] = []
        try:
            load_settings()
        except InvalidSettings as error:
            problems = error.problems
        findings = asyncio.run(examine(readable_settings(), problems))
    except (OSError, ValueError) as error:
        todo = "Is it text in UTF-8, and may this user read it?"
        findings = [Finding("settings", "failure", f".env cannot be read ({type(error).__name__})", todo)]
    failed = any(finding.level == "failure" for finding in findings)
    if arguments.json:
        print(json.dumps({"ok": not failed, "checks": [asdict(finding) for finding in findings]}))
    else:
        _print(findings)
    return 1 if failed else 0


def _print(findings: list[Finding]) -> None:
    try:
        "✓✗".encode(sys.stdout.encoding or "ascii")
        plain = False
    except (UnicodeEncodeError, LookupError):
        plain = True
    for finding in findings:
        todo = f" -> {finding.todo}" if finding.todo else ""
        mark = _MARKS[finding.level][plain]
        print(f"{mark:{2 if plain else 1}} {finding.check}: {finding.message}{todo}")
