"""Error responses of the Web API."""

import math
from typing import Any

from adapters.playground.simulator import PlatformError


class SlackError(PlatformError):
    """An error response. `code`: Slack's error code; `more`: further keys of the JSON body."""

    def __init__(self, code: str, status: int = 200, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(code, status, {"ok": False, "error": code, **more}, headers)
        self.more = more


def rate_limited(seconds: float) -> SlackError:
    return SlackError("ratelimited", 429, {"Retry-After": str(math.ceil(seconds))})
