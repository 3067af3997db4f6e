"""A strict local stand-in of Microsoft's servers for a Teams bot: login, signing keys and the connector.

    async with TeamsStandIn() as teams:
        anna = teams.add_user("Anna", locale="fr-FR")
        team = teams.add_team("Marketing", [anna], channels=["Campaigns"])

It refuses what Teams refuses, counts what it is asked, fails on demand (`fail`), and collects in `problems` every
fault of what the bot emits. The people are in `teams_user`. Sources: the Bot Connector REST reference and Teams'
pages on conversation messages (status codes), rate limits and fetching rosters.
"""

import asyncio
import json
import math
import secrets
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, Self, TypeVar
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.typedefs import Middleware
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from adapters.playground.standins.teams_rules import CARD_TYPE, Json, check_activity, words

T = TypeVar("T")

ISSUER = "https://api.botframework.com"
SCOPE = "https://api.botframework.com/.default"
MAX_BYTES = 80 * 1024
# (seconds, operations) of one bot in one conversation; reading rosters and channels is allowed twice as often.
LIMITS = ((1, 7), (2, 8), (30, 60), (3600, 1800))
ATTACHMENTS = (CARD_TYPE, "application/vnd.microsoft.card.", "application/vnd.microsoft.teams.", "image/")
OPERATIONS = words("token openid keys create send reply update delete members member paged_members team channels *")


@dataclass(eq=False)
class User:
    """A person: `id` is what the bot sees (29:…), `aad` the directory's object id."""

    name: str
    locale: str
    tenant: str
    aad: str = field(default_factory=lambda: str(uuid.uuid4()))
    id: str = field(default_factory=lambda: f"29:1{secrets.token_urlsafe(48)}")
    role: str = "user"

    def member(self) -> Json:
        """As the connector writes a member: `objectId`, not `aadObjectId`."""
        given, _, surname = self.name.partition(" ")
        mail = f"{given.lower()}@{self.tenant[:8]}.example"
        return {
            "id": self.id,
            "objectId": self.aad,
            "name": self.name,
            "givenName": given,
            "surname": surname,
            "email": mail,
            "userPrincipalName": mail,
            "tenantId": self.tenant,
            "userRole": self.role,
        }


@dataclass(eq=False)
class Team:
    """`channels[0]` is General; it shares its id with the team, as in Teams."""

    name: str
    tenant: str
    members: list[User]
    installed: bool
    aad_group: str = field(default_factory=lambda: str(uuid.uuid4()))
    channels: list["Channel"] = field(default_factory=list, repr=False)

    @property
    def id(self) -> str:
        return self.channels[0].id

    @property
    def general(self) -> "Channel":
        return self.channels[0]

    def channel(self, name: str) -> "Channel":
        return next(channel for channel in self.channels if channel.name == name)

    def add_channel(self, name: str) -> "Channel":
        self.channels.append(Channel(name, self))
        return self.channels[-1]


@dataclass(eq=False)
class Channel:
    name: str
    team: Team
    id: str = field(default_factory=lambda: f"19:{uuid.uuid4().hex}@thread.tacv2")
    kind: Literal["channel"] = "channel"
    blocked: bool = False

    @property
    def members(self) -> list[User]:
        return self.team.members

    @property
    def tenant(self) -> str:
        return self.team.tenant

    @property
    def installed(self) -> bool:
        return self.team.installed


@dataclass(eq=False)
class Chat:
    """A group chat, or the personal chat of one person with the bot."""

    name: str
    kind: Literal["personal", "groupChat"]
    tenant: str
    members: list[User]
    installed: bool
    id: str
    blocked: bool = False  # by the person: 403 ConversationBlockedByUser


Conversation = Channel | Chat


