"""The real server beside a strict stand-in of Slack, both over HTTP on this machine."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.fernet import Fernet

from adapters.playground.slack.models import Channel, Message, User, View, Workspace
from adapters.playground.slack.server import SlackSimulator
from adapters.playground.slack.user_actions import Exchange, SlackUserActions
from adapters.slack import SCOPES
from bot.http_limits import LimitedAppRunner
from bot.server import build
from bot.settings import Settings
from dialogs.translations import Translations, translations

Blocks = Message | View


@dataclass
class Server:
    """One process of ours."""

    url: str
    runner: web.AppRunner
    stopped: bool = False

    async def stop(self) -> None:
        """What SIGTERM does."""
        if not self.stopped:
            self.stopped = True
            await self.runner.cleanup()


async def serve(settings: Settings) -> Server:
    """Start the real application on a free port."""
    runner = LimitedAppRunner(await build(settings), access_log=None, shutdown_timeout=5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    return Server(f"http://{host}:{port}", runner)


@dataclass
class Scene:
    """A workspace with two people and two channels, the app installed, and its server running.

    `said` finds words of the catalogue in the language of the scene, `label` those of a button.
    """

    slack: SlackSimulator
    team: Workspace
    anna: User
    ben: User
    marketing: Channel
    secret: Channel
    settings: Settings
    server: Server
    user_actions: SlackUserActions
    text: Translations
    servers: list[Server] = field(default_factory=list)

    def label(self, id: str) -> str:
        return self.text(f"label.{id}")

    def option(self, question: str, option: str) -> str:
        return self.text(f"option.{question}.{option}")

    def said(self, id: str, **values: object) -> str:
        return self.text(id, **values)

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

        def idle() -> bool:
            return not self.slack.in_flight and not any("/adapters/slack/" in _source(t) for t in asyncio.all_tasks())

        await asyncio.sleep(0.005)
        await self.slack.wait_for(idle, timeout=20, what="everything to be done")

    async def press(self, user: User, where: Blocks, id: str) -> Exchange:
        """Press the button `label.<id>`, or with these words, and wait until all is done."""
        label = self.label(id) if f"label.{id}" in self.text else id
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
        label = self.said("label.details")
        wanted = lambda: [each for each in channel.messages if label in each.buttons()]  # noqa: E731
        await self.slack.wait_for(wanted, what="the post")
        await self.settle()
        found = wanted()
        assert len(found) == 1, "posted exactly once"
        message: Message = found[0]
        return message

    async def another_server(self) -> Server:
        """A second replica, on the same database."""
        server = await serve(self.settings)
        self.servers.append(server)
        return server


def _source(task: asyncio.Task[Any]) -> str:
    code = getattr(task.get_coro(), "cr_code", None)
    return code.co_filename if code else ""


SHORT = {
    "orientation": "key",
    "brand": "yes",
    "transformation": "no",
    "presence": "unknown",
    "mode": "in_house",
    "person": "lasting",
    "routine": "no",
}
"""The shortest way to the end on the strategic side, in the order asked."""


@pytest.fixture
def answers() -> dict[str, str]:
    return dict(SHORT)


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


MakeScene = Callable[..., Awaitable[Scene]]


@pytest.fixture
async def make_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeScene]:
    """Makes a scene; keywords are settings."""
    for name in [name for name in os.environ if name.startswith("SLACK_")]:
        monkeypatch.delenv(name)
    scenes: list[Scene] = []

    async def make(
        language: str = "fr", *, oauth: bool = False, socket: bool = False, scopes: Sequence[str] = SCOPES, **more: Any
    ) -> Scene:
        slack = await SlackSimulator().start()
        team = slack.add_workspace("Fabrique")
        locale = {"fr": "fr-FR", "en": "en-GB"}[language]
        anna, ben = (team.add_user(name, locale=locale) for name in ("anna", "ben"))
        marketing = team.add_channel("marketing", members=[anna, ben])
        secret = team.add_channel("secret", members=[anna], private=True)
        known: dict[str, Any] = {
            "slack_signing_secret": slack.app.signing_secret,
            "slack_api_url": slack.api_url,
            "database_url": f"sqlite:///{tmp_path}/{len(scenes)}.db",
            "rate_person": 0,  # tests press faster than people; the limit has a test of its own
        }
        if oauth:
            known |= {"slack_client_id": slack.app.client_id, "slack_client_secret": slack.app.client_secret}
            known |= {"token_encryption_key": Fernet.generate_key().decode()}
            # Where they come from in earnest; bolt, too, would read them.
            for name in ("slack_client_id", "slack_client_secret"):
                monkeypatch.setenv(name.upper(), known[name])
        else:
            known["slack_bot_token"] = slack.install(team, scopes).value
        if socket:
            known["slack_app_token"] = slack.app.app_token
        settings = Settings(_env_file=None, **(known | more))
        server = await serve(settings)
        user_actions = SlackUserActions(slack, None if socket else server.url, team)
        scene = Scene(
            slack,
            team,
            anna,
            ben,
            marketing,
            secret,
            settings,
            server,
            user_actions,
            translations(language),
            servers=[server],
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


@pytest.fixture
async def scene(make_scene: MakeScene, language: str) -> Scene:
    return await make_scene(language)


@pytest.fixture
async def french(make_scene: MakeScene) -> Scene:
    """For what has nothing to do with the language."""
    return await make_scene("fr")


@pytest.fixture(autouse=True)
def nothing_unexpected(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No test may leave an error in the log that it did not take out."""
    with caplog.at_level(logging.ERROR):
        yield
    errors = [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.levelno >= logging.ERROR and record.name.startswith(("adapters", "bot"))
    ]
    assert errors == []
