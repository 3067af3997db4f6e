"""``cm-advisor doctor``: checks whether the server can run, and says what to do about each problem.

The checks run concurrently, change nothing and print no secrets. Each has a timeout, and none raises.
"""

import asyncio
import json
import logging
import os
import secrets
import sys
import time
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
"""Seconds. Teams' tokens tolerate no more, Slack's signatures 300."""
TRY_LATER = "Try again later; status.slack.com and azure.status.microsoft list outages."
CHECK_NETWORK = "Is it running? Check DNS, firewall and HTTPS_PROXY."
INSTALL_AGAIN = "Install the app again (OAuth & Permissions on api.slack.com/apps)"
_AZURE_ERRORS = {
    7000215: ("MICROSOFT_APP_PASSWORD", "is not a secret of this app: give the secret's value, not its id"),
    7000222: ("MICROSOFT_APP_PASSWORD", "has expired: create a new secret on portal.azure.com"),
    700016: ("MICROSOFT_APP_ID", "is unknown in this tenant: check it, and MICROSOFT_APP_TENANT_ID"),
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
    """The result of a check. `todo`: what to do about it."""

    check: str
    level: Level
    message: str
    todo: str = ""


class CheckFailed(Exception):
    """Ends a check. Arguments: level, message, todo."""


@dataclass(slots=True)
class JsonResponse:
    status: int
    headers: Any
    body: Json


@dataclass(slots=True)
class Doctor:
    """Runs the checks. `problems`: those of `bot.settings`; a check that needs an invalid setting is skipped."""

    settings: Settings
    problems: list[str]
    http: aiohttp.ClientSession
    now: Callable[[], float] = time.time
    stored_token: str = ""
    """The bot token of one installation, once it is read from the database."""
    skews: list[float] = field(default_factory=list)

    async def examine(self) -> list[Finding]:
        """Return the findings in the order to be printed."""
        database = asyncio.create_task(self._check("database", self._database, "DATABASE_URL"))
        settings = self.settings
        app_token = settings.slack and settings.slack_app_token is not None
        teams = ("MICROSOFT_APP_ID", "MICROSOFT_APP_PASSWORD", "MICROSOFT_APP_TYPE", "MICROSOFT_APP_TENANT_ID")
        results = await asyncio.gather(
            database,
            self._slack(database),
            *([self._check("Socket Mode", self._socket, "SLACK_API_URL", "SLACK_APP_TOKEN")] if app_token else []),
            self._check("Teams", self._teams, "TEAMS_LOGIN_URL", *teams),
            *([self._check("Teams keys", self._keys, "TEAMS_OPENID_METADATA_URL")] if settings.teams else []),
            self._check("PUBLIC_URL", self._public, "PUBLIC_URL"),
        )
        findings = [Finding("settings", "failure", problem) for problem in self.problems]
        findings = findings or [Finding("settings", "ok", "complete and well formed")]
        return [*findings, *results[0], self._clock(), *(finding for part in results[1:] for finding in part)]

    async def _check(self, check: str, work: Callable[[], Awaitable[list[Finding]]], *names: str) -> list[Finding]:
        if invalid := {problem.split(" ")[0].rstrip(":") for problem in self.problems} & set(names):
            return [Finding(check, "skipped", f"not checked until {' and '.join(sorted(invalid))} is right")]
        try:
            async with asyncio.timeout(TIMEOUT):
                return await work()
        except CheckFailed as error:
            return [Finding(check, *error.args)]
        except TimeoutError:
            return [Finding(check, "failure", f"no answer within {TIMEOUT:.0f} seconds", CHECK_NETWORK)]
        except Exception as error:  # the other checks go on
            return [Finding(check, "failure", f"could not be checked ({type(error).__name__})", "Report this bug.")]

    async def _ask(self, method: str, url: str, *, platform: bool = True, **options: Any) -> JsonResponse:
        host = urlsplit(url).hostname
        try:
            async with self.http.request(method, url, allow_redirects=False, **options) as response:
                if platform and "Date" in response.headers:
                    self.skews.append(self.now() - parsedate_to_datetime(response.headers["Date"]).timestamp())
                body = json.loads(await response.read() or b"null") if "json" in response.content_type else None
                return JsonResponse(response.status, response.headers, body if isinstance(body, dict) else {})
        except (aiohttp.ClientError, OSError, ValueError) as error:  # their messages may quote the whole URL
            message = f"{host} cannot be reached from here ({type(error).__name__})"
            raise CheckFailed("failure", message, f"Is {host} right? Check DNS, firewall and HTTPS_PROXY.") from None

    def _clock(self) -> Finding:
        if not self.skews:
            return Finding("clock", "warning", "not checked: no platform responded", "Make one reachable first.")
        skew = min(self.skews, key=abs)  # a cached response has an old time
        if abs(skew) <= MAX_SKEW:
            return Finding("clock", "ok", "less than a minute off")
        side = "fast" if skew > 0 else "slow"
        message = f"{abs(skew):.0f} seconds {side}: signatures of Slack and tokens of Teams will be rejected"
        return Finding("clock", "failure", message, "Synchronize this machine's clock (NTP).")

    # --- Database ---

    async def _database(self) -> list[Finding]:
        if new := _new_file(sa.make_url(self.settings.sqlalchemy_url)):
            return [new]
        database = Database(self.settings.sqlalchemy_url)
        try:
            await asyncio.to_thread(database.check)
            rows = await database.run(_try_writing)
        except SchemaMismatch as error:
            message, _, todo = str(error).partition(". ")
            raise CheckFailed("failure", message, todo) from None
        except ServiceUnavailable as error:
            reason = str(error).partition(".")[0]
            todo = "Is DATABASE_URL right, is it running, and may its user (or this one) write?"
            raise CheckFailed("failure", f"cannot be read and written: {reason}", todo) from None
        finally:
            await asyncio.to_thread(database.close)
        return [Finding("database", "ok", "reachable, of this version, writable"), *self._check_tokens(rows)]

    def _check_tokens(self, rows: list[bytes]) -> list[Finding]:
        check = "stored tokens"
        if not rows:
            return []
        try:
            keys = MultiFernet([Fernet(key) for key in self.settings.encryption_keys])
        except ValueError:
            return [Finding(check, "skipped", "not checked until TOKEN_ENCRYPTION_KEY is right")]
        undecryptable = 0
        for row in rows:
            try:
                self.stored_token = str(json.loads(keys.decrypt(row))["credentials"]["token"])
            except (InvalidToken, ValueError, LookupError, TypeError):
                undecryptable += 1
        if not undecryptable:
            return [Finding(check, "ok", f"TOKEN_ENCRYPTION_KEY decrypts all {len(rows)}")]
        todo = "Add the old key to TOKEN_ENCRYPTION_KEY, after a comma, or install the app again in these workspaces."
        return [
            Finding(check, "failure", f"TOKEN_ENCRYPTION_KEY does not decrypt {undecryptable} of {len(rows)}", todo)
        ]

    # --- Slack ---

    async def _slack(self, database: Awaitable[object]) -> list[Finding]:
        if not self.settings.slack:
            return [Finding("Slack", "skipped", "not configured: no SLACK_ setting")]
        if not self.settings.slack_bot_token:
            await database
            if not self.stored_token:
                todo = "Open PUBLIC_URL/slack/install."
                return [Finding("Slack", "warning", "no installation is stored, so that no token can be checked", todo)]
        return await self._check("Slack", self._bot, "SLACK_API_URL", "SLACK_BOT_TOKEN")

    async def _bot(self) -> list[Finding]:
        from adapters.slack.manifest import build_manifest

        bot_token = self.settings.slack_bot_token
        response = await self._call("auth.test", bot_token.get_secret_value() if bot_token else self.stored_token)
        if error := response.body.get("error"):
            todo = (
                f"{INSTALL_AGAIN} and set SLACK_BOT_TOKEN to its token."
                if bot_token
                else "Open PUBLIC_URL/slack/install."
            )
            raise CheckFailed(
                "failure" if bot_token else "warning", f"Slack rejects the bot token ({error!s:.40})", todo
            )
        bot, team = (str(response.body.get(name)) for name in ("user", "team"))
        findings = [Finding("Slack", "ok", f"@{bot} in {team}")]
        scopes = build_manifest(None)["oauth_config"]["scopes"]
        required = sorted(set(scopes["bot"]) - set(scopes["bot_optional"]))
        scopes_header = response.headers.get("x-oauth-scopes")
        if scopes_header is None:
            return [*findings, Finding("Slack scopes", "warning", "Slack did not return them", TRY_LATER)]
        if missing := sorted(set(required) - {scope.strip() for scope in scopes_header.split(",")}):
            todo = f"Add them, or paste the manifest of `cm-advisor manifest slack`. {INSTALL_AGAIN}."
            return [*findings, Finding("Slack scopes", "failure", f"missing: {', '.join(missing)}", todo)]
        return [*findings, Finding("Slack scopes", "ok", f"all {len(required)} of the manifest")]

    async def _socket(self) -> list[Finding]:
        """Get a WebSocket URL without connecting to it, so that no event is delivered there."""
        token = self.settings.slack_app_token
        response = await self._call("apps.connections.open", token.get_secret_value() if token else "")
        if error := response.body.get("error"):
            todo = "Create one with connections:write (Basic Information), enable Socket Mode, set SLACK_APP_TOKEN."
            raise CheckFailed("failure", f"Slack rejects the app-level token ({error!s:.40})", todo)
        return [Finding("Socket Mode", "ok", "the app-level token is valid; no connection was opened")]

    async def _call(self, method: str, token: str) -> JsonResponse:
        url = f"{self.settings.slack_api_url.rstrip('/')}/{method}"
        response = await self._ask("POST", url, headers={"Authorization": f"Bearer {token}"})
        if response.status != 200 or "ok" not in response.body:
            raise CheckFailed("warning", f"Slack answers HTTP {response.status}", TRY_LATER)
        return response

    # --- Teams ---

    async def _teams(self) -> list[Finding]:
        settings = self.settings
        if not settings.teams:
            return [Finding("Teams", "skipped", "not configured: no MICROSOFT_APP_ setting")]
        if settings.dangerously_allow_unauthenticated_teams and not settings.microsoft_app_id:
            todo = "Remove DANGEROUSLY_ALLOW_UNAUTHENTICATED_TEAMS, except for tests."
            raise CheckFailed("warning", "unauthenticated requests are accepted", todo)
        if settings.microsoft_app_type == "UserAssignedMSI":
            return await self._managed_identity()
        secret = settings.microsoft_app_password
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.microsoft_app_id or "",
            "client_secret": secret.get_secret_value() if secret else "",
            "scope": "https://api.botframework.com/.default",
        }
        tenant = quote(settings.microsoft_app_tenant_id or "", safe="")
        response = await self._ask("POST", f"{settings.teams_login_url}/{tenant}/oauth2/v2.0/token", data=form)
        if response.status == 200 and response.body.get("access_token"):
            return [Finding("Teams", "ok", "Microsoft issues a token")]
        code = next(iter(response.body.get("error_codes") or ()), response.status)
        if response.status == 429 or response.status >= 500:
            raise CheckFailed("warning", f"Microsoft answers HTTP {response.status}", TRY_LATER)
        name, why = _AZURE_ERRORS.get(code, ("MICROSOFT_APP_ID", "its password or tenant is wrong: check all three"))
        raise CheckFailed("failure", f"Microsoft issues no token ({code!s:.20})", f"{name} {why}.")

    async def _managed_identity(self) -> list[Finding]:
        from adapters.teams.credentials import Credentials
        from adapters.teams.settings import TeamsSettings

        teams = TeamsSettings(app_id=self.settings.microsoft_app_id or "", app_type="UserAssignedMSI")
        try:
            async with asyncio.timeout(TIMEOUT / 2):  # outside Azure there is no response at all
                await Credentials(teams, self.http).bearer()
        except (RetryLater, TimeoutError):
            todo = "Run this on the Azure machine, and assign it the identity with the id MICROSOFT_APP_ID."
            raise CheckFailed("failure", "this machine issues no token of the managed identity", todo) from None
        return [Finding("Teams", "ok", "the managed identity has a token")]

    async def _keys(self) -> list[Finding]:
        url = self.settings.teams_openid_metadata_url
        metadata = await self._ask("GET", url)
        keys_url = metadata.body.get("jwks_uri")
        keys = await self._ask("GET", str(keys_url)) if keys_url else metadata
        if not keys.body.get("keys"):
            message = f"no signing keys are found at {urlsplit(url).hostname} (HTTP {keys.status})"
            raise CheckFailed("failure", message, "Check TEAMS_OPENID_METADATA_URL against Microsoft's documentation.")
        if metadata.body.get("issuer", self.settings.teams_token_issuer) != self.settings.teams_token_issuer:
            raise CheckFailed("failure", "the keys are of another issuer", "Set TEAMS_TOKEN_ISSUER to its `issuer`.")
        return [Finding("Teams keys", "ok", "Microsoft's signing keys are available")]

    # --- This server ---

    async def _public(self) -> list[Finding]:
        url = self.settings.public_url
        if not url:
            if self.settings.slack_app_token and not self.settings.teams:
                return [Finding("PUBLIC_URL", "skipped", "not set; Socket Mode does not need it")]
            raise CheckFailed("warning", "not set: cannot check whether platforms reach this server", "Set PUBLIC_URL.")
        alive = await self._ask("GET", f"{url}/healthz", platform=False)
        if 300 <= alive.status < 400:
            raise CheckFailed("failure", "redirects, which platforms do not follow", "Set it to the target URL.")
        ready = await self._ask("GET", f"{url}/readyz", platform=False)
        if alive.status != 200 or alive.body != {"status": "ok"} or not {"database", "worker"} <= ready.body.keys():
            message = f"the server there is not this server (HTTP {alive.status})"
            raise CheckFailed(
                "failure", message, "Is `cm-advisor serve` running, and does the proxy forward to HOST and PORT?"
            )
        if is_loopback(urlsplit(url).hostname or ""):
            raise CheckFailed("warning", "only this machine can reach it", "Set it to the URL for the platforms.")
        if ready.status != 200:
            raise CheckFailed("warning", "the server runs, but is not ready", "Check its log and PUBLIC_URL/readyz.")
        return [Finding("PUBLIC_URL", "ok", "leads to this server, as seen from here")]


