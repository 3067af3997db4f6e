"""What people do in Slack. Each action sends the signed payload that Slack would send and applies the response."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from adapters.playground import simulator
from adapters.playground.simulator import Json
from adapters.playground.slack import payloads
from adapters.playground.slack.cards import BlockElement, choice_state
from adapters.playground.slack.errors import SlackError
from adapters.playground.slack.models import Channel, Message, User, View, Workspace
from adapters.playground.slack.rules import validate_view
from adapters.playground.slack.server import SlackSimulator

ACK_SECONDS = 3.0
Values = Mapping[str, str | None]


@dataclass
class Exchange(simulator.Exchange):
    """A request and its response. `kind`: `event`, `command` or `interaction`."""

    message: Message | None = None
    """The person's own message, or the one that the response posted."""

    @property
    def content_type(self) -> str:
        return "application/json" if self.kind == "event" else "application/x-www-form-urlencoded"

    @property
    def body(self) -> bytes:
        if self.kind == "event":
            return json.dumps(self.payload).encode()
        return urlencode(self.payload if self.kind == "command" else {"payload": json.dumps(self.payload)}).encode()


class Incomplete(ValueError):
    """Slack asks to complete these inputs and sends nothing."""

    def __init__(self, missing: list[BlockElement]) -> None:
        super().__init__(f"please complete: {[item.label for item in missing]}")
        self.block_ids = [item.ids[0] for item in missing]


