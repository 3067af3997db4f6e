"""Slack's rate limit of messages: one per second and channel. Those of its methods are not simulated."""

from adapters.playground.simulator import Clock
from adapters.playground.slack.errors import rate_limited


class RateLimits:
    """`messages` switches the limit. A rate-limited message does not count."""

    def __init__(self, clock: Clock, on: bool = False, burst: int = 1) -> None:
        self.clock = clock
        self.messages = on
        self.burst = burst
        """Messages a channel takes at once, before the limit of one per second applies."""
        self._free_at: dict[str, float] = {}

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
