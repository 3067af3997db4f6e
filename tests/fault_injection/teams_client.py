"""Users in Teams, and Teams itself: it fails on demand and delivers again what was not answered."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from aiohttp import ClientConnectionError, ClientConnectorError

from adapters.playground.simulator import Call, Fault
from adapters.playground.teams.cards import CannotPress, fill
from adapters.playground.teams.models import Conversation, Message, User
from adapters.playground.teams.rules import walk
from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.user_actions import Exchange, TeamsUserActions
from dialogs.translations import translations
from tests.fault_injection.clients import Button, Card
from tests.fault_injection.history import History
from tests.fault_injection.replicas import Balancer
from tests.scenarios.parity.readers import read_teams

RETRY_DELAYS = (1.0, 3.0, 6.0)
"""Seconds before each retry of a message. Teams retries after its timeout of 15 seconds."""
DUPLICATE_SHARE = 0.06
"""Share of answered messages that are delivered again."""
TIMEOUT = 15.0
TOKEN_SECONDS = 240.0
MESSAGE_EVENTS = frozenset({"message", "conversationUpdate", "installationUpdate"})
FORM = {"fr": "formulaire", "en": "form"}
Json = dict[str, Any]
_FAULT: ContextVar[Fault | None] = ContextVar("fault", default=None)
"""The fault of the current request."""


class FaultyTeams(TeamsSimulator):
    """A simulator whose calls fail as `choose_fault` says. It indexes the app's messages by thread and by session."""

    choose_fault: Callable[[str], Fault | None] = staticmethod(lambda _operation: None)

    def __init__(self) -> None:
        super().__init__(limits=False)
        self.by_thread: defaultdict[str, list[Message]] = defaultdict(list)
        self.posts_by_session: defaultdict[str, list[Message]] = defaultdict(list)
        self.failed_after_post: Counter[str] = Counter()
        """Session -> posts that were made and answered 5xx. A bot cannot read the channel, so it may post again."""

    def record(self, message: Message) -> Message:
        if message.by is None:
            self.by_thread[message.thread_id].append(message)
            buttons = [button for card in message.cards for button in _buttons(card)]
            if _is_post(buttons):
                session, fault = buttons[0].ref[0], _FAULT.get()
                self.posts_by_session[session].append(message)
                self.failed_after_post[session] += bool(fault and fault.effect)
        return super().record(message)

    def next_fault(self, call: Call) -> Fault | None:
        fault = self.choose_fault(call.operation) or super().next_fault(call)
        _FAULT.set(fault)
        return fault


class BalancedTeamsActions(TeamsUserActions):
    """Actions of all users, delivered to the replicas through the load balancer."""

    def __init__(self, teams: TeamsSimulator, balancer: Balancer, history: History, rng: random.Random) -> None:
        super().__init__(teams, "/api/messages", timeout_seconds=TIMEOUT)
        self._balancer = balancer
        self._history = history
        self._rng = rng
        self._signed = (0.0, "")
        """When the token was made, and the token."""

    async def send_activity(self, activity: Json, **more: Any) -> Exchange:
        exchange = await self._send_balanced(activity)
        if activity["type"] not in MESSAGE_EVENTS:
            return exchange
        for delay in RETRY_DELAYS:
            if exchange.ok:
                break
            await asyncio.sleep(delay)
            exchange = await self._send_balanced(activity)
        if exchange.ok and self._rng.random() < DUPLICATE_SHARE:
            self._history.faults["duplicate activity"] += 1
            self.start_task(self._duplicate(activity))
        return exchange

    async def _duplicate(self, activity: Json) -> None:
        await asyncio.sleep(self._rng.choice((0.0, 0.3, 1.5)))
        await self._send_balanced(activity)

    async def _send_balanced(self, activity: Json) -> Exchange:
        if time.monotonic() - self._signed[0] > TOKEN_SECONDS:  # used for minutes, as by Teams
            self._signed = (time.monotonic(), self.token())
        exchange = await super().send_activity(activity, authorization=f"Bearer {self._signed[1]}")
        self.exchanges.clear()
        kind = "event" if activity["type"] in MESSAGE_EVENTS else activity["type"]
        self._history.record_response(f"teams {kind}", exchange.status, exchange.seconds, exchange.error or "")
        return exchange

    async def post(self, exchange: Exchange, url: str, body: bytes, headers: dict[str, str]) -> None:
        for replica in self._balancer.urls():
            try:
                return await super().post(exchange, replica + url, body, headers)
            except ClientConnectorError:
                continue  # as a load balancer does
        raise ClientConnectionError("no replica")