def _new_file(url: sa.URL) -> Finding | None:
    """Return the finding about a SQLite file that does not exist. Opening it would create it."""
    if url.get_backend_name() != "sqlite" or (url.database and Path(url.database).exists()):
        return None
    if not url.database or url.database == ":memory:":
        return Finding("database", "warning", "in memory: all data is lost at the end", "Set DATABASE_URL.")
    if os.access(Path(url.database).parent, os.W_OK):
        return Finding("database", "ok", "does not exist yet; `cm-advisor serve` creates it")
    return Finding("database", "failure", "cannot be created: its folder is not writable", "Change DATABASE_URL.")


def _try_writing(transaction: Transaction) -> list[bytes]:
    """Insert a row and delete it. Return the encrypted tokens."""
    key_hash = secrets.token_bytes(32)
    transaction.execute(sa.insert(processed_events).values(key_hash=key_hash, processed_at=transaction.now))
    transaction.execute(sa.delete(processed_events).where(processed_events.c.key_hash == key_hash))
    return [bytes(row.ciphertext) for row in transaction.execute(sa.select(tokens.c.ciphertext))]


async def examine(settings: Settings, problems: list[str], now: Callable[[], float] = time.time) -> list[Finding]:
    """Run all checks. `problems`: those of the settings."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    async with aiohttp.ClientSession(trust_env=True, timeout=timeout) as http:
        return await Doctor(settings, problems, http, now).examine()


def doctor(*, as_json: bool) -> int:
    """Print the findings. Return the exit status."""
    logging.basicConfig(handlers=[logging.NullHandler()])  # the findings say what matters
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
    if as_json:
        print(json.dumps({"ok": not failed, "checks": [asdict(finding) for finding in findings]}))
    else:
        _print(findings)
    return 1 if failed else 0


def _print(findings: list[Finding]) -> None:
    try:
        "✓✗".encode(sys.stdout.encoding or "ascii")
        ascii_only = False
    except (UnicodeEncodeError, LookupError):
        ascii_only = True
    for finding in findings:
        todo = f" -> {finding.todo}" if finding.todo else ""
        mark = _MARKS[finding.level][ascii_only]
        print(f"{mark:{2 if ascii_only else 1}} {finding.check}: {finding.message}{todo}")
