"""People in Teams: their platform, which delivers a message again that was not answered, and each one's seat."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from adapters.playground.teams.cards import CannotPress, fill
from adapters.playground.teams.faults import Fault
from adapters.playground.teams.rules import walk
from adapters.playground.teams.server import TeamsSimulator
from adapters.playground.teams.state import Conversation, Message, User
from adapters.playground.teams.user_actions import Exchange, TeamsUserActions
from tests.fault_injection.clients import Button, Card, text_of
from tests.fault_injection.history import History
from tests.fault_injection.replicas import Balancer
from tests.scenarios.parity.readers import of_teams

AGAIN = (1.0, 3.0, 6.0)
"""Seconds until a message that was not answered is delivered again; Teams: beyond fifteen."""
DUPLICATES = 0.06
TIMEOUT = 15.0
TOKEN_SECONDS = 240.0
MESSAGE_EVENTS = frozenset({"message", "conversationUpdate", "installationUpdate"})
FORM = {"fr": "formulaire", "en": "form"}
Json = dict[str, Any]
_FAULT: ContextVar[Fault | None] = ContextVar("fault", default=None)
"""What goes wrong with the request under way."""


class Office(TeamsSimulator):
    """The stand-in, in whatever weather: `trouble` says, call by call, what goes wrong with it.

    With an index of what the app wrote by conversation, and of its posts by session.
    """

    trouble: Callable[[str], Fault | None] = staticmethod(lambda _operation: None)

    def __init__(self) -> None:
        super().__init__(limits=False)
        self.by_thread: defaultdict[str, list[Message]] = defaultdict(list)
        self.posts_of: defaultdict[str, list[Message]] = defaultdict(list)
        self.denied: Counter[str] = Counter()
        """Session -> its posts that were done and answered 5xx: the bot cannot look, and may post it again."""

    def record(self, message: Message) -> Message:
        if message.by is None:
            self.by_thread[message.thread_id].append(message)
            for button in (each for card in message.cards for each in _buttons(card)):
                if button.action == "details":
                    self.posts_of[button.at[0]].append(message)
                    fault = _FAULT.get()
                    self.denied[button.at[0]] += bool(fault and fault.effect)
        return super().record(message)

    def _take(self, operation: str) -> Fault | None:
        fault = self.trouble(operation) or super()._take(operation)
        _FAULT.set(fault)
        return fault


class Crowd(TeamsUserActions):
    """The actions of every user, and Teams' servers between them and the replicas."""

    def __init__(self, teams: TeamsSimulator, balancer: Balancer, ledger: History, chance: random.Random) -> None:
        super().__init__(teams, "", timeout_seconds=TIMEOUT)
        self._balancer = balancer
        self._ledger = ledger
        self._chance = chance
        self._signed = (0.0, "")
        self._tasks: set[asyncio.Task[Any]] = set()

    async def send_activity(self, activity: Json, **more: Any) -> Exchange:
        answer = await self._balanced(activity)
        if activity["type"] not in MESSAGE_EVENTS:
            return answer
        for pause in AGAIN:
            if answer.ok:
                break
            await asyncio.sleep(pause)
            answer = await self._balanced(activity)
        if answer.ok and self._chance.random() < DUPLICATES:
            self._ledger.faults["activity delivered again, late"] += 1
            task = asyncio.create_task(self._once_more(activity))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return answer

    async def _once_more(self, activity: Json) -> None:
        await asyncio.sleep(self._chance.choice((0.0, 0.3, 1.5)))
        await self._balanced(activity)

    async def _balanced(self, activity: Json) -> Exchange:
        if time.monotonic() - self._signed[0] > TOKEN_SECONDS:  # the same for minutes, as Teams does
            self._signed = (time.monotonic(), self.token())
        answer = Exchange(activity, 0, b"", 0.0, "no replica")
        for address in self._balancer.ways():
            self.endpoint = f"{address}/api/messages"
            answer = await super().send_activity(activity, authorization=f"Bearer {self._signed[1]}")
            if "ClientConnectorError" not in answer.error:
                break
        self.exchanges.clear()
        kind = "event" if activity["type"] in MESSAGE_EVENTS else activity["type"]
        why = "operation_timeout" if "Timeout" in answer.error else "dispatch_failed"
        self._ledger.answered(f"teams {kind}", answer.status or None, answer.seconds, why)
        return answer


