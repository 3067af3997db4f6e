"""A bounded in-memory cache whose entries expire."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """At most `max_entries` values, each for `ttl` seconds. The least recently set one is dropped first."""

    def __init__(self, ttl: float, max_entries: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl = ttl
        self._max_entries = max_entries
        self._clock = clock
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Return the value of `key`, None when it is missing or expired."""
        expires, value = self._entries.get(key, (0.0, None))
        return value if self._clock() < expires else None

    def set(self, key: K, value: V) -> None:
        """Store a value for `ttl` seconds from now."""
        self._entries[key] = (self._clock() + self._ttl, value)
        self._entries.move_to_end(key)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)

    def delete(self, key: K) -> None:
        """Remove a value, if there is one."""
        self._entries.pop(key, None)
