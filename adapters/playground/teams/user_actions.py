"""The people in Teams: they write, press and install, and Teams' servers send the activity, truly signed.

    users = TeamsUserActions(teams, "http://127.0.0.1:3978/api/messages")
    await user_actions.mention(anna, team.channel("Campaigns"), "check")
    await user_actions.press(anna, teams.last(team.channel("Campaigns")), "Oui")
    assert not teams.violations

`make_…` builds the same activities without sending, for what arrives late, twice or out of order.
"""

import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

import jwt
from aiohttp import ClientError, ClientSession, ClientTimeout

from adapters.playground.teams.cards import CannotPress, CardPath, find_action, gather
from adapters.playground.teams.rules import CARD_TYPE, MESSAGE_TYPE, TASKS, Json, check_answer
from adapters.playground.teams.server import ISSUER, SigningKey, TeamsSimulator
from adapters.playground.teams.state import Channel, Conversation, Message, Team, User

V = TypeVar("V")

# Beyond this Teams shows an error to who pressed, and delivers a message again.
TIMEOUT_SECONDS = 15.0


@dataclass
class Exchange:
    """What the app answered to one activity; `status` 0 where it did not answer at all."""

    activity: Json
    status: int
    raw: bytes
    seconds: float
    error: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def body(self) -> Any:
        try:
            return json.loads(self.raw)
        except ValueError:
            return None

    @property
    def card(self) -> Json | None:
        """The card that now stands in the message's place for who pressed."""
        return _value(self.body, CARD_TYPE, dict)

    @property
    def message(self) -> str | None:
        """The words only who pressed sees."""
        return _value(self.body, MESSAGE_TYPE, str)

    @property
    def task_card(self) -> Json | None:
        """The form of a task module."""
        task = _value(self._part("task"), "continue", dict)
        return task["card"]["content"] if task else None

    @property
    def task_message(self) -> str | None:
        """The words a task module closes with."""
        return _value(self._part("task"), "message", str)

    @property
    def attachments(self) -> list[Json]:
        """What a message extension puts into the compose box."""
        return (self._part("composeExtension") or {}).get("attachments") or []

    def _part(self, key: str) -> Any:
        return self.body.get(key) if isinstance(self.body, dict) else None


def _value(found: Any, kind: str, of: type[V]) -> V | None:
    value = found.get("value") if isinstance(found, dict) and found.get("type") == kind else None
    return value if isinstance(value, of) else None


