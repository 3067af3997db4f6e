import re
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot import settings as settings_module
from bot.settings import InvalidSettings, Settings, load_settings, secret_value

SIGNING_SECRET = "0123456789abcdef" * 2
SLACK = {"SLACK_SIGNING_SECRET": SIGNING_SECRET, "SLACK_BOT_TOKEN": "xoxb-s3cret"}
OAUTH = {
    "SLACK_SIGNING_SECRET": SIGNING_SECRET,
    "SLACK_CLIENT_ID": "1.2",
    "SLACK_CLIENT_SECRET": "s3cret-client",
    "TOKEN_ENCRYPTION_KEY": Fernet.generate_key().decode(),
    "PUBLIC_URL": "https://bot.example.org/",
}
TEAMS = {
    "MICROSOFT_APP_ID": "11111111-2222-3333-4444-555555555555",
    "MICROSOFT_APP_PASSWORD": "s3cret-teams",
    "MICROSOFT_APP_TYPE": "SingleTenant",
    "MICROSOFT_APP_TENANT_ID": "66666666-2222-3333-4444-555555555555",
}
UNAUTHENTICATED = {"DANGEROUSLY_ALLOW_UNAUTHENTICATED_TEAMS": "true"}


pytestmark = pytest.mark.usefixtures("no_settings")


