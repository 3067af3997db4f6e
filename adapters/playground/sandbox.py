"""A small company in both stand-ins: three people, their channels and chats, and the app installed in each."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Protocol
from urllib.parse import parse_qsl

from adapters.playground.slack.models import AppSettings, Workspace
from adapters.playground.slack.models import User as SlackUser
from adapters.playground.slack.server import SlackSimulator
from adapters.playground.slack.user_actions import SlackUserActions
from adapters.playground.teams.models import Conversation
from adapters.playground.teams.models import User as TeamsUser
from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.user_actions import TeamsUserActions
from adapters.playground.traffic_log import MAX_ENTRIES, TrafficLog
from dialogs.translations import DEFAULT_LANGUAGE, Translations, language_for_locale, translations

Json = dict[str, Any]

APP = "CM Advisor"
PEOPLE = (("lea", "Léa Martin", "fr-FR"), ("tom", "Tom Baker", "en-GB"), ("ines", "Inès Diallo", "fr-FR"))


class RunningApp(Protocol):
    """The app, running. `url`: its address."""

    url: str

    async def restart(self) -> None:
        """Run it anew on the same database, perhaps at another address; what it was doing is finished first."""
        ...


Serve = Callable[[Mapping[str, str]], AbstractAsyncContextManager[RunningApp]]
"""Serves the app with these settings while it is open."""


class ActionError(Exception):
    """A person cannot do that there. The words are for them, in their language."""


@dataclass
class Person:
    """One person, on both platforms."""

    key: str
    name: str
    slack: SlackUser
    teams: TeamsUser

    @property
    def locale(self) -> str:
        return self.slack.locale

    @property
    def t(self) -> Translations:
        return translations(language_for_locale(self.locale) or DEFAULT_LANGUAGE)


@dataclass
class Sandbox:
    """Both platforms, with the app behind them."""

    slack: SlackSimulator
    workspace: Workspace
    slack_user_actions: SlackUserActions
    teams: TeamsSimulator
    teams_user_actions: TeamsUserActions
    people: dict[str, Person]
    served: RunningApp
    commands: tuple[str, ...]
    """The slash commands there are."""

    async def speak(self, person: Person, locale: str) -> None:
        """The person changes their language on both platforms.

        The app asks Slack for it once an hour; here it is run anew, for nobody would wait that long.
        """
        person.slack.locale = person.teams.locale = locale
        await self.served.restart()
        self._connect()

    def _connect(self) -> None:
        self.slack_user_actions.app_url = self.served.url
        self.teams_user_actions.endpoint = f"{self.served.url}/api/messages"

    def forget(self) -> None:
        """Keep no more of what went by than the wire does."""
        slack: tuple[list[Any], ...] = (self.slack_user_actions.exchanges, self.slack.calls)
        teams = (self.teams_user_actions.exchanges, self.teams.calls, self.teams.violations, self.teams.typing)
        for notes in (*slack, *teams):
            del notes[:-MAX_ENTRIES]

    def conversations(self, person: Person) -> list[Conversation]:
        """The person's places in Teams."""
        return [place for place in self.teams.places.values() if person.teams in place.members]


@asynccontextmanager
async def open_sandbox(serve: Serve, wire: TrafficLog, manifest: Json) -> AsyncIterator[Sandbox]:
    """Start both stand-ins and the app, and install it; all of it ends with the context.

    `manifest`: Slack's, whose scopes and events are all the app gets.
    """
    async with AsyncExitStack() as stack:
        events = frozenset(manifest["settings"]["event_subscriptions"]["bot_events"])
        told = AppSettings(signing_secret=token_hex(16), events=events)
        slack = SlackSimulator(limits=True, burst=5, app=told, middlewares=[wire.listen("Slack", _read)])
        await slack.start()
        stack.push_async_callback(slack.stop)
        teams = TeamsSimulator(app_password=token_hex(16), bot_name=APP, middlewares=[wire.listen("Teams", _read)])
        await stack.enter_async_context(teams)
        workspace = slack.add_workspace("Fabrique")
        token = slack.install(workspace, manifest["oauth_config"]["scopes"]["bot"]).value
        bot = workspace.user("cm-advisor")
        bot.name = APP
        people = {
            key: Person(key, name, workspace.add_user(key, locale=locale, real_name=name), teams.add_user(name, locale))
            for key, name, locale in PEOPLE
        }
        everybody = [person.slack for person in people.values()]
        workspace.add_channel("marketing", members=[*everybody, bot])
        for one in everybody:
            workspace.im(one)
        workspace.channel("general").members.add(bot.id)
        settings = {
            "SLACK_SIGNING_SECRET": slack.app.signing_secret,
            "SLACK_BOT_TOKEN": token,
            "SLACK_API_URL": slack.api_url,
        }
        served = await stack.enter_async_context(serve(settings | teams.settings()))
        slack_user_actions = SlackUserActions(slack, served.url, workspace)
        slack_user_actions.retries = True
        teams_user_actions = TeamsUserActions(teams, f"{served.url}/api/messages")
        slack_user_actions.on_exchange.append(
            lambda ack: wire.note(
                ("Slack", APP),
                slack_user_actions.path,
                _kind(ack.payload, ack.kind),
                ack.status,
                ack.seconds,
                ack.payload,
                ack.answer,
            )
        )
        teams_user_actions.on_exchange.append(
            lambda answer: wire.note(
                ("Teams", APP),
                "/api/messages",
                answer.activity.get("name") or answer.activity["type"],
                answer.status or None,
                answer.seconds,
                answer.activity,
                answer.body,
            )
        )
        commands = tuple(each["command"] for each in manifest["features"]["slash_commands"])
        sandbox = Sandbox(slack, workspace, slack_user_actions, teams, teams_user_actions, people, served, commands)
        await _install(sandbox)
        yield sandbox


async def _install(sandbox: Sandbox) -> None:
    """Teams tells the app where it was added, and the app says hello there."""
    first, *_ = sandbox.people.values()
    everybody = [person.teams for person in sandbox.people.values()]
    team = sandbox.teams.add_team("Marketing", everybody, channels=["Campaigns"])
    group = sandbox.teams.add_group_chat("Plans 2027", everybody)
    await sandbox.teams_user_actions.install(first.teams, team)
    await sandbox.teams_user_actions.install(first.teams, group)
    for person in sandbox.people.values():
        await sandbox.teams_user_actions.install(person.teams, sandbox.teams.personal(person.teams))


def _kind(payload: Mapping[str, Any], kind: str) -> str:
    event = payload.get("event") or {}
    return str(event.get("type") or payload.get("command") or payload.get("type") or kind)


def _read(body: Any) -> Any:
    """Read what a stand-in was sent, or answered: JSON, or a form whose fields may be JSON."""
    text = bytes(body).decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return {key: _json(value) for key, value in parse_qsl(text)} or text


def _json(value: str) -> Any:
    try:
        return json.loads(value) if value[:1] in "[{" else value
    except ValueError:
        return value
