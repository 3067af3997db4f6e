"""Users in Slack, and Slack itself: it fails on demand and delivers again what was not answered."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from aiohttp import ClientConnectionError, ClientConnectorError

from adapters.playground.simulator import Fault
from adapters.playground.slack import payloads
from adapters.playground.slack.calls import Call
from adapters.playground.slack.cards import BlockElement
from adapters.playground.slack.models import Channel, Message, User, View, Workspace
from adapters.playground.slack.server import SlackSimulator
from adapters.playground.slack.user_actions import Exchange, SlackUserActions
from adapters.slack.button_value import ButtonContext, ButtonValue
from adapters.slack.request import parse_button
from tests.fault_injection.clients import Button, Card
from tests.fault_injection.history import History
from tests.fault_injection.replicas import Balancer
from tests.scenarios.parity.readers import read_slack

RETRY_DELAYS = (0.0, 4.0, 6.0, 10.0)
"""Seconds before each retry of an event. Slack retries at once, after one minute and after five."""
DUPLICATE_SHARE = 0.06
"""Share of answered events that are delivered again, at once or after newer ones."""
Location = tuple[str, str]
"""A channel, and in it a thread or the user who sees ephemeral messages."""


class BalancedSlackActions(SlackUserActions):
    """Actions of the users of one workspace, delivered to the replicas through the load balancer."""

    def __init__(
        self, slack: SlackSimulator, workspace: Workspace, balancer: Balancer, history: History, rng: random.Random
    ) -> None:
        super().__init__(slack, "", workspace)
        self._balancer = balancer
        self._history = history
        self._rng = rng

    async def post(self, exchange: Exchange, url: str, body: bytes, headers: dict[str, str]) -> None:
        for replica in self._balancer.urls():
            try:
                return await super().post(exchange, replica + url, body, headers)
            except ClientConnectorError:
                continue  # as a load balancer does
        raise ClientConnectionError("no replica")

    async def deliver(self, exchange: Exchange, headers: dict[str, str] | None = None) -> Exchange:
        result = await super().deliver(exchange, headers)
        self._history.record_response(f"slack {exchange.kind}", exchange.status, exchange.seconds, exchange.error or "")
        self.exchanges.clear()
        return result

    async def event(self, inner: dict[str, Any]) -> Exchange:
        exchange = await self.deliver(Exchange("event", payloads.event(self.slack, self.workspace, inner)))
        if exchange.ok and self._rng.random() < DUPLICATE_SHARE:
            self.start_task(self._duplicate(exchange))
        for retry, delay in enumerate(RETRY_DELAYS, 1):
            if exchange.ok:
                break
            await asyncio.sleep(delay)
            exchange = await self.redeliver(exchange, retry, "http_error")
        return exchange

    async def _duplicate(self, exchange: Exchange) -> None:
        self._history.faults["duplicate event"] += 1
        await asyncio.sleep(self._rng.choice((0.0, 0.3, 1.5)))
        await self.redeliver(exchange, 1, "http_timeout")


class FaultySlack(SlackSimulator):
    """A simulator whose calls fail as `choose_fault` says."""

    choose_fault: Callable[[str], Fault | None] = staticmethod(lambda _method: None)

    def next_fault(self, call: Call) -> Fault | None:
        return self.choose_fault(call.operation) or super().next_fault(call)


class MessageIndex:
    """The app's messages by location, the last changed first."""

    def __init__(self, slack: SlackSimulator) -> None:
        self.posts: defaultdict[str, list[Message]] = defaultdict(list)
        """Session -> its posts in channels."""
        self._messages: defaultdict[Location, dict[str, tuple[int, Message]]] = defaultdict(dict)
        self._changes = 0
        slack.on_message.append(self._on_message)

    def _on_message(self, change: str, message: Message) -> None:
        if not message.bot_id:
            return
        self._changes += 1
        if change == "posted" and (session := _button_context(message, "post").session):
            self.posts[session].append(message)
        channel = message.channel
        location = (channel.id, message.ephemeral_to or message.thread_ts or "")
        if change == "deleted":
            self._messages[location].pop(message.ts, None)
        else:
            self._messages[location][message.ts] = (self._changes, message)

    def latest(self, *locations: Location) -> list[tuple[int, Message]]:
        """Return (number of the change, message) for the messages there, the last changed first."""
        messages = (item for location in locations for item in self._messages[location].values())
        return sorted(messages, reverse=True, key=lambda item: item[0])