@dataclass(eq=False)
class Message:
    """A message as everybody sees it, and `views`: the cards that took its place for one person each."""

    id: str
    where: Conversation
    root: str | None  # in a channel: the id of the post that began the thread
    activity: Json
    by: User | None = None  # None is the bot
    edits: int = 0
    deleted: bool = False
    history: list[Json] = field(default_factory=list)
    views: dict[str, Json] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.activity.get("text") or ""

    @property
    def cards(self) -> list[Json]:
        return [a["content"] for a in self.activity.get("attachments") or () if a.get("contentType") == CARD_TYPE]

    @property
    def card(self) -> Json:
        """The card of a message that holds exactly one."""
        (card,) = self.cards
        return card

    def card_for(self, user: User) -> Json:
        """The card `user` sees now."""
        return self.views.get(user.id) or self.card

    @property
    def thread_id(self) -> str:
        """The conversation id of the thread: with `;messageid=` in a channel, else the chat's."""
        return f"{self.where.id};messageid={self.root}" if self.root else self.where.id


@dataclass
class Call:
    """One request of the bot. `status` is None while it runs or where the answer was dropped."""

    operation: str
    path: str
    body: Any
    at: float
    status: int | None = None


@dataclass
class Fault:
    operation: str
    status: int | None
    times: int
    retry_after: float | None
    drop: Literal["before", "after"] | None
    delay: float
    code: str
    hold: float = 0.0
    effect: bool = False


@dataclass(frozen=True)
class SigningKey:
    kid: str
    private: RSAPrivateKey
    endorsements: tuple[str, ...]

    def jwk(self) -> Json:
        jwk: Json = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        jwk.pop("key_ops", None)
        return {**jwk, "kid": self.kid, "x5t": self.kid, "use": "sig", "endorsements": list(self.endorsements)}


@lru_cache(maxsize=64)
def _rsa(number: int) -> RSAPrivateKey:
    """Making a key takes 0.1 s, so stand-ins share theirs; within one, every number is another key."""
    return generate_private_key(public_exponent=65537, key_size=2048)


class Refused(Exception):
    """An answer of the connector that is not a success."""

    def __init__(self, status: int, code: str, message: str = "", retry_after: float | None = None):
        super().__init__(f"{status} {code}")
        headers = {"Retry-After": str(math.ceil(retry_after))} if retry_after is not None else {}
        body: Json = {"error": {"code": code, "message": message or code}}
        if status == 401:
            headers, body = {"WWW-Authenticate": "Bearer"}, {"message": message}
        self.status, self.body, self.headers = status, body, headers


class Limiter:
    """Sliding windows by key; a refused operation is not counted."""

    def __init__(self, clock: Callable[[], float]):
        self.clock = clock
        self._at: dict[str, deque[float]] = defaultdict(deque)

    def wait(self, key: str, factor: int = 1) -> float:
        """0 and counted, or the seconds until it would be allowed."""
        now, at = self.clock(), self._at[key]
        while at and at[0] <= now - LIMITS[-1][0]:
            at.popleft()
        waits = [at[-n * factor] + span - now for span, n in LIMITS if len(at) >= n * factor]
        longest = max(waits, default=0.0)
        if longest <= 0:
            at.append(now)
        return max(longest, 0.0)


