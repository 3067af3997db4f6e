"""``POST /slack/events``: verify, parse, find the installation, limit the rate, and answer in time.

What is not signed by Slack gets a 401, what does not have Slack's shape a 400.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import time
import traceback
from binascii import a2b_qp
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from adapters.ports import Decision, Json, OutcomeUnknown, RetryLater, ServiceUnavailable
from adapters.shared.json_codec import is_storable, parse_json
from adapters.slack import buttons, cards
from adapters.slack.block_kit import escape
from adapters.slack.context import Context
from adapters.slack.installations import Installation
from adapters.slack.listeners import EVENTS
from adapters.slack.request import (
    IncomingRequest,
    MalformedRequest,
    candidate_tenants,
    get_text,
    read_request,
)
from adapters.slack.web_api import SlackError
from dialogs.translations import default_language, languages, translations
from dialogs.views import Notice

MAX_SIGNATURE_AGE_SECONDS = 300
RESPONSE_SECONDS = 2.5
"""Time to respond. Slack waits 3 seconds."""

OBJECTS = (
    *("assistant_thread", "channel", "container", "enterprise", "event", "function_data", "item", "message"),
    *("previous_message", "state", "team", "user", "view"),
)
LISTS = ("actions", "authorizations", "response_urls")
TEXTS = ("type", "subtype", "callback_id", "action_id", "block_id", "command", "id", "team_id", "user_id")

log = logging.getLogger(__name__)


class HttpError(Exception):
    """The request is refused with an HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class RequestHandler:
    """Handles requests over HTTP, and from Socket Mode.

    Requests are verified and parsed here, not by bolt, whose parser is slower and fails on commands that contain the
    word "payload".
    """

    def __init__(self, app: AsyncApp, context: Context, signing_secret: str) -> None:
        self._app = app
        self._context = context
        self._secret = signing_secret.encode()

    async def handle(self, request: web.Request) -> web.Response:
        """Respond to an HTTP request."""
        try:
            raw = await request.read()
            verify_signature(self._secret, request.headers, raw, time.time())
            body = parse_body(raw, request.content_type)
        except HttpError as error:
            return web.Response(status=error.status)
        return await self.respond_in_time(body)

    async def respond_in_time(self, body: dict[str, Any]) -> web.Response:
        """Respond to a verified request within `RESPONSE_SECONDS`. The work goes on if it takes longer."""
        task = self._context.tasks.start(self._build_response(body))
        done, _ = await asyncio.wait({task}, timeout=RESPONSE_SECONDS)
        if done:
            return task.result()
        if body.get("type") == "event_callback":
            return web.Response(status=503)  # Slack delivers it again, and it is not processed twice
        self._context.tasks.start(self._send_late(task, body))
        return web.Response()

    async def _build_response(self, body: dict[str, Any]) -> web.Response:
        try:
            response = await self._dispatch(body)
        except Exception as error:
            response = error_response(self._context, error, body)
        if response.status == 404:  # bolt found no listener; after an error status Slack would deliver it again
            return web.Response()
        content_type = "application/json" if response.body.startswith("{") else "text/plain"
        return web.Response(status=response.status, text=response.body, content_type=content_type)

    async def _dispatch(self, body: dict[str, Any]) -> BoltResponse:
        """Handle a button press here; everything else through bolt.

        Bolt polls for the acknowledgement every 10 ms and handles 1,776 presses a second, plain aiohttp 11,090.
        """
        if _is_foreign_event(body):
            return BoltResponse(status=200)
        tenants = candidate_tenants(body)
        installation = await self._context.installations.find(tenants)
        if installation is None and "response_url" in body:
            log.info("app not installed in the workspace of a request")
            return _notice_response(self._context, body, "slack.not_installed")
        request = read_request(body, installation or Installation(next(iter(tenants), ""), ""))
        if installation:
            if refusal := self._check_rate_limit(request):
                return refusal
            if body.get("type") == "block_actions":
                await buttons.press(self._context, request)
                return BoltResponse(status=200)
        if not has_slack_shape(body):
            raise MalformedRequest
        try:
            # bolt reads only bytes in its mode "http"
            bolt_request = AsyncBoltRequest(mode="socket_mode", body=body, context={"incoming_request": request})
            return await self._app.async_dispatch(bolt_request)
        except (AttributeError, LookupError, TypeError, ValueError) as error:  # in bolt; it catches those of listeners
            raise MalformedRequest from error

    def _check_rate_limit(self, request: IncomingRequest) -> BoltResponse | None:
        """Count the request. Return the response if there were too many, without any query; else None.

        Events without a person are not counted, nor our own messages, which Slack sends back.
        """
        if not request.person or request.event.get("bot_id"):
            return None
        decision = self._context.application.check_rate_limit(request.tenant, request.person)
        if decision is Decision.ALLOW:
            return None
        language = self._context.known_language(request)
        text = _in_languages("notice.too_fast", [language] if language else languages())
        if request.body.get("type") == "view_submission":  # any other response closes the form and loses its answers
            errors = {_first_input(request.view): text}
            return BoltResponse(status=200, body=json.dumps({"response_action": "errors", "errors": errors}))
        if decision is Decision.REJECT and "command" in request.body:
            message = {"text": escape(text), "response_type": "ephemeral"}
            return BoltResponse(status=200, body=json.dumps(message))
        if decision is Decision.REJECT and not request.view:  # the home tab and forms cannot show a message
            notice = cards.notice(Notice("too_fast", text), None, language or default_language())
            self._context.tasks.start(self._context.say(request, notice, language or default_language()))
        return BoltResponse(status=200)

    async def _send_late(self, task: asyncio.Task[web.Response], body: Json) -> None:
        """Send the response to a slash command to its response URL."""
        response = await task
        url = body.get("response_url")
        if isinstance(url, str) and isinstance(response.body, bytes) and response.body.startswith(b"{"):
            try:
                await self._context.api.respond(url, json.loads(response.body))
            except RetryLater:
                log.warning("late response not sent")


