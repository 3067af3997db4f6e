"""Both simulators with three people, their channels and chats, and the running app installed in each."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from secrets import token_hex
from typing import Any, Protocol

from adapters.playground.simulator import Json
from adapters.playground.slack.models import AppSettings, Workspace
from adapters.playground.slack.models import User as SlackUser
from adapters.playground.slack.server import SlackSimulator
from adapters.playground.slack.user_actions import SlackUserActions
from adapters.playground.teams.models import User as TeamsUser
from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.user_actions import TeamsUserActions
from adapters.playground.traffic_log import APP, MAX_ENTRIES, TrafficLog
from dialogs.translations import Translations, default_language, language_for_locale, translations

PEOPLE = (("lea", "Léa Martin", "fr-FR"), ("tom", "Tom Baker", "en-GB"), ("ines", "Inès Diallo", "fr-FR"))


class RunningApp(Protocol):
    """The running app. `url`: its base URL."""

    url: str

    async def restart(self) -> None:
        """Drain and restart it on the same database; `url` may change."""
        ...


Serve = Callable[[Mapping[str, str]], AbstractAsyncContextManager[RunningApp]]
"""Run the app with these settings until the context ends."""


class ActionError(Exception):
    """The action is not possible. The text is for the person, in their language."""


@dataclass
class Person:
    """A person on both platforms."""

    key: str
    name: str
    slack: SlackUser
    teams: TeamsUser

    @property
    def locale(self) -> str:
        return self.slack.locale

    @property
    def t(self) -> Translations:
        return translations(language_for_locale(self.locale) or default_language())


@dataclass
class Sandbox:
    """Both simulators and the app."""

    slack: SlackSimulator
    workspace: Workspace
    slack_user_actions: SlackUserActions
    teams: TeamsSimulator
    teams_user_actions: TeamsUserActions
    people: dict[str, Person]
    app: RunningApp
    commands: tuple[str, ...]
    """The slash commands of the manifest."""
    id: str = field(default_factory=token_hex)
    """Another one after each reset. The platforms' ids may be the same again."""

    async def set_locale(self, person: Person, locale: str) -> None:
        """Change the person's language on both platforms.

        Restart the app, which otherwise asks Slack for the language only once an hour.
        """
        person.slack.locale = person.teams.locale = locale
        await self.app.restart()
        self.slack_user_actions.app_url = self.app.url
        self.teams_user_actions.endpoint = f"{self.app.url}/api/messages"

    def trim_records(self) -> None:
        """Limit what the simulators record to MAX_ENTRIES."""
        slack: tuple[list[Any], ...] = (self.slack_user_actions.exchanges, self.slack.calls)
        teams = (self.teams_user_actions.exchanges, self.teams.calls, self.teams.violations, self.teams.typing)
        for records in (*slack, *teams):
            del records[:-MAX_ENTRIES]


@asynccontextmanager
async def open_sandbox(serve: Serve, traffic: TrafficLog, manifest: Json) -> AsyncIterator[Sandbox]:
    """Start both simulators and the app, and install it, until the context ends.

    `manifest`: the Slack app manifest, with the app's scopes and events.
    """
    async with AsyncExitStack() as stack:
        events = frozenset(manifest["settings"]["event_subscriptions"]["bot_events"])
        app_settings = AppSettings(signing_secret=token_hex(16), events=events)
        slack = await stack.enter_async_context(
            SlackSimulator(limits=True, burst=5, app=app_settings, middlewares=[traffic.middleware("Slack")])
        )
        teams = await stack.enter_async_context(
            TeamsSimulator(app_password=token_hex(16), bot_name=APP, middlewares=[traffic.middleware("Teams")])
        )
        workspace = slack.add_workspace("Fabrique")
        token = slack.install(workspace, manifest["oauth_config"]["scopes"]["bot"]).value
        workspace.bot.name = APP
        people = {
            key: Person(key, name, workspace.add_user(key, locale=locale, real_name=name), teams.add_user(name, locale))
            for key, name, locale in PEOPLE
        }
        everybody = [person.slack for person in people.values()]
        workspace.add_channel("marketing", members=[*everybody, workspace.bot])
        for user in everybody:
            workspace.im(user)
        workspace.channel("general").members.add(workspace.bot.id)
        settings = {
            "SLACK_SIGNING_SECRET": slack.app.signing_secret,
            "SLACK_BOT_TOKEN": token,
            "SLACK_API_URL": slack.api_url,
        }
        app = await stack.enter_async_context(serve(settings | teams.settings()))
        slack_user_actions = SlackUserActions(slack, app.url, workspace)
        slack_user_actions.retries = True
        teams_user_actions = TeamsUserActions(teams, f"{app.url}/api/messages")
        slack_user_actions.on_exchange.append(partial(traffic.add_exchange, "Slack", slack_user_actions.path))
        teams_user_actions.on_exchange.append(partial(traffic.add_exchange, "Teams", "/api/messages"))
        commands = tuple(command["command"] for command in manifest["features"]["slash_commands"])
        sandbox = Sandbox(slack, workspace, slack_user_actions, teams, teams_user_actions, people, app, commands)
        await _install(sandbox)
        yield sandbox


async def _install(sandbox: Sandbox) -> None:
    """Install the app in Teams; it sends its welcome messages."""
    first, *_ = sandbox.people.values()
    everybody = [person.teams for person in sandbox.people.values()]
    team = sandbox.teams.add_team("Marketing", everybody, channels=["Campaigns"])
    group = sandbox.teams.add_group_chat("Plans 2027", everybody)
    await sandbox.teams_user_actions.install(first.teams, team)
    await sandbox.teams_user_actions.install(first.teams, group)
    for person in sandbox.people.values():
        await sandbox.teams_user_actions.install(person.teams, sandbox.teams.personal(person.teams))
