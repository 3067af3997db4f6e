"""Settings, from the environment and ``.env``, and what is wrong with them: in sentences, all at once, no secret told.

`HOST` is 127.0.0.1 unless told otherwise: whoever tries this on a laptop behind a tunnel opens no port to the network.
The container, whose network is its own, sets 0.0.0.0.
"""

import ipaddress
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

import sqlalchemy as sa
from cryptography.fernet import Fernet
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

SECRETS = Path("/run/secrets")
Names = Annotated[tuple[str, ...], NoDecode]
"""Several names with commas between them."""

NEW_KEY = "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
GROUPS = {
    "host": "Server",
    "log_level": "What it tells",
    "slack_signing_secret": "Slack",
    "microsoft_app_id": "Teams",
}
"""What the settings from this one on are about; the README's table says it."""
_SLACK = ("slack_signing_secret", "slack_bot_token", "slack_client_id", "slack_client_secret", "slack_app_token")
_TEAMS = ("microsoft_app_id", "microsoft_app_password", "microsoft_app_type", "microsoft_app_tenant_id")


class InvalidSettings(Exception):
    """The settings cannot be used. `find_problems`: a sentence each."""

    def __init__(self, find_problems: list[str]) -> None:
        super().__init__("\n".join(find_problems))
        self.problems = find_problems


