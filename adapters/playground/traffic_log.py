"""A log of the requests between the simulators and the app, for the page."""

import itertools
import json
import re
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.typedefs import Handler

from adapters.playground.simulator import Exchange, Json

APP = "CM Advisor"
MAX_ENTRIES = 300
_SECRET_KEYS = ("token", "secret", "password", "trigger_id", "response_url", "signature", "authorization")
_SECRET_TEXT = re.compile(r"(xox[a-z]\S?-|xapp-|eyJ|/response/)[\w.\-]+")
"""Tokens, and response URLs, which accept posts from anybody who has them."""


class TrafficLog:
    """The last `MAX_ENTRIES` requests, as JSON without secrets. `changed` is called after each."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.id = token_hex(4)
        self.entries: deque[Json] = deque(maxlen=MAX_ENTRIES)
        self._changed = changed
        self._numbers = itertools.count(1)

    def add_exchange(self, platform: str, path: str, exchange: Exchange) -> None:
        """Add a request of a simulator to the app."""
        payload = exchange.payload
        event = payload.get("event") or {}
        names = (event.get("type"), *(payload.get(key) for key in ("command", "name", "type")), exchange.kind)
        head = {"from": platform, "to": APP, "path": path, "label": str(next(filter(None, names)))}
        self._add(head, exchange.status, exchange.seconds, payload, exchange.answer)

    def middleware(self, platform: str) -> Any:
        """Return a middleware that logs the app's calls to a simulator."""

        @web.middleware
        async def log_call(request: web.Request, handler: Handler) -> web.StreamResponse:
            raw, started = await request.read(), time.perf_counter()
            response = await handler(request)
            body = _parse(response.body) if isinstance(response, web.Response) and response.body else None
            path, seconds = redacted(request.path), time.perf_counter() - started
            head = {"from": APP, "to": platform, "path": path, "label": f"{request.method} {path.rsplit('/', 1)[-1]}"}
            self._add(head, response.status, seconds, _parse(raw), body)
            return response

        return log_call

    def _add(self, head: Json, status: int | None, seconds: float, request: Any, response: Any) -> None:
        times = {"n": next(self._numbers), "at": datetime.now(UTC).isoformat(timespec="milliseconds")}
        result = {"status": status, "ms": round(seconds * 1000, 1)}
        bodies = {"request": redacted(request), "response": redacted(response)}
        self.entries.append(times | head | result | bodies)
        self._changed()


def redacted(value: Any, key: str = "") -> Any:
    """Return a copy in which secrets are cut to their first characters."""
    if isinstance(value, dict):
        return {key: redacted(item, str(key).lower()) for key, item in value.items()}
    if isinstance(value, list):
        return [redacted(item, key) for item in value]
    if not isinstance(value, str):
        return value
    return f"{value[:5]}…" if any(word in key for word in _SECRET_KEYS) else _SECRET_TEXT.sub(r"\1…", value)


def _parse(body: Any) -> Any:
    """Parse a body: JSON, or a form whose fields may be JSON."""
    text = bytes(body).decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return {key: _json(value) for key, value in parse_qsl(text)} or text


def _json(value: str) -> Any:
    try:
        return json.loads(value) if value[:1] in "[{" else value
    except ValueError:
        return value
