"""People in Slack: their platform, which delivers again what was not answered, and each one's seat at a dialog."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from aiohttp import ClientConnectionError, ClientConnectorError

from adapters.playground.slack import payloads
from adapters.playground.slack.calls import Call
from adapters.playground.slack.models import Channel, Message, User, View, Workspace
from adapters.playground.slack.server import Fault, SlackSimulator
from adapters.playground.slack.user_actions import Exchange, SlackUserActions
from adapters.slack.button_value import ButtonContext, parse_button
from tests.fault_injection.clients import Button, Card
from tests.fault_injection.history import History
from tests.fault_injection.replicas import Balancer
from tests.scenarios.parity.readers import of_slack

AGAIN = (0.0, 4.0, 6.0, 10.0)
"""Seconds between deliveries of an event that is not answered; Slack: at once, then a minute, then five."""
DUPLICATES = 0.06
"""Share of events that are delivered again although they were answered: at once, or after something newer."""
Key = tuple[str, str]


class Hands(SlackUserActions):
    """The actions of every user in one workspace, and Slack's servers between them and the replicas."""

    def __init__(
        self, standin: SlackSimulator, workspace: Workspace, balancer: Balancer, ledger: History, chance: random.Random
    ) -> None:
        super().__init__(standin, "", workspace)
        self._balancer = balancer
        self._ledger = ledger
        self._chance = chance

    async def _deliver_by_http(self, ack: Exchange, headers: dict[str, str]) -> None:
        for address in self._balancer.ways():
            self.app_url = address  # read before anything is waited for
            try:
                return await super()._deliver_by_http(ack, headers)
            except ClientConnectorError:
                continue  # as a balancer does
        raise ClientConnectionError("no replica")

    async def deliver(self, ack: Exchange, headers: dict[str, str] | None = None) -> Exchange:
        done = await super().deliver(ack, headers)
        self._ledger.answered(f"slack {ack.kind}", ack.status, ack.seconds, ack.error or "")
        self.exchanges.clear()
        return done

    async def event(self, inner: dict[str, Any]) -> Exchange:
        ack = await self.deliver(Exchange("event", payloads.event(self.workspace, inner)))
        if ack.ok and self._chance.random() < DUPLICATES:
            self._later(self._once_more(ack))
        for retry, pause in enumerate(AGAIN, 1):
            if ack.ok:
                break
            await asyncio.sleep(pause)
            ack = await self.redeliver(ack, retry, "http_error")
        return ack

    async def _once_more(self, ack: Exchange) -> None:
        self._ledger.faults["event delivered again, late"] += 1
        await asyncio.sleep(self._chance.choice((0.0, 0.3, 1.5)))
        await self.redeliver(ack, 1, "http_timeout")


class Workshop(SlackSimulator):
    """The stand-in, in whatever weather: `trouble` says, call by call, what goes wrong with it."""

    trouble: Callable[[str], Fault | None] = staticmethod(lambda _method: None)

    def _fault(self, call: Call) -> Fault | None:
        return self.trouble(call.method) or super()._fault(call)


class Eyes:
    """Who sees which of the app's messages, and which of them changed last."""

    def __init__(self, slack: SlackSimulator) -> None:
        self.posts: defaultdict[str, list[Message]] = defaultdict(list)
        """Session -> its recommendations in channels."""
        self._seen: defaultdict[Key, dict[str, tuple[int, Message]]] = defaultdict(dict)
        self._count = 0
        slack.state.on_message.append(self._look)

    def _look(self, what: str, message: Message) -> None:
        if not message.bot_id:
            return
        self._count += 1
        if what == "posted" and (session := _mark(message, "post").session):
            self.posts[session].append(message)
        channel = message.channel
        key = (channel.id, message.ephemeral_to or message.thread_ts or "")
        if what == "deleted":
            self._seen[key].pop(message.ts, None)
        else:
            self._seen[key][message.ts] = (self._count, message)

    def latest(self, *keys: Key) -> list[tuple[int, Message]]:
        """Return what can be seen there, the last changed first."""
        return sorted((each for key in keys for each in self._seen[key].values()), reverse=True, key=lambda at: at[0])