class Settings(BaseSettings):
    """What can be set; the environment names are these in capitals. An empty value is as good as none."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        # Where containers find their secrets, a file each; what the environment says comes before it.
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
    )

    host: str = Field("127.0.0.1", description="where to listen; the container sets 0.0.0.0")
    port: int = Field(3978, ge=1, le=65535, description="where to listen")
    public_url: str | None = Field(None, description="the https address at which the platforms reach the server")
    support_url: str | None = Field(None, description="an https or mailto address, shown on `/support`")
    database_url: SecretStr = Field(
        SecretStr("sqlite:///cm-advisor.db"), description="or `postgresql://USER:PASSWORD@HOST/NAME`"
    )
    token_encryption_key: SecretStr | None = Field(
        None, description="Fernet keys with commas between them: the first encrypts workspaces' tokens, all decrypt"
    )
    retention_days: int = Field(180, ge=1, description="how long a check is kept")
    idle_days: int = Field(14, ge=1, description="when a dialog that nobody goes on with is closed")
    rate_person: float = Field(
        3,
        ge=0,
        allow_inf_nan=False,
        description="events a second of one person, ten seconds' worth at once; 0: no limit",
    )
    rate_tenant: float = Field(
        100,
        ge=0,
        allow_inf_nan=False,
        description="the same of one tenant, on each replica, thirty seconds' worth at once",
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="how much is logged; never an answer, a name or a token"
    )
    log_format: Literal["json", "text"] = Field("text", description="one JSON object a line, or lines for people")
    metrics_port: int | None = Field(
        None, ge=1, le=65535, description="where Prometheus finds `/metrics`, on a listener of its own"
    )
    otel_exporter_otlp_endpoint: str | None = Field(
        None, description="where traces go by OTLP over HTTP (`http://collector:4318`); wants `cm-advisor[otel]`"
    )

    slack_signing_secret: SecretStr | None = Field(None, description="shows that a request is Slack's")
    slack_bot_token: SecretStr | None = Field(None, description="for one workspace: `xoxb-…`")
    slack_client_id: str | None = Field(None, description="for many workspaces, in place of the bot token")
    slack_client_secret: SecretStr | None = Field(None, description="comes with the client id")
    slack_app_token: SecretStr | None = Field(None, description="Socket Mode, without a public address: `xapp-…`")
    slack_api_url: str = Field("https://slack.com/api/", description="Slack's Web API")

    microsoft_app_id: str | None = Field(None, description="the Azure Bot's app id")
    microsoft_app_password: SecretStr | None = Field(None, description="a client secret's value, for SingleTenant")
    microsoft_app_type: Literal["SingleTenant", "UserAssignedMSI"] | None = Field(
        None, description="an app registration with a secret, or a managed identity in Azure"
    )
    microsoft_app_tenant_id: str | None = Field(None, description="the tenant that the bot belongs to")
    allowed_tenants: Names = Field(
        (), description="tenants that may use the bot, with commas between them; the bot's own when empty"
    )
    teams_service_url_hosts: Names = Field(("smba.trafficmanager.net",), description="hosts answered and posted to")
    teams_token_issuer: str = Field("https://api.botframework.com", description="other in sovereign clouds")
    teams_openid_metadata_url: str = Field(
        "https://login.botframework.com/v1/.well-known/openidconfiguration", description="other in sovereign clouds"
    )
    teams_login_url: str = Field("https://login.microsoftonline.com", description="other in sovereign clouds")
    dangerously_allow_unauthenticated_teams: bool = Field(
        False, description="lets in anybody who reaches the server; for a loopback `HOST` alone"
    )

    @field_validator("teams_service_url_hosts", "allowed_tenants", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _capitals(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("public_url", "otel_exporter_otlp_endpoint", "teams_login_url", "teams_token_issuer")
    @classmethod
    def _no_slash(cls, value: str | None) -> str | None:
        return value.rstrip("/") if value else value

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
        """The address of the database, with the driver we bring."""
        url = self.database_url.get_secret_value()
        scheme, mark, rest = url.partition("://")
        return f"postgresql+psycopg{mark}{rest}" if scheme in {"postgres", "postgresql"} else url

    @property
    def encryption_keys(self) -> tuple[str, ...]:
        """The Fernet keys, the one that encrypts first."""
        return tuple(part for key in (_told(self.token_encryption_key) or "").split(",") if (part := key.strip()))


def load_settings(*, platforms: bool = True, env_file: Path | str | None = ".env") -> Settings:
    """Return the settings of this process; unless `platforms`, only what all have in common is looked at.

    Raises `InvalidSettings`.
    """
    unreadable: dict[str, str] = {}
    try:
        settings = Settings(_env_file=env_file)
    except ValidationError as error:
        unreadable = {str(fault["loc"][0]): _unreadable(fault) for fault in error.errors(include_input=False)}
        # The others are looked at with the defaults of these, so that everything is said in one go.
        defaults: dict[str, Any] = {name: Settings.model_fields[name].default for name in unreadable}
        settings = Settings(_env_file=env_file, **defaults)
    others = find_problems(settings) if platforms else [*_common(settings)]
    # What could not be read is not missing, too.
    found = [*unreadable.values(), *(other for other in others if other.split(" ")[0].lower() not in unreadable)]
    if found:
        raise InvalidSettings(found)
    return settings


def _unreadable(fault: Any) -> str:
    return f"{str(fault['loc'][0]).upper()}: {fault['msg'][0].lower()}{fault['msg'][1:]}."


def find_problems(settings: Settings) -> list[str]:
    """Return what is wrong with the settings and how to mend it."""
    found = [*_common(settings), *_traces(settings)]
    if settings.slack:
        found += _slack(settings)
    if settings.teams:
        found += _teams(settings)
    if not settings.slack and not settings.teams:
        found.append(
            "No platform is configured. For Slack set SLACK_SIGNING_SECRET and SLACK_BOT_TOKEN, for Teams "
            "MICROSOFT_APP_ID and its companions; `cm-advisor chat` needs neither."
        )
    return found


def _common(settings: Settings) -> Iterator[str]:
    if settings.public_url:
        yield from _address("PUBLIC_URL", settings.public_url)
    if settings.support_url and not settings.support_url.startswith("mailto:"):
        yield from _address("SUPPORT_URL", settings.support_url)
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


def _traces(settings: Settings) -> Iterator[str]:
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint and not _whole(endpoint):
        yield "OTEL_EXPORTER_OTLP_ENDPOINT: give a whole address, such as http://collector:4318."
    elif endpoint and not _there("opentelemetry.exporter.otlp.proto.http", "opentelemetry.sdk"):
        yield (
            "OTEL_EXPORTER_OTLP_ENDPOINT asks for traces, and what makes them is not installed: "
            "pip install 'cm-advisor[otel]', or take the setting out."
        )


def _there(*modules: str) -> bool:
    try:
        return all(map(find_spec, modules))
    except ModuleNotFoundError:  # what they are part of
        return False


def _slack(settings: Settings) -> Iterator[str]:
    if not settings.slack_signing_secret:
        yield (
            "SLACK_SIGNING_SECRET is missing: without it anybody could pretend to be Slack. It is under Basic "
            "Information, App Credentials, on api.slack.com/apps."
        )
    oauth = settings.slack_client_id or settings.slack_client_secret
    if settings.slack_bot_token and oauth:
        yield (
            "SLACK_BOT_TOKEN is for one workspace, SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are for many: keep the one "
            "or the other."
        )
    elif oauth:
        yield from _slack_oauth(settings)
    elif not settings.slack_bot_token:
        yield (
            "SLACK_BOT_TOKEN is missing (OAuth & Permissions on api.slack.com/apps); or, for many workspaces, "
            "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET."
        )
    if settings.slack_bot_token and not settings.slack_bot_token.get_secret_value().startswith("xoxb-"):
        yield "SLACK_BOT_TOKEN is not the token of a bot, which begins with xoxb-."
    if settings.slack_app_token and not settings.slack_app_token.get_secret_value().startswith("xapp-"):
        yield "SLACK_APP_TOKEN is not an app-level token, which begins with xapp-."
    yield from _address("SLACK_API_URL", settings.slack_api_url)


def _slack_oauth(settings: Settings) -> Iterator[str]:
    for name in ("slack_client_id", "slack_client_secret"):
        if not getattr(settings, name):
            yield f"{name.upper()} is missing: the two are found together on api.slack.com/apps, Basic Information."
    if not settings.encryption_keys:
        yield (
            "TOKEN_ENCRYPTION_KEY is missing: the tokens of installed workspaces are stored encrypted. "
            f"Make one with: {NEW_KEY}"
        )
    if not settings.public_url:
        yield "PUBLIC_URL is missing: Slack sends those who install the app back to it. Give https://YOUR.DOMAIN."


def _teams(settings: Settings) -> Iterator[str]:
    open_door = settings.dangerously_allow_unauthenticated_teams
    if open_door and not is_loopback(settings.host):
        yield (
            "DANGEROUSLY_ALLOW_UNAUTHENTICATED_TEAMS lets anybody in who reaches the server, so that HOST must be "
            "127.0.0.1. Take the one out or change the other."
        )
    if not open_door or any(getattr(settings, name) for name in _TEAMS):
        yield from _teams_identity(settings)
    for name in ("teams_token_issuer", "teams_openid_metadata_url", "teams_login_url"):
        yield from _address(name.upper(), getattr(settings, name))


def _teams_identity(settings: Settings) -> Iterator[str]:
    if not settings.microsoft_app_type:
        yield (
            "MICROSOFT_APP_TYPE is missing: SingleTenant, or UserAssignedMSI for a managed identity in Azure. "
            "(MultiTenant bots can no longer be created.)"
        )
    wanted = ["microsoft_app_id", "microsoft_app_tenant_id"]
    if settings.microsoft_app_type == "SingleTenant":
        wanted.append("microsoft_app_password")
    for name in wanted:
        if not getattr(settings, name):
            yield f"{name.upper()} is missing: it is under Configuration of the Azure Bot, on portal.azure.com."


def _address(name: str, url: str) -> Iterator[str]:
    """What crosses a network must be encrypted; on this very machine it need not be."""
    parts = _whole(url)
    if parts is None:
        yield f"{name}: give a whole address, https://…"
    elif parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        yield f"{name}: give an address that begins with https://; http:// is for localhost alone."


def _whole(url: str) -> SplitResult | None:
    """Return the parts of an address of the web, None when it is not one."""
    try:
        parts = urlsplit(url)
        return parts if parts.scheme in {"http", "https"} and parts.hostname else None
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Return whether nobody but this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _told(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
