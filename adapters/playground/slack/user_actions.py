"""What people do in Slack. Each action builds the payload Slack would send, signs it, and applies the response."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout

from adapters.playground.slack import payloads
from adapters.playground.slack.cards import BlockElement, chosen
from adapters.playground.slack.models import Channel, Message, User, View, Workspace
from adapters.playground.slack.rules import Json, SlackError, good_view
from adapters.playground.slack.server import SlackSimulator

Values = Mapping[str, str | None]


@dataclass
class Exchange:
    """How the app answered one delivery, and what the gesture made."""

    kind: str
    """event, command or interaction."""
    payload: Json
    status: int | None = None
    """None when nothing came back in time."""
    seconds: float = 0.0
    answer: Any = None
    """The body of the answer, read as JSON where it is JSON; None when empty."""
    error: str | None = None
    """What Slack tells the person: operation_timeout, dispatch_failed, or why an answer was not applied."""
    message: Message | None = None
    """The person's own message (mention, direct message), or what the answer posted."""

    @property
    def ok(self) -> bool:
        return self.error is None

    @property
    def content_type(self) -> str:
        return "application/json" if self.kind == "event" else "application/x-www-form-urlencoded"

    @property
    def body(self) -> bytes:
        if self.kind == "event":
            return json.dumps(self.payload).encode()
        return urlencode(self.payload if self.kind == "command" else {"payload": json.dumps(self.payload)}).encode()


class Incomplete(ValueError):
    """Slack itself asks to complete these inputs first, and sends nothing."""

    def __init__(self, missing: list[BlockElement]) -> None:
        super().__init__(f"please complete: {[each.label for each in missing]}")
        self.block_ids = [each.ids[0] for each in missing]


