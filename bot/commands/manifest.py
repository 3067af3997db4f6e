"""``cm-advisor manifest``: Slack's app manifest and Teams' app package, for an administrator to upload."""

import json
import sys
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from bot.setting_values import split_url
from bot.settings import find_unreadable_files, readable_settings

INVALID = 2
_FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_INVALID_ID = (
    "MICROSOFT_APP_ID (or --app-id) must be the bot's id, a GUID: Configuration of the Azure Bot, portal.azure.com."
)
_INVALID_URL = "PUBLIC_URL (or --public-url) must be the https:// URL at which the platform reaches this server."
_NEXT_STEPS = """{path} is written. Next steps:
  1. On portal.azure.com, in the Azure Bot's Configuration, set the messaging endpoint to {url}/api/messages
     and, under Channels, add Microsoft Teams.
  2. On admin.teams.microsoft.com, under Teams apps, Manage apps, choose Upload new app; to try it alone, in
     Teams under Apps, Manage your apps, Upload an app."""


def slack(arguments: Namespace) -> int:
    """Print the app manifest. Return the exit status."""
    from adapters.slack.manifest import build_manifest

    if problems := [*find_unreadable_files()]:
        return _fail(*problems)
    settings = readable_settings(public_url=arguments.public_url)
    url = settings.public_url
    if url and not (url.startswith("https://") and split_url(url)):
        return _fail(_INVALID_URL)
    if not url:
        print("Without PUBLIC_URL (or --public-url) this is the manifest for Socket Mode.", file=sys.stderr)
    print(json.dumps(build_manifest(url, socket_mode=settings.slack_app_token is not None), indent=2))
    return 0


def teams(arguments: Namespace) -> int:
    """Write the app package. Return the exit status."""
    from adapters.teams.app_package import build_package

    if problems := [*find_unreadable_files()]:
        return _fail(*problems)
    settings = readable_settings(microsoft_app_id=arguments.app_id, public_url=arguments.public_url)
    id, url = settings.microsoft_app_id or "", settings.public_url or ""
    try:
        UUID(id)
    except ValueError:
        problems.append(_INVALID_ID)
    if not url.startswith("https://"):
        problems.append(_INVALID_URL)
    if problems:
        return _fail(*problems)
    try:
        path = build_package(Path(arguments.out), id, url, version=_version(datetime.now(UTC)))
    except ValueError:
        return _fail(_INVALID_URL)
    except OSError as error:
        return _fail(f"{arguments.out} cannot be written: {error.strerror}.")
    print(_NEXT_STEPS.format(path=path, url=url))
    return 0


def _version(now: datetime) -> str:
    """Return a version that grows: Teams accepts no second package of the same version."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return f"1.{(now - _FIRST_DAY).days}.{(now - midnight).seconds // 2}"


def _fail(*sentences: str) -> int:
    print(*sentences, sep="\n", file=sys.stderr)
    return INVALID
