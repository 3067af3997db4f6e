"""``cm-advisor doctor``: checks whether the server can run, and says what to do about each problem.

The checks run concurrently, change nothing and print no secrets. Each has a timeout, and none raises.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from adapters.ports import RetryLater, ServiceUnavailable
from bot.commands.findings import Finding, Result, print_findings
from bot.settings import InvalidSettings, Settings, is_loopback, load_settings, readable_settings, secret_value
from bot.storage.database import Database
from bot.storage.schema import adapter_data, tokens
from bot.storage.schema_version import SchemaMismatch
from bot.storage.transaction import Transaction

TIMEOUT = 5.0
"""Seconds for one check."""
MAX_SKEW = 60
"""Seconds. Teams' tokens tolerate no more, Slack's signatures 300."""
TRY_LATER = "Try again later; status.slack.com and azure.status.microsoft list outages."
INSTALL_AGAIN = "Install the app again (OAuth & Permissions on api.slack.com/apps)"
OPEN_INSTALL = "Open PUBLIC_URL/slack/install in a browser to install the app in a workspace."
_PUBLIC_CERTIFICATE = "The platforms trust only public CAs."
_AZURE_ERRORS = {
    7000215: "MICROSOFT_APP_PASSWORD is not a secret of this app: give the secret's value, not its id.",
    7000222: "MICROSOFT_APP_PASSWORD has expired: create a new secret on portal.azure.com.",
    700016: "MICROSOFT_APP_ID is unknown in this tenant: check it, and MICROSOFT_APP_TENANT_ID.",
    90002: "MICROSOFT_APP_TENANT_ID is not a tenant: it is under Configuration of the Azure Bot.",
}


class CheckFailed(Exception):
    """Ends a check. Its arguments are a `Result`."""


@dataclass(slots=True)
class JsonResponse:
    status: int
    headers: Any
    body: dict[str, Any]


@dataclass(slots=True)
class Doctor:
    """Runs the checks. `problems`: those of `bot.settings`; a check that needs an invalid setting is skipped."""

    settings: Settings
    problems: list[str]
    http: aiohttp.ClientSession
    now: Callable[[], float]
    skews: list[float] = field(default_factory=list)
    stored_tokens: list[bytes] = field(default_factory=list)
    """The encrypted tokens of installations, once they are read from the database."""
    refresh_failures: list[str] = field(default_factory=list)
    """Why servers could not refresh tokens: Slack's codes."""
    installation_token: str = ""
    """The bot token of one of these installations."""
    scopes: str | None = None
    """The scopes of the bot token, separated by commas, once Slack has returned them."""

    async def examine(self) -> list[Finding]:
        """Return the findings in the order to be printed."""
        settings = self.settings
        database = asyncio.create_task(self._check_database())
        app_token = settings.slack and settings.slack_app_token is not None
        teams = ("MICROSOFT_APP_ID", "MICROSOFT_APP_PASSWORD", "MICROSOFT_APP_TYPE", "MICROSOFT_APP_TENANT_ID")
        stored, *others = await asyncio.gather(
            database,
            self._check_slack(database),
            *([self._check("Socket Mode", self._socket, "SLACK_API_URL", "SLACK_APP_TOKEN")] if app_token else []),
            self._check("Teams", self._teams, "TEAMS_LOGIN_URL", *teams),
            *([self._check("Teams keys", self._keys, "TEAMS_OPENID_METADATA_URL")] if settings.teams else []),
            self._check("PUBLIC_URL", self._public, "PUBLIC_URL"),
        )
        findings = [Finding("settings", "failure", problem) for problem in self.problems]
        findings = findings or [Finding("settings", "ok", "complete and well formed")]
        return [*findings, *stored, Finding("clock", *self._clock()), *(finding for part in others for finding in part)]

    async def _check(self, check: str, work: Callable[[], Awaitable[Result]], *names: str) -> list[Finding]:
        """Run a check. `names`: the settings that it needs."""
        if invalid := {problem.split(" ")[0].rstrip(":") for problem in self.problems} & set(names):
            return [Finding(check, "skipped", f"not checked until {' and '.join(sorted(invalid))} is corrected")]
        result: Result
        try:
            async with asyncio.timeout(TIMEOUT):
                result = await work()
        except CheckFailed as error:
            result = error.args
        except TimeoutError:
            todo = "Check that it runs, and that this machine can reach it: DNS, firewall, HTTPS_PROXY."
            result = "failure", f"no answer within {TIMEOUT:.0f} seconds", todo
        except Exception as error:  # the other checks go on
            result = (
                "failure",
                f"could not be checked ({type(error).__name__})",
                "This is a bug of cm-advisor: report it.",
            )
        return [Finding(check, *result)]

    async def _ask(self, method: str, url: str, *, platform: bool = True, **options: Any) -> JsonResponse:
        host = urlsplit(url).hostname
        try:
            async with self.http.request(method, url, allow_redirects=False, **options) as response:
                if platform and "Date" in response.headers:
                    self.skews.append(self.now() - parsedate_to_datetime(response.headers["Date"]).timestamp())
                body = json.loads(await response.read() or b"null") if "json" in response.content_type else None
                return JsonResponse(response.status, response.headers, body if isinstance(body, dict) else {})
        except aiohttp.ClientConnectorCertificateError:
            message = f"the certificate of {host} is not trusted here"
            todo = (
                "Behind your company's own CA (a proxy that inspects traffic), set SSL_CERT_FILE to a file with its "
                "certificate and the public ones, for this command and for the server."
            )
            raise CheckFailed("failure", message, todo if platform else f"{todo} {_PUBLIC_CERTIFICATE}") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:  # their messages may quote the whole URL
            message = f"{host} cannot be reached from here ({type(error).__name__})"
            raise CheckFailed(
                "failure", message, f"Check that {host} is right, then DNS, firewall and HTTPS_PROXY."
            ) from None

    def _clock(self) -> Result:
        if not self.skews:
            message = "not checked: it is compared with the time in responses of Slack and Microsoft, and none arrived"
            todo = "Correct what is said about Slack and Teams, then run this again, or see what `timedatectl` says."
            return "warning", message, todo
        skew = min(self.skews, key=abs)  # a cached response has an old time
        if abs(skew) <= MAX_SKEW:
            return "ok", "less than a minute off"
        side = "fast" if skew > 0 else "slow"
        message = f"{abs(skew):.0f} seconds {side}: signatures of Slack and tokens of Teams will be rejected"
        return "failure", message, "Synchronize this machine's clock (NTP)."

    # --- Database ---

    async def _check_database(self) -> list[Finding]:
        findings = await self._check("database", self._database, "DATABASE_URL")
        if self.stored_tokens:
            findings.append(Finding("stored tokens", *self._decrypt_tokens()))
        if errors := sorted(set(self.refresh_failures)):
            message = f"{len(self.refresh_failures)} cannot be refreshed ({', '.join(errors):.100})"
            todo = "Check SLACK_CLIENT_ID and SLACK_CLIENT_SECRET, then install the app again in these workspaces."
            findings.append(Finding("token refresh", "failure", message, todo))
        return findings

    async def _database(self) -> Result:
        if result := _check_new_file(sa.make_url(self.settings.sqlalchemy_url)):
            return result
        database = Database(self.settings.sqlalchemy_url)
        try:
            await asyncio.to_thread(database.check)
            await database.ping()
            self.stored_tokens, self.refresh_failures = await database.run(_stored_tokens)
        except SchemaMismatch as error:
            message, _, todo = str(error).partition(". ")
            return "failure", message, todo
        except ServiceUnavailable as error:
            message, _, todo = str(error).partition(". ")
            return "failure", message, todo or "Check DATABASE_URL, and that its user may read and write."
        finally:
            await asyncio.to_thread(database.close)
        return "ok", "reachable, writable, with the tables of this version"

    def _decrypt_tokens(self) -> Result:
        try:
            keys = MultiFernet([Fernet(key) for key in self.settings.encryption_keys])
        except ValueError:
            return "skipped", "not checked until TOKEN_ENCRYPTION_KEY is corrected"
        undecryptable, total = 0, len(self.stored_tokens)
        for ciphertext in self.stored_tokens:
            try:
                self.installation_token = str(json.loads(keys.decrypt(ciphertext))["credentials"]["token"])
            except (InvalidToken, ValueError, LookupError, TypeError):
                undecryptable += 1
        if not undecryptable:
            return "ok", f"TOKEN_ENCRYPTION_KEY decrypts all {total}"
        todo = "Add the old key to TOKEN_ENCRYPTION_KEY, after a comma, or install the app again in these workspaces."
        return "failure", f"TOKEN_ENCRYPTION_KEY does not decrypt {undecryptable} of {total}", todo

    # --- Slack ---

    async def _check_slack(self, database: Awaitable[object]) -> list[Finding]:
        if not self.settings.slack:
            return [Finding("Slack", "skipped", "not configured: no SLACK_ setting")]
        if not self.settings.slack_bot_token:
            await database
            if not self.installation_token:
                message = "not checked: the app is not installed in any workspace yet"
                return [Finding("Slack", "warning", message, OPEN_INSTALL)]
        findings = await self._check("Slack", self._bot, "SLACK_API_URL", "SLACK_BOT_TOKEN")
        return [*findings, Finding("Slack scopes", *self._scopes())] if findings[0].level == "ok" else findings

    async def _bot(self) -> Result:
        token = secret_value(self.settings.slack_bot_token)
        response = await self._call("auth.test", token or self.installation_token)
        if error := response.body.get("error"):
            message = f"Slack rejects the bot token ({error!s:.40})"
            if not token:
                return "warning", message, OPEN_INSTALL
            return "failure", message, f"{INSTALL_AGAIN} and set SLACK_BOT_TOKEN to its token."
        self.scopes = response.headers.get("x-oauth-scopes")
        return "ok", f"@{response.body.get('user')} in {response.body.get('team')}"

    def _scopes(self) -> Result:
        from adapters.slack.manifest import build_manifest

        if self.scopes is None:
            return "warning", "Slack did not return them", TRY_LATER
        scopes = build_manifest(None)["oauth_config"]["scopes"]
        required = set(scopes["bot"]) - set(scopes["bot_optional"])
        if missing := sorted(required - {scope.strip() for scope in self.scopes.split(",")}):
            todo = f"Add them, or paste the manifest of `cm-advisor manifest slack`. {INSTALL_AGAIN}."
            return "failure", f"missing: {', '.join(missing)}", todo
        return "ok", f"all {len(required)} of the manifest"

    async def _socket(self) -> Result:
        """Get a WebSocket URL without connecting to it, so that no event is delivered there."""
        response = await self._call("apps.connections.open", secret_value(self.settings.slack_app_token) or "")
        if error := response.body.get("error"):
            todo = "Create one with connections:write (Basic Information), enable Socket Mode, set SLACK_APP_TOKEN."
            return "failure", f"Slack rejects the app-level token ({error!s:.40})", todo
        return "ok", "the app-level token is valid; no connection was opened"

    async def _call(self, method: str, token: str) -> JsonResponse:
        url = f"{self.settings.slack_api_url.rstrip('/')}/{method}"
        response = await self._ask("POST", url, headers={"Authorization": f"Bearer {token}"})
        if response.status != 200 or "ok" not in response.body:
            raise CheckFailed("warning", f"Slack answers HTTP {response.status}", TRY_LATER)
        return response

    # --- Teams ---

    async def _teams(self) -> Result:
        settings = self.settings
        if not settings.teams:
            return "skipped", "not configured: no MICROSOFT_APP_ setting"
        if settings.dangerously_allow_unauthenticated_teams and not settings.microsoft_app_id:
            todo = "Remove DANGEROUSLY_ALLOW_UNAUTHENTICATED_TEAMS, except for tests."
            return "warning", "unauthenticated requests are accepted", todo
        if settings.microsoft_app_type == "UserAssignedMSI":
            return await self._managed_identity()
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.microsoft_app_id or "",
            "client_secret": secret_value(settings.microsoft_app_password) or "",
            "scope": f"{settings.teams_resource}/.default",
        }
        tenant = quote(settings.microsoft_app_tenant_id or "", safe="")
        response = await self._ask("POST", f"{settings.teams_login_url}/{tenant}/oauth2/v2.0/token", data=form)
        if response.status == 200 and response.body.get("access_token"):
            return "ok", "Microsoft issues a token"
        if response.status == 429 or response.status >= 500:
            return "warning", f"Microsoft answers HTTP {response.status}", TRY_LATER
        code = next(iter(response.body.get("error_codes") or ()), response.status)
        todo = _AZURE_ERRORS.get(code, "MICROSOFT_APP_ID, its password or tenant is wrong: check all three.")
        return "failure", f"Microsoft issues no token ({code!s:.20})", todo

    async def _managed_identity(self) -> Result:
        from adapters.teams.credentials import Credentials
        from adapters.teams.settings import TeamsSettings

        teams = TeamsSettings(app_id=self.settings.microsoft_app_id or "", app_type="UserAssignedMSI")
        try:
            async with asyncio.timeout(TIMEOUT / 2):  # outside Azure there is no response at all
                await Credentials(teams, self.http).bearer()
        except (RetryLater, TimeoutError):
            todo = "Run this on the Azure machine, and assign it the identity with the id MICROSOFT_APP_ID."
            return "failure", "this machine issues no token of the managed identity", todo
        return "ok", "the managed identity has a token"

    async def _keys(self) -> Result:
        url = self.settings.teams_openid_metadata_url
        metadata = await self._ask("GET", url)
        keys_url = metadata.body.get("jwks_uri")
        keys = await self._ask("GET", str(keys_url)) if keys_url else metadata
        if not keys.body.get("keys"):
            message = f"no signing keys are found at {urlsplit(url).hostname} (HTTP {keys.status})"
            return "failure", message, "Check TEAMS_OPENID_METADATA_URL against Microsoft's documentation."
        if metadata.body.get("issuer", self.settings.teams_token_issuer) != self.settings.teams_token_issuer:
            return (
                "failure",
                "TEAMS_OPENID_METADATA_URL has the keys of another issuer",
                "Set TEAMS_TOKEN_ISSUER to the `issuer` named there.",
            )
        return "ok", "Microsoft's signing keys are available"

    # --- This server ---

    async def _public(self) -> Result:
        url = self.settings.public_url
        if not url:
            if self.settings.slack_app_token and not self.settings.teams:
                return "skipped", "not set; Socket Mode does not need it"
            return (
                "warning",
                "not set: cannot check whether platforms reach this server",
                "Set it to the server's https URL.",
            )
        alive = await self._ask("GET", f"{url}/healthz", platform=False)
        if 300 <= alive.status < 400:
            return "failure", "redirects, which platforms do not follow", "Set it to the URL that it redirects to."
        ready = await self._ask("GET", f"{url}/readyz", platform=False)
        if alive.status != 200 or alive.body != {"status": "ok"} or not {"database", "worker"} <= ready.body.keys():
            todo = "Is `cm-advisor serve` running, and does the proxy forward to HOST and PORT?"
            return "failure", f"what answers there is not this server (HTTP {alive.status})", todo
        if self.settings.slack and self.settings.slack_signing_secret and not self.settings.slack_app_token:
            await self._sign(url)
        if is_loopback(urlsplit(url).hostname or ""):
            return "warning", "only this machine can reach it", "Set it to the https URL that Slack and Teams call."
        if ready.status != 200:
            return "warning", "the server runs, but is not ready", f"See its log, and {url}/readyz."
        return "ok", "reaches this server, as seen from this machine"

    async def _sign(self, url: str) -> None:
        """Send the server a signed request, as Slack does. Raises `CheckFailed`."""
        challenge, timestamp = secrets.token_hex(8), str(int(time.time()))
        body = json.dumps({"type": "url_verification", "challenge": challenge})
        secret = (secret_value(self.settings.slack_signing_secret) or "").encode()
        signature = hmac.new(secret, f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={signature}"}
        headers["Content-Type"] = "application/json"
        response = await self._ask("POST", f"{url}/slack/events", platform=False, data=body, headers=headers)
        if response.body.get("challenge") == challenge:
            return
        message = f"a signed request to /slack/events is answered with HTTP {response.status}"
        if response.status == 401:
            todo = "The server has another SLACK_SIGNING_SECRET than this command, or the proxy changes requests."
        else:
            todo = "Does the proxy forward /slack/ to the server, and is the server restarted with these settings?"
        raise CheckFailed("failure", message, todo)


def _check_new_file(url: sa.URL) -> Result | None:
    """Return the result for a SQLite file that does not exist. Opening it would create it."""
    if url.get_backend_name() != "sqlite" or (url.database and Path(url.database).exists()):
        return None
    if not url.database or url.database == ":memory:":
        return "warning", "in memory: all data is lost when the server stops", "Set DATABASE_URL."
    if os.access(Path(url.database).parent, os.W_OK):
        return "ok", "does not exist yet; `cm-advisor serve` creates it"
    return "failure", "cannot be created: its folder is missing or not writable", "Correct the folder or DATABASE_URL."


def _stored_tokens(transaction: Transaction) -> tuple[list[bytes], list[str]]:
    """Return the encrypted tokens, and why servers could not refresh some."""
    ciphertexts = [bytes(row.ciphertext) for row in transaction.execute(sa.select(tokens.c.ciphertext))]
    failures = sa.select(adapter_data.c.value).where(adapter_data.c.key == "token_refresh")
    return ciphertexts, [str(value.get("error")) for value in transaction.execute(failures).scalars()]


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
        todo = "Check that it is text in UTF-8, and that this user may read it."
        findings = [Finding("settings", "failure", f".env cannot be read ({type(error).__name__})", todo)]
    failed = any(finding.level == "failure" for finding in findings)
    if as_json:
        print(json.dumps({"ok": not failed, "checks": [asdict(finding) for finding in findings]}))
    else:
        print_findings(findings)
    return 1 if failed else 0