# --- Reading ------------------------------------------------------------------------------------------------------


def verify_signature(secret: bytes, headers: Any, raw: bytes, now: float) -> None:
    """Check the signature of the raw body and its age. `now`: seconds since 1970. Raises `HttpError`."""
    timestamp = headers.get("X-Slack-Request-Timestamp", "")
    signature = headers.get("X-Slack-Signature", "")
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12
    if not is_number or abs(now - int(timestamp)) > MAX_SIGNATURE_AGE_SECONDS:
        raise HttpError(401)
    expected = hmac.new(secret, b"v0:" + timestamp.encode() + b":" + raw, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"v0={expected}".encode(), signature.encode("utf-8", "surrogateescape")):
        raise HttpError(401)


def parse_body(raw: bytes, content_type: str) -> dict[str, Any]:
    """Return the object in a body: JSON, a form, or JSON in the form field ``payload``. Raises `HttpError`."""
    try:
        text = raw.decode()
        if content_type == "application/json":
            body = parse_json(text)
        else:
            body = parse_json(_payload(raw) or "null") or _parse_form(text)
    except ValueError:
        raise HttpError(400) from None
    if not isinstance(body, dict) or not body:
        raise HttpError(400)
    return body


def _payload(raw: bytes) -> str | None:
    """Return the value of ``payload`` if it is the only field of a form.

    Decoded in C as quoted-printable, with ``=`` for ``%``: `parse_qsl` takes a fifth of the time of a press.
    """
    if not raw.startswith(b"payload=") or b"=" in raw[8:] or b"&" in raw or not raw.isascii():
        return None
    return a2b_qp(raw[8:].replace(b"+", b" ").replace(b"%", b"=")).decode()


def _parse_form(text: str) -> Any:
    form = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=100))
    if "payload" in form:
        return parse_json(form["payload"])
    if not is_storable(form):
        raise ValueError("character that cannot be stored")
    return form


def _is_foreign_event(body: Json) -> bool:
    """Return whether the body is of an event without a listener. An error would make Slack deliver it again."""
    event = body.get("event")
    kind = event.get("type") if isinstance(event, dict) and body.get("type") == "event_callback" else None
    return isinstance(kind, str) and kind not in EVENTS


def has_slack_shape(body: dict[str, Any]) -> bool:
    """Return whether the fields that bolt reads have the types that it expects."""
    if not isinstance(body.get("event", {}), dict):
        return False
    for name in OBJECTS:
        if not isinstance(body.get(name), dict | str | None):
            return False
    for name in LISTS:
        items = body.get(name)
        if items is not None and not (isinstance(items, list) and all(isinstance(item, dict) for item in items)):
            return False
    objects = [body, *(value for name in OBJECTS if isinstance(value := body.get(name), dict))]
    objects += [item for name in LISTS for item in body.get(name) or ()]
    return all(isinstance(value.get(name), str | None) for value in objects for name in TEXTS) and all(
        isinstance(value.get(name), dict | str | None) for value in objects for name in OBJECTS
    )


def _first_input(view: Json) -> str:
    """Return the block id of the first input of a modal."""
    blocks = view.get("blocks")
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, dict) and block.get("type") == "input":
            return get_text(block, "block_id")
    return ""


# --- Errors -------------------------------------------------------------------------------------------------------


def error_response(context: Context, error: Exception, body: Json) -> BoltResponse:
    """Return the response after an error: 503 for an event that Slack should deliver again, else a notice."""
    if isinstance(error, MalformedRequest) or _raised_in_bolt(error):
        log.info("malformed request: %s", type(error).__name__)
        return BoltResponse(status=400)
    expected = isinstance(error, ServiceUnavailable | RetryLater | OutcomeUnknown | SlackError | aiohttp.ClientError)
    level = logging.WARNING if expected else logging.ERROR
    log.log(level, "request failed: %s", type(error).__name__, exc_info=None if expected else error)
    if body.get("type") == "event_callback":
        again = isinstance(error, ServiceUnavailable | RetryLater)  # it is not processed twice
        return BoltResponse(status=503 if again else 200)
    return _notice_response(context, body, "notice.error")


def _raised_in_bolt(error: BaseException) -> bool:
    """Return whether bolt raised the error and not a listener. It does not for requests from Slack."""
    modules = (str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__))
    packages = [name.partition(".")[0] for name in modules]
    return [name for name in packages if name in {"adapters", "slack_bolt"}][-1:] == ["slack_bolt"]


def _notice_response(context: Context, body: Json, id: str) -> BoltResponse:
    """Tell the person who acted the text `id` in all languages, as theirs cannot be looked up."""
    message = {"response_type": "ephemeral", "text": _in_languages(id, languages()), "replace_original": False}
    if "command" in body:
        return BoltResponse(status=200, body=json.dumps(message))
    url = body.get("response_url")
    if isinstance(url, str):
        context.tasks.start(context.api.respond(url, message))
    return BoltResponse(status=200)


def _in_languages(id: str, languages: Iterable[str]) -> str:
    return "\n".join(translations(language)(id) for language in languages)
