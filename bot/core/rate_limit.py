"""How much one person and one tenant may ask of this replica: token buckets in memory, of bounded size.

Each replica counts for itself, so that nothing is shared and nothing is waited for: with three replicas behind a
balancer that takes turns, a person may do up to three times as much. The limits are there for scripts and broken
clients, not for people, and a factor of three is nothing to those.

A bucket is one number, the moment at which it will be full again (the generic cell rate algorithm). A full bucket is
the same as one never seen, so the least recently used may always be dropped.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from adapters.ports import Decision

PERSON_BURST = 10.0
"""Seconds' worth of a person's rate at once: a double press, a form filled quickly."""
TENANT_BURST = 30.0
"""Seconds' worth of a tenant's: a thousand people who press at once are let in."""
NOTICE_INTERVAL = 5.0
"""Seconds between two words to somebody who is refused."""
MAX_ENTRIES = 20_000
"""Buckets of persons, of tenants, and last words: kept of each, about 16 MB in all."""


class RateLimiter:
    """One for the process. `person`, `tenant`: events a second in the long run; 0 lets everything in."""

    def __init__(self, person: float, tenant: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._persons = _Buckets(person, person * PERSON_BURST)
        self._tenants = _Buckets(tenant, tenant * TENANT_BURST)
        self._told: OrderedDict[Hashable, float] = OrderedDict()
        self._clock = clock

    def check_rate_limit(self, tenant: str, person: str) -> Decision:
        """Count one event. What is refused counts for nothing: whoever hammers still gets their rate."""
        now, who = self._clock(), (tenant, person)
        # The person first: one who asks too much takes nothing from their colleagues.
        if self._persons.holds(who, now) and self._tenants.holds(tenant, now):
            self._persons.take(who, now)
            self._tenants.take(tenant, now)
            return Decision.ALLOW
        told = self._told.get(who)
        if told is not None and now < told + NOTICE_INTERVAL:
            return Decision.DROP
        _keep(self._told, who, now)
        return Decision.REJECT


class _Buckets:
    """Buckets of one size, by key. `burst`: how many events a full one holds, at least one."""

    def __init__(self, rate: float, burst: float) -> None:
        self._each = 1 / rate if rate else 0.0  # seconds it takes to win one event back
        self._slack = max(burst - 1, 0.0) * self._each + 1e-6  # thirds do not add up to one
        self._full: OrderedDict[Hashable, float] = OrderedDict()

    def holds(self, key: Hashable, now: float) -> bool:
        return self._full.get(key, now) <= now + self._slack

    def take(self, key: Hashable, now: float) -> None:
        if self._each:
            _keep(self._full, key, max(self._full.get(key, now), now) + self._each)


def _keep(known: OrderedDict[Hashable, float], key: Hashable, value: float) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > MAX_ENTRIES:
        known.popitem(last=False)
