"""The application beside a strict simulator of Microsoft's servers, both over HTTP on this machine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.playground.teams.models import Channel, Chat, Conversation, Message, Team, User
from adapters.playground.teams.rules import walk
from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.user_actions import Exchange, TeamsUserActions
from dialogs.translations import translations
from tests.app_server import AppServer, make_settings, start
from tests.scenarios.scene import LOCALES, BaseScene, adapter_busy


@dataclass(kw_only=True)
class Scene(BaseScene):
    """A team with two users, a group chat and personal chats; the app is installed everywhere."""

    teams: TeamsSimulator
    user_actions: TeamsUserActions
    anna: User
    ben: User
    team: Team
    channel: Channel
    group: Chat

    def says(self, card: Any, id: str, **values: object) -> bool:
        """Whether a card shows these words of the catalogue."""
        wanted = " ".join(self.t(id, **values).split())
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
        title = self.t("announcement.title")
        return [each for each in self.teams.messages(where) if each.cards and title in visible(each.card)]

    async def settled(self) -> None:
        """Wait until no background task of the adapter and no job of the worker is running."""
        for _ in range(500):
            await asyncio.sleep(0.01)
            if not adapter_busy():
                return

    def use(self, server: AppServer) -> None:
        """Send what follows to this replica."""
        self.server = server
        self.user_actions.endpoint = endpoint(server)


def endpoint(server: AppServer) -> str:
    return f"{server.url}/api/messages"


def visible(card: Any) -> list[str]:
    """Every text of a card that somebody can read."""
    found = []
    for node in walk(card):
        found += [node[key] for key in ("text", "title", "value", "label") if isinstance(node.get(key), str)]
        found += [one for one in node.get("inlines", ()) if isinstance(one, str)]
    return found


MakeScene = Callable[..., Awaitable[Scene]]


@pytest.fixture
async def make_scene(tmp_path: Path) -> AsyncIterator[MakeScene]:
    """Give a function that makes a scene. `limits`: those of the simulator; further keywords are settings."""
    scenes: list[Scene] = []

    async def make(language: str = "fr", *, limits: bool = False, **more: Any) -> Scene:
        teams = await TeamsSimulator(limits=limits).start()
        anna, ben = (teams.add_user(name, locale=LOCALES[language]) for name in ("Anna Roux", "Ben *Stark* [x](y)"))
        team = teams.add_team("Marketing", [anna, ben], channels=["Campaigns"])
        group = teams.add_group_chat("Plans", [anna, ben])
        settings = make_settings(f"sqlite:///{tmp_path}/{len(scenes)}.db", teams.settings(), **more)
        server = await start(settings)
        scene = Scene(
            teams=teams,
            user_actions=TeamsUserActions(teams, endpoint(server)),
            anna=anna,
            ben=ben,
            team=team,
            channel=team.channel("Campaigns"),
            group=group,
            settings=settings,
            server=server,
            servers=[server],
            t=translations(language),
        )
        scenes.append(scene)
        return scene

    yield make
    for scene in scenes:
        for server in scene.servers:
            await server.stop()
        await scene.teams.stop()
        assert scene.teams.violations == []
