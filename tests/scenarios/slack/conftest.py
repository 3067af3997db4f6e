"""The application beside a strict simulator of Slack, both over HTTP on this machine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from adapters.playground.slack.models import Channel, Message, User, View, Workspace
from adapters.playground.slack.server import SlackSimulator
from adapters.playground.slack.user_actions import Exchange, SlackUserActions
from adapters.slack import SCOPES
from dialogs.translations import translations
from tests.app_server import make_settings, start
from tests.scenarios.scene import LOCALES, BaseScene, adapter_busy

Blocks = Message | View


@dataclass(kw_only=True)
class Scene(BaseScene):
    """A workspace with two users and two channels, and the app installed."""

    slack: SlackSimulator
    team: Workspace
    anna: User
    ben: User
    marketing: Channel
    secret: Channel
    user_actions: SlackUserActions

    def sees(self, user: User, channel: Channel) -> list[Message]:
        """What the app wrote that this person sees there, oldest first."""
        return [each for each in self.slack.visible_to(user, channel) if each.bot_id]

    def card(self, user: User, channel: Channel) -> Message:
        """The latest of those with a button."""
        return next(each for each in reversed(self.sees(user, channel)) if each.buttons())

    def reads(self, user: User, channel: Channel, translations: str) -> bool:
        return any(translations in line for each in self.sees(user, channel) for line in each.texts())

    async def settle(self) -> None:
        """Wait until what was acknowledged is done, by the adapter and by Slack."""

        await asyncio.sleep(0.005)
        idle = lambda: not self.slack.in_flight and not adapter_busy()  # noqa: E731
        await self.slack.wait_for(idle, timeout=20, what="everything to be done")

    async def press(self, user: User, where: Blocks, id: str) -> Exchange:
        """Press the button `label.<id>`, or with these words, and wait until all is done."""
        label = self.label(id) if f"label.{id}" in self.t else id
        ack = await self.user_actions.press(user, where, label)
        await self.settle()
        return ack

    async def slash(self, user: User, channel: Channel, typed: str = "") -> Message:
        ack = await self.user_actions.slash(user, channel, typed)
        await self.settle()
        assert ack.ok, ack.error
        # On a machine that is too busy the answer comes by the response URL.
        return ack.message or self.sees(user, channel)[-1]

    async def tell(self, user: User, typed: str) -> Message:
        """A direct message; returns what the app wrote last."""
        ack = await self.user_actions.direct_message(user, typed)
        await self.settle()
        assert ack.ok, ack.error
        return self.sees(user, self.team.im(user))[-1]

    async def answer_all(self, user: User, card: Message, answers: dict[str, str]) -> Message:
        """Press an option after the other on a card that is edited in place."""
        for question, option in answers.items():
            await self.press(user, card, self.option(question, option))
        return card

    async def posted(self, channel: Channel) -> Message:
        """Wait for the post in the channel and return it."""
        label = self.t("label.details")
        wanted = lambda: [each for each in channel.messages if label in each.buttons()]  # noqa: E731
        await self.slack.wait_for(wanted, what="the post")
        await self.settle()
        found = wanted()
        assert len(found) == 1, "posted exactly once"
        message: Message = found[0]
        return message


MakeScene = Callable[..., Awaitable[Scene]]


@pytest.fixture
async def make_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeScene]:
    """Give a function that makes a scene; further keywords are settings."""
    scenes: list[Scene] = []

    async def make(
        language: str = "fr", *, oauth: bool = False, socket: bool = False, scopes: Sequence[str] = SCOPES, **more: Any
    ) -> Scene:
        slack = await SlackSimulator().start()
        team = slack.add_workspace("Fabrique")
        anna, ben = (team.add_user(name, locale=LOCALES[language]) for name in ("anna", "ben"))
        marketing = team.add_channel("marketing", members=[anna, ben])
        secret = team.add_channel("secret", members=[anna], private=True)
        known: dict[str, Any] = {"slack_signing_secret": slack.app.signing_secret, "slack_api_url": slack.api_url}
        if oauth:
            known |= {"slack_client_id": slack.app.client_id, "slack_client_secret": slack.app.client_secret}
            known |= {"token_encryption_key": Fernet.generate_key().decode()}
            for name in ("slack_client_id", "slack_client_secret"):  # bolt, too, would read them
                monkeypatch.setenv(name.upper(), known[name])
        else:
            known["slack_bot_token"] = slack.install(team, scopes).value
        if socket:
            known["slack_app_token"] = slack.app.app_token
        settings = make_settings(f"sqlite:///{tmp_path}/{len(scenes)}.db", known, **more)
        server = await start(settings)
        scene = Scene(
            slack=slack,
            team=team,
            anna=anna,
            ben=ben,
            marketing=marketing,
            secret=secret,
            settings=settings,
            server=server,
            servers=[server],
            user_actions=SlackUserActions(slack, None if socket else server.url, team),
            t=translations(language),
        )
        scenes.append(scene)
        if socket:
            await slack.wait_for(lambda: slack.sockets, what="a connection")
        await scene.settle()
        return scene

    yield make
    for scene in scenes:
        for server in scene.servers:
            await server.stop()
        await scene.slack.stop()
