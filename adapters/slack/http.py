"""The door: who is not Slack gets no further, and what is not shaped like Slack's gets a 400, never a 500."""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from binascii import a2b_qp
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from slack_bolt.response import BoltResponse

from adapters.ports import RetryLater
from adapters.shared.json_codec import is_storable, parse_json
from adapters.slack.request import MalformedRequest
from adapters.slack.web_api import WebApi

OLDEST = 300
"""Seconds between the signature and now."""
ANSWER_WITHIN = 2.5
"""Seconds until the answer; Slack waits for 3."""

OBJECTS = (
    *("assistant_thread", "channel", "container", "enterprise", "event", "function_data", "item", "message"),
    *("previous_message", "state", "team", "user", "view"),
)
LISTS = ("actions", "authorizations", "response_urls")
TEXTS = ("type", "subtype", "callback_id", "action_id", "block_id", "command", "id", "team_id", "user_id")

Dispatch = Callable[[dict[str, Any]], Awaitable[BoltResponse]]

log = logging.getLogger(__name__)


class HttpError(Exception):
    """An HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class RequestHandler:
    """``POST /slack/events``, and what comes by Socket Mode. `dispatch` gets what is parsed here already: bolt's own
    parser is slower, and trips over commands that contain the word "payload"."""

    def __init__(self, dispatch: Dispatch, api: WebApi, secret: str, tasks: set[asyncio.Task[Any]]) -> None:
        self._answered = dispatch
        self._api = api
        self._secret = secret.encode()
        self._tasks = tasks

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request."""
        try:
            raw = await request.read()
            verify_signature(self._secret, request.headers, raw, time.time())
            body = parse_body(raw, request.content_type)
        except HttpError as refused:
            return web.Response(status=refused.status)
        return await self.answer(body)

    async def answer(self, body: dict[str, Any]) -> web.Response:
        """Answer one delivery, by now known to be Slack's, in the time that Slack waits."""
        task = asyncio.create_task(self._dispatch(body))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        done, _ = await asyncio.wait({task}, timeout=ANSWER_WITHIN)
        if done:
            return task.result()
        if body.get("type") == "event_callback":
            return web.Response(status=503)  # Slack delivers it again; what is done by then is not done twice
        late = asyncio.create_task(self._late(task, body))
        self._tasks.add(late)
        late.add_done_callback(self._tasks.discard)
        return web.Response()

    async def _dispatch(self, body: dict[str, Any]) -> web.Response:
        try:
            answer = await self._answered(body)
        except (AttributeError, MalformedRequest, KeyError, TypeError, ValueError) as error:
            log.info("a delivery was not shaped like Slack's: %s", type(error).__name__)
            return web.Response(status=400)
        return _response(answer)

    async def _late(self, task: asyncio.Task[web.Response], body: dict[str, Any]) -> None:
        """What would have been the answer to a command goes to its response URL."""
        answer = await task
        url = body.get("response_url")
        if isinstance(url, str) and isinstance(answer.body, bytes) and answer.body.startswith(b"{"):
            try:
                await self._api.respond(url, json.loads(answer.body))
            except RetryLater:
                log.warning("an answer came too late and could not be sent")


def verify_signature(secret: bytes, headers: Any, raw: bytes, now: float) -> None:
    """Check signature and age of the very bytes. Raises `HttpError`."""
    stamp = headers.get("X-Slack-Request-Timestamp", "")
    given = headers.get("X-Slack-Signature", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12) or abs(now - int(stamp)) > OLDEST:
        raise HttpError(401)
    wanted = hmac.new(secret, b"v0:" + stamp.encode() + b":" + raw, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"v0={wanted}".encode(), given.encode("utf-8", "surrogateescape")):
        raise HttpError(401)


def parse_body(raw: bytes, content_type: str) -> dict[str, Any]:
    """Return the delivery as an object: JSON, a form, or JSON in a form. Raises `HttpError`."""
    try:
        said = raw.decode()
        if content_type == "application/json":
            body = parse_json(said)
        else:
            body = parse_json(_payload(raw) or "null") or _form(said)
    except ValueError:
        raise HttpError(400) from None
    if not isinstance(body, dict) or not body:
        raise HttpError(400)
    return body


def _payload(raw: bytes) -> str | None:
    """Return what a form's only field, ``payload``, holds. In C, as the digits of quoted-printable, ``=`` for ``%``:
    of a press that is a fifth of all the work."""
    if not raw.startswith(b"payload=") or b"=" in raw[8:] or b"&" in raw or not raw.isascii():
        return None
    return a2b_qp(raw[8:].replace(b"+", b" ").replace(b"%", b"=")).decode()


def _form(said: str) -> Any:
    form = dict(parse_qsl(said, keep_blank_values=True, strict_parsing=bool(said), max_num_fields=100))
    if "payload" in form:
        return parse_json(form["payload"])
    if not is_storable(form):
        raise ValueError("a character that is none")
    return form


def has_slack_shape(body: dict[str, Any]) -> bool:
    """Whether what bolt looks into, it can look into."""
    if not isinstance(body.get("event", {}), dict):
        return False
    for name in OBJECTS:
        if not isinstance(body.get(name), dict | str | None):
            return False
    for name in LISTS:
        found = body.get(name)
        if found is not None and not (isinstance(found, list) and all(isinstance(each, dict) for each in found)):
            return False
    inner = [body, *(each for name in OBJECTS if isinstance(each := body.get(name), dict))]
    inner += [each for name in LISTS for each in body.get(name) or ()]
    return all(isinstance(each.get(name), str | None) for each in inner for name in TEXTS) and all(
        isinstance(each.get(name), dict | str | None) for each in inner for name in OBJECTS
    )


def _response(answer: BoltResponse) -> web.Response:
    if answer.status == 404:
        return web.Response()  # nothing of ours; an error would only make Slack deliver it again
    kind = "application/json" if answer.body.startswith("{") else "text/plain"
    return web.Response(status=answer.status, text=answer.body, content_type=kind)