class SlackUserActions:
    """What the people of one workspace do. See `SlackSimulator.user_actions`."""

    def __init__(self, standin: SlackSimulator, app_url: str | None, workspace: Workspace) -> None:
        self.standin, self.state, self.workspace = standin, standin.state, workspace
        self.app_url = app_url
        self.path = "/slack/events"
        self.timeout_seconds = 3.0
        self.retries = False
        """Whether events that got no 200 are sent again, at once, up to three times."""
        self.exchanges: list[Exchange] = []
        """Every delivery."""
        self.on_exchange: list[Callable[[Exchange], None]] = []
        self._session: ClientSession | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.state.on_message.append(self._echo)
        standin.on_stop.append(self.close)

    @property
    def errors_shown(self) -> list[Exchange]:
        """What people were shown in place of an answer. Of an event that fails Slack tells nobody."""
        return [ack for ack in self.exchanges if ack.error and ack.kind != "event"]

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._session:
            await self._session.close()

    # Sending

    async def deliver(self, ack: Exchange, headers: dict[str, str] | None = None) -> Exchange:
        """Signs and sends what `ack` describes, waits as long as Slack does, and notes the answer."""
        self.exchanges.append(ack)
        started = time.monotonic()
        with self.standin.busy():
            try:
                by = self._deliver_by_socket if self.app_url is None else self._deliver_by_http
                await by(ack, headers or {})
                if ack.status is None or not 200 <= ack.status < (300 if ack.kind == "event" else 201):
                    ack.error = "dispatch_failed"
            except TimeoutError:
                ack.error = "operation_timeout"
            except ClientError:
                ack.error = "dispatch_failed"
            ack.seconds = time.monotonic() - started
        for hear in self.on_exchange:
            hear(ack)
        return ack

    async def _deliver_by_http(self, ack: Exchange, headers: dict[str, str]) -> None:
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=None))
        url, body = f"{self.app_url}{self.path}", ack.body
        sent = self.signed(body) | {"Content-Type": ack.content_type} | headers
        async with asyncio.timeout(self.timeout_seconds):
            async with self._session.post(url, data=body, headers=sent, allow_redirects=False) as response:
                ack.answer, ack.status = _read(await response.text()), response.status

    async def _deliver_by_socket(self, ack: Exchange, headers: dict[str, str]) -> None:
        kind = {"event": "events_api", "command": "slash_commands"}.get(ack.kind, "interactive")
        more: Json = {"accepts_response_payload": kind != "events_api"}
        if kind == "events_api":
            more["retry_attempt"] = int(headers.get("X-Slack-Retry-Num", 0))
            more["retry_reason"] = headers.get("X-Slack-Retry-Reason", "")
        ack.answer = await self.standin.send_envelope(kind, ack.payload, self.timeout_seconds, **more) or None
        ack.status = 200

    def signed(self, body: bytes, *, timestamp: float | None = None, secret: str | None = None) -> dict[str, str]:
        """The headers of a signed request, by the real clock; other values for forgeries and replays."""
        stamp = str(int(time.time() if timestamp is None else timestamp))
        mark = payloads.signature(secret or self.standin.app.signing_secret, stamp, body)
        return {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": mark,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }

    async def redeliver(self, ack: Exchange, retry: int | None = 1, reason: str = "http_timeout") -> Exchange:
        """The very same delivery once more, newly signed; `retry=None` for a duplicate without the headers."""
        headers = {}
        if retry is not None:
            headers = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason}
        return await self.deliver(Exchange(ack.kind, ack.payload, message=ack.message), headers)

    async def event(self, inner: Json) -> Exchange:
        """Any event of the Events API, in its envelope, whether subscribed to or not."""
        ack = await self.deliver(Exchange("event", payloads.event(self.workspace, inner)))
        for retry in (1, 2, 3):
            if ack.ok or not self.retries:
                break
            reason = "http_timeout" if ack.error == "operation_timeout" else "http_error"
            ack = await self.redeliver(ack, retry, reason)
        return ack

    async def verify_url(self) -> Exchange:
        """Slack's check of the request URL."""
        token = self.standin.app.verification_token
        return await self.deliver(
            Exchange("event", {"type": "url_verification", "token": token, "challenge": "ch4llenge"})
        )

    async def _interact(self, payload: Json) -> Exchange:
        return await self.deliver(Exchange("interaction", payload))

    # Talking

    async def mention(self, user: User, channel: Channel, text: str = "", thread_ts: str | None = None) -> Exchange:
        """Posts "@app text" and sends the events for it: none where the bot is not a member."""
        assert self.workspace.bot
        words = f"<@{self.workspace.bot.id}> {payloads.escaped(text)}".rstrip()
        return await self._say(user, channel, words, thread_ts, mention=True)

    async def direct_message(self, user: User, text: str, thread_ts: str | None = None) -> Exchange:
        return await self._say(user, self.workspace.im(user), payloads.escaped(text), thread_ts)

    async def say(self, user: User, channel: Channel, text: str, thread_ts: str | None = None) -> Exchange:
        """An ordinary message; the app hears it only where subscribed to."""
        return await self._say(user, channel, payloads.escaped(text), thread_ts)

    async def _say(
        self, user: User, channel: Channel, words: str, thread_ts: str | None, *, mention: bool = False
    ) -> Exchange:
        self._may_write(user, channel)
        message = self.state.post(channel, user.id, words, thread_ts=thread_ts)
        ack = Exchange("event", {}, error="not_delivered")
        if self._hears(channel):
            ack = await self.event(payloads.message_event(message))
        # In a direct conversation Slack sends a mention as a message alone.
        if mention and not channel.is_im and self._inside(channel) and "app_mention" in self.standin.app.events:
            ack = await self.event(payloads.message_event(message, "app_mention"))
        ack.message = message
        return ack

    def _may_write(self, user: User, channel: Channel) -> None:
        if user.id not in channel.members:
            raise LookupError(f"{user.name} is not a member of {channel.name}")
        if channel.archived:
            raise LookupError(f"{channel.name} is archived: nobody can write there")

    def _inside(self, channel: Channel) -> bool:
        return bool(self.workspace.bot and self.workspace.bot.id in channel.members)

    def _hears(self, channel: Channel) -> bool:
        kind = "message.im" if channel.is_im else "message.groups" if channel.private else "message.channels"
        return self._inside(channel) and kind in self.standin.app.events

    async def slash(self, user: User, channel: Channel, text: str = "", command: str = "/cm") -> Exchange:
        """A slash command; an answer with text is shown, a failure is told to the person."""
        self._may_write(user, channel)
        trigger = self.state.new_trigger(user.id, self.workspace)
        url = self.state.new_response_url(user.id, channel)
        form = payloads.command(self.workspace, user, channel, command, text, trigger, self.standin.response_url(url))
        ack = await self.deliver(Exchange("command", form))
        answer = {"text": ack.answer} if isinstance(ack.answer, str) else ack.answer
        if ack.ok and answer:
            try:
                ack.message = self.state.say(url, answer)
            except SlackError as refused:
                ack.error = refused.name
        return ack

    # Pressing

    async def press(
        self,
        user: User,
        where: Message | View,
        label: str | None = None,
        *,
        action_id: str | None = None,
        block_id: str | None = None,
        value: str | None = None,
    ) -> Exchange:
        """Presses a button of a message or view, or chooses `value` in an input that dispatches.

        `label`: a button's text or an input's label. `value`: an option's text or value, or a conversation's id. Raises
        LookupError when this person cannot see it or it is not there.
        """
        self._sees(user, where)
        found = where.find(label, action_id, block_id)
        choice: Json = {}
        address = None
        if isinstance(where, Message):
            current = next((each for each in where.channel.log if each.ts == where.ts), where)
            address = self.standin.response_url(self.state.new_response_url(user.id, where.channel, current))
        elif found.block["type"] == "input":
            if not found.block.get("dispatch_action"):
                raise LookupError(f"the input {found.label!r} does not dispatch")
            choice = chosen(found.element, value)
            where.kept(found).update(choice)
        trigger = self.state.new_trigger(user.id, self.workspace)
        action = payloads.action(self.workspace, found, choice)
        return await self._interact(payloads.block_actions(self.workspace, user, trigger, where, action, address))

    def _sees(self, user: User, where: Message | View) -> None:
        if isinstance(where, View):
            if where.user_id != user.id or not where.open:
                raise LookupError(f"{user.name} does not have this view open")
            return
        seen = self.standin.visible_to(user, where.channel)
        if where.ts not in {each.ts for each in seen}:
            raise LookupError(f"{user.name} does not see this message")

    def reload(self, user: User) -> None:
        """Slack is reloaded: that person's ephemeral messages and open modals are gone."""
        for channel in self.workspace.channels.values():
            for message in channel.log:
                if message.ephemeral_to == user.id:
                    message.deleted = True
        self.state.close_modal(user.id)

    # Modals and the home tab

    def modal(self, user: User) -> View | None:
        """The modal the person has before them."""
        return self.state.modals.get(user.id)

    def home(self, user: User) -> View | None:
        return self.workspace.homes.get(user.id)

    def fill(self, user: User, view: View, values: Values) -> None:
        """Fills in inputs, by label, block_id or action_id, without sending anything."""
        self._sees(user, view)
        for name, value in values.items():
            found = _input(view, name)
            view.kept(found).update(chosen(found.element, value))

    async def dispatch(self, user: User, view: View, name: str, value: str) -> Exchange:
        """Chooses in an input, named as for `fill`, that lets the app hear of it at once."""
        block_id, action_id = _input(view, name).ids
        return await self.press(user, view, action_id=action_id, block_id=block_id, value=value)

    async def submit_view(self, user: User, view: View, values: Values | None = None) -> Exchange:
        """Fills in, as `fill` does, and submits. Raises Incomplete where Slack itself would ask to complete a field.

        What the app answers is applied: errors (`view.errors`), update; no body closes the view. An answer Slack
        could not apply stands in `ack.error`, and the view stays.
        """
        self.fill(user, view, values or {})
        if missing := [each for each in view.inputs() if None in view.kept(each).values()]:
            raise Incomplete(missing)
        trigger = self.state.new_trigger(user.id, self.workspace)
        view.errors = {}
        ack = await self._interact(payloads.view_submission(self.workspace, user, trigger, view))
        if ack.ok:
            try:
                self._apply(view, ack.answer)
            except SlackError as refused:
                ack.error = refused.name
        return ack

    def _apply(self, view: View, answer: Any) -> None:
        """What a view_submission's answer does. Raises SlackError for one that Slack cannot use."""
        inputs = {each.ids[0] for each in view.inputs()}
        match answer or None:
            case None:
                if view.open:  # or another has taken its place meanwhile
                    self.state.close_modal(view.user_id)
            case {"response_action": "errors", "errors": {} as errors} if errors and inputs.issuperset(errors):
                view.errors = {str(name): str(words) for name, words in errors.items()}
            case {"response_action": "update", "view": changed}:
                self.state.set_view(view, good_view(changed, "modal"))
            case _:
                raise SlackError("invalid_response")

    async def close_view(self, user: User, view: View) -> None:
        """The cancel button, of which the app hears nothing."""
        self._sees(user, view)
        self.state.close_modal(user.id)

    async def shortcut(self, user: User, callback_id: str) -> Exchange:
        """A global shortcut."""
        trigger = self.state.new_trigger(user.id, self.workspace)
        return await self._interact(payloads.shortcut(self.workspace, user, trigger, callback_id))

    async def open_home(self, user: User) -> Exchange:
        inner: Json = {"type": "app_home_opened", "user": user.id, "channel": self.workspace.im(user).id, "tab": "home"}
        inner["event_ts"] = self.state.now_ts()
        if home := self.home(user):
            inner["view"] = home.to_json()
        return await self.event(inner)

    # Administration

    async def invite(self, user: User, channel: Channel) -> None:
        """Invites the app into a channel."""
        self._may_write(user, channel)
        assert self.workspace.bot
        channel.members.add(self.workspace.bot.id)

    async def uninstall(self) -> list[Exchange]:
        """Somebody removes the app: its tokens die, and the two events about it arrive."""
        self.state.uninstall(self.workspace)
        bots = [self.workspace.bot.id] if self.workspace.bot else []
        tokens, stamp = {"oauth": [], "bot": bots}, self.state.now_ts()
        return [
            await self.event({"type": "tokens_revoked", "tokens": tokens, "event_ts": stamp}),
            await self.event({"type": "app_uninstalled", "event_ts": stamp}),
        ]

    # What Slack sends by itself: the app's own messages come back to it where it listens

    def _echo(self, what: str, message: Message) -> None:
        mine = message.channel.team_id == self.workspace.id and message.bot_id and not message.ephemeral
        if not mine or not self._hears(message.channel):
            return
        inner = payloads.message_event(message)
        if what != "posted":
            more = {"message": message.to_json()} if what == "changed" else {"deleted_ts": message.ts}
            now = self.state.now_ts()
            of = {name: inner[name] for name in ("type", "channel", "channel_type")}
            inner = {**of, "subtype": f"message_{what}", "hidden": True, "ts": now, "event_ts": now, **more}
        self._later(self.event(inner))

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _read(body: str) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body


def _input(view: View, name: str) -> BlockElement:
    called = [each for each in view.inputs() if name in (each.label, *each.ids)]
    if len(called) != 1:
        raise LookupError(f"{len(called)} inputs called {name!r} in {view.texts()}")
    return called[0]
