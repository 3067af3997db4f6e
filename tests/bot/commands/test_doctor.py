"""Every check, with simulators of the platforms and a real SQLite file."""

import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.playground.slack.server import SlackSimulator
from adapters.playground.teams.server import TeamsSimulator
from adapters.slack import SCOPES
from bot.commands import doctor
from bot.commands.doctor import examine
from bot.commands.findings import Finding
from bot.core.service import Service
from bot.server import build
from bot.settings import Settings, find_problems
from bot.storage.database import Database
from bot.storage.tokens import EncryptedTokenStore
from dialogs.community_flow import FLOW

SCRIPT = Path(sys.executable).with_name("cm-advisor")
KEY, OTHER = (Fernet.generate_key().decode() for _ in range(2))
ALL = ",".join(SCOPES)
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    slack = SlackSimulator()
    async with slack:
        slack.add_workspace("Fabrique")
        yield slack


@pytest.fixture
async def teams() -> AsyncIterator[TeamsSimulator]:
    async with TeamsSimulator() as teams:
        yield teams


@pytest.fixture
def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/cm-advisor.db"
    database = Database(url)
    database.upgrade()
    database.close()
    return url


@pytest.fixture
async def public(database: str) -> AsyncIterator[str]:
    server = TestServer(await build(Settings(_env_file=None, database_url=database)))
    async with server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
def environment(slack: SlackSimulator, teams: TeamsSimulator, database: str, public: str) -> dict[str, str]:
    """Valid settings, except that PUBLIC_URL is a local one."""
    (workspace,) = slack.workspaces.values()
    return {
        "DATABASE_URL": database,
        "PUBLIC_URL": public,
        "SLACK_SIGNING_SECRET": slack.app.signing_secret,
        "SLACK_BOT_TOKEN": slack.install(workspace, ALL).value,
        "SLACK_APP_TOKEN": slack.app.app_token,
        "SLACK_API_URL": slack.api_url,
        "TOKEN_ENCRYPTION_KEY": KEY,
    } | teams.settings()


async def run_checks(environment: dict[str, str], **more: Any) -> dict[str, Finding]:
    """Run the checks and return the findings by check."""
    values: dict[str, Any] = {name.lower(): value for name, value in environment.items()}
    settings = Settings(_env_file=None, **values)
    all_findings = await examine(settings, find_problems(settings), **more)
    text = repr(all_findings)
    for name, value in environment.items():
        if name.endswith(("TOKEN", "SECRET", "PASSWORD", "KEY")) and value:
            assert value not in text, f"{name} is printed"
    findings = {finding.check: finding for finding in all_findings}
    assert all(
        finding.todo for finding in all_findings if finding.level != "ok" and finding.check not in WITHOUT_TODO
    ), text
    return findings


WITHOUT_TODO = {"settings", "Slack", "Teams", "PUBLIC_URL", "Socket Mode", "stored tokens", "Teams keys"}
"""Checks whose findings may have no `todo`: skipped ones, and problems of settings, which contain it."""


def levels(findings: dict[str, Finding]) -> dict[str, str]:
    return {check: finding.level for check, finding in findings.items() if finding.level != "ok"}


async def test_a_valid_installation(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, slack: SlackSimulator
) -> None:
    assert levels(await run_checks(environment)) == {"PUBLIC_URL": "warning"}, (
        "only this machine reaches a local address"
    )
    monkeypatch.setattr(doctor, "is_loopback", lambda _host: False)
    findings = await run_checks(environment)
    assert levels(findings) == {}
    assert list(findings) == [
        *("settings", "database", "clock", "Slack", "Slack scopes", "Socket Mode", "Teams", "Teams keys", "PUBLIC_URL")
    ]
    assert findings["Slack"].message == "@cm-advisor in Fabrique"
    assert slack.sockets == []


async def test_doctor_changes_nothing(environment: dict[str, str], database: str) -> None:
    before = Path(database.removeprefix("sqlite:///"))
    await run_checks(environment)
    with sa.create_engine(database).connect() as connection:
        assert connection.execute(sa.text("select count(*) from processed_events")).scalar() == 0
    missing = before.with_name("new.db")
    findings = await run_checks(environment | {"DATABASE_URL": f"sqlite:///{missing}"})
    assert findings["database"].message.startswith("does not exist yet")
    assert not missing.exists()


