"""A strict local stand-in of Microsoft's servers for a Teams bot: login, signing keys and the connector.

    async with TeamsSimulator() as teams:
        anna = teams.add_user("Anna", locale="fr-FR")
        team = teams.add_team("Marketing", [anna], channels=["Campaigns"])

It knows the operations our app asks for, refuses what Teams refuses, counts what it is asked, fails on demand (`fail`),
and collects in `violations` what the app does wrong. See `user_actions` for people.  Sources: the Bot Connector
REST reference and Teams' pages on conversation messages (status codes) and rate limits.
"""

import asyncio
import json
import math
import secrets
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from aiohttp import web
from aiohttp.typedefs import Middleware
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from adapters.playground.teams.faults import Fault, Refused
from adapters.playground.teams.rules import CARD_TYPE, Json, check_activity
from adapters.playground.teams.state import Channel, Conversation, Message, Team, TeamsState

Handler = Callable[[web.Request], Awaitable[tuple[int, Json]]]

ISSUER = "https://api.botframework.com"
SCOPE = "https://api.botframework.com/.default"
MAX_BYTES = 80 * 1024
LIMITS = ((1, 7), (2, 8), (30, 60), (3600, 1800))
"""(seconds, operations) of one bot in one conversation; reading rosters and channels is allowed twice as often."""
TOKEN_LIFE = 3599
_LOGIN = ("token", "openid", "keys")


@dataclass
class Call:
    """One request of the app. `status` is None while it runs or where the answer was dropped."""

    operation: str
    status: int | None = None


@dataclass(frozen=True)
class SigningKey:
    """A key of Microsoft's. `endorsements`: the channels it may sign for."""

    kid: str
    private: RSAPrivateKey
    endorsements: tuple[str, ...]

    def jwk(self) -> Json:
        """Return what is published of it."""
        jwk: Json = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        jwk.pop("key_ops", None)
        return {**jwk, "kid": self.kid, "x5t": self.kid, "use": "sig", "endorsements": list(self.endorsements)}


@lru_cache(maxsize=64)
def _rsa(number: int) -> RSAPrivateKey:
    """Making a key takes 0.1 s, so stand-ins share theirs; within one, every number is another key."""
    return generate_private_key(public_exponent=65537, key_size=2048)


