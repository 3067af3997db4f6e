import re
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.settings import InvalidSettings, Settings, load_settings

SLACK = {"SLACK_SIGNING_SECRET": "s3cret-signing", "SLACK_BOT_TOKEN": "xoxb-s3cret"}
OAUTH = {
    "SLACK_SIGNING_SECRET": "s3cret-signing",
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
        ({"SLACK_SIGNING_SECRET": "s3cret"}, ["SLACK_BOT_TOKEN is missing"]),
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
        ({"PORT": "0", "SLACK_SIGNING_SECRET": "s3cret"}, ["PORT: ", "SLACK_BOT_TOKEN is missing"]),
        ({"MICROSOFT_APP_ID": "1"}, ["MICROSOFT_APP_TYPE is missing", "MICROSOFT_APP_TENANT_ID is missing"]),
        ({**TEAMS, "MICROSOFT_APP_PASSWORD": ""}, ["MICROSOFT_APP_PASSWORD is missing"]),
        ({**TEAMS, "MICROSOFT_APP_ID": ""}, ["MICROSOFT_APP_ID is missing"]),
        ({**TEAMS, "MICROSOFT_APP_TYPE": "MultiTenant"}, ["MICROSOFT_APP_TYPE: input should be 'SingleTenant' or"]),
        ({**TEAMS, "TEAMS_LOGIN_URL": "http://login.example.org"}, ["TEAMS_LOGIN_URL: give a URL that begins"]),
        ({**SLACK, "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, ["OTEL_EXPORTER_OTLP_ENDPOINT: give a complete"]),
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
    (tmp_path / ".env").write_text("PORT=8080\nUNKNOWN=1\nALLOWED_TENANTS=a, b,\nLOG_FORMAT=json\n")
    for name, value in (SLACK | {"LOG_FORMAT": "text"}).items():
        monkeypatch.setenv(name, value)
    settings = load_settings(env_file=tmp_path / ".env")
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.allowed_tenants == ("a", "b")
    assert settings.log_format == "text", "the environment overrides the file"
    assert settings.sqlalchemy_url == "sqlite:///cm-advisor.db"
    assert not settings.teams
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", " , ".join(keys))
    assert load_settings(env_file=None).encryption_keys == tuple(keys)


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
