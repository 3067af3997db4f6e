"""Settings from the environment, ``.env`` and ``/run/secrets``.

This is the only place that reads them. All problems are reported at once, in sentences, without secrets.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet
from pydantic import ValidationError

from bot.setting_values import is_guid, is_loopback, split_url
from bot.settings_model import GROUPS, SECRETS, TEAMS, Settings, secret_value
from dialogs.translations import languages

__all__ = [
    "GROUPS",
    "NEW_KEY",
    "InvalidSettings",
    "Settings",
    "find_problems",
    "find_unreadable_files",
    "is_loopback",
    "load_settings",
    "print_problems",
    "readable_settings",
    "secret_value",
]

NEW_KEY = "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
ENV_FILE = ".env"
AZURE_PAGE = "it is under Configuration of the Azure Bot, on portal.azure.com."
SLACK_PAGE = "it is under Basic Information on api.slack.com/apps."


class InvalidSettings(Exception):
    """The settings cannot be used. `problems`: one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_settings(*, platforms: bool = True, env_file: Path | str | None = ENV_FILE) -> Settings:
    """Return the settings of this process. Raises `InvalidSettings`.

    `platforms`: also check the settings of Slack, Teams and tracing.
    """
    if problems := [*find_unreadable_files(env_file)]:
        raise InvalidSettings(problems)
    settings, unreadable = _read(_env_file=env_file)
    others = find_problems(settings) if platforms else [*_common(settings)]
    # A setting that cannot be read is not reported as missing, too.
    problems = [*unreadable.values(), *(other for other in others if name_of(other).lower() not in unreadable)]
    if problems:
        raise InvalidSettings(problems)
    return settings


def readable_settings(**overrides: str | None) -> Settings:
    """Return the settings, with defaults for those that cannot be read. `overrides`: ignored when empty."""
    values: dict[str, Any] = {name: value for name, value in overrides.items() if value}
    if [*find_unreadable_files()]:
        values |= {"_env_file": None, "_secrets_dir": None}
    return _read(**values)[0]


def _read(**values: Any) -> tuple[Settings, dict[str, str]]:
    """Return the settings, and a sentence for each one that cannot be read. These have their defaults."""
    try:
        return Settings(**values), {}
    except ValidationError as error:
        unreadable = {str(fault["loc"][0]): _describe(fault) for fault in error.errors(include_input=False)}
        defaults: dict[str, Any] = {name: Settings.model_fields[name].default for name in unreadable}
        return Settings(**(values | defaults)), unreadable


def _describe(fault: Any) -> str:
    message = fault["msg"].removeprefix("Value error, ")
    return f"{str(fault['loc'][0]).upper()}: {message[0].lower()}{message[1:]}."


def find_unreadable_files(env_file: Path | str | None = ENV_FILE) -> Iterator[str]:
    """Yield a sentence for each file that is not text in UTF-8, or that this user may not read."""
    files = [Path(env_file)] if env_file else []
    if SECRETS.is_dir():
        files += [path for path in SECRETS.iterdir() if path.name.lower() in Settings.model_fields]
    for path in files:
        try:
            if path.is_file() and "\0" in path.read_bytes().decode():
                raise UnicodeError
        except UnicodeError:
            yield f"{path} cannot be read: it is not text in UTF-8. Save it again with that encoding."
        except OSError as error:
            yield f"{path} cannot be read: {error.strerror}. The user that runs this must be allowed to read it."


def name_of(problem: str) -> str:
    """Return the setting that a problem begins with."""
    return problem.partition(" ")[0].rstrip(":")


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
    if settings.default_language not in languages():
        yield f"DEFAULT_LANGUAGE: there are no texts in that language. Choose one of {', '.join(languages())}."
    if settings.public_url and re.search(r"[?#]|/slack/|/api/messages$", settings.public_url):
        yield "PUBLIC_URL: give only the address of this server, without what the platforms add to it."
    if not (settings.support_url or "").startswith("mailto:"):
        yield from _check_urls(settings, "support_url")
    if settings.metrics_port == settings.port:
        yield "METRICS_PORT: give another port than PORT: the metrics must not be public."
    try:
        url = sa.make_url(settings.sqlalchemy_url)
        backend = "" if "@" in (url.host or "") else url.get_backend_name()
        if backend == "sqlite":
            url.get_dialect()().create_connect_args(url)  # raises for options that it cannot read
    except (sa.exc.ArgumentError, ValueError):
        backend = ""
    if backend not in {"sqlite", "postgresql"}:
        yield (
            "DATABASE_URL: give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME. In the password, write "
            "%40 for @ and %25 for %."
        )
    for number, key in enumerate(settings.encryption_keys, 1):
        try:
            Fernet(key)
        except ValueError:
            yield f"TOKEN_ENCRYPTION_KEY: key {number} is not a Fernet key. Make one with: {NEW_KEY}"


