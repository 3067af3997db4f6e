"""What shall go wrong with calls to the stand-in of Slack."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from adapters.playground.slack.rules import SlackError


@dataclass
class Fault:
    """What goes wrong with the next `times` (None: all) calls of a method ("*": any, "response_url").

    `error`: refused with that name, HTTP 200 unless `status` is given. `status` alone: that status with a
    body that is not JSON. `retry_after`: 429. `drop`: the connection closes with no answer, `before` or `after`
    the call took effect. `delay`: seconds before anything else; alone it only slows. `effect`: the call is
    carried out although the answer says otherwise. `hold`: seconds between doing it and the answer, which may then
    find nobody waiting. `match(args)` narrows it. Nothing of these: status 500.
    """

    method: str
    times: int | None = 1
    status: int | None = None
    error: str | None = None
    retry_after: int | None = None
    drop: Literal["before", "after"] | None = None
    delay: float = 0.0
    effect: bool = False
    match: Callable[[Any], bool] | None = None
    hold: float = 0.0
    hits: int = 0

    def takes(self, method: str, args: Any) -> bool:
        left = self.times is None or self.hits < self.times
        return left and self.method in ("*", method) and (self.match is None or self.match(args))

    def cancel(self) -> None:
        self.times = self.hits

    def refusal(self) -> SlackError | None:
        if self.retry_after is not None:
            return SlackError("ratelimited", 429, {"Retry-After": str(self.retry_after)})
        if self.error:
            return SlackError(self.error, self.status or 200)
        if self.status or not (self.drop or self.delay or self.hold):
            return SlackError("internal_error", self.status or 500)
        return None
