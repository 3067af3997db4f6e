"""Rate limits per person and tenant: token buckets in memory, of bounded size.

Each replica counts on its own. With three replicas behind a round-robin load balancer, a person can do three times as
much. That is enough: the limits are against scripts and broken clients, not against people.

A bucket is one number, the time at which it will be full again (generic cell rate algorithm). A full bucket is the same
as none, so that the least recently used one can be dropped.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from adapters.ports import Decision
from adapters.shared.cache import TtlCache

PERSON_BURST = 10.0
"""Size of a person's bucket, in seconds at their rate: for a double press, or a form filled in quickly."""
TENANT_BURST = 30.0
"""Size of a tenant's bucket, in seconds: at the default rate, a thousand people may press at once."""
NOTICE_INTERVAL = 5.0
"""Seconds between two notices to a person whose events are rejected."""
MAX_ENTRIES = 20_000
"""Maximum buckets of people, of tenants, and notices. About 16 MB in all."""


class RateLimiter:
    """Limits events. `person`, `tenant`: events per second; 0: no limit. `clock`: returns seconds."""

    def __init__(self, person: float, tenant: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._person_buckets = _Buckets(person, person * PERSON_BURST)
        self._tenant_buckets = _Buckets(tenant, tenant * TENANT_BURST)
        self._notices: TtlCache[Hashable, bool] = TtlCache(NOTICE_INTERVAL, MAX_ENTRIES, clock)
        self._clock = clock

    def check_rate_limit(self, tenant: str, person: str) -> Decision:
        """Count an event. Rejected events do not count, so that a person who goes on still gets their rate."""
        now, key = self._clock(), (tenant, person)
        # The person first: a person who is rejected takes nothing from the tenant.
        if self._person_buckets.has_token(key, now) and self._tenant_buckets.has_token(tenant, now):
            self._person_buckets.take_token(key, now)
            self._tenant_buckets.take_token(tenant, now)
            return Decision.ALLOW
        if self._notices.get(key):
            return Decision.DROP
        self._notices.set(key, True)
        return Decision.REJECT


class _Buckets:
    """Buckets by key. `burst`: how many events a full bucket allows, at least one."""

    def __init__(self, rate: float, burst: float) -> None:
        self._seconds_per_event = 1 / rate if rate else 0.0
        self._tolerance = max(burst - 1, 0.0) * self._seconds_per_event + 1e-6  # for rounding
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def has_token(self, key: Hashable, now: float) -> bool:
        return self._full_at.get(key, now) <= now + self._tolerance

    def take_token(self, key: Hashable, now: float) -> None:
        if self._seconds_per_event:
            self._full_at[key] = max(self._full_at.get(key, now), now) + self._seconds_per_event
            self._full_at.move_to_end(key)
            if len(self._full_at) > MAX_ENTRIES:
                self._full_at.popitem(last=False)
