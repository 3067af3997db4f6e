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

    def shows(self, card: Any, id: str, **values: object) -> bool:
        """Return whether a card shows the text with this id."""
        text = " ".join(self.t(id, **values).split())
        return text in " ".join(" ".join(visible(card)).split())

    async def start_dialog(self, where: str, user: User | None = None) -> Message:
        """Start a dialog in the channel, the group or the personal chat. Return its card."""
        user = user or self.anna
        conversation = self.conversation(where, user)
        if where == "personal":
            await self.user_actions.personal(user, self.label("start"))
        else:
            await self.user_actions.mention(user, conversation, "check")
        return self.teams.last(conversation)

    def conversation(self, where: str, user: User | None = None) -> Conversation:
        shared: dict[str, Conversation] = {"channel": self.channel, "group": self.group}
        return shared.get(where) or self.teams.personal(user or self.anna)

    async def press(self, card: Message, id: str, user: User | None = None, **more: Any) -> Exchange:
        """Press the button with the text ``label.<id>``."""
        answer = await self.user_actions.press(user or self.anna, card, self.label(id), **more)
        assert answer.ok, (answer.status, answer.answer, answer.error)
        return answer

    async def answer_all(self, card: Message, answers: dict[str, str], **more: Any) -> None:
        for question, option in answers.items():
            answer = await self.user_actions.press(self.anna, card, self.option(question, option), **more)
            assert answer.ok, (answer.status, answer.answer)

    async def post(self, where: Conversation | None = None) -> Message:
        """Wait for the post, and until its dialog's card is updated. Fail if there is more than one."""
        conversation = where or self.channel
        posts = await self.teams.wait_for(lambda: self.posts(conversation))
        assert len(posts) == 1
        await self.wait_until_idle()
        assert len(self.posts(conversation)) == 1
        return posts[0]

    def posts(self, where: Conversation) -> list[Message]:
        title = self.t("announcement.title")
        return [message for message in self.teams.messages(where) if message.cards and title in visible(message.card)]

    async def wait_until_idle(self) -> None:
        """Wait until no background task of the adapter and no job of the worker is running."""
        for _ in range(500):
            await asyncio.sleep(0.01)
            if not adapter_busy():
                return

    def use(self, server: AppServer) -> None:
        """Send the next activities to this replica."""
        self.server = server
        self.user_actions.endpoint = endpoint(server)


def endpoint(server: AppServer) -> str:
    return f"{server.url}/api/messages"


def visible(card: Any) -> list[str]:
    """Return all texts of a card."""
    texts = []
    for node in walk(card):
        texts += [node[key] for key in ("text", "title", "value", "label") if isinstance(node.get(key), str)]
        texts += [inline for inline in node.get("inlines", ()) if isinstance(inline, str)]
    return texts


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