class TeamsUserActions:
    """Sends to one endpoint. `answers` keeps every answer; `on_exchange` is called with each."""

    def __init__(self, teams: TeamsSimulator, endpoint: str, *, timeout_seconds: float = TIMEOUT_SECONDS):
        self.teams, self.endpoint, self.timeout_seconds = teams, endpoint, timeout_seconds
        self.exchanges: list[Exchange] = []
        self.on_exchange: list[Callable[[Exchange], None]] = []
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._session:
            await self._session.close()

    # --- Sending ---

    def token(self, *, key: SigningKey | None = None, header: Json | None = None, **claims: Any) -> str:
        """A token as Microsoft signs it. `claims` and `header` replace its own; one that is None is left out."""
        key, now = key or self.teams.signing, int(time.time())
        own: Json = {"serviceurl": self.teams.service_url, "iss": ISSUER, "aud": self.teams.app_id}
        own |= {"iat": now, "nbf": now, "exp": now + 3600}
        head = {"kid": key.kid, "x5t": key.kid}
        return jwt.encode(_given(own, claims), key.private, algorithm="RS256", headers=_given(head, header))

    async def send_activity(
        self, activity: Json, *, authorization: str | None = "", raw: bytes | None = None
    ) -> Exchange:
        """Posts the activity, truly signed, and takes in the answer.

        `authorization` goes out in place of a true one, None leaves the header out; `raw` goes out instead of the
        activity: malformed bodies.
        """
        header = f"Bearer {self.token()}" if authorization == "" else authorization
        headers = {"Content-Type": "application/json; charset=utf-8"}
        headers |= {"Authorization": header} if header is not None else {}
        body = raw if raw is not None else json.dumps(activity, ensure_ascii=False).encode()
        if self._session is None:
            self._session = ClientSession()
        began = time.perf_counter()
        limit = ClientTimeout(total=self.timeout_seconds)
        try:
            async with self._session.post(self.endpoint, data=body, headers=headers, timeout=limit) as response:
                data = await response.read()
                answer = Exchange(activity, response.status, data, time.perf_counter() - began)
        except (TimeoutError, ClientError) as error:
            answer = Exchange(activity, 0, b"", time.perf_counter() - began, repr(error))
        self.exchanges.append(answer)
        if answer.status >= 500:
            self.teams.violations.append(f"{activity.get('name') or activity.get('type')} answered {answer.status}")
        elif raw is None and answer.ok and activity.get("type") == "invoke":
            self._take_in(answer)
        for hear in self.on_exchange:
            hear(answer)
        return answer

    def _take_in(self, answer: Exchange) -> None:
        """What the client does with the answer to an invoke, and what there is to complain of."""
        self.teams.violations += check_answer(str(answer.activity.get("name")), answer.status, answer.body)
        message = self.teams.find(answer.activity.get("replyToId"))
        if message and answer.card:
            message.views[answer.activity["from"]["id"]] = answer.card

    async def redeliver(self, answer: Exchange) -> Exchange:
        """Teams delivers the very same activity once more."""
        return await self.send_activity(answer.activity)

    # --- Writing ---

    async def mention(self, user: User, where: Conversation, text: str, *, thread: Message | None = None) -> Exchange:
        """`thread` answers in the thread of that message, else it is a new post."""
        return await self.send_activity(self.make_mention(user, where, text, thread=thread))

    async def personal(self, user: User, text: str) -> Exchange:
        """Write to the bot alone."""
        return await self.send_activity(self.make_personal(user, text))

    def make_mention(self, user: User, where: Conversation, text: str, *, thread: Message | None = None) -> Json:
        """The bot's mention goes in front of `text`."""
        name = self.teams.bot_name
        activity = self._message(user, where, f"<at>{name}</at> {text}\n", thread)
        mentioned = {"id": self.teams.bot_id, "name": name}
        activity["entities"].insert(0, {"type": "mention", "mentioned": mentioned, "text": f"<at>{name}</at>"})
        html = f'<p><span itemtype="http://schema.skype.com/Mention">{name}</span> {text}</p>'
        activity["attachments"] = [{"contentType": "text/html", "content": html}]
        return activity

    def make_personal(self, user: User, text: str) -> Json:
        return self._message(user, self.teams.personal(user), text, None)

    def _message(self, user: User, where: Conversation, text: str, thread: Message | None) -> Json:
        message = Message(self.teams.new_id(), where, thread.root if thread else None, {}, by=user)
        message.activity = self._activity("message", user, where, message.root, id=message.id)
        message.activity |= {"text": text, "textFormat": "plain"}
        self.teams.record(message)
        return message.activity

    # --- Pressing ---

    async def press(
        self, user: User, message: Message, label: str | CardPath, inputs: Json | None = None, **more: Any
    ) -> Exchange:
        return await self.send_activity(self.make_press(user, message, label, inputs, **more))

    def make_press(
        self,
        user: User,
        message: Message,
        label: str | CardPath,
        inputs: Json | None = None,
        *,
        old_client: bool = False,
    ) -> Json:
        """What Teams sends when `user` presses `label`, or what is at that path, on the card as that person sees it.

        `old_client` is a Teams that does not know Action.Execute and falls back to Action.Submit.
        """
        card = message.card_for(user)
        action = find_action(card, label)
        if old_client and action["type"] == "Action.Execute":
            action = action["fallback"]
        data = gather(card, action, inputs)
        if action["type"] == "Action.Execute":
            return self._execute(user, message, action, data, "manual")
        if asked := data.get("msteams"):
            if asked != {"type": "task/fetch"}:
                raise CannotPress(f"{label!r} asks Teams for {asked}")
            return self._task("task/fetch", user, message, data)
        activity = self._activity("message", user, message.where, message.root, id=self.teams.new_id())
        activity["channelData"] |= {"source": {"name": "message"}, "legacy": {"replyToId": f"1:{message.id}"}}
        return activity | {"replyToId": message.id, "value": data}

    async def refresh(self, user: User, message: Message) -> Exchange | None:
        """The card comes into view. None where Teams would not refresh it by itself for this person."""
        refresh = message.card_for(user).get("refresh")
        if not refresh or user.id not in refresh["userIds"]:
            return None
        action = refresh["action"]
        return await self.send_activity(self._execute(user, message, action, action["data"], "automatic"))

    def _execute(self, user: User, message: Message, action: Json, data: Json, trigger: str) -> Json:
        copy: Json = {key: action[key] for key in ("type", "title", "verb")}
        value: Json = {"action": {**copy, "data": data}, "trigger": trigger}
        return self._invoke("adaptiveCard/action", user, message.where, message.root, value, message.id)

    # --- Forms: from a button, or from the message extension ---

    async def submit_task(self, user: User, message: Message, data: Json) -> Exchange:
        """Sends the filled form that a button of `message` opened; `data` as for `submit_action`."""
        return await self.send_activity(self._task("task/submit", user, message, data))

    def _task(self, name: str, user: User, message: Message, data: Json) -> Json:
        value = {"data": data, "context": {"theme": "default"}, "tabContext": None}
        return self._invoke(name, user, message.where, message.root, value, message.id)

    async def fetch_task(
        self, user: User, where: Conversation, command_id: str, *, context: str = "compose"
    ) -> Exchange:
        """Opens the form of a command from the compose box or the command bar (`commandBox`)."""
        value = self._command(command_id, context)
        return await self.send_activity(self._invoke("composeExtension/fetchTask", user, where, None, value))

    async def submit_action(
        self, user: User, where: Conversation, command_id: str, data: Json, *, send: bool = True
    ) -> Exchange:
        """Sends the filled form; a card that comes back is put into the conversation by the person if `send`.

        `data` is what the form's button sends: `fill(answer.task_card, "Check", {"goal": "lead"})`.
        """
        value = {**self._command(command_id, "compose"), "data": data}
        answer = await self.send_activity(self._invoke("composeExtension/submitAction", user, where, None, value))
        for attachment in answer.attachments if send else ():
            content = {key: one for key, one in attachment.items() if key != "preview"}
            sent = {"type": "message", "attachments": [content]}
            self.teams.record(Message(self.teams.new_id(), where, None, sent, by=user))
        return answer

    def _command(self, command_id: str, context: str) -> Json:
        theme = {"theme": "default"}
        return {"commandId": command_id, "commandContext": context, "requestId": uuid.uuid4().hex, "context": theme}

    # --- Installing and membership ---

    async def install(self, user: User, where: Team | Conversation, *, upgrade: bool = False) -> list[Exchange]:
        """`user` installs the bot: conversationUpdate and installationUpdate, both without a locale."""
        place = _installed(where, True)
        events = (
            self._changed(user, place, "membersAdded", [{"id": self.teams.bot_id}]),
            self._installation(user, place, "add-upgrade" if upgrade else "add"),
        )
        return [await self.send_activity(event) for event in events]

    async def uninstall(self, user: User, where: Team | Conversation) -> list[Exchange]:
        """`user` removes the bot; of a personal chat Teams tells no change of members."""
        place = _installed(where, False)
        events = [self._installation(user, place, "remove")]
        if place.kind != "personal":
            events.insert(0, self._changed(user, place, "membersRemoved", [{"id": self.teams.bot_id}]))
        return [await self.send_activity(event) for event in events]

    async def add_members(self, by: User, team: Team, people: Sequence[User]) -> Exchange:
        """Somebody brings others into the team."""
        team.members.extend(people)
        added = [{"id": one.id, "aadObjectId": one.aad} for one in people]
        return await self.send_activity(self._changed(by, team.general, "membersAdded", added))

    def _changed(self, by: User, where: Conversation, how: str, people: list[Json]) -> Json:
        activity = self._event("conversationUpdate", by, where)
        if where.kind == "channel":
            activity["channelData"]["eventType"] = f"teamMember{how.removeprefix('members')}"
        return activity | ({how: people} if people else {})

    def _installation(self, user: User, where: Conversation, action: str) -> Json:
        activity = {**self._event("installationUpdate", user, where), "action": action}
        activity["channelData"] |= {"source": {"name": "message"}, "settings": {"selectedChannel": {"id": where.id}}}
        return activity

    def _event(self, kind: str, user: User, where: Conversation) -> Json:
        activity = self._activity(kind, user, where, None)
        if isinstance(where, Channel):
            activity["channelData"]["team"]["name"] = where.team.name
        del activity["locale"], activity["entities"], activity["from"]["name"]
        return activity

    # --- Activities ---

    def _invoke(
        self, name: str, user: User, where: Conversation, root: str | None, value: Json, reply_to: str | None = None
    ) -> Json:
        activity = self._activity("invoke", user, where, root, strict=name not in TASKS)
        activity["channelData"]["source"] = {"name": "message" if reply_to else "compose"}
        activity |= {"name": name, "value": value}
        return activity | ({"replyToId": reply_to} if reply_to else {})

    def _activity(
        self, kind: str, user: User, where: Conversation, root: str | None, *, id: str = "", strict: bool = True
    ) -> Json:
        """What every activity of this person there has in common.

        `strict`: they are in the conversation; a message extension works anywhere. Messages need the bot there, too.
        """
        if strict and kind in ("message", "invoke"):
            assert user in where.members, f"{user.name} is not in {where.name or where.id}"
        assert kind != "message" or where.installed, f"Teams delivers nothing from {where.name}: not installed"
        conversation: Json = {"conversationType": where.kind, "tenantId": where.tenant, "id": where.id}
        channel_data: Json = {"tenant": {"id": user.tenant}}
        if isinstance(where, Channel):
            channel_data |= {"teamsChannelId": where.id, "teamsTeamId": where.team.id}
            channel_data |= {"channel": {"id": where.id}, "team": {"id": where.team.id}}
            conversation["id"] += f";messageid={root}" if root else ""
        if where.kind != "personal":
            conversation["isGroup"] = True
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        country = user.locale.partition("-")[2] or "US"
        client = {"type": "clientInfo", "locale": user.locale, "country": country, "platform": "Windows"}
        return {
            "type": kind,
            "id": id or f"f:{uuid.uuid4()}",
            "timestamp": now,
            "localTimestamp": now,
            "localTimezone": "Europe/Paris",
            "channelId": "msteams",
            "serviceUrl": self.teams.service_url,
            "from": {"id": user.id, "name": user.name, "aadObjectId": user.aad},
            "conversation": conversation,
            "recipient": {"id": self.teams.bot_id, "name": self.teams.bot_name},
            "entities": [{**client, "timezone": "Europe/Paris"}],
            "channelData": channel_data,
            "locale": user.locale,
        }


def _installed(where: Team | Conversation, installed: bool) -> Conversation:
    """Note that the bot is there, or no longer, and return where that is told."""
    there = where.team if isinstance(where, Channel) else where
    there.installed = installed
    return there.general if isinstance(there, Team) else there


def _given(own: Json, changes: Json | None) -> Json:
    return {name: value for name, value in {**own, **(changes or {})}.items() if value is not None}
