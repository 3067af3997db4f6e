"""A button turn over HTTP: signed press, turn saved, ack, card drawn; 32 people at once.

The peer is a plain aiohttp handler that checks the same signature and acknowledges.
"""

import asyncio
import hashlib
import hmac
import json
import tempfile
import time
from collections.abc import Iterator
from urllib.parse import urlencode

from aiohttp import ClientSession, TCPConnector, web
from pydantic import SecretStr

from adapters.playground.standins.slack_payloads import signature
from bot.config import Settings
from bot.server import build
from tests.benchmarks.measure import Figure

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
CONNECTIONS = 32
SECONDS = 4.0


async def _slack(request: web.Request) -> web.Response:
    """As little of Slack as a turn needs, so that it costs next to nothing."""
    method = request.match_info.get("method", "")
    known: dict[str, object] = {"ok": True, "team_id": "T1", "user_id": "UBOT", "ts": "1.0", "channel": "C1"}
    if method == "users.info":
        known["user"] = {"locale": "fr-FR"}
    return web.json_response(known)


async def _peer(request: web.Request) -> web.Response:
    raw = await request.read()
    stamp = request.headers["X-Slack-Request-Timestamp"]
    wanted = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + raw, hashlib.sha256).hexdigest()
    good = hmac.compare_digest(f"v0={wanted}", request.headers["X-Slack-Signature"])
    return web.Response(status=200 if good else 401)


async def _serve(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}"


class Person:
    """Presses an option, then back, over and over."""

    def __init__(self, http: ClientSession, url: str, number: int, slack: str) -> None:
        self.http, self.url, self.number, self.slack = http, url, number, slack
        self.session, self.revision, self.presses = "s", 0, 0

    async def begin(self) -> None:
        form = {"team_id": "T1", "user_id": f"U{self.number}", "channel_id": "C1", "command": "/cm", "text": ""}
        form |= {"trigger_id": f"t{self.number}.{time.time()}", "response_url": f"{self.slack}/response"}
        answer = json.loads(await self.send(urlencode(form).encode()))
        self.session = answer["blocks"][-1]["elements"][0]["value"].split("|")[1]

    async def press(self) -> None:
        even = self.presses % 2 == 0
        action, said = ("answer:orientation:key", "orientation|key") if even else ("back", "|")
        payload = {
            "type": "block_actions",
            "team": {"id": "T1"},
            "user": {"id": f"U{self.number}", "team_id": "T1"},
            "trigger_id": f"{self.number}.{self.presses}.{time.time_ns()}",
            "container": {"type": "message", "message_ts": "1.0", "channel_id": "C1", "is_ephemeral": True},
            "channel": {"id": "C1", "name": "marketing"},
            "response_url": f"{self.slack}/response",
            "actions": [
                {
                    "type": "button",
                    "action_id": action,
                    "block_id": "b",
                    "value": f"card|{self.session}|{self.revision}|{said}",
                }
            ],
        }
        await self.send(urlencode({"payload": json.dumps(payload)}).encode())
        self.presses += 1
        self.revision += 1

    async def send(self, body: bytes) -> str:
        stamp = str(int(time.time()))
        headers = {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(SECRET, stamp, body),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        async with self.http.post(f"{self.url}/slack/events", data=body, headers=headers) as answer:
            assert answer.status == 200
            return await answer.text()


async def _measure(url: str, slack: str, *, ours: bool) -> float:
    async with ClientSession(connector=TCPConnector(limit=CONNECTIONS)) as http:
        people = [Person(http, url, number, slack) for number in range(CONNECTIONS)]
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
    slack = web.Application()
    slack.router.add_route("*", "/api/{method}", _slack)
    slack.router.add_post("/response", _slack)
    fake, fake_url = await _serve(slack)
    peer = web.Application()
    peer.router.add_post("/slack/events", _peer)
    plain, plain_url = await _serve(peer)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            _env_file=None,
            slack_signing_secret=SecretStr(SECRET),
            slack_bot_token=SecretStr("xoxb-benchmark"),
            slack_api_url=f"{fake_url}/api/",
            database_url=SecretStr(f"sqlite:///{folder}/bench.db"),
        )
        ours, url = await _serve(await build(settings))
        turn = await _measure(url, fake_url, ours=True)
        least = await _measure(plain_url, fake_url, ours=False)
        await ours.cleanup()
    await plain.cleanup()
    await fake.cleanup()
    return turn, least


def figures() -> Iterator[Figure]:
    """Yield the figures of Slack. The presses, Slack's answers and the server share one process."""
    turn, least = asyncio.run(_run())
    yield Figure("slack: a button turn over HTTP", turn, "turns/s", least, "plain aiohttp, signed ack")
