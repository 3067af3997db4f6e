"""A person's hands in Slack: every gesture builds what Slack would send, signs it truly, and applies the answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout

from adapters.playground.standins import slack_payloads as payloads
from adapters.playground.standins.slack_methods import good_view
from adapters.playground.standins.slack_respond import say
from adapters.playground.standins.slack_state import (
    Channel,
    Message,
    ResponseUrl,
    SlackError,
    Trigger,
    User,
    View,
    Workspace,
)
from adapters.playground.standins.slack_surface import CHOICE_KEYS, MANY, Found, Json, Label, chosen, option

if TYPE_CHECKING:
    from adapters.playground.standins.slack import SlackStandIn

ACK_SECONDS = 3.0
FORM = "application/x-www-form-urlencoded"
Values = dict[str, Any]


@dataclass
class Ack:
    """How the app answered one delivery, and what the gesture made."""

    kind: str
    """event, command or interaction."""
    payload: Json
    body: bytes
    content_type: str
    status: int | None = None
    """None when nothing came back in time."""
    seconds: float = 0.0
    answer: Any = None
    """The body of the answer, read as JSON where it is JSON; None when empty."""
    error: str | None = None
    """What Slack tells the person: operation_timeout, dispatch_failed, or why an answer was not applied."""
    message: Message | None = None
    """The person's own message (mention, direct message), or what the answer posted."""
    trigger: Trigger | None = None
    response_url: ResponseUrl | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


@dataclass
class Trouble:
    """What Slack showed a person in place of an answer."""

    user_id: str
    error: str
    ack: Ack = field(repr=False)


class Incomplete(ValueError):
    """Slack itself asks to complete these inputs first, and sends nothing."""

    def __init__(self, missing: list[Found]) -> None:
        super().__init__(f"please complete: {[_input_label(each.block) for each in missing]}")
        self.block_ids = [str(each.block["block_id"]) for each in missing]