class SlackClient:
    """One user at one dialog in Slack. `kind`: command, mention, direct, form."""

    def __init__(
        self,
        actions: BalancedSlackActions,
        messages: MessageIndex,
        user: User,
        channel: Channel,
        kind: str,
        rng: random.Random,
    ) -> None:
        self.user_id = user.id
        self.tenant = f"slack:{actions.workspace.id}"
        self.language = user.locale[:2]
        self.post_channel = channel.id
        self.accepts_text = kind in {"mention", "direct"}
        self.kind = kind
        self.channel = channel
        self.user = user
        self._actions = actions
        self._messages = messages
        self._rng = rng
        self._thread = ""
        self._direct = actions.workspace.im(user)
        self.answers: dict[str, str] = {}

    # --- What the user sees ---

    def _locations(self) -> list[Location]:
        locations = [(self._direct.id, ""), (self.channel.id, self.user.id)]
        return [*locations, (self.channel.id, self._thread)] if self._thread else locations

    def version(self) -> object:
        latest = self._messages.latest(*self._locations())
        return (latest[0][0] if latest else 0, id(self._actions.modal(self.user)))

    @property
    def is_private(self) -> bool:
        return not self._thread

    def card(self) -> Card | None:
        for _, message in self._messages.latest(*self._locations()):
            if message.deleted or not (buttons := _buttons(message, "card")):
                continue
            context = _button_context(message, "card")
            return Card(context.session, context.revision or 0, buttons, message.blocks, message)
        return None

    def retry_button(self) -> Button | None:
        for _, message in self._messages.latest(*self._locations()):
            for button in _buttons(message, "notice"):
                if button.action == "retry_post" and not message.deleted:
                    return button
        return None

    def review_rows(self, card: Card) -> dict[str, str]:
        return dict(line for line in read_slack(card.content).lines if isinstance(line, tuple))

    # --- What the user does ---

    async def begin(self) -> None:
        if self.kind == "command":
            await self._actions.slash(self.user, self.channel)
        elif self.kind == "mention":
            # The thread is that of the user's own message, which exists before the app answers.
            mention = asyncio.create_task(self._actions.mention(self.user, self.channel))
            await asyncio.sleep(0)
            self._thread = self.channel.log[-1].ts
            await mention
        elif self.kind == "direct":
            await self._actions.direct_message(self.user, "start" if self.language == "en" else "commencer")
        else:
            await self._fill_form()

    async def _fill_form(self) -> None:
        """Answer the form question by question and submit it."""
        await self._actions.slash(self.user, self.channel, "form" if self.language == "en" else "formulaire")
        view = await self._modal("form")
        for _ in range(30):
            if view is None or not view.open:
                return
            open_inputs = [block for block in view.blocks if block["type"] == "input" and not _selected(view, block)]
            if not open_inputs:
                await self._actions.submit_view(self.user, view)
                await asyncio.sleep(0.2)
                continue
            block = open_inputs[0]
            question = str(block["block_id"])
            options = [str(item["value"]) for item in block["element"]["options"]]
            option = self.answers.setdefault(question, self._rng.choice(options))
            await self._actions.dispatch(self.user, view, question, option)
            await asyncio.sleep(0.1)

    async def _modal(self, callback_id: str) -> View | None:
        for _ in range(60):
            view = self._actions.modal(self.user)
            if view and view.definition.get("callback_id") == callback_id:
                return view
            await asyncio.sleep(0.05)
        return None

    async def press(self, card: Card, button: Button, *, twice: bool = False) -> bool:
        return await self._press(card.message, button, twice=twice)

    async def _press(self, message: Message, button: Button, *, value: str | None = None, twice: bool = False) -> bool:
        ids = {"action_id": button.ref[0], "block_id": button.ref[1], "value": value}
        try:
            presses = [self._actions.press(self.user, message, **ids) for _ in range(2 if twice else 1)]
            return all(exchange.ok for exchange in await asyncio.gather(*presses))
        except LookupError:
            return False  # the card was updated meanwhile

    async def change(self, card: Card, question: str) -> bool:
        for item in card.message.elements():
            for option in item.element.get("options", ()):
                value = parse_button(item.element | {"selected_option": option})
                if value and (value.action, value.question) == ("change", question):
                    ref = (item.element["action_id"], item.block["block_id"])
                    return await self._press(card.message, Button("change", question, "", ref), value=option["value"])
        return False

    async def type(self, text: str) -> bool:
        if self.kind == "direct":
            return (await self._actions.direct_message(self.user, text)).ok
        if self.kind == "mention":
            return (await self._actions.mention(self.user, self.channel, text, self._thread)).ok
        return (await self._actions.slash(self.user, self.channel, text)).ok

    async def post(self, card: Card) -> bool:
        button = card.find("post")
        if button is None:
            return False
        accepted = await self.press(card, button, twice=self._rng.random() < 0.2 and self.kind != "direct")
        if card.message.channel.is_im:
            view = await self._modal("picker") if accepted else None
            if view is None:
                return False
            exchange = await self._actions.submit_view(self.user, view, {"where": self.channel.id})
            if view.open:  # it was not accepted: close it and start again
                await self._actions.close_view(self.user, view)
                return False
            return exchange.ok
        return accepted

    async def retry_post(self, button: Button) -> bool:
        return await self._press(button.ref[2], button)

    def posts(self, session: str) -> list[str]:
        return [message.channel.id for message in self._messages.posts[session] if not message.deleted]


def _buttons(message: Message, surface: str) -> tuple[Button, ...]:
    """Return the buttons that belong to a dialog. `ref`: action id, block id, message."""
    return tuple(
        Button(value.action, value.question, value.option, (item.element["action_id"], item.block["block_id"], message))
        for item, value in _button_values(message, surface)
    )


def _button_context(message: Message, surface: str) -> ButtonContext:
    """Return the context of the first button that belongs to a dialog."""
    return next((value.context for _, value in _button_values(message, surface)), ButtonContext("card"))


def _button_values(message: Message, surface: str) -> Iterator[tuple[BlockElement, ButtonValue]]:
    for item in message.elements():
        value = parse_button(item.element)
        if value and value.context.surface == surface and value.context.session:
            yield item, value


def _selected(view: View, block: dict[str, Any]) -> Any:
    state = view.state.get(block["block_id"], {}).get(block["element"]["action_id"], {})
    return state.get("selected_option")