def read(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings(env_file=None)


@pytest.mark.parametrize(
    "environment",
    [
        SLACK,
        OAUTH,
        TEAMS,
        SLACK | TEAMS,
        UNAUTHENTICATED,
        {**TEAMS, "MICROSOFT_APP_TYPE": "UserAssignedMSI", "MICROSOFT_APP_PASSWORD": ""},
        {**SLACK, "SLACK_APP_TOKEN": "xapp-1", "SLACK_API_URL": "http://127.0.0.1:8000/api/", "LOG_LEVEL": "debug"},
        {**SLACK, "PUBLIC_URL": "http://localhost:3978", "SLACK_CLIENT_ID": "", "PORT": ""},
        {**SLACK, "DATABASE_URL": "postgres://u:p@db/name", "TOKEN_ENCRYPTION_KEY": ""},
    ],
)
def test_valid_settings(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, environment)
    assert settings.slack or settings.teams
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("environment", "sentences"),
    [
        ({}, ["No platform is configured"]),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, ["SLACK_SIGNING_SECRET is missing"]),
        ({"SLACK_SIGNING_SECRET": SIGNING_SECRET}, ["SLACK_BOT_TOKEN is missing"]),
        ({**SLACK, "SLACK_BOT_TOKEN": "xoxp-s3cret"}, ["SLACK_BOT_TOKEN is not the token of a bot"]),
        ({**SLACK, "SLACK_APP_TOKEN": "xoxb-s3cret"}, ["SLACK_APP_TOKEN is not an app-level token"]),
        ({**OAUTH, **SLACK}, ["set either the token or the other two"]),
        ({**OAUTH, "SLACK_CLIENT_SECRET": ""}, ["SLACK_CLIENT_SECRET is missing"]),
        ({**OAUTH, "PUBLIC_URL": "", "TOKEN_ENCRYPTION_KEY": ""}, ["TOKEN_ENCRYPTION_KEY is", "PUBLIC_URL is missing"]),
        ({**OAUTH, "PUBLIC_URL": "http://bot.example.org"}, ["PUBLIC_URL: give a URL that begins with https"]),
        ({**OAUTH, "PUBLIC_URL": "bot.example.org"}, ["PUBLIC_URL: give a complete URL"]),
        ({**SLACK, "ARTICLE_URL": "http://example.org"}, ["ARTICLE_URL: give a URL that begins with https"]),
        ({**SLACK, "ARTICLE_URL": "javascript:alert(1)"}, ["ARTICLE_URL: give a complete URL"]),
        ({**SLACK, "SLACK_API_URL": "http://["}, ["SLACK_API_URL: give a complete URL"]),
        ({**OAUTH, "TOKEN_ENCRYPTION_KEY": f"{Fernet.generate_key().decode()},s3cret"}, ["KEY: key 2 is not a Fernet"]),
        ({**SLACK, "DATABASE_URL": "mysql://root:s3cret@db/x"}, ["DATABASE_URL: give"]),
        ({**SLACK, "DATABASE_URL": "s3cret"}, ["DATABASE_URL: give"]),
        ({**SLACK, "PORT": "70000", "RETENTION_DAYS": "s3cret", "LOG_FORMAT": "xml"}, ["PORT: ", "RETENTION", "LOG_F"]),
        ({"PORT": "0", "SLACK_SIGNING_SECRET": SIGNING_SECRET}, ["PORT: ", "SLACK_BOT_TOKEN is missing"]),
        (
            {"MICROSOFT_APP_ID": TEAMS["MICROSOFT_APP_ID"]},
            ["MICROSOFT_APP_TYPE is missing", "MICROSOFT_APP_TENANT_ID is missing"],
        ),
        ({**TEAMS, "MICROSOFT_APP_PASSWORD": ""}, ["MICROSOFT_APP_PASSWORD is missing"]),
        ({**TEAMS, "MICROSOFT_APP_ID": ""}, ["MICROSOFT_APP_ID is missing"]),
        ({**TEAMS, "MICROSOFT_APP_TYPE": "MultiTenant"}, ["MICROSOFT_APP_TYPE: input should be 'SingleTenant' or"]),
        ({**TEAMS, "TEAMS_LOGIN_URL": "http://login.example.org"}, ["TEAMS_LOGIN_URL: give a URL that begins"]),
        ({**SLACK, "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, ["OTEL_EXPORTER_OTLP_ENDPOINT: give a complete"]),
        ({**SLACK, "SLACK_SIGNING_SECRET": "s3cret"}, ["SLACK_SIGNING_SECRET is not a signing secret"]),
        ({**SLACK, "SLACK_SIGNING_SECRET": SIGNING_SECRET[1:]}, ["SLACK_SIGNING_SECRET is not a signing secret"]),
        ({**SLACK, "SLACK_SIGNING_SECRET": SIGNING_SECRET + "\u200b0"}, ["SLACK_SIGNING_SECRET: contains a char"]),
        ({**SLACK, "SLACK_BOT_TOKEN": "xoxb-s3cret\nxoxb-2"}, ["SLACK_BOT_TOKEN: contains a character"]),
        ({**SLACK, "SLACK_BOT_TOKEN": "xoxb-s3cret xoxb-2"}, ["SLACK_BOT_TOKEN is not the token of a bot"]),
        ({**SLACK, "SLACK_BOT_TOKEN": "xoxe.xoxb-1-s3cret"}, ["SLACK_BOT_TOKEN expires"]),
        ({**SLACK, "SLACK_API_URL": "https://slack-gov.com"}, ["SLACK_API_URL: give the address of the Web API"]),
        ({**OAUTH, "SLACK_CLIENT_ID": "s3cret"}, ["SLACK_CLIENT_ID is not a client id"]),
        ({**OAUTH, "SLACK_CLIENT_SECRET": "xoxb-s3cret"}, ["SLACK_CLIENT_SECRET is not a client secret"]),
        ({**OAUTH, "PUBLIC_URL": "https://bot.example.org/slack/events"}, ["PUBLIC_URL: give only the address"]),
        ({**SLACK, "METRICS_PORT": "3978"}, ["METRICS_PORT: give another port"]),
        ({**SLACK, "RETENTION_DAYS": "99999999999"}, ["RETENTION_DAYS: "]),
        ({**SLACK, "DATABASE_URL": "postgresql://u:s3cr@et@db:5/x"}, ["write %40 for @"]),
        ({**SLACK, "DATABASE_URL": "sqlite:///x.db?timeout=s3cret"}, ["DATABASE_URL: give"]),
        ({**SLACK, "DATABASE_URL": "postgresql://u:s3cret@db:port/x"}, ["DATABASE_URL: give"]),
        ({**TEAMS, "MICROSOFT_APP_ID": "cm-advisor"}, ["MICROSOFT_APP_ID: cm-advisor is not a GUID"]),
        ({**TEAMS, "MICROSOFT_APP_TENANT_ID": "acme.onmicrosoft.com"}, ["MICROSOFT_APP_TENANT_ID: acme.onmicrosoft"]),
        ({**TEAMS, "ALLOWED_TENANTS": f"{TEAMS['MICROSOFT_APP_ID']},acme"}, ["ALLOWED_TENANTS: acme is not a GUID"]),
        ({**TEAMS, "MICROSOFT_APP_PASSWORD": TEAMS["MICROSOFT_APP_ID"]}, ["MICROSOFT_APP_PASSWORD is the id of a"]),
        ({**TEAMS, "TEAMS_SERVICE_URL_HOSTS": "smba trafficmanager"}, ["TEAMS_SERVICE_URL_HOSTS: smba traffic"]),
        ({**TEAMS, "TEAMS_TOKEN_RESOURCE": "api.botframework.us"}, ["TEAMS_TOKEN_RESOURCE: give a complete URL"]),
        ({**UNAUTHENTICATED, "HOST": "0.0.0.0"}, ["HOST must be 127.0.0.1"]),
        ({**UNAUTHENTICATED, **TEAMS, "MICROSOFT_APP_ID": ""}, ["MICROSOFT_APP_ID is missing"]),
    ],
)
def test_all_problems_are_reported_at_once_without_secrets(
    environment: dict[str, str], sentences: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidSettings) as caught:
        read(monkeypatch, environment)
    problems = caught.value.problems
    assert len(problems) == len(sentences), problems
    for problem, part in zip(problems, sentences, strict=True):
        assert part in problem
        assert re.search(r"[.)…]$|python -c", problem), problem
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None or "s3cret" not in str(caught.value.__context__)


@pytest.mark.parametrize("missing", ["opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter"])
def test_tracing_without_opentelemetry_is_reported(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    traced = {**SLACK, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"}
    assert read(monkeypatch, traced).otel_exporter_otlp_endpoint == "http://collector:4318"

    class Missing:
        def find_spec(self, name: str, *_: object) -> None:
            if name.startswith(missing):
                raise ModuleNotFoundError(name)

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(InvalidSettings) as caught:
        read(monkeypatch, traced)
    [problem] = caught.value.problems
    assert "pip install 'cm-advisor[otel]'" in problem


def test_database_commands_need_no_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@db/name")
    assert load_settings(platforms=False, env_file=None).sqlalchemy_url == "postgresql+psycopg://u:p@db/name"


def test_values_are_normalized(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=8080\nUNKNOWN=1\nALLOWED_TENANTS=A, b,\nLOG_FORMAT=json\n")
    for name, value in (SLACK | {"LOG_FORMAT": "text"}).items():
        monkeypatch.setenv(name, value)
    settings = load_settings(env_file=tmp_path / ".env")
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.allowed_tenants == ("A", "b")
    assert settings.log_format == "text", "the environment overrides the file"
    assert settings.sqlalchemy_url == "sqlite:///cm-advisor.db"
    assert not settings.teams
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", " , ".join(keys))
    assert load_settings(env_file=None).encryption_keys == tuple(keys)


@pytest.mark.parametrize("around", ["{}\n", "\ufeff{}\r\n", ' "{}" ', "'{}'\n", "“{}”", "\u00a0{}", '\t"{}\n"\n'])
def test_what_surrounds_a_value_is_removed(around: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = SLACK | TEAMS | {"SLACK_APP_TOKEN": "xapp-1", "PORT": "8080", "LOG_LEVEL": "debug", "HOST": "[::1]"}
    given |= {"DATABASE_URL": "postgresql://u:p@db/x", "PUBLIC_URL": "https://bot.example.org"}
    settings = read(monkeypatch, {name: around.format(value) for name, value in given.items()})
    assert (settings.port, settings.log_level, settings.host) == (8080, "DEBUG", "::1")
    assert settings.sqlalchemy_url == "postgresql+psycopg://u:p@db/x"
    assert secret_value(settings.slack_signing_secret) == SIGNING_SECRET
    assert secret_value(settings.slack_app_token) == "xapp-1"
    assert settings.public_url == "https://bot.example.org"
    assert settings.microsoft_app_id == TEAMS["MICROSOFT_APP_ID"]
    assert settings.microsoft_app_type == "SingleTenant"


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("SLACK_API_URL", "https://slack-gov.com/api", "https://slack-gov.com/api/"),
        ("SLACK_API_URL", "https://slack-gov.com/api//", "https://slack-gov.com/api/"),
        ("PUBLIC_URL", "https://bot.example.org/path/", "https://bot.example.org/path"),
        ("MICROSOFT_APP_ID", "{AAAAAAAA-2222-3333-4444-555555555555}", "aaaaaaaa-2222-3333-4444-555555555555"),
        ("MICROSOFT_APP_TYPE", "singletenant", "SingleTenant"),
        ("LOG_FORMAT", "JSON", "json"),
        (
            "TEAMS_SERVICE_URL_HOSTS",
            "https://SMBA.infra.gov.teams.microsoft.us/",
            ("smba.infra.gov.teams.microsoft.us",),
        ),
        ("TEAMS_LOGIN_URL", "https://login.microsoftonline.us/acme.onmicrosoft.us", "https://login.microsoftonline.us"),
        ("TEAMS_LOGIN_URL", "https://login.example.org/proxy/", "https://login.example.org/proxy"),
        ("TEAMS_TOKEN_ISSUER", "https://api.botframework.us/", "https://api.botframework.us"),
        ("ALLOWED_TENANTS", TEAMS["MICROSOFT_APP_ID"].upper(), (TEAMS["MICROSOFT_APP_ID"],)),
        ("RETENTION_DAYS", "\n", 180),
        ("ARTICLE_URL", '""', None),
    ],
)
def test_each_spelling_of_a_value(name: str, given: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert getattr(read(monkeypatch, {**SLACK, **TEAMS, name: given}), name.lower()) == value


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "POSTGRESQL+psycopg2"])
def test_the_driver_of_a_database_is_the_installed_one(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, {**SLACK, "DATABASE_URL": f"{scheme}://u:p@db/x"})
    assert settings.sqlalchemy_url == "postgresql+psycopg://u:p@db/x"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_a_file_that_is_not_utf_8_is_reported(encoding: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    monkeypatch.setattr(settings_module, "SECRETS", secrets)
    content = "SLACK_BOT_TOKEN=é".encode(encoding)
    for path in (tmp_path / ".env", secrets / "slack_bot_token"):
        path.write_bytes(content)
        with pytest.raises(InvalidSettings) as caught:
            load_settings(env_file=tmp_path / ".env")
        assert caught.value.problems == [
            f"{path} cannot be read: it is not text in UTF-8. Save it again with that encoding."
        ]
        path.unlink()


def test_a_file_that_may_not_be_read_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=1")

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(InvalidSettings, match=r"\.env cannot be read: Permission denied\. The user"):
        load_settings(env_file=tmp_path / ".env")


def test_a_byte_order_mark_hides_no_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfPORT=8080\r\n")
    for name, value in SLACK.items():
        monkeypatch.setenv(name, value)
    assert load_settings(env_file=tmp_path / ".env").port == 8080


def test_the_token_of_the_bot_is_for_the_cloud_of_its_issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, TEAMS).teams_resource == "https://api.botframework.com"
    monkeypatch.setenv("TEAMS_TOKEN_ISSUER", "https://api.botframework.us")
    assert load_settings(env_file=None).teams_resource == "https://api.botframework.us"
    monkeypatch.setenv("TEAMS_TOKEN_RESOURCE", "https://api.example.us/")
    assert load_settings(env_file=None).teams_resource == "https://api.example.us"


def test_the_environment_overrides_secret_files(tmp_path, monkeypatch):
    for name, value in {"slack_signing_secret": "of the file", "slack_bot_token": "of the file"}.items():
        (tmp_path / name).write_text(f"{value}\n")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "of the environment")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "")  # an empty value is as good as none
    settings = Settings(_env_file=None, _secrets_dir=tmp_path)
    assert settings.slack_signing_secret
    assert settings.slack_bot_token
    assert settings.slack_signing_secret.get_secret_value() == "of the file"
    assert settings.slack_bot_token.get_secret_value() == "of the environment"
