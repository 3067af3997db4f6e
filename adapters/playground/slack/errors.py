"""Error responses of the Web API."""

import math
from typing import Any


class SlackError(Exception):
    """An error response. `name`: Slack's error code; `more`: further keys of the JSON body."""

    def __init__(self, name: str, status: int = 200, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(name)
        self.name, self.status, self.headers, self.more = name, status, headers or {}, more


def rate_limited(seconds: float) -> SlackError:
    return SlackError("ratelimited", 429, {"Retry-After": str(math.ceil(seconds))})
