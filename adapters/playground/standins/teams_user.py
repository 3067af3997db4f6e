"""The people in Teams: they write, press and install, and Teams' servers send the activity, truly signed.

    users = TeamsUsers(teams, "http://127.0.0.1:3978/api/messages")
    await users.mention(anna, team.channel("Campaigns"), "check")
    (message,) = await teams.wait_for_messages(team.channel("Campaigns"))
    await users.press(anna, message, "Oui")
    assert not teams.problems

`make_…` builds the same activities without sending, for what arrives late, twice or out of order.
"""

import base64
import hashlib
import hmac
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import ClientError, ClientSession, ClientTimeout
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.playground.standins.teams import (
    Channel,
    Chat,
    Conversation,
    Message,
    SigningKey,
    Team,
    TeamsStandIn,
    User,
)
from adapters.playground.standins.teams_rules import (
    CARD_TYPE,
    ERROR_TYPE,
    MESSAGE_TYPE,
    Json,
    check_invoke_response,
    check_task_response,
)

# Beyond this Teams shows an error to who pressed, and delivers a message again.
PATIENCE = 15.0
# Every way a request may lie about who sent it; `forge` makes the header of each. All of them deserve a 401.
FORGERIES = (
    "no header",
    "empty bearer",
    "other scheme",
    "garbage",
    "wrong audience",
    "no audience",
    "wrong issuer",
    "wrong service url",
    "no service url",
    "expired",
    "not yet valid",
    "no expiry",
    "bad signature",
    "tampered claims",
    "unknown key",
    "no key id",
    "alg none",
    "HS256 with the public key",
    "unendorsed key",
    "other tenant",
)
CardPath = Sequence[str | int]
"""Where something is in a card: keys and numbers from the top."""
_TASKS = ("composeExtension/fetchTask", "composeExtension/submitAction", "task/fetch", "task/submit")


class CannotPress(AssertionError):
    """There is no such button, or Teams would not let it be pressed."""


class Incomplete(CannotPress):
    """The client asks to complete or correct an input first; `words` is what it shows."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(f"{name}: {words}")
        self.words = words


@dataclass
class Answer:
    """What the app answered to one activity; `status` 0 where it did not answer at all."""

    activity: Json
    status: int
    raw: bytes
    seconds: float
    error: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def body(self) -> Any:
        try:
            return json.loads(self.raw)
        except ValueError:
            return None

    def _part(self, key: str) -> Json:
        body = self.body
        part = body.get(key) if isinstance(body, dict) else None
        return part if isinstance(part, dict) else {}

    def _of(self, kind: str) -> Any:
        body = self.body
        return body.get("value") if isinstance(body, dict) and body.get("type") == kind else None

    @property
    def card(self) -> Json | None:
        """The card that now stands in the message's place for who pressed."""
        card: Json | None = self._of(CARD_TYPE)
        return card

    @property
    def message(self) -> str | None:
        """The words only who pressed sees."""
        message: str | None = self._of(MESSAGE_TYPE)
        return message

    @property
    def refusal(self) -> Json | None:
        """The error object of the invoke response."""
        error: Json | None = self._of(ERROR_TYPE)
        return error

    @property
    def task_card(self) -> Json | None:
        """The form of a task module."""
        task = self._part("task")
        card: Json | None = task["value"]["card"]["content"] if task.get("type") == "continue" else None
        return card

    @property
    def task_message(self) -> str | None:
        task = self._part("task")
        return task.get("value") if task.get("type") == "message" else None

    @property
    def attachments(self) -> list[Json]:
        """What a message extension puts into the compose box."""
        return self._part("composeExtension").get("attachments") or []