class SlackUserSide:
    """What the people of one workspace do. See `SlackStandIn.hands`.

    `acks` keeps every delivery, `troubles` what people saw when the app failed them.
    """

    def __init__(self, standin: SlackStandIn, app_url: str | None, workspace: Workspace) -> None:
        self.standin, self.world, self.workspace = standin, standin.world, workspace
        self.app_url = app_url
        self.path = "/slack/events"
        self.ack_seconds = ACK_SECONDS
        self.retries = False
        """Whether events that got no 200 are sent again, at once, up to three times."""
        self.acks: list[Ack] = []
        self.troubles: list[Trouble] = []
        self.on_ack: list[Callable[[Ack], None]] = []
        self._session: ClientSession | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.world.on_message.append(self._echo)
        self.world.on_gone.append(self._gone)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._session:
            await self._session.close()

    # Sending

    async def deliver(self, ack: Ack, headers: dict[str, str] | None = None) -> Ack:
        """Signs and sends what `ack` describes, waits as long as Slack does, and notes the answer."""
        self.acks.append(ack)
        started = time.monotonic()
        with self.standin.busy():
            try:
                if self.app_url is None:
                    await self._deliver_by_socket(ack, headers or {})
                else:
                    await self._deliver_by_http(ack, headers or {})
                if ack.status is None or not 200 <= ack.status < (300 if ack.kind == "event" else 201):
                    ack.error = "dispatch_failed"
            except TimeoutError:
                ack.error = "operation_timeout"
            except ClientError:
                ack.error = "dispatch_failed"
            ack.seconds = time.monotonic() - started
        for hear in self.on_ack:
            hear(ack)
        return ack

    async def _deliver_by_http(self, ack: Ack, headers: dict[str, str]) -> None:
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=None))
        sent = self.signed(ack.body) | {"Content-Type": ack.content_type} | headers
        url = f"{self.app_url}{self.path}"
        async with asyncio.timeout(self.ack_seconds):
            async with self._session.post(url, data=ack.body, headers=sent, allow_redirects=False) as response:
                ack.answer = _read(await response.text())
                ack.status = response.status

    async def _deliver_by_socket(self, ack: Ack, headers: dict[str, str]) -> None:
        kind = {"event": "events_api", "command": "slash_commands"}.get(ack.kind, "interactive")
        more: Json = {"accepts_response_payload": kind != "events_api"}
        if kind == "events_api":
            more["retry_attempt"] = int(headers.get("X-Slack-Retry-Num", 0))
            more["retry_reason"] = headers.get("X-Slack-Retry-Reason", "")
        ack.answer = await self.standin.send_envelope(kind, ack.payload, self.ack_seconds, **more) or None
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

    async def redeliver(self, ack: Ack, retry: int | None = 1, reason: str = "http_timeout") -> Ack:
        """The very same delivery once more, newly signed; `retry=None` for a duplicate without the headers."""
        headers = {}
        if retry is not None:
            headers = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason}
        again = Ack(ack.kind, ack.payload, ack.body, ack.content_type)
        again.message, again.trigger, again.response_url = ack.message, ack.trigger, ack.response_url
        return await self.deliver(again, headers)

    async def event(self, inner: Json, event_id: str | None = None) -> Ack:
        """Any event of the Events API, in its envelope, whether subscribed to or not."""
        envelope = payloads.event(self.workspace, inner, event_id)
        ack = await self.deliver(Ack("event", envelope, json.dumps(envelope).encode(), "application/json"))
        for retry in (1, 2, 3):
            if ack.ok or not self.retries:
                break
            reason = "http_timeout" if ack.error == "operation_timeout" else "http_error"
            ack = await self.redeliver(ack, retry, reason)
        return ack

    async def verify_url(self) -> Ack:
        """Slack's check of the request URL."""
        body: Json = {"token": self.standin.app.verification_token, "challenge": "ch4llenge"}
        body["type"] = "url_verification"
        return await self.deliver(Ack("event", body, json.dumps(body).encode(), "application/json"))

    async def _interact(self, payload: Json, trigger: Trigger | None = None, url: ResponseUrl | None = None) -> Ack:
        body = urlencode({"payload": json.dumps(payload)}).encode()
        ack = await self.deliver(Ack("interaction", payload, body, FORM, trigger=trigger, response_url=url))
        if ack.error:
            self.troubles.append(Trouble(payload["user"]["id"], ack.error, ack))
        return ack

    # Talking

    async def mention(
        self, user: User, channel: Channel, text: str = "", thread_ts: str | None = None, *, raw: bool = False
    ) -> Ack:
        """Posts "@app text" and sends the events for it: none where the bot is not a member.

        `raw` leaves the text as it is, unescaped and without the mention put before it.
        """
        assert self.workspace.bot
        words = text if raw else f"<@{self.workspace.bot.id}> {payloads.escaped(text)}".rstrip()
        return await self._say(user, channel, words, thread_ts, mention=True)

    async def direct_message(self, user: User, text: str, thread_ts: str | None = None) -> Ack:
        return await self._say(user, self.workspace.im(user), payloads.escaped(text), thread_ts)

    async def say(self, user: User, channel: Channel, text: str, thread_ts: str | None = None) -> Ack:
        """An ordinary message; the app hears it only where subscribed to."""
        return await self._say(user, channel, payloads.escaped(text), thread_ts)

    async def _say(
        self, user: User, channel: Channel, words: str, thread_ts: str | None, *, mention: bool = False
    ) -> Ack:
        self._may_write(user, channel)
        message = self.world.post(channel, user.id, words, thread_ts=thread_ts, by_app=False)
        kinds = []
        if self._hears(message):
            kinds.append("message")
        bot = self.workspace.bot
        inside = bool(bot and bot.id in channel.members)
        if mention and not channel.is_im and inside and "app_mention" in self.standin.app.events:
            kinds.append("app_mention")  # Slack sends message.im alone in a direct message
        ack = Ack("event", {}, b"", "", error="not_delivered")
        for kind in kinds:
            ack = await self.event(payloads.message_event(message, kind))
        ack.message = message
        return ack

    def _may_write(self, user: User, channel: Channel) -> None:
        if user.id not in channel.members:
            raise LookupError(f"{user.name} is not a member of {channel.name}")
        if channel.archived:
            raise LookupError(f"{channel.name} is archived: nobody can write there")

    def _hears(self, message: Message) -> bool:
        channel, bot = message.channel, self.workspace.bot
        kind = "message.im" if channel.is_im else "message.groups" if channel.private else "message.channels"
        return bool(bot and bot.id in channel.members) and kind in self.standin.app.events

    async def slash(self, user: User, channel: Channel, text: str = "", command: str = "/cm") -> Ack:
        """A slash command; an answer with text is shown, a failure is told to the person."""
        self._may_write(user, channel)
        trigger = self.world.new_trigger(user.id, self.workspace)
        url = self.world.new_response_url(user.id, channel)
        address = self.standin.response_url(url)
        form = payloads.command(self.workspace, user, channel, command, text, trigger, address)
        body = urlencode(form).encode()
        ack = await self.deliver(Ack("command", dict(form), body, FORM, trigger=trigger, response_url=url))
        answer = {"text": ack.answer} if isinstance(ack.answer, str) else ack.answer
        if ack.ok and answer:
            try:
                ack.message = say(self.world, url, answer)
            except SlackError as refused:
                ack.error = refused.name
        if ack.error:
            self.troubles.append(Trouble(user.id, ack.error, ack))
        return ack

    # Pressing

    async def press(
        self,
        user: User,
        where: Message | View,
        label: Label | None = None,
        *,
        action_id: Label | None = None,
        block_id: str | None = None,
        value: Any = None,
    ) -> Ack:
        """Presses a button, or chooses in a select, overflow, radio or checkbox group, of a message or view.

        `label`: a button's text, an option's text, a placeholder or an input's label (a compiled pattern is
        searched). `value`: what to choose (option text or value, id, date, text; a list for many) where the label does
        not say it. Raises LookupError when this person cannot see it or it is not there.
        """
        self._sees(user, where)
        found = where.find(label, action_id, block_id)
        choice = None
        if found.element["type"] == "overflow":
            picked = found.option or option(found.element, value)
            found = Found(found.block, found.element, picked)
        elif found.element["type"] != "button":
            wanted = found.option["value"] if found.option and value is None else value
            choice = self._choose(user, where, found, wanted)
        trigger = self.world.new_trigger(user.id, self.workspace, where if isinstance(where, View) else None)
        url = None
        if isinstance(where, Message):
            current = next((each for each in where.channel.log if each.ts == where.ts), where)
            url = self.world.new_response_url(user.id, where.channel, current)
        address = self.standin.response_url(url) if url else None
        action = payloads.action(self.workspace, found, choice)
        payload = payloads.block_actions(self.workspace, user, trigger, where, action, address)
        return await self._interact(payload, trigger, url)

    def _sees(self, user: User, where: Message | View) -> None:
        if isinstance(where, View):
            if where.user_id != user.id or not where.open:
                raise LookupError(f"{user.name} does not have this view open")
            return
        seen = self.standin.visible_to(user, where.channel)
        if where.ts not in {each.ts for each in seen}:
            raise LookupError(f"{user.name} does not see this message")

    def _choose(self, user: User, where: Message | View, found: Found, wanted: Any) -> Json:
        """Puts a choice into the state of the message or view, and returns it."""
        choice = chosen(found.element, wanted)
        state = where.state if isinstance(where, View) else where.state.setdefault(user.id, {})
        state.setdefault(found.block["block_id"], {})[found.element["action_id"]] = choice
        return choice

    def reload(self, user: User) -> None:
        """Slack is reloaded: that person's ephemeral messages and open modals are gone."""
        for channel in self.workspace.channels.values():
            for message in channel.log:
                if message.ephemeral_to == user.id:
                    message.deleted = True
        self.world.close_views(user.id)

    # Modals and the home tab

    def modal(self, user: User) -> View | None:
        """The modal the person has before them."""
        stack = self.world.stack(user.id)
        return stack[-1] if stack else None

    def home(self, user: User) -> View | None:
        return self.workspace.homes.get(user.id)

    def fill(self, user: User, view: View, values: Values) -> None:
        """Fills in inputs, by label, block_id or action_id, without sending anything."""
        self._sees(user, view)
        for name, value in values.items():
            wanted = [
                each
                for each in view.elements()
                if each.element["type"] in CHOICE_KEYS
                and name in (each.block["block_id"], each.element["action_id"], _input_label(each.block))
            ]
            if len(wanted) != 1:
                raise LookupError(f"{len(wanted)} inputs called {name!r} in {view.texts()}")
            self._choose(user, view, wanted[0], value)

    async def dispatch(self, user: User, view: View, name: str, value: Any) -> Ack:
        """Chooses in an input with `dispatch_action`, or in any other element, so that the app hears at once."""
        self.fill(user, view, {name: value})
        found = next(
            each
            for each in view.elements()
            if name in (each.block["block_id"], each.element["action_id"], _input_label(each.block))
        )
        if found.block["type"] == "input" and not found.block.get("dispatch_action"):
            raise LookupError(f"the input {name!r} does not dispatch")
        return await self.press(user, view, action_id=found.element["action_id"], value=value)

    async def submit_view(self, user: User, view: View, values: Values | None = None) -> Ack:
        """Fills in and submits. Raises Incomplete where Slack itself would ask to complete a field.

        Inputs are named by label, block_id or action_id. What the app answers is applied: errors (`view.errors`),
        update, push, clear; no body closes the view. An answer Slack could not apply stands in `ack.error` and
        `view.trouble`, and the view stays.
        """
        self.fill(user, view, values or {})
        if missing := [each for each in view.elements() if _missing(view, each)]:
            raise Incomplete(missing)
        trigger = self.world.new_trigger(user.id, self.workspace, view)
        view.errors, view.trouble = {}, None
        urls = self._submission_urls(user, view)
        ack = await self._interact(payloads.view_submission(self.workspace, user, trigger, view, urls), trigger)
        if ack.ok:
            try:
                self._apply(view, ack.answer)
            except SlackError as refused:
                ack.error = refused.name
                self.troubles.append(Trouble(user.id, refused.name, ack))
        view.trouble = ack.error
        return ack

    def _submission_urls(self, user: User, view: View) -> list[Json]:
        """One response URL for each channel chosen in an input that asks for it."""
        urls = []
        for each in view.elements():
            block_id, action_id = each.block["block_id"], each.element.get("action_id", "")
            if not each.element.get("response_url_enabled"):
                continue
            state = view.state[block_id][action_id]
            channel_id = state.get("selected_conversation") or state.get("selected_channel")
            if channel := self.workspace.channels.get(str(channel_id)):
                address = self.standin.response_url(self.world.new_response_url(user.id, channel))
                where = {"block_id": block_id, "action_id": action_id, "channel_id": channel.id}
                urls.append(where | {"response_url": address})
        return urls

    def _apply(self, view: View, answer: Any) -> None:
        """What a view_submission's answer does. Raises SlackError for one that Slack cannot use."""
        action = answer.get("response_action") if isinstance(answer, dict) else None
        if answer is None or answer == {}:
            self.world.close_view(view)
        elif action == "clear":
            self.world.close_views(view.user_id)
        elif action == "errors":
            errors, inputs = answer.get("errors"), {b["block_id"] for b in view.blocks if b["type"] == "input"}
            if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
                raise SlackError("invalid_errors")
            view.errors = {str(name): str(words) for name, words in errors.items()}
        elif action == "update":
            self.world.set_view(view, good_view(self.world, answer.get("view"), "modal", view))
        elif action == "push":
            self.world.push_view(view, good_view(self.world, answer.get("view"), "modal"))
        else:
            raise SlackError("invalid_response_action")

    async def close_view(self, user: User, view: View, *, everything: bool = False) -> Ack | None:
        """The cancel button, or the cross (`everything`). The app hears of it only with `notify_on_close`."""
        self._sees(user, view)
        cleared = everything or bool(view.definition.get("clear_on_close"))
        if cleared:
            self.world.close_views(user.id)
        else:
            self.world.close_view(view)
        if not view.definition.get("notify_on_close"):
            return None
        return await self._interact(payloads.view_closed(self.workspace, user, view, cleared))

    async def shortcut(self, user: User, callback_id: str) -> Ack:
        """A global shortcut."""
        trigger = self.world.new_trigger(user.id, self.workspace)
        return await self._interact(payloads.shortcut(self.workspace, user, trigger, callback_id), trigger)

    async def open_home(self, user: User, tab: str = "home") -> Ack:
        channel = self.workspace.im(user)
        inner: Json = {"type": "app_home_opened", "user": user.id, "channel": channel.id, "tab": tab}
        inner["event_ts"] = self.world.now_ts()
        if tab == "home" and (home := self.home(user)):
            inner["view"] = home.to_json()
        return await self.event(inner)

    # Administration

    async def invite(self, user: User, channel: Channel, who: User | None = None) -> Ack | None:
        """Invites someone, the app where nobody is named, into a channel."""
        self._may_write(user, channel)
        joined = who or self.workspace.bot
        assert joined
        channel.members.add(joined.id)
        if "member_joined_channel" not in self.standin.app.events:
            return None
        kind = "G" if channel.private else "C"
        inner: Json = {"type": "member_joined_channel", "user": joined.id, "channel": channel.id}
        return await self.event(
            inner
            | {"channel_type": kind, "team": self.workspace.id, "inviter": user.id, "event_ts": self.world.now_ts()}
        )

    async def uninstall(self) -> list[Ack]:
        """Somebody removes the app: its tokens die, and the two events about it arrive."""
        self.world.on_gone.remove(self._gone)
        try:
            self.world.uninstall(self.workspace)
        finally:
            self.world.on_gone.append(self._gone)
        return await self._send_gone(True)

    def _gone(self, workspace: Workspace, uninstalled: bool) -> None:
        if workspace is self.workspace:
            self._later(self._send_gone(uninstalled))

    async def _send_gone(self, uninstalled: bool) -> list[Ack]:
        bot = self.workspace.bot.id if self.workspace.bot else ""
        stamp = self.world.now_ts()
        events: list[Json] = [{"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [bot]}, "event_ts": stamp}]
        if uninstalled:
            events.append({"type": "app_uninstalled", "event_ts": stamp})
        subscribed = [each for each in events if each["type"] in self.standin.app.events]
        return [await self.event(each) for each in subscribed]

    # What Slack sends by itself: the app's own messages come back to it where it listens

    def _echo(self, what: str, message: Message) -> None:
        mine = message.channel.team_id == self.workspace.id and message.bot_id and not message.ephemeral
        if not mine or not self._hears(message):
            return
        inner = payloads.message_event(message)
        if what != "posted":
            stamp = self.world.now_ts()
            inner = {
                "type": "message",
                "subtype": f"message_{what}",
                "channel": message.channel.id,
                "channel_type": inner["channel_type"],
                "hidden": True,
                "ts": stamp,
                "event_ts": stamp,
                **({"message": message.to_json()} if what == "changed" else {"deleted_ts": message.ts}),
            }
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


def _input_label(block: Json) -> str | None:
    return str(block["label"]["text"]) if block["type"] == "input" else None


def _missing(view: View, found: Found) -> bool:
    """Whether a required input is empty."""
    kind = found.element["type"]
    if found.block["type"] != "input" or found.block.get("optional") or kind not in CHOICE_KEYS:
        return False
    state = view.state[found.block["block_id"]][found.element["action_id"]][CHOICE_KEYS[kind]]
    return not state if kind in MANY or isinstance(state, str) else state is None