def _tracing(settings: Settings) -> Iterator[str]:
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint and not split_url(endpoint):
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
        yield from _missing(settings, SLACK_PAGE, "slack_client_id", "slack_client_secret")
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
    forms = {
        "slack_signing_secret": (
            r"[0-9a-f]{32}",
            f"is not a signing secret, which has 32 digits and letters a to f: {SLACK_PAGE}",
        ),
        "slack_bot_token": (r"xoxb-[\w-]+", "is not the token of a bot, which begins with xoxb-."),
        "slack_app_token": (r"xapp-[\w-]+", "is not an app-level token, which begins with xapp-."),
        "slack_client_id": (
            r"\d+\.\d+",
            f"is not a client id, which is two numbers with a dot between them: {SLACK_PAGE}",
        ),
        "slack_client_secret": (r"(?!xox|xapp)[\w-]+", f"is not a client secret: {SLACK_PAGE}"),
    }
    if (secret_value(settings.slack_bot_token) or "").startswith("xoxe.xoxb-"):
        yield "SLACK_BOT_TOKEN expires. Set SLACK_CLIENT_ID and SLACK_CLIENT_SECRET instead, and install the app."
        del forms["slack_bot_token"]
    yield from _check_forms(settings, forms)
    if split_url(settings.slack_api_url) and not settings.slack_api_url.endswith("/api/"):
        yield "SLACK_API_URL: give the address of the Web API, such as https://slack.com/api/."
    yield from _check_urls(settings, "slack_api_url")


def _teams(settings: Settings) -> Iterator[str]:
    unauthenticated = settings.dangerously_allow_unauthenticated_teams
    if unauthenticated and not is_loopback(settings.host):
        yield (
            "DANGEROUSLY_ALLOW_UNAUTHENTICATEDTEAMS accepts requests from everybody, so that HOST must be "
            "127.0.0.1. Remove the former or change the latter."
        )
    if not unauthenticated or any(getattr(settings, name) for name in TEAMS):
        hint = (
            "SingleTenant, or UserAssignedMSI for a managed identity in Azure. "
            "(MultiTenant bots can no longer be created.)"
        )
        yield from _missing(settings, hint, "microsoft_app_type")
        secret = ["microsoft_app_password"] if settings.microsoft_app_type == "SingleTenant" else []
        yield from _missing(settings, AZURE_PAGE, "microsoft_app_id", "microsoft_app_tenant_id", *secret)
    guids = [(name, getattr(settings, name)) for name in ("microsoft_app_id", "microsoft_app_tenant_id")]
    for name, value in [*guids, *(("allowed_tenants", tenant) for tenant in settings.allowed_tenants)]:
        if value and not is_guid(value):
            example = "12345678-1234-1234-1234-123456789abc"
            yield f"{name.upper()}: {value:.60} is not a GUID, such as {example}: {AZURE_PAGE}"
    password = secret_value(settings.microsoft_app_password) or ""
    if is_guid(password) and "-" in password:
        yield "MICROSOFT_APP_PASSWORD is the id of a secret. Give the secret's value, which Azure shows only once."
    for host in settings.teams_service_url_hosts:
        if not re.fullmatch(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?", host):
            yield f"TEAMS_SERVICE_URL_HOSTS: {host:.60} is not the name of a host, such as smba.trafficmanager.net."
    yield from _check_urls(settings, "teams_login_url", "teams_token_resource", "teams_token_issuer")
    yield from _check_urls(settings, "teams_openid_metadata_url")


def _check_forms(settings: Settings, forms: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Yield a sentence for each setting that does not match. `forms`: pattern and end of the sentence by name."""
    for name, (pattern, sentence) in forms.items():
        value = getattr(settings, name)
        text = value if isinstance(value, str) else secret_value(value)
        if text and not re.fullmatch(pattern, text, re.ASCII):
            yield f"{name.upper()} {sentence}"


def _check_urls(settings: Settings, *names: str) -> Iterator[str]:
    for name in names:
        if not (url := getattr(settings, name)):
            continue
        parts = split_url(url)
        if parts is None:
            yield f"{name.upper()}: give a complete URL, https://…"
        elif parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield f"{name.upper()}: give a URL that begins with https://; http:// is only for localhost."


def print_problems(*sentences: str) -> int:
    """Print why a command cannot start. Return its exit status."""
    print("cm-advisor cannot start:", *(f"  - {sentence}" for sentence in sentences), sep="\n", file=sys.stderr)
    return 2
