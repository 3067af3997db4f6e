"""Slack for benchmarks: users who press, and a Web API that responds at once."""

import asyncio
import json
import re
import time
from urllib.parse import quote_plus, urlencode

from adapters.playground.slack.payloads import signature
from tests.benchmarks.raw_http import Connection, Request, Response, listen, post_head, response, wait_until, with_body
from tests.benchmarks.servers import ServerProcess, product_server

SECRET = "8f742231b10e8888abcd99eeefff85a5"
TOKEN = "xoxb-benchmark"
TEAM = "T0BENCH01"
BOT = "U0BENCHBOT"
PATH = "/slack/events"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Slackbot 1.0"}

_CHANNEL = re.compile(rb'"channel": ?"(D\w+)"|\bchannel=(D\w+)')
_CARD = re.compile(rb"card(?:\||%7C)([\w-]+)(?:\||%7C)(\d+)(?:\||%7C)")
ANSWER, BACK = "answer:orientation:key", "back"
PLACEHOLDERS = {
    name: f"XX{name}XX" for name in ("user", "channel", "trigger", "action", "value", "session", "revision")
}


class Platform:
    """The Web API. It records calls and gives fixed responses, without validation."""

    def __init__(self) -> None:
        self.waiting: dict[str, asyncio.Future[bytes]] = {}
        self.first: dict[str, bytes] = {}
        self.calls: dict[str, int] = {}
        self.port = 0
        self._known = response(b'{"ok":true}')
        self._answers = {
            "auth.test": response(json.dumps({"ok": True, "team_id": TEAM, "user_id": BOT, "bot_id": "B1"}).encode()),
            "users.info": response(b'{"ok":true,"user":{"id":"U1","locale":"fr-FR"}}'),
        }

    async def open(self) -> None:
        self._server, self.port = await listen(self.handle)

    def close(self) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/"

    def next_update(self, channel: str) -> "asyncio.Future[bytes]":
        """Return a future with the body of the next update of a message in `channel`."""
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

    sent = response(b'{"ok":true,"channel":"D1","ts":"1790000000.000100","text":"x"}')

    def echo_message(self, message: dict) -> None:
        """Include the message in responses from now on, as Slack does."""
        body = {"ok": True, "channel": "D1", "ts": message["ts"], "text": message["text"], "message": message}
        self.sent = response(json.dumps(body).encode())


def _channel(body: bytes) -> str:
    match = _CHANNEL.search(body)
    return (match[1] or match[2]).decode() if match else ""


class SlackUser:
    """A user in a direct message who answers a question, goes back, answers it again, and so on."""

    def __init__(self, number: int, platform: Platform) -> None:
        self.channel = f"D{number:09d}"
        self.user = f"U{number:09d}"
        self.session, self.revision, self._presses = b"", -1, 0
        self._platform = platform

    def begin(self) -> bytes:
        """Return the press of the start button."""
        return self._signed(form(payload(PLACEHOLDERS["action"], "notice||||", ["Bonjour"])), "start")

    def read_first_card(self) -> dict:
        """Read the first card; return it as a message."""
        body = json.loads(self._platform.first[self.channel])
        self._read_card(self._platform.first[self.channel])
        return {"ts": "1790000000.000100", "text": body["text"], "blocks": body["blocks"]}

    def use_template(self, template: bytes) -> None:
        """Use this template for all presses."""
        self._template = template

    def press(self) -> bytes:
        even = self._presses % 2 == 0
        self._presses += 1
        return self._signed(self._template, ANSWER if even else BACK, b"orientation%7Ckey" if even else b"%7C")

    def next_card(self) -> "asyncio.Future[bytes]":
        return self._platform.next_update(self.channel)

    def check(self, response: Response, card: bytes | None) -> None:
        assert response.status == 200, response
        if card is not None:
            self._read_card(card)

    def _read_card(self, card: bytes) -> None:
        match = _CARD.search(card)
        assert match, card[:300]
        self.session, self.revision = match[1], int(match[2])

    def _signed(self, template: bytes, action: str, answer: bytes = b"") -> bytes:
        body = (
            template.replace(b"XXpersonXX", self.user.encode())
            .replace(b"XXchannelXX", self.channel.encode())
            .replace(b"XXtriggerXX", b"%d.%s" % (time.time_ns(), self.user.encode()))
            .replace(b"XXactionXX", quote_plus(action).encode())
            .replace(b"XXvalueXX", b"card%%7C%s%%7C%d%%7C%s" % (self.session, self.revision, answer))
            .replace(b"XXsessionXX", self.session)
            .replace(b"XXrevisionXX", b"%d" % self.revision)
        )
        return signed(body)