class SlackUserActions(simulator.UserActions[Exchange]):
    """The actions of a workspace's users. With `app_url` None requests are sent by Socket Mode."""

    def __init__(self, slack: SlackSimulator, app_url: str | None, workspace: Workspace) -> None:
        super().__init__(slack, ACK_SECONDS)
        self.slack, self.workspace = slack, workspace
        self.app_url = app_url
        self.path = "/slack/events"
        self.retries = False
        """Whether events without a 2xx response are sent again, up to three times, at once."""
        self.slack.on_message.append(self._send_message_event)

    @property
    def errors_shown(self) -> list[Exchange]:
        """Requests that failed visibly. Slack shows no error for an event."""
        return [exchange for exchange in self.exchanges if exchange.error and exchange.kind != "event"]

    async def deliver(self, exchange: Exchange, headers: dict[str, str] | None = None) -> Exchange:
        """Send the signed request, wait `timeout_seconds` for the response, and set the exchange's result."""
        if self.app_url is None:
            sending = self._deliver_by_socket(exchange, headers or {})
        else:
            signed = self.signed(exchange.body) | {"Content-Type": exchange.content_type} | (headers or {})
            sending = self.post(exchange, f"{self.app_url}{self.path}", exchange.body, signed)
        await self.send(exchange, sending, range(200, 300) if exchange.kind == "event" else (200,))
        return exchange

    async def _deliver_by_socket(self, exchange: Exchange, headers: dict[str, str]) -> None:
        kind = {"event": "events_api", "command": "slash_commands"}.get(exchange.kind, "interactive")
        more: Json = {"accepts_response_payload": kind != "events_api"}
        if kind == "events_api":
            more["retry_attempt"] = int(headers.get("X-Slack-Retry-Num", 0))
            more["retry_reason"] = headers.get("X-Slack-Retry-Reason", "")
        ack = await self.slack.send_envelope(kind, exchange.payload, self.timeout_seconds, **more)
        exchange.answer, exchange.status = ack or None, 200

    def signed(self, body: bytes, *, timestamp: float | None = None, secret: str | None = None) -> dict[str, str]:
        """Return the headers of a signed request; `timestamp` and `secret` make forgeries and replays."""
        stamp = str(int(time.time() if timestamp is None else timestamp))
        return {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": payloads.signature(secret or self.slack.app.signing_secret, stamp, body),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }

    async def redeliver(self, exchange: Exchange, retry: int | None = 1, reason: str = "http_timeout") -> Exchange:
        """Send the same request again with a new signature; `retry` None leaves the retry headers out."""
        headers = {}
        if retry is not None:
            headers = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason}
        return await self.deliver(Exchange(exchange.kind, exchange.payload, message=exchange.message), headers)

    async def event(self, inner: Json) -> Exchange:
        """Send an event, whether the app subscribed to it or not."""
        exchange = await self.deliver(Exchange("event", payloads.event(self.slack, self.workspace, inner)))
        for retry in (1, 2, 3):
            if exchange.ok or not self.retries:
                break
            reason = "http_timeout" if exchange.error == "operation_timeout" else "http_error"
            exchange = await self.redeliver(exchange, retry, reason)
        return exchange

    async def verify_url(self) -> Exchange:
        """Send Slack's verification of the request URL."""
        payload = {"type": "url_verification", "token": self.slack.app.verification_token, "challenge": "ch4llenge"}
        return await self.deliver(Exchange("event", payload))

    async def _interact(self, kind: str, user: User, more: Json) -> Exchange:
        payload = payloads.interaction(self.slack, kind, user, self.workspace) | more
        return await self.deliver(Exchange("interaction", payload))

    async def mention(self, user: User, channel: Channel, text: str = "", thread_ts: str | None = None) -> Exchange:
        """Post "@app text" and send its events; none if the bot is not a member."""
        text = f"<@{self.workspace.bot.id}> {payloads.escaped(text)}".rstrip()
        return await self._write(user, channel, text, thread_ts)

    async def direct_message(self, user: User, text: str, thread_ts: str | None = None) -> Exchange:
        return await self._write(user, self.workspace.im(user), payloads.escaped(text), thread_ts)

    async def say(self, user: User, channel: Channel, text: str, thread_ts: str | None = None) -> Exchange:
        """Post a message. The app gets an event only if it subscribed to messages in such channels."""
        return await self._write(user, channel, payloads.escaped(text), thread_ts)

    async def _write(self, user: User, channel: Channel, text: str, thread_ts: str | None) -> Exchange:
        self._require_member(user, channel)
        message = self.slack.post(channel, user, text, thread_ts=thread_ts)
        exchange = Exchange("event", {}, error="not_delivered")
        if self._is_subscribed(channel):
            exchange = await self.event(payloads.message_event(message))
        is_mention = f"<@{self.workspace.bot.id}>" in text and not channel.is_im
        if is_mention and channel.has_bot and "app_mention" in self.slack.app.events:
            exchange = await self.event(payloads.message_event(message, "app_mention"))
        exchange.message = message
        return exchange

    def _require_member(self, user: User, channel: Channel) -> None:
        if user.id not in channel.members:
            raise LookupError(f"{user.name} is not a member of {channel.name}")
        if channel.archived:
            raise LookupError(f"{channel.name} is archived")

    def _is_subscribed(self, channel: Channel) -> bool:
        kind = "message.im" if channel.is_im else "message.groups" if channel.private else "message.channels"
        return channel.has_bot and kind in self.slack.app.events

    async def slash(self, user: User, channel: Channel, text: str = "", command: str = "/cm") -> Exchange:
        """Send a slash command; a response with text or blocks is posted."""
        self._require_member(user, channel)
        url = self.slack.new_response_url(user.id, channel)
        address = self.slack.response_url(url)
        form = payloads.command(self.slack, user, self.workspace, channel, command, text, address)
        exchange = await self.deliver(Exchange("command", form))
        answer = {"text": exchange.answer} if isinstance(exchange.answer, str) else exchange.answer
        if exchange.ok and answer:
            try:
                exchange.message = self.slack.apply_response(url, answer)
            except SlackError as error:
                exchange.error = error.code
        return exchange

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
        """Press a button, or choose `value` in a menu of a message or in an input with `dispatch_action`.

        `label`: a button's text, an input's label or a menu's placeholder. `value`: an option's text or value, or a
        conversation's id.
        Raises LookupError if the user cannot see it or it does not exist.
        """
        self._require_visible(user, where)
        item = where.find_element(label, action_id, block_id)
        choice: Json = {}
        address = None
        if isinstance(where, Message):
            current = next((message for message in where.channel.log if message.ts == where.ts), where)
            address = self.slack.response_url(self.slack.new_response_url(user.id, where.channel, current))
            if item.element["type"] != "button":
                choice = choice_state(item.element, value)
        elif item.block["type"] == "input":
            if not item.block.get("dispatch_action"):
                raise LookupError(f"the input {item.label!r} does not dispatch")
            choice = choice_state(item.element, value)
            where.state_of(item).update(choice)
        action = payloads.action(self.slack, item, choice)
        return await self._interact("block_actions", user, payloads.pressed_in(where, address, action))

    def _require_visible(self, user: User, where: Message | View) -> None:
        if isinstance(where, View):
            if where.user_id != user.id or not where.open:
                raise LookupError(f"{user.name} does not have this view open")
        elif where.ts not in {message.ts for message in self.slack.visible_to(user, where.channel)}:
            raise LookupError(f"{user.name} does not see this message")

    def reload(self, user: User) -> None:
        """Reload Slack: the user's ephemeral messages and open modal disappear."""
        for channel in self.workspace.channels.values():
            for message in channel.log:
                if message.ephemeral_to == user.id:
                    message.deleted = True
        self.slack.close_modal(user.id)

    def modal(self, user: User) -> View | None:
        return self.slack.modals.get(user.id)

    def home(self, user: User) -> View | None:
        return self.workspace.homes.get(user.id)

    def fill(self, user: User, view: View, values: Values) -> None:
        """Fill in inputs by label, block_id or action_id; send nothing."""
        self._require_visible(user, view)
        for name, value in values.items():
            item = _input(view, name)
            view.state_of(item).update(choice_state(item.element, value))

    async def dispatch(self, user: User, view: View, name: str, value: str) -> Exchange:
        """Choose a value in an input with `dispatch_action`, named as for `fill`."""
        block_id, action_id = _input(view, name).ids
        return await self.press(user, view, action_id=action_id, block_id=block_id, value=value)

    async def submit_view(self, user: User, view: View, values: Values | None = None) -> Exchange:
        """Fill in, as `fill` does, and submit. Raises Incomplete if an input is empty.

        The response is applied: errors (`view.errors`) or update; an empty one closes the view. `exchange.error` says
        why a response could not be applied; the view stays open.
        """
        self.fill(user, view, values or {})
        if missing := [item for item in view.inputs() if None in view.state_of(item).values()]:
            raise Incomplete(missing)
        view.errors = {}
        exchange = await self._interact("view_submission", user, {"view": view.to_json(), "response_urls": []})
        if exchange.ok:
            try:
                self._apply_submission_response(view, exchange.answer)
            except SlackError as error:
                exchange.error = error.code
        return exchange

    def _apply_submission_response(self, view: View, answer: Any) -> None:
        """Raises SlackError for an invalid response."""
        block_ids = {item.ids[0] for item in view.inputs()}
        match answer or None:
            case None:
                if view.open:  # another modal may have replaced it
                    self.slack.close_modal(view.user_id)
            case {"response_action": "errors", "errors": {} as errors} if errors and block_ids.issuperset(errors):
                view.errors = {str(block_id): str(text) for block_id, text in errors.items()}
            case {"response_action": "update", "view": definition}:
                self.slack.set_view(view, validate_view(definition, "modal"))
            case _:
                raise SlackError("invalid_response")

    async def close_view(self, user: User, view: View) -> None:
        """Close a modal; the app gets no request."""
        self._require_visible(user, view)
        self.slack.close_modal(user.id)

    async def shortcut(self, user: User, callback_id: str) -> Exchange:
        return await self._interact("shortcut", user, {"callback_id": callback_id, "action_ts": self.slack.now_ts()})

    async def open_home(self, user: User) -> Exchange:
        inner: Json = {"type": "app_home_opened", "user": user.id, "channel": self.workspace.im(user).id, "tab": "home"}
        inner["event_ts"] = self.slack.now_ts()
        if home := self.home(user):
            inner["view"] = home.to_json()
        return await self.event(inner)

    async def invite(self, user: User, channel: Channel) -> None:
        self._require_member(user, channel)
        channel.members.add(self.workspace.bot.id)

    async def uninstall(self) -> list[Exchange]:
        """Remove the app: its tokens become inactive, and the two events are sent."""
        self.slack.uninstall(self.workspace)
        tokens, stamp = {"oauth": [], "bot": [self.workspace.bot.id]}, self.slack.now_ts()
        return [
            await self.event({"type": "tokens_revoked", "tokens": tokens, "event_ts": stamp}),
            await self.event({"type": "app_uninstalled", "event_ts": stamp}),
        ]

    def _send_message_event(self, change: str, message: Message) -> None:
        """Send the event of the app's own message, in the background, if the app subscribed to it."""
        is_own = message.channel.workspace is self.workspace and message.bot_id and not message.ephemeral
        if not is_own or not self._is_subscribed(message.channel):
            return
        inner = payloads.message_event(message)
        if change != "posted":
            more = {"message": message.to_json()} if change == "changed" else {"deleted_ts": message.ts}
            now = self.slack.now_ts()
            common = {name: inner[name] for name in ("type", "channel", "channel_type")}
            inner = {**common, "subtype": f"message_{change}", "hidden": True, "ts": now, "event_ts": now, **more}
        self.start_task(self.event(inner))


def _input(view: View, name: str) -> BlockElement:
    matches = [item for item in view.inputs() if name in (item.label, *item.ids)]
    if len(matches) != 1:
        raise LookupError(f"{len(matches)} inputs called {name!r} in {view.texts()}")
    return matches[0]
