"""A thousand people finish their dialogs in the same instant, and post into twenty channels that take one a second."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator

from tests.benchmarks import slack
from tests.benchmarks.measure import Aim, Figure, percentile
from tests.benchmarks.options import Options
from tests.benchmarks.raw_http import Connection, Request, answer, until
from tests.benchmarks.servers import Server, product_server

PEOPLE = 1000
CHANNELS = 20
PACE = 1.0
"""Seconds between two messages that Slack takes in one channel."""
ANSWERS = "orientation=key,brand=yes,transformation=no,presence=unknown,mode=in_house,person=lasting,routine=yes"
SLACK_WAITS = 3.0

_POST = re.compile(rb"post\|([\w-]+)\|")
_CHANNEL = re.compile(rb'"channel": ?"(C\w+)"')
_CARD = re.compile(rb"card\|([\w-]+)\|(\d+)\|")


class Strict(slack.Platform):
    """A Web API that takes one message a second in a channel, and says when to come again."""

    def __init__(self) -> None:
        super().__init__()
        self.posts: list[tuple[bytes, bytes, float]] = []
        self.refused = 0
        self.cards: dict[str, bytes] = {}
        self._last: dict[bytes, float] = {}
        self._later = answer(b'{"ok":false,"error":"ratelimited"}', 429, b"Retry-After: 1\r\n")

    def handle(self, request: Request) -> bytes:
        if request.path.startswith(b"/response/"):
            self.cards[request.path.rpartition(b"/")[2].decode()] = request.body
            return self._known
        session = _POST.search(request.body) if request.path.endswith(b"chat.postMessage") else None
        if session is None:
            return super().handle(request)
        channel, now = _CHANNEL.search(request.body), time.monotonic()
        assert channel
        if now - self._last.get(channel[1], 0.0) < PACE * 0.98:  # a clock or a network may be that far off
            self.refused += 1
            return self._later
        self._last[channel[1]] = now
        self.posts.append((channel[1], session[1], now))
        return self.sent


class Guest:
    """A person in a channel, with a card that only they see."""

    def __init__(self, number: int, platform: Strict) -> None:
        self.number, self.platform = number, platform
        self.channel = f"C{number % CHANNELS:09d}"

    def check(self) -> bytes:
        """Return the press that answers everything at once."""
        return self._press("quick", f"notice||||{ANSWERS}")

    def post(self) -> bytes:
        """Return the press that posts the recommendation."""
        found = _CARD.search(self.platform.cards[str(self.number)])
        assert found, self.platform.cards[str(self.number)][:300]
        return self._press("post", f"card|{found[1].decode()}|{found[2].decode()}||")

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
    """Yield what a crowd comes to."""
    platform = Strict()
    await platform.open()
    ours = product_server(slack.settings(platform))
    try:
        await ours.start("/readyz")
        acks, began = await _burst(ours, platform)
        name = f"{PEOPLE:,} people at once: the slowest answer"
        notes = {"p50 s": percentile(acks, 50), "not 200": float(PEOPLE - len(acks))}
        yield Figure(name, max(acks), "s", aim=Aim(SLACK_WAITS, of="value", most=True), notes=dict(notes))
        ideal = (PEOPLE / CHANNELS - 1) * PACE
        try:
            await until(lambda: len(platform.posts) >= PEOPLE, within=ideal * 3)
        except TimeoutError:
            options.say(f"a crowd: after {ideal * 3:.0f} s only {len(platform.posts)} of {PEOPLE} posts are out")
        await asyncio.sleep(3)  # for a post that would come twice
        yield _delivered(platform, began, ideal)
        times = Counter(session for _, session, _ in platform.posts)
        wrong = PEOPLE - len(times) + sum(count - 1 for count in times.values())
        yield Figure("  posts lost or posted twice", wrong, "posts", aim=Aim(0, of="value", most=True))
    finally:
        await ours.stop()
        platform.close()


def _delivered(platform: Strict, began: float, ideal: float) -> Figure:
    took = max((when for _, _, when in platform.posts), default=began) - began
    name = f"  all posted, {CHANNELS} channels, one a second each"
    notes: dict[str, float | str] = {"refused for their pace": float(platform.refused)}
    return Figure(name, took, "s", ideal, "as Slack's pace allows", aim=Aim(1.5, most=True), notes=notes)


async def _burst(ours: Server, platform: Strict) -> tuple[list[float], float]:
    """Let everybody have a recommendation, then post it at once; return seconds to each answer, and when it began."""
    guests = [Guest(number, platform) for number in range(PEOPLE)]
    connections = [await Connection.open(ours.port) for _ in guests]
    for some in range(0, PEOPLE, 50):
        these = zip(connections[some : some + 50], guests[some : some + 50], strict=True)
        await asyncio.gather(*(connection.send(guest.check()) for connection, guest in these))
    await until(lambda: len(platform.cards) == PEOPLE, within=120)
    await asyncio.sleep(2)  # each card's place is noted after Slack answered
    presses = [guest.post() for guest in guests]
    acks: list[float] = []
    began = time.monotonic()

    async def press(connection: Connection, request: bytes) -> None:
        said = await connection.send(request)
        if said.status == 200:
            acks.append(time.monotonic() - began)

    await asyncio.gather(*(press(*pair) for pair in zip(connections, presses, strict=True)))
    for connection in connections:
        connection.close()
    return acks, began
