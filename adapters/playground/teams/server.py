"""A strict simulator of Microsoft's servers for a Teams bot: login, signing keys and the connector.

    async with TeamsSimulator() as teams:
        anna = teams.add_user("Anna", locale="fr-FR")
        team = teams.add_team("Marketing", [anna], channels=["Campaigns"])

It implements the operations that the app uses, rejects what Teams rejects, and lists in `violations` what the app does
wrong. `user_actions` is what people do. Sources: the Bot Connector REST reference and Teams' pages on conversation
messages (status codes) and rate limits.
"""

import json
import math
import secrets
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web
from aiohttp.typedefs import Middleware
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from adapters.playground.simulator import Call, Clock, Fault, Json, Simulator
from adapters.playground.teams import targeted
from adapters.playground.teams.errors import FAULT_CODES, TeamsError
from adapters.playground.teams.models import Channel, Conversation, Message, Team, TeamsState
from adapters.playground.teams.rules import CARD_TYPE, check_activity

Handler = Callable[[web.Request], Awaitable[tuple[int, Json]]]

ISSUER = "https://api.botframework.com"
SCOPE = "https://api.botframework.com/.default"
MAX_BYTES = 80 * 1024
LIMITS = ((1, 7), (2, 8), (30, 60), (3600, 1800))
"""(seconds, operations) of one bot in one conversation; reading rosters and channels is allowed twice as often."""
TOKEN_SECONDS = 3599
_CONVERSATION = "/amer/v3/conversations/{conversation}"
ROUTES = {
    "token": ("POST", "/{tenant}/oauth2/v2.0/token"),
    "openid": ("GET", "/v1/.well-known/openidconfiguration"),
    "keys": ("GET", "/v1/.well-known/keys"),
    "create": ("POST", "/amer/v3/conversations"),
    "send": ("POST", f"{_CONVERSATION}/activities"),
    "update": ("PUT", f"{_CONVERSATION}/activities/{{activity}}"),
    "delete": ("DELETE", f"{_CONVERSATION}/activities/{{activity}}"),
    "member": ("GET", f"{_CONVERSATION}/members/{{member}}"),
    "team": ("GET", "/amer/v3/teams/{team}"),
    "channels": ("GET", "/amer/v3/teams/{team}/conversations"),
}
"""Operation -> method and path. The method `_operation` handles it."""
_WITHOUT_TOKEN = ("token", "openid", "keys")


@dataclass(frozen=True)
class SigningKey:
    """A key of Microsoft's. `endorsements`: the channels it may sign for."""

    kid: str
    private: RSAPrivateKey
    endorsements: tuple[str, ...]

    def jwk(self) -> Json:
        """Return the published part of the key."""
        jwk: Json = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        jwk.pop("key_ops", None)
        return {**jwk, "kid": self.kid, "x5t": self.kid, "use": "sig", "endorsements": list(self.endorsements)}


@lru_cache(maxsize=64)
def _rsa(number: int) -> RSAPrivateKey:
    """Generating a key takes 0.1 s, so simulators share keys; within one, each number is another key."""
    return generate_private_key(public_exponent=65537, key_size=2048)