async def test_a_platform_that_is_not_configured_is_reported(database: str) -> None:
    findings = await run_checks({"DATABASE_URL": database})
    assert findings["settings"].level == "failure"
    assert findings["Slack"] == Finding("Slack", "skipped", "not configured: no SLACK_ setting")
    assert findings["Teams"].message.startswith("not configured")
    assert findings["clock"].level == findings["PUBLIC_URL"].level == "warning"
    assert "none arrived" in findings["clock"].message
    assert "timedatectl" in findings["clock"].todo


# --- Failures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "check", "message", "todo"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-dead"}, "Slack", "rejects the bot token (invalid_auth)", "SLACK_BOT_TOKEN"),
        ({"SLACK_APP_TOKEN": "xapp-dead"}, "Socket Mode", "(invalid_auth)", "connections:write"),
        ({"SLACK_API_URL": "http://127.0.0.1:9/api/"}, "Slack", "127.0.0.1 cannot be reached", "HTTPS_PROXY"),
        ({"MICROSOFT_APP_PASSWORD": "wrong"}, "Teams", "no token (7000215)", "MICROSOFT_APP_PASSWORD"),
        ({"MICROSOFT_APP_ID": NOBODY}, "Teams", "no token (700016)", "MICROSOFT_APP_ID"),
        ({"MICROSOFT_APP_TENANT_ID": NOBODY}, "Teams", "no token (90002)", "MICROSOFT_APP_TENANT_ID"),
        ({"TEAMS_LOGIN_URL": "http://127.0.0.1:9"}, "Teams", "cannot be reached", "firewall"),
        ({"TEAMS_OPENID_METADATA_URL": "http://127.0.0.1:9"}, "Teams keys", "cannot be reached", "firewall"),
        ({"TEAMS_TOKEN_ISSUER": "https://other.example"}, "Teams keys", "another issuer", "TEAMS_TOKEN_ISSUER"),
        ({"PUBLIC_URL": "http://127.0.0.1:9"}, "PUBLIC_URL", "cannot be reached", "DNS"),
        ({"DATABASE_URL": "sqlite:////nowhere/x.db"}, "database", "folder is missing or not writable", "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://u:secret@127.0.0.1:9/x"}, "database", "Nothing listens", "DATABASE_URL"),
    ],
)
async def test_each_failure_has_its_message(
    environment: dict[str, str], change: dict[str, str], check: str, message: str, todo: str
) -> None:
    finding = (await run_checks(environment | change))[check]
    assert finding.level == "failure"
    assert message in finding.message
    assert todo in finding.todo


async def test_missing_scopes_are_named(environment: dict[str, str], slack: SlackSimulator) -> None:
    (workspace,) = slack.workspaces.values()
    few = slack.install(workspace, [scope for scope in SCOPES if scope not in {"im:write", "commands"}]).value
    finding = (await run_checks(environment | {"SLACK_BOT_TOKEN": few}))["Slack scopes"]
    assert (finding.level, finding.message) == ("failure", "missing: commands, im:write")
    assert "manifest slack" in finding.todo


@pytest.mark.parametrize(("seconds", "level"), [(50, "ok"), (90, "failure"), (-400, "failure")])
async def test_the_clock(environment: dict[str, str], seconds: float, level: str) -> None:
    finding = (await run_checks(environment, now=lambda: time.time() + seconds))["clock"]
    assert finding.level == level
    assert level == "ok" or (("fast" if seconds > 0 else "slow") in finding.message and "NTP" in finding.todo)