class TeamsUsers:
    """Sends to one endpoint. `answers` keeps every answer, `notices` the words shown to one person alone."""

    def __init__(self, teams: TeamsStandIn, endpoint: str, *, patience: float = PATIENCE):
        self.teams, self.endpoint, self.patience = teams, endpoint, patience
        self.answers: list[Answer] = []
        self.notices: list[tuple[User, str]] = []
        self.on_answer: list[Callable[[Answer], None]] = []
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._session:
            await self._session.close()

    # --- Tokens ---

    def token(
        self,
        *,
        key: SigningKey | None = None,
        header: Json | None = None,
        without: Sequence[str] = (),
        **claims: Any,
    ) -> str:
        """A token as Microsoft signs it; `claims` and `header` replace its own, `without` takes claims away."""
        key, now = key or self.teams.signing, int(time.time())
        own = {
            "serviceurl": self.teams.service_url,
            "nbf": now,
            "iat": now,
            "exp": now + 3600,
            "iss": self.teams.issuer,
            "aud": self.teams.app_id,
        }
        payload = {name: value for name, value in {**own, **claims}.items() if name not in without}
        head = {"alg": "RS256", "kid": key.kid, "x5t": key.kid, "typ": "JWT", **(header or {})}
        signed = _part({k: v for k, v in head.items() if v is not None}) + b"." + _part(payload)
        algorithm = head["alg"]
        if algorithm == "none":
            signature = b""
        elif algorithm == "HS256":
            public = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            signature = hmac.new(public, signed, hashlib.sha256).digest()
        else:
            signature = key.private.sign(signed, PKCS1v15(), hashes.SHA256())
        return (signed + b"." + _b64(signature)).decode()

    def forge(self, case: str) -> str | None:
        """The Authorization header of one of FORGERIES; None is no header."""
        now, teams = int(time.time()), self.teams
        other = str(uuid.uuid4())
        head, _, signature = self.token().split(".")
        imposter = SigningKey(teams.signing.kid, teams.unpublished.private, ())
        cases = {
            "garbage": "x.y.z",
            "wrong audience": self.token(aud=other),
            "no audience": self.token(without=["aud"]),
            "wrong issuer": self.token(iss="https://evil.example"),
            "wrong service url": self.token(serviceurl="https://evil.example/amer/"),
            "no service url": self.token(without=["serviceurl"]),
            "expired": self.token(nbf=now - 7200, iat=now - 7200, exp=now - 3600),
            "not yet valid": self.token(nbf=now + 3600, exp=now + 7200),
            "no expiry": self.token(without=["exp"]),
            "bad signature": self.token(key=imposter),
            "tampered claims": f"{head}.{self.token(aud=other).split('.')[1]}.{signature}",
            "unknown key": self.token(key=teams.unpublished),
            "no key id": self.token(key=teams.unpublished, header={"kid": None, "x5t": None}),
            "alg none": self.token(header={"alg": "none"}),
            "HS256 with the public key": self.token(header={"alg": "HS256"}),
            "unendorsed key": self.token(key=teams.unendorsed),
            "other tenant": self.token(iss=f"https://sts.windows.net/{other}/", tid=other, appid=other, ver="1.0"),
        }
        headers = {"no header": None, "empty bearer": "Bearer ", "other scheme": f"Basic {self.token()}"}
        return headers[case] if case in headers else f"Bearer {cases[case]}"

    # --- Sending ---

    async def send_activity(
        self, activity: Json, *, token: str = "", authorization: str | None = "", raw: bytes | None = None
    ) -> Answer:
        """Posts the activity, truly signed, and takes in the answer.

        `token` goes out in place of a true one; `authorization` is the whole header, None leaves it out;
        `raw` goes out instead of the activity: malformed bodies.
        """
        header = f"Bearer {token or self.token()}" if authorization == "" else authorization
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if header is not None:
            headers["Authorization"] = header
        body = raw if raw is not None else json.dumps(activity, ensure_ascii=False).encode()
        if self._session is None:
            self._session = ClientSession()
        began = time.perf_counter()
        limit = ClientTimeout(total=self.patience)
        try:
            async with self._session.post(self.endpoint, data=body, headers=headers, timeout=limit) as response:
                data = await response.read()
                seconds = time.perf_counter() - began
                answer = Answer(activity, response.status, data, seconds, headers=dict(response.headers))
        except (TimeoutError, ClientError) as error:
            answer = Answer(activity, 0, b"", time.perf_counter() - began, repr(error))
        self.answers.append(answer)
        if answer.status >= 500:
            self.teams.problems.append(f"{activity.get('name') or activity.get('type')} answered {answer.status}")
        elif raw is None and answer.ok:
            self._take_in(answer)
        for hear in self.on_answer:
            hear(answer)
        return answer

    def _take_in(self, answer: Answer) -> None:
        """What the client does with the answer to an invoke, and what there is to complain of."""
        activity = answer.activity
        if activity.get("name") == "adaptiveCard/action":
            self.teams.problems += check_invoke_response(answer.status, answer.body)
            message = self.teams.find(activity.get("replyToId"))
            user = next((u for u in self.teams.users if u.id == activity["from"]["id"]), None)
            if message and user and answer.card:
                message.views[user.id] = answer.card
            if user and answer.message:
                self.notices.append((user, answer.message))
        elif activity.get("name") in _TASKS:
            self.teams.problems += check_task_response(answer.status, answer.body)

    async def again(self, answer: Answer) -> Answer:
        """Teams delivers the very same activity once more."""
        return await self.send_activity(answer.activity)

    # --- Writing ---

    async def mention(self, user: User, channel: Channel, text: str, **more: Any) -> Answer:
        return await self.send_activity(self.make_mention(user, channel, text, **more))

    async def group(self, user: User, chat: Chat, text: str, **more: Any) -> Answer:
        return await self.send_activity(self.make_mention(user, chat, text, **more))

    async def personal(self, user: User, text: str) -> Answer:
        return await self.send_activity(self.make_personal(user, text))

    def make_mention(
        self,
        user: User,
        where: Conversation,
        text: str,
        *,
        thread: Message | None = None,
        others: Sequence[User] = (),
    ) -> Json:
        """`text` gets the bot's mention in front unless it holds `<at>bot</at>` already (any name in it).

        `thread` answers in the thread of that message, else it is a new post; `others` are mentioned at the end.
        """
        name = self.teams.bot_name
        text = text if "<at>" in text else f"<at>{name}</at> {text}"
        text += "".join(f" <at>{other.name}</at>" for other in others)
        people = [(self.teams.bot_id, name), *((other.id, other.name) for other in others)]
        activity = self._message(user, where, f"{text}\n", thread)
        for identity, person in people:
            mentioned = {"id": identity, "name": person}
            mention = {"type": "mention", "mentioned": mentioned, "text": f"<at>{person}</at>"}
            activity["entities"].insert(0, mention)
        html = text.replace("<at>", '<span itemtype="http://schema.skype.com/Mention">').replace("</at>", "</span>")
        activity["attachments"] = [{"contentType": "text/html", "content": f"<p>{html}</p>"}]
        return activity

    def make_personal(self, user: User, text: str) -> Json:
        return self._message(user, self.teams.personal(user), text, None)

    def _message(self, user: User, where: Conversation, text: str, thread: Message | None) -> Json:
        identity = self.teams.new_id()
        root = (thread.root if thread else identity) if where.kind == "channel" else None
        activity = self._activity("message", user, where, root, identity=identity)
        activity |= {"text": text, "textFormat": "plain"}
        self.teams.record(Message(identity, where, root, activity, by=user))
        return activity

    async def edit(self, user: User, message: Message, text: str) -> Answer:
        """The person changes words already sent: the same id again, as `messageUpdate`."""
        assert message.by is user, "people edit their own messages"
        activity = {**message.activity, "type": "messageUpdate", "text": text, "timestamp": _now()}
        activity["channelData"] = {**activity["channelData"], "eventType": "editMessage"}
        message.history.append(message.activity)
        message.activity, message.edits = activity, message.edits + 1
        return await self.send_activity(activity)

    async def react(self, user: User, message: Message, kind: str = "like", *, remove: bool = False) -> Answer:
        activity = self._activity("messageReaction", user, message.where, message.root)
        del activity["locale"]
        activity["replyToId"] = message.id
        activity["reactionsRemoved" if remove else "reactionsAdded"] = [{"type": kind}]
        return await self.send_activity(activity)

    # --- Pressing ---

    async def press(
        self, user: User, message: Message, label: str | CardPath, inputs: Json | None = None, **more: Any
    ) -> Answer:
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
        self._must_be_in(user, message.where)
        card = message.card_for(user)
        shown = action = find_action(card, label)
        if old_client and action["type"] == "Action.Execute":
            action = action["fallback"]
        data = gather(card, action, inputs, shown)
        if action["type"] == "Action.Execute":
            return self._execute(user, message, action, data, "manual")
        if action["type"] != "Action.Submit":
            raise CannotPress(f"{label!r} is an {action['type']}: it sends nothing")
        teams = data.get("msteams") or {}
        if teams.get("type") == "task/fetch":
            value = {"data": data, "context": {"theme": "default"}, "tabContext": None}
            return self._invoke("task/fetch", user, message.where, message.root, value, message.id)
        activity = self._activity("message", user, message.where, message.root, identity=self.teams.new_id())
        activity |= {"replyToId": message.id, "value": data}
        if teams.get("type") in ("messageBack", "imBack"):
            activity |= {"text": teams.get("text") or teams.get("value"), "textFormat": "plain"}
            activity["value"] = teams.get("value") if teams["type"] == "messageBack" else None
        activity["channelData"] |= {"source": {"name": "message"}, "legacy": {"replyToId": f"1:{message.id}"}}
        return activity

    async def refresh(self, user: User, message: Message) -> Answer | None:
        """The card comes into view. None where Teams would not refresh it by itself for this person."""
        self._must_be_in(user, message.where)
        refresh = message.card_for(user).get("refresh")
        if not refresh:
            return None
        everybody = [one.id for one in message.where.members]  # without userIds: all, in places of at most 60
        if user.id not in refresh.get("userIds", everybody if len(everybody) <= 60 else ()):
            return None
        action = refresh["action"]
        data: Json = action.get("data") or {}
        return await self.send_activity(self._execute(user, message, action, data, "automatic"))

    def _execute(self, user: User, message: Message, action: Json, data: Json, trigger: str) -> Json:
        copy: Json = {key: action[key] for key in ("type", "id", "title", "verb") if key in action}
        value: Json = {"action": {**copy, "data": data}, "trigger": trigger}
        return self._invoke("adaptiveCard/action", user, message.where, message.root, value, message.id)

    # --- The message extension ---

    async def fetch_task(
        self,
        user: User,
        where: Conversation,
        command_id: str,
        *,
        context: str = "compose",
        about: Message | None = None,
    ) -> Answer:
        """Opens the form of a command from the compose box, the command bar (`commandBox`) or a `message`."""
        value = self._command(command_id, context)
        if about:
            body = {"contentType": "html", "content": about.text}
            value |= {"commandContext": "message", "messagePayload": {"id": about.id, "body": body}}
        root = about.root if about else None
        return await self.send_activity(self._invoke("composeExtension/fetchTask", user, where, root, value))

    async def submit_action(
        self,
        user: User,
        where: Conversation,
        command_id: str,
        data: Json,
        *,
        context: str = "compose",
        send: bool = True,
    ) -> Answer:
        """Sends the filled form; a card that comes back is put into the conversation by the person if `send`.

        `data` is what the form's button sends: `fill(answer.task_card, "Check", {"goal": "lead"})`.
        """
        value = {**self._command(command_id, context), "data": data}
        invoke = self._invoke("composeExtension/submitAction", user, where, None, value)
        answer = await self.send_activity(invoke)
        for attachment in answer.attachments if answer.ok and send else ():
            identity = self.teams.new_id()
            content = {k: v for k, v in attachment.items() if k != "preview"}
            root = identity if where.kind == "channel" else None
            self.teams.record(Message(identity, where, root, {"type": "message", "attachments": [content]}, by=user))
        return answer

    async def submit_task(self, user: User, message: Message, data: Json) -> Answer:
        """Sends the filled form that a button of `message` opened; `data` as for `submit_action`."""
        value = {"data": data, "context": {"theme": "default"}, "tabContext": None}
        return await self.send_activity(
            self._invoke("task/submit", user, message.where, message.root, value, message.id)
        )

    def _command(self, command_id: str, context: str) -> Json:
        theme = {"theme": "default"}
        return {"commandId": command_id, "commandContext": context, "requestId": uuid.uuid4().hex, "context": theme}

    # --- Installing and membership ---

    async def install(self, user: User, where: Team | Conversation, *, upgrade: bool = False) -> list[Answer]:
        """`user` installs the bot: conversationUpdate and installationUpdate, both without a locale."""
        place = where.general if isinstance(where, Team) else where
        self._set_installed(place, True)
        action = "add-upgrade" if upgrade else "add"
        return [
            await self.send_activity(self.make_members(user, place, added=[self.teams.bot_id])),
            await self.send_activity(self._installation(user, place, action)),
        ]

    async def uninstall(self, user: User, where: Team | Conversation) -> list[Answer]:
        place = where.general if isinstance(where, Team) else where
        self._set_installed(place, False)
        events = [self._installation(user, place, "remove")]
        if place.kind != "personal":
            events.insert(0, self.make_members(user, place, removed=[self.teams.bot_id]))
        return [await self.send_activity(event) for event in events]

    async def add_members(self, by: User, where: Team | Chat, people: Sequence[User]) -> Answer:
        where.members.extend(people)
        place = where.general if isinstance(where, Team) else where
        return await self.send_activity(self.make_members(by, place, added=[one.id for one in people]))

    async def remove_members(self, by: User, where: Team | Chat, people: Sequence[User]) -> Answer:
        place = where.general if isinstance(where, Team) else where
        activity = self.make_members(by, place, removed=[one.id for one in people])
        for one in people:
            where.members.remove(one)
        return await self.send_activity(activity)

    def make_members(
        self, by: User, where: Conversation, *, added: Sequence[str] = (), removed: Sequence[str] = ()
    ) -> Json:
        activity = self._event("conversationUpdate", by, where)
        for key, people in (("membersAdded", added), ("membersRemoved", removed)):
            if people:
                aads = {u.id: {"aadObjectId": u.aad} for u in self.teams.users}
                activity[key] = [{"id": one, **aads.get(one, {})} for one in people]
        if where.kind == "channel":
            activity["channelData"]["eventType"] = "teamMemberAdded" if added else "teamMemberRemoved"
        return activity

    def _installation(self, user: User, where: Conversation, action: str) -> Json:
        activity = {**self._event("installationUpdate", user, where), "action": action}
        activity["channelData"] |= {"source": {"name": "message"}, "settings": {"selectedChannel": {"id": where.id}}}
        return activity

    def _event(self, kind: str, user: User, where: Conversation) -> Json:
        activity = self._activity(kind, user, where, None, strict=False)
        del activity["locale"], activity["entities"], activity["from"]["name"]
        return activity

    def _set_installed(self, place: Conversation, installed: bool) -> None:
        if isinstance(place, Channel):
            place.team.installed = installed
        else:
            place.installed = installed

    # --- Activities ---

    def _invoke(
        self, name: str, user: User, where: Conversation, root: str | None, value: Json, reply_to: str | None = None
    ) -> Json:
        strict = name not in _TASKS  # a message extension works where the bot is not installed
        activity = self._activity("invoke", user, where, root, strict=strict)
        activity["channelData"]["source"] = {"name": "message" if reply_to else "compose"}
        activity |= {"name": name, "value": value}
        return activity | ({"replyToId": reply_to} if reply_to else {})

    def _must_be_in(self, user: User, where: Conversation) -> None:
        assert user in where.members, f"{user.name} is not in {where.name or where.id}"

    def _activity(
        self, kind: str, user: User, where: Conversation, root: str | None, *, identity: str = "", strict: bool = True
    ) -> Json:
        """What every activity of this person there has in common. `strict`: the bot must be installed."""
        if strict:
            self._must_be_in(user, where)
            assert where.installed or kind == "invoke", f"Teams delivers nothing from {where.name}: not installed"
        tenant = {"tenant": {"id": user.tenant}}
        conversation: Json = {"conversationType": where.kind, "tenantId": where.tenant, "id": where.id}
        channel_data: Json = dict(tenant)
        if isinstance(where, Channel):
            event = kind in ("conversationUpdate", "installationUpdate")
            team = {"id": where.team.id, "name": where.team.name, "aadGroupId": where.team.aad_group}
            channel_data |= {"teamsChannelId": where.id, "teamsTeamId": where.team.id}
            channel_data |= {
                "channel": {"id": where.id},
                "team": team if event else {"id": where.team.id},
            }
            conversation["id"] += f";messageid={root}" if root else ""
        if where.kind != "personal":
            conversation["isGroup"] = True
        country = user.locale.partition("-")[2] or "US"
        client = {"type": "clientInfo", "locale": user.locale, "country": country, "platform": "Windows"}
        return {
            "type": kind,
            "id": identity or f"f:{uuid.uuid4()}",
            "timestamp": _now(),
            "localTimestamp": _now(),
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


# --- Cards, as the client works them ---


def find_action(card: Json, label: str | CardPath) -> Json:
    """The one action with this title (a selectAction also by tooltip), or at this path.

    Raises CannotPress with what there is instead, or for one that is greyed out or hidden.
    """
    found = list(_actions(card, hidden=False))
    there = None if isinstance(label, str) else _at(card, label)
    toggled = {_target(t) for action, _ in found for t in action.get("targetElements") or ()}
    named = [
        (action, hides)
        for action, hides in found
        if (label in (action.get("title"), action.get("tooltip")) if there is None else action is there)
    ]
    if len(named) != 1:
        labels = [action.get("title") or action.get("tooltip") for action, _ in found]
        raise CannotPress(f"{len(named)} actions are called {label!r}, there are {labels}")
    action, hides = named[0]
    if action.get("isEnabled") is False:
        raise CannotPress(f"{label!r} is greyed out")
    if hides is not None and hides not in toggled:
        raise CannotPress(f"{label!r} is hidden and nothing shows it")
    return action


def _at(card: Json, path: CardPath) -> Any:
    node: Any = card
    for step in path:
        try:
            node = node[step]
        except (LookupError, TypeError):
            raise CannotPress(f"nothing is at {list(path)}") from None
    return node


def _target(target: Any) -> Any:
    return target.get("elementId") if isinstance(target, dict) else target


def _actions(node: Any, hidden: Any) -> Iterator[tuple[Json, Any]]:
    """Every action with the id of what hides it: None in sight, "" where that has no id."""
    hidden = None if hidden is False else hidden
    if isinstance(node, list):
        for one in node:
            yield from _actions(one, hidden)
    elif isinstance(node, dict):
        if node.get("isVisible") is False:
            hidden = node.get("id", "")
        if str(node.get("type")).startswith("Action."):
            yield node, hidden
        for key, value in node.items():
            if key not in ("data", "fallback", "refresh", "msteams", "requires"):
                yield from _actions(value, hidden)


def _inputs(node: Any, action: Json) -> tuple[list[Json], bool]:
    """The inputs the action sends: of its own card and the cards around it, not of ShowCards beside it."""
    if isinstance(node, list):
        parts = [_inputs(one, action) for one in node]
        return [one for inputs, _ in parts for one in inputs], any(holds for _, holds in parts)
    if not isinstance(node, dict):
        return [], False
    inputs, holds = [node] if str(node.get("type")).startswith("Input.") else [], node is action
    for key, value in node.items():
        if key not in ("data", "fallback", "refresh", "msteams", "requires", "choices"):
            more, inside = _inputs(value, action)
            holds = holds or inside
            if key != "card" or inside:
                inputs += more
    return inputs, holds


def fill(card: Json | None, label: str | CardPath, inputs: Json | None = None) -> Json:
    """The data a form's button sends, as `submit_action` takes it."""
    assert card, "there is no form"
    return gather(card, find_action(card, label), inputs)


def gather(card: Json, action: Json, inputs: Json | None = None, shown: Json | None = None) -> Json:
    """The action's data with the inputs' values merged in: what the person put, else the default; never empty ones.

    `shown` is the button itself where `action` is its fallback. CannotPress where the client would not send:
    required but empty, not among the choices, too long.
    """
    data = dict(action.get("data") or {})
    sends = action.get("associatedInputs", "auto").lower() != "none"
    fields = {one["id"]: one for one in _inputs(card, shown or action)[0]} if sends else {}
    given = dict(inputs or {})
    if unknown := set(given) - set(fields):
        raise CannotPress(f"no input {sorted(unknown)}, there are {sorted(fields)}")
    for name, one in fields.items():
        value = given.get(name, one.get("value"))
        if one["type"] == "Input.Toggle":
            on, off = one.get("valueOn", "true"), one.get("valueOff", "false")
            value = {True: on, False: off, None: off}.get(value, value)
            if value not in (on, off):
                raise CannotPress(f"{name} is {on!r} or {off!r}, not {value!r}")
        _valid(name, one, value)
        if value:
            data[name] = value
    return data


def _valid(name: str, one: Json, value: Any) -> None:
    if not value:
        if one.get("isRequired"):
            raise Incomplete(name, one.get("errorMessage", "required"))
        return
    if "choices" in one:
        offered = [choice["value"] for choice in one["choices"]]
        if any(part not in offered for part in (value.split(",") if one.get("isMultiSelect") else [value])):
            raise CannotPress(f"{name}: {value!r} is not among {offered}")
    if len(str(value)) > one.get("maxLength", 10**9):
        raise Incomplete(name, f"longer than {one['maxLength']}")
    if "regex" in one and not re.search(one["regex"], str(value)):
        raise Incomplete(name, one.get("errorMessage", "does not match"))


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _part(claims: Json) -> bytes:
    return _b64(json.dumps(claims).encode())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
