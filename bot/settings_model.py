"""The settings: names, defaults, meanings and types. `bot.settings` loads and checks them.

`HOST` defaults to 127.0.0.1: behind a tunnel, a laptop opens no port to the network. The container sets 0.0.0.0.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.setting_values import (
    clean,
    find_invisible,
    guid,
    host_of,
    split_names,
    with_slash,
    without_slash,
    without_tenant,
)
from dialogs.translations import FIRST_LANGUAGE, languages

SECRETS = Path("/run/secrets")
GROUPS = {
    "host": "Server",
    "log_level": "Logs, metrics, traces",
    "slack_signing_secret": "Slack",
    "microsoft_app_id": "Teams",
}
"""Headings of the settings table, by the first setting below each."""
SLACK = ("slack_signing_secret", "slack_bot_token", "slack_client_id", "slack_client_secret", "slack_app_token")
TEAMS = ("microsoft_app_id", "microsoft_app_password", "microsoft_app_type", "microsoft_app_tenant_id")
"""Each of them configures its platform."""


def _spelled(*names: str) -> BeforeValidator:
    """Accept any case of these names."""
    by_lower_case = {name.lower(): name for name in names}
    return BeforeValidator(lambda value: by_lower_case.get(value.lower(), value) if isinstance(value, str) else value)


Guid = Annotated[str, AfterValidator(guid)]
Guids = Annotated[tuple[Guid, ...], NoDecode, BeforeValidator(split_names)]
Host = Annotated[str, AfterValidator(lambda host: host.strip("[]"))]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(host_of)], ...], NoDecode, BeforeValidator(split_names)]
BaseUrl = Annotated[str, AfterValidator(without_slash)]
LoginUrl = Annotated[str, AfterValidator(without_tenant)]
MethodsUrl = Annotated[str, AfterValidator(with_slash)]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], _spelled("DEBUG", "INFO", "WARNING", "ERROR")]
LogFormat = Annotated[Literal["json", "text"], _spelled("json", "text")]
AppType = Annotated[Literal["SingleTenant", "UserAssignedMSI"], _spelled("SingleTenant", "UserAssignedMSI")]


class Settings(BaseSettings):
    """All settings. Environment variables have the same names in upper case. An empty value counts as not set."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8-sig",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        # Secrets of a container, one file each. Environment variables take precedence.
        secrets_dir=SECRETS if SECRETS.is_dir() else None,
    )

    host: Host = Field("127.0.0.1", description="address to listen on; the container sets 0.0.0.0")
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
    default_language: Annotated[str, _spelled(*languages())] = Field(
        FIRST_LANGUAGE, description="language for people whose own is not available: `fr` or `en`"
    )
    retention_days: int = Field(180, ge=1, le=36_500, description="how long a check is stored")
    idle_days: int = Field(14, ge=1, le=36_500, description="days without an answer after which a dialog expires")
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
    log_format: LogFormat = Field("text", description="format of the log; `json`: one object per line")
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
    slack_api_url: MethodsUrl = Field("https://slack.com/api/", description="Slack's Web API")

    microsoft_app_id: Guid | None = Field(None, description="the Azure Bot's app id")
    microsoft_app_password: SecretStr | None = Field(None, description="a client secret's value, for SingleTenant")
    microsoft_app_type: AppType | None = Field(
        None, description="an app registration with a secret, or a managed identity in Azure"
    )
    microsoft_app_tenant_id: Guid | None = Field(None, description="the tenant that the bot belongs to")
    allowed_tenants: Guids = Field(
        (), description="tenants that may use the bot, separated by commas; empty: the bot's own"
    )
    teams_service_url_hosts: Hosts = Field(
        ("smba.trafficmanager.net",), description="hosts that the bot sends messages to"
    )
    teams_login_url: LoginUrl = Field("https://login.microsoftonline.com", description="issues the bot's token")
    teams_token_resource: BaseUrl | None = Field(
        None, description="what the bot's token is for; by default the same as `TEAMS_TOKEN_ISSUER`"
    )
    teams_token_issuer: BaseUrl = Field("https://api.botframework.com", description="issuer of Microsoft's own tokens")
    teams_openid_metadata_url: str = Field(
        "https://login.botframework.com/v1/.well-known/openidconfiguration",
        description="where Microsoft publishes the keys of these tokens",
    )
    dangerously_allow_unauthenticated_teams: bool = Field(
        False, description="accepts unauthenticated requests; only with a loopback `HOST`"
    )

    @property
    def slack(self) -> bool:
        """Whether anything of Slack is set."""
        return any(getattr(self, name) for name in SLACK)

    @property
    def teams(self) -> bool:
        """Whether anything of Teams is set."""
        return self.dangerously_allow_unauthenticated_teams or any(getattr(self, name) for name in TEAMS)

    @property
    def sqlalchemy_url(self) -> str:
        """The URL of the database, with the driver that is installed."""
        url = self.database_url.get_secret_value()
        scheme, separator, rest = url.partition("://")
        dialect = scheme.partition("+")[0].lower()
        dialect = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}.get(dialect, dialect)
        return f"{dialect}{separator}{rest}" if separator else url

    @property
    def teams_resource(self) -> str:
        """What the bot's token is for. In every cloud of Microsoft it is also the issuer of Microsoft's tokens."""
        return self.teams_token_resource or self.teams_token_issuer

    @property
    def encryption_keys(self) -> tuple[str, ...]:
        """The Fernet keys. The first one encrypts."""
        return split_names(secret_value(self.token_encryption_key) or "")

    @model_validator(mode="before")
    @classmethod
    def _clean(cls, values: Any) -> Any:
        """Clean every value. One that is empty then counts as not set."""
        if not isinstance(values, dict):
            return values
        cleaned = {name: clean(value) if isinstance(value, str) else value for name, value in values.items()}
        return {name: value for name, value in cleaned.items() if value != ""}

    @field_validator("*", mode="before")
    @classmethod
    def _check_characters(cls, value: Any) -> Any:
        if isinstance(value, str) and (invisible := find_invisible(value)):
            raise ValueError(f"contains a character that cannot be seen ({invisible}): type the value again")
        return value


def secret_value(secret: SecretStr | None) -> str | None:
    """Return a secret in plain text."""
    return secret.get_secret_value() if secret else None