class TeamsClient:
    """One person at one dialog in Teams: in a channel, a group chat or their own chat with the app.

    `form`: they answer the whole form in a task module, and go on with the card that it leads to.
    """

    def __init__(
        self,
        office: Office,
        crowd: Crowd,
        user: User,
        where: Conversation,
        posts_to: Conversation,
        *,
        form: random.Random | None = None,
    ) -> None:
        self.id = user.id
        self.tenant = f"teams:{user.tenant}"
        self.language = user.locale[:2]
        self.posts_to = posts_to.id
        self.types = True
        self.kind: str = "form" if form else where.kind
        self.user = user
        self.planned: dict[str, str] = {}
        self._office = office
        self._crowd = crowd
        self._where = where
        self._form = form
        self._thread: Message | None = None
        self._personal = office.personal(user)

    # --- What is seen ---

    def _messages(self) -> list[Message]:
        """What is said to this person, the latest first."""
        here = self._thread.thread_id if self._thread else self._where.id
        keys = dict.fromkeys((here, self._personal.id))
        return [each for key in keys for each in reversed(self._office.by_thread[key]) if not each.deleted]

    def version(self) -> object:
        messages = self._messages()
        return len(messages), *((each.id, id(each.views.get(self.user.id)), each.edits) for each in messages[:4])

    def card(self) -> Card | None:
        for message in self._messages():
            if not message.cards:
                continue
            drawn = message.card_for(self.user)
            buttons = tuple(each for each in _buttons(drawn) if each.at[1] is not None)
            if buttons and not any(each.action in {"details", "retry_post"} for each in buttons):
                return Card(buttons[0].at[0], int(buttons[0].at[1]), buttons, drawn, message)
        return None

    def asked_again(self) -> Button | None:
        for message in self._messages():
            for button in _buttons(message.card_for(self.user)) if message.cards else ():
                if button.action == "retry_post":
                    return Button(button.action, "", "", (button.at[0], message, button.at[2]))
        return None

    def reviewed(self, card: Card) -> dict[str, str]:
        return dict(line for line in of_teams(card.drawn).lines if isinstance(line, tuple))

    # --- What is done ---

    async def begin(self) -> None:
        if self._form:
            return await self._fill(self._form)
        if self._where.kind == "personal":
            await self._crowd.personal(self.user, "start" if self.language == "en" else "commencer")
            return
        await self._mention("check")

    async def _mention(self, said: str) -> None:
        assert self._where.kind != "personal"
        activity = self._crowd.make_mention(self.user, self._where, said)
        if self._where.kind == "channel":
            self._thread = self._office.find(activity["id"])
        await self._crowd.send_activity(activity)

    async def _fill(self, chance: random.Random) -> None:
        """Ask for the form, open it, and answer it step by step."""
        text = text_of(self.language)
        opens = text("label.open_form")
        await self._mention(FORM[self.language])
        offers = (each for each in self._messages() if any(node.get("title") == opens for node in walk(each.cards)))
        offer = next(offers, None)
        form = (await self._crowd.press(self.user, offer, opens)).task_card if offer else None
        while offer and form:
            inputs = {}
            for field in (each for each in walk(form) if each.get("type") == "Input.ChoiceSet"):
                options = [str(each["value"]) for each in field["choices"]]
                inputs[field["id"]] = self.planned.setdefault(field["id"][2:], chance.choice(options))
            answer = await self._crowd.submit_task(self.user, offer, fill(form, text("label.submit"), inputs))
            if answer.ok:
                form = answer.task_card  # after the last step, or where it could not be taken, a word instead
            else:
                await asyncio.sleep(0.5)  # it stays open with what is in it, and they press again

    async def press(self, card: Card, button: Button, *, twice: bool = False) -> bool:
        return await self._press(card.where, button.at[2], twice=twice)

    async def _press(self, message: Message, title: str, inputs: Json | None = None, *, twice: bool = False) -> bool:
        try:
            presses = [self._crowd.press(self.user, message, title, inputs) for _ in range(2 if twice else 1)]
            answers = await asyncio.gather(*presses)
        except CannotPress:
            return False  # redrawn between the look and the press
        return all(answer.ok for answer in answers)

    async def change(self, card: Card, question: str) -> bool:
        button = card.find("change")
        return button is not None and await self._press(card.where, button.at[2], {"change": question})

    async def type(self, said: str) -> bool:
        if self._where.kind == "personal":
            return (await self._crowd.personal(self.user, said)).ok
        return (await self._crowd.mention(self.user, self._where, said, thread=self._thread)).ok

    async def post(self, card: Card) -> bool:
        button = card.find("post")
        if button is None:
            return False
        choices = next((each for each in walk(card.drawn) if each.get("id") == "channel"), None)
        if choices is None:
            return await self._press(card.where, button.at[2])
        wanted = [one["value"] for one in choices["choices"] if one["value"].endswith(f" {self.posts_to}")]
        return bool(wanted) and await self._press(card.where, button.at[2], {"channel": wanted[0]})

    async def retry_post(self, button: Button) -> bool:
        return await self._press(button.at[1], button.at[2])

    def posted(self, session: str) -> list[str]:
        """Return the conversations in which the recommendation of a session stands, one for each time."""
        return [each.where.id for each in self._office.posts_of[session] if not each.deleted]


_KNOWN: dict[int, tuple[Json, tuple[Button, ...]]] = {}
"""Buttons by the card they are on: everybody in a group chat looks through all that stands there, again and again."""


def _buttons(card: Json) -> tuple[Button, ...]:
    """Return the buttons about a dialog. `at`: its session, its revision, and what is written on the button."""
    known = _KNOWN.get(id(card))
    if known is None or known[0] is not card:
        known = _KNOWN[id(card)] = card, tuple(_found(card))
    return known[1]


def _found(card: Json) -> Iterator[Button]:
    for node in walk(card):
        data = node.get("data")
        if node.get("type") == "Action.Execute" and isinstance(data, dict) and "session" in data:
            at = (data["session"], data.get("revision"), node.get("title"))
            yield Button(data["action"], str(data.get("question", "")), str(data.get("option", "")), at)
