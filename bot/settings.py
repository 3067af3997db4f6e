"""Settings from the environment and ``.env``. All problems are reported at once, in sentences, without secrets.

`HOST` defaults to 127.0.0.1: behind a tunnel, a laptop opens no port to the network. The container sets 0.0.0.0.
"""

import ipaddress
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

import sqlalchemy as sa
from cryptography.fernet import Fernet
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SECRETS = Path("/run/secrets")
NEW_KEY = "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
GROUPS = {
    "host": "Server",
    "log_level": "Logs, metrics, traces",
    "slack_signing_secret": "Slack",
    "microsoft_app_id": "Teams",
}
"""Headings of the settings table, by the first setting below each."""
_SLACK = ("slack_signing_secret", "slack_bot_token", "slack_client_id", "slack_client_secret", "slack_app_token")
_TEAMS = ("microsoft_app_id", "microsoft_app_password", "microsoft_app_type", "microsoft_app_tenant_id")


def _split(value: str | tuple[str, ...]) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    return tuple(name.strip() for name in names if name.strip())


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Names separated by commas."""
BaseUrl = Annotated[str, AfterValidator(lambda url: url.rstrip("/"))]
"""A URL to which paths are added."""
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)]


class InvalidSettings(Exception):
    """The settings cannot be used. `problems`: one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseSettings):
    """All settings. Environment variables have the same names in upper case. An empty value counts as not set."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        # Secrets of a container, one file each. Environment variables take precedence.
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
    )

    host: str = Field("127.0.0.1", description="address to listen on; the container sets 0.0.0.0")
    port: int = Field(3978, ge=1, le=65535, description="port to listen on")
    public_url: BaseUrl | None = Field(None, description="https URL at which the platforms reach the server")
    support_url: str | None = Field(None, description="https or mailto URL, shown on `/support`")
    article_url: str | None = Field(None, description="https URL of the article, linked from the details")
    database_url: SecretStr = Field(
        SecretStr("sqlite:///cm-advisor.db"), description="or `postgresql://USER:PASSWORD@HOST/NAME`"
    )
    token_encryption_key: SecretStr | None = Field(
        None, description="Fernet keys, separated by commas: the first encrypts the workspaces' tokens, all decrypt"
    )
    retention_days: int = Field(180, ge=1, description="how long a check is stored")
    idle_days: int = Field(14, ge=1, description="days without an answer after which a dialog expires")
    rate_person: float = Field(
        3,
        ge=0,
        allow_inf_nan=False,
        description="average events per second of one person; up to ten times as many at once; 0: no limit",
    )
    rate_tenant: float = Field(
        100,
        ge=0,
        allow_inf_nan=False,
        description="average events per second of one tenant; up to thirty times as many at once; 0: no limit",
    )

    log_level: LogLevel = Field("INFO", description="lowest level logged; answers, names and tokens never are")
    log_format: Literal["json", "text"] = Field("text", description="format of the log; `json`: one object per line")
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="port of `/metrics` for Prometheus; never the public one"
    )
    otel_exporter_otlp_endpoint: BaseUrl | None = Field(
        None, description="OTLP/HTTP endpoint for traces (`http://collector:4318`); needs `cm-advisor[otel]`"
    )

    slack_signing_secret: SecretStr | None = Field(None, description="verifies that a request is from Slack")
    slack_bot_token: SecretStr | None = Field(None, description="for one workspace: `xoxb-…`")
    slack_client_id: str | None = Field(None, description="for many workspaces, instead of the bot token")
    slack_client_secret: SecretStr | None = Field(None, description="belongs to the client id")
    slack_app_token: SecretStr | None = Field(None, description="for Socket Mode, which needs no public URL: `xapp-…`")
    slack_api_url: str = Field("https://slack.com/api/", description="Slack's Web API")

    microsoft_app_id: str | None = Field(None, description="the Azure Bot's app id")
    microsoft_app_password: SecretStr | None = Field(None, description="a client secret's value, for SingleTenant")
    microsoft_app_type: Literal["SingleTenant", "UserAssignedMSI"] | None = Field(
        None, description="an app registration with a secret, or a managed identity in Azure"
    )
    microsoft_app_tenant_id: str | None = Field(None, description="the tenant that the bot belongs to")
    allowed_tenants: Names = Field(
        (), description="tenants that may use the bot, separated by commas; empty: the bot's own"
    )
    teams_service_url_hosts: Names = Field(
        ("smba.trafficmanager.net",), description="hosts that the bot sends messages to"
    )
    teams_token_issuer: BaseUrl = Field("https://api.botframework.com", description="different in sovereign clouds")
    teams_openid_metadata_url: str = Field(
        "https://login.botframework.com/v1/.well-known/openidconfiguration", description="different in sovereign clouds"
    )
    teams_login_url: BaseUrl = Field("https://login.microsoftonline.com", description="different in sovereign clouds")
    dangerously_allow_unauthenticated_teams: bool = Field(
        False, description="accepts unauthenticated requests; only with a loopback `HOST`"
    )

    @property
    def slack(self) -> bool:
        """Whether anything of Slack is set."""
        return any(getattr(self, name) for name in _SLACK)

    @property
    def teams(self) -> bool:
        """Whether anything of Teams is set."""
        return self.dangerously_allow_unauthenticated_teams or any(getattr(self, name) for name in _TEAMS)

    @property
    def sqlalchemy_url(self) -> str:
        """The URL of the database, with the driver that is installed."""
        url = self.database_url.get_secret_value()
        scheme, separator, rest = url.partition("://")
        return f"postgresql+psycopg{separator}{rest}" if scheme in {"postgres", "postgresql"} else url

    @property
    def encryption_keys(self) -> tuple[str, ...]:
        """The Fernet keys. The first one encrypts."""
        return _split(secret_value(self.token_encryption_key) or "")


def load_settings(*, platforms: bool = True, env_file: Path | str | None = ".env") -> Settings:
    """Return the settings of this process. Raises `InvalidSettings`.

    `platforms`: also check the settings of Slack, Teams and tracing.
    """
    unreadable: dict[str, str] = {}
    try:
        settings = Settings(_env_file=env_file)
    except ValidationError as error:
        unreadable = {str(fault["loc"][0]): _unreadable(fault) for fault in error.errors(include_input=False)}
        # Check the others with the defaults of these, so that all problems are reported at once.
        defaults: dict[str, Any] = {name: Settings.model_fields[name].default for name in unreadable}
        settings = Settings(_env_file=env_file, **defaults)
    others = find_problems(settings) if platforms else [*_common(settings)]
    # A setting that cannot be read is not reported as missing, too.
    problems = [*unreadable.values(), *(other for other in others if other.split(" ")[0].lower() not in unreadable)]
    if problems:
        raise InvalidSettings(problems)
    return settings


def _unreadable(fault: Any) -> str:
    return f"{str(fault['loc'][0]).upper()}: {fault['msg'][0].lower()}{fault['msg'][1:]}."


def find_problems(settings: Settings) -> list[str]:
    """Return what is wrong with the settings and how to correct it."""
    problems = [*_common(settings), *_tracing(settings)]
    if settings.slack:
        problems += _slack(settings)
    if settings.teams:
        problems += _teams(settings)
    if not settings.slack and not settings.teams:
        problems.append(
            "No platform is configured. For Slack set SLACK_SIGNING_SECRET and SLACK_BOT_TOKEN, for Teams "
            "the MICROSOFT_APP_ settings; `cm-advisor chat` needs none."
        )
    return problems


def _missing(settings: Settings, hint: str, *names: str) -> Iterator[str]:
    for name in names:
        if not getattr(settings, name):
            yield f"{name.upper()} is missing: {hint}"


def _common(settings: Settings) -> Iterator[str]:
    yield from _check_urls(settings, "public_url", "article_url")
    if not (settings.support_url or "").startswith("mailto:"):
        yield from _check_urls(settings, "support_url")
    try:
        backend = sa.make_url(settings.sqlalchemy_url).get_backend_name()
    except sa.exc.ArgumentError:
        backend = ""
    if backend not in {"sqlite", "postgresql"}:
        yield "DATABASE_URL: give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME."
    for number, key in enumerate(settings.encryption_keys, 1):
        try:
            Fernet(key)
        except ValueError:
            yield f"TOKEN_ENCRYPTION_KEY: key {number} is not a Fernet key. Make one with: {NEW_KEY}"


def _tracing(settings: Settings) -> Iterator[str]:
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint and not _split_url(endpoint):
        yield "OTEL_EXPORTER_OTLP_ENDPOINT: give a complete URL, such as http://collector:4318."
    elif endpoint and not _is_opentelemetry_installed():
        yield (
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: "
            "pip install 'cm-advisor[otel]', or remove the setting."
        )


def _is_opentelemetry_installed() -> bool:
    try:
        return all(map(find_spec, ("opentelemetry.exporter.otlp.proto.http", "opentelemetry.sdk")))
    except ModuleNotFoundError:  # the parent package
        return False


def _slack(settings: Settings) -> Iterator[str]:
    hint = (
        "it proves that a request is from Slack. It is under Basic Information, App Credentials, on api.slack.com/apps."
    )
    yield from _missing(settings, hint, "slack_signing_secret")
    oauth = settings.slack_client_id or settings.slack_client_secret
    if settings.slack_bot_token and oauth:
        yield (
            "SLACK_BOT_TOKEN is for one workspace, SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are for many: set either "
            "the token or the other two."
        )
    elif oauth:
        hint = "it is under Basic Information on api.slack.com/apps."
        yield from _missing(settings, hint, "slack_client_id", "slack_client_secret")
        if not settings.encryption_keys:
            yield (
                "TOKEN_ENCRYPTION_KEY is missing: the tokens of installed workspaces are stored encrypted. "
                f"Make one with: {NEW_KEY}"
            )
        hint = "Slack redirects to it after an installation. Give https://YOUR.DOMAIN."
        yield from _missing(settings, hint, "public_url")
    elif not settings.slack_bot_token:
        yield (
            "SLACK_BOT_TOKEN is missing (OAuth & Permissions on api.slack.com/apps); or, for many workspaces, "
            "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET."
        )
    if not (secret_value(settings.slack_bot_token) or "xoxb-").startswith("xoxb-"):
        yield "SLACK_BOT_TOKEN is not the token of a bot, which begins with xoxb-."
    if not (secret_value(settings.slack_app_token) or "xapp-").startswith("xapp-"):
        yield "SLACK_APP_TOKEN is not an app-level token, which begins with xapp-."
    yield from _check_urls(settings, "slack_api_url")


def _teams(settings: Settings) -> Iterator[str]:
    unauthenticated = settings.dangerously_allow_unauthenticated_teams
    if unauthenticated and not is_loopback(settings.host):
        yield (
            "DANGEROUSLY_ALLOW_UNAUTHENTICATED_TEAMS accepts requests from everybody, so that HOST must be "
            "127.0.0.1. Remove the former or change the latter."
        )
    if not unauthenticated or any(getattr(settings, name) for name in _TEAMS):
        hint = (
            "SingleTenant, or UserAssignedMSI for a managed identity in Azure. "
            "(MultiTenant bots can no longer be created.)"
        )
        yield from _missing(settings, hint, "microsoft_app_type")
        password = ["microsoft_app_password"] if settings.microsoft_app_type == "SingleTenant" else []
        hint = "it is under Configuration of the Azure Bot, on portal.azure.com."
        yield from _missing(settings, hint, "microsoft_app_id", "microsoft_app_tenant_id", *password)
    yield from _check_urls(settings, "teams_token_issuer", "teams_openid_metadata_url", "teams_login_url")


def _check_urls(settings: Settings, *names: str) -> Iterator[str]:
    for name in names:
        if not (url := getattr(settings, name)):
            continue
        parts = _split_url(url)
        if parts is None:
            yield f"{name.upper()}: give a complete URL, https://…"
        elif parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield f"{name.upper()}: give a URL that begins with https://; http:// is only for localhost."


def _split_url(url: str) -> SplitResult | None:
    """Return the parts of an HTTP URL; None for anything else."""
    try:
        parts = urlsplit(url)
        return parts if parts.scheme in {"http", "https"} and parts.hostname else None
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def secret_value(secret: SecretStr | None) -> str | None:
    """Return a secret in plain text."""
    return secret.get_secret_value() if secret else None


def print_problems(*sentences: str) -> int:
    """Print why a command cannot start. Return its exit status."""
    print("cm-advisor cannot start:", *(f"  - {sentence}" for sentence in sentences), sep="\n", file=sys.stderr)
    return 2
