"""Slack as a benchmark sees it: a workspace whose people press, and a Web API that answers at once."""

import asyncio
import json
import re
import time
from urllib.parse import quote_plus, urlencode

from adapters.playground.slack.payloads import signature
from tests.benchmarks.raw_http import Answer, Connection, Request, answer, listen, post, until, whole
from tests.benchmarks.servers import Server, product_server

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TOKEN = "xoxb-benchmark"
TEAM = "T0BENCH01"
BOT = "U0BENCHBOT"
PATH = "/slack/events"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Slackbot 1.0"}

_CHANNEL = re.compile(rb'"channel": ?"(D\w+)"|\bchannel=(D\w+)')
_CARD = re.compile(rb"card(?:\||%7C)([\w-]+)(?:\||%7C)(\d+)(?:\||%7C)")
ANSWER, BACK = "answer:orientation:key", "back"
MARKS = {name: f"XX{name}XX" for name in ("person", "channel", "trigger", "action", "value", "session", "revision")}


class Platform:
    """The Web API. It remembers what was sent where, and answers as Slack does, without looking."""

    def __init__(self) -> None:
        self.waiting: dict[str, asyncio.Future[bytes]] = {}
        self.first: dict[str, bytes] = {}
        self.calls: dict[str, int] = {}
        self.port = 0
        self._known = answer(b'{"ok":true}')
        self._answers = {
            "auth.test": answer(json.dumps({"ok": True, "team_id": TEAM, "user_id": BOT, "bot_id": "B1"}).encode()),
            "users.info": answer(b'{"ok":true,"user":{"id":"U1","locale":"fr-FR"}}'),
        }

    async def open(self) -> None:
        self._server, self.port = await listen(self.handle)

    def close(self) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/"

    def drawn(self, channel: str) -> "asyncio.Future[bytes]":
        """Return what is done once a message in `channel` is changed, with the body of that call."""
        future = self.waiting[channel] = asyncio.get_running_loop().create_future()
        return future

    def handle(self, request: Request) -> bytes:
        method = request.path.rpartition(b"/")[2].partition(b"?")[0].decode()
        self.calls[method] = self.calls.get(method, 0) + 1
        if method == "chat.update":
            future = self.waiting.pop(_channel(request.body), None)
            if future and not future.done():
                future.set_result(request.body)
            return self.sent
        if method == "chat.postMessage":
            self.first.setdefault(_channel(request.body), request.body)
            return self.sent
        return self._answers.get(method, self._known)

    sent = answer(b'{"ok":true,"channel":"D1","ts":"1790000000.000100","text":"x"}')

    def settle(self, message: dict) -> None:
        """From now on answer with the message, as Slack does."""
        whole_message = {"ok": True, "channel": "D1", "ts": message["ts"], "text": message["text"], "message": message}
        self.sent = answer(json.dumps(whole_message).encode())


def _channel(body: bytes) -> str:
    found = _CHANNEL.search(body)
    return (found[1] or found[2]).decode() if found else ""


class Presser:
    """A person in a direct conversation, who answers a question, goes back, answers it, and so on."""

    def __init__(self, number: int, platform: Platform) -> None:
        self.channel = f"D{number:09d}"
        self.person = f"U{number:09d}"
        self.session, self.revision, self._presses = b"", -1, 0
        self._platform = platform

    def begin(self) -> bytes:
        """Return the press on the button that begins a dialog."""
        return self._signed(form(payload(MARKS["action"], "notice||||", ["Bonjour"])), "start")

    def began(self) -> dict:
        """Take in the first card; return it as the message Slack shows."""
        body = json.loads(self._platform.first[self.channel])
        self._noticed(self._platform.first[self.channel])
        return {"ts": "1790000000.000100", "text": body["text"], "blocks": body["blocks"]}

    def shows(self, template: bytes) -> None:
        """Press on a card like this from now on."""
        self._template = template

    def press(self) -> bytes:
        even = self._presses % 2 == 0
        self._presses += 1
        return self._signed(self._template, ANSWER if even else BACK, b"orientation%7Ckey" if even else b"%7C")

    def drawn(self) -> "asyncio.Future[bytes]":
        return self._platform.drawn(self.channel)

    def seen(self, said: Answer, card: bytes | None) -> None:
        assert said.status == 200, said
        if card is not None:
            self._noticed(card)

    def _noticed(self, card: bytes) -> None:
        found = _CARD.search(card)
        assert found, card[:300]
        self.session, self.revision = found[1], int(found[2])

    def _signed(self, template: bytes, action: str, said: bytes = b"") -> bytes:
        body = (
            template.replace(b"XXpersonXX", self.person.encode())
            .replace(b"XXchannelXX", self.channel.encode())
            .replace(b"XXtriggerXX", b"%d.%s" % (time.time_ns(), self.person.encode()))
            .replace(b"XXactionXX", quote_plus(action).encode())
            .replace(b"XXvalueXX", b"card%%7C%s%%7C%d%%7C%s" % (self.session, self.revision, said))
            .replace(b"XXsessionXX", self.session)
            .replace(b"XXrevisionXX", b"%d" % self.revision)
        )
        return signed(body)


