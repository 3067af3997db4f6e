"""Slack's rate limits: one message per second and channel, and tiers of calls per minute and method."""

from collections import defaultdict, deque

from adapters.playground.simulator import Clock
from adapters.playground.slack.errors import rate_limited

TIERS = {3: 50, 4: 100}
"""Tier -> calls per minute, for each method and workspace."""


class RateLimits:
    """`messages` and `tiers` switch the two limits. Rate-limited calls do not count."""

    def __init__(self, clock: Clock, on: bool = False, burst: int = 1) -> None:
        self.clock = clock
        self.messages = self.tiers = on
        self.burst = burst
        """Messages a channel takes at once, before the limit of one per second applies."""
        self._free_at: dict[str, float] = {}
        self._calls: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    def message(self, channel_id: str) -> None:
        """Count a message. Raises `ratelimited`."""
        if not self.messages:
            return
        now = self.clock()
        free_at = max(self._free_at.get(channel_id, now), now)
        wait = free_at - now - (self.burst - 1)
        if wait > 0:
            raise rate_limited(wait)
        self._free_at[channel_id] = free_at + 1.0

    def call(self, method: str, team_id: str, tier: int | None) -> None:
        """Count a call. Raises `ratelimited`."""
        if not self.tiers or tier is None:
            return
        now, calls = self.clock(), self._calls[method, team_id]
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= TIERS[tier]:
            raise rate_limited(calls[0] + 60 - now)
        calls.append(now)