class TeamsClient:
    """One user at one dialog in Teams: in a channel, a group chat or the personal chat.

    `form_rng`: answer the whole form in a task module, then continue with its card.
    """

    def __init__(
        self,
        teams: FaultyTeams,
        actions: BalancedTeamsActions,
        user: User,
        conversation: Conversation,
        post_channel: Conversation,
        *,
        form_rng: random.Random | None = None,
    ) -> None:
        self.user_id = user.id
        self.tenant = f"teams:{user.tenant}"
        self.language = user.locale[:2]
        self.post_channel = post_channel.id
        self.accepts_text = True
        self.kind: str = "form" if form_rng else conversation.kind
        self.user = user
        self.answers: dict[str, str] = {}
        self._teams = teams
        self._actions = actions
        self._conversation = conversation
        self._form_rng = form_rng
        self._thread: Message | None = None
        self._personal = teams.personal(user)

    # --- What the user sees ---

    def _messages(self) -> list[Message]:
        """Return the app's messages to this user, the latest first."""
        here = self._thread.thread_id if self._thread else self._conversation.id
        threads = dict.fromkeys((here, self._personal.id))
        messages = (message for thread in threads for message in reversed(self._teams.by_thread[thread]))
        return [message for message in messages if not message.deleted]

    def version(self) -> object:
        messages = self._messages()
        return len(messages), *((m.id, id(m.views.get(self.user.id)), m.edits) for m in messages[:4])

    @property
    def is_private(self) -> bool:
        return self._conversation.kind == "personal"

    def card(self) -> Card | None:
        for message in self._messages():
            if not message.cards:
                continue
            content = message.card_for(self.user)
            buttons = tuple(button for button in _buttons(content) if button.ref[1] is not None)
            if buttons and not _is_post(buttons) and all(button.action != "retry_post" for button in buttons):
                session, revision, _ = buttons[0].ref
                return Card(session, int(revision), buttons, content, message)
        return None

    def retry_button(self) -> Button | None:
        for message in self._messages():
            for button in _buttons(message.card_for(self.user)) if message.cards else ():
                if button.action == "retry_post":
                    return Button(button.action, "", "", (button.ref[0], message, button.ref[2]))
        return None

    def review_rows(self, card: Card) -> dict[str, str]:
        return dict(line for line in read_teams(card.content).lines if isinstance(line, tuple))

    # --- What the user does ---

    async def begin(self) -> None:
        if self._form_rng:
            return await self._fill_form(self._form_rng)
        if self._conversation.kind == "personal":
            await self._actions.personal(self.user, "start" if self.language == "en" else "commencer")
            return
        await self._mention("check")

    async def _mention(self, text: str) -> None:
        assert self._conversation.kind != "personal"
        activity = self._actions.make_mention(self.user, self._conversation, text)
        if self._conversation.kind == "channel":
            self._thread = self._teams.find(activity["id"])
        await self._actions.send_activity(activity)

    async def _fill_form(self, rng: random.Random) -> None:
        """Ask for the form, open it, and answer it page by page."""
        t = translations(self.language)
        label = t("label.open_form")
        await self._mention(FORM[self.language])
        messages = (m for m in self._messages() if any(node.get("title") == label for node in walk(m.cards)))
        message = next(messages, None)
        form = (await self._actions.press(self.user, message, label)).task_card if message else None
        while message and form:
            inputs = {}
            for field in (node for node in walk(form) if node.get("type") == "Input.ChoiceSet"):
                options = [str(choice["value"]) for choice in field["choices"]]
                inputs[field["id"]] = self.answers.setdefault(field["id"][2:], rng.choice(options))
            button = t("label.next" if inputs else "teams.show_here")
            exchange = await self._actions.submit_task(self.user, message, fill(form, button, inputs))
            if exchange.ok:
                form = exchange.task_card  # none after the last step, or when it was not accepted
            else:
                await asyncio.sleep(0.5)  # the form stays open; the user submits it again

    async def press(self, card: Card, button: Button, *, twice: bool = False) -> bool:
        return await self._press(card.message, button.ref[2], twice=twice)

    async def _press(self, message: Message, title: str, inputs: Json | None = None, *, twice: bool = False) -> bool:
        try:
            presses = [self._actions.press(self.user, message, title, inputs) for _ in range(2 if twice else 1)]
            exchanges = await asyncio.gather(*presses)
        except CannotPress:
            return False  # the card was updated meanwhile
        return all(exchange.ok for exchange in exchanges)

    async def change(self, card: Card, question: str) -> bool:
        button = card.find("change")
        return button is not None and await self._press(card.message, button.ref[2], {"change": question})

    async def type(self, text: str) -> bool:
        if self._conversation.kind == "personal":
            return (await self._actions.personal(self.user, text)).ok
        return (await self._actions.mention(self.user, self._conversation, text, thread=self._thread)).ok

    async def post(self, card: Card) -> bool:
        button = card.find("post")
        if button is None:
            return False
        channel_input = next((node for node in walk(card.content) if node.get("id") == "channel"), None)
        if channel_input is None:
            return await self._press(card.message, button.ref[2])
        values = [choice["value"] for choice in channel_input["choices"]]
        value = next((value for value in values if value.endswith(f" {self.post_channel}")), None)
        return value is not None and await self._press(card.message, button.ref[2], {"channel": value})

    async def retry_post(self, button: Button) -> bool:
        return await self._press(button.ref[1], button.ref[2])

    def posts(self, session: str) -> list[str]:
        return [message.where.id for message in self._teams.posts_by_session[session] if not message.deleted]


_CACHE: dict[int, tuple[Json, tuple[Button, ...]]] = {}
"""Buttons by the id of their card: the users of a group chat search all its cards again and again."""


def _is_post(buttons: Iterable[Button]) -> bool:
    return {"details", "run_own"} <= {button.action for button in buttons}


def _buttons(card: Json) -> tuple[Button, ...]:
    """Return the buttons that belong to a dialog. `ref`: session, revision, title of the button."""
    cached = _CACHE.get(id(card))
    if cached is None or cached[0] is not card:
        cached = _CACHE[id(card)] = card, tuple(_find_buttons(card))
    return cached[1]


def _find_buttons(card: Json) -> Iterator[Button]:
    for node in walk(card):
        data = node.get("data")
        if node.get("type") == "Action.Execute" and isinstance(data, dict) and "session" in data:
            ref = (data["session"], data.get("revision"), node.get("title"))
            yield Button(data["action"], str(data.get("question", "")), str(data.get("option", "")), ref)
