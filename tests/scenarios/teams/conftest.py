"""The real service and worker behind the Teams adapter, beside a strict stand-in of Microsoft's servers, over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.playground.teams.rules import walk
from adapters.playground.teams.server import ISSUER, TeamsSimulator
from adapters.playground.teams.state import Channel, Chat, Conversation, Message, Team, User
from adapters.playground.teams.user_actions import Exchange, TeamsUserActions
from adapters.ports import Gateway
from adapters.teams import TeamsAdapter, TeamsSettings
from bot.core.outbox import OutboxWorker
from bot.core.service import Service
from bot.storage.database import Database
from dialogs.community_flow import FLOW
from dialogs.translations import Translations, translations

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


def settings_of(teams: TeamsSimulator, **more: Any) -> TeamsSettings:
    """What the adapter needs to talk to a stand-in."""
    known: dict[str, Any] = {
        "app_id": teams.app_id,
        "app_password": teams.app_password,
        "tenant_id": teams.tenant,
        "token_issuer": ISSUER,
        "openid_metadata_url": teams.openid_url,
        "login_url": teams.base_url,
        "service_url_hosts": ("127.0.0.1",),
    }
    return TeamsSettings(**(known | more))


class Server:
    """One process of ours, put together as `bot.server` does."""

    def __init__(self, settings: TeamsSettings, database: Path) -> None:
        self.database = Database(f"sqlite:///{database}")
        self.gateways: dict[str, Gateway] = {}
        self.service = Service(FLOW, self.database, gateways=self.gateways)
        self.worker = OutboxWorker(self.service, pace=timedelta(milliseconds=10))
        self.settings = settings
        self.url = ""
        self.stopped = False

    async def start(self) -> "Server":
        self.database.open()
        self.http = aiohttp.ClientSession()
        self.adapter = TeamsAdapter(self.settings, self.service, self.http)
        self.gateways["teams"] = self.adapter.gateway
        app = web.Application()
        app.add_routes(self.adapter.routes())
        await self.worker.start()
        await self.adapter.start()
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/api/messages"
        return self

    async def stop(self) -> None:
        """What SIGTERM does."""
        if self.stopped:
            return
        self.stopped = True
        await self.runner.cleanup()
        await self.adapter.stop()
        await self.worker.stop(5)
        await self.http.close()
        self.database.close()


@dataclass
class Scene:
    """A team with two people, a group chat and personal chats; the app is installed everywhere and running."""

    teams: TeamsSimulator
    user_actions: TeamsUserActions
    server: Server
    anna: User
    ben: User
    team: Team
    channel: Channel
    group: Chat
    text: Translations
    database: Path
    servers: list[Server] = field(default_factory=list)

    def label(self, id: str) -> str:
        return self.text(f"label.{id}")

    def option(self, question: str, option: str) -> str:
        return self.text(f"option.{question}.{option}")

    def says(self, card: Any, id: str, **values: object) -> bool:
        """Whether a card shows these words of the catalogue."""
        wanted = " ".join(self.text(id, **values).split())
        return wanted in " ".join(" ".join(visible(card)).split())

    async def begin(self, where: str, user: User | None = None) -> Message:
        """Start a dialog in the channel, the group or the personal chat; return its card."""
        user = user or self.anna
        place = self.place(where, user)
        if where == "personal":
            await self.user_actions.personal(user, self.label("start"))
        else:
            await self.user_actions.mention(user, place, "check")
        return self.teams.last(place)

    def place(self, where: str, user: User | None = None) -> Conversation:
        places: dict[str, Conversation] = {"channel": self.channel, "group": self.group}
        return places.get(where) or self.teams.personal(user or self.anna)

    async def press(self, card: Message, id: str, user: User | None = None, **more: Any) -> Exchange:
        """Press `label.<id>`."""
        answer = await self.user_actions.press(user or self.anna, card, self.label(id), **more)
        assert answer.ok, (answer.status, answer.raw, answer.error)
        return answer

    async def answer_all(self, card: Message, answers: dict[str, str], **more: Any) -> None:
        for question, option in answers.items():
            answer = await self.user_actions.press(self.anna, card, self.option(question, option), **more)
            assert answer.ok, (answer.status, answer.raw)

    async def post(self, where: Conversation | None = None) -> Message:
        """The one post, once it is there, and its dialog's card has been edited since."""
        place = where or self.channel
        found = await self.teams.wait_for(lambda: self.posts(place))
        assert len(found) == 1
        await self.settled()
        assert len(self.posts(place)) == 1
        return found[0]

    def posts(self, where: Conversation) -> list[Message]:
        title = self.text("announcement.title")
        return [each for each in self.teams.messages(where) if each.cards and title in visible(each.card)]

    async def settled(self) -> None:
        """Until every row is done or held, and nothing is under way."""
        for _ in range(500):
            await asyncio.sleep(0.01)
            if not self.server.worker._running and not self.server.adapter._sender._tasks:
                return

    async def another_server(self, **more: Any) -> Server:
        server = await Server(settings_of(self.teams, **more), self.database).start()
        self.servers.append(server)
        return server

    def use(self, server: Server) -> None:
        self.server = server
        self.user_actions.endpoint = server.url


def visible(card: Any) -> list[str]:
    """Every text of a card that somebody can read."""
    found = []
    for node in walk(card):
        found += [node[key] for key in ("text", "title", "value", "label") if isinstance(node.get(key), str)]
        found += [one for one in node.get("inlines", ()) if isinstance(one, str)]
    return found


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


MakeScene = Callable[..., Awaitable[Scene]]


@pytest.fixture
async def make_scene(tmp_path: Path) -> AsyncIterator[MakeScene]:
    """Makes a scene; keywords are settings."""
    scenes: list[Scene] = []

    async def make(language: str = "fr", *, limits: bool = False, **more: Any) -> Scene:
        # Tests press faster than people: the limits have a test of their own.
        teams = await TeamsSimulator(limits=limits).start()
        locale = {"fr": "fr-FR", "en": "en-GB"}[language]
        anna, ben = (teams.add_user(name, locale=locale) for name in ("Anna Roux", "Ben *Stark* [x](y)"))
        team = teams.add_team("Marketing", [anna, ben], channels=["Campaigns"])
        group = teams.add_group_chat("Plans", [anna, ben])
        database = tmp_path / f"{len(scenes)}.db"
        server = await Server(settings_of(teams, **more), database).start()
        user_actions = TeamsUserActions(teams, server.url)
        channel = team.channel("Campaigns")
        scene = Scene(
            teams,
            user_actions,
            server,
            anna,
            ben,
            team,
            channel,
            group,
            translations(language),
            database,
            servers=[server],
        )
        scenes.append(scene)
        return scene

    yield make
    for scene in scenes:
        for server in scene.servers:
            await server.stop()
        await scene.user_actions.__aexit__()
        await scene.teams.stop()
        assert scene.teams.violations == []


@pytest.fixture
async def scene(make_scene: MakeScene, language: str) -> Scene:
    return await make_scene(language)


@pytest.fixture
async def french(make_scene: MakeScene) -> Scene:
    """For what has nothing to do with the language."""
    return await make_scene("fr")