class TeamsSimulator(Simulator[Call], TeamsState):
    """Microsoft's servers. `limits` False switches the rate limits off.

    `supports_targeted` False: an environment without targeted messages, which answers an error.
    """

    operations = ROUTES

    def __init__(
        self,
        *,
        app_password: str = "correct horse battery staple",
        bot_name: str = "Community advisor",
        limits: bool = True,
        supports_targeted: bool = True,
        clock: Clock = time.monotonic,
        middlewares: Iterable[Middleware] = (),
    ):
        Simulator.__init__(self, clock, middlewares)
        TeamsState.__init__(self)
        self.app_id, self.app_password = str(uuid.uuid4()), app_password
        self.bot_id, self.bot_name = f"28:{self.app_id}", bot_name
        self.limits, self.supports_targeted = limits, supports_targeted
        self.typing: list[Json] = []
        self.violations: list[str] = []
        self.tokens: dict[str, float] = {}
        """Access token -> when it expires."""
        self._operation_times: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=2 * LIMITS[-1][1]))
        self._key_numbers = iter(range(10_000))
        self.unpublished = self._new_key("msteams")
        self.signing = self._new_key("msteams", "skypeforbusiness")
        self.unendorsed = self._new_key("webchat", "directline")

    def _add_routes(self, router: web.UrlDispatcher) -> None:
        for operation, (method, path) in ROUTES.items():
            router.add_route(method, path, self._handler(operation))

    @property
    def service_url(self) -> str:
        return f"{self.url}/amer/"

    @property
    def openid_url(self) -> str:
        return f"{self.url}/v1/.well-known/openidconfiguration"

    def settings(self) -> dict[str, str]:
        """Return the environment variables for an app that uses this simulator."""
        return {
            "MICROSOFT_APP_ID": self.app_id,
            "MICROSOFT_APP_PASSWORD": self.app_password,
            "MICROSOFT_APP_TYPE": "SingleTenant",
            "MICROSOFT_APP_TENANT_ID": self.tenant,
            "TEAMS_TOKEN_ISSUER": ISSUER,
            "TEAMS_OPENID_METADATA_URL": self.openid_url,
            "TEAMS_LOGIN_URL": self.url,
            "TEAMS_SERVICE_URL_HOSTS": "127.0.0.1",
        }

    def revoke_tokens(self) -> None:
        self.tokens.clear()

    def rotate_keys(self) -> None:
        """Sign with a new key and unpublish the old one."""
        self.signing = self._new_key("msteams")

    def _new_key(self, *endorsements: str) -> SigningKey:
        return SigningKey(secrets.token_urlsafe(20), _rsa(next(self._key_numbers)), endorsements)

    def _handler(self, operation: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        handle: Handler = getattr(self, f"_{operation}")

        async def handler(request: web.Request) -> web.StreamResponse:
            await request.read()

            async def respond() -> web.Response:
                if operation not in _WITHOUT_TOKEN:
                    self._authorize(request)
                status, body = await handle(request)
                return web.json_response(body, status=status)

            args: Json = {**request.match_info, "targeted": targeted.is_targeted(request)}
            return await self._serve(request, Call(operation, args), respond)

        return handler

    def _injected_error(self, fault: Fault) -> TeamsError:
        status = fault.status or (500 if fault.retry_after is None else 429)
        code = fault.error or FAULT_CODES.get(status, "ServiceError")
        return TeamsError(status, code, "Injected.", fault.retry_after)

    def _authorize(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self.tokens.get(token, -math.inf) <= self.clock():
            raise TeamsError(401, "Unauthorized", "Authorization has been denied for this request.")

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
        self.tokens[token] = self.clock() + TOKEN_SECONDS
        lifetime = {"expires_in": TOKEN_SECONDS, "ext_expires_in": TOKEN_SECONDS}
        return 200, {"token_type": "Bearer", "access_token": token, **lifetime}

    async def _openid(self, request: web.Request) -> tuple[int, Json]:
        return 200, {
            "issuer": ISSUER,
            "authorization_endpoint": "https://invalid.botframework.com",
            "jwks_uri": f"{self.url}/v1/.well-known/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        }

    async def _keys(self, request: web.Request) -> tuple[int, Json]:
        return 200, {"keys": [key.jwk() for key in (self.signing, self.unendorsed)]}

    async def _create(self, request: web.Request) -> tuple[int, Json]:
        """Open a personal chat; other chats are not simulated."""
        match await _json_object(request):
            case {
                "bot": {"id": self.bot_id},
                "members": [{"id": str(person)}],
                "channelData": {"tenant": {"id": str(tenant)}},
                "isGroup": False,
            }:
                pass
            case _:
                raise TeamsError(400, "BadSyntax", "Incorrect conversation creation parameters")
        user = next((user for user in self.users if user.id == person and user.tenant == tenant), None)
        if user is None:
            raise TeamsError(404, "ConversationNotFound", "Member not found in the tenant.")
        chat = self.personal(user, installed=any(team.installed and user in team.members for team in self.teams))
        self._require_installed(chat)
        self._throttle("create", chat)
        return 201, {"id": chat.id}

    async def _send(self, request: web.Request) -> tuple[int, Json]:
        activity = await _json_object(request)
        where, root = self._conversation(request)
        if isinstance(where, Channel) and where.team.archived:
            raise TeamsError(403, "Forbidden", "The team is archived.")
        self._throttle("send", where)
        id, person = self.new_id(), None
        if targeted.is_targeted(request):
            person = targeted.pop_recipient(activity, where, supported=self.supports_targeted)
        targeted.check_thread(self.find(root), person)
        if activity.get("type") == "typing":
            self.typing.append({**activity, "conversation": {"id": where.id}})
            return 201, {"id": id}
        self._validate(activity)
        prompt = targeted.find_prompt(self, where, activity)
        self.record(Message(id, where, root, activity, targeted_to=person, prompt=prompt))
        return 201, {"id": id}

    async def _update(self, request: web.Request) -> tuple[int, Json]:
        activity = await _json_object(request)
        where, _ = self._conversation(request)
        message = self._own_message(request, where)
        targeted.check_change(message, activity, is_targeted=targeted.is_targeted(request))
        self._throttle("send", where)
        self._validate(activity)
        message.activity = activity
        message.edits += 1
        message.views.clear()
        return 200, {"id": message.id}

    async def _delete(self, request: web.Request) -> tuple[int, Json]:
        where, _ = self._conversation(request)
        message = self._own_message(request, where)
        activity = await _json_object(request) if await request.read() else {}
        targeted.check_change(message, activity, is_targeted=targeted.is_targeted(request))
        self._throttle("delete", where)
        message.deleted = True
        return 200, {}

    def _own_message(self, request: web.Request, where: Conversation) -> Message:
        message = self.find(request.match_info["activity"])
        if message is None or message.where is not where or not self.exists(message):
            raise TeamsError(404, "ActivityNotFoundInConversation", "Activity not found.")
        if message.by is not None:
            raise TeamsError(403, "Forbidden", "The message is not the bot's.")
        return message

    def _validate(self, activity: Json) -> None:
        """Reject what the connector rejects; add what violates our rules to `violations`."""
        self.violations += check_activity(activity)
        attachments = activity.get("attachments") or []
        if activity.get("type") != "message" or not isinstance(attachments, list):
            raise TeamsError(400, "BadSyntax", "Unknown activity type")
        if not activity.get("text") and not attachments:
            raise TeamsError(400, "BadSyntax", "Activity must include non empty 'text' field or at least 1 attachment")
        if not all(isinstance(item, dict) and item.get("contentType") == CARD_TYPE for item in attachments):
            raise TeamsError(400, "BadArgument", "Unknown attachment type")

    def _conversation(self, request: web.Request) -> tuple[Conversation, str | None]:
        """Return the conversation and, in a channel, the thread. Raises TeamsError unless the bot is in it."""
        id, _, root = request.match_info["conversation"].partition(";messageid=")
        where = self.conversations.get(id)
        if where is None or (root and (where.kind != "channel" or self.find(root) is None)):
            raise TeamsError(404, "ConversationNotFound", "Conversation not found.")
        self._require_installed(where)
        return where, root or None

    def _require_installed(self, where: Conversation) -> None:
        if not where.installed:
            raise TeamsError(403, "BotNotInConversationRoster", "The bot is not part of the conversation roster.")

    def _throttle(self, bucket: str, where: Conversation, factor: int = 1) -> None:
        """Count an operation. Raises TeamsError when it exceeds a limit; `factor` multiplies the limits."""
        if not self.limits:
            return
        now, times = self.clock(), self._operation_times[f"{bucket} {where.id}"]
        waits = [times[-n * factor] + span - now for span, n in LIMITS if len(times) >= n * factor]
        if (wait := max(waits, default=0.0)) > 0:
            raise TeamsError(429, "Throttled", "Too many requests.", wait)
        times.append(now)

    async def _member(self, request: web.Request) -> tuple[int, Json]:
        where, _ = self._conversation(request)
        self._throttle("members", where, 2)
        for user in where.members:
            if request.match_info["member"] in (user.id, user.aad):
                return 200, user.member()
        raise TeamsError(404, "MemberNotFoundInConversation", "Member not found in conversation.")

    async def _team(self, request: web.Request) -> tuple[int, Json]:
        team = self._installed_team(request)
        return 200, {"id": team.id, "name": team.name, "tenantId": team.tenant}

    async def _channels(self, request: web.Request) -> tuple[int, Json]:
        team = self._installed_team(request)
        # General has no name: each client shows it in its own language.
        # Private and shared channels are listed for everybody: who is in them, only their own members tell.
        named = [{"id": channel.id, "name": channel.name, "type": channel.membership} for channel in team.channels[1:]]
        return 200, {"conversations": [{"id": team.id, "name": None, "type": "standard"}, *named]}

    def _installed_team(self, request: web.Request) -> Team:
        general = self.conversations.get(request.match_info["team"])
        if not isinstance(general, Channel) or general is not general.team.general:
            raise TeamsError(404, "NotFound", "Team not found.")
        self._require_installed(general)
        self._throttle("teams", general, 2)
        return general.team


async def _json_object(request: web.Request) -> Json:
    raw = await request.read()
    if len(raw) > MAX_BYTES:
        raise TeamsError(413, "MessageSizeTooBig", "Message size too large.")
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise TeamsError(400, "BadSyntax", "Invalid or missing activity in the request.")
    return body
