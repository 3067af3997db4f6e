"""Teams for benchmarks: users who press on shared cards in a channel, and a connector that responds at once."""

import asyncio
import json
import re
import time
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm

from tests.benchmarks.raw_http import Connection, Request, Response, listen, post_head, response, wait_until, with_body
from tests.benchmarks.servers import ServerProcess, product_server

APP = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
TENANT = "1a1b2c3d-4e5f-6789-abcd-ef0123456789"
ISSUER = "https://api.botframework.com"
PATH = "/api/messages"
MICROSOFT = "https://login.microsoftonline.com"

_THREAD = re.compile(rb"/conversations/19(?:%3A|:)(\d+)")
_CARD = re.compile(rb'"session": ?"([\w-]+)"[^}]*?"revision": ?(\d+)|"revision": ?(\d+)[^}]*?"session": ?"([\w-]+)"')


class Platform:
    """The connector, Microsoft's keys and its token service, with fixed responses and no validation."""

    def __init__(self) -> None:
        self.key = generate_private_key(public_exponent=65537, key_size=2048)
        self.waiting: dict[str, asyncio.Future[bytes]] = {}
        self.first: dict[str, bytes] = {}
        self.calls = 0
        self.port = 0
        jwk = {**json.loads(RSAAlgorithm.to_jwk(self.key.public_key())), "kid": "k", "use": "sig"}
        self._keys = response(json.dumps({"keys": [jwk | {"endorsements": ["msteams"]}]}).encode())
        self._token = response(b'{"token_type":"Bearer","access_token":"%s","expires_in":3599}' % (b"t" * 1200))
        self._done = response(b'{"id":"1790000000000"}')
        self._discovery = response(json.dumps(_discovery()).encode())

    async def open(self) -> None:
        self._server, self.port = await listen(self.handle)
        self._openid = response(json.dumps({"issuer": ISSUER, "jwks_uri": f"{self.url}/keys"}).encode())

    def close(self) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def service(self) -> str:
        return f"{self.url}/amer/"

    def bearer(self) -> str:
        """Return a token for requests to the product, valid for an hour."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": APP, "nbf": now, "exp": now + 3600, "serviceurl": self.service}
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "k"})

    def next_message(self, thread: str) -> "asyncio.Future[bytes]":
        """Return a future with the body of the next message or update in a thread."""
        future = self.waiting[thread] = asyncio.get_running_loop().create_future()
        return future

    def handle(self, request: Request) -> bytes:
        self.calls += 1
        if match := _THREAD.search(request.path):
            return self._activity(match[1].decode(), request)
        for end, known in (("/openid", self._openid), ("/keys", self._keys), ("/token", self._token)):
            if request.path.endswith(end.encode()):
                return known
        return self._discovery

    def _activity(self, thread: str, request: Request) -> bytes:
        if b'"typing"' in request.body[:200] and b'"attachments"' not in request.body:
            return self._done
        future = self.waiting.pop(thread, None)
        if future and not future.done():
            future.set_result(request.body)
        elif request.method == b"POST":
            self.first.setdefault(thread, request.body)
        return self._done


def _discovery() -> dict[str, str]:
    """Return the discovery document that MSAL fetches before its first token."""
    base = f"{MICROSOFT}/{TENANT}"
    return {
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
    }


class TeamsUser:
    """A user in a thread who answers a question, goes back, answers it again, and so on."""

    def __init__(self, number: int, platform: Platform) -> None:
        self.thread = f"{number:06d}"
        self.session, self.revision, self._presses = "", -1, 0
        self._platform = platform
        self._person = f"29:{number:06d}"
        headers = {"Authorization": f"Bearer {platform.bearer()}", "Content-Type": "application/json; charset=utf-8"}
        self._head = post_head(PATH, headers)
        self._template = b""

    def begin(self) -> bytes:
        """Return the message that starts a dialog."""
        message = {"type": "message", "text": "<at>Advisor</at> check", "textFormat": "plain"}
        mention = {"type": "mention", "text": "<at>Advisor</at>", "mentioned": {"id": f"28:{APP}", "name": "Advisor"}}
        return with_body(self._head, json.dumps({**self._activity(), **message, "entities": [mention]}).encode())

    def read_first_card(self) -> dict:
        """Read the first card and return it."""
        body = self._platform.first[self.thread]
        self._read_card(body)
        data = {"session": self.session, "revision": "XXrevisionXX", "action": "XXactionXX"}
        action = {"type": "Action.Execute", "id": "answer", "title": "Oui", "verb": "press", "data": data}
        value = {"action": action, "trigger": "manual"}
        invoke = {"type": "invoke", "name": "adaptiveCard/action", "value": value, "replyToId": "1790000000000"}
        self._template = json.dumps({**self._activity(), **invoke, "id": "XXidXX"}).encode()
        return dict(json.loads(body)["attachments"][0]["content"])

    def press(self) -> bytes:
        even = self._presses % 2 == 0
        self._presses += 1
        action = b'answer", "question": "orientation", "option": "key' if even else b"back"
        body = (
            self._template.replace(b"XXidXX", uuid.uuid4().hex.encode())
            .replace(b'"XXrevisionXX"', b"%d" % self.revision)
            .replace(b"XXactionXX", action)
        )
        return with_body(self._head, body)

    def next_card(self) -> "asyncio.Future[bytes]":
        return self._platform.next_message(self.thread)

    def check(self, response: Response, card: bytes | None) -> None:
        assert response.status == 200, response
        assert b"adaptive" in response.body, response.body[:300]
        if card is not None:
            self._read_card(card)

    def _read_card(self, card: bytes) -> None:
        match = _CARD.search(card)
        assert match, card[:300]
        session, revision = (match[1] or match[4]).decode(), int(match[2] or match[3])
        if self.session in {"", session}:  # a peer sends the same card to all
            self.session, self.revision = session, revision

    def _activity(self) -> dict:
        thread = f"19:{self.thread}bench@thread.tacv2;messageid=1700000000000"
        return {
            "id": uuid.uuid4().hex,
            "timestamp": "2026-11-22T09:00:00.1234567Z",
            "localTimestamp": "2026-11-22T10:00:00.1234567+01:00",
            "localTimezone": "Europe/Paris",
            "channelId": "msteams",
            "serviceUrl": self._platform.service,
            "from": {"id": self._person, "name": "Anna", "aadObjectId": str(uuid.uuid4())},
            "recipient": {"id": f"28:{APP}", "name": "Advisor"},
            "conversation": {"id": thread, "conversationType": "channel", "tenantId": TENANT, "isGroup": True},
            "channelData": {
                "tenant": {"id": TENANT},
                "team": {"id": "19:team@thread.tacv2", "name": "Marketing"},
                "channel": {"id": f"19:{self.thread}bench@thread.tacv2"},
                "source": {"name": "message"},
            },
            "entities": [{"type": "clientInfo", "locale": "fr-FR", "country": "FR", "platform": "Web"}],
            "locale": "fr-FR",
        }


def settings(platform: Platform) -> dict[str, str]:
    """Return the settings of the product for Teams."""
    return {
        "MICROSOFT_APP_ID": APP,
        "MICROSOFT_APP_PASSWORD": "secret",
        "MICROSOFT_APP_TYPE": "SingleTenant",
        "MICROSOFT_APP_TENANT_ID": TENANT,
        "TEAMS_OPENID_METADATA_URL": f"{platform.url}/openid",
        "TEAMS_LOGIN_URL": platform.url,
        "TEAMS_SERVICE_URL_HOSTS": "127.0.0.1",
    }


async def start_dialogs(server: ServerProcess, platform: Platform, count: int) -> tuple[list[TeamsUser], dict]:
    """Let `count` users start a dialog; return them, ready to press, and one card."""
    users = [TeamsUser(number, platform) for number in range(count)]
    connection = await Connection.open(server.port)
    for user in users:
        result = await connection.send(user.begin())
        assert result.status == 200, result
    await wait_until(lambda: len(platform.first) == count)
    await asyncio.sleep(0.5)  # the product stores where each card is after the connector's response
    connection.close()
    cards = [user.read_first_card() for user in users]
    return users, cards[0]


async def start(
    count: int, extra_settings: dict[str, str] | None = None
) -> tuple[ServerProcess, Platform, list[TeamsUser], dict]:
    """Start the product for Teams alone; return it with the platform, users who have started a dialog, and one card."""
    platform = Platform()
    await platform.open()
    server = product_server({**settings(platform), **(extra_settings or {})})
    await server.start("/readyz")
    return server, platform, *await start_dialogs(server, platform, count)