async def test_an_outage_is_a_warning_and_checks_time_out(
    environment: dict[str, str], slack: SlackSimulator, teams: TeamsSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack.fail("auth.test", status=503)
    slack.fail("apps.connections.open", delay=3)
    teams.fail("token", 503)
    teams.fail("openid", 404)
    monkeypatch.setattr(doctor, "TIMEOUT", 0.5)
    findings = await run_checks(environment)
    assert levels(findings) == {
        **{"Slack": "warning", "Socket Mode": "failure", "Teams": "warning"},
        **{"Teams keys": "failure", "PUBLIC_URL": "warning"},
    }
    assert "503" in findings["Slack"].message
    assert "HTTP 404" in findings["Teams keys"].message


async def test_a_managed_identity(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []

    async def identity(request: web.Request) -> web.Response:
        asked.append(request.query.get("client_id"))
        return web.json_response({"access_token": "t", "expires_in": "3599"} if len(asked) == 1 else {})

    app = web.Application()
    app.router.add_get("/token", identity)
    changed = environment | {"MICROSOFT_APP_TYPE": "UserAssignedMSI", "MICROSOFT_APP_PASSWORD": ""}
    async with TestServer(app) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", str(server.make_url("/token")))
        monkeypatch.setenv("IDENTITY_HEADER", "h")
        assert (await run_checks(changed))["Teams"].message == "the managed identity has a token"
        finding = (await run_checks(changed))["Teams"]
    assert asked == [environment["MICROSOFT_APP_ID"]] * 2
    assert (finding.level, "MICROSOFT_APP_ID" in finding.todo) == ("failure", True)


async def test_public_url_of_another_server(environment: dict[str, str]) -> None:
    async def moved(_request: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently("https://example.org/")

    async def okay(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    for handler, message in ((moved, "redirects"), (okay, "not this server")):
        app = web.Application()
        app.router.add_get("/{any:.*}", handler)
        async with TestServer(app) as server:
            finding = (await run_checks(environment | {"PUBLIC_URL": str(server.make_url(""))}))["PUBLIC_URL"]
        assert finding.level == "failure"
        assert message in finding.message


async def test_the_certificate_of_a_company(environment: dict[str, str], tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Company CA")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    encoding = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "key").write_bytes(key.private_bytes(encoding, *plain))
    (tmp_path / "certificate").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(encoding))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    server = TestServer(web.Application(), scheme="https")
    await server.start_server(ssl=context)
    url = f"https://127.0.0.1:{server.port}"
    changes = {"SLACK_API_URL": f"{url}/api/", "TEAMS_LOGIN_URL": url, "PUBLIC_URL": url}
    findings = await run_checks(environment | changes)
    for check in ("Slack", "Socket Mode", "Teams", "PUBLIC_URL"):
        assert findings[check].message == "the certificate of 127.0.0.1 is not trusted here"
        assert "SSL_CERT_FILE" in findings[check].todo
    await server.close()


async def test_a_signed_request_reaches_the_server(environment: dict[str, str]) -> None:
    """Signed with the secret of the settings, sent through PUBLIC_URL."""
    http_mode = environment | {"SLACK_APP_TOKEN": ""}
    values: dict[str, Any] = {name.lower(): value for name, value in http_mode.items()}
    async with TestServer(await build(Settings(_env_file=None, **values))) as server:
        url = str(server.make_url("")).rstrip("/")
        assert (await run_checks(http_mode | {"PUBLIC_URL": url}))[
            "PUBLIC_URL"
        ].message == "only this machine can reach it"
        other = http_mode | {"PUBLIC_URL": url, "SLACK_SIGNING_SECRET": "0" * 32}
        finding = (await run_checks(other))["PUBLIC_URL"]
    assert (finding.level, "HTTP 401" in finding.message) == ("failure", True)
    assert "another SLACK_SIGNING_SECRET" in finding.todo
    finding = (await run_checks(http_mode))["PUBLIC_URL"]  # that server has no Slack
    assert (finding.level, "HTTP 404" in finding.message) == ("failure", True)


async def test_a_database_of_another_version(environment: dict[str, str], database: str) -> None:
    with sa.create_engine(database).begin() as connection:
        connection.execute(sa.text("update cm_advisor_version set version_num = 'later'"))
    finding = (await run_checks(environment))["database"]
    assert (finding.level, finding.todo) == ("failure", "Start that version, or restore a backup.")
    with sa.create_engine(database).begin() as connection:
        connection.execute(sa.text("delete from cm_advisor_version"))
    assert "cm-advisor db upgrade" in (await run_checks(environment))["database"].todo


async def test_a_file_that_is_not_a_database(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("not a database" * 100)
    finding = (await run_checks(environment | {"DATABASE_URL": f"sqlite:///{path}"}))["database"]
    assert finding.level == "failure"


async def test_no_secret_is_sent_to_a_url_of_an_invalid_setting(environment: dict[str, str]) -> None:
    wrong = {"SLACK_API_URL": "http://slack.example/api/", "TEAMS_LOGIN_URL": "http://login.example"}
    findings = await run_checks(environment | wrong)
    assert levels(findings) | {"PUBLIC_URL": ""} == {
        **{"settings": "failure", "Slack": "skipped", "Socket Mode": "skipped", "Teams": "skipped", "PUBLIC_URL": ""}
    }
    assert findings["Slack"].message == "not checked until SLACK_API_URL is corrected"


# --- Many workspaces ----------------------------------------------------------------------------------------------


async def test_stored_tokens(environment: dict[str, str], slack: SlackSimulator, database: str) -> None:
    (workspace,) = slack.workspaces.values()
    many = environment | {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s3cret"}
    del many["SLACK_BOT_TOKEN"], many["SLACK_APP_TOKEN"]
    assert "slack/install" in (await run_checks(many))["Slack"].todo
    token = slack.install(workspace, ALL)
    stored = Database(database)
    await EncryptedTokenStore(stored, [KEY]).save("slack:T1", {"token": token.value})
    findings = await run_checks(many)
    assert findings["stored tokens"] == Finding("stored tokens", "ok", "TOKEN_ENCRYPTION_KEY decrypts all 1")
    assert findings["Slack"].message == "@cm-advisor in Fabrique"
    await EncryptedTokenStore(stored, [OTHER]).save("slack:T2", {"token": "xoxb-2"})
    finding = (await run_checks(many))["stored tokens"]
    assert (finding.level, finding.message) == ("failure", "TOKEN_ENCRYPTION_KEY does not decrypt 1 of 2")
    assert (await run_checks(many | {"TOKEN_ENCRYPTION_KEY": f"{OTHER},{KEY}"}))["stored tokens"].level == "ok"
    await EncryptedTokenStore(stored, [KEY]).delete("slack:T2")
    service = Service(FLOW, stored)
    await service.save_adapter_data("slack:T1", "token_refresh", {"error": "invalid_refresh_token"})
    finding = (await run_checks(many))["token refresh"]
    assert (finding.level, finding.message) == ("failure", "1 cannot be refreshed (invalid_refresh_token)")
    token.state = "token_revoked"
    assert (await run_checks(many))["Slack"].level == "warning", "only one workspace is affected"
    stored.close()


# --- The command --------------------------------------------------------------------------------------------------


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [SCRIPT, "doctor", *arguments],
        check=False,
        capture_output=True,
        cwd=folder,
        env=inherited | environment,
        encoding="utf-8",
        timeout=60,
    )


async def test_the_command(environment: dict[str, str], tmp_path: Path) -> None:
    completed = await asyncio.to_thread(run, tmp_path, PYTHONIOENCODING="utf-8", **environment)
    assert (completed.returncode, completed.stderr) == (0, "")
    assert "✓ Slack: @cm-advisor in Fabrique\n" in completed.stdout
    assert "! PUBLIC_URL: only this machine can reach it -> Set" in completed.stdout
    assert len(completed.stdout.splitlines()) == 9


def test_the_command_with_failures(tmp_path: Path) -> None:
    wrong = {"PORT": "many", "SLACK_BOT_TOKEN": "hunter2", "SLACK_API_URL": "http://slack.example"}
    completed = run(tmp_path, PYTHONIOENCODING="ascii", **wrong)
    assert (completed.returncode, completed.stderr) == (1, "")
    assert "hunter2" not in completed.stdout
    assert completed.stdout.isascii()
    assert "X  settings: PORT: " in completed.stdout
    assert "-  Teams: not configured" in completed.stdout
    completed = run(tmp_path, "--json", **wrong)
    result = json.loads(completed.stdout)
    assert (completed.returncode, result["ok"], completed.stdout.count("\n")) == (1, False, 1)
    assert {"check": "Teams", "level": "skipped"}.items() <= result["checks"][-2].items()


def test_an_env_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PORT=\xff\xfe\n")
    completed = run(tmp_path, PYTHONIOENCODING="utf-8")
    assert (completed.returncode, completed.stderr) == (1, "")
    assert completed.stdout.startswith("✗ settings: .env cannot be read")
