"""A button turn over HTTP: token checked, turn saved, shared card edited, card answered; 16 people at once.

The peer is a plain aiohttp handler that checks the signature of the same token with PyJWT and answers.
"""

import asyncio
import json
import tempfile
import time
import uuid
from collections.abc import Iterator

import jwt
from aiohttp import ClientSession, TCPConnector, web
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm
from pydantic import SecretStr

from bot.config import Settings
from bot.server import build
from tests.benchmarks.measure import Figure

APP = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
TENANT = "1a1b2c3d-4e5f-6789-abcd-ef0123456789"
ISSUER = "https://api.botframework.com"
KEY = generate_private_key(public_exponent=65537, key_size=2048)
CONNECTIONS = 16
SECONDS = 4.0


def _microsoft() -> web.Application:
    """As little of Microsoft as a turn needs, so that it costs next to nothing."""
    jwk = {**json.loads(RSAAlgorithm.to_jwk(KEY.public_key())), "kid": "k", "use": "sig", "endorsements": ["msteams"]}

    async def openid(request: web.Request) -> web.Response:
        return web.json_response({"jwks_uri": str(request.url.with_path("/keys"))})

    async def keys(_request: web.Request) -> web.Response:
        return web.json_response({"keys": [jwk]})

    async def token(_request: web.Request) -> web.Response:
        return web.json_response({"access_token": "t", "expires_in": 3599})

    async def connector(_request: web.Request) -> web.Response:
        return web.json_response({"id": "1"})

    app = web.Application()
    app.add_routes([web.get("/openid", openid), web.get("/keys", keys)])
    app.add_routes([web.post(f"/{TENANT}/oauth2/v2.0/token", token)])
    app.router.add_route("*", "/amer/{path:.*}", connector)
    return app


async def _peer(request: web.Request) -> web.Response:
    token = request.headers["Authorization"].removeprefix("Bearer ")
    jwt.decode(token, KEY.public_key(), algorithms=["RS256"], audience=APP, issuer=ISSUER)
    activity = json.loads(await request.read())
    return web.json_response({"statusCode": 200, "type": "message", "value": activity["id"]})


async def _serve(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}"


class Person:
    """Presses an option, then back, over and over, in a personal chat."""

    def __init__(self, http: ClientSession, url: str, number: int, service: str) -> None:
        self.http, self.url, self.number, self.service = http, url, number, service
        self.data: dict[str, object] = {"session": "s", "revision": 0}
        self.presses = 0
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": APP, "nbf": now, "exp": now + 3600, "serviceurl": service}
        self.token = jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "k"})

    async def begin(self) -> None:
        await self.send({"type": "message", "text": "check"})
        answer = await self.send(self.invoke({"action": "my_checks"}))
        which = next(item for item in answer["value"]["body"] if item["type"] == "Input.ChoiceSet")
        self.data["session"] = which["value"]

    async def press(self) -> None:
        option = {"action": "answer", "question": "orientation", "option": "key"}
        await self.send(self.invoke({**self.data, **(option if self.presses % 2 == 0 else {"action": "back"})}))
        self.presses += 1
        self.data["revision"] = self.presses

    def invoke(self, data: dict[str, object]) -> dict[str, object]:
        value = {"action": {"type": "Action.Execute", "verb": "x", "data": data}, "trigger": "manual"}
        return {"type": "invoke", "name": "adaptiveCard/action", "value": value, "replyToId": "1"}

    async def send(self, what: dict[str, object]) -> dict:
        activity = {
            "id": str(uuid.uuid4()),
            "channelId": "msteams",
            "serviceUrl": self.service,
            "from": {"id": f"29:{self.number}", "name": "Anna", "aadObjectId": str(self.number)},
            "recipient": {"id": f"28:{APP}", "name": "Advisor"},
            "conversation": {"id": f"a:{self.number}", "conversationType": "personal", "tenantId": TENANT},
            "channelData": {"tenant": {"id": TENANT}},
            "locale": "fr-FR",
            **what,
        }
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.http.post(f"{self.url}/api/messages", json=activity, headers=headers) as answer:
            assert answer.status == 200
            return await answer.json(content_type=None) if what["type"] == "invoke" else {}


async def _measure(url: str, service: str, *, ours: bool) -> float:
    async with ClientSession(connector=TCPConnector(limit=CONNECTIONS)) as http:
        people = [Person(http, url, number, service) for number in range(CONNECTIONS)]
        if ours:
            await asyncio.gather(*(person.begin() for person in people))
        ends = time.monotonic() + SECONDS

        async def work(person: Person) -> None:
            while time.monotonic() < ends:
                await person.press()

        started = time.monotonic()
        await asyncio.gather(*(work(person) for person in people))
        return sum(person.presses for person in people) / (time.monotonic() - started)


async def _run() -> tuple[float, float]:
    """Return requests a second: of a turn, and of the peer."""
    fake, fake_url = await _serve(_microsoft())
    peer = web.Application()
    peer.router.add_post("/api/messages", _peer)
    plain, plain_url = await _serve(peer)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            _env_file=None,
            microsoft_app_id=APP,
            microsoft_app_password=SecretStr("secret"),
            microsoft_app_type="SingleTenant",
            microsoft_app_tenant_id=TENANT,
            teams_openid_metadata_url=f"{fake_url}/openid",
            teams_login_url=fake_url,
            teams_service_url_hosts=("127.0.0.1",),
            database_url=SecretStr(f"sqlite:///{folder}/bench.db"),
        )
        ours, url = await _serve(await build(settings))
        turn = await _measure(url, f"{fake_url}/amer/", ours=True)
        least = await _measure(plain_url, f"{fake_url}/amer/", ours=False)
        await ours.cleanup()
    await plain.cleanup()
    await fake.cleanup()
    return turn, least


def figures() -> Iterator[Figure]:
    """Yield the figures of Teams. The presses, Microsoft's answers and the server share one process."""
    turn, least = asyncio.run(_run())
    yield Figure("teams: a button turn over HTTP", turn, "turns/s", least, "plain aiohttp, PyJWT check")
