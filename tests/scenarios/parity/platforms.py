"""The same presses on three platforms: Slack, Teams and a terminal."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rich.console import Console

from adapters.playground.slack import models
from adapters.playground.teams.models import Conversation, User
from adapters.playground.teams.models import Message as TeamsMessage
from adapters.playground.teams.rules import walk
from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.user_actions import TeamsUserActions
from adapters.terminal.chat import Chat
from adapters.terminal.screen import Screen as TerminalPage
from dialogs.community_flow import FLOW
from dialogs.translations import Translations
from dialogs.views import CURRENT_SIGN, SIGNS
from tests.scenarios.parity.content import ShownCard, ShownPost, parse_card, parse_post
from tests.scenarios.parity.journeys import Press
from tests.scenarios.parity.readers import read_slack, read_teams, read_terminal
from tests.scenarios.slack.conftest import Scene
from tests.scenarios.teams.conftest import visible


class Dialog(Protocol):
    """One dialog on one platform. `current_card`: the current card for its owner. `post`: the post in the channel."""

    async def press(self, press: Press) -> None: ...

    def current_card(self) -> ShownCard: ...

    async def post(self) -> ShownPost | None: ...


@dataclass
class SlackDialog:
    """Started by ``/cm`` in a new channel, since Slack limits a channel to one post a second."""

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
            exchange = await scene.change(scene.anna, self.card, press.question)
        else:
            label = next(text for text in self.card.buttons() if text in texts_of(press, scene.t))
            exchange = await scene.press(scene.anna, self.card, label)
        assert exchange.ok, exchange.error

    def current_card(self) -> ShownCard:
        assert self.card
        ephemeral = [m for m in self.scene.sees(self.scene.anna, self.channel) if m.ephemeral]
        assert ephemeral == [self.card], "one card, updated in place"
        return parse_card(read_slack(self.card.blocks), self.scene.t)

    async def post(self) -> ShownPost:
        post, card = await self.scene.posted(self.channel), self.card
        assert card
        await self.scene.slack.wait_for(lambda: self.scene.t("notice.posted") in " ".join(card.texts()))
        return parse_post(read_slack(post.blocks), self.scene.t)


@dataclass
class TeamsDialog:
    """Started by a mention in a channel or group chat, or in a personal chat; buttons are Action.Execute."""

    teams: TeamsSimulator
    user_actions: TeamsUserActions
    user: User
    conversation: Conversation
    t: Translations
    card: TeamsMessage | None = None

    async def press(self, press: Press) -> None:
        if press.action == "start":
            # In a personal chat users type the label of the button; elsewhere they mention the app.
            if self.conversation.kind == "personal":
                exchange = await self.user_actions.personal(self.user, self.t("label.start"))
            else:
                exchange = await self.user_actions.mention(self.user, self.conversation, "check")
            self.card = self.teams.last(self.conversation)
        else:
            assert self.card
            inputs = {"change": press.question} if press.action == "change" else None
            more = self._find(Press("more"))
            label = self._find(press)
            if label is None:
                assert more
                await self.user_actions.press(self.user, self.card, more)
                label = self._find(press)
            assert label, press
            exchange = await self.user_actions.press(self.user, self.card, label, inputs)
            assert exchange.payload["name"] == "adaptiveCard/action"
        assert exchange.ok, (exchange.status, exchange.answer)

    def _find(self, press: Press) -> str | None:
        """Return the title of a button of the card, if it is there."""
        assert self.card
        titles = [str(node["title"]) for node in walk(self.card.card_for(self.user)) if "title" in node]
        return next((title for title in titles if title in texts_of(press, self.t)), None)

    def current_card(self) -> ShownCard:
        assert self.card
        return parse_card(read_teams(self.card.card_for(self.user)), self.t)

    async def post(self) -> ShownPost:
        title, card = self.t("announcement.title"), self.card
        assert card
        (message,) = await self.teams.wait_for(
            lambda: [m for m in self.teams.messages(self.conversation) if m.cards and title in visible(m.card)]
        )
        # Then the card of the dialog is updated for all members.
        await self.teams.wait_for(lambda: self.t("notice.posted") in " ".join(visible(card.card)))
        assert parse_card(read_teams(card.card), self.t) == self.current_card()
        return parse_post(read_teams(message.card), self.t)


@dataclass
class TerminalDialog:
    """Options are typed by number and by label in turn. A terminal has no channel to post to."""

    file: Path
    language: str
    t: Translations
    printed: io.StringIO = field(default_factory=io.StringIO)
    chat: Chat | None = None
    typed: int = 0

    async def press(self, press: Press) -> None:
        if press.action == "start":
            page = TerminalPage(Console(file=self.printed, width=80, force_terminal=False))
            page.width = 10_000  # one line per paragraph, so that it can be parsed
            self.chat = Chat(FLOW, self.file, page, self.language)
            self.chat.begin()
            return
        assert self.chat
        self._type(self._line(press))

    def _type(self, line: str) -> None:
        assert self.chat
        self.printed.truncate(0)
        self.printed.seek(0)
        assert self.chat.handle_line(line), f"{line!r} ended the chat"

    def _line(self, press: Press) -> str:
        if press.action == "change":
            names = [name for name, _ in _rows(self.current_card())]
            return str(names.index(self.t(f"question.{press.question}.short")) + 1)
        if press.action in {"keep_private", "post"}:
            return self.t("label.see_recommendation")
        label = press.label(self.t)
        if not press.option:
            return label
        self.typed += 1
        choices = getattr(self.current_card(), "choices", ())
        (number,) = (number for number, choice in enumerate(choices, 1) if choice in texts_of(press, self.t))
        return label if self.typed % 2 else str(number)

    def current_card(self) -> ShownCard:
        return parse_card(read_terminal(self.printed.getvalue(), self.t), self.t)

    async def post(self) -> None:
        return None


def _rows(card: ShownCard) -> tuple[tuple[str, str], ...]:
    rows: tuple[tuple[str, str], ...] = getattr(card, "rows", ())
    return rows


def texts_of(press: Press, t: Translations) -> set[str]:
    """Return what the button may say: its label, or the label with a sign."""
    label = press.label(t)
    return {label, *(f"{sign} {label}" for sign in (CURRENT_SIGN, *SIGNS.values()))}


async def run_dialog(platform: Dialog, presses: list[Press]) -> tuple[list[ShownCard], ShownPost | None]:
    """Go through a whole dialog; return the card after each press, and the post, if any."""
    cards: list[ShownCard] = []
    for press in presses:
        await platform.press(press)
        cards.append(platform.current_card())
    if presses[-1].action != "post":
        return cards, None
    post = await platform.post()
    cards[-1] = platform.current_card()
    return cards, post