class TeamsStandIn:
    """See the module. `clock` drives limits and token life; set `limits` to False to switch the limits off."""

    def __init__(
        self,
        *,
        app_id: str | None = None,
        app_password: str = "correct horse battery staple",
        tenant: str | None = None,
        bot_name: str = "Community advisor",
        issuer: str = ISSUER,
        limits: bool = True,
        clock: Callable[[], float] = time.monotonic,
        middlewares: Iterable[Middleware] = (),
    ):
        self._middlewares = tuple(middlewares)
        self.app_id = app_id or str(uuid.uuid4())
        self.app_password, self.bot_name, self.issuer = app_password, bot_name, issuer
        self.tenant = tenant or str(uuid.uuid4())
        self.bot_id = f"28:{self.app_id}"
        self.limits, self.clock = limits, clock
        self.token_lifetime = 3599
        self.page_sizes = (50, 500)  # a smaller or greater pageSize is brought into this range
        self.users: list[User] = []
        self.teams: list[Team] = []
        self.chats: list[Chat] = []
        self.log: list[Message] = []
        self.typing: list[Json] = []
        self.calls: list[Call] = []
        self.problems: list[str] = []
        self.base_url = ""
        self._faults: list[Fault] = []
        self._tokens: dict[str, float] = {}
        self._limiter = Limiter(clock)
        self._last_id = 1_790_000_000_000
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._key_numbers = iter(range(10_000))
        self.unpublished = self._new_key("msteams")
        self.signing = self._new_key("msteams", "skypeforbusiness")
        self.unendorsed = self._new_key("webchat", "directline")
        self.published = [self.signing, self.unendorsed]

    # --- Life ---

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self) -> Self:
        app = web.Application(client_max_size=16 * 1024**2, middlewares=self._middlewares)
        conversation = "/amer/v3/conversations/{conversation}"
        for method, path, operation, handler in (
            ("POST", "/{tenant}/oauth2/v2.0/token", "token", self._token),
            ("GET", "/v1/.well-known/openidconfiguration", "openid", self._openid),
            ("GET", "/v1/.well-known/keys", "keys", self._keys),
            ("POST", "/amer/v3/conversations", "create", self._create),
            ("POST", f"{conversation}/activities", "send", self._send),
            ("POST", f"{conversation}/activities/{{activity}}", "reply", self._reply),
            ("PUT", f"{conversation}/activities/{{activity}}", "update", self._update),
            ("DELETE", f"{conversation}/activities/{{activity}}", "delete", self._delete),
            ("GET", f"{conversation}/members", "members", self._members),
            ("GET", f"{conversation}/members/{{member}}", "member", self._member),
            ("GET", f"{conversation}/pagedmembers", "paged_members", self._paged_members),
            ("GET", "/amer/v3/teams/{team}", "team", self._team),
            ("GET", "/amer/v3/teams/{team}/conversations", "channels", self._channels),
        ):
            app.router.add_route(method, path, self._operation(operation, handler))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    @property
    def service_url(self) -> str:
        return f"{self.base_url}/amer/"

    @property
    def openid_url(self) -> str:
        return f"{self.base_url}/v1/.well-known/openidconfiguration"

    def settings(self) -> dict[str, str]:
        """What the app needs in its environment to talk to this stand-in."""
        return {
            "MICROSOFT_APP_ID": self.app_id,
            "MICROSOFT_APP_PASSWORD": self.app_password,
            "MICROSOFT_APP_TYPE": "SingleTenant",
            "MICROSOFT_APP_TENANT_ID": self.tenant,
            "TEAMS_TOKEN_ISSUER": self.issuer,
            "TEAMS_OPENID_METADATA_URL": self.openid_url,
            "TEAMS_LOGIN_URL": self.base_url,
            "TEAMS_SERVICE_URL_HOSTS": "127.0.0.1",
        }

    # --- The world ---

    def add_user(self, name: str, locale: str = "en-US", tenant: str | None = None) -> User:
        self.users.append(User(name, locale, tenant or self.tenant))
        return self.users[-1]

    def add_team(
        self,
        name: str,
        members: Iterable[User],
        channels: Sequence[str] = (),
        installed: bool = True,
        tenant: str | None = None,
    ) -> Team:
        team = Team(name, tenant or self.tenant, list(members), installed)
        for channel in ("General", *channels):
            team.add_channel(channel)
        self.teams.append(team)
        return team

    def add_group_chat(
        self, name: str, members: Iterable[User], installed: bool = True, tenant: str | None = None
    ) -> Chat:
        identity = f"19:{uuid.uuid4().hex}@thread.v2"
        chat = Chat(name, "groupChat", tenant or self.tenant, list(members), installed, identity)
        self.chats.append(chat)
        return chat

    def personal(self, user: User, installed: bool = True) -> Chat:
        """The person's chat with the bot, the same each time; `installed` counts when it is made."""
        for chat in self.chats:
            if chat.kind == "personal" and chat.members == [user]:
                return chat
        identity = f"a:1{secrets.token_urlsafe(48)}"
        self.chats.append(Chat("", "personal", user.tenant, [user], installed, identity))
        return self.chats[-1]

    def new_id(self) -> str:
        self._last_id += 1 + secrets.randbelow(1000)
        return str(self._last_id)

    def record(self, message: Message) -> Message:
        self.log.append(message)
        self._changed.set()
        return message

    # --- What happened ---

    def messages(
        self, where: Conversation | None = None, *, root: str | None = None, by_bot: bool = True
    ) -> list[Message]:
        """Messages not deleted, oldest first: of the bot (or all), of a conversation, of one thread."""
        return [
            message
            for message in self.log
            if not message.deleted
            and (where is None or message.where is where)
            and (root is None or message.root == root)
            and (not by_bot or message.by is None)
        ]

    def posts(self, channel: Channel) -> list[Message]:
        """The bot's posts of their own in a channel: not replies."""
        return [message for message in self.messages(channel) if message.root == message.id]

    def last(self, where: Conversation) -> Message:
        return self.messages(where)[-1]

    def find(self, message_id: str | None) -> Message | None:
        return next((message for message in self.log if message.id == message_id), None)

    def called(self, operation: str) -> list[Call]:
        return [call for call in self.calls if call.operation == operation]

    async def wait(self, seen: Callable[[], T], within: float = 5.0) -> T:
        """`seen()` as soon as it is true; TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            while not (value := seen()):
                self._changed.clear()
                with suppress(TimeoutError):  # what is looked at may lie outside the stand-in
                    await asyncio.wait_for(self._changed.wait(), 0.02)
        return value

    async def wait_for_messages(self, where: Conversation, count: int = 1, within: float = 5.0) -> list[Message]:
        """The bot's messages there, once there are at least `count`."""
        await self.wait(lambda: len(self.messages(where)) >= count, within)
        return self.messages(where)

    # --- Trouble ---

    def fail(
        self,
        operation: str,
        status: int | None = None,
        *,
        times: int = 1,
        retry_after: float | None = None,
        drop: Literal["before", "after"] | None = None,
        delay: float = 0.0,
        code: str = "",
        hold: float = 0.0,
        effect: bool = False,
    ) -> None:
        """The next `times` requests of this operation (`*`: any) fail; faults are used up in the order given.

        `status` answers that without doing anything, or, with `effect`, although it is done; `drop` closes the
        connection before or after doing it; `delay` waits first, in seconds, and alone only slows; `hold` waits
        between doing it and the answer, which may then find nobody waiting.
        """
        if operation not in OPERATIONS:
            raise ValueError(f"{operation!r} is not one of {OPERATIONS}")
        self._faults.append(Fault(operation, status, times, retry_after, drop, delay, code, hold, effect))

    def heal(self) -> None:
        self._faults.clear()

    def revoke_tokens(self) -> None:
        """The tokens given out so far are refused from now on."""
        self._tokens.clear()

    def rotate_keys(self, *, keep_old: bool = False) -> SigningKey:
        """Sign with a new key; the old one is published no longer unless `keep_old`."""
        old, self.signing = self.signing, self._new_key("msteams")
        self.published = [self.signing, self.unendorsed, *([old] if keep_old else [])]
        return self.signing

    def _new_key(self, *endorsements: str) -> SigningKey:
        return SigningKey(secrets.token_urlsafe(20), _rsa(next(self._key_numbers)), endorsements)

    def _take(self, operation: str) -> Fault | None:
        for fault in self._faults:
            if fault.operation in (operation, "*"):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None

    # --- Requests ---

    def _operation(self, name: str, handler: Callable[[web.Request, bytes], Any]) -> Any:
        """Wraps a handler: counts the call, applies a fault, writes its answer as JSON."""

        async def serve(request: web.Request) -> web.Response:
            raw = await request.read()
            call = Call(name, request.path, _loads(raw), self.clock())
            self.calls.append(call)
            fault = self._take(name)
            if fault:
                await asyncio.sleep(fault.delay)
            if fault and fault.drop == "before":
                return _hang_up(request)
            try:
                if fault and fault.status and not fault.effect:
                    raise _injected(fault.status, fault)
                if name not in ("token", "openid", "keys"):
                    self._authorize(request)
                status, body = handler(request, raw)
                headers: dict[str, str] = {}
                if fault and fault.status:
                    raise _injected(fault.status, fault)
            except Refused as refused:
                status, body, headers = refused.status, refused.body, refused.headers
            self._changed.set()
            if fault and fault.hold:
                await asyncio.sleep(fault.hold)
            if fault and fault.drop == "after":
                return _hang_up(request)
            call.status = status
            if body is None:
                return web.Response(status=status, headers=headers)
            return web.json_response(body, status=status, headers=headers)

        return serve

    def _authorize(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self._tokens.get(token, -math.inf) <= self.clock():
            raise Refused(401, "Unauthorized", "Authorization has been denied for this request.")

    def _token(self, request: web.Request, raw: bytes) -> tuple[int, Json]:
        form = dict(parse_qsl(raw.decode(errors="replace")))
        form["tenant"] = request.match_info["tenant"]
        expected = {
            "tenant": (self.tenant, 400, "invalid_request", "AADSTS90002: Tenant not found."),
            "grant_type": ("client_credentials", 400, "unsupported_grant_type", "AADSTS70003: Unsupported grant."),
            "client_id": (self.app_id, 401, "invalid_client", "AADSTS700016: Application not found in the directory."),
            "client_secret": (self.app_password, 401, "invalid_client", "AADSTS7000215: Invalid client secret."),
            "scope": (SCOPE, 400, "invalid_scope", "AADSTS70011: The provided value for scope is not valid."),
        }
        for key, (value, status, error, description) in expected.items():
            if form.get(key) != value:
                number = int(description[6 : description.index(":")])
                return status, {"error": error, "error_description": description, "error_codes": [number]}
        token = secrets.token_urlsafe(60)
        self._tokens[token] = self.clock() + self.token_lifetime
        life = self.token_lifetime
        return 200, {"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token}

    def _openid(self, request: web.Request, raw: bytes) -> tuple[int, Json]:
        return 200, {
            "issuer": self.issuer,
            "authorization_endpoint": "https://invalid.botframework.com",
            "jwks_uri": f"{self.base_url}/v1/.well-known/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }

    def _keys(self, request: web.Request, raw: bytes) -> tuple[int, Json]:
        return 200, {"keys": [key.jwk() for key in self.published]}

    # --- The connector: conversations and activities ---

    def _create(self, request: web.Request, raw: bytes) -> tuple[int, Json]:
        body = _object(raw)
        channel_data = body.get("channelData") or {}
        if (body.get("bot") or {"id": self.bot_id}).get("id") != self.bot_id:
            raise Refused(400, "BadArgument", "Bot is not valid.")
        if channel_id := (channel_data.get("channel") or {}).get("id"):
            channel, root = self._conversation(channel_id)
            if root or not isinstance(channel, Channel) or not isinstance(body.get("activity"), dict):
                raise Refused(400, "BadSyntax", "Incorrect conversation creation parameters")
            self._throttle("create", channel)
            (message,) = self._post(channel, None, body["activity"])[:1]
            return 201, {"id": message.thread_id, "activityId": message.id}
        members = body.get("members") or []
        tenant = (channel_data.get("tenant") or {}).get("id") or body.get("tenantId")
        if len(members) != 1 or body.get("isGroup") or not tenant:
            raise Refused(400, "BadSyntax", "Incorrect conversation creation parameters")
        user = next((u for u in self.users if members[0].get("id") in (u.id, u.aad)), None)
        if user is None or user.tenant != tenant:
            raise Refused(404, "ConversationNotFound", "Member not found in the tenant.")
        chat = self.personal(user, installed=any(t.installed and user in t.members for t in self.teams))
        self._allow(chat)
        self._throttle("create", chat)
        if isinstance(body.get("activity"), dict):
            return 201, {"id": chat.id, "activityId": self._post(chat, None, body["activity"])[0].id}
        return 201, {"id": chat.id}

    def _send(self, request: web.Request, raw: bytes) -> tuple[int, Json]:
        return self._new(request, raw, None)

    def _reply(self, request: web.Request, raw: bytes) -> tuple[int, Json]:
        return self._new(request, raw, request.match_info["activity"])

    def _new(self, request: web.Request, raw: bytes, reply_to: str | None) -> tuple[int, Json]:
        activity = _object(raw)
        where, root = self._conversation(request.match_info["conversation"])
        # Invokes and events have ids of their own (f:…) that are no message: only the conversation counts.
        if reply_to and not reply_to.startswith("f:"):
            root = self._existing(where, reply_to).root
        self._throttle("send", where)
        if activity.get("type") == "typing":
            self.typing.append({**activity, "conversation": {"id": where.id}})
            return 201, {"id": self.new_id()}
        messages = self._post(where, root, activity)
        return 201, {"id": messages[0].id} if len(messages) == 1 else {}

    def _post(self, where: Conversation, root: str | None, activity: Json) -> list[Message]:
        """Stores the message, or the two into which text beside an attachment is split."""
        self._examine(activity)
        parts = [activity]
        if activity.get("text") and activity.get("attachments"):
            parts = [{**activity, "attachments": []}, {k: v for k, v in activity.items() if k != "text"}]
        messages = []
        for part in parts:
            identity = self.new_id()
            own_root = (root or identity) if where.kind == "channel" else None
            messages.append(self.record(Message(identity, where, own_root, part)))
        return messages

    def _examine(self, activity: Json) -> None:
        """Refuses what the connector refuses, and notes in `problems` what it would let pass but we do not."""
        self.problems += check_activity(activity)
        attachments = activity.get("attachments") or []
        if activity.get("type") != "message" or not isinstance(attachments, list):
            raise Refused(400, "BadSyntax", "Unknown activity type")
        if not activity.get("text") and not attachments:
            raise Refused(400, "BadSyntax", "Activity must include non empty 'text' field or at least 1 attachment")
        for attachment in attachments:
            if not isinstance(attachment, dict) or not str(attachment.get("contentType")).startswith(ATTACHMENTS):
                raise Refused(400, "BadArgument", "Unknown attachment type")

    def _update(self, request: web.Request, raw: bytes) -> tuple[int, Json]:
        activity = _object(raw)
        message = self._own(request)
        if activity.get("text") and activity.get("attachments"):
            raise Refused(400, "BadSyntax", "Activity resulted into multiple skype activities")
        self._examine(activity)
        message.history.append(message.activity)
        message.activity = activity
        message.edits += 1
        message.views.clear()
        return 200, {"id": message.id}

    def _delete(self, request: web.Request, raw: bytes) -> tuple[int, None]:
        self._own(request).deleted = True
        return 200, None

    def _own(self, request: web.Request) -> Message:
        where, _ = self._conversation(request.match_info["conversation"])
        message = self._existing(where, request.match_info["activity"])
        if message.by is not None:
            raise Refused(403, "Forbidden", "The message is not the bot's.")
        self._throttle("send", where)
        return message

    def _existing(self, where: Conversation, activity_id: str) -> Message:
        message = self.find(activity_id)
        if message is None or message.where is not where or message.deleted:
            raise Refused(404, "ActivityNotFoundInConversation", "Activity not found.")
        return message

    def _conversation(self, identity: str) -> tuple[Conversation, str | None]:
        """The conversation and, in a channel, the thread; refused unless the bot is in it."""
        base, _, root = identity.partition(";messageid=")
        places: list[Conversation] = [*(c for team in self.teams for c in team.channels), *self.chats]
        where = next((place for place in places if place.id == base), None)
        if where is None or (root and (where.kind != "channel" or self.find(root) is None)):
            raise Refused(404, "ConversationNotFound", "Conversation not found.")
        self._allow(where)
        return where, root or None

    def _allow(self, where: Conversation) -> None:
        if where.blocked:
            raise Refused(403, "ConversationBlockedByUser", "User blocked the conversation with the bot.")
        if not where.installed:
            raise Refused(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")

    def _throttle(self, bucket: str, where: Conversation | Team, factor: int = 1) -> None:
        if self.limits and (wait := self._limiter.wait(f"{bucket} {where.id}", factor)):
            raise Refused(429, "Throttled", "Too many requests.", wait)

    # --- The connector: rosters and teams ---

    def _members(self, request: web.Request, raw: bytes) -> tuple[int, list[Json]]:
        where, _ = self._conversation(request.match_info["conversation"])
        self._throttle("members", where, 2)
        return 200, [user.member() for user in where.members]

    def _member(self, request: web.Request, raw: bytes) -> tuple[int, Json]:
        where, _ = self._conversation(request.match_info["conversation"])
        self._throttle("members", where, 2)
        wanted = request.match_info["member"]
        for user in where.members:
            if wanted in (user.id, user.aad):
                return 200, user.member()
        raise Refused(404, "MemberNotFoundInConversation", "Member not found in conversation.")

    def _paged_members(self, request: web.Request, raw: bytes) -> tuple[int, Json]:
        where, _ = self._conversation(request.match_info["conversation"])
        self._throttle("members", where, 2)
        least, most = self.page_sizes
        try:
            size = min(max(int(request.query.get("pageSize", 200)), least), most)
            start = int((request.query.get("continuationToken") or "page-0").removeprefix("page-"))
        except ValueError:
            raise Refused(400, "BadArgument", "Invalid page size or continuation token.") from None
        page: Json = {"members": [user.member() for user in where.members[start : start + size]]}
        if start + size < len(where.members):
            page["continuationToken"] = f"page-{start + size}"
        return 200, page

    def _team(self, request: web.Request, raw: bytes) -> tuple[int, Json]:
        team = self._joined(request)
        counts = {"channelCount": len(team.channels), "memberCount": len(team.members)}
        return 200, {"id": team.id, "name": team.name, "aadGroupId": team.aad_group, "tenantId": team.tenant, **counts}

    def _channels(self, request: web.Request, raw: bytes) -> tuple[int, Json]:
        team = self._joined(request)
        # General has no name here: each client shows it in its own language.
        named = [{"id": channel.id, "name": channel.name} for channel in team.channels[1:]]
        return 200, {"conversations": [{"id": team.id, "name": None}, *named]}

    def _joined(self, request: web.Request) -> Team:
        team = next((team for team in self.teams if team.id == request.match_info["team"]), None)
        if team is None:
            raise Refused(404, "NotFound", "Team not found.")
        self._allow(team.general)
        self._throttle("teams", team, 2)
        return team


_CODES = {
    400: "BadSyntax",
    401: "Unauthorized",
    403: "BotNotInConversationRoster",
    404: "ConversationNotFound",
    412: "PreconditionFailed",
    413: "MessageSizeTooBig",
    429: "Throttled",
    500: "ServiceError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}


def _loads(raw: bytes) -> Any:
    """The JSON of a request, or None."""
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _object(raw: bytes) -> Json:
    if len(raw) > MAX_BYTES:
        raise Refused(413, "MessageSizeTooBig", "Message size too large.")
    body = _loads(raw)
    if not isinstance(body, dict):
        raise Refused(400, "BadSyntax", "Invalid or missing activity in the request.")
    return body


def _injected(status: int, fault: Fault) -> Refused:
    return Refused(status, fault.code or _CODES.get(status, "ServiceError"), "Injected.", fault.retry_after)


def _hang_up(request: web.Request) -> web.Response:
    """Closes the connection without an answer."""
    if request.transport:
        request.transport.abort()
    return web.Response()