class SlackClient:
    """One person at one dialog in Slack. `kind`: command, mention, direct, form."""

    def __init__(
        self, user_actions: Hands, eyes: Eyes, user: User, channel: Channel, kind: str, chance: random.Random
    ) -> None:
        self.id = user.id
        self.tenant = f"slack:{user_actions.workspace.id}"
        self.language = user.locale[:2]
        self.posts_to = channel.id
        self.types = kind in {"mention", "direct"}
        self.kind = kind
        self.channel = channel
        self.user = user
        self._hands = user_actions
        self._eyes = eyes
        self._chance = chance
        self._thread = ""
        self._direct = user_actions.workspace.im(user)
        self.planned: dict[str, str] = {}

    # --- What is seen ---

    def _keys(self) -> list[Key]:
        keys = [(self._direct.id, ""), (self.channel.id, self.user.id)]
        return [*keys, (self.channel.id, self._thread)] if self._thread else keys

    def version(self) -> object:
        seen = self._eyes.latest(*self._keys())
        return (seen[0][0] if seen else 0, id(self._hands.modal(self.user)))

    def card(self) -> Card | None:
        for _, message in self._eyes.latest(*self._keys()):
            if message.deleted or not (buttons := _buttons(message, "card")):
                continue
            mark = _mark(message, "card")
            return Card(mark.session, mark.revision or 0, buttons, message.blocks, message)
        return None

    def asked_again(self) -> Button | None:
        for _, message in self._eyes.latest(*self._keys()):
            for button in _buttons(message, "notice"):
                if button.action == "retry_post" and not message.deleted:
                    return button
        return None

    def reviewed(self, card: Card) -> dict[str, str]:
        return dict(line for line in of_slack(card.drawn).lines if isinstance(line, tuple))

    # --- What is done ---

    async def begin(self) -> None:
        if self.kind == "command":
            await self._hands.slash(self.user, self.channel)
        elif self.kind == "mention":
            # The thread is known before anything is answered: it is that of the person's own message.
            saying = asyncio.create_task(self._hands.mention(self.user, self.channel))
            await asyncio.sleep(0)
            self._thread = self.channel.log[-1].ts
            await saying
        elif self.kind == "direct":
            await self._hands.direct_message(self.user, "start" if self.language == "en" else "commencer")
        else:
            await self._fill()

    async def _fill(self) -> None:
        """The whole form, question by question."""
        await self._hands.slash(self.user, self.channel, "form" if self.language == "en" else "formulaire")
        view = await self._modal("form")
        for _ in range(30):
            if view is None or not view.open:
                return
            missing = [each for each in view.blocks if each["type"] == "input" and not _chosen(view, each)]
            if not missing:
                await self._hands.submit_view(self.user, view)
                await asyncio.sleep(0.2)
                continue
            block = missing[0]
            question = str(block["block_id"])
            options = [str(each["value"]) for each in block["element"]["options"]]
            option = self.planned.setdefault(question, self._chance.choice(options))
            await self._hands.dispatch(self.user, view, question, option)
            await asyncio.sleep(0.1)

    async def _modal(self, kind: str) -> View | None:
        for _ in range(60):
            view = self._hands.modal(self.user)
            if view and view.definition.get("callback_id") == kind:
                return view
            await asyncio.sleep(0.05)
        return None

    async def press(self, card: Card, button: Button, *, twice: bool = False) -> bool:
        return await self._press(card.where, button, twice=twice)

    async def _press(self, message: Message, button: Button, *, twice: bool = False) -> bool:
        how = {"action_id": button.at[0], "block_id": button.at[1]}
        try:
            presses = [self._hands.press(self.user, message, **how) for _ in range(2 if twice else 1)]
            return all(ack.ok for ack in await asyncio.gather(*presses))
        except LookupError:
            return False  # redrawn between the look and the press

    async def change(self, card: Card, question: str) -> bool:
        button = card.find("change", question)
        return button is not None and await self.press(card, button)

    async def type(self, said: str) -> bool:
        if self.kind == "direct":
            return (await self._hands.direct_message(self.user, said)).ok
        if self.kind == "mention":
            return (await self._hands.mention(self.user, self.channel, said, self._thread)).ok
        return (await self._hands.slash(self.user, self.channel, said)).ok

    async def post(self, card: Card) -> bool:
        button = card.find("post")
        if button is None:
            return False
        taken = await self.press(card, button, twice=self._chance.random() < 0.2 and self.kind != "direct")
        if card.where.channel.is_im:
            view = await self._modal("picker") if taken else None
            if view is None:
                return False
            ack = await self._hands.submit_view(self.user, view, {"where": self.channel.id})
            if view.open:  # it could not be taken: closed, to begin anew
                await self._hands.close_view(self.user, view)
                return False
            return ack.ok
        return taken

    async def retry_post(self, button: Button) -> bool:
        return await self._press(button.at[2], button)

    def posted(self, session: str) -> list[str]:
        """Return the channels in which the recommendation of a session stands, one for each time."""
        return [each.channel.id for each in self._eyes.posts[session] if not each.deleted]


def _buttons(message: Message, surface: str) -> tuple[Button, ...]:
    found = []
    for each in message.elements():
        press = parse_button(each.element)
        if press and press.context.surface == surface and press.context.session:
            at = (each.element["action_id"], each.block["block_id"], message)
            found.append(Button(press.action, press.question, press.option, at))
    return tuple(found)


def _mark(message: Message, surface: str) -> ButtonContext:
    """Return what its buttons say of the dialog."""
    for each in message.elements():
        press = parse_button(each.element)
        if press and press.context.surface == surface and press.context.session:
            return press.context
    return ButtonContext("card")


def _chosen(view: View, block: dict[str, Any]) -> Any:
    state = view.state.get(block["block_id"], {}).get(block["element"]["action_id"], {})
    return state.get("selected_option")
