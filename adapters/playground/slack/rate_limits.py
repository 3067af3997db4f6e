"""How often Slack lets an app call: one message a second and channel, and tiers of calls a minute and method."""

import math
from collections import defaultdict, deque

from adapters.playground.slack.models import Clock
from adapters.playground.slack.rules import SlackError

TIERS = {3: 50, 4: 100}
"""Calls a minute, per method and workspace."""


class RateLimits:
    """Both limits, each with its own switch; refused calls do not count."""

    def __init__(self, clock: Clock, on: bool = False, burst: int = 1) -> None:
        self.clock = clock
        self.messages = self.tiers = on
        self.burst = burst
        """Messages a channel takes at once before the pace of one a second holds."""
        self._free_at: dict[str, float] = {}
        self._calls: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    def message(self, channel_id: str) -> None:
        """Counts one message into the channel. Raises `ratelimited`."""
        if not self.messages:
            return
        now = self.clock()
        free_at = max(self._free_at.get(channel_id, now), now)
        wait = free_at - now - (self.burst - 1)
        if wait > 0:
            raise _ratelimited(wait)
        self._free_at[channel_id] = free_at + 1.0

    def call(self, method: str, team_id: str, tier: int | None) -> None:
        """Counts one call. Raises `ratelimited`."""
        if not self.tiers or tier is None:
            return
        now, calls = self.clock(), self._calls[method, team_id]
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= TIERS[tier]:
            raise _ratelimited(calls[0] + 60 - now)
        calls.append(now)


def _ratelimited(seconds: float) -> SlackError:
    return SlackError("ratelimited", 429, {"Retry-After": str(max(1, math.ceil(seconds)))})
