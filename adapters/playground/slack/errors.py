"""Error responses of the Web API."""

import math
from typing import Any

from adapters.playground.simulator import Fault


class SlackError(Exception):
    """An error response. `name`: Slack's error code; `more`: further keys of the JSON body."""

    def __init__(self, name: str, status: int = 200, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(name)
        self.name, self.status, self.headers, self.more = name, status, headers or {}, more


def injected_error(fault: Fault) -> SlackError:
    """Return the error that a fault asks for: 429 for `retry_after`, else `error`, else its status."""
    if fault.retry_after is not None:
        return SlackError("ratelimited", 429, {"Retry-After": str(math.ceil(fault.retry_after))})
    if fault.error:
        return SlackError(fault.error, fault.status or 200)
    return SlackError("internal_error", fault.status or 500)