class TeamsSimulator(TeamsState):
    """See the module. `clock` drives limits and token life; set `limits` to False to switch the limits off."""

    def __init__(
        self,
        *,
        app_password: str = "correct horse battery staple",
        bot_name: str = "Community advisor",
        limits: bool = True,
        clock: Callable[[], float] = time.monotonic,
        middlewares: Iterable[Middleware] = (),
    ):
        super().__init__()
        self._middlewares = tuple(middlewares)
        self.app_id, self.app_password = str(uuid.uuid4()), app_password
        self.bot_id, self.bot_name = f"28:{self.app_id}", bot_name
        self.limits, self.clock = limits, clock
        self.typing: list[Json] = []
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.base_url = ""
        self._faults: list[Fault] = []
        self._tokens: dict[str, float] = {}
        self._operated: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=2 * LIMITS[-1][1]))
        self._runner: web.AppRunner | None = None
        self._key_numbers = iter(range(10_000))
        self.unpublished = self._new_key("msteams")
        self.signing = self._new_key("msteams", "skypeforbusiness")
        self.unendorsed = self._new_key("webchat", "directline")
        conversation = "/amer/v3/conversations/{conversation}"
        self._operations: dict[str, tuple[str, str, Handler]] = {
            "token": ("POST", "/{tenant}/oauth2/v2.0/token", self._token),
            "openid": ("GET", "/v1/.well-known/openidconfiguration", self._openid),
            "keys": ("GET", "/v1/.well-known/keys", self._keys),
            "create": ("POST", "/amer/v3/conversations", self._create),
            "send": ("POST", f"{conversation}/activities", self._send),
            "update": ("PUT", f"{conversation}/activities/{{activity}}", self._update),
            "member": ("GET", f"{conversation}/members/{{member}}", self._member),
            "team": ("GET", "/amer/v3/teams/{team}", self._team),
            "channels": ("GET", "/amer/v3/teams/{team}/conversations", self._channels),
        }

    # --- Life ---

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self) -> Self:
        app = web.Application(client_max_size=16 * 1024**2, middlewares=self._middlewares)
        for operation, (method, path, handle) in self._operations.items():
            app.router.add_route(method, path, self._serving(operation, handle))
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
            "TEAMS_TOKEN_ISSUER": ISSUER,
            "TEAMS_OPENID_METADATA_URL": self.openid_url,
            "TEAMS_LOGIN_URL": self.base_url,
            "TEAMS_SERVICE_URL_HOSTS": "127.0.0.1",
        }

    # --- Trouble ---

    def calls_to(self, operation: str) -> list[Call]:
        return [call for call in self.calls if call.operation == operation]

    def fail(self, operation: str, status: int | None = None, **how: Any) -> None:
        """Have the next requests of an operation fail, as `Fault` says; faults are used up in the order given."""
        if operation not in self._operations:
            raise ValueError(f"{operation!r} is not one of {[*self._operations]}")
        self._faults.append(Fault(operation, status, **how))

    def clear_faults(self) -> None:
        self._faults.clear()

    def revoke_tokens(self) -> None:
        """The tokens given out so far are refused from now on."""
        self._tokens.clear()

    def rotate_keys(self) -> None:
        """Sign with a new key; the old one is published no longer."""
        self.signing = self._new_key("msteams")

    def _new_key(self, *endorsements: str) -> SigningKey:
        return SigningKey(secrets.token_urlsafe(20), _rsa(next(self._key_numbers)), endorsements)

    def _take(self, operation: str) -> Fault | None:
        fault = next((each for each in self._faults if each.operation == operation), None)
        if fault:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
        return fault

    # --- Requests ---

    def _serving(self, name: str, handle: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Wrap a handler: it counts the call, applies a fault, writes its answer as JSON."""

        async def serve(request: web.Request) -> web.Response:
            await request.read()
            call = Call(name)
            self.calls.append(call)
            fault = self._take(name) or Fault(name)
            await asyncio.sleep(fault.delay)
            if fault.drop == "before":
                return _hang_up(request)
            headers: dict[str, str] = {}
            try:
                if not fault.effect:
                    fault.refuse()
                if name not in _LOGIN:
                    self._authorize(request)
                status, body = await handle(request)
                fault.refuse()
            except Refused as refused:
                status, body, headers = refused.status, refused.body, refused.headers
            self._changed.set()
            await asyncio.sleep(fault.hold)
            if fault.drop == "after":
                return _hang_up(request)
            call.status = status
            return web.json_response(body, status=status, headers=headers)

        return serve

    def _authorize(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self._tokens.get(token, -math.inf) <= self.clock():
            raise Refused(401, "Unauthorized", "Authorization has been denied for this request.")

    async def _token(self, request: web.Request) -> tuple[int, Json]:
        form = {**await request.post(), "tenant": request.match_info["tenant"]}
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
        self._tokens[token] = self.clock() + TOKEN_LIFE
        life = {"expires_in": TOKEN_LIFE, "ext_expires_in": TOKEN_LIFE}
        return 200, {"token_type": "Bearer", "access_token": token, **life}

    async def _openid(self, request: web.Request) -> tuple[int, Json]:
        return 200, {
            "issuer": ISSUER,
            "authorization_endpoint": "https://invalid.botframework.com",
            "jwks_uri": f"{self.base_url}/v1/.well-known/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }

    async def _keys(self, request: web.Request) -> tuple[int, Json]:
        return 200, {"keys": [key.jwk() for key in (self.signing, self.unendorsed)]}

    # --- The connector: conversations and activities ---

    async def _create(self, request: web.Request) -> tuple[int, Json]:
        """A personal chat is all that our app opens."""
        match await _object(request):
            case {
                "bot": {"id": self.bot_id},
                "members": [{"id": str(person)}],
                "channelData": {"tenant": {"id": str(tenant)}},
                "isGroup": False,
            }:
                pass
            case _:
                raise Refused(400, "BadSyntax", "Incorrect conversation creation parameters")
        user = next((each for each in self.users if each.id == person and each.tenant == tenant), None)
        if user is None:
            raise Refused(404, "ConversationNotFound", "Member not found in the tenant.")
        chat = self.personal(user, installed=any(each.installed and user in each.members for each in self.teams))
        self._allow(chat)
        self._throttle("create", chat)
        return 201, {"id": chat.id}

    async def _send(self, request: web.Request) -> tuple[int, Json]:
        activity = await _object(request)
        where, root = self._conversation(request)
        self._throttle("send", where)
        id = self.new_id()
        if activity.get("type") == "typing":
            self.typing.append({**activity, "conversation": {"id": where.id}})
        else:
            self._examine(activity)
            self.record(Message(id, where, root, activity))
        return 201, {"id": id}

    async def _update(self, request: web.Request) -> tuple[int, Json]:
        activity = await _object(request)
        where, _ = self._conversation(request)
        message = self.find(request.match_info["activity"])
        if message is None or message.where is not where or message.deleted:
            raise Refused(404, "ActivityNotFoundInConversation", "Activity not found.")
        if message.by is not None:
            raise Refused(403, "Forbidden", "The message is not the bot's.")
        self._throttle("send", where)
        self._examine(activity)
        message.activity = activity
        message.edits += 1
        message.views.clear()
        return 200, {"id": message.id}

    def _examine(self, activity: Json) -> None:
        """Refuse what the connector refuses, and note in `violations` what it would let pass but we do not."""
        self.violations += check_activity(activity)
        attachments = activity.get("attachments") or []
        if activity.get("type") != "message" or not isinstance(attachments, list):
            raise Refused(400, "BadSyntax", "Unknown activity type")
        if not activity.get("text") and not attachments:
            raise Refused(400, "BadSyntax", "Activity must include non empty 'text' field or at least 1 attachment")
        if not all(isinstance(each, dict) and each.get("contentType") == CARD_TYPE for each in attachments):
            raise Refused(400, "BadArgument", "Unknown attachment type")

    def _conversation(self, request: web.Request) -> tuple[Conversation, str | None]:
        """The conversation and, in a channel, the thread; refused unless the bot is in it."""
        id, _, root = request.match_info["conversation"].partition(";messageid=")
        where = self.places.get(id)
        if where is None or (root and (where.kind != "channel" or self.find(root) is None)):
            raise Refused(404, "ConversationNotFound", "Conversation not found.")
        self._allow(where)
        return where, root or None

    def _allow(self, where: Conversation) -> None:
        if not where.installed:
            raise Refused(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")

    def _throttle(self, bucket: str, where: Conversation, factor: int = 1) -> None:
        """Count an operation, or refuse it until enough of those before are long enough ago."""
        if not self.limits:
            return
        now, before = self.clock(), self._operated[f"{bucket} {where.id}"]
        waits = [before[-n * factor] + span - now for span, n in LIMITS if len(before) >= n * factor]
        if (wait := max(waits, default=0.0)) > 0:
            raise Refused(429, "Throttled", "Too many requests.", wait)
        before.append(now)

    # --- The connector: people and teams ---

    async def _member(self, request: web.Request) -> tuple[int, Json]:
        where, _ = self._conversation(request)
        self._throttle("members", where, 2)
        for user in where.members:
            if request.match_info["member"] in (user.id, user.aad):
                return 200, user.member()
        raise Refused(404, "MemberNotFoundInConversation", "Member not found in conversation.")

    async def _team(self, request: web.Request) -> tuple[int, Json]:
        team = self._joined(request)
        return 200, {"id": team.id, "name": team.name, "tenantId": team.tenant}

    async def _channels(self, request: web.Request) -> tuple[int, Json]:
        team = self._joined(request)
        # General has no name here: each client shows it in its own language.
        named = [{"id": channel.id, "name": channel.name} for channel in team.channels[1:]]
        return 200, {"conversations": [{"id": team.id, "name": None}, *named]}

    def _joined(self, request: web.Request) -> Team:
        general = self.places.get(request.match_info["team"])
        if not isinstance(general, Channel) or general is not general.team.general:
            raise Refused(404, "NotFound", "Team not found.")
        self._allow(general)
        self._throttle("teams", general, 2)
        return general.team


async def _object(request: web.Request) -> Json:
    raw = await request.read()
    if len(raw) > MAX_BYTES:
        raise Refused(413, "MessageSizeTooBig", "Message size too large.")
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "BadSyntax", "Invalid or missing activity in the request.")
    return body


def _hang_up(request: web.Request) -> web.Response:
    """Closes the connection without an answer."""
    if request.transport:
        request.transport.abort()
    return web.Response()
