"""A thousand users post at the same moment into twenty channels, each limited to one message a second."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator

from tests.benchmarks import slack
from tests.benchmarks.measure import Aim, Figure, percentile
from tests.benchmarks.options import Options
from tests.benchmarks.raw_http import Connection, Request, response, wait_until
from tests.benchmarks.servers import ServerProcess, product_server

USERS = 1000
CHANNELS = 20
CHANNEL_INTERVAL = 1.0
"""Seconds between two messages in one channel that Slack accepts."""
ANSWERS = "orientation=key,brand=yes,transformation=no,presence=unknown,mode=in_house,person=lasting,routine=yes"
SLACK_TIMEOUT = 3.0

_POST = re.compile(rb"post\|([\w-]+)\|")
_CHANNEL = re.compile(rb'"channel": ?"(C\w+)"')
_CARD = re.compile(rb"card\|([\w-]+)\|(\d+)\|")


class RateLimitedPlatform(slack.Platform):
    """A Web API that accepts one message a second in each channel, and answers others 429."""

    def __init__(self) -> None:
        super().__init__()
        self.posts: list[tuple[bytes, bytes, float]] = []
        self.rejected = 0
        self.cards: dict[str, bytes] = {}
        self._last: dict[bytes, float] = {}
        self._rate_limited = response(b'{"ok":false,"error":"ratelimited"}', 429, b"Retry-After: 1\r\n")

    def handle(self, request: Request) -> bytes:
        if request.path.startswith(b"/response/"):
            self.cards[request.path.rpartition(b"/")[2].decode()] = request.body
            return self._known
        session = _POST.search(request.body) if request.path.endswith(b"chat.postMessage") else None
        if session is None:
            return super().handle(request)
        channel, now = _CHANNEL.search(request.body), time.monotonic()
        assert channel
        if now - self._last.get(channel[1], 0.0) < CHANNEL_INTERVAL * 0.98:  # tolerance for clock and network
            self.rejected += 1
            return self._rate_limited
        self._last[channel[1]] = now
        self.posts.append((channel[1], session[1], now))
        return self.sent


class User:
    """A user with an ephemeral card in a channel."""

    def __init__(self, number: int, platform: RateLimitedPlatform) -> None:
        self.number, self.platform = number, platform
        self.channel = f"C{number % CHANNELS:09d}"

    def check(self) -> bytes:
        """Return the press of a quick check, which answers all questions."""
        return self._press("quick", f"notice||||{ANSWERS}")

    def post(self) -> bytes:
        """Return the press that posts the recommendation."""
        match = _CARD.search(self.platform.cards[str(self.number)])
        assert match, self.platform.cards[str(self.number)][:300]
        return self._press("post", f"card|{match[1].decode()}|{match[2].decode()}||")

    def _press(self, action: str, value: str) -> bytes:
        body = slack.payload(action, value, [""])
        del body["message"]
        body["container"] |= {"is_ephemeral": True, "channel_id": self.channel}
        body["channel"] = {"id": self.channel, "name": f"marketing-{self.channel}"}
        body["user"] |= {"id": f"U{self.number:09d}"}
        body["trigger_id"] = f"{time.time_ns()}.{self.number}"
        body["response_url"] = self.platform.url.replace("/api/", f"/response/{self.number}")
        return slack.signed(slack.form(body))


async def figures(options: Options) -> AsyncIterator[Figure]:
    """Yield the figures of all users posting at once."""
    platform = RateLimitedPlatform()
    await platform.open()
    server = product_server(slack.settings(platform))
    try:
        await server.start("/readyz")
        latencies, started = await _burst(server, platform)
        name = f"{USERS:,} users at once: the slowest response"
        notes = {"p50 s": percentile(latencies, 50), "not 200": float(USERS - len(latencies))}
        yield Figure(name, max(latencies), "s", aim=Aim(SLACK_TIMEOUT, of="value", maximum=True), notes=dict(notes))
        ideal = (USERS / CHANNELS - 1) * CHANNEL_INTERVAL
        try:
            await wait_until(lambda: len(platform.posts) >= USERS, within=ideal * 3)
        except TimeoutError:
            options.warn(f"many users: after {ideal * 3:.0f} s only {len(platform.posts)} of {USERS} posts were made")
        await asyncio.sleep(3)  # for duplicate posts
        yield _duration(platform, started, ideal)
        times = Counter(session for _, session, _ in platform.posts)
        wrong = USERS - len(times) + sum(count - 1 for count in times.values())
        yield Figure("  posts lost or posted twice", wrong, "posts", aim=Aim(0, of="value", maximum=True))
    finally:
        await server.stop()
        platform.close()


def _duration(platform: RateLimitedPlatform, started: float, ideal: float) -> Figure:
    took = max((when for _, _, when in platform.posts), default=started) - started
    name = f"  all posted, {CHANNELS} channels, one a second each"
    notes: dict[str, float | str] = {"rejected by rate limit": float(platform.rejected)}
    return Figure(name, took, "s", ideal, "the minimum by Slack's limit", aim=Aim(1.5, maximum=True), notes=notes)


async def _burst(server: ServerProcess, platform: RateLimitedPlatform) -> tuple[list[float], float]:
    """Let all users reach a recommendation, then post at once; return the latencies, and when the posts started."""
    users = [User(number, platform) for number in range(USERS)]
    connections = [await Connection.open(server.port) for _ in users]
    for first in range(0, USERS, 50):
        batch = zip(connections[first : first + 50], users[first : first + 50], strict=True)
        await asyncio.gather(*(connection.send(user.check()) for connection, user in batch))
    await wait_until(lambda: len(platform.cards) == USERS, within=120)
    await asyncio.sleep(2)  # the product stores where each card is after Slack's response
    presses = [user.post() for user in users]
    latencies: list[float] = []
    started = time.monotonic()

    async def press(connection: Connection, request: bytes) -> None:
        result = await connection.send(request)
        if result.status == 200:
            latencies.append(time.monotonic() - started)

    await asyncio.gather(*(press(*pair) for pair in zip(connections, presses, strict=True)))
    for connection in connections:
        connection.close()
    return latencies, started
