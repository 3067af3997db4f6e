"""What went over the wire between the platforms' stand-ins and the app, for whoever wants to see it."""

import itertools
import re
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

Json = dict[str, Any]

MAX_ENTRIES = 300
_SECRET = ("token", "secret", "password", "trigger_id", "response_url", "signature", "authorization")
_SECRET_WORDS = re.compile(r"(xox[a-z]\S?-|xapp-|eyJ|/response/)[\w.\-]+")
"""In whatever field: tokens, and the addresses to answer at, which anybody could post to who knew them."""


class TrafficLog:
    """The last `MAX_ENTRIES` exchanges, as JSON with every secret cut short. `changed`: called after each."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.id = token_hex(4)
        self.entries: deque[Json] = deque(maxlen=MAX_ENTRIES)
        self._changed = changed
        self._numbers = itertools.count(1)

    def note(
        self,
        parties: tuple[str, str],
        path: str,
        label: str,
        status: int | None,
        seconds: float,
        told: Any,
        answer: Any,
    ) -> None:
        """Note one exchange. `parties`: who asked, and whom. `status` None: there was no answer."""
        self.entries.append(
            {
                "n": next(self._numbers),
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "from": parties[0],
                "to": parties[1],
                "path": path,
                "label": label,
                "status": status,
                "ms": round(seconds * 1000, 1),
                "request": redacted(told),
                "response": redacted(answer),
            }
        )
        self._changed()

    def listen(self, platform: str, read: Callable[[Any], Any]) -> Any:
        """Return a middleware that notes every call the app makes to a stand-in."""

        @web.middleware
        async def noting(request: web.Request, handler: Handler) -> web.StreamResponse:
            raw, began = await request.read(), time.perf_counter()
            response = await handler(request)
            body = read(response.body) if isinstance(response, web.Response) and response.body else None
            path, seconds = redacted(request.path), time.perf_counter() - began
            label = f"{request.method} {path.rsplit('/', 1)[-1]}"
            self.note(("CM Advisor", platform), path, label, response.status, seconds, read(raw), body)
            return response

        return noting


def redacted(value: Any, name: str = "") -> Any:
    """Return a copy in which secrets are told by their first letters."""
    if isinstance(value, dict):
        return {key: redacted(one, str(key).lower()) for key, one in value.items()}
    if isinstance(value, list):
        return [redacted(one, name) for one in value]
    if not isinstance(value, str):
        return value
    return f"{value[:5]}…" if any(word in name for word in _SECRET) else _SECRET_WORDS.sub(r"\1…", value)
