"""The bounded cache whose entries expire."""

from adapters.shared.cache import TtlCache


def test_entries_expire_and_the_oldest_is_dropped() -> None:
    now = 0.0
    cache = TtlCache[str, int](10, max_entries=2, clock=lambda: now)
    cache.set("a", 1)
    cache.set("b", 2)
    cache.set("a", 3)
    cache.set("c", 4)
    assert [cache.get(key) for key in "abc"] == [3, None, 4]
    cache.delete("c")
    assert cache.get("c") is None
    now = 10.0
    assert cache.get("a") is None
