"""A small company in both stand-ins: three people, their channels and chats, and the app installed in each."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from adapters.playground.standins.slack import SlackStandIn
from adapters.playground.standins.slack_state import User as SlackUser
from adapters.playground.standins.slack_state import Workspace
from adapters.playground.standins.slack_user import SlackUserSide
from adapters.playground.standins.teams import Conversation, TeamsStandIn
from adapters.playground.standins.teams import User as TeamsUser
from adapters.playground.standins.teams_user import TeamsUsers
from adapters.playground.wire import Wire

APP = "CM Advisor"
PEOPLE = (("lea", "Léa Martin", "fr-FR"), ("tom", "Tom Baker", "en-GB"), ("ines", "Inès Diallo", "fr-FR"))

Serve = Callable[[Mapping[str, str]], AbstractAsyncContextManager[str]]
"""Serves the app with these settings while it is open; gives its address."""


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

    @locale.setter
    def locale(self, locale: str) -> None:
        self.slack.locale = self.teams.locale = locale


@dataclass
class World:
    """Both platforms, with the app behind them."""

    slack: SlackStandIn
    workspace: Workspace
    hands: SlackUserSide
    teams: TeamsStandIn
    users: TeamsUsers
    people: dict[str, Person]

    def conversations(self, person: Person) -> list[Conversation]:
        """The person's places in Teams."""
        (team,) = self.teams.teams
        return [*team.channels, *(chat for chat in self.teams.chats if person.teams in chat.members)]


@asynccontextmanager
async def open_world(serve: Serve, wire: Wire) -> AsyncIterator[World]:
    """Start both stand-ins and the app, and install it; all of it ends with the context."""
    async with AsyncExitStack() as stack:
        slack = SlackStandIn(limits=True, burst=5, middlewares=[wire.listen("Slack", _read)])
        await slack.start()
        stack.push_async_callback(slack.stop)
        teams = TeamsStandIn(bot_name=APP, middlewares=[wire.listen("Teams", _read)])
        await stack.enter_async_context(teams)
        workspace = slack.add_workspace("Fabrique")
        token = slack.install(workspace).value
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
        url = await stack.enter_async_context(serve(settings | teams.settings()))
        hands = slack.hands(url, workspace)
        hands.retries = True
        users = await stack.enter_async_context(TeamsUsers(teams, f"{url}/api/messages"))
        hands.on_ack.append(
            lambda ack: wire.note(
                ("Slack", APP),
                hands.path,
                _kind(ack.payload, ack.kind),
                ack.status,
                ack.seconds,
                ack.payload,
                ack.answer,
            )
        )
        users.on_answer.append(
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
        world = World(slack, workspace, hands, teams, users, people)
        await _install(world)
        yield world


async def _install(world: World) -> None:
    """Teams tells the app where it was added, and the app says hello there."""
    first, *_ = world.people.values()
    everybody = [person.teams for person in world.people.values()]
    team = world.teams.add_team("Marketing", everybody, channels=["Campaigns"])
    group = world.teams.add_group_chat("Plans 2027", everybody)
    await world.users.install(first.teams, team)
    await world.users.install(first.teams, group)
    for person in world.people.values():
        await world.users.install(person.teams, world.teams.personal(person.teams))


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