_HEAD = post(PATH, FORM)


def signed(body: bytes) -> bytes:
    """Return the request of a body, signed now."""
    stamp = str(int(time.time()))
    said = f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: {signature(SECRET, stamp, body)}\r\n"
    return whole(_HEAD + said.encode(), body)


def payload(action: str, value: str, message: dict | list) -> dict:
    """Return a press as Slack sends it: with the message it stands on, and all of its blocks."""
    shown = message if isinstance(message, dict) else {"ts": "1790000000.000001", "text": message[0], "blocks": []}
    app = {"app_id": "A0BENCH01", "bot_id": "B0BENCH01"}
    return {
        "type": "block_actions",
        "user": {"id": MARKS["person"], "username": "anna", "name": "anna", "team_id": TEAM},
        "api_app_id": app["app_id"],
        "token": "verification-token",
        "container": {
            "type": "message",
            "message_ts": shown["ts"],
            "channel_id": MARKS["channel"],
            "is_ephemeral": False,
        },
        "trigger_id": MARKS["trigger"],
        "team": {"id": TEAM, "domain": "bench"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": MARKS["channel"], "name": "directmessage"},
        "message": {"user": BOT, "type": "message", "team": TEAM, **app, **shown},
        "state": {"values": {}},
        "response_url": f"https://hooks.slack.com/actions/{TEAM}/1/abcdefghijklmnop",
        "actions": [
            {
                "action_id": action,
                "block_id": "actions",
                "text": {"type": "plain_text", "text": "Oui", "emoji": True},
                "value": value,
                "type": "button",
                "action_ts": "1790000000.123456",
            }
        ],
    }


def form(body: dict) -> bytes:
    """Return a payload as the form it comes in."""
    return urlencode({"payload": json.dumps(body, ensure_ascii=True, separators=(",", ":"))}).encode()


def templated(message: dict, session: str) -> bytes:
    """Return the form of a press on `message`, which shows the card of `session`, with marks for what changes."""
    text = json.dumps(payload(MARKS["action"], MARKS["value"], message))
    return form(json.loads(text.replace(session, MARKS["session"])))


def settings(platform: Platform) -> dict[str, str]:
    """Return what the product is told of Slack."""
    return {"SLACK_SIGNING_SECRET": SECRET, "SLACK_BOT_TOKEN": TOKEN, "SLACK_API_URL": platform.url}


async def begun(server: Server, platform: Platform, count: int) -> list[Presser]:
    """Let `count` people begin a dialog with the product; return them, ready to press."""
    people = [Presser(number, platform) for number in range(count)]
    connection = await Connection.open(server.port)
    for person in people:
        said = await connection.send(person.begin())
        assert said.status == 200, said
    await until(lambda: len(platform.first) == count)
    await asyncio.sleep(0.5)  # each card's place is noted after Slack answered
    connection.close()
    message = people[0].began()
    platform.settle(message)
    template = templated(message, people[0].session.decode())
    for person in people:
        person.began()
        person.shows(template)
    return people


async def opened(count: int, more: dict[str, str] | None = None) -> tuple[Server, Platform, list[Presser]]:
    """Start the product for Slack alone; return it with its platform and people who have begun."""
    platform = Platform()
    await platform.open()
    server = product_server({**settings(platform), **(more or {})})
    await server.start("/readyz")
    return server, platform, await begun(server, platform, count)
