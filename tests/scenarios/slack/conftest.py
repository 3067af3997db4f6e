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
        """Return the app's messages that this user sees there, oldest first."""
        return [message for message in self.slack.visible_to(user, channel) if message.bot_id]

    def card(self, user: User, channel: Channel) -> Message:
        """Return the latest of those with a button."""
        return next(message for message in reversed(self.sees(user, channel)) if message.buttons())

    def reads(self, user: User, channel: Channel, text: str) -> bool:
        return any(text in line for message in self.sees(user, channel) for line in message.texts())

    async def settle(self) -> None:
        """Wait until the adapter and the simulator have finished all work."""
        await asyncio.sleep(0.005)
        idle = lambda: not self.slack.in_flight and not adapter_busy()  # noqa: E731
        await self.slack.wait_for(idle, timeout=20, what="all work to finish")

    async def press(self, user: User, where: Blocks, id: str) -> Exchange:
        """Press the button labeled `label.<id>` or `id`, and wait until all work is finished."""
        label = self.label(id) if f"label.{id}" in self.t else id
        ack = await self.user_actions.press(user, where, label)
        await self.settle()
        return ack

    async def change(self, user: User, card: Message, question: str) -> Exchange:
        """Choose a question in the menu of the card with the answers, and wait until all work is finished."""
        name = self.t(f"question.{question}.short")
        ack = await self.user_actions.press(user, card, self.label("change"), value=name)
        await self.settle()
        return ack

    async def slash(self, user: User, channel: Channel, text: str = "") -> Message:
        ack = await self.user_actions.slash(user, channel, text)
        await self.settle()
        assert ack.ok, ack.error
        # On a busy machine the answer comes by the response URL.
        return ack.message or self.sees(user, channel)[-1]

    async def tell(self, user: User, text: str) -> Message:
        """Send a direct message. Return the app's last message there."""
        ack = await self.user_actions.direct_message(user, text)
        await self.settle()
        assert ack.ok, ack.error
        return self.sees(user, self.team.im(user))[-1]

    async def answer_all(self, user: User, card: Message, answers: dict[str, str]) -> Message:
        """Press the options one after the other on a card that is updated in place."""
        for question, option in answers.items():
            await self.press(user, card, self.option(question, option))
        return card

    async def posted(self, channel: Channel) -> Message:
        """Wait for the post in the channel and return it."""
        label = self.t("label.run_own")
        posts_with_button = lambda: [message for message in channel.messages if label in message.buttons()]  # noqa: E731
        await self.slack.wait_for(posts_with_button, what="the post")
        await self.settle()
        posts: list[Message] = posts_with_button()
        assert len(posts) == 1, "posted exactly once"
        return posts[0]


MakeScene = Callable[..., Awaitable[Scene]]


@pytest.fixture
async def make_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeScene]:
    """Give a function that makes a scene; other keyword arguments are settings."""
    scenes: list[Scene] = []

    async def make(
        language: str = "fr",
        *,
        oauth: bool = False,
        socket: bool = False,
        scopes: Sequence[str] = SCOPES,
        **more_settings: Any,
    ) -> Scene:
        slack = await SlackSimulator().start()
        team = slack.add_workspace("Fabrique")
        anna, ben = (team.add_user(name, locale=LOCALES[language]) for name in ("anna", "ben"))
        marketing = team.add_channel("marketing", members=[anna, ben])
        secret = team.add_channel("secret", members=[anna], private=True)
        slack_settings: dict[str, Any] = {
            "slack_signing_secret": slack.app.signing_secret,
            "slack_api_url": slack.api_url,
        }
        if oauth:
            slack_settings |= {"slack_client_id": slack.app.client_id, "slack_client_secret": slack.app.client_secret}
            slack_settings |= {"token_encryption_key": Fernet.generate_key().decode()}
            for name in ("slack_client_id", "slack_client_secret"):  # bolt, too, would read them
                monkeypatch.setenv(name.upper(), slack_settings[name])
        else:
            slack_settings["slack_bot_token"] = slack.install(team, scopes).value
        if socket:
            slack_settings["slack_app_token"] = slack.app.app_token
        settings = make_settings(f"sqlite:///{tmp_path}/{len(scenes)}.db", slack_settings, **more_settings)
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