_HEAD = post_head(PATH, FORM)


def signed(body: bytes) -> bytes:
    """Return the signed request of a body."""
    stamp = str(int(time.time()))
    headers = f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: {signature(SECRET, stamp, body)}\r\n"
    return with_body(_HEAD + headers.encode(), body)


def payload(action: str, value: str, message: dict | list) -> dict:
    """Return the payload of a press: with its message and all blocks."""
    fields = message if isinstance(message, dict) else {"ts": "1790000000.000001", "text": message[0], "blocks": []}
    app = {"app_id": "A0BENCH01", "bot_id": "B0BENCH01"}
    return {
        "type": "block_actions",
        "user": {"id": PLACEHOLDERS["user"], "username": "anna", "name": "anna", "team_id": TEAM},
        "api_app_id": app["app_id"],
        "token": "verification-token",
        "container": {
            "type": "message",
            "message_ts": fields["ts"],
            "channel_id": PLACEHOLDERS["channel"],
            "is_ephemeral": False,
        },
        "trigger_id": PLACEHOLDERS["trigger"],
        "team": {"id": TEAM, "domain": "bench"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": PLACEHOLDERS["channel"], "name": "directmessage"},
        "message": {"user": BOT, "type": "message", "team": TEAM, **app, **fields},
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
    """Return a payload as form data."""
    return urlencode({"payload": json.dumps(body, ensure_ascii=True, separators=(",", ":"))}).encode()


def press_template(message: dict, session: str) -> bytes:
    """Return the form data of a press on `message`, with placeholders for what changes."""
    text = json.dumps(payload(PLACEHOLDERS["action"], PLACEHOLDERS["value"], message))
    return form(json.loads(text.replace(session, PLACEHOLDERS["session"])))


def settings(platform: Platform) -> dict[str, str]:
    """Return the settings of the product for Slack."""
    return {"SLACK_SIGNING_SECRET": SECRET, "SLACK_BOT_TOKEN": TOKEN, "SLACK_API_URL": platform.url}


async def start_dialogs(server: ServerProcess, platform: Platform, count: int) -> list[SlackUser]:
    """Let `count` users start a dialog; return them, ready to press."""
    users = [SlackUser(number, platform) for number in range(count)]
    connection = await Connection.open(server.port)
    for user in users:
        result = await connection.send(user.begin())
        assert result.status == 200, result
    await wait_until(lambda: len(platform.first) == count)
    await asyncio.sleep(0.5)  # the product stores where each card is after Slack's response
    connection.close()
    message = users[0].read_first_card()
    platform.echo_message(message)
    template = press_template(message, users[0].session.decode())
    for user in users:
        user.read_first_card()
        user.use_template(template)
    return users


async def start(
    count: int, extra_settings: dict[str, str] | None = None
) -> tuple[ServerProcess, Platform, list[SlackUser]]:
    """Start the product for Slack alone; return it with the platform and users who have started a dialog."""
    platform = Platform()
    await platform.open()
    server = product_server({**settings(platform), **(extra_settings or {})})
    await server.start("/readyz")
    return server, platform, await start_dialogs(server, platform, count)
