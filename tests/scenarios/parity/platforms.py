"""The same presses by three people: in Slack, in Teams and at a terminal."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from adapters.playground.slack import models
from adapters.playground.teams.models import Conversation, User
from adapters.playground.teams.models import Message as TeamsMessage
from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.user_actions import TeamsUserActions
from adapters.terminal.chat import Chat
from adapters.terminal.screen import Screen as TerminalPage
from dialogs.community_flow import FLOW
from dialogs.translations import Translations
from tests.scenarios.parity.journeys import Press
from tests.scenarios.parity.readers import Page, Posted, Shown, of_slack, of_teams, of_terminal, posted, shown
from tests.scenarios.slack.conftest import Scene
from tests.scenarios.teams.conftest import visible


class Platform(Protocol):
    """Where one dialog is held. `shows`: the card as its owner sees it now. `post`: what the channel reads."""

    async def press(self, press: Press) -> None: ...

    def shows(self) -> Shown: ...

    async def post(self) -> Posted | None: ...


@dataclass
class InSlack:
    """From ``/cm`` in a channel of its own, for a channel takes one post a second."""

    scene: Scene
    channel: models.Channel
    card: models.Message | None = None

    async def press(self, press: Press) -> None:
        scene = self.scene
        if press.action == "start":
            self.card = await scene.slash(scene.anna, self.channel)
            return
        assert self.card
        if press.action == "change":
            ack = await scene.user_actions.press(scene.anna, self.card, action_id=f"change:{press.question}")
            await scene.settle()
        else:
            label = scene.option(press.question, press.option) if press.option else press.action
            ack = await scene.press(scene.anna, self.card, label)
        assert ack.ok, ack.error

    def shows(self) -> Shown:
        assert self.card
        mine = [each for each in self.scene.sees(self.scene.anna, self.channel) if each.ephemeral]
        assert mine == [self.card], "one card, edited in place"
        return shown(of_slack(self.card.blocks), self.scene.t)

    async def post(self) -> Posted:
        post, card = await self.scene.posted(self.channel), self.card
        assert card
        await self.scene.slack.wait_for(lambda: self.scene.t("notice.posted") in " ".join(card.texts()))
        return posted(of_slack(post.blocks), self.scene.t)


@dataclass
class InTeams:
    """From a mention in a channel or a group, or from a personal chat, by Action.Execute."""

    teams: TeamsSimulator
    user_actions: TeamsUserActions
    person: User
    where: Conversation
    text: Translations
    card: TeamsMessage | None = None

    async def press(self, press: Press) -> None:
        if press.action == "start":
            # In a personal chat people press or type the word of the button; elsewhere they mention the app.
            if self.where.kind == "personal":
                answer = await self.user_actions.personal(self.person, self.text("label.start"))
            else:
                answer = await self.user_actions.mention(self.person, self.where, "check")
            self.card = self.teams.last(self.where)
        else:
            assert self.card
            label = f"option.{press.question}.{press.option}" if press.option else f"label.{press.action}"
            inputs = {"change": press.question} if press.action == "change" else None
            answer = await self.user_actions.press(self.person, self.card, self.text(label), inputs)
            assert answer.activity["name"] == "adaptiveCard/action"
        assert answer.ok, (answer.status, answer.raw)

    def shows(self) -> Shown:
        assert self.card
        return shown(self._page(self.card.card_for(self.person)), self.text)

    async def post(self) -> Posted:
        title, card = self.text("announcement.title"), self.card
        assert card
        (found,) = await self.teams.wait_for(
            lambda: [each for each in self.teams.messages(self.where) if each.cards and title in visible(each.card)]
        )
        # The dialog's card is edited for everybody then.
        await self.teams.wait_for(lambda: self.text("notice.posted") in " ".join(visible(card.card)))
        assert shown(self._page(card.card), self.text) == self.shows()
        return posted(self._page(found.card), self.text)

    @staticmethod
    def _page(card: dict[str, Any]) -> Page:
        return of_teams(card)


@dataclass
class AtTerminal:
    """Chosen by number and by the words of the label, in turn; a terminal has nowhere to post to."""

    file: Path
    language: str
    text: Translations
    printed: io.StringIO = field(default_factory=io.StringIO)
    chat: Chat | None = None
    typed: int = 0

    async def press(self, press: Press) -> None:
        if press.action == "start":
            page = TerminalPage(Console(file=self.printed, width=80, force_terminal=False))
            page.width = 10_000  # a paragraph a line, so that it can be read back
            self.chat = Chat(FLOW, self.file, page, self.language)
            self.chat.begin()
            return
        assert self.chat
        line = self._line(press)
        self.printed.truncate(0)
        self.printed.seek(0)
        assert self.chat.handle_line(line), f"{line!r} ended the chat"

    def _line(self, press: Press) -> str:
        if press.action == "change":
            names = [name for name, _ in _rows(self.shows())]
            return str(names.index(self.text(f"question.{press.question}.short")) + 1)
        if press.action in {"keep_private", "post"}:
            return self.text("label.see_recommendation")
        if not press.option:
            return self.text(f"label.{press.action}")
        label = self.text(f"option.{press.question}.{press.option}")
        self.typed += 1
        now = self.shows()
        choices = getattr(now, "choices", ())
        assert label in choices, (label, now)
        return label if self.typed % 2 else str(choices.index(label) + 1)

    def shows(self) -> Shown:
        return shown(of_terminal(self.printed.getvalue(), self.text), self.text)

    async def post(self) -> None:
        return None


def _rows(now: Shown) -> tuple[tuple[str, str], ...]:
    found: tuple[tuple[str, str], ...] = getattr(now, "rows", ())
    return found


Held = list[Shown]
"""What showed after every press, the beginning first."""


async def hold(platform: Platform, presses: list[Press]) -> tuple[Held, Posted | None]:
    """Hold a whole dialog; return all that showed, and the post where there is one."""
    held: Held = []
    for press in presses:
        await platform.press(press)
        held.append(platform.shows())
    if presses[-1].action != "post":
        return held, None
    post = await platform.post()
    held[-1] = platform.shows()
    return held, post
